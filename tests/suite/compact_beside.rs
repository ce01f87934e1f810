//! Sealing again beside others that work on the same archive: one that follows, one that asks, a second of its kind.

use std::fs::File;
use std::io::Write;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use logguard::engine::Store;

use crate::process::interrupt;
use crate::world::{World, of};

fn line(number: u64) -> String {
    let level = if number.is_multiple_of(97) { "ERROR" } else { "INFO" };
    format!(
        "2026-11-20T10:{:02}:{:02}Z {level} app[7]: user u{} took {} ms\n",
        number / 60 % 60,
        number % 60,
        number % 50,
        number * 3
    )
}

fn append(world: &World, lines: std::ops::Range<u64>) {
    let text: String = lines.map(line).collect();
    let mut file = File::options().append(true).create(true).open(world.path("app.log")).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn follow(world: &World) -> Child {
    let mut command = world.command(&["process", "--follow", "--seal", "fast", "app.log"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until so many records are committed.
fn wait_for(world: &World, records: u64) {
    let started = Instant::now();
    while world.run(&["search", "--count", "*"]).stdout.trim() != records.to_string() {
        // Two seconds are promised; a loaded machine that runs all tests at once gets more.
        assert!(started.elapsed() < Duration::from_secs(30), "{records} records do not appear");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Id and line of each record.
fn records(world: &World) -> Vec<(u64, String)> {
    let run = world.ok(&["search", "--json", "*"]);
    let mut records: Vec<(u64, String)> = run
        .stdout
        .lines()
        .map(|line| {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            (record["id"].as_u64().unwrap(), record["raw"].as_str().unwrap().to_owned())
        })
        .collect();
    records.sort();
    records
}

fn segments(world: &World) -> usize {
    std::fs::read_dir(world.path("data/segments")).unwrap().count()
}

#[test]
fn a_log_is_followed_while_its_archive_is_sealed_again() {
    let world = World::new();
    append(&world, 0..300);
    let child = follow(&world);
    let mut known = 0;
    for round in 0..3u64 {
        // Each of these is a segment of its own.
        for part in 1..=3 {
            let end = 300 + (round * 3 + part) * 100;
            wait_for(&world, end - 100);
            append(&world, end - 100..end);
            wait_for(&world, end);
        }
        known = 300 + (round + 1) * 300;
        let before = records(&world);
        assert!(segments(&world) > 2, "there is nothing to join");
        let run = world.ok(&["compact"]);
        assert!(run.stderr.contains("segments became 1"), "{}", run.stderr);
        assert_eq!(segments(&world), 1);
        assert_eq!(records(&world), before);
    }
    interrupt(child.id());
    let run = of(child.wait_with_output().unwrap());
    assert_eq!(run.code, 0, "{}", run.stderr);
    let expected: Vec<(u64, String)> = (0..known).map(|id| (id, line(id).trim_end().to_owned())).collect();
    assert_eq!(records(&world), expected);
    assert_eq!(world.ids("u7", &[]), world.ids("u7", &["--scan"]));
    let verified = world.json(&["verify", "--json"]);
    assert_eq!(verified["strays"], serde_json::json!([]));
    assert!(!world.path("data/set-aside").exists());
    world.ok(&["account"]);
    let again = world.json(&["process", "app.log", "--json"]);
    assert_eq!(again["records"], 0, "a later run knows what was followed: {again}");
}

#[test]
fn a_second_of_a_kind_is_refused_in_one_sentence() {
    let world = World::new();
    append(&world, 0..300);
    let child = follow(&world);
    wait_for(&world, 300);
    for (arguments, what) in [
        (&["process", "app.log"][..], "is writing to this archive"),
        (&["rescore"], "is writing to this archive"),
        (&["reindex"], "is writing to this archive"),
    ] {
        let run = world.run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}");
        assert_eq!(run.stderr.trim().lines().count(), 1, "{}", run.stderr);
        assert!(run.stderr.contains(what), "{}", run.stderr);
    }
    // As one that seals again holds it.
    let lock = File::options().write(true).open(world.path("data/lock.segments")).unwrap();
    lock.lock().unwrap();
    let run = world.run(&["compact"]);
    assert_eq!((run.code, run.stderr.trim().lines().count()), (2, 1), "{}", run.stderr);
    assert!(run.stderr.contains("another logguard is sealing segments of this archive again"), "{}", run.stderr);
    append(&world, 300..310);
    wait_for(&world, 310);
    drop(lock);
    interrupt(child.id());
    assert_eq!(of(child.wait_with_output().unwrap()).code, 0);
    world.ok(&["compact"]);
    world.ok(&["verify"]);
}

#[test]
fn an_open_reader_keeps_what_is_replaced() {
    let world = World::new();
    for part in 0..3 {
        append(&world, part * 200..(part + 1) * 200);
        world.ok(&["process", "--seal", "fast", "app.log"]);
    }
    let snapshot = Store::open(world.path("data"), world.path("index")).snapshot().unwrap();
    let run = world.ok(&["compact"]);
    assert!(run.stderr.contains("3 replaced files still being read"), "{}", run.stderr);
    let read: Vec<u8> =
        snapshot.groups().iter().flat_map(|group| snapshot.lines(group).unwrap().bytes().to_vec()).collect();
    assert_eq!(read, std::fs::read(world.path("app.log")).unwrap());
    assert_eq!(segments(&world), 4);
    let verified = world.json(&["verify", "--json"]);
    assert_eq!(verified["strays"], serde_json::json!([]), "they wait, and are no strays");
    // One that rests is refreshed before it reads.
    let resting = snapshot.resting();
    drop(snapshot);
    world.ok(&["compact"]);
    assert_eq!(segments(&world), 1);
    let now = resting.refreshed().unwrap();
    assert_eq!(now.lines(&now.groups()[0]).unwrap().bytes(), read);
    assert!(!world.path("data/set-aside").exists());
}

/// Records that the index has and records that it lacks come to lie in one row group.
#[test]
fn an_index_that_lags_behind_is_caught_up_after_sealing_again() {
    let world = World::new();
    append(&world, 0..500);
    world.ok(&["process", "--seal", "fast", "app.log"]);
    let copy = world.path("index.before");
    std::fs::create_dir(&copy).unwrap();
    for file in std::fs::read_dir(world.path("index")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }
    let mut file = File::options().append(true).open(world.path("app.log")).unwrap();
    file.write_all(b"2026-11-20T11:00:00Z ERROR app[7]: rm -rf / --no-preserve-root\n").unwrap();
    world.ok(&["process", "--seal", "fast", "app.log"]);
    std::fs::remove_dir_all(world.path("index")).unwrap();
    std::fs::rename(copy, world.path("index")).unwrap();
    world.ok(&["compact"]);
    append(&world, 600..700);
    world.ok(&["process", "--seal", "fast", "app.log"]);
    for query in ["u7", "preserve", "level:error", "anomaly:true", "rule:destructive-command"] {
        assert_eq!(world.ids(query, &[]), world.ids(query, &["--scan"]), "{query}");
    }
    let indexed = std::fs::read(world.path("index/words.filters")).unwrap().len();
    world.ok(&["reindex"]);
    let anew = std::fs::read(world.path("index/words.filters")).unwrap().len();
    assert!(indexed <= anew + anew / 8, "{indexed} bytes of words, {anew} when indexed anew: some are in it twice");
}

#[test]
fn where_no_archive_is_none_is_made() {
    let world = World::new();
    for command in ["compact", "rescore"] {
        let run = world.run(&[command]);
        assert_eq!(run.code, 2, "{command}");
        assert!(run.stderr.contains("no archive here"), "{}", run.stderr);
        assert!(!world.path("data").exists(), "{command}");
    }
}
