//! The table of speeds.

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use logguard::archive::lines;
use logguard::engine::{Seal, Store};

use crate::files::{LogFile, Made, bytes_below, process};
use crate::{Failure, Options};

/// Files of fewer bytes are over before their speed is told.
const LEAST: usize = 10_000_000;
const RUNS: usize = 5;
/// Records read by their id.
const RECORDS: u64 = 41;

/// Measures and prints all files that are large enough (with `--quick`, all).
pub fn print(files: &[LogFile], options: &Options) -> Result<(), Failure> {
    let runs = if options.quick { 1 } else { RUNS };
    let what = if options.best { "the best" } else { "medians" };
    println!("\nMB of raw bytes a second, {what} of {runs} runs; one record in ms, median of {RECORDS} records.\n");
    println!(
        "| file | raw MB | process, fast, `--no-detect`, 2 threads | lines, fast, 1 core | lines, fast, 2 cores | decode, 1 core | restore | one record, ms | zstd -3 -T2 | clp-s | clp-s ratio |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let mut all: Vec<Vec<f64>> = Vec::new();
    for file in files {
        let raw = file.bytes(options)?;
        if raw.len() < LEAST && !options.quick {
            continue;
        }
        let size = raw.len() as f64 / 1e6;
        let figures = measure(&raw, &Runs { raw_bytes: raw.len(), runs, best: options.best })?;
        let clp = clp_s(&raw)?;
        let text: Vec<String> = figures.iter().map(|figure| figure_of(*figure)).collect();
        let clp = clp.map_or("- | -".to_owned(), |(seconds, bytes)| {
            format!("{:.0} | {:.1}", size / seconds, raw.len() as f64 / bytes as f64)
        });
        println!("| {} | {size:.1} | {} | {clp} |", file.name, text.join(" | "));
        all.push(figures);
    }
    let medians: Vec<String> =
        (0..7).map(|place| figure_of(median(all.iter().filter_map(|row| row.get(place).copied())))).collect();
    println!("| median | | {} | | |", medians.join(" | "));
    if std::env::var_os("CLP_S").is_none() {
        println!("\nCLP_S is not set: clp-s was not measured.");
    }
    Ok(())
}

fn figure_of(figure: f64) -> String {
    if figure.is_nan() {
        "-".to_owned()
    } else if figure < 10.0 {
        format!("{figure:.2}")
    } else {
        format!("{figure:.0}")
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// How often each figure is taken.
struct Runs {
    raw_bytes: usize,
    runs: usize,
    best: bool,
}

impl Runs {
    /// MB of raw bytes a second; `run` gives what it took.
    fn speed(&self, mut run: impl FnMut() -> Result<Duration, Failure>) -> Result<f64, Failure> {
        let mut speeds = Vec::with_capacity(self.runs);
        for _ in 0..self.runs {
            speeds.push(self.raw_bytes as f64 / 1e6 / run()?.as_secs_f64());
        }
        Ok(if self.best { speeds.into_iter().fold(0.0, f64::max) } else { median(speeds.into_iter()) })
    }
}

/// The figures of a file in the order of the table.
fn measure(raw: &[u8], runs: &Runs) -> Result<Vec<f64>, Failure> {
    let whole = runs.speed(|| {
        let made = process(raw, &["--seal", "fast", "--no-detect", "--threads", "2"])?;
        Ok(Duration::from_secs_f64(made.seconds))
    })?;
    let stripes = stripes(raw);
    let one = runs.speed(|| {
        let started = Instant::now();
        stripes.iter().try_for_each(encode)?;
        Ok(started.elapsed())
    })?;
    let two = runs.speed(|| two_cores(&stripes))?;
    let made = process(raw, &["--no-detect"])?;
    let decode = runs.speed(|| decode_all(&made))?;
    let restore = runs.speed(|| {
        let out = made.folder.path().join("out");
        let started = Instant::now();
        let report = store(&made).restore(&out, false)?;
        let elapsed = started.elapsed();
        std::fs::remove_dir_all(&out)?;
        if report.is_whole() { Ok(elapsed) } else { Err("not all was restored".into()) }
    })?;
    let zstd = zstd_two(&made.folder.path().join("input.log"), runs)?;
    Ok(vec![whole, one, two, decode, restore, one_record(&made)?, zstd])
}

fn store(made: &Made) -> Store {
    Store::open(made.folder.path().join("data"), made.folder.path().join("index"))
}

/// Raw bytes of a stripe, lengths of its lines, rows at which its chunks end.
type Stripe<'a> = (&'a [u8], Vec<u32>, Vec<usize>);

/// Stripes of 65,536 lines or 16 MiB in chunks of 8,192 lines; each line is a record.
fn stripes(raw: &[u8]) -> Vec<Stripe<'_>> {
    let (mut stripes, mut lengths, mut cuts, mut start, mut end) = (Vec::new(), Vec::new(), Vec::new(), 0, 0);
    let mut close = |lengths: &mut Vec<u32>, cuts: &mut Vec<usize>, start: usize, end: usize| {
        if cuts.last() != Some(&lengths.len()) {
            cuts.push(lengths.len());
        }
        stripes.push((raw.get(start..end).unwrap_or_default(), std::mem::take(lengths), std::mem::take(cuts)));
    };
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        lengths.push(line.len() as u32);
        end += line.len();
        if lengths.len() % 8_192 == 0 {
            cuts.push(lengths.len());
        }
        if lengths.len() == 65_536 || end - start >= 16 << 20 {
            close(&mut lengths, &mut cuts, start, end);
            start = end;
        }
    }
    if !lengths.is_empty() {
        close(&mut lengths, &mut cuts, start, end);
    }
    stripes
}

fn encode((raw, lengths, cuts): &Stripe<'_>) -> Result<(), std::io::Error> {
    black_box(lines::encode(raw, lengths, cuts, Seal::Fast.level())?);
    Ok(())
}

/// The same on two threads, each taking the next stripe. A file of one stripe has work for one only.
fn two_cores(stripes: &[Stripe<'_>]) -> Result<Duration, Failure> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let started = Instant::now();
    let work = || -> Result<(), std::io::Error> {
        while let Some(stripe) = stripes.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
            encode(stripe)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(work);
        work().and(other.join().unwrap_or(Ok(())))
    })?;
    Ok(started.elapsed())
}

/// All lines of a store, group after group on this thread: reading, checksums and decoding.
fn decode_all(made: &Made) -> Result<Duration, Failure> {
    let snapshot = store(made).snapshot()?;
    let started = Instant::now();
    for group in snapshot.groups() {
        black_box(snapshot.lines(group)?);
    }
    Ok(started.elapsed())
}

/// One record by its id, each from a snapshot that has read nothing before; ms.
fn one_record(made: &Made) -> Result<f64, Failure> {
    let records = store(made).snapshot()?.records();
    let mut times = Vec::new();
    for number in 0..RECORDS {
        let id = records * number / RECORDS;
        let snapshot = store(made).snapshot()?;
        let started = Instant::now();
        let group = snapshot.group_of(logguard::model::RecordId(id)).ok_or("no such record")?;
        let group = snapshot.group(group)?;
        black_box(snapshot.line(group, (id - group.first.0) as u32)?);
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(median(times.into_iter()))
}

/// The program zstd, where there is one.
fn zstd_two(file: &Path, runs: &Runs) -> Result<f64, Failure> {
    if Command::new("zstd").arg("-V").output().is_err() {
        return Ok(f64::NAN);
    }
    runs.speed(|| {
        let started = Instant::now();
        let status = Command::new("zstd").args(["-3", "-T2", "-q", "-c"]).arg(file).stdout(Stdio::null()).status()?;
        let elapsed = started.elapsed();
        if status.success() { Ok(elapsed) } else { Err("zstd failed".into()) }
    })
}

/// Seconds and bytes of clp-s on JSON lines; none of other files, or without the program.
fn clp_s(raw: &[u8]) -> Result<Option<(f64, u64)>, Failure> {
    let Some(program) = std::env::var_os("CLP_S").filter(|_| raw.first() == Some(&b'{')) else { return Ok(None) };
    let folder = tempfile::tempdir()?;
    let (file, archives) = (folder.path().join("input.json"), folder.path().join("archives"));
    std::fs::write(&file, raw)?;
    let started = Instant::now();
    let output = Command::new(program).arg("c").arg(&archives).arg(&file).output()?;
    let seconds = started.elapsed().as_secs_f64();
    if !output.status.success() {
        println!("(clp-s: {})", String::from_utf8_lossy(&output.stderr).trim().escape_debug());
        return Ok(None);
    }
    Ok(Some((seconds, bytes_below(&archives)?)))
}
