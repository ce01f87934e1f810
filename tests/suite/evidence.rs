//! The evidence: what `verify` and `account` say of a store that is whole, grown, damaged, cut back or rebuilt.

mod account;
mod forged;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::world::World;

fn lines(word: &str, count: usize) -> String {
    (0..count).map(|number| format!("2026-11-20 10:00:{:02} INFO {word} {number}\n", number % 60)).collect()
}

/// The pin that verify prints.
fn pin(world: &World) -> String {
    world.json(&["verify", "--json"])["head"].as_str().unwrap().to_owned()
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
    let segment = world.damage_first_group();
    let name = segment.file_name().unwrap().to_str().unwrap();
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
