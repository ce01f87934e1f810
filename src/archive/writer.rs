//! The one writer of an archive: groups are appended in order, a commit makes them part of the evidence in one step.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::custody::{Acquisition, CUSTODY, Chain, Completion, Cursor, CustodyKind, SegmentEntry, hex, replay};
use super::group::EncodedGroup;
use super::reader::{SEGMENTS, State, add_up};
use super::segment::{FORMAT_VERSION, SegmentBuilder};
use super::storage::Storage;
use super::{ArchiveError, InputState};
use crate::model::{InputId, RecordId};

/// Folder for what recovery found and did not throw away.
const SET_ASIDE: &str = "set-aside";
/// A segment is closed when it holds this many raw bytes.
const SEGMENT_RAW_BYTES: u64 = 64 << 20;

/// What opening for writing found of an earlier run that did not end well; each a sentence.
#[derive(Debug, Clone, Default)]
pub struct Recovery {
    /// What was set aside, and where.
    pub set_aside: Vec<String>,
}

/// Holds the archive's lock as long as it lives.
pub struct Writer {
    storage: Arc<dyn Storage>,
    _lock: Option<File>,
    chain: Chain,
    state: State,
    segment: SegmentBuilder,
    sealed: Vec<SegmentEntry>,
    cursors: BTreeMap<InputId, Cursor>,
    pending: Vec<CustodyKind>,
    records: u64,
    poisoned: bool,
}

impl Writer {
    /// Opens or makes the archive in a local folder, takes its lock, and sets a torn tail aside.
    pub fn open(
        folder: &Path,
        storage: Arc<dyn Storage>,
        now: &str,
        tool: &str,
    ) -> Result<(Writer, Recovery), ArchiveError> {
        let lock = take_lock(folder)?;
        Writer::with_lock(Some(lock), storage, now, tool)
    }

    /// The same on storage that nobody else can reach (a test's).
    pub fn with_lock(
        lock: Option<File>,
        storage: Arc<dyn Storage>,
        now: &str,
        tool: &str,
    ) -> Result<(Writer, Recovery), ArchiveError> {
        let mut recovery = Recovery::default();
        let replayed = match replay(&*storage) {
            Ok(replayed) => Some(replayed),
            Err(ArchiveError::Missing { .. }) => None,
            Err(other) => return Err(other),
        };
        let (chain, state) = match &replayed {
            Some(replayed) => (replayed.chain.clone(), add_up(&*storage, &replayed.entries)?),
            None => (Chain::default(), State::default()),
        };
        let records = state.records;
        let mut writer = Writer {
            storage,
            _lock: lock,
            chain,
            state,
            segment: SegmentBuilder::default(),
            sealed: Vec::new(),
            cursors: BTreeMap::new(),
            pending: Vec::new(),
            records,
            poisoned: false,
        };
        if let Some(replayed) = replayed
            && !replayed.torn.is_empty()
        {
            writer.set_tail_aside(&replayed.torn, &mut recovery)?;
        }
        writer.set_orphans_aside(&mut recovery)?;
        if writer.chain.next == 0 {
            let kind = CustodyKind::Create { version: u64::from(FORMAT_VERSION), tool: tool.to_owned() };
            writer.log(now, vec![kind])?;
        }
        Ok((writer, recovery))
    }

    /// Inputs by number, as of the last commit.
    pub fn inputs(&self) -> &[InputState] {
        &self.state.inputs
    }

    /// Packed files read to their end: length and SHA-256.
    pub fn containers(&self) -> &std::collections::BTreeSet<(u64, String)> {
        &self.state.containers
    }

    /// Name of this archive that no other has: the hash of its first entry.
    pub fn identity(&self) -> &str {
        &self.chain.first
    }

    /// Number the next new input gets.
    pub fn next_input(&self) -> InputId {
        let pending = self.pending.iter().filter(|kind| matches!(kind, CustodyKind::Acquire(_))).count();
        InputId((self.state.inputs.len() + pending) as u32)
    }

    /// Records in the archive and in groups not yet committed.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Records in the archive.
    pub fn committed(&self) -> u64 {
        self.state.records
    }

    /// Raw bytes that the next commit would make part of the archive.
    pub fn uncommitted_raw_bytes(&self) -> u64 {
        self.segment.raw_bytes() + self.sealed.iter().map(|segment| segment.raw_bytes).sum::<u64>()
    }

    /// Whether there is anything a commit would write.
    pub fn is_dirty(&self) -> bool {
        !self.pending.is_empty() || !self.cursors.is_empty() || self.segment.rows() > 0 || !self.sealed.is_empty()
    }

    /// Notes an event for the next commit: an acquisition, a completion, a refusal.
    pub fn note(&mut self, kind: CustodyKind) {
        self.pending.push(kind);
    }

    /// Notes that an input was opened.
    pub fn acquire(&mut self, acquisition: Acquisition) {
        self.note(CustodyKind::Acquire(acquisition));
    }

    /// Notes that an input was read to its end.
    pub fn complete(&mut self, completion: Completion) {
        self.note(CustodyKind::Complete(completion));
    }

    /// Takes up a group with how far its inputs are after it, and gives the id of its first record.
    pub fn append(
        &mut self,
        group: EncodedGroup,
        fields: &[String],
        cursors: Vec<Cursor>,
    ) -> Result<RecordId, ArchiveError> {
        self.check()?;
        let first = RecordId(self.records);
        self.records += u64::from(group.stats.rows);
        self.segment.push(group, fields);
        for cursor in cursors {
            self.cursors.insert(cursor.input, cursor);
        }
        if self.segment.raw_bytes() >= SEGMENT_RAW_BYTES || self.segment.stored_bytes() as u64 >= SEGMENT_RAW_BYTES {
            self.seal()?;
        }
        Ok(first)
    }

    /// Makes everything appended and noted part of the archive: segments first, then the log that names them.
    pub fn commit(&mut self, now: &str) -> Result<(), ArchiveError> {
        self.check()?;
        if !self.is_dirty() {
            return Ok(());
        }
        self.seal()?;
        let commit = CustodyKind::Commit {
            segments: self.sealed.clone(),
            replaced: Vec::new(),
            records: self.records,
            cursors: self.cursors.values().cloned().collect(),
        };
        // Acquisitions first (a cursor names its input), completions last (they speak of committed bytes).
        let (mut entries, after): (Vec<_>, Vec<_>) = self
            .pending
            .iter()
            .cloned()
            .partition(|kind| !matches!(kind, CustodyKind::Complete(_) | CustodyKind::Container { .. }));
        entries.push(commit);
        entries.extend(after);
        self.log(now, entries)?;
        self.pending.clear();
        self.sealed.clear();
        self.cursors.clear();
        Ok(())
    }

    /// Writes the open segment to its file.
    fn seal(&mut self) -> Result<(), ArchiveError> {
        if self.segment.rows() == 0 {
            return Ok(());
        }
        let segment = std::mem::take(&mut self.segment);
        let (records, raw_bytes) = (segment.rows(), segment.raw_bytes());
        let first = self.records - records;
        let (bytes, _) = segment.finish().map_err(|cause| ArchiveError::Io {
            path: self.storage.path(SEGMENTS),
            action: "sealing a segment",
            cause,
        })?;
        let sha256 = hex(&Sha256::digest(&bytes));
        let file = format!("{first:012}-{}.seg", sha256.get(..16).unwrap_or_default());
        let name = format!("{SEGMENTS}/{file}");
        let written = self.storage.create(&name, &bytes);
        self.or_poison(&name, "writing", written)?;
        self.sealed.push(SegmentEntry { file, sha256, bytes: bytes.len() as u64, first, records, raw_bytes });
        Ok(())
    }

    fn log(&mut self, now: &str, entries: Vec<CustodyKind>) -> Result<(), ArchiveError> {
        let mut chain = self.chain.clone();
        let mut bytes = Vec::new();
        for kind in &entries {
            chain.write(now, kind.clone(), &mut bytes).map_err(|cause| ArchiveError::Io {
                path: self.storage.path(CUSTODY),
                action: "writing",
                cause: cause.into(),
            })?;
        }
        let written = self.storage.append(CUSTODY, &bytes);
        self.or_poison(CUSTODY, "writing", written)?;
        self.chain = chain;
        for kind in &entries {
            if !self.state.apply(kind) {
                self.poisoned = true;
                return Err(ArchiveError::Poisoned { path: self.storage.path("") });
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), ArchiveError> {
        if self.poisoned { Err(ArchiveError::Poisoned { path: self.storage.path("") }) } else { Ok(()) }
    }

    /// After a write failed, what is on disk is not known: nothing more may be built on it in this run.
    fn or_poison(&mut self, name: &str, action: &'static str, result: std::io::Result<()>) -> Result<(), ArchiveError> {
        result.map_err(|cause| {
            self.poisoned = true;
            ArchiveError::Io { path: self.storage.path(name), action, cause }
        })
    }

    fn set_tail_aside(&mut self, torn: &[u8], recovery: &mut Recovery) -> Result<(), ArchiveError> {
        let aside = format!("{SET_ASIDE}/custody-tail-{}", self.chain.next);
        let written = self.storage.create(&aside, torn);
        self.or_poison(&aside, "setting a torn tail aside", written)?;
        let cut = self.storage.truncate(CUSTODY, self.chain.bytes);
        self.or_poison(CUSTODY, "cutting a torn tail off", cut)?;
        recovery.set_aside.push(format!(
            "the last {} bytes of {} were a commit that never finished; they are now in {}",
            torn.len(),
            self.storage.path(CUSTODY).display(),
            self.storage.path(&aside).display()
        ));
        Ok(())
    }

    /// Segments that no commit names were written by a run that ended before its commit.
    fn set_orphans_aside(&mut self, recovery: &mut Recovery) -> Result<(), ArchiveError> {
        let listed = self.storage.list(SEGMENTS);
        let names =
            listed.map_err(|cause| ArchiveError::Io { path: self.storage.path(SEGMENTS), action: "listing", cause })?;
        for file in names {
            if self.state.segments.values().any(|segment| segment.file == file) {
                continue;
            }
            let (from, to) = (format!("{SEGMENTS}/{file}"), format!("{SET_ASIDE}/{file}"));
            let moved = self.storage.rename(&from, &to);
            self.or_poison(&from, "setting aside", moved)?;
            recovery.set_aside.push(format!(
                "{} belongs to no commit; it is now {}",
                self.storage.path(&from).display(),
                self.storage.path(&to).display()
            ));
        }
        Ok(())
    }
}

fn take_lock(folder: &Path) -> Result<File, ArchiveError> {
    let path: PathBuf = folder.join("lock");
    let io = |action| {
        let path = path.clone();
        move |cause| ArchiveError::Io { path, action, cause }
    };
    std::fs::create_dir_all(folder).map_err(io("making the folder"))?;
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(io("opening the lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(ArchiveError::Locked { path }),
        Err(std::fs::TryLockError::Error(cause)) => Err(ArchiveError::Io { path, action: "locking", cause }),
    }
}
