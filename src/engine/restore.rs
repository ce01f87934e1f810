//! Writes the inputs of an archive back as files, each checked against the hash it was read with.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use super::EngineError;
use super::ingest::hex_of;
use crate::archive::Snapshot;
use crate::model::{InputId, Origin};

/// One restored input.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Restored {
    /// Its name, relative to the folder restored to.
    pub name: String,
    /// Bytes written.
    pub bytes: u64,
    /// SHA-256 of the bytes written.
    pub sha256: String,
    /// Whether that is the hash the log of custody has for it.
    pub identical: bool,
    /// Bytes of the input that could not be read and are not in the file; in order.
    pub gaps: Vec<Gap>,
}

/// Bytes of an input that are missing from its restored file: what lies before and behind them is put side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Gap {
    /// Offset in the input of the first byte that is missing.
    pub offset: u64,
    /// Number of bytes.
    pub bytes: u64,
}

/// What was restored.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct RestoreReport {
    /// All inputs in order of acquisition.
    pub files: Vec<Restored>,
    /// What could not be read, and so is missing from its file.
    pub unreadable: Vec<String>,
}

impl RestoreReport {
    /// Whether every byte was written back.
    pub fn is_whole(&self) -> bool {
        self.unreadable.is_empty() && self.files.iter().all(|file| file.identical)
    }
}

struct Open {
    path: PathBuf,
    hash: Sha256,
    bytes: u64,
    /// Offset in the input of the next byte.
    next: u64,
    gaps: Vec<Gap>,
}

impl Open {
    /// The next bytes begin at `offset`: what lies between is missing.
    fn go_to(&mut self, offset: u64) {
        if let Some(bytes) = offset.checked_sub(self.next).filter(|bytes| *bytes > 0) {
            self.gaps.push(Gap { offset: self.next, bytes });
        }
        self.next = offset;
    }
}

/// Writes all inputs below `out`, which must be empty or not there. `keep_going` goes on behind damaged row groups.
pub fn restore(snapshot: &Snapshot, out: &Path, keep_going: bool) -> Result<RestoreReport, EngineError> {
    let io = |path: &Path, action| {
        let path = path.to_owned();
        move |cause| EngineError::File { path, action, cause }
    };
    fs::create_dir_all(out).map_err(io(out, "making the folder"))?;
    if fs::read_dir(out).map_err(io(out, "reading the folder"))?.next().is_some() {
        return Err(EngineError::Usage(format!(
            "{}: is not empty; name a folder that does not exist yet",
            out.display()
        )));
    }
    let missing = snapshot.records().saturating_sub(snapshot.covered());
    if let (false, Some(first)) = (keep_going || missing == 0, snapshot.unreadable().last()) {
        return Err(EngineError::Unreadable { missing, records: snapshot.records(), cause: first.clone() });
    }
    let mut report = RestoreReport { unreadable: snapshot.unreadable().to_vec(), ..RestoreReport::default() };
    let mut open: HashMap<InputId, Open> = HashMap::new();
    for input in snapshot.inputs() {
        let path = out.join(safe(&input.acquisition.name));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(io(parent, "making the folder"))?;
        }
        File::create_new(&path).map_err(io(&path, "making the file"))?;
        open.insert(input.acquisition.input, Open { path, hash: Sha256::new(), bytes: 0, next: 0, gaps: Vec::new() });
    }
    // One file is open at a time: an archive may have more inputs than a process may have files.
    let mut writing: Option<(InputId, File)> = None;
    for group in snapshot.groups() {
        let lines = match snapshot.lines(group) {
            Ok(lines) => lines,
            Err(cause) if keep_going => {
                report.unreadable.push(cause.to_string());
                continue;
            }
            Err(cause) => {
                let missing = u64::from(group.stats.rows);
                return Err(EngineError::Unreadable { missing, records: snapshot.records(), cause: cause.to_string() });
            }
        };
        let mut row = 0;
        while row < lines.rows() {
            let Some(Origin { input, offset, .. }) = lines.origin(row) else { break };
            let (first, mut end) = (row, offset);
            while let Some(origin) = lines.origin(row)
                && (origin.input, origin.offset) == (input, end)
            {
                end = end.saturating_add(u64::from(origin.length));
                row += 1;
            }
            let bytes = lines.raw_of(first, row);
            let Some(target) = open.get_mut(&input) else { continue };
            target.go_to(offset);
            target.next = target.next.saturating_add(bytes.len() as u64);
            if writing.as_ref().is_none_or(|(other, _)| *other != input) {
                let file = OpenOptions::new().append(true).open(&target.path).map_err(io(&target.path, "opening"))?;
                writing = Some((input, file));
            }
            if let Some((_, file)) = &mut writing {
                file.write_all(bytes).map_err(io(&target.path, "writing"))?;
            }
            target.hash.update(bytes);
            target.bytes += bytes.len() as u64;
        }
    }
    for input in snapshot.inputs() {
        let Some(mut target) = open.remove(&input.acquisition.input) else { continue };
        target.go_to(input.cursor.bytes);
        let sha256 = hex_of(&target.hash);
        let identical = sha256 == input.sha256();
        report.files.push(Restored {
            name: input.acquisition.name.clone(),
            bytes: target.bytes,
            sha256,
            identical,
            gaps: target.gaps,
        });
    }
    Ok(report)
}

/// A name below the folder, whatever the archive says: a store may come from somebody else's hands.
fn safe(name: &str) -> PathBuf {
    let parts = Path::new(name).components().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_owned()),
        _ => None,
    });
    let path: PathBuf = parts.collect();
    if path.as_os_str().is_empty() { PathBuf::from("unnamed") } else { path }
}
