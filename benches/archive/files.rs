//! The files measured, by family, and the program run on them.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::{Failure, Options};

/// Smaller files say more of fixed costs than of logs.
const LEAST: usize = 2_000_000;
/// Bytes of each file with `--quick`.
const QUICK: usize = 4_000_000;

/// A file to be measured.
#[derive(Debug, Clone)]
pub struct LogFile {
    /// Its name, folder included.
    pub name: String,
    /// What kind of log it is.
    pub family: &'static str,
    packed: PathBuf,
}

impl LogFile {
    /// Its bytes.
    pub fn bytes(&self, options: &Options) -> Result<Vec<u8>, Failure> {
        let mut raw = self.unpack()?;
        if options.quick && raw.len() > QUICK {
            let end = raw.get(..QUICK).and_then(|head| head.iter().rposition(|byte| *byte == b'\n'));
            raw.truncate(end.map_or(QUICK, |end| end + 1));
        }
        Ok(raw)
    }

    fn unpack(&self) -> Result<Vec<u8>, Failure> {
        let mut raw = Vec::new();
        zstd::stream::read::Decoder::new(std::fs::File::open(&self.packed)?)?.read_to_end(&mut raw)?;
        Ok(raw)
    }
}

/// All files that are large enough and have one of `names` in their name, sorted by family and name.
pub fn list(logs: &Path, names: &[String]) -> Result<Vec<LogFile>, Failure> {
    let mut files = Vec::new();
    let mut folders = vec![logs.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(logs)?.to_string_lossy().into_owned();
            let Some(name) = name.strip_suffix(".zst").filter(|name| !name.ends_with(".tar")) else { continue };
            if !names.is_empty() && !names.iter().any(|wanted| name.contains(wanted.as_str())) {
                continue;
            }
            let file = LogFile { name: name.to_owned(), family: family(name), packed: path };
            if file.unpack()?.len() >= LEAST {
                files.push(file);
            }
        }
    }
    files.sort_by(|a, b| (a.family, &a.name).cmp(&(b.family, &b.name)));
    Ok(files)
}

fn family(name: &str) -> &'static str {
    match name.split('/').next().unwrap_or_default() {
        "web" => "web access",
        "hdfs" => "HDFS",
        "multilog_iotdb" => "Java (IoTDB)",
        "cowrie" => "cowrie",
        "zeek" => "Zeek",
        "linux" | "postgres" | "auth" => "syslog, desktop, PostgreSQL",
        _ => "JSON events, Windows, alerts",
    }
}

/// A store made of one file, in a folder that goes with it.
pub struct Made {
    /// Its folder, with the file as `input.log`.
    pub folder: tempfile::TempDir,
    /// How long the program ran.
    pub seconds: f64,
    /// Bytes below `data/`.
    pub archive: u64,
    /// Bytes below `index/`.
    pub index: u64,
}

/// Runs `logguard process` on bytes.
pub fn process(raw: &[u8], arguments: &[&str]) -> Result<Made, Failure> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("input.log"), raw)?;
    let started = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_logguard"))
        .args(["process", "--json"])
        .args(arguments)
        .arg("input.log")
        .current_dir(folder.path())
        .output()?;
    let seconds = started.elapsed().as_secs_f64();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let (archive, index) = (bytes_below(&folder.path().join("data"))?, bytes_below(&folder.path().join("index"))?);
    Ok(Made { folder, seconds, archive, index })
}

/// Bytes of all files below a folder.
pub fn bytes_below(folder: &Path) -> Result<u64, Failure> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        bytes += if entry.path().is_dir() { bytes_below(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}
