//! Reading whole commits: a snapshot of the archive that later writing does not change.

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::ArchiveError;
use super::chain::{Chain, Replay, Tail, replay};
use super::custody::{CUSTODY, SegmentEntry};
use super::group::{GroupColumns, GroupLines, GroupReader, GroupStats, Needs, OpenStripe, SectionError, StripeStats};
use super::lines::{Hits, Needle};
use super::log::{READERS_LOCK, wait_for};
use super::segment::{Directory, END_BYTES, HEADER, StripeEntry, read_directory};
use super::state::{InputState, State, add_up};
use super::storage::{Held, LockKind, Storage};
use super::tree::Sha;
use super::values::ValueColumn;
use crate::model::{InputId, RecordId};

/// So long a reader waits for one who removes what was replaced.
const REMOVAL_PATIENCE: Duration = Duration::from_secs(2);

/// Folder of the segment files.
pub const SEGMENTS: &str = "segments";

/// A row group of a snapshot.
#[derive(Debug, Clone)]
pub struct GroupRef {
    /// Id of its first record.
    pub first: RecordId,
    /// Position of its segment in the snapshot.
    segment: usize,
    /// Its number in that segment.
    number: usize,
    stripe: Arc<StripeRef>,
    /// Its first row in the stripe.
    first_row: u32,
    /// What is known of it without reading it.
    pub stats: Arc<GroupStats>,
}

/// A stripe of a snapshot.
#[derive(Debug)]
struct StripeRef {
    /// Offset of its first byte in the segment.
    at: u64,
    stats: StripeStats,
    /// What its groups share, while there is room for it.
    open: Mutex<Arc<OpenStripe>>,
}

/// The stripes read last, whose shared parts stay in memory: neighbouring groups need the same.
#[derive(Debug, Default)]
struct Recent {
    queue: Mutex<VecDeque<Arc<StripeRef>>>,
}

/// Bytes that shared parts may take in memory, and what one takes of its stored bytes.
const RECENT_BYTES: u64 = 64 << 20;
const SHARED_GROWTH: u64 = 8;

impl Recent {
    fn open(&self, stripe: &Arc<StripeRef>) -> Arc<OpenStripe> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if !queue.iter().any(|known| Arc::ptr_eq(known, stripe)) {
            queue.push_back(Arc::clone(stripe));
            let size = |stripe: &Arc<StripeRef>| stripe.stats.shared_bytes().saturating_mul(SHARED_GROWTH);
            let mut bytes: u64 = queue.iter().map(size).fold(0, u64::saturating_add);
            while bytes > RECENT_BYTES
                && queue.len() > 1
                && let Some(oldest) = queue.pop_front()
            {
                bytes = bytes.saturating_sub(size(&oldest));
                *oldest.open.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
            }
        }
        Arc::clone(&stripe.open.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn release(&self, stripe: &Arc<StripeRef>) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.retain(|known| !Arc::ptr_eq(known, stripe));
        *stripe.open.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }
}

/// The groups of the stripes of a segment, whose first record is `first`.
fn add_groups(segment: usize, mut first: u64, stripes: Vec<StripeEntry>, groups: &mut Vec<GroupRef>) {
    let mut number = 0;
    for StripeEntry { at, stats } in stripes {
        let stripe = Arc::new(StripeRef { at, stats, open: Mutex::default() });
        let mut first_row = 0;
        for stats in &stripe.stats.groups {
            groups.push(GroupRef {
                first: RecordId(first),
                segment,
                number,
                stripe: Arc::clone(&stripe),
                first_row,
                stats: Arc::new(stats.clone()),
            });
            number += 1;
            first_row = first_row.saturating_add(stats.rows);
            first = first.saturating_add(u64::from(stats.rows));
        }
    }
}

impl GroupRef {
    /// Offset of its stripe's first byte in the segment's file.
    pub fn offset(&self) -> u64 {
        self.stripe.at
    }

    /// Its number in the segment's file, from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Id of the first record of its stripe, whose groups share what must be read before their records.
    pub fn stripe(&self) -> RecordId {
        RecordId(self.first.0.saturating_sub(u64::from(self.first_row)))
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
    recent: Arc<Recent>,
    fields: Arc<Vec<String>>,
    unreadable: Arc<Vec<String>>,
    tail: Option<Tail>,
    chain: Arc<Chain>,
    /// When the last entry was written, RFC 3339.
    last_at: String,
    /// Keeps the files of its segments from being removed by one who replaces them; absent where it rests, or where the archive can't
    /// be written to.
    reading: Option<Arc<Held>>,
}

impl Snapshot {
    /// Opens the archive for reading; nothing is written, not even to mend a torn tail.
    ///
    /// A segment whose directory can't be read is left out and named by [`Snapshot::unreadable`], so that the rest stays
    /// readable; its records count as not covered.
    pub fn open(storage: Arc<dyn Storage>) -> Result<Snapshot, ArchiveError> {
        let reading = take_reading(&*storage);
        let replay = replay(&*storage)?;
        Snapshot::of(storage, replay, None, reading)
    }

    /// The same without a claim on its files: once others took their place, they can't be read from here. For one who holds a
    /// snapshot for long and asks for [`Snapshot::refreshed`] before it reads, and for the one who replaces them.
    pub fn resting(&self) -> Snapshot {
        Snapshot { reading: None, ..self.clone() }
    }

    /// This snapshot, or a newer one where the log has grown; what did not change is not read again.
    pub fn refreshed(&self) -> Result<Snapshot, ArchiveError> {
        let name = CUSTODY;
        // Before the log is read: what it names then is not removed.
        let reading = self.reading.clone().or_else(|| take_reading(&*self.storage));
        let len = self.storage.len(name).map_err(|cause| ArchiveError::Io {
            path: self.storage.path(name),
            action: "reading",
            cause,
        })?;
        if len == self.chain.bytes {
            return Ok(Snapshot { reading, ..self.clone() });
        }
        let replay = replay(&*self.storage)?;
        Snapshot::of(self.storage.clone(), replay, Some(self), reading)
    }

    fn of(
        storage: Arc<dyn Storage>,
        replay: Replay,
        before: Option<&Snapshot>,
        reading: Option<Arc<Held>>,
    ) -> Result<Snapshot, ArchiveError> {
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
        // Directories are small and many: most of the time goes into opening files.
        let read = |entry: &SegmentEntry| match before.and_then(|before| before.groups_of(entry)) {
            Some(known) => Ok(Err(known)),
            None => directory_of(&*storage, entry).map(Ok),
        };
        let entries: Vec<&SegmentEntry> = state.segments.values().collect();
        let read: Vec<_> = entries.par_iter().map(|entry| read(entry)).collect();
        for (number, (entry, read)) in entries.into_iter().zip(read).enumerate() {
            segments.push(entry.file.clone());
            let directory = match read {
                Ok(Err(known)) => {
                    groups.extend(known.iter().map(|group| GroupRef { segment: number, ..group.clone() }));
                    continue;
                }
                Ok(Ok(directory)) => Ok(directory),
                Err(failure) => Err(failure),
            };
            match directory {
                Ok(directory) => {
                    add_groups(number, entry.first, directory.stripes, &mut groups);
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
            recent: before.map(|before| Arc::clone(&before.recent)).unwrap_or_default(),
            fields: Arc::new(fields),
            unreadable: Arc::new(unreadable),
            tail: replay.tail,
            last_at: replay.entries.last().map(|entry| entry.at.clone()).unwrap_or_default(),
            chain: Arc::new(replay.chain),
            reading,
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

    /// Lets go of what the groups of a group's stripe share: no more of them is to be read.
    pub fn release(&self, group: &GroupRef) {
        self.recent.release(&group.stripe);
    }

    /// Canonical names of the fields that occur, sorted.
    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// Canonical names of the fields that occur in some segments, sorted.
    pub fn fields_of(&self, segments: &[SegmentEntry]) -> Result<Vec<String>, ArchiveError> {
        let mut fields = BTreeSet::new();
        for entry in segments {
            fields.extend(directory_of(&*self.storage, entry)?.fields);
        }
        Ok(fields.into_iter().collect())
    }

    /// Parts of the archive that can't be read, in words.
    pub fn unreadable(&self) -> &[String] {
        &self.unreadable
    }

    /// Records whose scores are of a second pass over all of them; those that follow were scored as they came in.
    pub fn rescored(&self) -> u64 {
        self.state.rescored
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
        self.columns_of(group, Needs::ALL, GroupColumns::default())
    }

    /// Some columns of a group, checked; those that are in `columns` already are kept.
    pub fn columns_of(
        &self,
        group: &GroupRef,
        needs: Needs,
        columns: GroupColumns,
    ) -> Result<GroupColumns, ArchiveError> {
        self.with(group, |reader| reader.columns(needs, columns))
    }

    /// The raw bytes of a group's records, checked.
    pub fn lines(&self, group: &GroupRef) -> Result<GroupLines, ArchiveError> {
        self.with(group, |reader| reader.lines())
    }

    /// The raw bytes of some ascending records of a group, checked; others may be empty, and none says where it comes from.
    pub fn some_lines(&self, group: &GroupRef, rows: &[u32]) -> Result<GroupLines, ArchiveError> {
        self.with(group, |reader| reader.some_lines(rows))
    }

    /// The raw bytes of one record, checked; other rows may be absent.
    pub fn line(&self, group: &GroupRef, row: u32) -> Result<GroupLines, ArchiveError> {
        self.with(group, |reader| reader.line(row))
    }

    /// The raw bytes of a few ascending records of a group and where they come from, checked; others may be absent.
    pub fn few_lines(&self, group: &GroupRef, rows: &[u32]) -> Result<GroupLines, ArchiveError> {
        self.with(group, |reader| reader.few_lines(rows))
    }

    /// For each needle, which records of a group hold it; `None` where that is told by nothing but the lines.
    pub fn find(&self, group: &GroupRef, needles: &[Needle]) -> Result<Option<Vec<Hits>>, ArchiveError> {
        self.with(group, |reader| reader.find(needles))
    }

    /// The values of some fields of a group's records, read without a line; those of some records may be unknown. `None` where the
    /// segment does not say where fields stand, or says so of another [revision](crate::model::Interpret::revision). A field has no
    /// column where too many of its values differ.
    pub fn values(
        &self,
        group: &GroupRef,
        revision: u64,
        names: &[&str],
    ) -> Result<Option<Vec<Option<ValueColumn>>>, ArchiveError> {
        self.with(group, |reader| reader.values(revision, names))
    }

    /// Checks what a group's stripe says of where fields stand.
    pub(super) fn check_fields(&self, group: &GroupRef) -> Result<(), ArchiveError> {
        self.with(group, |reader| reader.check_fields())
    }

    fn with<T>(
        &self,
        group: &GroupRef,
        take: impl FnOnce(&GroupReader<'_>) -> Result<T, SectionError>,
    ) -> Result<T, ArchiveError> {
        let name = self.segment_name(group);
        let read = |at: u64, len: usize| {
            let offset = group.stripe.at.checked_add(at).ok_or(std::io::ErrorKind::InvalidData)?;
            self.storage.read_at(&name, offset, len)
        };
        let shared = self.recent.open(&group.stripe);
        let reader = GroupReader {
            stripe: &group.stripe.stats,
            group: &group.stats,
            first_row: group.first_row,
            shared: &shared,
            read: &read,
        };
        take(&reader).map_err(|cause| self.failure(group, cause))
    }

    fn segment_name(&self, group: &GroupRef) -> String {
        format!("{SEGMENTS}/{}", self.segments.get(group.segment).map_or("", String::as_str))
    }

    fn failure(&self, group: &GroupRef, cause: SectionError) -> ArchiveError {
        let path = self.segment_path(group);
        let offset = group.stripe.at.saturating_add(cause.at);
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

/// Says that files are being read, to those who remove what was replaced.
fn take_reading(storage: &dyn Storage) -> Option<Arc<Held>> {
    // Whoever has it alone has written the log before, and is about to be done.
    let held = wait_for(storage, READERS_LOCK, LockKind::Shared, REMOVAL_PATIENCE).ok()?;
    held.map(Arc::new)
}

fn directory_of(storage: &dyn Storage, entry: &SegmentEntry) -> Result<Directory, ArchiveError> {
    let name = format!("{SEGMENTS}/{}", entry.file);
    let path = storage.path(&name);
    let failed = |cause| ArchiveError::Io { path: path.clone(), action: "reading", cause };
    let ends = storage.ends(&name, HEADER as usize, END_BYTES as usize).map_err(failed)?;
    let len = ends.len;
    if len != entry.bytes {
        let what = format!("is {len} bytes long, {} were written", entry.bytes);
        return Err(ArchiveError::Damaged { path: path.clone(), offset: len.min(entry.bytes), what });
    }
    let read = |at, len| match ends.get(at, len) {
        Some(bytes) => Ok(bytes.to_vec()),
        None => storage.read_at(&name, at, len).map_err(failed),
    };
    let directory = read_directory(&path, len, read)?;
    let rows: u64 = directory.stripes.iter().map(|stripe| stripe.stats.rows()).sum();
    if rows != entry.records {
        let what = format!("segment holds {rows} records, the log says {}", entry.records);
        return Err(ArchiveError::Damaged { path, offset: 0, what });
    }
    Ok(directory)
}
