//! Every known format from outside: a few lines each, with the format found, the time, the level and the fields expected.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "tests fail by panicking")]

mod objects;
mod services;
mod tables;
mod user_defined;
mod web;

use logguard::model::{FieldSet, Interpret, Layout, Level, TimeQuality, Timestamp, Zone};
use logguard::parse::{Hints, Parsed, Parser, REVISION, Registry};

/// A record as the parser understood it.
#[derive(Debug)]
struct Record {
    raw: String,
    format: String,
    time: String,
    quality: TimeQuality,
    level: Option<Level>,
    fields: Vec<(String, String)>,
}

impl Record {
    fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    fn all(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect()
    }

    /// Checks fields written as `name=value`; a value `!` means that the field must be absent.
    #[track_caller]
    fn has(&self, expected: &[&str]) {
        for pair in expected {
            let (name, value) = pair.split_once('=').unwrap();
            let wanted = (value != "!").then_some(value);
            assert_eq!(self.get(name), wanted, "{name} of {self:#?}");
        }
    }
}

fn hints() -> Hints {
    Hints { modified: Timestamp::from_civil(2026, 11, 20, 12, 0, 0, 0), ..Hints::default() }
}

/// What questions rely on, of every format: the value of a field stands in its record as it is, but for what `\` escapes and doubled
/// quotes stand for. A question about a field is answered by texts found in columns of the lines.
#[track_caller]
pub(super) fn stands_in(raw: &[u8], name: &str, value: &[u8]) {
    if raw.contains(&b'\\') {
        return;
    }
    for part in value.split(|byte| *byte == b'"').filter(|part| !part.is_empty()) {
        let stands = memchr::memmem::find(raw, part).is_some();
        let (part, raw) = (String::from_utf8_lossy(part), String::from_utf8_lossy(raw));
        assert!(stands, "{name}: {part:?} stands nowhere in {raw:?}");
    }
}

#[test]
fn every_built_in_format_has_samples_here() {
    let sources = [
        include_str!("formats.rs"),
        include_str!("formats/objects.rs"),
        include_str!("formats/services.rs"),
        include_str!("formats/tables.rs"),
        include_str!("formats/web.rs"),
    ];
    for name in Registry::builtin().names() {
        // Each sample goes through `read`, and each of its values through `stands_in`.
        let called = format!("\"{name}\",");
        assert!(sources.iter().any(|source| source.contains(&called)), "no sample of {name}");
    }
}

#[test]
#[should_panic(expected = "stands nowhere in")]
fn a_value_that_was_put_together_is_found_out() {
    stands_in(b"a=1 b=2", "c", b"1-2");
}

/// Frames and reads a whole input, cutting each record a second time from its layout.
fn read_with(registry: &Registry, hints: Hints, data: &[u8]) -> (Parser, Vec<Record>) {
    let mut parser = Parser::new(registry, hints, &data[..data.len().min(256 << 10)]).unwrap();
    let (mut cuts, mut starts, mut offset) = (Vec::new(), Vec::new(), 0);
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        cuts.clear();
        parser.line(line, &mut cuts);
        starts.extend(cuts.iter().map(|cut| offset + cut));
        offset += line.len();
    }
    starts.push(data.len());
    assert!(data.is_empty() || starts[0] == 0, "the first line begins a record");
    let (mut parsed, mut again, mut records) = (Parsed::default(), FieldSet::default(), Vec::new());
    for pair in starts.windows(2) {
        let raw = &data[pair[0]..pair[1]];
        parser.parse(raw, &mut parsed);
        let layout = &parser.layouts()[parsed.layout as usize];
        registry.interpret(layout, raw, &mut again);
        assert!(
            again.of(raw).iter().eq(parsed.fields.of(raw).iter()),
            "cut differently again: {}",
            String::from_utf8_lossy(raw)
        );
        assert!(parsed.fields.of(raw).first("message").is_some(), "no message: {}", String::from_utf8_lossy(raw));
        parsed.fields.of(raw).iter().for_each(|(name, value)| stands_in(raw, name, value));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        records.push(Record {
            raw: text(raw),
            format: layout.format.clone(),
            time: parsed.time.map_or("-".to_owned(), |time| time.to_string()),
            quality: parsed.quality,
            level: parsed.level,
            fields: parsed.fields.of(raw).iter().map(|(name, value)| (name.to_owned(), text(value))).collect(),
        });
    }
    (parser, records)
}

#[track_caller]
fn read(format: &str, text: &str) -> Vec<Record> {
    let (parser, records) = read_with(&Registry::builtin(), hints(), text.as_bytes());
    assert_eq!(parser.detection().format, format, "{:?}", parser.detection());
    records
}

/// One line: format, time, level and fields.
#[track_caller]
fn one(format: &str, line: &str, time: &str, level: Option<Level>, fields: &[&str]) {
    let records = read(format, &format!("{line}\n"));
    assert_eq!(records.len(), 1, "{records:#?}");
    let record = &records[0];
    assert_eq!((record.time.as_str(), record.level), (time, level), "{record:#?}");
    record.has(fields);
}

#[test]
fn other_lines_keep_their_time_or_at_least_themselves() {
    one(
        "generic",
        "<- 20-Nov-2026 10:00:00.5 queue ERROR from 192.0.2.1",
        "2026-11-20T10:00:00.500Z",
        Some(Level::Error),
        &["source_ip=192.0.2.1"],
    );
    one("generic", "11/20/2026 10:15:00 PM did a thing", "2026-11-20T22:15:00Z", None, &["message=did a thing"]);
    one("unknown", "# failJSON: { \"x\": 1 }", "-", None, &["message=# failJSON: { \"x\": 1 }"]);
    one("unknown", "2026-13-45 99:00:00 no such time", "-", None, &[]);
}

#[test]
fn a_mixed_input_gives_each_line_its_best_reading() {
    let text = "Nov 20 10:10:01 web1 sshd[1]: Invalid user a from 192.0.2.1\n# a comment\n{\"ts\":\"2026-11-20T10:20:00Z\",\"a\":1}\n\
                203.0.113.77 - - [20/Nov/2026:10:15:00 +0000] \"GET / HTTP/1.1\" 200 5\nNov 20 10:10:02 web1 sshd[1]: x\nNov 20 10:10:03 web1 sshd[1]: y\n";
    let formats: Vec<String> = read("syslog", text).into_iter().map(|record| record.format).collect();
    assert_eq!(formats, ["syslog", "unknown", "json", "access", "syslog", "syslog"]);
}

#[test]
fn lines_of_other_formats_do_not_join_a_record_of_several_lines() {
    let text = "2026-11-20 10:00:00,120 ERROR [main] a.B: failed\njava.lang.Error: x\n\tat a.B(C.java:1)\n\
                203.0.113.77 - - [20/Nov/2026:10:15:00 +0000] \"GET / HTTP/1.1\" 200 5\n\
                I1120 10:00:00.1    7 a.go:1] up\n2026-11-20 10:00:01,120 INFO [main] a.B: fine\n";
    let formats: Vec<String> = read("log4j", text).into_iter().map(|record| record.format).collect();
    assert_eq!(formats, ["log4j", "access", "glog", "log4j"]);
}

#[test]
fn the_zone_and_the_year_given_are_used() {
    let zone = Zone::parse("+02:00").unwrap();
    let hints = Hints { zone, year: Some(2019), ..Hints::default() };
    let text = b"Dec 31 23:00:00 h a: x\nJan  1 01:00:00 h a: y\n";
    let (_, records) = read_with(&Registry::builtin(), hints, text);
    assert_eq!(
        records.iter().map(|record| record.time.as_str()).collect::<Vec<_>>(),
        ["2019-12-31T21:00:00Z", "2019-12-31T23:00:00Z"]
    );
}

#[test]
fn an_input_is_resumed_with_its_header_and_its_year() {
    let registry = Registry::builtin();
    let head = b"#fields\tts\tuid\n1795168801.0\tA\n";
    let layout = Layout {
        format: "zeek".to_owned(),
        columns: vec!["ts".to_owned(), "uid".to_owned()],
        delimiter: Some(b'\t'),
        pattern: None,
    };
    let last = Timestamp::from_civil(2019, 12, 31, 0, 0, 0, 0);
    let mut parser = Parser::resume(&registry, Hints::default(), Some(&layout), last, head).unwrap();
    let (mut parsed, mut cuts) = (Parsed::default(), Vec::new());
    parser.line(b"1795168802.0\tB\n", &mut cuts);
    assert_eq!(cuts, [0]);
    parser.parse(b"1795168802.0\tB\n", &mut parsed);
    assert_eq!(parsed.fields.of(b"1795168802.0\tB\n").first("uid"), Some(&b"B"[..]));
    let mut parser = Parser::resume(&registry, Hints::default(), None, last, b"Dec 30 10:00:00 h a: x\n").unwrap();
    cuts.clear();
    parser.line(b"\tcontinued\n", &mut cuts);
    assert!(cuts.is_empty());
    parser.parse(b"Jan  1 10:00:00 h a: x\n", &mut parsed);
    assert_eq!(parsed.time.unwrap().to_string(), "2020-01-01T10:00:00Z");
}

#[test]
fn parsers_move_between_threads_and_the_registry_is_shared() {
    fn shared<T: Send + Sync + Clone>() {}
    fn moved<T: Send>() {}
    shared::<Registry>();
    moved::<Parser>();
}

#[test]
fn a_level_word_inside_a_sentence_is_no_level() {
    one("generic", "11/20/2026 10:15:00 the connection error was fixed", "2026-11-20T10:15:00Z", None, &[]);
    one("generic", "2026-11-20 10:15:00 connection error occurred", "2026-11-20T10:15:00Z", None, &[]);
    let fields = ["level_raw=warning", "message=hot"];
    one("log4j", "11/20/2026 10:15:00 app [7] warning: hot", "2026-11-20T10:15:00Z", Some(Level::Warn), &fields);
}

/// Lines of all formats, as they are in the samples here.
const LINES: &str = include_str!("formats/cut.txt");

/// Archives say in which pieces of the lines fields stand, for one who cuts records in the same way: a change of what is cut must be
/// a new revision.
#[test]
fn what_is_cut_from_records_is_that_of_the_revision() {
    let registry = Registry::builtin();
    let columns: Vec<String> = ["time", "user", "_path", "c-ip", "sc-status", "note"].map(str::to_owned).to_vec();
    let (mut text, mut fields) = (Vec::new(), FieldSet::default());
    for format in registry.names() {
        for columns in [Vec::new(), columns.clone()] {
            let layout = Layout { format: format.clone(), columns, ..Layout::default() };
            for line in LINES.split_inclusive('\n') {
                registry.interpret(&layout, line.as_bytes(), &mut fields);
                for (name, value) in fields.of(line.as_bytes()).iter() {
                    [name.as_bytes(), value].iter().for_each(|part| {
                        text.extend_from_slice(part);
                        text.push(0);
                    });
                }
            }
        }
    }
    let digest = format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&text));
    assert_eq!(
        (REVISION, digest.as_str()),
        (1, "2e33b494ef806c69"),
        "records are cut into other fields: raise parse::REVISION"
    );
}
