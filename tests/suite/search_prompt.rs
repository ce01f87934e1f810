//! The prompt from outside, without a terminal: commands that go on from the last answer.

use std::io::Write;
use std::process::Stdio;

use super::world::{NOW, Run, World, of};

fn stored() -> World {
    let world = World::new();
    let mut text = String::new();
    for number in 0..50 {
        let user = if number % 5 == 0 { "root" } else { "ann" };
        text.push_str(&format!(
            "Nov 20 10:{number:02}:00 web1 sshd[7]: Failed password for {user} from 10.0.0.{} port 4000 ssh2\n",
            number % 3
        ));
    }
    world.write("logs/auth.log", text);
    world.ok(&["process", "logs", "--now", NOW, "--year", "2026"]);
    world
}

fn prompt(world: &World, lines: &str) -> Run {
    let mut command = world.command(&["search", "--now", NOW]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    of(child.wait_with_output().unwrap())
}

#[test]
fn facets_count_the_values_of_the_whole_answer() {
    let world = stored();
    let run = prompt(&world, "failed | head 3\n:facets\n:facets user\n");
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert!(run.stdout.contains("ann 40  root 10"), "{}", run.stdout);
    assert!(run.stdout.contains("        40  ann\n        10  root\n"), "{}", run.stdout);
}

#[test]
fn a_saved_query_is_there_in_the_next_sitting() {
    let world = stored();
    let first = prompt(&world, "user:root | stats count\n:save roots\n:save bad/name\n");
    assert!(first.stdout.contains("roots is saved: user:root | stats count"), "{}", first.stdout);
    assert!(first.stdout.contains(":save needs a name of letters"), "{}", first.stdout);
    let second = prompt(&world, ":saved\n:run roots\n:forget roots\n:run roots\n");
    assert!(second.stdout.contains("10 of 50 records match"), "{}", second.stdout);
    assert!(second.stdout.contains("no query is saved as roots"), "{}", second.stdout);
    assert_eq!(second.code, 2, "one line could not be answered");
}

#[test]
fn the_whole_answer_is_exported_and_nothing_overwritten() {
    let world = stored();
    let run = prompt(&world, "user:ann\n:export hits.csv\n:export hits.csv\n:export hits\nexit\n");
    let said = &run.stdout;
    assert!(said.contains("40 records written to hits.csv") && said.contains("--force overwrites it"), "{said}");
    assert!(said.contains("end the name in .jsonl, .csv, .log or .txt"), "{said}");
    assert_eq!(std::fs::read_to_string(world.path("hits.csv")).unwrap().lines().count(), 41);
}

#[test]
fn pages_follow_each_other_and_end() {
    let world = stored();
    let run = prompt(&world, "user:ann\n:more\n:more\n");
    let shown = run.stdout.lines().filter(|line| line.contains("Failed password")).count();
    assert_eq!(shown, 40, "{}", run.stdout);
    assert!(run.stdout.contains("20 more; :more") && run.stdout.contains("that was all"), "{}", run.stdout);
    let none = prompt(&world, ":more\n");
    assert!(none.stdout.contains("there is no question yet") && none.code == 2, "{}", none.stdout);
}

#[test]
fn the_last_question_is_explained_and_a_record_seen_among_its_neighbours() {
    let world = stored();
    let run = prompt(&world, "failed -root\n:explain\n:context 10 1\n:context 99 1\n:tz +02:00\n:show 10\n");
    for expected in ["read as  (\"failed\" AND NOT \"root\")", ">      10 ", "there is no record 99", "12:10:00+02:00"]
    {
        assert!(run.stdout.contains(expected), "{expected}: {}", run.stdout);
    }
}

#[test]
fn a_chart_has_a_small_one_for_each_value() {
    let world = stored();
    let run = prompt(&world, "* | timechart 10m by user\n");
    assert!(run.stdout.contains("\nann   █████\n"), "{}", run.stdout);
}

#[test]
fn what_is_left_is_what_the_pipes_leave() {
    let world = stored();
    let run = prompt(&world, "failed | head 20\n");
    assert!(!run.stdout.contains(":more"), "{}", run.stdout);
    let sorted = prompt(&world, "failed | sort -port | head 30\n:more\n");
    assert!(sorted.stdout.contains("10 more; :more"), "{}", sorted.stdout);
    let near = prompt(&world, "failed | context 1\n:more\n:more\n:more\n");
    assert!(near.stdout.contains("30 more; :more") && near.stdout.contains("that was all"), "{}", near.stdout);
}

#[test]
fn the_archive_is_verified_from_the_prompt() {
    let world = stored();
    let run = prompt(&world, ":verify\nuser:root | stats count\n:verify now\n");
    assert!(
        run.stdout.contains("50 of 50 records re-hashed") && run.stdout.contains("SELF-CONSISTENT ONLY"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("10 of 50 records match"), "the prompt goes on: {}", run.stdout);
    assert!(run.stdout.contains(":verify takes nothing"), "{}", run.stdout);
}

#[test]
fn damage_is_found_from_the_prompt_and_the_prompt_goes_on() {
    let world = stored();
    let segment = std::fs::read_dir(world.path("data/segments")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let run = prompt(&world, ":verify\n:help\n");
    assert!(run.stdout.contains("BROKEN: ") && run.stdout.contains("FAIL "), "{}", run.stdout);
    assert!(run.stdout.contains(":verify  ") && run.code == 2, "{}", run.stdout);
}
