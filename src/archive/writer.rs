//! The one writer of an archive: groups are appended in order, a commit makes them part of the evidence in one step.

mod recovery;
mod replace;

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::chain::{Chain, replay};
use super::custody::{Acquisition, CUSTODY, Cursor, CustodyKind, SegmentEntry};
use super::files::sync_folder;
use super::group::EncodedStripe;
use super::reader::SEGMENTS;
use super::seal::Seal;
use super::segment::{FORMAT_VERSION, SegmentBuilder};
use super::state::{ContainerState, State, add_up};
use super::storage::Storage;
use super::tree::{Frontier, Sha, TreeHead};
use super::{ArchiveError, InputState};
use crate::model::{InputId, RecordId};

pub use replace::Rewrite;

/// A segment is closed when it holds this many raw bytes.
pub const SEGMENT_RAW_BYTES: u64 = 64 << 20;

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
    /// Effort that goes into the segments of this writer.
    seal: Seal,
    cursors: BTreeMap<InputId, Cursor>,
    pending: Vec<CustodyKind>,
    /// The record tree with everything appended.
    tree: Frontier,
    /// Roots of the blocks that became full since the last commit.
    blocks: Vec<Sha>,
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
        let tree = state.tree.clone();
        let mut writer = Writer {
            storage,
            _lock: lock,
            chain,
            state,
            segment: SegmentBuilder::default(),
            sealed: Vec::new(),
            seal: Seal::default(),
            cursors: BTreeMap::new(),
            pending: Vec::new(),
            tree,
            blocks: Vec::new(),
            poisoned: false,
        };
        let mut events = Vec::new();
        if let Some(tail) = replayed.and_then(|replayed| replayed.tail) {
            events.push(writer.set_tail_aside(&tail, &mut recovery)?);
        }
        writer.set_strays_aside(&mut events, &mut recovery)?;
        if writer.chain.next() == 0 {
            events.insert(0, CustodyKind::Create { version: u64::from(FORMAT_VERSION), tool: tool.to_owned() });
        }
        if !events.is_empty() {
            writer.log(now, &events)?;
        }
        Ok((writer, recovery))
    }

    /// Inputs by number, as of the last commit.
    pub fn inputs(&self) -> &[InputState] {
        &self.state.inputs
    }

    /// Packed files read to their end.
    pub fn containers(&self) -> &[ContainerState] {
        &self.state.containers
    }

    /// Name of this archive that no other has: the hash of its first entry.
    pub fn identity(&self) -> &str {
        &self.chain.first
    }

    /// Runs of the program that have written to the archive: the number of the next one.
    pub fn next_run(&self) -> u32 {
        self.state.runs.len() as u32
    }

    /// Number the next new input gets.
    pub fn next_input(&self) -> InputId {
        let pending = self.pending.iter().filter(|kind| matches!(kind, CustodyKind::Acquire(_))).count();
        InputId((self.state.inputs.len() + pending) as u32)
    }

    /// Records in the archive and in groups not yet committed.
    pub fn records(&self) -> u64 {
        self.tree.size()
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

    /// Notes an event for the next commit: a run, an acquisition, a completion, a refusal.
    pub fn note(&mut self, kind: CustodyKind) {
        self.pending.push(kind);
    }

    /// Takes up a stripe with the hashes of its records' leaves (`record_leaf`) and how far its inputs are after it; gives the id
    /// of its first record.
    pub fn append(
        &mut self,
        stripe: EncodedStripe,
        leaves: &[Sha],
        fields: &[String],
        cursors: Vec<Cursor>,
    ) -> Result<RecordId, ArchiveError> {
        self.check()?;
        let rows = stripe.stats.rows();
        if leaves.len() as u64 != rows {
            let what = format!("{rows} records came with {} leaves", leaves.len());
            let cause = std::io::Error::new(std::io::ErrorKind::InvalidInput, what);
            return self.or_poison(SEGMENTS, "taking up a stripe", Err(cause)).map(|()| RecordId(0));
        }
        let first = RecordId(self.tree.size());
        for leaf in leaves {
            self.blocks.extend(self.tree.push(*leaf));
        }
        self.segment.push(stripe, fields);
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
        let withheld = self.withhold();
        let is_run = |kind: &CustodyKind| matches!(kind, CustodyKind::Run(_));
        if self.pending.iter().all(is_run)
            && self.cursors.is_empty()
            && self.segment.rows() == 0
            && self.sealed.is_empty()
        {
            self.pending.extend(withheld);
            return Ok(());
        }
        self.seal()?;
        let commit = CustodyKind::Commit {
            segments: self.sealed.clone(),
            replaced: Vec::new(),
            records: self.tree.size(),
            cursors: self.cursors.values().cloned().collect(),
            tree: TreeHead {
                size: self.tree.size(),
                root: self.tree.root(),
                blocks: self.blocks.clone(),
                open: self.tree.open().to_vec(),
            },
        };
        // Acquisitions first (a cursor names its input), completions last (they speak of committed bytes).
        let (mut events, after): (Vec<_>, Vec<_>) = self
            .pending
            .iter()
            .cloned()
            .partition(|kind| !matches!(kind, CustodyKind::Complete(_) | CustodyKind::Container { .. }));
        events.push(commit);
        events.extend(after);
        self.log(now, &events)?;
        self.pending = withheld;
        self.blocks.clear();
        self.sealed.clear();
        self.cursors.clear();
        Ok(())
    }

    /// States the effort with which the stripes to come were encoded.
    pub fn set_seal(&mut self, seal: Seal) {
        self.seal = seal;
    }

    /// Takes out the acquisitions of inputs of which nothing is committed yet: a run that ends before would leave behind an input
    /// that has nothing, and the next would take the file for another.
    fn withhold(&mut self) -> Vec<CustodyKind> {
        let ended: HashSet<InputId> = self
            .pending
            .iter()
            .filter_map(|kind| match kind {
                CustodyKind::Complete(completion) => Some(completion.input),
                _ => None,
            })
            .collect();
        let is_due = |kind: &CustodyKind| match kind {
            CustodyKind::Acquire(Acquisition { input, .. }) => {
                self.cursors.contains_key(input) || ended.contains(input)
            }
            _ => false,
        };
        // Inputs are numbered in order: what comes before one that is due is due too.
        let due = self.pending.iter().rposition(is_due);
        let mut number = 0;
        let is_withheld = |kind: &mut CustodyKind| {
            number += 1;
            matches!(kind, CustodyKind::Acquire(_)) && due.is_none_or(|due| number > due + 1)
        };
        self.pending.extract_if(.., is_withheld).collect()
    }

    /// Writes the open segment to its file.
    fn seal(&mut self) -> Result<(), ArchiveError> {
        if self.segment.rows() == 0 {
            return Ok(());
        }
        let segment = std::mem::take(&mut self.segment);
        let first = self.tree.size() - segment.rows();
        let entry = self.write_segment(segment, first, self.seal)?;
        self.sealed.push(entry);
        Ok(())
    }

    fn write_segment(&mut self, segment: SegmentBuilder, first: u64, seal: Seal) -> Result<SegmentEntry, ArchiveError> {
        let (records, raw_bytes) = (segment.rows(), segment.raw_bytes());
        let (bytes, _) = segment.finish().map_err(|cause| ArchiveError::Io {
            path: self.storage.path(SEGMENTS),
            action: "sealing a segment",
            cause,
        })?;
        let sha256 = Sha::of(&bytes).to_string();
        let file = format!("{first:012}-{}.seg", sha256.get(..16).unwrap_or_default());
        let name = format!("{SEGMENTS}/{file}");
        let written = self.storage.create(&name, &bytes);
        self.or_poison(&name, "writing", written)?;
        Ok(SegmentEntry { file, sha256, bytes: bytes.len() as u64, first, records, raw_bytes, seal })
    }

    /// Writes one entry with all of `events`: it is in the log as a whole or not at all.
    fn log(&mut self, now: &str, events: &[CustodyKind]) -> Result<(), ArchiveError> {
        let (line, hash) = self.chain.line_of(now, events).map_err(|cause| ArchiveError::Io {
            path: self.storage.path(CUSTODY),
            action: "writing",
            cause: cause.into(),
        })?;
        let written = self.storage.append(CUSTODY, &line);
        self.or_poison(CUSTODY, "writing", written)?;
        let entry = self.chain.next();
        self.chain.note(line.len() as u64, hash);
        if !self.state.apply_all(entry, events) {
            self.poisoned = true;
            return Err(ArchiveError::Poisoned { path: self.storage.path("") });
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
}

fn take_lock(folder: &Path) -> Result<File, ArchiveError> {
    let path: PathBuf = folder.join("lock");
    let io = |action| {
        let path = path.clone();
        move |cause| ArchiveError::Io { path, action, cause }
    };
    if !folder.is_dir() {
        std::fs::create_dir_all(folder).map_err(io("making the folder"))?;
        let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync_folder(above).map_err(io("making the folder"))?;
    }
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(io("opening the lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(ArchiveError::Locked { path }),
        Err(std::fs::TryLockError::Error(cause)) => Err(ArchiveError::Io { path, action: "locking", cause }),
    }
}
