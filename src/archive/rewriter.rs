//! The one who writes segments anew, in place of older ones that hold the same records. It works beside a
//! [`Writer`](super::Writer) that adds records.

use std::sync::Arc;
use std::time::Duration;

use super::ArchiveError;
use super::custody::{CustodyKind, SegmentEntry};
use super::group::EncodedStripe;
use super::log::{Log, Part, Recovery};
use super::reader::SEGMENTS;
use super::seal::Seal;
use super::segment::SegmentBuilder;
use super::storage::Storage;
use super::tree::TreeHead;
use super::writer::SEGMENT_RAW_BYTES;

/// So long the end of a run waits for readers of what it replaced.
const READERS_PATIENCE: Duration = Duration::from_secs(2);

/// Holds the right to replace segments as long as it lives.
pub struct Rewriter {
    log: Log,
}

/// New segments on their way into the place of consecutive old ones. Until [`Rewrite::finish`] the archive does not know of them;
/// left without it, they are strays that the next one sets aside.
pub struct Rewrite<'w> {
    rewriter: &'w mut Rewriter,
    old: Vec<SegmentEntry>,
    fields: Vec<String>,
    builder: SegmentBuilder,
    seal: Seal,
    first: u64,
    new: Vec<SegmentEntry>,
}

impl Rewriter {
    /// Opens an archive that is there; a second one at the same time is refused.
    pub fn open(storage: Arc<dyn Storage>, now: &str, tool: &str) -> Result<Rewriter, ArchiveError> {
        Ok(Rewriter { log: Log::open(storage, Part::Segments, now, tool)? })
    }

    /// What was found of earlier runs that did not end well.
    pub fn recovery(&self) -> &Recovery {
        &self.log.recovery
    }

    /// Begins to write consecutive segments anew; `fields` are the names of the fields that occur in them.
    pub fn rewrite(&mut self, old: Vec<SegmentEntry>, fields: Vec<String>) -> Result<Rewrite<'_>, ArchiveError> {
        self.log.check()?;
        let first = old.first().map_or(0, |entry| entry.first);
        let (builder, seal) = (SegmentBuilder::default(), Seal::default());
        Ok(Rewrite { rewriter: self, old, fields, builder, seal, first, new: Vec::new() })
    }

    /// Removes the files that were replaced, once nobody reads, and gives how many have to wait for the next run.
    pub fn finish(mut self) -> Result<u64, ArchiveError> {
        self.log.remove_replaced(READERS_PATIENCE)
    }
}

impl Rewrite<'_> {
    /// Takes up the next stripe and the effort that went into it.
    pub fn push(&mut self, stripe: EncodedStripe, seal: Seal) -> Result<(), ArchiveError> {
        if seal != self.seal || self.builder.raw_bytes() >= SEGMENT_RAW_BYTES {
            self.close_segment()?;
        }
        self.seal = seal;
        self.builder.push(stripe, &self.fields);
        Ok(())
    }

    fn close_segment(&mut self) -> Result<(), ArchiveError> {
        if self.builder.rows() > 0 {
            let segment = std::mem::take(&mut self.builder);
            let entry = self.rewriter.log.write_segment(segment, self.first, self.seal)?;
            self.first += entry.records;
            self.new.push(entry);
        }
        Ok(())
    }

    /// Puts the new segments into the place of the old ones by one entry in the log, together with `events`; then the old files are
    /// removed, unless somebody reads. Gives the new segments.
    pub fn finish(mut self, events: Vec<CustodyKind>, now: &str) -> Result<Vec<SegmentEntry>, ArchiveError> {
        self.close_segment()?;
        let Rewrite { rewriter: Rewriter { log }, old, new, .. } = self;
        let turn = log.turn(now)?;
        let records = |entries: &[SegmentEntry]| entries.iter().map(|entry| entry.records).sum::<u64>();
        let is_current = |entry: &SegmentEntry| log.state.segments.get(&entry.first) == Some(entry);
        if records(&old) != records(&new) || !old.iter().all(is_current) {
            let what = "other segments are in the place of those to be replaced";
            let cause = std::io::Error::new(std::io::ErrorKind::InvalidInput, what);
            return Err(ArchiveError::Io { path: log.storage.path(SEGMENTS), action: "replacing a segment", cause });
        }
        // The tree as of the last entry, which may be of one who added records meanwhile.
        let tree = &log.state.tree;
        let (size, root, open) = (tree.size(), tree.root(), tree.open().to_vec());
        let mut all = vec![CustodyKind::Commit {
            segments: new.clone(),
            replaced: old.into_iter().map(|entry| entry.file).collect(),
            records: size,
            cursors: Vec::new(),
            tree: TreeHead { size, root, blocks: Vec::new(), open },
        }];
        all.extend(events);
        log.write(&turn, now, &all)?;
        drop(turn);
        log.remove_replaced(Duration::ZERO)?;
        Ok(new)
    }
}
