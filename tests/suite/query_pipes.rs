//! Every pipe against a plain reckoning of the same rows, at any order of arrival of equal times, and its limits by name.

use std::collections::{BTreeMap, BTreeSet};

use logguard::model::{FieldSet, InputId, Level, Origin, RecordId, RecordView, TimeQuality, Timestamp, Zone};
use logguard::query::{Cell, Limits, Output, Pipeline, Query, QueryContext, Table};

use super::query_random::Dice;

const SECOND: i64 = 1_000_000_000;

/// What the pipes look at.
#[derive(Debug, Clone)]
struct Entry {
    id: u64,
    time: Option<i64>,
    user: Option<&'static str>,
    took: Option<String>,
}

fn entries(seed: u64, count: u64) -> Vec<Entry> {
    let mut dice = Dice::new(seed);
    let mut entries: Vec<Entry> = (0..count)
        .map(|id| Entry {
            id,
            time: (dice.below(20) > 0).then(|| 1_795_000_000 * SECOND + dice.below(7_200) as i64 * SECOND),
            user: [None, Some("ann"), Some("bob"), Some("cy"), Some("=x")][dice.below(5)],
            took: match dice.below(6) {
                0 => None,
                1 => Some("n/a".to_owned()),
                2 => Some(format!("{}.{}", dice.below(50), dice.below(10))),
                _ => Some(dice.below(1_000).to_string()),
            },
        })
        .collect();
    // The order of answers.
    entries.sort_by_key(|entry| std::cmp::Reverse((entry.time, entry.id)));
    entries
}

fn context() -> (Vec<String>, Timestamp) {
    (vec!["took".to_owned()], Timestamp((1_795_000_000 + 7_200) * SECOND))
}

fn run(entries: &[Entry], text: &str, limits: Limits) -> Result<Output, String> {
    let (names, now) = context();
    let context =
        QueryContext { now, start: None, end: Some(now), zone: Zone::UTC, known_fields: &names, lenient: false };
    let query = Query::parse(text, &context).unwrap();
    let mut pipeline = Pipeline::new(&query.pipes, limits).unwrap();
    for entry in entries {
        let mut fields = FieldSet::default();
        entry.user.iter().for_each(|user| fields.push_named_derived("user", user.as_bytes()));
        entry.took.iter().for_each(|took| fields.push_named_derived("took", took.as_bytes()));
        let raw = format!("user {} took {}", entry.user.unwrap_or("-"), entry.took.as_deref().unwrap_or("-"));
        let view = RecordView {
            id: RecordId(entry.id),
            origin: Origin { input: InputId(0), offset: 0, length: 1 },
            source: "a.log",
            raw: raw.as_bytes(),
            time: entry.time.map(Timestamp),
            time_quality: TimeQuality::Exact,
            level: Level::from_code((entry.id % 9) as u8),
            fields: fields.of(raw.as_bytes()),
            template: entry.user.unwrap_or("none"),
            score: 0.0,
            novelty: 0.0,
            rules: &[],
            verdict: None,
            incident: None,
        };
        pipeline.push(&view).map_err(|cause| cause.to_string())?;
    }
    pipeline.finish().map_err(|cause| cause.to_string())
}

fn table(entries: &[Entry], text: &str) -> Table {
    match run(entries, text, Limits::default()).unwrap() {
        Output::Table(table) => table,
        other => panic!("{text}: {other:?}"),
    }
}

fn ids(entries: &[Entry], text: &str) -> Vec<u64> {
    match run(entries, text, Limits::default()).unwrap() {
        Output::Records { rows, .. } => rows.iter().map(|row| row.id.0).collect(),
        other => panic!("{text}: {other:?}"),
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

fn text(value: Option<&str>) -> Cell {
    value.map_or(Cell::Null, |value| Cell::Text(value.to_owned()))
}

#[test]
fn figures_are_those_of_a_plain_reckoning() {
    for seed in 0..20 {
        let entries = entries(seed, 300);
        let found = table(
            &entries,
            "| stats count, dc(took), sum(took), avg(took), min(took), max(took), p50(took), p95(took), p99(took), \
             first(took), last(took) by user",
        );
        let users: BTreeSet<Option<&str>> = entries.iter().map(|entry| entry.user).collect();
        assert_eq!(found.rows.len(), users.len());
        for row in &found.rows {
            let mine: Vec<&Entry> = entries.iter().filter(|entry| text(entry.user) == row[0]).collect();
            let values: Vec<&str> = mine.iter().filter_map(|entry| entry.took.as_deref()).collect();
            let mut numbers: Vec<f64> = values.iter().filter_map(|value| number(value)).collect();
            numbers.sort_by(f64::total_cmp);
            // Nearest rank: the least value that this share of values does not exceed.
            let rank = |percent: usize| {
                numbers.iter().position(|x| 100 * numbers.iter().filter(|y| *y <= x).count() >= percent * numbers.len())
            };
            let percentile = |percent| Cell::Float(numbers[rank(percent).unwrap()]);
            // Tenths add up exactly as whole numbers.
            let tenths: f64 = numbers.iter().map(|number| (number * 10.0).round()).sum();
            let with_took = |entry: &&&Entry| entry.took.is_some();
            let oldest = mine.iter().rev().find(with_took).unwrap();
            let newest = mine.iter().find(with_took).unwrap();
            let expected = [
                Cell::Int(mine.len() as i64),
                Cell::Int(values.iter().collect::<BTreeSet<_>>().len() as i64),
                Cell::Float(tenths / 10.0),
                Cell::Float(tenths / 10.0 / numbers.len() as f64),
                Cell::Float(numbers[0]),
                Cell::Float(numbers[numbers.len() - 1]),
                percentile(50),
                percentile(95),
                percentile(99),
                text(oldest.took.as_deref()),
                text(newest.took.as_deref()),
            ];
            for (cell, wanted) in row[1..].iter().zip(&expected) {
                match (cell, wanted) {
                    (Cell::Float(a), Cell::Float(b)) => assert!((a - b).abs() <= 1e-12 * b.abs(), "{a} {b}"),
                    (cell, wanted) => assert_eq!(cell, wanted),
                }
            }
        }
        assert!(found.rows.is_sorted_by(|a, b| a[1].number() >= b[1].number()), "largest count first");
    }
}

#[test]
fn frequencies_times_and_silences_are_those_of_a_plain_reckoning() {
    for seed in 20..40 {
        let entries = entries(seed, 200);
        let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
        entries.iter().filter_map(|entry| entry.user).for_each(|user| *counts.entry(user).or_default() += 1);
        let mut expected: Vec<(&str, i64)> = counts.into_iter().collect();
        let rows =
            |of: &[(&str, i64)]| of.iter().map(|(user, n)| vec![text(Some(user)), Cell::Int(*n)]).collect::<Vec<_>>();
        expected.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        assert_eq!(table(&entries, "| top 3 user").rows, rows(&expected[..3]));
        expected.sort_by(|a, b| a.1.cmp(&b.1).then(a.0.cmp(b.0)));
        assert_eq!(table(&entries, "| rare 2 user").rows, rows(&expected[..2]));

        let chart = table(&entries, "| timechart 10m");
        let mut buckets: BTreeMap<Option<i64>, i64> = BTreeMap::new();
        for entry in &entries {
            *buckets.entry(entry.time.map(|time| time / (600 * SECOND))).or_default() += 1;
        }
        let timeless = buckets.remove(&None);
        let found: Vec<i64> = chart.rows.iter().map(|row| row[1].number().unwrap() as i64).collect();
        assert_eq!(
            found,
            buckets.values().copied().chain(timeless).collect::<Vec<_>>(),
            "those without a time are last"
        );
        assert_eq!(chart.series[0].counts.iter().sum::<u64>() as i64, buckets.values().sum::<i64>());

        let mut timed: Vec<(i64, u64)> = entries.iter().filter_map(|entry| Some((entry.time?, entry.id))).collect();
        timed.sort_unstable();
        let silences: BTreeSet<(u64, u64, i64)> = timed
            .windows(2)
            .map(|pair| (pair[0].1, pair[1].1, (pair[1].0 - pair[0].0) / SECOND))
            .filter(|(.., seconds)| *seconds >= 90)
            .collect();
        let cell = |cell: &Cell| cell.number().unwrap() as i64;
        let found = table(&entries, "| gaps 90s").rows;
        let found: BTreeSet<(u64, u64, i64)> =
            found.iter().map(|row| (cell(&row[1]) as u64, cell(&row[2]) as u64, cell(&row[3]))).collect();
        assert_eq!(found, silences);
    }
}

#[test]
fn windows_compared_are_those_of_a_plain_reckoning() {
    for seed in 40..60 {
        let entries = entries(seed, 60);
        let end = (1_795_000_000 + 7_200) * SECOND;
        let (from, middle) = (end - 5_400 * SECOND, end - 1_800 * SECOND);
        let count = |user: Option<&str>, from: i64, until: i64| {
            let inside =
                |entry: &&Entry| entry.user == user && entry.time.is_some_and(|time| from <= time && time < until);
            entries.iter().filter(inside).count() as f64
        };
        let found = table(&entries, "| compare 30m before 1h by user");
        assert_eq!(found.columns, ["user", "change", "before", "last", "rate", "first"]);
        for row in &found.rows {
            let user = match &row[0] {
                Cell::Text(user) => Some(user.as_str()),
                _ => None,
            };
            let (before, last) = (count(user, from, middle), count(user, middle, end + 1));
            assert_eq!((row[2].number(), row[3].number()), (Some(before), Some(last)));
            let rate = (before > 0.0).then(|| 2.0 * last / before);
            assert!(row[4].number().zip(rate).is_none_or(|(found, rate)| (found - rate).abs() < 1e-12));
            let change = match rate {
                None => "new",
                Some(0.0) => "gone",
                Some(rate) if rate > 1.0 => "more",
                Some(rate) if rate < 1.0 => "less",
                Some(_) => "same",
            };
            assert_eq!(row[1], text(Some(change)));
        }
        let class = |row: &Vec<Cell>| match &row[1] {
            Cell::Text(change) => {
                ["new", "gone", "more", "less", "same"].iter().position(|other| other == change).unwrap()
            }
            _ => panic!("{row:?}"),
        };
        assert!(found.rows.is_sorted_by_key(|row| class(row).min(2) + class(row) / 4));
    }
}

#[test]
fn records_keep_a_total_order_through_every_stage() {
    let entries = entries(60, 100);
    let all: Vec<u64> = entries.iter().map(|entry| entry.id).collect();
    assert_eq!(ids(&entries, "| head 7"), all[..7]);
    assert_eq!(ids(&entries, "| tail 7"), all[93..]);
    assert_eq!(ids(&entries, "| tail 50 | head 7"), all[50..57]);
    let mut by_id = all.clone();
    by_id.sort_unstable();
    assert_eq!(ids(&entries, "| sort id"), by_id);
    let key = |id: u64| entries.iter().find(|entry| entry.id == id).unwrap().took.as_deref().and_then(number);
    let sorted = ids(&entries, "| sort -took");
    assert_eq!(sorted.len(), 100);
    let numbers: Vec<f64> = sorted.iter().map_while(|id| key(*id)).collect();
    assert!(numbers.is_sorted_by(|a, b| a >= b) && numbers.len() > 50, "numbers come first when they descend");
    let found = table(&entries, "| extract \"took (?<seconds>\\d+)\" | stats max(seconds)");
    let greatest = entries.iter().filter_map(|entry| entry.took.as_deref().and_then(number)).fold(0.0, f64::max);
    assert_eq!(found.rows[0][0].number(), Some(greatest.trunc()));
}

#[test]
fn each_pipe_names_itself_where_it_reaches_its_limit() {
    let entries = entries(61, 200);
    let groups = Limits { groups: 2, ..Limits::default() };
    let memory = Limits { memory: 300, ..Limits::default() };
    for (text, limits, said) in [
        ("| stats count by user", groups, "stats: more than 2 groups"),
        ("| top 1 user", groups, "top: more than 2 groups"),
        ("| rare 1 user", groups, "top: more than 2 groups"),
        ("| timechart 1m", groups, "timechart: more than 2 groups"),
        ("| patterns 1", groups, "patterns: more than 2 groups"),
        ("| gaps 1s by user", groups, "gaps: more than 2 groups"),
        ("| compare 1h by took", groups, "compare: more than 2 groups"),
        ("| stats dc(took)", memory, "stats: more than"),
        ("| stats p95(took)", memory, "stats: more than"),
        ("| stats first(raw) by took", memory, "stats: more than"),
        ("| timechart 1m by took", memory, "timechart: more than"),
        ("| patterns", memory, "patterns: more than"),
        ("| compare 2h by took", memory, "compare: more than"),
        ("| sort took", memory, "sort: more than"),
        ("| tail 100", memory, "tail: more than"),
        ("| head 100", memory, "records: more than"),
        ("| context 1", memory, "records: more than"),
    ] {
        let cause = run(&entries, text, limits).unwrap_err();
        assert!(cause.starts_with(said) && cause.ends_with("narrow the query"), "{text}: {cause}");
    }
}
