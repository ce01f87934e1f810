//! The table of sizes.

use std::io::Write;

use crate::files::{LogFile, process};
use crate::{Failure, Options};

/// Raw bytes, what others make of them, what the program leaves on disk.
struct Sizes {
    family: &'static str,
    raw: f64,
    gzip: f64,
    zstd: f64,
    zstd_long: f64,
    fast: f64,
    balanced: f64,
    small: f64,
    /// The archive at the least size, of records without scores.
    unscored: f64,
    index: f64,
}

/// Measures and prints all files, then families.
pub fn print(files: &[LogFile], options: &Options) -> Result<(), Failure> {
    println!(
        "Raw bytes to one byte on disk (higher is smaller). Efforts are those of `--seal`; `vs` is `zstd -19 --long` bytes to ours.\n"
    );
    println!(
        "| file | raw MB | gzip -9 | zstd -3 | zstd -19 --long | fast | balanced | small | small, `--no-detect` | balanced + index | vs: balanced | vs: small |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let mut all = Vec::with_capacity(files.len());
    for file in files {
        let sizes = measure(file, options)?;
        let per = |bytes: f64| sizes.raw / bytes;
        println!(
            "| {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.2} | {:.2} |",
            file.name,
            sizes.raw / 1e6,
            per(sizes.gzip),
            per(sizes.zstd),
            per(sizes.zstd_long),
            per(sizes.fast),
            per(sizes.balanced),
            per(sizes.small),
            per(sizes.unscored),
            per(sizes.balanced + sizes.index),
            sizes.zstd_long / sizes.balanced,
            sizes.zstd_long / sizes.small,
        );
        all.push(sizes);
    }
    families(&all);
    Ok(())
}

fn measure(file: &LogFile, options: &Options) -> Result<Sizes, Failure> {
    let raw = file.bytes(options)?;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&raw)?;
    let balanced = process(&raw, &["--seal", "balanced"])?;
    Ok(Sizes {
        family: file.family,
        raw: raw.len() as f64,
        gzip: gzip.finish()?.len() as f64,
        zstd: zstd::bulk::compress(&raw, 3)?.len() as f64,
        zstd_long: zstd_long(&raw)?.len() as f64,
        fast: process(&raw, &["--seal", "fast"])?.archive as f64,
        balanced: balanced.archive as f64,
        small: process(&raw, &["--seal", "small"])?.archive as f64,
        unscored: process(&raw, &["--seal", "small", "--no-detect"])?.archive as f64,
        index: balanced.index as f64,
    })
}

/// `zstd -19 --long`.
fn zstd_long(raw: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 19)?;
    encoder.long_distance_matching(true)?;
    encoder.window_log(27)?;
    encoder.set_pledged_src_size(Some(raw.len() as u64))?;
    encoder.write_all(raw)?;
    encoder.finish()
}

fn families(all: &[Sizes]) {
    println!("\nGeometric means by family; `smaller than gzip` counts files whose archive and index together are.\n");
    println!(
        "| family | files | raw MB | zstd -19 --long | small | balanced + index | vs: fast | vs: balanced | vs: small | vs: small, `--no-detect` | smaller than gzip |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let mut names: Vec<&str> = all.iter().map(|sizes| sizes.family).collect();
    names.dedup();
    for name in names {
        let of_family: Vec<&Sizes> = all.iter().filter(|sizes| sizes.family == name).collect();
        family(name, &of_family);
    }
    family("all files", &all.iter().collect::<Vec<_>>());
}

fn family(name: &str, all: &[&Sizes]) {
    let mean = |value: &dyn Fn(&Sizes) -> f64| {
        let sum: f64 = all.iter().map(|sizes| value(sizes).ln()).sum();
        (sum / all.len().max(1) as f64).exp()
    };
    let raw: f64 = all.iter().map(|sizes| sizes.raw).sum();
    let smaller = all.iter().filter(|sizes| sizes.balanced + sizes.index < sizes.gzip).count();
    println!(
        "| {name} | {} | {:.0} | {:.1} | {:.1} | {:.1} | {:.2} | {:.2} | {:.2} | {:.2} | {smaller} of {} |",
        all.len(),
        raw / 1e6,
        mean(&|sizes| sizes.raw / sizes.zstd_long),
        mean(&|sizes| sizes.raw / sizes.small),
        mean(&|sizes| sizes.raw / (sizes.balanced + sizes.index)),
        mean(&|sizes| sizes.zstd_long / sizes.fast),
        mean(&|sizes| sizes.zstd_long / sizes.balanced),
        mean(&|sizes| sizes.zstd_long / sizes.small),
        mean(&|sizes| sizes.zstd_long / sizes.unscored),
        all.len(),
    );
}
