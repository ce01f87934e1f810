//! Size and speed of the lines of row groups: raw bytes over encoded bytes against zstd, MB/s of raw bytes on one core.
//!
//! Data: zstd-packed log files named by LOGGUARD_SHARED (a folder with `logs/`), cut into stripes of 65,536 lines or 16 MiB in
//! chunks of 8,192 lines; each line is a record. Left out: reading files, the other columns of a group, hashing. Arguments name files by a part of their path.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use logguard::archive::lines;

const FILES: &[&str] = &[
    "hdfs/HDFS_2pct_dev.log.zst",
    "web/loki_access_logs.zst",
    "cowrie/cowrie.json.2018-06-16.zst",
    "cowrie/cowrie.log.2018-06-16.zst",
    "postgres/pg-syslog.2.zst",
    "zeek/dns.log.zst",
    "zeek/dns.json.zst",
    "multilog_iotdb/cpu/label1.log.zst",
    "linux/Linux_0.log.zst",
];

fn main() {
    let Ok(shared) = std::env::var("LOGGUARD_SHARED") else {
        println!("LOGGUARD_SHARED is not set: nothing to measure");
        return;
    };
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let level: i32 = std::env::var("LEVEL").ok().and_then(|level| level.parse().ok()).unwrap_or(3);
    println!(
        "{:36} {:>7} {:>7} {:>7} {:>7} {:>8} {:>8} {:>8}",
        "file", "zstd-3", "zstd-19", "lines", "of -19", "enc MB/s", "dec MB/s", "row us"
    );
    let mut product = (1.0f64, 0);
    for file in FILES.iter().filter(|file| wanted.is_empty() || wanted.iter().any(|word| file.contains(word.as_str())))
    {
        let packed = std::fs::read(Path::new(&shared).join("logs").join(file)).unwrap();
        let ratio = measure(file, &zstd::decode_all(&packed[..]).unwrap(), level);
        product = (product.0 * ratio, product.1 + 1);
    }
    println!("geometric mean against zstd -19: {:.3}", product.0.powf(1.0 / f64::from(product.1.max(1))));
}

/// Bytes, lengths and rows at which chunks end of each stripe.
type Part<'a> = (&'a [u8], Vec<u32>, Vec<usize>);

#[allow(clippy::indexing_slicing, reason = "start and end are sums of lengths of lines of raw")]
fn stripes(raw: &[u8]) -> Vec<Part<'_>> {
    let (mut stripes, mut lengths, mut cuts, mut start, mut end) = (Vec::new(), Vec::new(), Vec::new(), 0, 0);
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        lengths.push(line.len() as u32);
        end += line.len();
        if lengths.len() % 8_192 == 0 {
            cuts.push(lengths.len());
        }
        if lengths.len() == 65_536 || end - start >= 16 << 20 {
            cuts.push(lengths.len());
            cuts.dedup();
            stripes.push((&raw[start..end], std::mem::take(&mut lengths), std::mem::take(&mut cuts)));
            start = end;
        }
    }
    if !lengths.is_empty() {
        cuts.push(lengths.len());
        cuts.dedup();
        stripes.push((&raw[start..end], lengths, cuts));
    }
    stripes
}

#[allow(clippy::indexing_slicing, reason = "rows are those that were encoded")]
fn measure(file: &str, raw: &[u8], level: i32) -> f64 {
    let skip_19 = std::env::var("SKIP19").is_ok();
    let (mut plain, mut best, mut ours, mut refused) = (0, 0, 0, 0);
    let (mut encoding, mut decoding, mut row_time, mut rows) = (Duration::ZERO, Duration::ZERO, Duration::ZERO, 0u32);
    for (raw, lengths, cuts) in stripes(raw) {
        plain += zstd::bulk::compress(raw, 3).unwrap().len();
        best += if skip_19 { 0 } else { zstd::bulk::compress(raw, 19).unwrap().len() };
        let start = Instant::now();
        let encoded = lines::encode(raw, &lengths, &cuts, level).unwrap();
        encoding += start.elapsed();
        let Some(encoded) = encoded else {
            refused += 1;
            ours += zstd::bulk::compress(raw, level).unwrap().len();
            continue;
        };
        ours += encoded.len();
        let opened = lines::Stripe::open(&encoded.shared, raw.len() as u64).unwrap();
        let mut from = 0;
        for (chunk, to) in encoded.chunks.iter().zip(&cuts) {
            let lengths = &lengths[std::mem::replace(&mut from, *to)..*to];
            let (count, size) = (lengths.len() as u32, lengths.iter().map(|length| u64::from(*length)).sum());
            let start = Instant::now();
            black_box(opened.decode(chunk, count, size).unwrap());
            decoding += start.elapsed();
            for row in (0..count).step_by(1001) {
                let start = Instant::now();
                black_box(opened.decode_rows(chunk, count, size, row..row + 1).unwrap());
                row_time += start.elapsed();
                rows += 1;
            }
        }
    }
    let per = |size: usize| raw.len() as f64 / size.max(1) as f64;
    let speed = |time: Duration| raw.len() as f64 / 1e6 / time.as_secs_f64();
    println!(
        "{file:36} {:7.2} {:7.2} {:7.2} {:7.2} {:8.0} {:8.0} {:8.0}{}",
        per(plain),
        per(best),
        per(ours),
        best as f64 / ours as f64,
        speed(encoding),
        speed(decoding),
        row_time.as_secs_f64() * 1e6 / f64::from(rows.max(1)),
        if refused > 0 { format!("  {refused} stripes refused") } else { String::new() },
    );
    best as f64 / ours as f64
}
