//! What the events of the log add up to: inputs, segments, the record tree, what was refused and set aside.

use std::collections::{BTreeMap, BTreeSet};

use super::ArchiveError;
use super::custody::{Acquisition, CUSTODY, Completion, Cursor, CustodyEntry, CustodyKind, SegmentEntry};
use super::storage::Storage;
use super::tree::{Frontier, Sha};

/// What the log says of an input.
#[derive(Debug, Clone)]
pub struct InputState {
    /// What was known when it was opened.
    pub acquisition: Acquisition,
    /// Hash of its acquisition record, which the leaves of its records hold.
    pub source: Sha,
    /// How far it is in the archive.
    pub cursor: Cursor,
    /// What was known when it was read to its end; absent where what was read since has no such end yet.
    pub completion: Option<Completion>,
}

impl InputState {
    /// SHA-256 of its bytes in the archive, hexadecimal.
    pub fn sha256(&self) -> String {
        if self.cursor.bytes == 0 { Sha::of(b"").to_string() } else { self.cursor.sha256.clone() }
    }
}

/// A commit as the log has it.
#[derive(Debug, Clone)]
pub struct CommitMark {
    /// Number of its entry.
    pub entry: u64,
    /// Records in the archive after it.
    pub records: u64,
    /// Root of the record tree after it.
    pub root: Sha,
}

/// A packed file that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerState {
    /// The file as it was opened.
    pub path: String,
    /// Its length on disk.
    pub size: u64,
    /// SHA-256 of it as it lay on disk.
    pub sha256: String,
}

/// A file that recovery keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAsideState {
    /// Its name in the archive's folder.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of it.
    pub sha256: Sha,
}

/// What the entries of the log add up to.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Inputs by number.
    pub inputs: Vec<InputState>,
    /// Segments in record order, by id of their first record.
    pub segments: BTreeMap<u64, SegmentEntry>,
    /// Packed files read to their end.
    pub containers: Vec<ContainerState>,
    /// Names that were refused, and why.
    pub refused: Vec<(String, String)>,
    /// Records in the archive.
    pub records: u64,
    /// Hashes of the runs that wrote to it.
    pub runs: Vec<Sha>,
    /// The record tree.
    pub tree: Frontier,
    /// Roots of its full blocks.
    pub blocks: Vec<Sha>,
    /// All commits in order.
    pub commits: Vec<CommitMark>,
    /// What recovery keeps.
    pub set_aside: Vec<SetAsideState>,
    /// Names of segments that others took the place of.
    pub replaced: BTreeSet<String>,
    /// Records whose scores are of a second pass over all of them.
    pub rescored: u64,
}

impl State {
    /// Takes up the events of one entry; `false` where one contradicts what came before.
    pub fn apply_all(&mut self, entry: u64, events: &[CustodyKind]) -> bool {
        events.iter().all(|event| self.apply(entry, event))
    }

    fn apply(&mut self, entry: u64, kind: &CustodyKind) -> bool {
        match kind {
            CustodyKind::Create { .. } => true,
            CustodyKind::Run(run) => match run.hash() {
                Ok(hash) => {
                    self.runs.push(hash);
                    true
                }
                Err(_) => false,
            },
            CustodyKind::Acquire(acquisition) => self.acquire(acquisition),
            CustodyKind::Resume(resumption) => self.inputs.get(resumption.input.0 as usize).is_some(),
            CustodyKind::Commit { segments, replaced, records, cursors, tree } => {
                if tree.size != *records || !self.tree.advance(tree) {
                    return false;
                }
                self.blocks.extend_from_slice(&tree.blocks);
                self.commits.push(CommitMark { entry, records: *records, root: tree.root });
                if !replaced.is_empty() {
                    self.segments.retain(|_, segment| !replaced.contains(&segment.file));
                    self.replaced.extend(replaced.iter().cloned());
                }
                // Where nothing is replaced, what was without a gap is so with what follows it.
                let mut next = self.records;
                let mut is_behind = replaced.is_empty();
                for segment in segments {
                    is_behind &= segment.first == next && segment.records > 0;
                    next = next.saturating_add(segment.records);
                    self.replaced.remove(&segment.file);
                    self.segments.insert(segment.first, segment.clone());
                }
                is_behind &= next == *records;
                self.records = *records;
                cursors.iter().all(|cursor| match self.inputs.get_mut(cursor.input.0 as usize) {
                    Some(input) => {
                        input.cursor = cursor.clone();
                        input.completion = None;
                        true
                    }
                    None => false,
                }) && (is_behind || self.is_dense())
            }
            CustodyKind::Complete(completion) => match self.inputs.get_mut(completion.input.0 as usize) {
                Some(input) => {
                    input.completion = Some(completion.clone());
                    true
                }
                None => false,
            },
            CustodyKind::Container { path, size, sha256 } => {
                self.containers.push(ContainerState { path: path.clone(), size: *size, sha256: sha256.clone() });
                true
            }
            CustodyKind::SetAside { file, bytes, sha256 } => {
                self.set_aside.push(SetAsideState { file: file.clone(), bytes: *bytes, sha256: *sha256 });
                true
            }
            CustodyKind::Rescore { records, .. } => {
                self.rescored = *records;
                *records <= self.records
            }
            CustodyKind::Refuse { name, reason } => {
                self.refused.push((name.clone(), reason.clone()));
                true
            }
        }
    }

    fn acquire(&mut self, acquisition: &Acquisition) -> bool {
        let hash = self.runs.get(acquisition.run as usize).and_then(|run| acquisition.hash(run).ok());
        let Some(source) = hash else { return false };
        let input = acquisition.input;
        let cursor = Cursor { input, bytes: 0, records: 0, lines: 0, open: false, sha256: String::new() };
        self.inputs.push(InputState { acquisition: acquisition.clone(), source, cursor, completion: None });
        input.0 as usize + 1 == self.inputs.len()
    }

    /// Whether the segments cover all records without a gap.
    fn is_dense(&self) -> bool {
        let mut next = 0u64;
        self.segments.values().all(|segment| {
            let fits = segment.first == next;
            next = next.saturating_add(segment.records);
            fits
        }) && next == self.records
    }
}

/// Adds up the entries of a log.
pub fn add_up(storage: &dyn Storage, entries: &[CustodyEntry]) -> Result<State, ArchiveError> {
    let mut state = State::default();
    for entry in entries {
        if !state.apply_all(entry.n, &entry.events) {
            return Err(ArchiveError::Damaged {
                path: storage.path(CUSTODY),
                offset: 0,
                what: format!("custody entry {} contradicts those before it", entry.n),
            });
        }
    }
    Ok(state)
}
