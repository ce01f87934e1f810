//! `process`, `restore`, `info`, `reindex`: every byte comes back, nothing twice, whatever is thrown at it.

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::world::{World, of};

fn lines(count: usize) -> String {
    (0..count)
        .map(|number| format!("2026-11-20 10:{:02}:{:02} INFO worker {number} done\n", number / 60 % 60, number % 60))
        .collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_byte_comes_back_whatever_it_is() {
    let world = World::new();
    let mut random = vec![0u8; 100_000];
    let mut state = 1u32;
    for byte in &mut random {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    }
    let long = "x".repeat(18 << 20);
    let inputs: [(&str, Vec<u8>); 9] = [
        ("empty", Vec::new()),
        ("newlines", b"\n\n\r\n\n".to_vec()),
        ("crlf", b"one\r\ntwo\r\n".to_vec()),
        ("no end", b"2026-11-20 10:00:00 INFO no end".to_vec()),
        ("nul", b"a\0b\n\0\n".to_vec()),
        ("latin1", b"caf\xe9 \xff\xfe\n".to_vec()),
        ("random", random),
        ("long line", long.into_bytes()),
        ("deep/er/trace.log", b"2026-11-20 10:00:00 ERROR boom\n\tat a.b.C(C.java:1)\nCaused by: x\n".to_vec()),
    ];
    for (name, bytes) in &inputs {
        world.write(&format!("in/{name}"), bytes);
    }
    let summary = world.json(&["process", "in", "--json"]);
    assert_eq!(summary["inputs"], 9);
    assert_eq!(summary["raw_bytes"], inputs.iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>());
    let run = world.ok(&["restore", "out"]);
    assert!(run.stderr.contains("9 with the SHA-256"), "{}", run.stderr);
    for (name, bytes) in &inputs {
        assert_eq!(&std::fs::read(world.path(&format!("out/in/{name}"))).unwrap(), bytes, "{name}");
    }
    let hit = world.ok(&["search", "--json", "boom"]);
    let record: serde_json::Value = serde_json::from_str(hit.stdout.trim()).unwrap();
    assert!(record["raw"].as_str().unwrap().contains("Caused by"), "a stack trace is one record: {record}");
}

#[test]
fn members_of_bundles_are_inputs_and_what_is_refused_is_named() {
    let world = World::new();
    let mut builder = tar::Builder::new(Vec::new());
    for (name, text) in [("logs/a.log", "alpha\n"), ("logs/b.log.gz", "")] {
        let bytes = if text.is_empty() { gzip(b"beta\n") } else { text.as_bytes().to_vec() };
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, "logs/link", "/etc/passwd").unwrap();
    world.write("bundle.bin", zstd::encode_all(&builder.into_inner().unwrap()[..], 3).unwrap());
    let run = world.run(&["process", "bundle.bin", "--json"]);
    assert_eq!(run.code, 2, "something was refused, so the run is incomplete: {}", run.stderr);
    let summary: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(summary["inputs"], 2);
    assert_eq!(summary["refused"][0]["name"], "bundle.bin/logs/link");
    world.ok(&["restore", "out"]);
    assert_eq!(std::fs::read(world.path("out/bundle.bin/logs/a.log")).unwrap(), b"alpha\n");
    assert_eq!(std::fs::read(world.path("out/bundle.bin/logs/b.log")).unwrap(), b"beta\n");
    let again = world.ok(&["process", "bundle.bin", "--json"]);
    assert!(again.stderr.contains("1 file already archived"), "{}", again.stderr);
}

#[test]
fn a_second_run_takes_only_what_is_new() {
    let world = World::new();
    let text = lines(500);
    world.write("a.log", &text);
    world.write("empty.log", "");
    world.ok(&["process", "a.log", "empty.log"]);
    let unchanged = world.json(&["process", "a.log", "empty.log", "--json"]);
    assert_eq!((unchanged["records"].as_u64(), unchanged["unchanged"].as_u64()), (Some(0), Some(2)));
    assert_eq!(unchanged["inputs"], 0, "an empty file is known too");
    world.write("empty.log", "2026-11-20 10:59:00 INFO no longer empty\n");
    let grown = world.json(&["process", "empty.log", "--json"]);
    assert_eq!((grown["inputs"].as_u64(), grown["grown"].as_u64()), (Some(0), Some(1)));
    world.write("copy.log", &text);
    let copy = world.ok(&["process", "copy.log", "--json"]);
    assert!(copy.stderr.contains("has the bytes of 'a.log'"), "{}", copy.stderr);
    world.write("a.log", text.clone() + "2026-11-20 11:00:00 WARN appended\n");
    let grown = world.json(&["process", "a.log", "--json"]);
    assert_eq!(
        (grown["records"].as_u64(), grown["grown"].as_u64(), grown["inputs"].as_u64()),
        (Some(1), Some(1), Some(0))
    );
    world.write("a.log", "another file of this name\n");
    let other = world.json(&["process", "a.log", "--json"]);
    assert_eq!(other["inputs"], 1);
    world.ok(&["restore", "out"]);
    assert!(world.path("out/a.log~2").is_file(), "the second file of a name has its own");
    assert_eq!(world.json(&["info", "--json"])["records"], 503);
}

#[test]
fn the_same_input_gives_the_same_bytes_at_any_thread_count() {
    let world = World::new();
    world.ok(&["generate", "--lines", "30000", "--output", "in.log"]);
    let mut seen = Vec::new();
    for threads in ["1", "2", "5"] {
        let data = format!("data{threads}");
        world.ok(&["process", "in.log", "--threads", threads, "--data", &data, "--index", &format!("index{threads}")]);
        let mut segments: Vec<_> = std::fs::read_dir(world.path(&data).join("segments"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.file_name().unwrap().to_owned(), std::fs::read(path).unwrap()))
            .collect();
        segments.sort();
        seen.push(segments);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
}

#[test]
fn killed_at_any_moment_the_next_run_has_every_line_once() {
    let world = World::new();
    let text: String =
        (0..400_000).map(|number| format!("2026-11-20T10:00:00Z INFO request {number} served\n")).collect();
    world.write("in.log", &text);
    let mut kills = 0;
    let mut random = StdRng::seed_from_u64(11);
    for kill in 1..=10u64 {
        let wait = random.random_range(10..150 * kill);
        let mut child = world.command(&["process", "in.log", "--no-detect"]).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        kills += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(kills > 2, "the machine is so fast that no run was killed: make the input longer");
    world.ok(&["process", "in.log", "--no-detect"]);
    world.ok(&["restore", "out"]);
    assert!(std::fs::read(world.path("out/in.log")).unwrap() == text.as_bytes(), "restored bytes differ");
    assert_eq!(world.json(&["info", "--json"])["records"], 400_000);
    let count = world.ok(&["search", "--count", "request"]);
    assert_eq!(count.stdout.trim(), "400000");
    let verified = world.ok(&["verify"]);
    assert!(verified.stdout.contains("400,000 of 400,000 re-hashed"), "{}", verified.stdout);
    let account = world.json(&["account", "--json"]);
    assert_eq!(account["inputs"].as_array().unwrap().len(), 1, "{account}");
    assert_eq!(account["inputs"][0]["read_lines"], 400_000);
}

#[test]
fn a_torn_log_and_a_stray_segment_are_set_aside_and_reported() {
    let world = World::new();
    world.write("a.log", lines(100));
    world.ok(&["process", "a.log"]);
    let custody = world.path("data/custody.jsonl");
    let mut log = std::fs::OpenOptions::new().append(true).open(&custody).unwrap();
    log.write_all(b"0123 {\"n\":9,\"half an en").unwrap();
    std::fs::write(world.path("data/segments/stray.seg"), b"not named by any commit").unwrap();
    let read = world.run(&["search", "--count", "worker"]);
    assert_eq!(read.stdout.trim(), "100", "a reader goes on: {}", read.stderr);
    assert!(read.stderr.contains("never finished"), "and says what it saw: {}", read.stderr);
    world.write("b.log", lines(7));
    let run = world.ok(&["process", "b.log"]);
    assert_eq!(run.stderr.matches("recovered:").count(), 2, "{}", run.stderr);
    assert_eq!(std::fs::read_dir(world.path("data/set-aside")).unwrap().count(), 2);
    assert_eq!(world.json(&["info", "--json"])["records"], 107);
}

#[test]
fn a_deleted_or_damaged_index_changes_no_answer() {
    let world = World::new();
    world.write("a.log", lines(5_000));
    world.ok(&["process", "a.log"]);
    let expected = world.ids("worker 77", &[]);
    assert_eq!(expected.len(), 1);
    for entry in std::fs::read_dir(world.path("index")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "term") {
            let mut bytes = std::fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x40;
            std::fs::write(&path, bytes).unwrap();
        }
    }
    let damaged = world.run(&["search", "--count", "worker 77"]);
    assert_eq!(damaged.stdout.trim(), "1");
    assert!(damaged.stderr.contains("reindex"), "{}", damaged.stderr);
    std::fs::remove_dir_all(world.path("index")).unwrap();
    assert_eq!(world.ids("worker 77", &[]), expected);
    world.ok(&["reindex"]);
    let whole = world.run(&["search", "--count", "worker 77"]);
    assert!(!whole.stderr.contains("no index used"), "{}", whole.stderr);
    assert_eq!(whole.stdout.trim(), "1");
}

#[test]
fn a_damaged_row_group_is_named_and_the_rest_is_still_there() {
    let world = World::new();
    let text: String = (0..40_000).map(|number| format!("line number {number}\n")).collect();
    world.write("a.log", &text);
    world.ok(&["process", "a.log"]);
    world.damage_first_group();
    let run = world.run(&["search", "--count", "number"]);
    assert_eq!(run.code, 2, "an incomplete answer is no success");
    assert!(run.stderr.contains("records 0..=8191"), "{}", run.stderr);
    assert_eq!(run.stdout.trim(), "31808");
    let whole = world.run(&["restore", "whole"]);
    assert_eq!(whole.code, 2);
    let rest = "--keep-going writes what is readable of the other 31808 of 40000 records";
    assert!(whole.stderr.contains("row group 0, records 0..=8191") && whole.stderr.contains(rest), "{}", whole.stderr);
    let partly = world.run(&["restore", "partly", "--keep-going"]);
    assert_eq!(partly.code, 2);
    assert!(std::fs::read_to_string(world.path("partly/a.log")).unwrap().ends_with("line number 39999\n"));
    let gap: usize = text.split_inclusive('\n').take(8_192).map(str::len).sum();
    let said = format!("missing: a.log: bytes 0..={} of the input ({gap} bytes)", gap - 1);
    assert!(partly.stderr.contains(&said), "{}", partly.stderr);
    assert!(partly.stderr.contains("not identical: a.log"), "{}", partly.stderr);
}

#[test]
fn bad_use_is_one_sentence_and_exit_code_2() {
    let world = World::new();
    for (arguments, expected) in [
        (&["process", "missing.log"][..], "missing.log: no such file or folder"),
        (&["process", "*.none"], "no file matches this pattern"),
        (&["search", "x"], "no archive here; run 'logguard process PATH' first"),
        (&["info"], "no archive here"),
        (&["restore", "out"], "no archive here"),
        (&["process", "x", "--memory", "3MiB"], "must be 128MiB or more"),
        (&["process", "x", "--tz", "Mars"], "is no offset"),
    ] {
        let run = world.run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(run.stderr.contains(expected), "{arguments:?}: {}", run.stderr);
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    }
    world.write("a.log", lines(3));
    let run = world.run(&["process", "a.log", "--format", "no-such"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("no-such"), "{}", run.stderr);
    world.write("broken.toml", "[[format]]\nname = \"x\"\npattern = \"(\"\n");
    let run = world.run(&["process", "a.log", "--formats", "broken.toml"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("broken.toml"), "{}", run.stderr);
}

#[test]
fn a_store_of_another_version_or_under_lock_is_refused() {
    let world = World::new();
    world.write("a.log", lines(3));
    world.ok(&["process", "a.log"]);
    let lock = std::fs::File::options().write(true).open(world.path("data/lock")).unwrap();
    lock.lock().unwrap();
    let run = world.run(&["process", "a.log"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("another logguard is writing"), "{}", run.stderr);
    assert_eq!(world.ok(&["search", "--count", "worker"]).stdout.trim(), "3", "readers need no lock");
    drop(lock);
    use sha2::Digest;
    let json = r#"{"n":0,"prev":"","at":"2026-11-20T12:00:00Z","kind":"create","version":9,"tool":"x"}"#;
    let hash: String = sha2::Sha256::digest(json).iter().map(|byte| format!("{byte:02x}")).collect();
    world.write("data/custody.jsonl", format!("{hash} {json}\n"));
    for arguments in [&["search", "x"][..], &["process", "a.log"]] {
        let run = world.run(arguments);
        assert_eq!(run.code, 2);
        assert!(run.stderr.contains("format version 9, this logguard reads versions 2 to 4"), "{}", run.stderr);
    }
}

#[test]
fn follow_takes_up_what_is_appended_new_files_and_rotation() {
    let world = World::new();
    world.write("logs/a.log", "2026-11-20 10:00:00 INFO first\n");
    let mut command = world.command(&["process", "logs", "--follow"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let found = |word: &str| -> bool {
        let run = world.run(&["search", "--count", word]);
        run.stdout.trim() == "1"
    };
    let appears = |word: &str| {
        let started = Instant::now();
        while !found(word) {
            // Two seconds are promised; a loaded machine that runs all tests at once gets more.
            assert!(started.elapsed() < Duration::from_secs(20), "{word} does not appear");
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    appears("first");
    let append = |name: &str, text: &str| {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(world.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    append("logs/a.log", "2026-11-20 10:00:01 INFO second\n2026-11-20 10:00:02 INFO thi");
    appears("second");
    assert!(!found("thi"), "an unfinished line waits for its end");
    append("logs/a.log", "rd\n");
    appears("third");
    append("logs/b.log", "2026-11-20 10:00:03 INFO newfile\n");
    appears("newfile");
    std::fs::rename(world.path("logs/a.log"), world.path("logs/a.log.1")).unwrap();
    append("logs/a.log.1", "2026-11-20 10:00:04 INFO late\n");
    append("logs/a.log", "2026-11-20 10:00:05 INFO rotated\n");
    appears("late");
    appears("rotated");
    interrupt(child.id());
    let run = of(child.wait_with_output().unwrap());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("waiting for new logs"), "{}", run.stderr);
    assert!(run.stderr.contains("6 records"), "{}", run.stderr);
    world.ok(&["restore", "out"]);
    assert_eq!(
        std::fs::read(world.path("out/logs/a.log")).unwrap(),
        std::fs::read(world.path("logs/a.log.1")).unwrap()
    );
    let again = world.json(&["process", "logs", "--json"]);
    assert_eq!(again["records"], 0, "a later run knows what was followed: {again}");
}

/// Ctrl-C for a process that was started here.
pub fn interrupt(process: u32) {
    let status = std::process::Command::new("kill").args(["-INT", &process.to_string()]).status().unwrap();
    assert!(status.success());
}
