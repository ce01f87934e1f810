//! An answer never depends on the index: random logs, random questions, with the index, without, after a re-index.

use std::sync::atomic::AtomicBool;

use logguard::engine::{Counters, Search, SearchOptions, Store};
use proptest::prelude::*;

/// Parts of lines that meet each other at word edges, inside words, inside addresses and beyond ASCII.
const PARTS: &[&str] = &[
    "failed",
    "Failed",
    "login",
    "passwd",
    "/etc/passwd",
    "user_1",
    "10.0.0.1",
    "10.0.0.1:443",
    "2001:db8::7",
    "é",
    "FAIL",
    "x",
    "_",
    "-",
    ".",
    ":",
    " ",
    " ",
    " ",
    "=",
    "\"",
    "\u{0}",
    "500",
    "ERROR",
    "a=b",
    "{\"k\":\"v\\u0041w\"}",
    "status=404",
    "\t",
    "naïve",
];

const QUERIES: &[&str] = &[
    "failed",
    "fail*",
    "*asswd",
    "*ogi*",
    "/etc/passwd",
    "\"failed login\"",
    "10.0.0.1",
    "10.0.0.0/8",
    "2001:db8::/32",
    "é OR naïve",
    "user_1 -login",
    "x?failed",
    "level>=error",
    "level:error failed",
    "NOT failed",
    "k:vAw",
    "status:404",
    "message:failed OR status>=400",
    "raw=~\"fail(ed)?\"",
    "a:b",
    "*:*",
];

fn ids(search: &Search, query: &str, scan: bool) -> Vec<u64> {
    let options = SearchOptions { scan, lenient: true, ..SearchOptions::default() };
    let query = search.parse(query, &options).unwrap();
    let mut ids = Vec::new();
    let summary = search
        .run(&query, &options, &AtomicBool::new(false), |record| {
            ids.push(record.id.0);
            true
        })
        .unwrap();
    assert_eq!(summary.matched, ids.len() as u64, "the count is exact");
    assert_eq!(search.count(&query, &options, &AtomicBool::new(false)).unwrap().matched, summary.matched);
    ids
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_index_changes_no_answer(
        lines in proptest::collection::vec(proptest::collection::vec(proptest::sample::select(PARTS), 0..8), 1..1_500),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("in.log");
        let text: String = lines.iter().map(|parts| parts.concat() + "\n").collect();
        std::fs::write(&file, &text).unwrap();
        let store = Store::open(folder.path().join("data"), folder.path().join("index"));
        store.ingest(&store.ingest_options(vec![file.display().to_string()]), &Counters::default()).unwrap();
        let search = store.search().unwrap();
        let expected: Vec<Vec<u64>> = QUERIES.iter().map(|query| ids(&search, query, true)).collect();
        for (query, expected) in QUERIES.iter().zip(&expected) {
            prop_assert_eq!(&ids(&search, query, false), expected, "{}", query);
        }
        store.reindex(&Counters::default()).unwrap();
        let search = store.search().unwrap();
        for (query, expected) in QUERIES.iter().zip(&expected) {
            prop_assert_eq!(&ids(&search, query, false), expected, "{} after a re-index", query);
        }
        // Every record, in one total order, once.
        let mut all = ids(&search, "*:*", false);
        all.sort_unstable();
        all.dedup();
        prop_assert_eq!(all.len() as u64, search.snapshot().records());
    }
}
