//! Archives in memory with flipped bits, and with logs that a forger has changed and chained anew.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use logguard::archive::{FileStorage, Snapshot, Storage};
use logguard::engine::{Counters, VerifyOptions, verify};
use serde_json::Value;

use super::{hex, lines, sha};
use crate::faulty_files::FaultyFiles;
use crate::world::World;

fn files_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// What verification says of an archive in memory: nothing where it is consistent.
fn sentences(files: &FaultyFiles) -> Vec<String> {
    let storage: Arc<dyn Storage> = Arc::new(FileStorage::over(files.clone()));
    match Snapshot::open(storage) {
        Ok(snapshot) => {
            let report = verify(&snapshot, &VerifyOptions::default(), &Counters::default()).unwrap();
            report.failures.into_iter().map(|failure| failure.what).collect()
        }
        Err(cause) => vec![cause.to_string()],
    }
}

#[test]
fn every_flipped_bit_of_every_file_is_found_and_its_file_named() {
    let world = World::new();
    world.write("a.log", lines("alpha", 6));
    world.write("b.log", "2026-11-20 10:00:00 ERROR beta\n\tat x.y\nno end");
    world.ok(&["process", "a.log", "b.log"]);
    let custody = world.path("data/custody.jsonl");
    let mut log = std::fs::OpenOptions::new().append(true).open(&custody).unwrap();
    log.write_all(b"0123 {\"n\":2,\"half").unwrap();
    drop(log);
    world.write("c.log", lines("gamma", 2));
    world.ok(&["process", "c.log"]);

    let all = files_below(&world.path("data"));
    let places: Vec<&str> = all.keys().map(|name| name.split('/').next().unwrap()).collect();
    let locks = ["lock", "lock.log", "lock.readers", "lock.segments"];
    assert!(locks.iter().all(|lock| all[*lock].is_empty()), "a lock holds no byte");
    let (found, rest): (Vec<&str>, Vec<&str>) = places.into_iter().partition(|place| locks.contains(place));
    assert_eq!(found, locks);
    assert_eq!(rest, ["custody.jsonl", "segments", "segments", "set-aside"], "{all:?}");
    let files = FaultyFiles::new(0);
    for (name, bytes) in &all {
        files.put(name, bytes);
    }
    assert_eq!(sentences(&files), Vec::<String>::new(), "before anything is flipped");
    let mut flips = 0;
    for (name, bytes) in &all {
        for at in 0..bytes.len() {
            for bit in 0..8 {
                files.flip(name, at, 1 << bit);
                let said = sentences(&files);
                assert!(said.iter().any(|sentence| sentence.contains(name)), "{name}, byte {at}, bit {bit}: {said:?}");
                files.flip(name, at, 1 << bit);
                flips += 1;
            }
        }
    }
    assert!(flips > 20_000, "only {flips} bits: the store is empty");
}

/// The chain alone can be made anew by anybody; what the entries say must still agree with the records.
#[test]
fn a_log_that_was_changed_and_chained_anew_does_not_fit_its_records() {
    let world = World::new();
    for name in ["a", "b", "c"] {
        world.write(&format!("{name}.log"), lines(name, 50));
        world.ok(&["process", &format!("{name}.log")]);
    }
    let all = files_below(&world.path("data"));
    let log = String::from_utf8(all["custody.jsonl"].clone()).unwrap();
    let entries: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line.split_once(' ').unwrap().1).unwrap()).collect();
    let judge = |entries: &[Value]| {
        let files = FaultyFiles::new(0);
        for (name, bytes) in &all {
            files.put(name, bytes);
        }
        let text: String = entries
            .iter()
            .enumerate()
            .map(|(number, entry)| {
                let mut entry = entry.clone();
                entry["n"] = number.into();
                format!("- {entry}\n")
            })
            .collect();
        files.put("custody.jsonl", chained(&text).as_bytes());
        sentences(&files).join("; ")
    };
    let event = |entries: &mut [Value], entry: usize, kind: &str| -> usize {
        entries[entry]["events"].as_array().unwrap().iter().position(|event| event["kind"] == kind).unwrap()
    };
    assert_eq!(judge(&entries), "", "chained anew without a change");

    let mut swapped = entries.clone();
    let (first, second) = (event(&mut swapped, 1, "commit"), event(&mut swapped, 2, "commit"));
    for part in ["file", "sha256", "bytes"] {
        let one = entries[1]["events"][first]["segments"][0][part].clone();
        let other = entries[2]["events"][second]["segments"][0][part].clone();
        swapped[1]["events"][first]["segments"][0][part] = other;
        swapped[2]["events"][second]["segments"][0][part] = one;
    }
    assert!(judge(&swapped).contains("root over the first 50 records is not the one recorded"), "{}", judge(&swapped));

    let mut dropped = entries.clone();
    dropped.remove(2);
    assert!(judge(&dropped).contains("contradicts those before it"), "{}", judge(&dropped));

    for (kind, part, value) in [("acquire", "path", "elsewhere.log"), ("run", "operator", "somebody else")] {
        let mut changed = entries.clone();
        let at = event(&mut changed, 2, kind);
        changed[2]["events"][at][part] = value.into();
        let said = judge(&changed);
        assert!(said.contains("root over the first 100 records is not the one recorded"), "{kind}: {said}");
    }

    let mut cursor = entries.clone();
    let at = event(&mut cursor, 3, "commit");
    cursor[3]["events"][at]["cursors"][0]["sha256"] = hex(&sha(b"other")).into();
    assert!(judge(&cursor).contains("input 'c.log': its records do not have the SHA-256"), "{}", judge(&cursor));
}

/// Whoever rebuilds a log can put any number into it: the answer is a sentence, never a panic or an endless loop.
#[test]
fn a_log_with_any_number_in_it_is_judged_without_harm() {
    let world = World::new();
    world.write("a.log", lines("alpha", 4_200));
    world.ok(&["process", "a.log"]);
    world.write("b.log", lines("beta", 3));
    world.ok(&["process", "b.log"]);
    let all = files_below(&world.path("data"));
    let log = String::from_utf8(all["custody.jsonl"].clone()).unwrap();
    let mut numbers = Vec::new();
    let mut at = 0;
    for word in log.split_inclusive(|letter: char| !letter.is_ascii_digit()) {
        let digits = word.trim_end_matches(|letter: char| !letter.is_ascii_digit());
        if !digits.is_empty() && log[..at].ends_with("\":") {
            numbers.push((at, digits.len()));
        }
        at += word.len();
    }
    assert!(numbers.len() > 40, "{} numbers", numbers.len());
    for (at, len) in numbers {
        for instead in ["0", "1", "4095", "4294967295", "18446744073709551615", "99999999999999999999999"] {
            let changed = format!("{}{instead}{}", &log[..at], &log[at + len..]);
            let files = FaultyFiles::new(0);
            for (name, bytes) in &all {
                files.put(name, bytes);
            }
            files.put("custody.jsonl", chained(&changed).as_bytes());
            let said = sentences(&files);
            assert!(said.iter().all(|sentence| !sentence.is_empty()));
        }
    }
}

/// The log with its hashes made anew, as a forger would.
fn chained(log: &str) -> String {
    let mut out = String::new();
    let mut before = String::new();
    for line in log.lines() {
        let (_, json) = line.split_once(' ').unwrap();
        let (head, tail) = json.split_once("\"prev\":\"").unwrap();
        let (_, tail) = tail.split_once('"').unwrap();
        let json = format!("{head}\"prev\":\"{before}\"{tail}");
        before = hex(&sha(json.as_bytes()));
        out += &format!("{before} {json}\n");
    }
    out
}
