//! The query language from outside: an acceptance corpus where one is given, a fixture of our own always, and properties.

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
