//! The log of custody as one who writes to the archive holds it: what it said when it was last read, and how the next entry gets
//! behind it.
//!
//! Two may write to an archive at once: one adds records, one writes segments anew. Each holds the lock of its [`Part`] as long as it
//! lives. For the moment of an entry it also takes the lock of the log ([`Log::turn`]) and reads what the other has written since, so
//! that the chain never forks and nothing that was replaced meanwhile comes back.

mod recovery;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ArchiveError;
use super::chain::{Chain, read_on, replay};
use super::custody::{CUSTODY, CustodyKind, SegmentEntry};
use super::reader::SEGMENTS;
use super::seal::Seal;
use super::segment::{FORMAT_VERSION, SegmentBuilder};
use super::state::{State, add_up};
use super::storage::{Held, LockKind, Storage};
use super::tree::Sha;

/// Held while an entry is written.
const LOG_LOCK: &str = "lock.log";
/// Held, shared, by all that read; whoever gets it alone may remove what was replaced.
pub const READERS_LOCK: &str = "lock.readers";
/// Files in the archive's folder that are nothing but locks.
pub const LOCKS: [&str; 4] = ["lock", "lock.segments", LOG_LOCK, READERS_LOCK];

/// An entry is written within a few milliseconds; one who takes so long is stuck.
const LOG_PATIENCE: Duration = Duration::from_secs(60);
/// A writer that opens the archive looks for strays of both parts, and holds the other's lock for that moment.
const PART_PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks at a lock that another holds.
const LOOK: Duration = Duration::from_millis(10);

/// What a writer does, of which there is one at a time each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Adds records, inputs, runs; keeps the index.
    Records,
    /// Writes segments anew.
    Segments,
}

impl Part {
    fn lock(self) -> &'static str {
        match self {
            Part::Records => "lock",
            Part::Segments => "lock.segments",
        }
    }

    fn is_at(self) -> &'static str {
        match self {
            Part::Records => "is writing to this archive",
            Part::Segments => "is sealing segments of this archive again",
        }
    }
}

/// Waits for a lock; `None` where another holds it all the time.
pub fn wait_for(
    storage: &dyn Storage,
    name: &str,
    kind: LockKind,
    patience: Duration,
) -> std::io::Result<Option<Held>> {
    let started = Instant::now();
    loop {
        match storage.lock(name, kind)? {
            Some(held) => return Ok(Some(held)),
            None if started.elapsed() >= patience => return Ok(None),
            None => std::thread::sleep(LOOK),
        }
    }
}

/// What was found of an earlier run that did not end well; each a sentence.
#[derive(Debug, Clone, Default)]
pub struct Recovery {
    /// What was set aside, and where.
    pub set_aside: Vec<String>,
}

/// The right to write entries, until it is dropped.
pub struct Turn(#[expect(dead_code, reason = "held, not looked at")] Held);

/// The log, its archive's state, and one part of the work on it.
pub struct Log {
    pub storage: Arc<dyn Storage>,
    part: Part,
    _held: Held,
    pub chain: Chain,
    pub state: State,
    pub recovery: Recovery,
    poisoned: bool,
}

impl Log {
    /// Opens the log for a part of the work, sets a torn tail and strays aside. Where there is no archive, one who adds records
    /// makes it.
    pub fn open(storage: Arc<dyn Storage>, part: Part, now: &str, tool: &str) -> Result<Log, ArchiveError> {
        let patience = if part == Part::Segments { PART_PATIENCE } else { Duration::ZERO };
        let held = take(&*storage, part.lock(), part.is_at(), patience)?;
        let turn = take_turn(&*storage)?;
        let replayed = match replay(&*storage) {
            Ok(replayed) => Some(replayed),
            Err(ArchiveError::Missing { .. }) if part == Part::Records => None,
            Err(other) => return Err(other),
        };
        let (chain, state) = match &replayed {
            Some(replayed) => (replayed.chain.clone(), add_up(&*storage, &replayed.entries)?),
            None => (Chain::default(), State::default()),
        };
        let recovery = Recovery::default();
        let mut log = Log { storage, part, _held: held, chain, state, recovery, poisoned: false };
        if log.chain.bytes > 0 {
            // Its last entry may be of a process that was killed before it could make it durable; from here on it is relied upon.
            let synced = log.storage.append(CUSTODY, &[]);
            log.or_poison(CUSTODY, "syncing", synced)?;
        }
        let mut events = Vec::new();
        if let Some(tail) = replayed.and_then(|replayed| replayed.tail) {
            events.push(log.set_tail_aside(&tail)?);
        }
        log.tidy(&mut events)?;
        if log.chain.next() == 0 {
            events.insert(0, CustodyKind::Create { version: u64::from(FORMAT_VERSION), tool: tool.to_owned() });
        }
        if !events.is_empty() {
            log.write(&turn, now, &events)?;
        }
        Ok(log)
    }

    /// Waits until nobody else writes an entry, and takes up what others have written.
    pub fn turn(&mut self, now: &str) -> Result<Turn, ArchiveError> {
        self.check()?;
        let turn = take_turn(&*self.storage).and_then(|turn| self.catch_up(&turn, now).map(|()| turn));
        self.poisoned |= turn.is_err();
        turn
    }

    fn catch_up(&mut self, turn: &Turn, now: &str) -> Result<(), ArchiveError> {
        let path = self.storage.path(CUSTODY);
        let failed = |cause| ArchiveError::Io { path: path.clone(), action: "reading", cause };
        let known = self.chain.bytes;
        let len = self.storage.len(CUSTODY).map_err(failed)?;
        let more = len.checked_sub(known).ok_or_else(|| ArchiveError::Damaged {
            path: path.clone(),
            offset: len,
            what: format!("the log has {len} bytes, {known} were written"),
        })?;
        if more == 0 {
            return Ok(());
        }
        let more = usize::try_from(more).map_err(|_| failed(std::io::ErrorKind::FileTooLarge.into()))?;
        let bytes = self.storage.read_at(CUSTODY, known, more).map_err(failed)?;
        let (entries, tail) = read_on(&bytes, &mut self.chain, &path)?;
        for entry in entries {
            if !self.state.apply_all(entry.n, &entry.events) {
                let what = format!("custody entry {} contradicts those before it", entry.n);
                return Err(ArchiveError::Damaged { path, offset: known, what });
            }
        }
        match tail {
            Some(tail) => {
                let event = self.set_tail_aside(&tail)?;
                self.write(turn, now, &[event])
            }
            None => Ok(()),
        }
    }

    /// Writes one entry with all of `events`: it is in the log as a whole or not at all.
    pub fn write(&mut self, _turn: &Turn, now: &str, events: &[CustodyKind]) -> Result<(), ArchiveError> {
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
            return Err(self.poison());
        }
        Ok(())
    }

    /// Writes a segment's file; no entry names it yet.
    pub fn write_segment(
        &mut self,
        segment: SegmentBuilder,
        first: u64,
        seal: Seal,
    ) -> Result<SegmentEntry, ArchiveError> {
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

    /// Fails after an earlier failure.
    pub fn check(&self) -> Result<(), ArchiveError> {
        if self.poisoned { Err(ArchiveError::Poisoned { path: self.storage.path("") }) } else { Ok(()) }
    }

    /// Nothing more is to be written.
    pub fn poison(&mut self) -> ArchiveError {
        self.poisoned = true;
        ArchiveError::Poisoned { path: self.storage.path("") }
    }

    /// After a write failed, what is on disk is not known: nothing more may be built on it in this run.
    pub fn or_poison<T>(
        &mut self,
        name: &str,
        action: &'static str,
        result: std::io::Result<T>,
    ) -> Result<T, ArchiveError> {
        result.map_err(|cause| {
            self.poisoned = true;
            ArchiveError::Io { path: self.storage.path(name), action, cause }
        })
    }
}

fn take_turn(storage: &dyn Storage) -> Result<Turn, ArchiveError> {
    take(storage, LOG_LOCK, "has been writing one entry to the log of this archive for a minute", LOG_PATIENCE)
        .map(Turn)
}

fn take(storage: &dyn Storage, name: &str, who: &'static str, patience: Duration) -> Result<Held, ArchiveError> {
    let path = storage.path(name);
    match wait_for(storage, name, LockKind::Alone, patience) {
        Ok(Some(held)) => Ok(held),
        Ok(None) => Err(ArchiveError::Locked { path, who }),
        Err(cause) => Err(ArchiveError::Io { path, action: "locking", cause }),
    }
}
