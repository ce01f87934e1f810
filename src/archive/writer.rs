//! The one writer of an archive: groups are appended in order, a commit makes them part of the evidence in one step.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::custody::{Acquisition, CUSTODY, Cursor, CustodyKind, SegmentEntry};
use super::group::EncodedStripe;
use super::log::{Log, Part, Recovery, Turn};
use super::reader::SEGMENTS;
use super::seal::Seal;
use super::segment::SegmentBuilder;
use super::state::{ContainerState, State};
use super::storage::Storage;
use super::tree::{Frontier, Sha, TreeHead};
use super::{ArchiveError, InputState};
use crate::model::{InputId, RecordId};

/// A segment is closed when it holds this many raw bytes.
pub const SEGMENT_RAW_BYTES: u64 = 64 << 20;

/// Holds the right to add records as long as it lives.
pub struct Writer {
    log: Log,
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
}

impl Writer {
    /// Opens or makes an archive, sets a torn tail and strays aside. A second one at the same time is refused.
    pub fn open(storage: Arc<dyn Storage>, now: &str, tool: &str) -> Result<Writer, ArchiveError> {
        let log = Log::open(storage, Part::Records, now, tool)?;
        let tree = log.state.tree.clone();
        Ok(Writer {
            log,
            segment: SegmentBuilder::default(),
            sealed: Vec::new(),
            seal: Seal::default(),
            cursors: BTreeMap::new(),
            pending: Vec::new(),
            tree,
            blocks: Vec::new(),
        })
    }

    /// What was found of earlier runs that did not end well, when it was opened and since.
    pub fn recovery(&self) -> &Recovery {
        &self.log.recovery
    }

    /// Inputs by number, as of the last commit.
    pub fn inputs(&self) -> &[InputState] {
        &self.log.state.inputs
    }

    /// Packed files read to their end.
    pub fn containers(&self) -> &[ContainerState] {
        &self.log.state.containers
    }

    /// Name of this archive that no other has: the hash of its first entry.
    pub fn identity(&self) -> &str {
        &self.log.chain.first
    }

    /// Runs of the program that have written to the archive: the number of the next one.
    pub fn next_run(&self) -> u32 {
        self.log.state.runs.len() as u32
    }

    /// Number the next new input gets.
    pub fn next_input(&self) -> InputId {
        let pending = self.pending.iter().filter(|kind| matches!(kind, CustodyKind::Acquire(_))).count();
        InputId((self.log.state.inputs.len() + pending) as u32)
    }

    /// Records in the archive and in groups not yet committed.
    pub fn records(&self) -> u64 {
        self.tree.size()
    }

    /// Records in the archive.
    pub fn committed(&self) -> u64 {
        self.log.state.records
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
        self.log.check()?;
        let rows = stripe.stats.rows();
        if leaves.len() as u64 != rows {
            let what = format!("{rows} records came with {} leaves", leaves.len());
            let cause = std::io::Error::new(std::io::ErrorKind::InvalidInput, what);
            return self.log.or_poison(SEGMENTS, "taking up a stripe", Err(cause)).map(|()| RecordId(0));
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
        self.log.check()?;
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
        let turn = self.turn(now)?;
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
        self.log.write(&turn, now, &events)?;
        self.pending = withheld;
        self.blocks.clear();
        self.sealed.clear();
        self.cursors.clear();
        Ok(())
    }

    /// Begins an entry. Others may have written segments anew since the last; nobody else can have added a record.
    fn turn(&mut self, now: &str) -> Result<Turn, ArchiveError> {
        let known = |state: &State| (state.records, state.inputs.len(), state.runs.len());
        let before = known(&self.log.state);
        let turn = self.log.turn(now)?;
        if known(&self.log.state) != before {
            self.log.poison();
            return Err(ArchiveError::Overtaken { path: self.log.storage.path(CUSTODY) });
        }
        Ok(turn)
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
        let entry = self.log.write_segment(segment, first, self.seal)?;
        self.sealed.push(entry);
        Ok(())
    }
}
