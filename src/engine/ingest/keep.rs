//! Packed groups -> the archive, the index, and commits that make both part of the store.

use crossbeam_channel::Receiver;

use super::gather::{Kept, Packed};
use super::{Counters, IngestOptions};
use crate::archive::Writer as ArchiveWriter;
use crate::engine::EngineError;
use crate::index::Writer as IndexWriter;

/// A commit is due at this many raw bytes: about one segment, so that a killed run repeats little.
const COMMIT_BYTES: u64 = 64 << 20;

/// The last stage.
pub struct Keep<'a> {
    pub(super) archive: &'a mut ArchiveWriter,
    pub(super) index: &'a mut IndexWriter,
    pub(super) options: &'a IngestOptions,
    pub(super) counters: &'a Counters,
}

impl Keep<'_> {
    /// Works until the stage before ends, then commits what is left.
    pub fn run(mut self, from: &Receiver<Kept>) -> Result<(), EngineError> {
        for kept in from {
            match kept {
                Kept::Stripe(receiver, _place) => {
                    let packed = receiver.recv().map_err(|_| EngineError::Worker("encode"))?;
                    self.stripe(packed)?;
                    if self.archive.uncommitted_raw_bytes() >= COMMIT_BYTES {
                        self.commit()?;
                    }
                }
                Kept::Note(kind) => self.archive.note(*kind),
                Kept::Flush => self.commit()?,
            }
        }
        self.commit()
    }

    fn stripe(&mut self, packed: Packed) -> Result<(), EngineError> {
        let stripe = packed.stripe.map_err(|cause| EngineError::File {
            path: self.options.data.clone(),
            action: "packing records",
            cause,
        })?;
        for group in &stripe.stats.groups {
            self.counters.add_kept(u64::from(group.rows), group.raw_bytes, u64::from(group.flagged));
        }
        let first = self.archive.append(stripe, &packed.leaves, &packed.fields, packed.cursors)?;
        for mut words in packed.words {
            words.first += first.0;
            self.index.add_group(&words)?;
        }
        for mut record in packed.flagged {
            record.id += first.0;
            self.index.add_flagged(&record)?;
        }
        Ok(())
    }

    /// The archive first: it is the truth. An index that lags behind is caught up when the store is next opened.
    fn commit(&mut self) -> Result<(), EngineError> {
        if !self.archive.is_dirty() {
            return Ok(());
        }
        self.archive.commit(&self.options.clock().to_string())?;
        if self.index.covered() < self.archive.committed() {
            self.index.commit(self.archive.committed())?;
        }
        self.counters.set_committed(self.archive.committed());
        Ok(())
    }
}
