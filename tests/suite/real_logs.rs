//! The acceptance run over real logs: all of them in one store, every byte back, within the memory promised.
//!
//! Needs the folder that LOGGUARD_SHARED names; `cargo test --release real_logs -- --nocapture` prints the table.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::world::{World, shared};

/// Memory the program promises to stay under.
const MEMORY: u64 = 512 << 20;

#[test]
fn all_real_logs_in_one_run_come_back_byte_for_byte() {
    let Some(root) = shared("the archive on real logs") else { return };
    let logs = root.join("logs");
    let world = World::new();
    let summary = world.json(&["process", logs.to_str().unwrap(), "--json"]);
    let info = world.json(&["info", "--json"]);
    print_table(&info);
    assert_eq!(summary["refused"].as_array().unwrap().len(), 0, "{}", summary["refused"]);
    assert_eq!(summary["incomplete"].as_array().unwrap().len(), 0, "{}", summary["incomplete"]);
    let peak = summary["peak_memory_bytes"].as_u64().unwrap();
    assert!(peak < MEMORY, "peak memory was {} MiB", peak >> 20);

    world.ok(&["restore", "out"]);
    let out = world.path("out/logs");
    let sums = std::fs::read_to_string(logs.join("SHA256SUMS")).unwrap();
    let (mut files, mut members) = (0, 0);
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        let restored = out.join(name);
        if name.ends_with(".tar") {
            members += compare_members(&logs.join(format!("{name}.zst")), &restored);
        } else {
            assert_eq!(sha256(&std::fs::read(&restored).unwrap()), sum, "{name}");
        }
        files += 1;
    }
    println!("{files} files, of these {members} members of bundles: identical");
    assert!(files > 100, "the list of sums is shorter than the folder it describes");

    let again = world.json(&["process", logs.to_str().unwrap(), "--json"]);
    assert_eq!(again["records"], 0, "a second run takes nothing up again");
    same_by_scan(&world);
}

/// Every member of a bundle, unpacked by another program, is the restored file.
fn compare_members(bundle: &Path, restored: &Path) -> usize {
    let unpacked = zstd::stream::read::Decoder::new(std::fs::File::open(bundle).unwrap()).unwrap();
    let mut archive = tar::Archive::new(unpacked);
    let mut members = 0;
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name: PathBuf = entry.path().unwrap().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        // A member that is itself compressed comes back unpacked, under its name without that ending.
        let path = restored.join(&name);
        if path.is_file() {
            assert!(std::fs::read(&path).unwrap() == bytes, "{}", path.display());
        } else {
            assert!(path.with_extension("").exists(), "{} is missing", path.display());
        }
        members += 1;
    }
    members
}

/// Questions of every kind, answered with the index and without.
fn same_by_scan(world: &World) {
    let queries = [
        "failed password",
        "\"authentication failure\" -root",
        "*passwd*",
        "blk_-1608999687919862906",
        "source_ip:10.0.0.0/8",
        "203.0.113.0/24 OR 192.168.1.1",
        "status>=500 method:POST",
        "level>=error source:hdfs",
        "user:root time:2018-06-16",
        "anomaly:true score>=0.95",
        "rule:sqli",
        "id.orig_h:10.47.*",
        "raw=~\"session (opened|closed) for user \\w+\"",
        "nothing-has-this-word",
    ];
    for query in queries {
        let count = |more: &str| {
            let run = world.run(&["search", "--count", more, "--lenient", "--", query]);
            assert!(run.code < 2, "{query}: {}", run.stderr);
            run.stdout.trim().to_owned()
        };
        let (indexed, scanned) = (count("--explain"), count("--scan"));
        println!("{indexed:>8}  {query}");
        assert_eq!(indexed, scanned, "{query}");
    }
}

/// Per file: format, records, share with a time and with a level. Members of bundles are added up.
fn print_table(info: &Value) {
    let mut rows: BTreeMap<String, (String, u64, u64, u64)> = BTreeMap::new();
    for file in info["files"].as_array().unwrap() {
        let name = file["name"].as_str().unwrap();
        let (name, format) = match name.split_once(".tar/") {
            Some((bundle, _)) => (format!("{bundle}.tar"), "(members)".to_owned()),
            None => (name.to_owned(), file["format"].as_str().unwrap().to_owned()),
        };
        let row = rows.entry(name).or_insert((format, 0, 0, 0));
        row.1 += file["records"].as_u64().unwrap();
        row.2 += file["timed"].as_u64().unwrap();
        row.3 += file["leveled"].as_u64().unwrap();
    }
    println!("{:<62} {:<14} {:>8} {:>7} {:>7}", "input", "format", "records", "time %", "level %");
    for (name, (format, records, timed, leveled)) in rows {
        let share = |part: u64| 100.0 * part as f64 / records.max(1) as f64;
        println!("{name:<62} {format:<14} {records:>8} {:>7.1} {:>7.1}", share(timed), share(leveled));
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
