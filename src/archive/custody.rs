//! The log of custody: what was acquired, committed and completed, one line a write, each chained to the one before.
//!
//! Form of a line: SHA-256 of the JSON text in hexadecimal, a space, the JSON text, a line feed. The JSON's `prev` is the hash of
//! the line before (empty in the first); its `events` are all that one write made true at once, in order. So a commit is whole or
//! not there. The log is the manifest: the state of the archive is what its events add up to.
//!
//! What an acquisition's hash is made from stands in the line as it is: see [`Acquisition::hash`].

use serde::{Deserialize, Serialize};

use super::seal::Seal;
use super::tree::{Sha, TreeHead};
use crate::model::InputId;

/// Name of the log in the archive's folder.
pub const CUSTODY: &str = "custody.jsonl";

/// What is the same for all inputs of one run of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Who ran the program.
    pub operator: String,
    /// On which machine.
    pub host: String,
    /// Name and version of the program.
    pub tool: String,
    /// SHA-256 of the program's file; absent where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary: Option<Sha>,
    /// The folder that relative paths of its inputs start from.
    pub folder: String,
    /// The command line.
    pub command: Vec<String>,
    /// SHA-256 of the settings that decide how bytes are read: zone, year, format, caps, formats of the user's own.
    pub settings: Sha,
}

impl RunRecord {
    /// Its hash: SHA-256 of its JSON as it stands in the log (without `kind`), fields in order of declaration.
    pub fn hash(&self) -> Result<Sha, serde_json::Error> {
        Ok(Sha::of(&serde_json::to_vec(self)?))
    }
}

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
    /// The format it is read as and the share of sample lines that it explains.
    pub format: String,
    /// See `format`; 0 to 1 in steps of 1/1000, so that its text is the same whenever it is written.
    pub confidence: f32,
    /// Number of the run that opened it: position among the `run` events of the log, from 0.
    pub run: u32,
}

impl Acquisition {
    /// The hash that the leaves of its records hold: SHA-256 of the 32 bytes of its run's hash, followed by its JSON as it stands
    /// in the log (without `kind`: from `{"input":` to the closing brace), fields in order of declaration.
    pub fn hash(&self, run: &Sha) -> Result<Sha, serde_json::Error> {
        let mut bytes = run.0.to_vec();
        serde_json::to_writer(&mut bytes, self)?;
        Ok(Sha::of(&bytes))
    }
}

/// An input that goes on behind what the archive has of it, in a later run. Its records keep the acquisition they began with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumption {
    /// Its number.
    pub input: InputId,
    /// Bytes known before; their SHA-256 was compared.
    pub from: u64,
    /// Bytes of the file as it lies on disk now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Modification time of the file now, ns since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<i64>,
    /// When reading began, RFC 3339.
    pub read_at: String,
    /// Number of the run.
    pub run: u32,
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

/// What is known of an input when its last byte was read. The SHA-256 of the stream is that of the input's cursor, which the same
/// write or one before it has moved here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// Its number.
    pub input: InputId,
    /// Bytes of the unpacked input that were read, as counted by the stage that reads, from its first byte.
    pub read: u64,
    /// Line feeds among them.
    pub line_feeds: u64,
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
    /// Whether the last of these has no line feed yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
    /// SHA-256 of those bytes, hexadecimal.
    pub sha256: String,
}

impl Cursor {
    /// Line feeds in the archive.
    pub fn line_feeds(&self) -> u64 {
        self.lines.saturating_sub(u64::from(self.open))
    }
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
    /// Effort that went into making it small.
    pub seal: Seal,
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
    /// A run of the program begins to write.
    Run(RunRecord),
    /// An input was opened.
    Acquire(Acquisition),
    /// An input goes on.
    Resume(Resumption),
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
        /// The record tree after this commit.
        tree: TreeHead,
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
    /// What detection says of the first records was made anew, knowing all of them.
    Rescore {
        /// How many records.
        records: u64,
        /// How often the records had been gone through by then.
        pass: u32,
        /// SHA-256 of the settings of detection, as one line of text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        settings: Option<Sha>,
    },
    /// Something was not taken up.
    Refuse {
        /// Path or member.
        name: String,
        /// Why.
        reason: String,
    },
    /// Recovery found something that no commit speaks of, and keeps it.
    SetAside {
        /// Name of the file in the archive's folder.
        file: String,
        /// Its length.
        bytes: u64,
        /// SHA-256 of it.
        sha256: Sha,
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
    /// What, in order.
    pub events: Vec<CustodyKind>,
}
