//! Segments written anew in place of older ones that hold the same records.

use super::{SEGMENT_RAW_BYTES, Writer};
use crate::archive::ArchiveError;
use crate::archive::custody::{CustodyKind, SegmentEntry};
use crate::archive::group::EncodedStripe;
use crate::archive::reader::SEGMENTS;
use crate::archive::seal::Seal;
use crate::archive::segment::SegmentBuilder;
use crate::archive::tree::TreeHead;

/// New segments on their way into the place of consecutive old ones. Until [`Rewrite::finish`] the archive does not know of them;
/// left without it, they are strays that the next writer sets aside.
pub struct Rewrite<'w> {
    writer: &'w mut Writer,
    old: Vec<SegmentEntry>,
    fields: Vec<String>,
    builder: SegmentBuilder,
    seal: Seal,
    first: u64,
    new: Vec<SegmentEntry>,
}

impl Writer {
    /// Begins to write consecutive segments anew; `fields` are the names of the fields that occur in them.
    pub fn rewrite(&mut self, old: Vec<SegmentEntry>, fields: Vec<String>) -> Result<Rewrite<'_>, ArchiveError> {
        self.check()?;
        let first = old.first().map_or(0, |entry| entry.first);
        let (builder, seal) = (SegmentBuilder::default(), Seal::default());
        Ok(Rewrite { writer: self, old, fields, builder, seal, first, new: Vec::new() })
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
            let entry = self.writer.write_segment(std::mem::take(&mut self.builder), self.first, self.seal)?;
            self.first += entry.records;
            self.new.push(entry);
        }
        Ok(())
    }

    /// Puts the new segments into the place of the old ones by one entry in the log, together with `events`; then the old files are
    /// removed. Gives the new segments.
    pub fn finish(mut self, events: Vec<CustodyKind>, now: &str) -> Result<Vec<SegmentEntry>, ArchiveError> {
        self.close_segment()?;
        let Rewrite { writer, old, new, .. } = self;
        let records = |entries: &[SegmentEntry]| entries.iter().map(|entry| entry.records).sum::<u64>();
        if writer.is_dirty() || records(&old) != records(&new) {
            let cause =
                std::io::Error::new(std::io::ErrorKind::InvalidInput, "other records than those to be replaced");
            let path = writer.storage.path(SEGMENTS);
            return Err(ArchiveError::Io { path, action: "replacing a segment", cause });
        }
        let replaced: Vec<String> = old.into_iter().map(|entry| entry.file).collect();
        let tree = TreeHead {
            size: writer.tree.size(),
            root: writer.tree.root(),
            blocks: Vec::new(),
            open: writer.tree.open().to_vec(),
        };
        let mut all = vec![CustodyKind::Commit {
            segments: new.clone(),
            replaced: replaced.clone(),
            records: writer.tree.size(),
            cursors: Vec::new(),
            tree,
        }];
        all.extend(events);
        writer.log(now, &all)?;
        // The same bytes have the same name; such a file is in use.
        let is_in_use = |file: &String| new.iter().any(|segment| segment.file == *file);
        for file in replaced.iter().filter(|file| !is_in_use(file)) {
            let name = format!("{SEGMENTS}/{file}");
            let removed = writer.storage.remove(&name);
            writer.or_poison(&name, "removing", removed)?;
        }
        Ok(new)
    }
}
