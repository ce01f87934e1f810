//! The prompt at a terminal: colours, completion, mistakes while typing, pauses, Ctrl-C, history from sitting to sitting.
#![cfg(unix)]

use std::process::Stdio;

use rexpect::session::{PtySession, spawn_command};

use super::world::{NOW, World};

/// Longest wait for what must come, in milliseconds; nothing is measured.
const PATIENCE: u64 = 30_000;

fn stored() -> World {
    let world = World::new();
    let line = |number: usize| {
        format!(
            "Nov 20 10:{:02}:{:02} web1 sshd[7]: Failed password for ann from 10.0.0.9 port {number} ssh2\n",
            number / 60,
            number % 60
        )
    };
    world.write("logs/auth.log", (0..200).map(line).collect::<String>());
    world.ok(&["process", "logs", "--now", NOW, "--year", "2026"]);
    world
}

fn open(world: &World) -> PtySession {
    let mut command = world.command(&["search", "--now", NOW]);
    command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
    // Takes the place of the empty input that the other tests give.
    command.stdin(Stdio::inherit());
    let mut session = spawn_command(command, Some(PATIENCE)).unwrap();
    session.exp_string("LogSearch > ").unwrap();
    session
}

fn leave(mut session: PtySession) {
    session.send_line("exit").unwrap();
    session.exp_eof().unwrap();
}

#[test]
fn matches_are_marked_and_the_line_comes_back_in_the_next_sitting() {
    let world = stored();
    let mut first = open(&world);
    first.send_line("failed | head 1").unwrap();
    first.exp_string("\x1b[1;33mFailed\x1b[0m").unwrap();
    first.exp_string("200 of 200 records match").unwrap();
    first.exp_string("LogSearch > ").unwrap();
    leave(first);
    let mut second = open(&world);
    // The line before the last one: the last one was "exit".
    second.send("\x1b[A\x1b[A").unwrap();
    second.flush().unwrap();
    second.exp_string("head").unwrap();
    second.send_line("").unwrap();
    second.exp_string("200 of 200 records match").unwrap();
    second.exp_string("LogSearch > ").unwrap();
    leave(second);
}

#[test]
fn names_and_values_are_completed_and_mistakes_named_while_typing() {
    let world = stored();
    let mut session = open(&world);
    session.send("level:crit\t").unwrap();
    session.flush().unwrap();
    session.exp_string("critical").unwrap();
    // Ctrl-C empties the line and the prompt goes on.
    session.send_control('c').unwrap();
    session.exp_string("exit leaves").unwrap();
    session.send("levl:error x").unwrap();
    session.flush().unwrap();
    session.exp_string("did you mean level?").unwrap();
    session.send_control('c').unwrap();
    session.exp_string("exit leaves").unwrap();
    session.send_line("levl:error").unwrap();
    session.exp_string("unknown field 'levl'").unwrap();
    session.exp_string("LogSearch > ").unwrap();
    leave(session);
}

#[test]
fn a_long_answer_waits_at_the_end_of_the_screen() {
    let world = stored();
    let mut session = open(&world);
    session.send_line("* | timechart 1s").unwrap();
    session.exp_string("-- more").unwrap();
    session.send(" ").unwrap();
    session.flush().unwrap();
    session.exp_string("-- more").unwrap();
    session.send("q").unwrap();
    session.flush().unwrap();
    session.exp_string("LogSearch > ").unwrap();
    leave(session);
}

#[test]
fn exact_bytes_do_not_go_to_a_terminal() {
    let world = stored();
    let command = world.command(&["search", "failed", "--raw"]);
    let mut session = spawn_command(command, Some(PATIENCE)).unwrap();
    session.exp_string("could drive this terminal").unwrap();
    session.exp_eof().unwrap();
}
