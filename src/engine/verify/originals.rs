//! The files that were read, as far as they are still where they were: do they hold the bytes that the archive has of them?

use std::fs::File;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;

use super::streams::hash_prefix;
use crate::archive::{Acquisition, Snapshot};

/// How the original files compare.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Originals {
    /// Files that were read: plain ones, and packed ones read to their end.
    pub files: u64,
    /// Those still there.
    pub present: u64,
    /// Those that begin with the bytes the archive has.
    pub identical: u64,
    /// Those that do not, in words.
    pub changed: Vec<String>,
}

struct Wanted {
    path: PathBuf,
    bytes: u64,
    sha256: String,
    /// A packed file must be the same to its end; a log may have grown.
    is_whole: bool,
}

/// Compares every original file that is still there.
pub fn compare(snapshot: &Snapshot) -> Originals {
    let plain = snapshot.inputs().iter().filter(|input| {
        let acquisition = &input.acquisition;
        acquisition.unpacked.is_empty() && acquisition.path != "-"
    });
    let mut wanted: Vec<Wanted> = plain
        .map(|input| Wanted {
            path: path_of(&input.acquisition),
            bytes: input.cursor.bytes,
            sha256: input.sha256(),
            is_whole: false,
        })
        .collect();
    wanted.extend(snapshot.containers().iter().map(|packed| Wanted {
        path: PathBuf::from(&packed.path),
        bytes: packed.size,
        sha256: packed.sha256.clone(),
        is_whole: true,
    }));
    let results: Vec<Option<Result<(), String>>> = wanted.par_iter().map(Wanted::compare).collect();
    let mut originals = Originals { files: wanted.len() as u64, ..Originals::default() };
    for result in results.into_iter().flatten() {
        originals.present += 1;
        match result {
            Ok(()) => originals.identical += 1,
            Err(what) => originals.changed.push(what),
        }
    }
    originals
}

impl Wanted {
    /// `None` where there is no such file any more.
    fn compare(&self) -> Option<Result<(), String>> {
        let data = std::fs::metadata(&self.path).ok().filter(std::fs::Metadata::is_file)?;
        let shown = self.path.display();
        if data.len() < self.bytes || self.is_whole && data.len() != self.bytes {
            return Some(Err(format!("{shown}: is {} bytes long, {} were read", data.len(), self.bytes)));
        }
        let hashed = File::open(&self.path).and_then(|mut file| hash_prefix(&mut file, self.bytes));
        Some(match hashed {
            Ok(Some(found)) if found.to_string() == self.sha256 => Ok(()),
            Ok(_) => Err(format!("{shown}: does not hold the bytes that were read from it")),
            Err(cause) => Err(format!("{shown}: can't be read: {cause}")),
        })
    }
}

/// The path of an acquisition, exactly.
pub fn path_of(acquisition: &Acquisition) -> PathBuf {
    match acquisition.path_hex.as_deref().and_then(bytes_of) {
        Some(bytes) => from_bytes(bytes),
        None => Path::new(&acquisition.path).to_owned(),
    }
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    if !hex.is_ascii() {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(unix)]
fn from_bytes(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
fn from_bytes(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}
