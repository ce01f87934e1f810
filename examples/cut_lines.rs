//! Measures the templater on the lines of a file: MB/s and the number of templates; `--show` prints the frequent ones.

use logguard::template::Templater;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Instant;
use std::{env, fs};

fn main() -> io::Result<()> {
    let show = env::args().any(|argument| argument == "--show");
    let Some(path) = env::args().skip(1).find(|argument| !argument.starts_with("--")) else {
        return Err(io::Error::other("usage: cut_lines [--show] FILE"));
    };
    let bytes = fs::read(path)?;
    let mut templater = Templater::new();
    let started = Instant::now();
    let mut sum = 0u64;
    for line in bytes.split(|byte| *byte == b'\n') {
        sum ^= templater.cut(line).hash;
    }
    let seconds = started.elapsed().as_secs_f64();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        *counts.entry(templater.cut(line).text.to_owned()).or_default() += 1;
    }
    let mut out = io::stdout().lock();
    let rate = bytes.len() as f64 / 1e6 / seconds;
    writeln!(out, "{rate:.0} MB/s, {} templates, checksum {sum:016x}", counts.len())?;
    if show {
        let mut order: Vec<_> = counts.into_iter().collect();
        order.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        for (text, count) in order.into_iter().take(40) {
            writeln!(out, "{count:8} {text}")?;
        }
    }
    Ok(())
}
