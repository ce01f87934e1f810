//! The query language from outside: an acceptance corpus where one is given, a fixture of our own always, and properties.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that is wrong about its own data should stop")]

use std::path::PathBuf;

use logguard::model::{
    FieldSet, InputId, Level, Origin, RecordId, RecordView, TimeQuality, Timestamp, Zone, canonical_name,
};
use logguard::query::{Cell, Limits, Matcher, Output, Pipeline, Query, QueryContext};
use serde_json::{Value, json};

/// A record that owns what a view borrows.
struct Entry {
    id: u64,
    time: Option<Timestamp>,
    quality: TimeQuality,
    level: Option<Level>,
    source: String,
    raw: String,
    fields: FieldSet,
    template: String,
}

impl Entry {
    fn from_json(entry: &Value) -> Entry {
        let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let mut fields = FieldSet::default();
        for (name, value) in entry.as_object().unwrap() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if name == "level" {
                fields.push_named_derived("level_raw", value.as_bytes());
            } else if !matches!(name.as_str(), "id" | "time" | "source" | "raw" | "time.quality") {
                fields.push_named_derived(&canonical_name(name), value.as_bytes());
            }
        }
        let raw = text("raw");
        let message = entry["message"].as_str().unwrap_or(&raw);
        Entry {
            id: entry["id"].as_u64().unwrap(),
            time: time(&text("time")),
            quality: if entry["time.quality"] == "year-inferred" {
                TimeQuality::YearInferred
            } else {
                TimeQuality::Exact
            },
            level: Level::from_word(text("level").as_bytes()),
            source: text("source"),
            fields,
            template: masked(message),
            raw,
        }
    }

    fn view(&self) -> RecordView<'_> {
        RecordView {
            id: RecordId(self.id),
            origin: Origin { input: InputId(0), offset: 0, length: self.raw.len() as u32 },
            rules: &[],
            source: &self.source,
            raw: self.raw.as_bytes(),
            time: self.time,
            time_quality: self.quality,
            level: self.level,
            fields: self.fields.of(self.raw.as_bytes()),
            template: &self.template,
            score: 0.0,
            novelty: 0.0,
            verdict: None,
            incident: None,
        }
    }
}

fn time(text: &str) -> Option<Timestamp> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<u8>().ok();
    Timestamp::from_civil(
        text.get(..4)?.parse().ok()?,
        number(5..7)?,
        number(8..10)?,
        number(11..13)?,
        number(14..16)?,
        number(17..19)?,
        0,
    )
}

/// A stand-in for the template stage: addresses and numbers masked.
fn masked(message: &str) -> String {
    let addresses = regex::Regex::new(r"\b\d{1,3}(?:\.\d{1,3}){3}\b").unwrap();
    let numbers = regex::Regex::new(r"\b\d+\b").unwrap();
    numbers.replace_all(&addresses.replace_all(message, "<ip>"), "<n>").into_owned()
}

/// The answer to a query in the form of the acceptance table.
fn answer(corpus: &[Entry], now: Timestamp, text: &str) -> Value {
    let mut names: Vec<String> = corpus
        .iter()
        .flat_map(|entry| entry.view().fields.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>())
        .collect();
    names.sort();
    names.dedup();
    let times = || corpus.iter().filter_map(|entry| entry.time);
    let (start, end) = (times().min(), times().max());
    let context = QueryContext { now, start, end, zone: Zone::UTC, known_fields: &names, lenient: false };
    let query = match Query::parse(text, &context) {
        Ok(query) => query,
        Err(error) => return json!({ "error": error.to_string() }),
    };
    let matcher = Matcher::compile(&query.tree).unwrap();
    let mut hits: Vec<&Entry> = corpus.iter().filter(|entry| matcher.matches(&entry.view())).collect();
    hits.sort_by_key(|entry| std::cmp::Reverse((entry.time, entry.id)));
    let mut pipeline = Pipeline::new(&query.pipes, Limits::default()).unwrap();
    for hit in &hits {
        pipeline.push(&hit.view()).unwrap();
    }
    let mut answer = match pipeline.finish().unwrap() {
        Output::Table(table) => {
            json!({ "result": table.rows.iter().map(|row| row.iter().map(cell).collect()).collect::<Vec<Value>>() })
        }
        Output::Records { rows, .. } if query.pipes.is_empty() => {
            let mut ids: Vec<u64> = rows.iter().map(|row| row.id.0).collect();
            ids.sort();
            json!({ "ids": ids })
        }
        Output::Records { rows, .. } => json!({ "result": rows.iter().map(|row| row.id.0).collect::<Vec<_>>() }),
        Output::Context { count, hits } => json!({ "result": neighbours(corpus, count, &hits) }),
    };
    if !query.hints.is_empty() {
        answer["hints"] = json!(query.hints);
    }
    answer
}

/// What the engine does for `context`: records before and after in the same source.
fn neighbours(corpus: &[Entry], count: usize, hits: &[RecordId]) -> Value {
    let mut hits: Vec<u64> = hits.iter().map(|id| id.0).collect();
    hits.sort();
    let mut near: Vec<u64> = Vec::new();
    for hit in &hits {
        let source = &corpus.iter().find(|entry| entry.id == *hit).unwrap().source;
        let same: Vec<u64> = corpus.iter().filter(|entry| entry.source == *source).map(|entry| entry.id).collect();
        let at = same.iter().position(|id| id == hit).unwrap();
        near.extend(&same[at.saturating_sub(count)..(at + count + 1).min(same.len())]);
    }
    near.sort();
    near.dedup();
    json!({ "context_ids": near, "hit_ids": hits })
}

fn cell(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Text(text) => json!(text),
        Cell::Int(value) => json!(value),
        Cell::Float(value) => json!(value),
    }
}

#[test]
fn the_acceptance_corpus_gets_its_answers() {
    let Some(folder) = std::env::var_os("LOGGUARD_SHARED") else {
        println!("skipped: LOGGUARD_SHARED is not set");
        return;
    };
    let text = std::fs::read_to_string(PathBuf::from(folder).join("query_acceptance.json")).unwrap();
    let table: Value = serde_json::from_str(&text).unwrap();
    let corpus: Vec<Entry> = table["corpus"].as_array().unwrap().iter().map(Entry::from_json).collect();
    let now = time(table["now"].as_str().unwrap()).unwrap();
    let mut wrong = Vec::new();
    let queries = table["queries"].as_array().unwrap();
    for expected in queries {
        let text = expected["query"].as_str().unwrap();
        let mut wanted = expected.clone();
        wanted.as_object_mut().unwrap().retain(|key, _| matches!(key.as_str(), "ids" | "result" | "error" | "hints"));
        let got = answer(&corpus, now, text);
        if got != wanted {
            wrong.push(format!("{text}\n  wanted {wanted}\n  got    {got}"));
        }
    }
    assert!(queries.len() >= 89);
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), queries.len(), wrong.join("\n"));
}

/// Eight requests of a shop, one a minute, with what the acceptance corpus has not: repeats, ports, long values.
fn shop() -> Vec<Entry> {
    let row = |id: u64, level: &str, user: &str, took: &str, message: &str| {
        Entry::from_json(&json!({
            "id": id, "time": format!("2026-03-01T08:0{id}:00"), "level": level, "user": user, "took": took,
            "message": message, "source": if id.is_multiple_of(2) { "even.log" } else { "odd.log" },
            "raw": format!("{level} {user} {took} {message}"),
        }))
    };
    vec![
        row(1, "INFO", "ada", "10", "order 17 from 10.1.2.3:4711 placed"),
        row(2, "INFO", "bob", "20", "order 18 from [2001:db8::5]:80 placed"),
        row(3, "ERROR", "ada", "30", "payment declined"),
        row(4, "INFO", "ada", "1k", "order 19 placed"),
        row(5, "WARN", "cy", "-", "slow Über-Query"),
        row(6, "INFO", "bob", "60", "order 20 placed"),
        row(7, "ALERT", "dee", "70", "disk_full on /var/log/"),
        row(8, "INFO", "ada", "80", "order 21 placed"),
    ]
}

fn ask(text: &str) -> Value {
    let answer = answer(&shop(), Timestamp::from_seconds(1_772_352_600, 0).unwrap(), text);
    ["ids", "result", "error"].iter().find_map(|key| answer.get(*key)).cloned().unwrap()
}

#[test]
fn terms_reach_ports_wildcards_and_other_alphabets() {
    assert_eq!(ask("10.0.0.0/8 OR 2001:db8::/64"), json!([1, 2]));
    assert_eq!(ask("2001:DB8:0::5"), json!([2]));
    assert_eq!(ask("über-query"), json!([5]));
    assert_eq!(ask("disk"), json!([]));
    assert_eq!(ask("disk*"), json!([7]));
    assert_eq!(ask("o?der 1*"), json!([1, 2, 4]));
    assert_eq!(ask("user:(ada OR cy) -level:info"), json!([3, 5]));
    assert_eq!(ask("user=ADA"), json!([]));
    assert_eq!(ask("user!=ADA"), json!([2, 5, 6, 7]));
    assert_eq!(ask("took>=60"), json!([4, 6, 7, 8]));
    assert_eq!(ask("user:[b TO cz]"), json!([2, 5, 6]));
    assert_eq!(ask("source:even id:[3 TO 7]"), json!([4, 6]));
    assert_eq!(ask("level:[WARN TO *] NOT level=error"), json!([5, 7]));
    assert_eq!(ask("message:/declined|FULL/i"), json!([3, 7]));
    assert_eq!(ask("time:[2026-03-01T08:02 TO 2026-03-01T08:04}"), json!([2, 3]));
    assert_eq!(ask("----placed took:1k"), json!([4]));
}

#[test]
fn figures_are_exact_and_in_a_total_order() {
    assert_eq!(
        ask("| stats count, p50(took), p99(took), first(took), last(took), dc(level) by user"),
        json!([
            ["ada", 4, 30.0, 1000.0, "10", "80", 2],
            ["bob", 2, 20.0, 60.0, "20", "60", 1],
            ["cy", 1, null, null, "-", "-", 1],
            ["dee", 1, 70.0, 70.0, "70", "70", 1],
        ])
    );
    assert_eq!(ask("nothing | stats count, sum(took)"), json!([[0, null]]));
    assert_eq!(
        ask("| stats count by user, level | where count>=2 | fields count, user | sort user"),
        json!([[3, "ada"], [2, "bob"]])
    );
    assert_eq!(ask("| stats avg(took), min(took), max(took) by user | head 1"), json!([["ada", 280.0, 10.0, 1000.0]]));
}

#[test]
fn records_pass_through_stages_in_order() {
    assert_eq!(ask("| head 2"), json!([8, 7]));
    assert_eq!(ask("| tail 2"), json!([2, 1]));
    assert_eq!(ask("| sort took | tail 2 | fields user"), json!([8, 4]));
    assert_eq!(ask("| sort -level | head 3"), json!([7, 3, 5]));
    assert_eq!(
        ask("| extract \"order (?<nr>\\d+)\" | stats max(nr), count by source"),
        json!([["even.log", 21.0, 4], ["odd.log", 17.0, 4]])
    );
    assert_eq!(ask("order | gaps 2m"), json!([[null, 2, 4, 120], [null, 4, 6, 120], [null, 6, 8, 120]]));
    assert_eq!(ask("| timechart 4m by source | head 1"), json!([["2026-03-01T08:00:00Z", "even.log", 1]]));
    assert_eq!(ask("disk_full | context 1"), json!({ "context_ids": [5, 7], "hit_ids": [7] }));
}

#[test]
fn mistakes_say_what_to_type() {
    for (text, wanted) in [
        ("usr:ada", "col 1: unknown field 'usr', did you mean 'user'? (to search the text, quote it)"),
        ("| stats count by usr", "unknown field 'usr', did you mean 'user'?"),
        ("took:[9 TO 1]", "col 14: empty range: 9 > 1"),
        ("OR x", "col 1: operator without a term before it (to search the word, quote it: \"AND\")"),
        ("user:", "col 6: field 'user' needs a value"),
        ("x^2", "col 4: boost (^) is not supported; results are in time order"),
        ("=~x", "col 3: regex must be quoted: =~\"...\""),
        ("since:noon", "col 11: bad time 'noon'"),
        ("| head ten", "head: 'ten' is not a count"),
        (
            "| stats count | top user",
            "'top' needs records; a table can only be followed by where, sort, head, tail, fields",
        ),
        ("| extract /\\d+/", "col 16: extract needs a named group: (?<name>...)"),
        ("a)", "col 2: unexpected ')'"),
    ] {
        assert_eq!(ask(text), json!(wanted), "{text}");
    }
}

#[test]
fn limits_are_named_when_they_are_reached() {
    let corpus = shop();
    let context =
        QueryContext { now: Timestamp(0), start: None, end: None, zone: Zone::UTC, known_fields: &[], lenient: true };
    let fails = |text: &str, limits| {
        let query = Query::parse(text, &context).unwrap();
        let mut pipeline = Pipeline::new(&query.pipes, limits).unwrap();
        corpus.iter().rev().find_map(|entry| pipeline.push(&entry.view()).err()).unwrap().to_string()
    };
    let few = Limits { groups: 2, ..Limits::default() };
    assert_eq!(fails("| stats count by user", few), "stats: more than 2 groups; narrow the query");
    let small = Limits { memory: 100, ..Limits::default() };
    assert_eq!(fails("| sort took", small), "sort: more than 0 MiB of values; narrow the query");
}

#[test]
fn the_tree_shows_precedence_and_highlights_show_the_words() {
    let context =
        QueryContext { now: Timestamp(0), start: None, end: None, zone: Zone::UTC, known_fields: &[], lenient: true };
    let query = Query::parse("failed OR denied AND level:CRITICAL", &context).unwrap();
    assert_eq!(query.tree.to_string(), r#"("failed" OR ("denied" AND level is critical))"#);
    let matcher = Matcher::compile(&Query::parse("ab* OR bc OR status:x", &context).unwrap().tree).unwrap();
    let mut marks = Vec::new();
    matcher.highlights(b"x abc bc AB", &mut marks);
    assert_eq!(marks, [2..4, 6..8, 9..11]);
    assert!(matcher.needs_fields());
    let plain = Matcher::compile(&Query::parse("level:error x", &context).unwrap().tree).unwrap();
    assert!(!plain.needs_fields());
}
