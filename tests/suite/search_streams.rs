//! Answers that come while the search goes on: the newest first, whatever the order of the archive, and an end where no more are
//! wanted.

use std::sync::atomic::{AtomicBool, Ordering};

use logguard::archive::ArchiveError;
use logguard::engine::{Counters, EngineError, Search, SearchOptions, SearchSummary, Store};
use logguard::query::Matcher;
use proptest::prelude::*;

use super::query_columns::each;
use super::world::{NOW, World};

const QUERIES: &[&str] = &["*", "failed", "n:[3 TO 9]", "NOT failed", "nowhere", "level>=error"];

/// Objects, each a record; those without a time come last in answers.
fn lines(run: usize, times: &[Option<u8>]) -> String {
    let line = |(number, time): (usize, &Option<u8>)| {
        let time = time.map_or(String::new(), |minute| format!("\"time\":\"2026-11-20T10:{minute:02}:00Z\","));
        let (what, level) = [("failed", "error"), ("fine", "info"), ("failed", "info")][(run + number) % 3];
        format!("{{{time}\"msg\":\"{what}\",\"level\":\"{level}\",\"run\":{run},\"n\":{}}}\n", number % 12)
    };
    times.iter().enumerate().map(line).collect()
}

/// A store with row groups of its own for each run.
fn stored(folder: &std::path::Path, runs: &[Vec<Option<u8>>]) -> Store {
    let store = Store::open(folder.join("data"), folder.join("index"));
    for (run, times) in runs.iter().enumerate() {
        let file = folder.join(format!("{run}.json"));
        std::fs::write(&file, lines(run, times)).unwrap();
        let mut options = store.ingest_options(vec![file.display().to_string()]);
        options.detect = None;
        // A program that another test is about to start has the lock of the run before for a moment.
        let is_free = (0..200).any(|_| match store.ingest(&options, &Counters::default()) {
            Err(EngineError::Archive(ArchiveError::Locked { .. })) => {
                std::thread::sleep(std::time::Duration::from_millis(20));
                false
            }
            outcome => outcome.is_ok(),
        });
        assert!(is_free, "run {run} is taken in");
    }
    store
}

/// The answer, up to `most` records of it, and what is said of it, but for how long it took.
fn ask(search: &Search, text: &str, options: &SearchOptions, most: usize) -> (Vec<u64>, SearchSummary) {
    let query = search.parse(text, options).unwrap();
    let mut ids = Vec::new();
    let summary = search.run(&query, options, &AtomicBool::new(false), |record| {
        ids.push(record.id.0);
        ids.len() < most
    });
    (ids, summary.unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn what_comes_first_is_what_a_full_scan_sorts_first(
        runs in proptest::collection::vec(
            proptest::collection::vec(proptest::option::weighted(0.8, 0..60_u8), 1..40), 1..12),
        wanted in 1..30_usize,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let store = stored(folder.path(), &runs);
        let search = store.search().unwrap();
        let all = SearchOptions { lenient: true, ..SearchOptions::default() };
        for text in QUERIES {
            let tree = search.parse(text, &all).unwrap().tree;
            let expected = each(&search, &store, &Matcher::compile(&tree).unwrap(), None);
            let first = &expected[..wanted.min(expected.len())];
            let mut said = Vec::new();
            for threads in [1, 2, 8] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let ask = |text: &str, options: &SearchOptions, most| pool.install(|| ask(&search, text, options, most));
                let (ids, summary) = ask(text, &all, usize::MAX);
                prop_assert_eq!(&ids, &expected, "{}", text);
                prop_assert!(summary.counted && summary.matched == expected.len() as u64);
                let some = SearchOptions { limit: Some(wanted as u64), ..all };
                let (ids, summary) = ask(text, &some, usize::MAX);
                prop_assert_eq!(&ids, first, "{} counted", text);
                prop_assert!(summary.counted && summary.matched == expected.len() as u64);
                let head = format!("{text} | head {wanted}");
                let ended = SearchOptions { count_all: false, ..some };
                for (text, options, most) in
                    [(*text, &ended, usize::MAX), (&head, &all, usize::MAX), (&head, &some, usize::MAX), (text, &all, wanted)]
                {
                    let (ids, summary) = ask(text, options, most);
                    prop_assert_eq!(&ids, first, "{}", text);
                    let matched = if summary.counted { expected.len() } else { first.len() };
                    prop_assert_eq!(summary.matched, matched as u64, "{}", text);
                    said.push((summary.matched, summary.counted, summary.given, summary.first, summary.last));
                }
                let (_, summary) = ask(&format!("{head} | stats count"), &all, usize::MAX);
                let count = format!("{:?}", summary.table.unwrap().rows);
                prop_assert_eq!(count, format!("[[Int({})]]", first.len()), "{}", head);
            }
            let (one, others) = said.split_at(said.len() / 3);
            prop_assert!(others.chunks(one.len()).all(|other| other == one), "{}: {:?}", text, said);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    #[test]
    fn what_is_counted_and_its_span_are_those_of_all_matches_at_any_number_of_threads(
        runs in proptest::collection::vec(
            proptest::collection::vec(proptest::option::weighted(0.8, 0..60_u8), 1..40), 1..12),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let store = stored(folder.path(), &runs);
        let (search, once) = (store.search().unwrap(), store.search().unwrap().for_one_question());
        let all = SearchOptions { lenient: true, ..SearchOptions::default() };
        let untold = SearchOptions { tell_span: false, ..all };
        let stop = AtomicBool::new(false);
        for text in QUERIES {
            let query = search.parse(text, &all).unwrap();
            let (mut matched, mut times) = (0, Vec::new());
            search.run(&query, &all, &stop, |record| {
                matched += 1;
                times.extend(record.time);
                true
            }).unwrap();
            let expected = (matched, times.iter().min().copied(), times.iter().max().copied());
            let said = |summary: &SearchSummary| (summary.matched, summary.first, summary.last);
            let mut tables: Vec<String> = Vec::new();
            for threads in [1, 2, 8] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                // The second time of each search a part of it may be kept.
                for search in [&search, &once, &search, &once] {
                    let mut of_search = String::new();
                    for pipe in ["stats count by n", "top 3 msg", "timechart 10m", "stats count, max(n)"] {
                        let text = format!("{text} | {pipe}");
                        let (_, summary) = pool.install(|| ask(search, &text, &all, usize::MAX));
                        prop_assert_eq!(said(&summary), expected, "{}", text);
                        let table = format!("{:?}", summary.table.unwrap().rows);
                        let (_, summary) = pool.install(|| ask(search, &text, &untold, usize::MAX));
                        prop_assert_eq!(said(&summary), (matched, None, None), "{}", text);
                        prop_assert_eq!(format!("{:?}", summary.table.unwrap().rows), table.as_str(), "{}", text);
                        of_search += &table;
                    }
                    tables.push(of_search);
                    let counted = pool.install(|| search.count(&query, &all, &stop)).unwrap();
                    prop_assert_eq!(said(&counted), expected, "{}", text);
                }
            }
            tables.dedup();
            prop_assert_eq!(tables.len(), 1, "{}: {:?}", text, tables);
        }
    }
}

/// Ten runs, each later than the one before, of forty lines.
fn in_order() -> Vec<Vec<Option<u8>>> {
    (0..10).map(|run| vec![Some(run * 5); 40]).collect()
}

#[test]
fn the_search_ends_where_no_more_is_wanted_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = stored(folder.path(), &in_order());
    // One thread evaluates one row group at a time at first.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let all = SearchOptions::default();
    let some = SearchOptions { limit: Some(5), count_all: false, ..all };
    for (text, options) in [("failed | head 5", &all), ("failed", &some), ("failed | fields msg | head 5", &all)] {
        let search = store.search().unwrap();
        let (ids, summary) = pool.install(|| ask(&search, text, options, usize::MAX));
        assert_eq!(ids, [399, 398, 396, 395, 393], "{text}");
        assert!(!summary.counted && summary.is_complete(), "{text}");
        assert_eq!((summary.matched, summary.given, summary.coverage.looked_at), (5, 5, 40), "{text}");
        let newest = logguard::engine::parse_time("2026-11-20T10:45:00Z");
        assert_eq!((summary.first, summary.last), (newest, newest), "{text}");
    }
}

#[test]
fn records_are_handed_out_before_the_rest_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let store = stored(folder.path(), &in_order());
    let search = store.search().unwrap();
    let options = SearchOptions { limit: Some(10), ..SearchOptions::default() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for text in ["failed", "failed | fields msg"] {
        let query = search.parse(text, &options).unwrap();
        let (stop, mut given) = (AtomicBool::new(false), 0);
        let outcome = pool.install(|| {
            search.run(&query, &options, &stop, |_| {
                given += 1;
                // Had the rest been counted before, nothing would be left to be stopped.
                stop.store(given == 10, Ordering::Relaxed);
                true
            })
        });
        assert!(matches!(outcome, Err(EngineError::Interrupted)), "{text}");
        assert_eq!(given, 10, "{text}");
    }
}

/// Where there are stripes enough a thread takes whole ones, small ones joined; the last may be small too.
#[test]
fn whole_stripes_and_the_small_one_behind_them_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    // The newest are taken first.
    let runs = [(0, 200), (1, 9_000), (2, 9_000), (3, 100), (4, 9_000)].map(|(minute, rows)| vec![Some(minute); rows]);
    let store = stored(folder.path(), &runs);
    let all = SearchOptions::default();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for search in [store.search().unwrap(), store.search().unwrap().for_one_question()] {
        for (text, every) in [("n:3 | stats count by run", 12), ("* | stats count by run", 1)] {
            let (_, summary) = pool.install(|| ask(&search, text, &all, usize::MAX));
            let told = format!("{:?}", summary.table.unwrap().rows);
            // The fourth of each dozen has the number 3.
            let counts: Vec<usize> = runs.iter().map(|run| (run.len() + every - 1 - 3 % every) / every).collect();
            assert_eq!(summary.matched, counts.iter().sum::<usize>() as u64, "{text}: {told}");
            counts.iter().for_each(|count| assert!(told.contains(&format!("Int({count})")), "{text}: {told}"));
        }
    }
}

/// Few records of large row groups are unpacked without the others: they are what they are among all.
#[test]
fn the_first_records_are_told_as_all_of_them_are() {
    let folder = tempfile::tempdir().unwrap();
    // Two inputs share row groups, so that places are counted from where the second begins.
    let line = |run: u32, n: u32| {
        let (minute, second, what) = (n / 60 % 60, n % 60, ["opened", "closed", "failed"][(n % 97 % 3) as usize]);
        let (hour, user, bytes) = (10 + run, n * 31 % 17, n * 7_919 % 10_007);
        format!(
            "Nov 20 {hour}:{minute:02}:{second:02} web{run} sshd[{n}]: session {what} for user{user}, {bytes} bytes\n"
        )
    };
    for run in 0..2 {
        let lines: String = (0..1_500).map(|n| line(run, n)).collect();
        std::fs::write(folder.path().join(format!("{run}.log")), lines).unwrap();
    }
    let store = Store::open(folder.path().join("data"), folder.path().join("index"));
    let files = (0..2).map(|run| folder.path().join(format!("{run}.log")).display().to_string()).collect();
    store.ingest(&store.ingest_options(files), &Counters::default()).unwrap();
    let search = store.search().unwrap();
    let options = SearchOptions { lenient: true, ..SearchOptions::default() };
    let found = |text: &str, limit: Option<u64>| {
        let options = SearchOptions { limit, ..options };
        let mut found = Vec::new();
        let query = search.parse(text, &options).unwrap();
        let none_stops = AtomicBool::new(false);
        search
            .run(&query, &options, &none_stops, |record| {
                found.push(record);
                true
            })
            .unwrap();
        found
    };
    let all = found("*", None);
    assert_eq!(all.len(), 3_000);
    for text in ["session", "*919 bytes*", "user16", "web0", "sshd\\[1499\\]", "closed OR user3"] {
        let whole: Vec<u64> = found(text, None).iter().map(|record| record.id.0).collect();
        for limit in [1, 2, 10, 40] {
            let first = found(text, Some(limit));
            assert_eq!(first.len(), whole.len().min(limit as usize), "{text}");
            for (record, id) in first.iter().zip(&whole) {
                let same = all.iter().find(|record| record.id.0 == *id).unwrap();
                assert_eq!(record, same, "{text}, the first {limit}");
            }
        }
    }
}

#[test]
fn the_program_tells_a_count_from_what_it_did_not_count() {
    let world = World::new();
    for (run, times) in in_order().iter().enumerate() {
        world.write(&format!("logs/{run}.json"), lines(run, times));
        world.ok(&["process", &format!("logs/{run}.json"), "--now", NOW]);
    }
    let page = world.ok(&["search", "failed"]);
    assert_eq!(page.stdout.lines().count(), 20);
    assert!(page.stderr.contains("267 of 400 records match  time"), "{}", page.stderr);
    for (arguments, said) in [
        (&["search", "failed | head 7"][..], "at least 7 of 400 records match; counting stopped there"),
        (&["search", "failed", "-n", "7"], "267 of 400 records match  time"),
        (&["search", "failed", "-n", "7", "-q"], ""),
    ] {
        let run = world.ok(arguments);
        assert_eq!(run.stdout.lines().count(), 7);
        assert!(run.stderr.contains(said) && run.stderr.is_empty() == said.is_empty(), "{}", run.stderr);
    }
    world.write("cases.txt", "failed | head 7\nfailed\n");
    let run = world.ok(&["search", "--queries", "cases.txt", "--json"]);
    let summaries: Vec<serde_json::Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter_map(|line| line.get("summary").cloned())
        .collect();
    let said: Vec<_> = summaries.iter().map(|said| (said["matched"].as_u64(), said["counted"].as_bool())).collect();
    assert_eq!(said, [(Some(7), Some(false)), (Some(267), Some(true))]);
}
