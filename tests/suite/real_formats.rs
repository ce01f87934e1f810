//! Reads real logs from outside the repository, named by the environment, and holds the parsers to what is known of them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests fail by panicking and print their table"
)]

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use logguard::model::{FieldSet, Interpret, TimeQuality, Timestamp};
use logguard::parse::{Hints, Parsed, Parser, Registry};

use super::formats::stands_in;

/// Files that a person finds no time in, or in fewer records, with the share to reach.
const UNTIMED: &[(&str, f64)] = &[
    ("hdfs/HDFS_2pct_dev_anomaly_label.csv", 0.0),
    ("zeek/loaded_scripts.log", 0.0),
    ("kube/journald.txt", 0.50),
    ("cpu/inject.log", 0.50),
    ("export/inject.log", 0.30),
    ("network3_multi/inject.log", 0.09),
    ("android/logcat.txt", 0.98),
];

/// Records of a large file whose values are looked for in their bytes.
const VALUES_OF: usize = 2_000;

/// Expectations of the fail2ban samples that must at least be met.
const FAIL2BAN_TIMES: usize = 853;
const FAIL2BAN_HOSTS: usize = 920;

/// The folder of logs, or nothing (said once) where there is none.
fn logs() -> Option<PathBuf> {
    let folder =
        std::env::var_os("LOGGUARD_SHARED").map(|shared| Path::new(&shared).join("logs")).filter(|logs| logs.is_dir());
    if folder.is_none() {
        println!("skipped: LOGGUARD_SHARED names no folder of logs");
    }
    folder
}

fn unpacked(path: &Path) -> Vec<u8> {
    zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|end| end == "zst") && !path.to_string_lossy().contains(".tar.") {
            found.push(path);
        }
    }
}

/// Ranges of the records of an input.
fn records(parser: &mut Parser, data: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut ranges, mut cuts, mut start, mut offset) = (Vec::new(), Vec::new(), 0, 0);
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        cuts.clear();
        parser.line(line, &mut cuts);
        for cut in &cuts {
            if offset + cut > start {
                ranges.push(start..offset + cut);
            }
            start = offset + cut;
        }
        offset += line.len();
    }
    if offset > start {
        ranges.push(start..offset);
    }
    ranges
}

fn parser(data: &[u8], hints: Hints) -> Parser {
    Parser::new(&Registry::builtin(), hints, &data[..data.len().min(256 << 10)]).unwrap()
}

#[test]
fn records_of_real_logs_have_their_time() {
    let Some(logs) = logs() else { return };
    let mut paths = Vec::new();
    files(&logs, &mut paths);
    let registry = Registry::builtin();
    let mut failures = Vec::new();
    for path in paths {
        let name = path.strip_prefix(&logs).unwrap().with_extension("").to_string_lossy().into_owned();
        let data = unpacked(&path);
        let mut parser =
            parser(&data, Hints { modified: Timestamp::from_civil(2026, 11, 20, 0, 0, 0, 0), ..Hints::default() });
        let (mut parsed, mut again) = (Parsed::default(), FieldSet::default());
        let (mut timed, mut total, mut differing) = (0u32, 0u32, 0u32);
        let ranges = records(&mut parser, &data);
        assert_eq!(ranges.iter().map(|range| range.len()).sum::<usize>(), data.len(), "{name}: bytes are lost");
        for (number, range) in ranges.into_iter().enumerate() {
            let raw = &data[range];
            parser.parse(raw, &mut parsed);
            if number < VALUES_OF {
                parsed.fields.of(raw).iter().for_each(|(name, value)| stands_in(raw, name, value));
            }
            let layout = &parser.layouts()[parsed.layout as usize];
            registry.interpret(layout, raw, &mut again);
            differing += u32::from(!again.of(raw).iter().eq(parsed.fields.of(raw).iter()));
            if layout.format != "header" {
                total += 1;
                timed += u32::from(parsed.time.is_some());
            }
        }
        let share = f64::from(timed) / f64::from(total.max(1));
        let floor = UNTIMED.iter().find(|(end, _)| name.ends_with(end)).map_or(0.98, |(_, floor)| *floor);
        println!("{name:66} {:13} {total:7} records {:6.2} % with a time", parser.detection().format, share * 100.0);
        if share < floor || differing > 0 {
            failures.push(format!(
                "{name}: {:.2} % (floor {:.2} %), {differing} records cut differently again",
                share * 100.0,
                floor * 100.0
            ));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn members_of_the_archives_are_read_without_loss() {
    let Some(logs) = logs() else { return };
    let registry = Registry::builtin();
    let mut untimed = Vec::new();
    for name in ["sigma_regression/sigma_regression_data", "lnav/lnav_test_samples", "rsyslog/rsyslog_testsuites"] {
        let mut archive = tar::Archive::new(std::io::Cursor::new(unpacked(&logs.join(format!("{name}.tar.zst")))));
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().to_string_lossy().into_owned();
            let mut data = Vec::new();
            entry.read_to_end(&mut data).unwrap();
            let mut parser = parser(&data, Hints::default());
            let (mut parsed, mut again) = (Parsed::default(), FieldSet::default());
            let ranges = records(&mut parser, &data);
            assert_eq!(ranges.iter().map(|range| range.len()).sum::<usize>(), data.len(), "{path}: bytes are lost");
            for range in ranges {
                let raw = &data[range];
                parser.parse(raw, &mut parsed);
                parsed.fields.of(raw).iter().for_each(|(name, value)| stands_in(raw, name, value));
                registry.interpret(&parser.layouts()[parsed.layout as usize], raw, &mut again);
                assert!(again.of(raw).iter().eq(parsed.fields.of(raw).iter()), "{path}: cut differently again");
                // Each event of these has its time, however its object is laid out over lines.
                if name.starts_with("sigma") && path.ends_with(".json") && parsed.time.is_none() {
                    untimed.push(path.clone());
                }
            }
        }
    }
    assert!(untimed.is_empty(), "{untimed:#?}");
}

#[test]
fn the_records_that_queries_are_specified_on_have_exactly_their_fields() {
    let Some(logs) = logs() else { return };
    let text = std::fs::read_to_string(logs.parent().unwrap().join("query_acceptance.json")).unwrap();
    let acceptance: serde_json::Value = serde_json::from_str(&text).unwrap();
    let now = Timestamp::from_civil(2026, 11, 20, 12, 0, 0, 0);
    let mut inputs: BTreeMap<&str, Vec<&serde_json::Value>> = BTreeMap::new();
    for record in acceptance["corpus"].as_array().unwrap() {
        inputs.entry(record["source"].as_str().unwrap()).or_default().push(record);
    }
    for expected in inputs.values() {
        let data: String = expected.iter().map(|record| format!("{}\n", record["raw"].as_str().unwrap())).collect();
        let mut parser = parser(data.as_bytes(), Hints { modified: now, ..Hints::default() });
        let ranges = records(&mut parser, data.as_bytes());
        assert_eq!(ranges.len(), expected.len());
        let mut parsed = Parsed::default();
        for (range, expected) in ranges.into_iter().zip(expected) {
            let raw = &data.as_bytes()[range];
            parser.parse(raw, &mut parsed);
            compare(raw, &parsed, expected.as_object().unwrap());
        }
    }
}

/// Compares a record with the fields stated for it; the fields that queries test for absence must be absent.
fn compare(raw: &[u8], parsed: &Parsed, expected: &serde_json::Map<String, serde_json::Value>) {
    let fields = parsed.fields.of(raw);
    for (name, value) in expected {
        let wanted = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let got = match name.as_str() {
            "id" | "source" | "raw" => continue,
            "time" => parsed.time.map(|time| time.to_string().replace('Z', "+00:00")),
            "time.quality" => Some(parsed.quality.name().to_owned()),
            "level" => fields.first("level_raw").map(|word| String::from_utf8_lossy(word).into_owned()),
            _ => fields.first(name).map(|value| String::from_utf8_lossy(value).into_owned()),
        };
        assert_eq!(got.as_deref(), Some(wanted.as_str()), "{name} of {}", String::from_utf8_lossy(raw));
    }
    for name in ["user", "status", "source_ip", "event_type", "bytes"] {
        assert_eq!(
            fields.first(name).is_some(),
            expected.contains_key(name),
            "{name} of {}",
            String::from_utf8_lossy(raw)
        );
    }
    assert_eq!(parsed.level.is_some(), expected.contains_key("level"));
}

/// What a `# failJSON` comment says of the line under it.
#[derive(serde::Deserialize)]
struct Expectation {
    time: Option<String>,
    host: Option<String>,
    #[serde(rename = "match", default)]
    matches: bool,
}

#[test]
fn fail2ban_samples_give_their_time_and_host() {
    let Some(logs) = logs() else { return };
    let mut archive =
        tar::Archive::new(std::io::Cursor::new(unpacked(&logs.join("fail2ban/fail2ban_tests_files.tar.zst"))));
    let mut table: BTreeMap<String, [usize; 4]> = BTreeMap::new();
    let mut exceptions = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let Some((_, name)) = path.rsplit_once("/logs/") else { continue };
        let mut data = Vec::new();
        entry.read_to_end(&mut data).unwrap();
        if data.is_empty() {
            continue;
        }
        let row = table.entry(name.to_owned()).or_default();
        service(name, &data, row, &mut exceptions);
    }
    let mut sums = [0; 4];
    for (name, row) in &table {
        println!("{name:34} time {:3} of {:3}   host {:3} of {:3}", row[0], row[1], row[2], row[3]);
        (0..4).for_each(|n| sums[n] += row[n]);
    }
    exceptions.iter().for_each(|line| println!("{line}"));
    println!("all: time {} of {}, host {} of {}", sums[0], sums[1], sums[2], sums[3]);
    assert!(sums[0] >= FAIL2BAN_TIMES && sums[2] >= FAIL2BAN_HOSTS, "time {} host {}", sums[0], sums[2]);
}

/// Compares the records of one service's samples with what is expected of them.
fn service(name: &str, data: &[u8], row: &mut [usize; 4], exceptions: &mut Vec<String>) {
    let mut parser = parser(data, Hints { year: Some(2004), ..Hints::default() });
    let mut parsed = Parsed::default();
    let mut pending: Option<Expectation> = None;
    for range in records(&mut parser, data) {
        let raw = &data[range];
        parser.parse(raw, &mut parsed);
        let text = String::from_utf8_lossy(raw);
        if let Some(json) = text.trim_start_matches('#').trim_start().strip_prefix("failJSON:") {
            pending = serde_json::from_str(json.trim()).ok();
            continue;
        }
        if raw.starts_with(b"#") || raw.trim_ascii().is_empty() {
            continue;
        }
        let Some(expected) = pending.take().filter(|expected| expected.matches) else { continue };
        if let Some(time) = &expected.time {
            row[1] += 1;
            let got = parsed.time.map(|time| shown(time, parsed.quality, &text));
            let alike = got.as_ref().is_some_and(|got| same(got, time, parsed.quality));
            row[0] += usize::from(alike);
            if !alike {
                exceptions.push(format!("{name}: time {got:?} not {time}: {}", text.trim_end()));
            }
        }
        if let Some(host) = &expected.host {
            row[3] += 1;
            let fields = parsed.fields.of(raw);
            let named = ["source_ip", "source_host"].iter().flat_map(|field| fields.all(field));
            let got: Vec<String> = named.map(|value| String::from_utf8_lossy(value).into_owned()).collect();
            let alike = got.iter().any(|value| plain(value) == plain(host));
            row[2] += usize::from(alike);
            if !alike {
                exceptions.push(format!("{name}: host {got:?} not {host}: {}", text.trim_end()));
            }
        }
    }
}

/// An address without the mark of an IPv4 address in IPv6, which fail2ban drops.
fn plain(host: &str) -> String {
    host.to_lowercase().trim_start_matches("::ffff:").to_owned()
}

/// fail2ban states moments in the time of Zurich, and stamps without a zone as they stand.
fn shown(time: Timestamp, quality: TimeQuality, _: &str) -> String {
    let east = if quality == TimeQuality::Exact { zurich(time) } else { 0 };
    time.saturating_add(east * 1_000_000_000).to_string().chars().take(19).collect()
}

/// Seconds east of UTC in Central Europe: summer time from the last Sunday of March to that of October, 01:00 UTC.
fn zurich(time: Timestamp) -> i64 {
    let year = time.civil().0;
    let last_sunday = |month| {
        let end = Timestamp::from_civil(year, month, 31, 1, 0, 0, 0).unwrap();
        // 1970-01-01 was a Thursday.
        let weekday = (end.seconds().div_euclid(86_400) + 4).rem_euclid(7);
        end.saturating_add(-weekday * 86_400 * 1_000_000_000)
    };
    if time >= last_sunday(3) && time < last_sunday(10) { 7_200 } else { 3_600 }
}

/// Equal to the second; without the year where the stamp has none.
fn same(got: &str, expected: &str, quality: TimeQuality) -> bool {
    let expected: String = expected.chars().take(19).collect();
    let from = match quality {
        TimeQuality::YearInferred => 5,
        TimeQuality::DateInferred => 11,
        _ => 0,
    };
    got.get(from..) == expected.get(from..)
}
