//! What is decided on columns is what every record by itself says: counts, hits and tables against the same query asked of each
//! record, its line written out and its fields cut.

use std::sync::atomic::AtomicBool;

use logguard::archive::Needs;
use logguard::engine::{Counters, Search, SearchOptions, Store};
use logguard::model::{FieldSet, Timestamp};
use logguard::query::{Cell, Decoded, Limits, Matcher, Output, Pipeline};

use super::query_random::Dice;

/// Lines of four kinds: a service, JSON with escapes, an access log (kept in quoted pieces), and no kind at all.
fn lines(kind: usize, count: usize) -> String {
    let mut dice = Dice::new(kind as u64 + 11);
    let mut text = String::new();
    for n in 0..count {
        let clock =
            format!("2026-11-{:02}T{:02}:{:02}:{:02}.{:03}Z", 18 + n / 900, n / 60 % 24, n % 60, n * 7 % 60, n % 1_000);
        let user = ["ann", "Bob", "root", "änne", "svc_7"][dice.below(5)];
        let line = match (kind, dice.below(5)) {
            (0, 0) => format!("{clock} store[{}] INFO opened session {:016x} for {user}", n % 7, n * 7_919_377),
            (0, 1) => {
                format!("{clock} store[{}] WARN slow read of \"/data/part-{:05}\" took {} ms", n % 7, n % 90, n * 3)
            }
            (0, 2) => format!(
                "{clock} store[{}] ERROR failed login of {user} from 10.{}.3.{} port {}",
                n % 7,
                n % 20,
                n % 250,
                n + 1_000
            ),
            (0, _) => format!("{clock} cache[{}] DEBUG key=user:{} hit=true until {clock}", n % 3, n % 40),
            (1, 0) => format!(
                "{{\"time\":\"{clock}\",\"level\":\"error\",\"msg\":\"f\\u0061iled \\\"login\\\"\",\"user\":\"{user}\",\"status\":{}}}",
                400 + n % 5
            ),
            (1, _) => format!(
                "{{\"time\":\"{clock}\",\"level\":\"info\",\"msg\":\"ok {}\",\"user\":\"{user}\",\"path\":\"C:\\\\tmp\\\\{}\",\"status\":{}}}",
                n % 9,
                n % 4,
                200 + n % 7
            ),
            (2, _) => format!(
                "10.0.{}.{} - {user} [{:02}/Nov/2026:{:02}:{:02}:07 +0000] \"GET /a/{}?q={} HTTP/1.1\" {} {} \"-\" \"Mozilla/5.0 (X11)\"",
                n % 3,
                n % 200,
                18 + n / 900,
                n / 60 % 24,
                n % 60,
                n % 9,
                n * 31 % 1_009,
                [200, 404, 500][n % 3],
                n * 17 % 5_000
            ),
            (_, sides) => (0..sides * 3)
                .map(|_| ["x", "failed", " ", "=", "é", "\"", "42", "_", "ERROR"][dice.below(9)])
                .collect(),
        };
        text.push_str(&line);
        text.push_str(if n % 50 == 49 { "\r\n" } else { "\n" });
    }
    text
}

const QUERIES: &[&str] = &[
    "*",
    "failed",
    "FAILED",
    "fail*",
    "*aile*",
    "*iled",
    "\"failed login\"",
    "\"session 0\"*",
    "*\"login of r\"*",
    "NOT failed",
    "failed OR slow",
    "-failed -ok",
    "failed AND NOT root",
    "404",
    "*404*",
    "*04*",
    "7",
    "2026-11-18T00:0*",
    "\"store[3]\"",
    "*[3]*",
    "*\"] INFO op\"*",
    "*\"Z store[\"*",
    "*\"000Z\"*",
    "*000z*",
    "part-000*",
    "part-00?1*",
    "*t-0004*",
    "a*d",
    "/a/3",
    "*\"GET /a/3?q=1\"*",
    "10.0.1.7",
    "10.0.0.0/24",
    "änne",
    "*nne",
    "*Ä*",
    "svc_7",
    "svc",
    "*c_*",
    "C:\\\\tmp",
    "*tmp*",
    "user:ann",
    "user:a*",
    "user=Bob",
    "user=bob",
    "user!=ann",
    "NOT user:root",
    "status:404",
    "status>=404",
    "status:4*",
    "message:failed",
    "message:\"failed \\\"login\\\"\"",
    "msg:failed",
    "path:tmp",
    "path:\"C:\\\\tmp\\\\3\"",
    "request_path:3",
    "\"failed login\"~1",
    "\"opened for\"~3",
    "message:\"failed login\"~0",
    "level:error",
    "level:error failed",
    "level>=warn OR 404",
    "since:2026-11-20 user:ann",
    "source:in-1.log failed",
    "*zqzq*",
    "zqzq OR ann",
    "time.quality:exact *ed",
    "*\"\\\"\"*",
    "é",
    "*_*",
    "*e*",
    "*\"true until 2026\"*",
    "*\"26-11-18T0\"*",
    "*18/nov*",
    "raw=~\"fail|slow\" -42",
    "/fail[a-z]+\\s+\"?login/",
    "/FAILED|slow.READ/i",
    "/blocked|Änne/i",
    "/port\\s\\d+$/ OR user:Bob",
    "-/session|GET/ level:error",
    "user=~\"^a\"",
    "message=~\"failed .login\" -ann",
    "path=~\"tmp.3\"",
    "10.0.0.0/8",
    "NOT 10.1.0.0/16 port",
    "source_ip:10.0.1.0/25",
    "user:* status:[400 TO 403]",
    "user!=root status!=200 source:in-2.log",
    "NOT (user:ann OR status>300)",
    "template:*session*",
];

const PIPES: &[&str] = &[
    "stats count",
    "stats count by level",
    "stats count by source",
    "stats count by template",
    "stats count by level, source",
    "stats count by user",
    "stats count by user, status, level",
    "stats dc(user), min(status), max(status), count by path",
    "stats sum(status), first(user) by user",
    "timechart 1d by user",
    "rare 3 status",
    "stats count, dc(user), avg(status), p95(status), min(status), first(user), last(user) by level",
    "stats count by anomaly",
    "stats count by time.quality, level",
    "stats sum(score) by level",
    "top 3 level",
    "top 5 template",
    "rare 2 source",
    "top user",
    "timechart 1h",
    "timechart 7m by level",
    "timechart 1d by source",
    // All of some groups: their times are not read.
    "timechart 365d",
    "timechart 365d by level",
    "timechart 365d by user",
    "patterns 4",
    "extract /(?<nr>\\d+)\\sms/ | stats max(nr), count by level",
    "head 7 | stats count by level",
    "stats count by level | where count>=10 | sort level",
];

struct Oracle {
    folder: tempfile::TempDir,
    store: Store,
}

fn oracle() -> Oracle {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("logs");
    std::fs::create_dir(&input).unwrap();
    for kind in 0..4 {
        std::fs::write(input.join(format!("in-{kind}.log")), lines(kind, 3_000)).unwrap();
    }
    let store = Store::open(folder.path().join("data"), folder.path().join("index"));
    let options = store.ingest_options(vec![input.display().to_string()]);
    store.ingest(&options, &Counters::default()).unwrap();
    Oracle { folder, store }
}

/// All records that match by themselves, in the order of answers, handed to `take`.
pub fn each(search: &Search, store: &Store, matcher: &Matcher, mut pipeline: Option<&mut Pipeline>) -> Vec<u64> {
    let snapshot = search.snapshot();
    let mut fields = FieldSet::default();
    let mut groups = Vec::new();
    let mut order: Vec<(Option<Timestamp>, u64, usize, usize)> = Vec::new();
    for (number, group) in snapshot.groups().iter().enumerate() {
        let mut decoded = Decoded::open(snapshot, number, Needs::ALL).unwrap();
        decoded.unpack(snapshot).unwrap();
        for row in 0..group.stats.rows as usize {
            decoded.cut(row, Some(store.registry()), &mut fields);
            if matcher.matches(&decoded.view(snapshot, row, &fields)) {
                order.push((decoded.columns().time(row), group.first.0 + row as u64, number, row));
            }
        }
        groups.push(decoded);
    }
    order.sort_by_key(|(time, id, ..)| std::cmp::Reverse((*time, *id)));
    if let Some(pipeline) = &mut pipeline {
        for (_, _, number, row) in &order {
            groups[*number].cut(*row, Some(store.registry()), &mut fields);
            pipeline.push(&groups[*number].view(snapshot, *row, &fields)).unwrap();
        }
    }
    order.into_iter().map(|(_, id, ..)| id).collect()
}

/// The bytes of all records.
fn all_raw(search: &Search) -> Vec<Vec<u8>> {
    let snapshot = search.snapshot();
    let lines = snapshot.groups().iter().map(|group| (group.stats.rows as usize, snapshot.lines(group).unwrap()));
    lines.flat_map(|(rows, lines)| (0..rows).map(|row| lines.raw(row).to_vec()).collect::<Vec<_>>()).collect()
}

#[test]
fn a_query_decided_on_columns_finds_what_each_record_says() {
    let Oracle { folder: _folder, store } = oracle();
    let search = store.search().unwrap();
    let options = SearchOptions { lenient: true, scan: true, ..SearchOptions::default() };
    let raw = all_raw(&search);
    for text in QUERIES {
        let query = search.parse(text, &options).unwrap();
        let expected = each(&search, &store, &Matcher::compile(&query.tree).unwrap(), None);
        // What was asked before is answered from what was kept.
        for limit in [None, Some(3), None] {
            let mut found = Vec::new();
            let options = SearchOptions { limit, ..options };
            let summary = search.run(&query, &options, &AtomicBool::new(false), |record| {
                found.push(record.id.0);
                assert_eq!(record.raw, raw[record.id.0 as usize], "{text}");
                true
            });
            let wanted = &expected[..limit.map_or(expected.len(), |limit| expected.len().min(limit as usize))];
            assert_eq!(found, wanted, "{text}");
            assert_eq!(summary.unwrap().matched, expected.len() as u64, "{text}");
        }
    }
}

#[test]
fn the_span_of_the_matches_is_told_whatever_was_read() {
    let Oracle { folder: _folder, store } = oracle();
    let search = store.search().unwrap();
    let options = SearchOptions { lenient: true, ..SearchOptions::default() };
    for text in ["failed", "user:ann", "*", "404 OR slow", "level:error"] {
        let query = search.parse(text, &options).unwrap();
        let (mut first, mut last) = (None, None);
        let all = search.run(&query, &options, &AtomicBool::new(false), |record| {
            if let Some(time) = record.time {
                first = Some(first.map_or(time, |first: Timestamp| first.min(time)));
                last = Some(last.map_or(time, |last: Timestamp| last.max(time)));
            }
            true
        });
        let count = search.count(&query, &options, &AtomicBool::new(false)).unwrap();
        assert_eq!((count.first, count.last), (first, last), "{text}");
        assert_eq!((all.as_ref().unwrap().first, all.unwrap().last), (first, last), "{text}");
    }
}

/// Figures as they are shown; the last digits of a sum depend on the order of adding.
fn shown(cells: &[Vec<Cell>]) -> Vec<Vec<String>> {
    let show = |cell: &Cell| match cell.number() {
        Some(number) => format!("{number:.6}"),
        None => format!("{cell:?}"),
    };
    cells.iter().map(|row| row.iter().map(show).collect()).collect()
}

#[test]
fn tables_made_of_columns_are_those_made_of_records() {
    let Oracle { folder: _folder, store } = oracle();
    let search = store.search().unwrap();
    let options = SearchOptions { lenient: true, ..SearchOptions::default() };
    for filter in ["*", "failed", "level:error OR user:ann", "status:404"] {
        for pipe in PIPES {
            let text = format!("{filter} | {pipe}");
            let query = search.parse(&text, &options).unwrap();
            let mut pipeline = Pipeline::new(&query.pipes, Limits::default()).unwrap();
            each(&search, &store, &Matcher::compile(&query.tree).unwrap(), Some(&mut pipeline));
            let Output::Table(expected) = pipeline.finish().unwrap() else { panic!("{text} makes a table") };
            for scan in [false, true] {
                let options = SearchOptions { scan, ..options };
                let table = search.run(&query, &options, &AtomicBool::new(false), |_| true).unwrap().table.unwrap();
                assert_eq!(shown(&table.rows), shown(&expected.rows), "{text}");
                assert_eq!(table.series, expected.series, "{text}");
            }
        }
    }
}

/// A record without its line end.
fn line_of(raw: &[u8]) -> &[u8] {
    let line = raw.strip_suffix(b"\n").unwrap_or(raw);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// An expression made of a piece of a line: some letters become classes, some a gap, some have another case.
fn expression(line: &str, dice: &mut Dice) -> String {
    let letters: Vec<char> = line.chars().collect();
    let from = dice.below(letters.len());
    let piece = &letters[from..letters.len().min(from + 3 + dice.below(9))];
    let mut expression = String::new();
    for letter in piece {
        let own = regex::escape(&letter.to_string());
        match dice.below(9) {
            0 => expression.push('.'),
            1 => expression.push_str(".{0,3}"),
            2 => expression.push_str(&format!("({own}|zq)")),
            3 => expression.push_str(&format!("(?i:{own})")),
            4 if letter.is_ascii_alphanumeric() => expression.push_str(&format!("[{letter}x-z]+")),
            5 => expression.push_str(&format!("(?:{own})+")),
            _ => expression.push_str(&own),
        }
    }
    if dice.below(4) == 0 { format!("{expression}|slow .ead") } else { expression }
}

#[test]
fn expressions_find_in_columns_what_they_find_in_lines() {
    let Oracle { folder: _folder, store } = oracle();
    let search = store.search().unwrap();
    let raw = all_raw(&search);
    let lines: Vec<&[u8]> = raw.iter().map(|raw| line_of(raw)).collect();
    let mut dice = Dice::new(41);
    for _ in 0..150 {
        let line = String::from_utf8_lossy(lines[dice.below(lines.len())]).into_owned();
        if line.is_empty() {
            continue;
        }
        let expression = expression(&line, &mut dice);
        let ignore_case = dice.below(3) == 0;
        let plain = regex::bytes::RegexBuilder::new(&expression).case_insensitive(ignore_case).build().unwrap();
        let expected = lines.iter().filter(|line| plain.is_match(line)).count() as u64;
        let pattern = if ignore_case { format!("(?i){expression}") } else { expression };
        let text = format!("raw=~\"{}\"", pattern.replace('\\', "\\\\").replace('"', "\\\""));
        for scan in [false, true] {
            let options = SearchOptions { lenient: true, scan, ..SearchOptions::default() };
            let query = search.parse(&text, &options).unwrap();
            let count = search.count(&query, &options, &AtomicBool::new(false)).unwrap();
            assert_eq!(count.matched, expected, "{text}");
        }
    }
}
