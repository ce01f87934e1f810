//! Logs on disk and stores made of them.

use std::io::Read;
use std::path::{Path, PathBuf};

use logguard::engine::{Counters, Store};

use super::Failure;

/// Real logs by their place in the shared folder.
const LOGS: [&str; 7] = [
    "hdfs/HDFS_2pct_dev.log",
    "web/loki_access_logs",
    "zeek/dns.json",
    "postgres/rds.log",
    "cowrie/cowrie.json.2018-06-16",
    "linux/Linux_0.log",
    "ait_ads/santos_alerts.txt",
];

/// Writes the logs into a folder, over and over, until there are so many megabytes; gives the files.
pub fn write(logs: &Path, folder: &Path, megabytes: u64) -> Result<Vec<PathBuf>, Failure> {
    let mut texts = Vec::new();
    for name in LOGS {
        let mut text = Vec::new();
        zstd::stream::read::Decoder::new(std::fs::File::open(logs.join(format!("{name}.zst")))?)?
            .read_to_end(&mut text)?;
        texts.push((name.replace('/', "-"), text));
    }
    std::fs::create_dir_all(folder)?;
    let (mut files, mut bytes, mut round) = (Vec::new(), 0, 0);
    while bytes < megabytes * 1_000_000 {
        for (name, text) in &texts {
            let file = folder.join(format!("{round}-{name}"));
            std::fs::write(&file, text)?;
            bytes += text.len() as u64;
            files.push(file);
        }
        round += 1;
    }
    Ok(files)
}

/// A store of the files, each list of them taken in by a run of its own.
pub fn of(folder: &Path, runs: &[Vec<PathBuf>]) -> Result<Store, Failure> {
    let store = Store::open(folder.join("data"), folder.join("index"));
    for files in runs {
        let mut options = store.ingest_options(files.iter().map(|file| file.display().to_string()).collect());
        options.detect = None;
        store.ingest(&options, &Counters::default())?;
    }
    Ok(store)
}

/// Cuts the files into about so many pieces of whole lines and of the same size.
pub fn pieces(files: &[PathBuf], folder: &Path, count: u64) -> Result<Vec<PathBuf>, Failure> {
    std::fs::create_dir_all(folder)?;
    let mut total = 0;
    for file in files {
        total += std::fs::metadata(file)?.len();
    }
    let size = usize::try_from(total / count)?.max(1);
    let mut pieces = Vec::new();
    for file in files {
        let text = std::fs::read(file)?;
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut rest = text.as_slice();
        while !rest.is_empty() {
            let from = size.min(rest.len());
            let after = rest.get(from..).unwrap_or_default();
            // What would be left behind is too little for a piece of its own.
            let end = match memchr::memchr(b'\n', after) {
                Some(at) if after.len() > size / 2 => from + at + 1,
                _ => rest.len(),
            };
            let (piece, behind) = rest.split_at(end);
            let path = folder.join(format!("{:05}-{name}", pieces.len()));
            std::fs::write(&path, piece)?;
            pieces.push(path);
            rest = behind;
        }
    }
    Ok(pieces)
}
