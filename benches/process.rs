//! `logguard process` as a user starts it, on three real files, beside zstd -3 and gzip -9 of the same bytes.
//!
//! Measures the wall time of the whole program (start, read, parse, template, score, archive, index, fsync, exit), its peak memory,
//! and the bytes it leaves on disk; medians of five runs into an empty store. Leaves out: cold caches (the file was just
//! written), more than one file at a time, the time of zstd and gzip (only their sizes are compared). The data is not part of the
//! project: LOGGUARD_SHARED names the folder that has it. `cargo bench --bench process`

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Family and file.
const FILES: [(&str, &str); 3] =
    [("HDFS", "hdfs/HDFS_2pct_dev.log"), ("access", "web/loki_access_logs"), ("Zeek JSON", "zeek/dns.json")];
const RUNS: usize = 5;

struct Measured {
    seconds: f64,
    peak: u64,
    records: u64,
    archive: u64,
    index: u64,
}

#[allow(clippy::print_stdout, reason = "a benchmark prints its table")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::env::var_os("LOGGUARD_SHARED").map(PathBuf::from).unwrap_or_default();
    if !root.join("logs").is_dir() {
        println!("{}: no real logs there; set LOGGUARD_SHARED", root.display());
        return Ok(());
    }
    println!("| file | raw MB | zstd -3 | gzip -9 | archive | archive + index | | MB/s | lines/s | peak MiB |");
    println!("|---|---:|---:|---:|---:|---:|---|---:|---:|---:|");
    for (name, path) in FILES {
        let folder = tempfile::tempdir()?;
        let packed = std::fs::File::open(root.join("logs").join(format!("{path}.zst")))?;
        let mut raw = Vec::new();
        zstd::stream::read::Decoder::new(packed)?.read_to_end(&mut raw)?;
        let file = folder.path().join("input.log");
        std::fs::write(&file, &raw)?;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&raw)?;
        let (gzip, zstd) = (gzip.finish()?.len() as f64, zstd::bulk::compress(&raw, 3)?.len() as f64);
        let size = raw.len() as f64;
        for (mode, more) in [("scored", &[][..]), ("--no-detect", &["--no-detect"])] {
            let measured = median(&file, more)?;
            let disk = (measured.archive + measured.index) as f64;
            println!(
                "| {name} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {mode} | {:.0} | {:.0}k | {} |",
                size / 1e6,
                size / zstd,
                size / gzip,
                size / measured.archive as f64,
                size / disk,
                size / 1e6 / measured.seconds,
                measured.records as f64 / 1e3 / measured.seconds,
                measured.peak >> 20
            );
        }
    }
    println!("\nraw : disk of each column (higher is smaller on disk); medians of {RUNS} runs");
    Ok(())
}

fn median(file: &Path, more: &[&str]) -> Result<Measured, Box<dyn std::error::Error>> {
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        let store = tempfile::tempdir()?;
        let started = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_logguard"))
            .args(["process", "--json"])
            .args(more)
            .arg(file)
            .current_dir(store.path())
            .output()?;
        let seconds = started.elapsed().as_secs_f64();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let number = |name: &str| report.get(name).and_then(serde_json::Value::as_u64).unwrap_or_default();
        runs.push(Measured {
            seconds,
            peak: number("peak_memory_bytes"),
            records: number("records"),
            archive: number("archive_bytes"),
            index: number("index_bytes"),
        });
    }
    runs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    Ok(runs.swap_remove(RUNS / 2))
}
