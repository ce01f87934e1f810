//! Questions to a store of real logs, as a program asks them: opening, words, substrings, counts by columns, the first ten hits.
//!
//! Measures the wall time of `Store::search` and of each question to an open store, all cores, and what that is in raw bytes and
//! records a second; medians of five runs after one that is not counted, so the files are in the cache of the system. Leaves out: cold
//! caches, starting the program, printing. The store is made of the real logs in LOGGUARD_SHARED, repeated to LOGGUARD_BENCH_MB of
//! raw bytes (1000 where that is not set), without detection. `cargo bench --bench search`

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use logguard::engine::{Counters, Search, SearchOptions, Store};

const RUNS: usize = 5;
const FILES: [&str; 7] = [
    "hdfs/HDFS_2pct_dev.log",
    "web/loki_access_logs",
    "zeek/dns.json",
    "postgres/rds.log",
    "cowrie/cowrie.json.2018-06-16",
    "linux/Linux_0.log",
    "ait_ads/santos_alerts.txt",
];

/// What is asked, the question, whether the index is left out, and how many records are wanted (none: they are counted).
const QUESTIONS: [(&str, &str, bool, u64); 17] = [
    ("rare word", "blk_-1541612089083514964", false, 0),
    ("absent word", "zzqqxx", false, 0),
    ("absent word, no index", "zzqqxx", true, 0),
    ("frequent word, no index", "packetresponder", true, 0),
    ("substring", "*ocke*", false, 0),
    ("absent substring", "*zzqqxx*", false, 0),
    ("phrase", "\"failed login\"", true, 0),
    ("number", "*404*", false, 0),
    ("field", "status:404", false, 0),
    ("level", "level>=warn", false, 0),
    ("count by level", "* | stats count by level", false, 0),
    ("time chart", "* | timechart 1h", false, 0),
    ("top by source", "* | top 10 source", false, 0),
    ("top by template", "* | top 10 template", false, 0),
    ("top by field", "* | top 10 user", false, 0),
    ("first ten of all", "*", false, 10),
    ("first ten of a word", "error", false, 10),
];

#[allow(clippy::print_stdout, reason = "a benchmark prints its table")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::env::var_os("LOGGUARD_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    if !root.join("logs").is_dir() {
        println!("{}: no real logs there; set LOGGUARD_SHARED", root.display());
        return Ok(());
    }
    let megabytes = std::env::var("LOGGUARD_BENCH_MB").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000);
    let folder = tempfile::tempdir()?;
    let store = store(&root.join("logs"), folder.path(), megabytes)?;
    let (opening, search) = median(|| Ok(store.search()?))?;
    let snapshot = search.snapshot();
    let (raw, records) = (snapshot.raw_bytes() as f64, snapshot.records() as f64);
    println!("{:.0} MB raw, {records} records, {} cores\n", raw / 1e6, std::thread::available_parallelism()?);
    println!("| what | question | matches | ms | GB/s raw | M records/s |");
    println!("|---|---|---:|---:|---:|---:|");
    println!("| opening | | | {:.1} | | |", opening.as_secs_f64() * 1e3);
    for (what, question, scan, wanted) in QUESTIONS {
        let (time, matched) = median(|| ask(&search, question, scan, wanted))?;
        let seconds = time.as_secs_f64();
        println!(
            "| {what} | `{question}` | {matched} | {:.1} | {:.1} | {:.0} |",
            seconds * 1e3,
            raw / 1e9 / seconds,
            records / 1e6 / seconds
        );
    }
    Ok(())
}

fn ask(search: &Search, question: &str, scan: bool, wanted: u64) -> Result<u64, Box<dyn std::error::Error>> {
    let options = SearchOptions { scan, limit: Some(wanted), lenient: true, ..SearchOptions::default() };
    let query = search.parse(question, &options)?;
    Ok(search.run(&query, &options, &AtomicBool::new(false), |_| true)?.matched)
}

fn median<T>(
    mut run: impl FnMut() -> Result<T, Box<dyn std::error::Error>>,
) -> Result<(Duration, T), Box<dyn std::error::Error>> {
    let mut last = run()?;
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let started = Instant::now();
        last = run()?;
        times.push(started.elapsed());
    }
    times.sort();
    Ok((times.get(RUNS / 2).copied().unwrap_or_default(), last))
}

/// A store of the files, each as often as it takes.
fn store(logs: &Path, folder: &Path, megabytes: u64) -> Result<Store, Box<dyn std::error::Error>> {
    let store = Store::open(folder.join("data"), folder.join("index"));
    let mut texts = Vec::new();
    for name in FILES {
        let mut text = Vec::new();
        zstd::stream::read::Decoder::new(std::fs::File::open(logs.join(format!("{name}.zst")))?)?
            .read_to_end(&mut text)?;
        texts.push((name.replace('/', "-"), text));
    }
    let input = folder.join("logs");
    std::fs::create_dir(&input)?;
    let (mut bytes, mut round) = (0, 0);
    while bytes < megabytes * 1_000_000 {
        for (name, text) in &texts {
            std::fs::write(input.join(format!("{round}-{name}")), text)?;
            bytes += text.len() as u64;
        }
        round += 1;
    }
    let mut options = store.ingest_options(vec![input.display().to_string()]);
    options.detect = None;
    store.ingest(&options, &Counters::default())?;
    std::fs::remove_dir_all(&input)?;
    Ok(store)
}
