//! Archives the files named on the command line into a temporary store and prints the records that match a query.
//!
//! `cargo run --example archive_and_search -- 'failed password' /var/log/auth.log`

use std::sync::atomic::AtomicBool;

use logguard::engine::{Counters, EngineError, SearchOptions, Store};

#[allow(clippy::print_stdout, reason = "an example prints its answer")]
fn main() -> Result<(), EngineError> {
    let mut arguments = std::env::args().skip(1);
    let question = arguments.next().unwrap_or_else(|| "level>=error".to_owned());
    let paths: Vec<String> = arguments.collect();
    if paths.is_empty() {
        return Err(EngineError::Usage("usage: archive_and_search QUERY PATH...".to_owned()));
    }
    let folder = std::env::temp_dir().join(format!("logguard-example-{}", std::process::id()));
    let store = Store::open(folder.join("data"), folder.join("index"));

    let report = store.ingest(&store.ingest_options(paths), &Counters::default())?;
    println!("{} records kept, {} names refused", report.records, report.refused.len());

    let search = store.search()?;
    let options = SearchOptions { limit: Some(10), ..SearchOptions::default() };
    let query = search.parse(&question, &options)?;
    let summary = search.run(&query, &options, &AtomicBool::new(false), |record| {
        println!("{} {}", record.source, String::from_utf8_lossy(record.line()).escape_debug());
        true
    })?;
    let coverage = &summary.coverage;
    println!("{} match; {} of {} records covered", summary.matched, coverage.covered, coverage.records);
    // Only this example's own folder, made above.
    let _ = std::fs::remove_dir_all(folder);
    Ok(())
}
