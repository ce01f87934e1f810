//! Segments written anew in place of older ones that hold the same records.

use super::{SEGMENT_RAW_BYTES, Writer};
use crate::archive::ArchiveError;
use crate::archive::custody::{CustodyKind, SegmentEntry};
use crate::archive::group::EncodedStripe;
use crate::archive::reader::SEGMENTS;
use crate::archive::seal::Seal;
use crate::archive::segment::SegmentBuilder;
use crate::archive::tree::TreeHead;

impl Writer {
    /// Puts stripes in place of consecutive segments that hold the same records, by one entry in the log; the old files are
    /// removed when it is written. Gives the new segments.
    pub fn replace(
        &mut self,
        old: &[SegmentEntry],
        stripes: Vec<EncodedStripe>,
        fields: &[String],
        seal: Seal,
        now: &str,
    ) -> Result<Vec<SegmentEntry>, ArchiveError> {
        self.check()?;
        let records = |stripes: &[EncodedStripe]| stripes.iter().map(|stripe| stripe.stats.rows()).sum::<u64>();
        let wanted: u64 = old.iter().map(|entry| entry.records).sum();
        if self.is_dirty() || records(&stripes) != wanted {
            let cause =
                std::io::Error::new(std::io::ErrorKind::InvalidInput, "other records than those to be replaced");
            let path = self.storage.path(SEGMENTS);
            return Err(ArchiveError::Io { path, action: "replacing a segment", cause });
        }
        let mut first = old.first().map_or(0, |entry| entry.first);
        let mut segments = Vec::new();
        let mut builder = SegmentBuilder::default();
        for stripe in stripes {
            builder.push(stripe, fields);
            if builder.raw_bytes() >= SEGMENT_RAW_BYTES {
                let entry = self.write_segment(std::mem::take(&mut builder), first, seal)?;
                first += entry.records;
                segments.push(entry);
            }
        }
        if builder.rows() > 0 {
            segments.push(self.write_segment(builder, first, seal)?);
        }
        // The same bytes under the same name: nothing would be gained, and the old file must not be removed.
        let is_kept = |file: &str| segments.iter().any(|segment| segment.file == file);
        let replaced: Vec<String> = old.iter().map(|entry| entry.file.clone()).collect();
        let head = TreeHead {
            size: self.tree.size(),
            root: self.tree.root(),
            blocks: Vec::new(),
            open: self.tree.open().to_vec(),
        };
        let commit = CustodyKind::Commit {
            segments: segments.clone(),
            replaced: replaced.clone(),
            records: self.tree.size(),
            cursors: Vec::new(),
            tree: head,
        };
        self.log(now, &[commit])?;
        for file in replaced.iter().filter(|file| !is_kept(file)) {
            let name = format!("{SEGMENTS}/{file}");
            let removed = self.storage.remove(&name);
            self.or_poison(&name, "removing", removed)?;
        }
        Ok(segments)
    }
}
