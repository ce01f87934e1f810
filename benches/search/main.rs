//! Questions to a store of real logs, as a program asks them, beside what is asked of them and what other tools take.
//!
//! Measures the wall time of `Store::search` and of each question to an open store on all cores; `first` is the median over stores
//! that were just opened and know nothing yet, `again` that of one store which was asked before and keeps what it read and cut.
//! `first ten` is the time until a streamed answer has handed out its tenth record, while those that match are still to be counted;
//! `head 10` is the time of the whole answer, which counts no more. Rates are those of `again` and of `first` by core. Leaves out: cold caches of the system, starting the program, printing; what
//! other programs take has their start in it. The store is made of the real logs in LOGGUARD_SHARED, repeated to LOGGUARD_BENCH_MB
//! of raw bytes (1000 where that is not set), without detection. ripgrep and zstd are looked for in PATH, clp-s in CLP_S; those that
//! are not there are left out. The last table has the same pieces of logs in about 10 segments and about 200.
//! `cargo bench --bench search [-- --segments]` (the last table alone)

#![allow(clippy::print_stdout, reason = "a benchmark prints its tables")]

mod rivals;
mod stores;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use logguard::engine::{Search, SearchOptions, Store};

const RUNS: usize = 5;

/// What is asked of a question.
#[derive(Clone, Copy)]
enum Aim {
    Nothing,
    /// Milliseconds at most.
    Within(f64),
    /// Millions of records a second and core at least.
    Records(f64),
    /// Gigabytes of raw a second and core at least.
    Raw(f64),
}

/// What is asked, the question, whether the index is left out, of how many records handed out the time is taken (none: the whole
/// answer is waited for), the aim.
struct Case(&'static str, &'static str, bool, u64, Aim);

const CASES: [Case; 27] = [
    Case("rare word", "blk_-1541612089083514964", false, 0, Aim::Within(20.0)),
    Case("absent word", "zzqqxx", false, 0, Aim::Within(5.0)),
    Case("absent word, no index", "zzqqxx", true, 0, Aim::Raw(2.0)),
    Case("frequent word, no index", "packetresponder", true, 0, Aim::Raw(2.0)),
    Case("substring", "*ocke*", false, 0, Aim::Raw(2.0)),
    Case("absent substring", "*zzqqxx*", false, 0, Aim::Raw(2.0)),
    Case("phrase", "\"failed login\"", true, 0, Aim::Raw(2.0)),
    Case("number", "*404*", false, 0, Aim::Raw(2.0)),
    Case("expression", "/pack[a-z]+responder/i", false, 0, Aim::Nothing),
    Case("field", "status:404", false, 0, Aim::Records(50.0)),
    Case("field, no index", "user:root", true, 0, Aim::Records(50.0)),
    Case("level", "level>=warn", false, 0, Aim::Records(50.0)),
    Case("network", "10.0.0.0/8", false, 0, Aim::Nothing),
    Case("network in a field", "source_ip:10.0.0.0/8", false, 0, Aim::Records(50.0)),
    Case("count by level", "* | stats count by level", false, 0, Aim::Records(20.0)),
    Case("time chart", "* | timechart 1h", false, 0, Aim::Records(50.0)),
    Case("time chart by level", "* | timechart 1h by level", false, 0, Aim::Records(50.0)),
    Case("top by source", "* | top 10 source", false, 0, Aim::Records(20.0)),
    Case("top by template", "* | top 10 template", false, 0, Aim::Records(20.0)),
    Case("top by field", "* | top 10 user", false, 0, Aim::Records(20.0)),
    Case("count by field", "* | stats count, dc(user) by status", false, 0, Aim::Records(20.0)),
    Case("first ten of all", "*", false, 10, Aim::Within(30.0)),
    Case("first ten of a word", "error", false, 10, Aim::Within(30.0)),
    Case("first ten of a field", "status:404", false, 10, Aim::Within(30.0)),
    Case("head 10 of all", "* | head 10", false, 0, Aim::Within(30.0)),
    Case("head 10 of a word", "error | head 10", false, 0, Aim::Within(30.0)),
    Case("head 10 of a field", "status:404 | head 10", false, 0, Aim::Within(30.0)),
];

/// Questions that are asked of stores of few and of many segments.
const SEGMENTED: [&str; 11] = [
    "blk_-1541612089083514964",
    "zzqqxx",
    "*ocke*",
    "\"failed login\"",
    "status:404",
    "level>=warn",
    "* | stats count by level",
    "* | timechart 1h",
    "* | top 10 template",
    "* | top 10 user",
    "10.0.0.0/8",
];

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let root = std::env::var_os("LOGGUARD_SHARED").map(PathBuf::from).unwrap_or_default();
    if !root.join("logs").is_dir() {
        println!("{}: no real logs there; set LOGGUARD_SHARED", root.display());
        return Ok(());
    }
    let megabytes = std::env::var("LOGGUARD_BENCH_MB").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000);
    let folder = tempfile::tempdir()?;
    let input = folder.path().join("logs");
    let files = stores::write(&root.join("logs"), &input, megabytes)?;
    let store = stores::of(&folder.path().join("one"), std::slice::from_ref(&files))?;
    if !std::env::args().any(|argument| argument == "--segments") {
        figures(&store)?;
        rivals::text(&input, folder.path())?;
        rivals::objects(&files, folder.path())?;
    }
    std::fs::remove_dir_all(folder.path().join("one"))?;
    // Copies of a piece would be skipped: each of these runs knows what the ones before took in.
    let round =
        files.iter().filter(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("0-")));
    segments(&round.cloned().collect::<Vec<_>>(), folder.path())
}

fn figures(store: &Store) -> Result<(), Failure> {
    let (opening, search) = median(|| Ok(store.search()?))?;
    let snapshot = search.snapshot();
    let cores = std::thread::available_parallelism()?.get() as f64;
    let (raw, records) = (snapshot.raw_bytes() as f64, snapshot.records() as f64);
    println!("{:.0} MB raw, {records} records, {} segments, {cores} cores\n", raw / 1e6, snapshot.segments().count());
    println!("| what | question | matches | first ms | again ms | first, by core | again, by core | asked |");
    println!("|---|---|---:|---:|---:|---:|---:|---|");
    let opened = opening.as_secs_f64() * 1e3;
    println!("| opening | | | {opened:.1} | | | | 50 ms |");
    for Case(what, question, scan, wanted, aim) in CASES {
        let fresh = || Ok(store.search()?);
        let (first, _) = median_of(fresh, |search| timed(search, question, scan, wanted))?;
        let (again, matched) = median_of(|| Ok(()), |()| timed(&search, question, scan, wanted))?;
        let by_core = |time: Duration| match aim {
            Aim::Records(_) => format!("{:.1} M records/s", records / 1e6 / time.as_secs_f64() / cores),
            Aim::Raw(_) => format!("{:.2} GB/s", raw / 1e9 / time.as_secs_f64() / cores),
            _ => String::new(),
        };
        let asked = match aim {
            Aim::Nothing => String::new(),
            Aim::Within(most) => format!("{most} ms"),
            Aim::Records(least) => format!("{least} M records/s"),
            Aim::Raw(least) => format!("{least} GB/s"),
        };
        println!(
            "| {what} | `{question}` | {matched} | {:.1} | {:.1} | {} | {} | {asked} |",
            first.as_secs_f64() * 1e3,
            again.as_secs_f64() * 1e3,
            by_core(first),
            by_core(again)
        );
    }
    Ok(())
}

/// The same pieces of logs in few and in many segments.
fn segments(files: &[PathBuf], folder: &std::path::Path) -> Result<(), Failure> {
    let pieces = stores::pieces(files, &folder.join("pieces"), 200)?;
    let few: Vec<Vec<PathBuf>> = pieces.chunks(pieces.len().div_ceil(10)).map(<[PathBuf]>::to_vec).collect();
    let many: Vec<Vec<PathBuf>> = pieces.iter().map(|piece| vec![piece.clone()]).collect();
    let few = stores::of(&folder.join("few"), &few)?;
    let many = stores::of(&folder.join("many"), &many)?;
    let ((few_opened, few_search), (many_opened, many_search)) =
        (median(|| Ok(few.search()?))?, median(|| Ok(many.search()?))?);
    let count = |search: &Search| search.snapshot().segments().count();
    println!(
        "\n| question | {} segments: first, again ms | {} segments | ratio of first, again |",
        count(&few_search),
        count(&many_search)
    );
    println!("|---|---:|---:|---:|");
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let (a, b) = (ms(few_opened), ms(many_opened));
    println!("| opening | {a:.1} | {b:.1} | {:.2} |", b / a);
    for question in SEGMENTED {
        let one = |store: &Store, search: &Search| -> Result<(f64, f64), Failure> {
            let fresh = || Ok(store.search()?);
            let (first, _) = median_of(fresh, |search| timed(search, question, false, 0))?;
            let (again, _) = median(|| ask(search, question, false, 0))?;
            Ok((ms(first), ms(again)))
        };
        let ((few_first, few_again), (many_first, many_again)) = (one(&few, &few_search)?, one(&many, &many_search)?);
        println!(
            "| `{question}` | {few_first:.1}, {few_again:.1} | {many_first:.1}, {many_again:.1} | {:.2}, {:.2} |",
            many_first / few_first,
            many_again / few_again
        );
    }
    Ok(())
}

fn ask(search: &Search, question: &str, scan: bool, wanted: u64) -> Result<u64, Failure> {
    Ok(timed(search, question, scan, wanted)?.1)
}

/// The time until so many records were handed out, or of the whole answer where none are wanted; how many match.
fn timed(search: &Search, question: &str, scan: bool, wanted: u64) -> Result<(Duration, u64), Failure> {
    let options = SearchOptions { scan, limit: Some(wanted), lenient: true, ..SearchOptions::default() };
    let (started, mut given, mut reached) = (Instant::now(), 0, None);
    let query = search.parse(question, &options)?;
    let matched = search.run(&query, &options, &AtomicBool::new(false), |_| {
        given += 1;
        if given == wanted {
            reached = Some(started.elapsed());
        }
        true
    })?;
    Ok((reached.unwrap_or_else(|| started.elapsed()), matched.matched))
}

/// The median time of some runs after one that is not counted.
fn median<T>(run: impl Fn() -> Result<T, Failure>) -> Result<(Duration, T), Failure> {
    median_of(
        || Ok(()),
        |()| {
            let started = Instant::now();
            let made = run()?;
            Ok((started.elapsed(), made))
        },
    )
}

/// The same of the times that `run` says, each on something of its own that was made before.
fn median_of<S, T>(
    make: impl Fn() -> Result<S, Failure>,
    run: impl Fn(&S) -> Result<(Duration, T), Failure>,
) -> Result<(Duration, T), Failure> {
    let (_, mut last) = run(&make()?)?;
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let of = make()?;
        let (time, made) = run(&of)?;
        last = made;
        times.push(time);
    }
    times.sort();
    Ok((times.get(RUNS / 2).copied().unwrap_or_default(), last))
}
