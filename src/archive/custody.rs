//! The log of custody: what was acquired, committed and completed, one line an entry, each chained to the one before.
//!
//! Form of a line: SHA-256 of the JSON text in hexadecimal, a space, the JSON text, a line feed. The JSON's `prev` is the hash of
//! the line before (empty in the first). The log is the manifest: the state of the archive is what its entries add up to.
//! A last line that is cut short or does not have its hash is a torn tail: the commit it belonged to never finished.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ArchiveError;
use super::segment::FORMAT_VERSION;
use super::storage::Storage;
use crate::model::InputId;

/// Name of the log in the archive's folder.
pub const CUSTODY: &str = "custody.jsonl";

/// What is known of an input when its first byte is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Acquisition {
    /// Its number.
    pub input: InputId,
    /// Its relative name: the field `source`, and the name `restore` gives it.
    pub name: String,
    /// The file as it was opened (`-` for standard input); lossy where the path is not UTF-8.
    pub path: String,
    /// The path's bytes in hexadecimal, where it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<String>,
    /// How it was unpacked, outermost first: `zstd`, `tar:member/name`; empty for a plain file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unpacked: Vec<String>,
    /// Bytes of the file as it lies on disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Modification time of the file (of the member, where the container states one), ns since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<i64>,
    /// Device of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<u64>,
    /// Inode of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inode: Option<u64>,
    /// When reading began, RFC 3339.
    pub read_at: String,
    /// Who ran the program.
    pub operator: String,
    /// On which machine.
    pub host: String,
    /// Name and version of the program.
    pub tool: String,
    /// The format it is read as and the share of sample lines that it explains.
    pub format: String,
    /// See `format`; 0 to 1.
    pub confidence: f32,
}

/// A range of bytes of an input that is not in the archive, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Offset of the first byte in the unpacked input.
    pub offset: u64,
    /// Number of bytes, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// Why.
    pub reason: String,
}

/// What is known of an input when its last byte was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// Its number.
    pub input: InputId,
    /// Bytes of the unpacked input that were read.
    pub bytes: u64,
    /// SHA-256 of those bytes, hexadecimal.
    pub sha256: String,
    /// What could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
}

/// How far an input is in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The input.
    pub input: InputId,
    /// Bytes of the unpacked input in the archive, from its first.
    pub bytes: u64,
    /// Records of it in the archive.
    pub records: u64,
    /// Lines of it in the archive (line feeds, and one for a last line without).
    pub lines: u64,
    /// SHA-256 of those bytes, hexadecimal.
    pub sha256: String,
}

/// A segment in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentEntry {
    /// Name of the file in `segments/`.
    pub file: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Length of the file.
    pub bytes: u64,
    /// Id of its first record.
    pub first: u64,
    /// Number of its records.
    pub records: u64,
    /// Raw bytes of its records.
    pub raw_bytes: u64,
}

/// One thing that happened to the archive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[allow(clippy::large_enum_variant, reason = "a few entries a commit, none kept in bulk")]
pub enum CustodyKind {
    /// The archive was made.
    Create {
        /// Version of the format.
        version: u64,
        /// Name and version of the program.
        tool: String,
    },
    /// An input was opened.
    Acquire(Acquisition),
    /// Records became part of the archive.
    Commit {
        /// New segments, in record order.
        segments: Vec<SegmentEntry>,
        /// Names of earlier segments that the new ones replace (same records, other files).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        replaced: Vec<String>,
        /// Records in the archive after this commit.
        records: u64,
        /// How far each input touched since the last commit is.
        cursors: Vec<Cursor>,
    },
    /// An input was read to its end.
    Complete(Completion),
    /// A packed file was read to its end; its members are inputs of their own.
    Container {
        /// The file as it was opened.
        path: String,
        /// Its length on disk.
        size: u64,
        /// SHA-256 of the file as it lies on disk, hexadecimal.
        sha256: String,
    },
    /// Something was not taken up.
    Refuse {
        /// Path or member.
        name: String,
        /// Why.
        reason: String,
    },
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustodyEntry {
    /// Its number, from 0.
    pub n: u64,
    /// Hash of the line before.
    pub prev: String,
    /// When, RFC 3339.
    pub at: String,
    /// What.
    #[serde(flatten)]
    pub kind: CustodyKind,
}

/// Where the log stands: what the next line is chained to.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    /// Number of the next entry.
    pub next: u64,
    /// Hash of the first line: the archive's identity.
    pub first: String,
    /// Hash of the last line.
    pub last: String,
    /// Length of the log in bytes, without a torn tail.
    pub bytes: u64,
}

impl Chain {
    /// Appends the line of an entry to `out`.
    pub fn write(&mut self, at: &str, kind: CustodyKind, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        let entry = CustodyEntry { n: self.next, prev: self.last.clone(), at: at.to_owned(), kind };
        let json = serde_json::to_vec(&entry)?;
        let hash = hex(&Sha256::digest(&json));
        let before = out.len();
        out.extend_from_slice(hash.as_bytes());
        out.push(b' ');
        out.extend_from_slice(&json);
        out.push(b'\n');
        self.bytes += (out.len() - before) as u64;
        self.next += 1;
        self.note(hash);
        Ok(())
    }

    fn note(&mut self, hash: String) {
        if self.first.is_empty() {
            self.first.clone_from(&hash);
        }
        self.last = hash;
    }
}

/// What reading the log gave.
#[derive(Debug)]
pub struct Replay {
    /// All whole entries in order.
    pub entries: Vec<CustodyEntry>,
    /// Where the log stands.
    pub chain: Chain,
    /// Bytes after the last whole entry: a commit that never finished.
    pub torn: Vec<u8>,
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
    let mut replay = Replay { entries: Vec::new(), chain: Chain::default(), torn: Vec::new() };
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let line_end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(line_end);
        match read_line(line, &replay.chain) {
            Some((entry, hash)) => {
                replay.chain.next += 1;
                replay.chain.note(hash);
                replay.chain.bytes += line.len() as u64;
                if let CustodyKind::Create { version, .. } = entry.kind
                    && version != u64::from(FORMAT_VERSION)
                {
                    return Err(ArchiveError::Version { path, found: version, known: u64::from(FORMAT_VERSION) });
                }
                replay.entries.push(entry);
            }
            None if after.is_empty() => {
                replay.torn = line.to_vec();
            }
            None => {
                let what = format!("custody entry {} is not what was written", replay.chain.next);
                return Err(ArchiveError::Damaged { path, offset: replay.chain.bytes, what });
            }
        }
        rest = after;
    }
    if !matches!(replay.entries.first(), None | Some(CustodyEntry { kind: CustodyKind::Create { .. }, .. })) {
        return Err(ArchiveError::Damaged {
            path,
            offset: 0,
            what: "the log does not begin with its creation".to_owned(),
        });
    }
    Ok(replay)
}

fn read_line(line: &[u8], chain: &Chain) -> Option<(CustodyEntry, String)> {
    let line = line.strip_suffix(b"\n")?;
    let (hash, json) = line.split_at_checked(64)?;
    let json = json.strip_prefix(b" ")?;
    let hash = std::str::from_utf8(hash).ok()?;
    if hex(&Sha256::digest(json)) != hash {
        return None;
    }
    let entry: CustodyEntry = serde_json::from_slice(json).ok()?;
    (entry.n == chain.next && entry.prev == chain.last).then(|| (entry, hash.to_owned()))
}

/// Bytes as lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}
