//! What verification reads of a snapshot: segment files by their hash, records by their leaves, and what lies beside them.

use std::ops::Range;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::custody::{CUSTODY, SegmentEntry};
use super::group::GroupLines;
use super::reader::{GroupRef, SEGMENTS, Snapshot};
use super::state::{CommitMark, ContainerState, SetAsideState};
use super::tree::{Sha, record_leaf};
use super::{ArchiveError, InputState};
use crate::model::InputId;

/// A file is hashed in pieces of this many bytes.
const PIECE: u64 = 1 << 20;

/// Rows of one input that follow one another in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputPart {
    /// The input.
    pub input: InputId,
    /// Offset of the first byte in the input.
    pub offset: u64,
    /// Where its bytes lie in the lines of the group.
    pub bytes: Range<usize>,
    /// Number of records.
    pub records: u64,
}

/// A group, read and hashed anew.
#[derive(Debug)]
pub struct HashedGroup {
    /// Its records.
    pub lines: GroupLines,
    /// Hash of the leaf of each record.
    pub leaves: Vec<Sha>,
    /// Which bytes belong to which input, in record order; a part ends where its bytes do not follow one another in the input.
    pub parts: Vec<InputPart>,
}

impl Snapshot {
    /// Reads every section of a group, checks it, and hashes its records' leaves.
    pub fn hash_group(&self, group: &GroupRef) -> Result<HashedGroup, ArchiveError> {
        let columns = self.columns(group)?;
        let lines = self.lines(group)?;
        self.check_fields(group)?;
        let damaged = |row: usize, what: &str| ArchiveError::Damaged {
            path: self.segment_path(group),
            offset: group.offset(),
            what: format!("record {} {what}", group.first.0.saturating_add(row as u64)),
        };
        let mut hashed = HashedGroup { leaves: Vec::with_capacity(columns.rows()), parts: Vec::new(), lines };
        let mut at = 0;
        for row in 0..columns.rows() {
            let origin = hashed.lines.origin(row).ok_or_else(|| damaged(row, "does not say where it comes from"))?;
            let state = self.inputs().get(origin.input.0 as usize);
            let state = state.ok_or_else(|| damaged(row, "is of an input that the log does not name"))?;
            let raw = hashed.lines.raw(row);
            let leaf = record_leaf(&state.source, origin.offset, raw);
            hashed.leaves.push(leaf.ok_or_else(|| damaged(row, "is longer than a record can be"))?);
            let end = at + raw.len();
            let follows = |part: &InputPart| {
                part.input == origin.input
                    && part.offset.checked_add((part.bytes.end - part.bytes.start) as u64) == Some(origin.offset)
            };
            match hashed.parts.last_mut().filter(|part| follows(part)) {
                Some(part) => {
                    part.bytes.end = end;
                    part.records += 1;
                }
                None => hashed.parts.push(InputPart {
                    input: origin.input,
                    offset: origin.offset,
                    bytes: at..end,
                    records: 1,
                }),
            }
            at = end;
        }
        Ok(hashed)
    }

    /// Hashes a segment's file and compares it with what the log says; `progress` is told the bytes of each piece.
    pub fn check_segment(&self, entry: &SegmentEntry, progress: &dyn Fn(u64)) -> Result<(), ArchiveError> {
        let name = format!("{SEGMENTS}/{}", entry.file);
        let found = self.hash_file(&name, entry.bytes, progress)?;
        if found.to_string() == entry.sha256 {
            return Ok(());
        }
        Err(ArchiveError::Damaged {
            path: self.storage().path(&name),
            offset: 0,
            what: "the file does not have the SHA-256 that the log has for it".to_owned(),
        })
    }

    /// The same for a file that recovery set aside.
    pub fn check_set_aside(&self, entry: &SetAsideState) -> Result<(), ArchiveError> {
        let found = self.hash_file(&entry.file, entry.bytes, &|_| ())?;
        if found == entry.sha256 {
            return Ok(());
        }
        Err(ArchiveError::Damaged {
            path: self.storage().path(&entry.file),
            offset: 0,
            what: "the file that recovery set aside does not have the SHA-256 it had then".to_owned(),
        })
    }

    fn hash_file(&self, name: &str, bytes: u64, progress: &dyn Fn(u64)) -> Result<Sha, ArchiveError> {
        let path = self.storage().path(name);
        let failed = |cause| ArchiveError::Io { path: path.clone(), action: "reading", cause };
        let len = self.storage().len(name).map_err(failed)?;
        if len != bytes {
            let what = format!("is {len} bytes long, {bytes} were written");
            return Err(ArchiveError::Damaged { path: path.clone(), offset: len.min(bytes), what });
        }
        let mut hash = Sha256::new();
        let mut at = 0;
        while at < bytes {
            let piece = PIECE.min(bytes - at);
            hash.update(self.storage().read_at(name, at, piece as usize).map_err(failed)?);
            at += piece;
            progress(piece);
        }
        Ok(Sha(hash.finalize().into()))
    }

    /// Names of files beside the committed ones, in the archive's folder: segments that no entry names. One that was replaced, and
    /// waits for its readers, is none.
    pub fn strays(&self) -> Result<Vec<String>, ArchiveError> {
        let listed = self.storage().list(SEGMENTS).map_err(|cause| ArchiveError::Io {
            path: self.storage().path(SEGMENTS),
            action: "listing",
            cause,
        })?;
        let committed: std::collections::HashSet<&str> = self.segments().map(|entry| entry.file.as_str()).collect();
        let is_known = |file: &String| committed.contains(file.as_str()) || self.state().replaced.contains(file);
        let strays = listed.into_iter().filter(|file| !is_known(file));
        Ok(strays.map(|file| format!("{SEGMENTS}/{file}")).collect())
    }

    /// The log's place and what follows its last whole entry: number of bytes, and whether that must be damage.
    pub fn tail(&self) -> Option<(PathBuf, u64, bool)> {
        let tail = self.log_tail()?;
        Some((self.storage().path(CUSTODY), tail.bytes.len() as u64, tail.is_damage))
    }

    /// Place of the log of custody.
    pub fn log_path(&self) -> PathBuf {
        self.storage().path(CUSTODY)
    }

    /// Place of the segment that holds a record; the log's where none does.
    pub fn path_of(&self, record: u64) -> PathBuf {
        let entry = self.segments().take_while(|entry| entry.first <= record).last();
        entry.map_or_else(|| self.log_path(), |entry| self.storage().path(&format!("{SEGMENTS}/{}", entry.file)))
    }

    /// Roots of the full blocks of the record tree.
    pub fn blocks(&self) -> &[Sha] {
        &self.state().blocks
    }

    /// Root of the record tree.
    pub fn root(&self) -> Sha {
        self.state().tree.root()
    }

    /// All commits in order.
    pub fn commit_marks(&self) -> &[CommitMark] {
        &self.state().commits
    }

    /// Packed files that were read to their end.
    pub fn containers(&self) -> &[ContainerState] {
        &self.state().containers
    }

    /// What recovery set aside.
    pub fn set_aside(&self) -> &[SetAsideState] {
        &self.state().set_aside
    }

    /// An input by its number.
    pub fn input(&self, input: InputId) -> Option<&InputState> {
        self.inputs().get(input.0 as usize)
    }
}
