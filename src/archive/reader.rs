//! Reading whole commits: a snapshot of the archive that later writing does not change.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::ArchiveError;
use super::custody::{
    Acquisition, CUSTODY, Chain, Completion, Cursor, CustodyEntry, CustodyKind, Replay, SegmentEntry, Tail, replay,
};
use super::group::{GroupColumns, GroupStats, SectionError, decode_columns, decode_lines};
use super::segment::{Directory, read_directory};
use super::storage::Storage;
use super::tree::{Frontier, Sha};
use crate::model::{InputId, RecordId};

/// Folder of the segment files.
pub const SEGMENTS: &str = "segments";

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
                }
                for segment in segments {
                    self.segments.insert(segment.first, segment.clone());
                }
                self.records = *records;
                cursors.iter().all(|cursor| match self.inputs.get_mut(cursor.input.0 as usize) {
                    Some(input) => {
                        input.cursor = cursor.clone();
                        input.completion = None;
                        true
                    }
                    None => false,
                }) && self.is_dense()
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

/// A row group of a snapshot.
#[derive(Debug, Clone)]
pub struct GroupRef {
    /// Id of its first record.
    pub first: RecordId,
    /// Position of its segment in the snapshot.
    segment: usize,
    /// Its number in that segment.
    number: usize,
    /// Offset of its first byte in the segment.
    at: u64,
    /// What is known of it without reading it.
    pub stats: Arc<GroupStats>,
}

impl GroupRef {
    /// Offset of its first byte in the segment's file.
    pub fn offset(&self) -> u64 {
        self.at
    }

    /// Its number in the segment's file, from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// One past the id of its last record.
    pub fn end(&self) -> u64 {
        self.first.0.saturating_add(u64::from(self.stats.rows))
    }
}

/// The archive as of its last whole commit. Cheap to clone; never changes.
#[derive(Clone)]
pub struct Snapshot {
    storage: Arc<dyn Storage>,
    state: Arc<State>,
    segments: Arc<Vec<String>>,
    groups: Arc<Vec<GroupRef>>,
    fields: Arc<Vec<String>>,
    unreadable: Arc<Vec<String>>,
    tail: Option<Tail>,
    chain: Arc<Chain>,
    /// When the last entry was written, RFC 3339.
    last_at: String,
}

impl Snapshot {
    /// Opens the archive for reading; nothing is written, not even to mend a torn tail.
    ///
    /// A segment whose directory can't be read is left out and named by [`Snapshot::unreadable`], so that the rest stays
    /// readable; its records count as not covered.
    pub fn open(storage: Arc<dyn Storage>) -> Result<Snapshot, ArchiveError> {
        let replay = replay(&*storage)?;
        Snapshot::of(storage, replay, None)
    }

    /// This snapshot, or a newer one where the log has grown; what did not change is not read again.
    pub fn refreshed(&self) -> Result<Snapshot, ArchiveError> {
        let name = CUSTODY;
        let len = self.storage.len(name).map_err(|cause| ArchiveError::Io {
            path: self.storage.path(name),
            action: "reading",
            cause,
        })?;
        if len == self.chain.bytes {
            return Ok(self.clone());
        }
        let replay = replay(&*self.storage)?;
        Snapshot::of(self.storage.clone(), replay, Some(self))
    }

    fn of(storage: Arc<dyn Storage>, replay: Replay, before: Option<&Snapshot>) -> Result<Snapshot, ArchiveError> {
        let state = add_up(&*storage, &replay.entries)?;
        let mut unreadable = Vec::new();
        if let Some(tail) = &replay.tail {
            let what = if tail.is_damage { "a damaged entry" } else { "a commit that never finished" };
            unreadable.push(format!(
                "{}: the last {} bytes of the log are {what}",
                storage.path(CUSTODY).display(),
                tail.bytes.len()
            ));
        }
        let mut segments = Vec::new();
        let mut groups: Vec<GroupRef> = Vec::new();
        let mut fields: Vec<String> = before.map(|before| before.fields.to_vec()).unwrap_or_default();
        for entry in state.segments.values() {
            let number = segments.len();
            segments.push(entry.file.clone());
            let known = before.and_then(|before| before.groups_of(entry));
            if let Some(known) = known {
                groups.extend(known.iter().map(|group| GroupRef { segment: number, ..group.clone() }));
                continue;
            }
            match directory_of(&*storage, entry) {
                Ok(directory) => {
                    let mut first = entry.first;
                    for (position, group) in directory.groups.into_iter().enumerate() {
                        let rows = u64::from(group.stats.rows);
                        groups.push(GroupRef {
                            first: RecordId(first),
                            segment: number,
                            number: position,
                            at: group.at,
                            stats: Arc::new(group.stats),
                        });
                        first = first.saturating_add(rows);
                    }
                    for field in directory.fields {
                        if let Err(at) = fields.binary_search(&field) {
                            fields.insert(at, field);
                        }
                    }
                }
                Err(failure) => unreadable.push(format!("{failure} ({} records not covered)", entry.records)),
            }
        }
        Ok(Snapshot {
            storage,
            state: Arc::new(state),
            segments: Arc::new(segments),
            groups: Arc::new(groups),
            fields: Arc::new(fields),
            unreadable: Arc::new(unreadable),
            tail: replay.tail,
            last_at: replay.entries.last().map(|entry| entry.at.clone()).unwrap_or_default(),
            chain: Arc::new(replay.chain),
        })
    }

    /// The groups of a segment that this snapshot has read already.
    fn groups_of(&self, entry: &SegmentEntry) -> Option<&[GroupRef]> {
        let number = self.segments.iter().position(|file| *file == entry.file)?;
        let from = self.groups.partition_point(|group| group.segment < number);
        let to = self.groups.partition_point(|group| group.segment <= number);
        (from < to).then(|| self.groups.get(from..to)).flatten()
    }

    /// Records in the archive, readable or not.
    pub fn records(&self) -> u64 {
        self.state.records
    }

    /// Name of this archive that no other has: the hash of its first entry.
    pub fn identity(&self) -> &str {
        &self.chain.first
    }

    /// Number of entries in the log; grows with every commit.
    pub fn commits(&self) -> u64 {
        self.chain.next()
    }

    /// When the last entry was written, RFC 3339; empty where there is none.
    pub fn last_commit_at(&self) -> &str {
        &self.last_at
    }

    /// SHA-256 of an entry of the log by its number.
    pub fn entry_hash(&self, number: u64) -> Option<Sha> {
        self.chain.line(number)
    }

    /// Records that the readable row groups hold.
    pub fn covered(&self) -> u64 {
        self.groups.iter().map(|group| u64::from(group.stats.rows)).sum()
    }

    pub(super) fn storage(&self) -> &dyn Storage {
        &*self.storage
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn log_tail(&self) -> Option<&Tail> {
        self.tail.as_ref()
    }

    /// Place of the file that holds a group.
    pub fn segment_path(&self, group: &GroupRef) -> PathBuf {
        self.storage.path(&self.segment_name(group))
    }

    /// All readable row groups in record order.
    pub fn groups(&self) -> &[GroupRef] {
        &self.groups
    }

    /// A row group by its position; a position of another snapshot is told from damage by its sentence.
    pub fn group(&self, number: usize) -> Result<&GroupRef, ArchiveError> {
        self.groups.get(number).ok_or_else(|| ArchiveError::Damaged {
            path: self.storage.path(CUSTODY),
            offset: 0,
            what: format!("row group {number} is not in this snapshot of {}", self.groups.len()),
        })
    }

    /// Canonical names of the fields that occur, sorted.
    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// Parts of the archive that can't be read, in words.
    pub fn unreadable(&self) -> &[String] {
        &self.unreadable
    }

    /// All inputs by number.
    pub fn inputs(&self) -> &[InputState] {
        &self.state.inputs
    }

    /// Segments in record order.
    pub fn segments(&self) -> impl Iterator<Item = &SegmentEntry> {
        self.state.segments.values()
    }

    /// What was refused, and why.
    pub fn refused(&self) -> &[(String, String)] {
        &self.state.refused
    }

    /// Name of an input, empty for a number that does not occur.
    pub fn input_name(&self, input: InputId) -> &str {
        self.state.inputs.get(input.0 as usize).map_or("", |input| input.acquisition.name.as_str())
    }

    /// Bytes of segments, as the log says.
    pub fn stored_bytes(&self) -> u64 {
        self.state.segments.values().fold(0, |sum, segment| sum.saturating_add(segment.bytes))
    }

    /// Bytes of segments and log.
    pub fn archive_bytes(&self) -> u64 {
        self.stored_bytes().saturating_add(self.chain.bytes)
    }

    /// Raw bytes of all records.
    pub fn raw_bytes(&self) -> u64 {
        self.state.segments.values().fold(0, |sum, segment| sum.saturating_add(segment.raw_bytes))
    }

    /// Position in [`Snapshot::groups`] of the group that holds a record; `None` where it is beyond the end or unreadable.
    pub fn group_of(&self, id: RecordId) -> Option<usize> {
        let at = self.groups.partition_point(|group| group.first <= id).checked_sub(1)?;
        let group = self.groups.get(at)?;
        (id.0 < group.first.0.saturating_add(u64::from(group.stats.rows))).then_some(at)
    }

    /// The columns of a group other than its lines, checked.
    pub fn columns(&self, group: &GroupRef) -> Result<GroupColumns, ArchiveError> {
        decode_columns(&group.stats, |at, len| self.read(group, at, len)).map_err(|cause| self.failure(group, cause))
    }

    /// The raw bytes of a group's records, checked.
    pub fn lines(&self, group: &GroupRef) -> Result<Vec<u8>, ArchiveError> {
        decode_lines(&group.stats, |at, len| self.read(group, at, len)).map_err(|cause| self.failure(group, cause))
    }

    fn read(&self, group: &GroupRef, at: u64, len: usize) -> std::io::Result<Vec<u8>> {
        let offset = group.at.checked_add(at).ok_or(std::io::ErrorKind::InvalidData)?;
        self.storage.read_at(&self.segment_name(group), offset, len)
    }

    fn segment_name(&self, group: &GroupRef) -> String {
        format!("{SEGMENTS}/{}", self.segments.get(group.segment).map_or("", String::as_str))
    }

    fn failure(&self, group: &GroupRef, cause: SectionError) -> ArchiveError {
        let path = self.segment_path(group);
        let offset = group.at.saturating_add(cause.at);
        let (number, first, last) = (group.number, group.first.0, group.end().saturating_sub(1));
        match cause.what {
            Ok(what) => {
                let what = format!("{what} (row group {number}, records {first}..={last})");
                ArchiveError::Damaged { path, offset, what }
            }
            Err(cause) => ArchiveError::Io { path, action: "reading", cause },
        }
    }
}

fn directory_of(storage: &dyn Storage, entry: &SegmentEntry) -> Result<Directory, ArchiveError> {
    let name = format!("{SEGMENTS}/{}", entry.file);
    let path = storage.path(&name);
    let failed = |cause| ArchiveError::Io { path: path.clone(), action: "reading", cause };
    let len = storage.len(&name).map_err(failed)?;
    if len != entry.bytes {
        let what = format!("is {len} bytes long, {} were written", entry.bytes);
        return Err(ArchiveError::Damaged { path: path.clone(), offset: len.min(entry.bytes), what });
    }
    let directory = read_directory(&path, len, |at, len| storage.read_at(&name, at, len).map_err(failed))?;
    let rows: u64 = directory.groups.iter().map(|group| u64::from(group.stats.rows)).sum();
    if rows != entry.records {
        let what = format!("segment holds {rows} records, the log says {}", entry.records);
        return Err(ArchiveError::Damaged { path, offset: 0, what });
    }
    Ok(directory)
}
