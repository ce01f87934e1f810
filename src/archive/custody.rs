//! The log of custody: what was acquired, committed and completed, one line a write, each chained to the one before.
//!
//! Form of a line: SHA-256 of the JSON text in hexadecimal, a space, the JSON text, a line feed. The JSON's `prev` is the hash of
//! the line before (empty in the first); its `events` are all that one write made true at once, in order. So a commit is whole or
//! not there. The log is the manifest: the state of the archive is what its events add up to.
//!
//! What an acquisition's hash is made from stands in the line as it is: see [`Acquisition::hash`].

use serde::{Deserialize, Serialize};

use super::ArchiveError;
use super::seal::Seal;
use super::segment::FORMAT_VERSION;
use super::storage::Storage;
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
    let mut replay = Replay { entries: Vec::new(), chain: Chain::default(), tail: None };
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let line_end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(line_end);
        match line.strip_suffix(b"\n").and_then(|line| read_entry(line, &replay.chain)) {
            Some((entry, hash)) => {
                replay.chain.note(line.len() as u64, hash);
                if let Some(version) = version_of(&entry)
                    && version != u64::from(FORMAT_VERSION)
                {
                    return Err(ArchiveError::Version { path, found: version, known: u64::from(FORMAT_VERSION) });
                }
                replay.entries.push(entry);
            }
            None if replay.chain.bytes == 0 && other_version(line).is_some() => {
                let found = other_version(line).unwrap_or_default();
                return Err(ArchiveError::Version { path, found, known: u64::from(FORMAT_VERSION) });
            }
            None if after.is_empty() => replay.tail = Some(Tail::of(line, &replay.chain)),
            None => {
                let what = format!("custody entry {} is not what was written", replay.chain.next());
                return Err(ArchiveError::Damaged { path, offset: replay.chain.bytes, what });
            }
        }
        rest = after;
    }
    if replay.entries.first().is_some_and(|first| version_of(first).is_none()) {
        return Err(ArchiveError::Damaged {
            path,
            offset: 0,
            what: "the log does not begin with its creation".to_owned(),
        });
    }
    Ok(replay)
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
    stated.as_u64().filter(|version| *version != u64::from(FORMAT_VERSION))
}

fn version_of(entry: &CustodyEntry) -> Option<u64> {
    match entry.events.first() {
        Some(CustodyKind::Create { version, .. }) => Some(*version),
        _ => None,
    }
}

fn read_entry(line: &[u8], chain: &Chain) -> Option<(CustodyEntry, Sha)> {
    let (hash, json) = line.split_at_checked(64)?;
    let json = json.strip_prefix(b" ")?;
    let hash = Sha::parse(std::str::from_utf8(hash).ok()?)?;
    if Sha::of(json) != hash {
        return None;
    }
    let entry: CustodyEntry = serde_json::from_slice(json).ok()?;
    (entry.n == chain.next() && entry.prev == chain.last()).then_some((entry, hash))
}
