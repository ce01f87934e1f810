//! The lines of the log of custody: how one is written behind the last, and how all are read and checked.

use std::path::Path;

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use serde::Serialize;

use super::ArchiveError;
use super::custody::{CUSTODY, CustodyEntry, CustodyKind};
use super::segment::{FORMAT_VERSION, OLDEST_VERSION};
use super::storage::Storage;
use super::tree::Sha;

/// Where the log stands: what the next line is chained to.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    /// Hash of each line, in order.
    lines: Vec<Sha>,
    /// Hash of the first line: the archive's identity; empty where there is none.
    pub first: String,
    /// Length of the log in bytes, without a torn tail.
    pub bytes: u64,
}

impl Chain {
    /// Number of the next entry.
    pub fn next(&self) -> u64 {
        self.lines.len() as u64
    }

    /// Hash of the last line; empty where there is none.
    pub fn last(&self) -> String {
        self.lines.last().map(Sha::to_string).unwrap_or_default()
    }

    /// Hash of a line by its number.
    pub fn line(&self, number: u64) -> Option<Sha> {
        self.lines.get(usize::try_from(number).ok()?).copied()
    }

    /// Gives the line of an entry; [`Chain::note`] makes it part of the chain once it is written.
    pub fn line_of(&self, at: &str, events: &[CustodyKind]) -> Result<(Vec<u8>, Sha), serde_json::Error> {
        #[derive(Serialize)]
        struct Line<'a> {
            n: u64,
            prev: String,
            at: &'a str,
            events: &'a [CustodyKind],
        }
        let json = serde_json::to_vec(&Line { n: self.next(), prev: self.last(), at, events })?;
        let hash = Sha::of(&json);
        let mut line = hash.to_string().into_bytes();
        line.push(b' ');
        line.extend_from_slice(&json);
        line.push(b'\n');
        Ok((line, hash))
    }

    /// Takes up a line that is in the log now.
    pub fn note(&mut self, bytes: u64, hash: Sha) {
        if self.lines.is_empty() {
            self.first = hash.to_string();
        }
        self.bytes += bytes;
        self.lines.push(hash);
    }
}

/// What follows the last whole entry of a log.
#[derive(Debug, Clone)]
pub struct Tail {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether it can't be what a write leaves that was cut short: then it is a damaged entry, and nothing may be built on it.
    pub is_damage: bool,
}

impl Tail {
    /// A write that was cut short has no line end, or lacks blocks in its midst, which then read as zeros. A whole line with other
    /// bytes was changed after it was written, and so was one that is whole but for another byte in place of its line end.
    fn of(line: &[u8], chain: &Chain) -> Tail {
        let is_damage = match line.split_last() {
            Some((b'\n', _)) => {
                let is_hole = |window: &[u8]| window.iter().all(|byte| *byte == 0);
                line.first() != Some(&0) && !line.windows(HOLE).any(is_hole)
            }
            Some((_, whole)) => read_entry(whole, chain).is_some(),
            None => false,
        };
        Tail { bytes: line.to_vec(), is_damage }
    }
}

/// So few lines are read by one thread.
const ALONE: usize = 16;

/// As many zero bytes in a row are a block that was never written, and so is one at the very start; JSON has none.
const HOLE: usize = 8;

/// What reading the log gave.
#[derive(Debug)]
pub struct Replay {
    /// All whole entries in order.
    pub entries: Vec<CustodyEntry>,
    /// Where the log stands.
    pub chain: Chain,
    /// What follows the last whole entry: a commit that never finished, or a damaged one.
    pub tail: Option<Tail>,
}

/// Reads and checks the whole log. A bad line that is not the last is damage; a missing log is [`ArchiveError::Missing`].
pub fn replay(storage: &dyn Storage) -> Result<Replay, ArchiveError> {
    let path = storage.path(CUSTODY);
    let bytes = match storage.read(CUSTODY) {
        Ok(bytes) => bytes,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            return Err(ArchiveError::Missing { path: storage.path("") });
        }
        Err(cause) => return Err(ArchiveError::Io { path, action: "reading", cause }),
    };
    let mut chain = Chain::default();
    let (entries, tail) = read_on(&bytes, &mut chain, &path)?;
    if entries.first().is_some_and(|first| version_of(first).is_none()) {
        return Err(ArchiveError::Damaged {
            path,
            offset: 0,
            what: "the log does not begin with its creation".to_owned(),
        });
    }
    Ok(Replay { entries, chain, tail })
}

/// Reads and checks what stands in the log of `path` behind `chain`, which is led on.
pub fn read_on(
    bytes: &[u8],
    chain: &mut Chain,
    path: &Path,
) -> Result<(Vec<CustodyEntry>, Option<Tail>), ArchiveError> {
    let path = path.to_owned();
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    // Each is hashed and read by itself; only that they are chained is told one after the other.
    let told = |line: &&[u8]| line.strip_suffix(b"\n").and_then(read_line);
    let told: Vec<Option<(CustodyEntry, Sha)>> = match lines.len() {
        0..ALONE => lines.iter().map(told).collect(),
        _ => lines.par_iter().with_min_len(ALONE).map(told).collect(),
    };
    let mut entries = Vec::with_capacity(lines.len());
    for (number, (line, told)) in lines.iter().copied().zip(told).enumerate() {
        match told.filter(|(entry, _)| is_next(entry, chain)) {
            Some((entry, hash)) => {
                chain.note(line.len() as u64, hash);
                if let Some(version) = version_of(&entry)
                    && !is_known(version)
                {
                    return Err(ArchiveError::Version { path, found: version, known: u64::from(FORMAT_VERSION) });
                }
                entries.push(entry);
            }
            None if chain.bytes == 0 && other_version(line).is_some() => {
                let found = other_version(line).unwrap_or_default();
                return Err(ArchiveError::Version { path, found, known: u64::from(FORMAT_VERSION) });
            }
            None if number + 1 == lines.len() => return Ok((entries, Some(Tail::of(line, chain)))),
            None => {
                let what = format!("custody entry {} is not what was written", chain.next());
                return Err(ArchiveError::Damaged { path, offset: chain.bytes, what });
            }
        }
    }
    Ok((entries, None))
}

/// The version that a first line states which this version can't read otherwise.
fn other_version(line: &[u8]) -> Option<u64> {
    let (hash, json) = line.strip_suffix(b"\n")?.split_at_checked(64)?;
    let json = json.strip_prefix(b" ")?;
    if Sha::of(json).to_string().as_bytes() != hash {
        return None;
    }
    let entry: serde_json::Value = serde_json::from_slice(json).ok()?;
    let stated = entry.get("version").or_else(|| entry.pointer("/events/0/version"))?;
    stated.as_u64().filter(|version| !is_known(*version))
}

/// Whether this version can be read.
fn is_known(version: u64) -> bool {
    (u64::from(OLDEST_VERSION)..=u64::from(FORMAT_VERSION)).contains(&version)
}

fn version_of(entry: &CustodyEntry) -> Option<u64> {
    match entry.events.first() {
        Some(CustodyKind::Create { version, .. }) => Some(*version),
        _ => None,
    }
}

fn read_entry(line: &[u8], chain: &Chain) -> Option<(CustodyEntry, Sha)> {
    read_line(line).filter(|(entry, _)| is_next(entry, chain))
}

/// Whether an entry follows the last one of the chain.
fn is_next(entry: &CustodyEntry, chain: &Chain) -> bool {
    entry.n == chain.next() && entry.prev == chain.last()
}

/// The entry of a line and the line's hash, whatever it is chained to.
fn read_line(line: &[u8]) -> Option<(CustodyEntry, Sha)> {
    let (hash, json) = line.split_at_checked(64)?;
    let json = json.strip_prefix(b" ")?;
    let hash = Sha::parse(std::str::from_utf8(hash).ok()?)?;
    if Sha::of(json) != hash {
        return None;
    }
    let entry: CustodyEntry = serde_json::from_slice(json).ok()?;
    Some((entry, hash))
}
