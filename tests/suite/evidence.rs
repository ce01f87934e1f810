//! The evidence: what `verify` and `account` say of a store that is whole, grown, damaged, cut back or rebuilt.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use logguard::archive::{FileStorage, Snapshot, Storage};
use logguard::engine::{Counters, VerifyOptions, verify};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::faulty_files::FaultyFiles;
use super::world::World;

fn lines(word: &str, count: usize) -> String {
    (0..count).map(|number| format!("2026-11-20 10:00:{:02} INFO {word} {number}\n", number % 60)).collect()
}

/// The pin that verify prints.
fn pin(world: &World) -> String {
    world.json(&["verify", "--json"])["head"].as_str().unwrap().to_owned()
}

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
    assert_eq!(places, ["custody.jsonl", "lock", "segments", "segments", "set-aside"], "{all:?}");
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

#[test]
fn a_whole_store_is_self_consistent_only_and_a_kept_pin_makes_it_verified() {
    let world = World::new();
    world.write("a.log", lines("alpha", 5_000));
    world.ok(&["process", "a.log"]);
    let whole = world.ok(&["verify"]);
    assert!(whole.stdout.contains("5,000 of 5,000 re-hashed; 1 of 1 blocks and 1 of 1 commits"), "{}", whole.stdout);
    assert!(whole.stdout.contains("RESULT    SELF-CONSISTENT ONLY"), "{}", whole.stdout);
    let pin = pin(&world);
    world.write("pin.txt", format!("{pin}\n"));
    world.write("a.log", lines("alpha", 6_000));
    world.ok(&["process", "a.log"]);
    let short = pin.split(':').take(2).collect::<Vec<_>>().join(":");
    for head in [pin.as_str(), "pin.txt", &short] {
        let grown = world.ok(&["verify", "--head", head]);
        assert!(grown.stdout.contains("RESULT    VERIFIED against an earlier head"), "{head}: {}", grown.stdout);
    }
    let bad = world.run(&["verify", "--head", "12:34"]);
    assert_eq!(bad.code, 2);
    assert!(bad.stderr.contains("'12:34' is no head"), "{}", bad.stderr);
}

#[test]
fn what_was_cut_back_or_rebuilt_is_found_by_the_pin_alone() {
    let world = World::new();
    world.write("a.log", lines("alpha", 100));
    world.ok(&["process", "a.log"]);
    let old = std::fs::read(world.path("data/custody.jsonl")).unwrap();
    world.write("b.log", lines("beta", 100));
    world.ok(&["process", "b.log"]);
    let pin = pin(&world);

    // The last segment and its entry are gone: everything that is left agrees with itself.
    let new = std::fs::read(world.path("data/custody.jsonl")).unwrap();
    std::fs::write(world.path("data/custody.jsonl"), &old).unwrap();
    let alone = world.ok(&["verify"]);
    assert!(alone.stdout.contains("1 segment file that no entry names, NOT covered"), "{}", alone.stdout);
    let rolled = world.run(&["verify", "--head", &pin]);
    assert_eq!(rolled.code, 2);
    assert!(rolled.stdout.contains("ROLLBACK: your head has 200 records, this archive only 100"), "{}", rolled.stdout);
    std::fs::write(world.path("data/custody.jsonl"), &new).unwrap();

    // Another archive with the same names and as many records.
    std::fs::remove_dir_all(world.path("data")).unwrap();
    std::fs::remove_dir_all(world.path("index")).unwrap();
    world.write("a.log", lines("alpha", 99) + "2026-11-20 10:00:00 INFO forged\n");
    world.ok(&["process", "a.log"]);
    world.ok(&["process", "b.log"]);
    let rebuilt = world.run(&["verify", "--head", &pin]);
    assert_eq!(rebuilt.code, 2);
    assert!(rebuilt.stdout.contains("not that of your head"), "{}", rebuilt.stdout);
    assert!(rebuilt.stdout.contains("not a continuation of it"), "{}", rebuilt.stdout);
}

#[test]
fn the_first_damaged_row_group_is_named_and_the_rest_is_counted() {
    let world = World::new();
    world.write("a.log", lines("alpha", 40_000));
    world.ok(&["process", "a.log"]);
    let segment = std::fs::read_dir(world.path("data/segments")).unwrap().next().unwrap().unwrap().path();
    let name = segment.file_name().unwrap().to_str().unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let run = world.run(&["verify", "--json"]);
    assert_eq!(run.code, 2);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["result"], "broken");
    assert_eq!((report["hashed"].as_u64(), report["records"].as_u64()), (Some(40_000 - 8_192), Some(40_000)));
    assert_eq!((report["good_blocks"].as_u64(), report["blocks"].as_u64()), (Some(7), Some(9)));
    assert_eq!(report["good_commits"], 1, "the root is checked with the recorded roots of what can't be read");
    let failures = report["failures"].as_array().unwrap();
    let group = failures.iter().find(|failure| failure["group"].is_u64()).unwrap();
    assert_eq!((group["group"].as_u64(), &group["records"]), (Some(0), &serde_json::json!([0, 8191])));
    assert!(group["offset"].as_u64().unwrap() >= 16, "{group}");
    assert!(group["what"].as_str().unwrap().contains(name), "{group}");
    let text = world.run(&["verify"]);
    assert!(text.stdout.contains("1 row group unreadable; the first: "), "{}", text.stdout);
    assert!(text.stdout.contains("(row group 0, records 0..=8191)"), "{}", text.stdout);
    assert!(text.stdout.contains("RESULT    BROKEN"), "{}", text.stdout);
}

#[test]
fn a_damaged_last_entry_is_no_torn_tail() {
    let world = World::new();
    world.write("a.log", lines("alpha", 100));
    world.ok(&["process", "a.log"]);
    let custody = world.path("data/custody.jsonl");
    let whole = std::fs::read(&custody).unwrap();
    world.write("b.log", lines("beta", 1));
    for (at, what) in [(whole.len() - 1, "its line end"), (whole.len() - 200, "its midst")] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&custody, &bytes).unwrap();
        let run = world.run(&["verify"]);
        assert_eq!(run.code, 2, "{what}");
        assert!(run.stdout.contains("the last entry was changed after it was written"), "{what}: {}", run.stdout);
        let write = world.run(&["process", "b.log"]);
        assert_eq!(write.code, 2, "{what}");
        assert!(write.stderr.contains("nothing is added to a damaged log"), "{what}: {}", write.stderr);
        assert_eq!(std::fs::read(&custody).unwrap(), bytes, "{what}: and nothing was cut off");
    }
}

#[test]
fn originals_are_compared_on_request() {
    let world = World::new();
    world.write("a.log", lines("alpha", 100));
    world.write("b.log", lines("beta", 100));
    world.write("gone.log", lines("gamma", 100));
    let packed = zstd::encode_all(lines("delta", 100).as_bytes(), 3).unwrap();
    world.write("packed.zst", &packed);
    world.ok(&["process", "a.log", "b.log", "gone.log", "packed.zst"]);
    std::fs::remove_file(world.path("gone.log")).unwrap();
    world.write("a.log", lines("alpha", 101));
    let same = world.ok(&["verify", "--inputs"]);
    assert!(same.stdout.contains("4 files, 3 still present, 3 identical"), "{}", same.stdout);
    world.write("b.log", lines("betA", 100));
    world.write("packed.zst", [&packed[..], b"x"].concat());
    let changed = world.run(&["verify", "--inputs"]);
    assert_eq!(changed.code, 2);
    assert!(changed.stdout.contains("b.log: does not hold the bytes that were read from it"), "{}", changed.stdout);
    assert!(changed.stdout.contains("packed.zst: is"), "{}", changed.stdout);
    assert_eq!(world.run(&["verify"]).code, 0, "unasked, originals are none of its business");
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

/// Anybody can compute the root from the log and the restored files, with nothing of the program but its description.
#[test]
fn the_root_is_what_the_description_says() {
    let world = World::new();
    let (first, second) = (lines("alpha", 5), lines("beta", 4_100));
    world.write("a.log", &first);
    world.write("b.log", &second);
    world.ok(&["process", "a.log", "b.log"]);
    let log = std::fs::read_to_string(world.path("data/custody.jsonl")).unwrap();
    let mut run = Vec::new();
    let mut sources = Vec::new();
    for line in log.lines() {
        let (hash, json) = line.split_once(' ').unwrap();
        assert_eq!(hex(&sha(json.as_bytes())), hash);
        // The records stand in the line as they are hashed, behind their kind.
        for part in json.split("{\"kind\":\"").skip(1) {
            let (kind, text) = part.split_once("\",").unwrap();
            let text = format!("{{{}}}", &text[..text.find('}').unwrap()]);
            match kind {
                "run" => run = sha(text.as_bytes()),
                "acquire" => sources.push(sha(&[&run[..], text.as_bytes()].concat())),
                _ => {}
            }
        }
    }
    let mut leaves = Vec::new();
    for (source, text) in sources.iter().zip([&first, &second]) {
        let mut offset = 0u64;
        for line in text.split_inclusive('\n') {
            let length = (line.len() as u32).to_be_bytes();
            let leaf = [b"R1", &source[..], &offset.to_be_bytes(), &length, &sha(line.as_bytes())].concat();
            assert_eq!(leaf.len(), 78);
            leaves.push(sha(&[&[0], &leaf[..]].concat()));
            offset += line.len() as u64;
        }
    }
    assert_eq!(pin(&world).split(':').nth(1).unwrap(), hex(&root(&leaves)));
}

fn root(leaves: &[Vec<u8>]) -> Vec<u8> {
    if let [one] = leaves {
        return one.clone();
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    sha(&[&[1], &root(left)[..], &root(right)].concat())
}

fn sha(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_account_adds_up_for_every_input() {
    let world = World::new();
    world.write("a.log", lines("alpha", 100));
    world.write("open.log", "one\ntwo\nno end");
    world.write("empty.log", "");
    world.write("packed.zst", zstd::encode_all(lines("delta", 50).as_bytes(), 3).unwrap());
    let mut cut = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let noise: String =
        (0..40_000u64).map(|number| format!("{:x}\n", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    cut.write_all(noise.as_bytes()).unwrap();
    let cut = cut.finish().unwrap();
    world.write("cut.gz", &cut[..cut.len() / 2]);
    assert_eq!(world.run(&["process", "a.log", "open.log", "empty.log", "packed.zst", "cut.gz"]).code, 2);
    world.write("a.log", lines("alpha", 130));

    let account = world.json(&["account", "--json"]);
    let of = |name: &str| {
        let inputs = account["inputs"].as_array().unwrap();
        inputs.iter().find(|input| input["name"] == name).unwrap_or_else(|| panic!("{name}: {account}")).clone()
    };
    let (a, grown) = (lines("alpha", 100).len() as u64, lines("alpha", 130).len() as u64);
    assert_eq!(of("a.log")["read_bytes"], a);
    assert_eq!(of("a.log")["sealed_bytes"], a);
    assert_eq!((&of("a.log")["read_lines"], &of("a.log")["sealed_lines"]), (&Value::from(100), &Value::from(100)));
    assert_eq!(of("a.log")["not_yet"], grown - a);
    assert_eq!((&of("open.log")["read_lines"], &of("open.log")["sealed_lines"]), (&Value::from(3), &Value::from(3)));
    assert_eq!(of("empty.log")["read_bytes"], 0);
    assert_eq!(of("packed")["not_yet"], Value::Null, "a packed file does not grow");
    let cut = of("cut");
    assert_eq!((&cut["complete"], &cut["disagreement"]), (&Value::from(false), &Value::Null));
    assert_eq!(cut["skipped"][0]["offset"], cut["sealed_bytes"]);
    let table = world.ok(&["account"]);
    assert!(table.stdout.contains("sums agree") && table.stdout.contains("skipped an unknown"), "{}", table.stdout);

    let segment = std::fs::read_dir(world.path("data/segments")).unwrap().next().unwrap().unwrap().path();
    std::fs::remove_file(segment).unwrap();
    let broken = world.run(&["account"]);
    assert_eq!(broken.code, 2);
    assert!(broken.stderr.contains("does not add up: a.log"), "{}", broken.stderr);
    assert!(broken.stdout.contains("SUMS DO NOT AGREE"), "{}", broken.stdout);
    let stopped = world.run(&["restore", "none"]);
    assert_eq!(stopped.code, 2);
    assert!(stopped.stderr.contains("--keep-going writes what is readable"), "{}", stopped.stderr);
    let partly = world.run(&["restore", "partly", "--keep-going"]);
    assert_eq!(partly.code, 2);
    assert!(partly.stderr.contains(&format!("missing: a.log: bytes 0..={} of the input", a - 1)), "{}", partly.stderr);
}

/// A last line that was open when the input was first read is counted once when it is ended later.
#[test]
fn a_line_that_is_ended_later_is_one_line() {
    let world = World::new();
    world.write("a.log", "one\ntw");
    world.ok(&["process", "a.log"]);
    world.write("a.log", "one\ntwo\nthree\n");
    world.ok(&["process", "a.log"]);
    let account = world.json(&["account", "--json"]);
    let input = &account["inputs"][0];
    assert_eq!((&input["read_lines"], &input["sealed_lines"]), (&Value::from(3), &Value::from(3)), "{account}");
    world.ok(&["verify"]);
}

#[test]
fn an_input_costs_well_under_500_bytes_of_log() {
    let world = World::new();
    for number in 0..200 {
        world.write(&format!("logs/service-{number:03}.log"), lines("alpha", 20 + number));
    }
    world.ok(&["process", "logs"]);
    let log = std::fs::metadata(world.path("data/custody.jsonl")).unwrap().len();
    assert!(log / 200 < 470, "{} bytes an input", log / 200);
}
