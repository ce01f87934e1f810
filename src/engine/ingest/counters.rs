//! Counts of a run in progress, for whoever shows them, and the wish to stop it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Sentences that wait to be shown; what comes when there are so many is not kept.
const MOST_SAID: usize = 256;

/// Shared between the stages and the front end.
#[derive(Debug, Default)]
pub struct Counters {
    total: AtomicU64,
    read: AtomicU64,
    records: AtomicU64,
    raw_bytes: AtomicU64,
    flagged: AtomicU64,
    committed: AtomicU64,
    stopped: AtomicBool,
    waiting: AtomicBool,
    said: Mutex<Vec<String>>,
}

impl Counters {
    /// Asks the run to end after what is under way.
    pub fn stop(&self) {
        self.stopped.store(true, Relaxed);
    }

    /// Whether the run was asked to end.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Relaxed)
    }

    /// Bytes of the files to be read, as they lie on disk.
    pub fn total(&self) -> u64 {
        self.total.load(Relaxed)
    }

    /// Bytes read of them.
    pub fn read(&self) -> u64 {
        self.read.load(Relaxed)
    }

    /// Records kept.
    pub fn records(&self) -> u64 {
        self.records.load(Relaxed)
    }

    /// Their raw bytes.
    pub fn raw_bytes(&self) -> u64 {
        self.raw_bytes.load(Relaxed)
    }

    /// Flagged records among them.
    pub fn flagged(&self) -> u64 {
        self.flagged.load(Relaxed)
    }

    /// Records in the archive after the last commit.
    pub fn committed(&self) -> u64 {
        self.committed.load(Relaxed)
    }

    /// Whether the backfill is done and the run waits for new lines.
    pub fn is_waiting(&self) -> bool {
        self.waiting.load(Relaxed)
    }

    /// What there was to say of the logs that are followed since the last call, one sentence each; as it comes from logs.
    pub fn take_said(&self) -> Vec<String> {
        std::mem::take(&mut *self.said.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn say(&self, sentence: String) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < MOST_SAID {
            said.push(sentence);
        }
    }

    pub(in crate::engine) fn set_total(&self, bytes: u64) {
        self.total.store(bytes, Relaxed);
    }

    pub(in crate::engine) fn add_read(&self, bytes: u64) {
        self.read.fetch_add(bytes, Relaxed);
    }

    pub(super) fn add_kept(&self, records: u64, raw_bytes: u64, flagged: u64) {
        self.records.fetch_add(records, Relaxed);
        self.raw_bytes.fetch_add(raw_bytes, Relaxed);
        self.flagged.fetch_add(flagged, Relaxed);
    }

    pub(super) fn set_committed(&self, records: u64) {
        self.committed.store(records, Relaxed);
    }

    pub(super) fn set_waiting(&self) {
        self.waiting.store(true, Relaxed);
    }
}
