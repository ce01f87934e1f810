//! Properties of the query language: no text breaks it, and the conditions for the index never lose a match.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that is wrong about its own data should stop")]

use std::collections::BTreeSet;

use logguard::model::query::LevelSet;
use logguard::model::{
    FieldSet, InputId, Level, Origin, RecordId, RecordView, TimeQuality, Timestamp, Verdict, Zone, addresses,
};
use logguard::query::{ColumnView, Filter, Matcher, Query, QueryContext, filter, source_matches};
use proptest::prelude::*;

const NAMES: [&str; 3] = ["status", "target", "client_ip"];

/// What a query is made of, legal and not.
const PARTS: &[&str] = &[
    "fail",
    "failed",
    "user*",
    "*wd*",
    "a?b",
    "\"a b\"",
    "\"port 5\"*",
    "\"a b\"~2",
    "level:",
    "level>=",
    "ERROR",
    "warn",
    "status:",
    "status=",
    "status!=",
    "target:",
    "client_ip:",
    "source:",
    "app",
    "10.0.0.0/8",
    "10.1.2.3",
    "::1",
    "fe80::1",
    "2001:db8::/32",
    "[1 TO 5]",
    "{a TO *]",
    "(",
    ")",
    " ",
    " ",
    " AND ",
    " OR ",
    "NOT ",
    "-",
    "!",
    "+",
    "/a.b/i",
    "=~\"x|y\"",
    "since:1h",
    "time:2026-11-20",
    "around:now~5m",
    "é",
    "Ärger",
    "ſ",
    "\u{212A}",
    "*",
    "?",
    "\\",
    "\"",
    "'",
    ":",
    "~1",
    "^2",
    "5k",
    "score>0.5",
    "anomaly:true",
    "id:3",
    "| stats count by level",
    "| head 3",
    "| sort -status",
    "| gaps 5m",
    "\0",
    "\u{1b}",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "443",
    "_",
    ".",
    "evil.com:443",
    "*x",
    "x*",
    "*:*",
    "level_raw:e",
    "| extract /(?<n>\\d+)/ | top n",
    "| timechart 1h by status",
    "| stats p95(status), dc(target), first(target) by status, target",
];

fn context(names: &[String]) -> QueryContext<'_> {
    let moment = Timestamp::from_seconds(1_795_000_000, 0);
    QueryContext {
        now: moment.unwrap(),
        start: moment,
        end: moment,
        zone: Zone::UTC,
        known_fields: names,
        lenient: false,
    }
}

fn names() -> Vec<String> {
    NAMES.iter().map(|name| (*name).to_owned()).collect()
}

/// A record whose fields are its comma-separated columns.
struct Line {
    raw: Vec<u8>,
    fields: FieldSet,
    level: Option<Level>,
    verdict: Option<Verdict>,
    score: f32,
}

impl Line {
    fn new(columns: &[Vec<u8>], level: Option<Level>, score: f32) -> Line {
        let mut raw = Vec::new();
        let mut fields = FieldSet::default();
        for (name, column) in NAMES.iter().zip(columns) {
            let start = raw.len();
            raw.extend_from_slice(column);
            fields.push_named_raw(name, start..raw.len());
            raw.push(b',');
        }
        let verdict = (score > 0.7).then(|| Verdict { score, flagged: true, ..Verdict::default() });
        Line { raw, fields, level, verdict, score }
    }

    fn view(&self) -> RecordView<'_> {
        RecordView {
            id: RecordId(3),
            origin: Origin { input: InputId(0), offset: 0, length: self.raw.len() as u32 },
            rules: &[],
            source: "app.log",
            raw: &self.raw,
            time: Timestamp::from_seconds(1_795_000_000, 0),
            time_quality: TimeQuality::Exact,
            level: self.level,
            fields: self.fields.of(&self.raw),
            template: "",
            score: self.score,
            novelty: 0.0,
            verdict: self.verdict.as_ref(),
            incident: None,
        }
    }

    /// The words that the index knows of the record.
    fn words(&self) -> BTreeSet<String> {
        self.raw
            .split(|b| !b.is_ascii_alphanumeric() && *b != b'_')
            .filter(|word| !word.is_empty())
            .map(|word| String::from_utf8(word[..word.len().min(40)].to_ascii_lowercase()).unwrap())
            .collect()
    }

    fn satisfies(&self, filter: &Filter) -> bool {
        let view = self.view();
        match filter {
            Filter::All => true,
            Filter::None => false,
            Filter::And(parts) => parts.iter().all(|part| self.satisfies(part)),
            Filter::Or(parts) => parts.iter().any(|part| self.satisfies(part)),
            Filter::Word(word) => self.words().contains(word),
            Filter::Address { low, high, v4 } => addresses(&self.raw).any(|address| match address {
                std::net::IpAddr::V4(address) => *v4 && (*low..=*high).contains(&u128::from(u32::from(address))),
                std::net::IpAddr::V6(address) => !*v4 && (*low..=*high).contains(&u128::from(address)),
            }),
            Filter::Time(range) => view.time.is_some_and(|time| range.contains(time)),
            Filter::Level(set) => LevelSet(*set).contains(view.level),
            Filter::Score { min } => view.score >= *min,
            Filter::Flagged => self.verdict.is_some(),
            Filter::Id(low, high) => (*low..=*high).contains(&view.id.0),
            Filter::Source(pattern) => source_matches(pattern, view.source),
        }
    }
}

fn query_text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PARTS), 1..7).prop_map(|parts| parts.concat())
}

fn column() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![
        &b"fail"[..],
        b"failed",
        b"User7",
        b"passwd",
        b"aXb",
        b"a b",
        b"port 51",
        b"ERROR",
        b"10.1.2.3",
        b"fe80::1",
        b"::1",
        b"2001:DB8::9",
        b"3",
        b"5k",
        b"\xC3\xA9",
        "ärger".as_bytes(),
        b"\xFF",
        b" ",
        b" ",
        b"/",
        b".",
        b"evil.com:443",
        b"yxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        b"x",
        b"_",
        b"443",
        "\u{212A}".as_bytes(),
        "ſ".as_bytes(),
        b"-",
        b"true",
    ]);
    prop::collection::vec(words, 0..5).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn a_match_always_satisfies_the_conditions_for_the_index(
        text in query_text(),
        columns in prop::collection::vec(column(), 3),
        level in prop::option::of(0u8..9),
        score in 0f32..1.0,
    ) {
        let names = names();
        if let Ok(query) = Query::parse(&text, &context(&names)) {
            let matcher = Matcher::compile(&query.tree).unwrap();
            let line = Line::new(&columns, level.and_then(Level::from_code), score);
            let view = line.view();
            let matched = matcher.matches(&view);
            let conditions = filter(&query.tree);
            prop_assert!(!matched || line.satisfies(&conditions), "{} {:?} {:?}", query.tree, conditions, line.raw);
            prop_assert!(!matched || matcher.may_match_within(&[b"x", line.raw.as_slice(), b"x"].concat()));
            let columns = ColumnView {
                time: view.time, time_quality: view.time_quality, level: view.level, score, novelty: 0.0,
                flagged: line.verdict.is_some(), source: view.source,
                incident: None,
            };
            prop_assert!(matcher.on_columns(&columns).is_none_or(|decided| decided == matched));
            let mut marks = Vec::new();
            matcher.highlights(&line.raw, &mut marks);
            prop_assert!(marks.windows(2).all(|pair| pair[0].end <= pair[1].start));
        }
    }

    #[test]
    fn any_characters_give_an_answer_or_an_error(text in "\\PC{0,40}") {
        let names = names();
        let _ = Query::parse(&text, &context(&names));
    }
}

#[test]
fn nesting_and_length_are_bounded() {
    let names = names();
    for text in ["(".repeat(60_000), "NOT ".repeat(16_000), "a ".repeat(40_000), "a|".repeat(30_000)] {
        assert!(Query::parse(&text, &context(&names)).is_err());
    }
    assert!(Query::parse(&format!("{}x", "-".repeat(60_000)), &context(&names)).is_ok());
}
