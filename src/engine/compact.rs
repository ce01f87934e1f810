//! Writes older segments anew with more effort and joins small ones, batch by batch; no record changes its id or a byte.
//!
//! A batch is up to a segment's worth of consecutive segments. Its records are read, encoded anew (and decoded and compared, as
//! always), hashed into the same leaves of the record tree, and put in place of the old files by one entry in the log. Killed at any
//! moment, the next run goes on with the batches that are left.

use super::EngineError;
use super::ingest::Counters;
use super::rewrite::Restripe;
use crate::archive::{GroupRef, Rewrite, Rewriter, SEGMENT_RAW_BYTES, Seal, SegmentEntry, Snapshot};
use crate::model::Interpret;

/// What was written anew.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct CompactReport {
    /// Segments before.
    pub segments_before: u64,
    /// Segments now.
    pub segments_after: u64,
    /// Bytes of the segments that were written anew, before.
    pub bytes_before: u64,
    /// Bytes of those that took their place.
    pub bytes_after: u64,
    /// Records in them.
    pub records: u64,
    /// Files that were replaced but are still being read; the next run removes them.
    pub still_read: u64,
    /// What was set aside of an earlier run that did not end well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recovery: Vec<String>,
}

/// Writes everything anew that was sealed with less effort or is small; `interpret` cuts the records, whose fields' places are told anew.
pub fn compact(
    snapshot: &Snapshot,
    interpret: &dyn Interpret,
    rewriter: &mut Rewriter,
    seal: Seal,
    now: &dyn Fn() -> String,
    counters: &Counters,
) -> Result<CompactReport, EngineError> {
    let entries: Vec<SegmentEntry> = snapshot.segments().cloned().collect();
    let mut report = CompactReport { segments_before: entries.len() as u64, ..CompactReport::default() };
    report.segments_after = report.segments_before;
    let batches = batches(&entries, seal);
    counters.set_total(batches.iter().flatten().map(|entry| entry.raw_bytes).sum());
    for batch in batches {
        if counters.is_stopped() {
            return Err(EngineError::Interrupted);
        }
        let bytes: u64 = batch.iter().map(|entry| entry.bytes).sum();
        let mut rewrite = rewriter.rewrite(batch.clone(), snapshot.fields_of(&batch)?)?;
        take(snapshot, interpret, &batch, seal, &mut rewrite, counters)?;
        let written = rewrite.finish(Vec::new(), &now())?;
        report.bytes_before += bytes;
        report.bytes_after += written.iter().map(|entry| entry.bytes).sum::<u64>();
        report.records += batch.iter().map(|entry| entry.records).sum::<u64>();
        report.segments_after = report.segments_after - batch.len() as u64 + written.len() as u64;
    }
    Ok(report)
}

/// Runs of consecutive segments that make one better: each sealed with less effort, or several that fit into one.
fn batches(entries: &[SegmentEntry], seal: Seal) -> Vec<Vec<SegmentEntry>> {
    let mut batches: Vec<Vec<SegmentEntry>> = Vec::new();
    let mut raw_bytes = 0u64;
    for entry in entries {
        raw_bytes = raw_bytes.saturating_add(entry.raw_bytes);
        match batches.last_mut() {
            Some(batch) if raw_bytes <= SEGMENT_RAW_BYTES => batch.push(entry.clone()),
            _ => {
                raw_bytes = entry.raw_bytes;
                batches.push(vec![entry.clone()]);
            }
        }
    }
    batches.retain(|batch| batch.len() > 1 || batch.iter().any(|entry| entry.seal < seal));
    batches
}

/// The records of some consecutive segments, on their way into new ones.
fn take(
    snapshot: &Snapshot,
    interpret: &dyn Interpret,
    batch: &[SegmentEntry],
    seal: Seal,
    rewrite: &mut Rewrite<'_>,
    counters: &Counters,
) -> Result<(), EngineError> {
    let mut restripe = Restripe::new(rewrite, interpret);
    for group in groups_of(snapshot, batch)? {
        if counters.is_stopped() {
            return Err(EngineError::Interrupted);
        }
        let (columns, lines) = (snapshot.columns(group)?, snapshot.lines(group)?);
        restripe.group(group, &columns, &lines, seal, |_| None)?;
        counters.add_read(group.stats.raw_bytes);
    }
    restripe.finish()
}

/// The row groups of some consecutive segments, all of which must be readable: what can't be read must stay as it is, since it is
/// the evidence of what happened to it.
pub fn groups_of<'s>(snapshot: &'s Snapshot, batch: &[SegmentEntry]) -> Result<Vec<&'s GroupRef>, EngineError> {
    let first = batch.first().map_or(0, |entry| entry.first);
    let end = batch.last().map_or(0, |entry| entry.first.saturating_add(entry.records));
    let groups: Vec<&GroupRef> =
        snapshot.groups().iter().filter(|group| (first..end).contains(&group.first.0)).collect();
    let found: u64 = groups.iter().map(|group| u64::from(group.stats.rows)).sum();
    if found != end - first {
        let cause = format!("records {first}..{end} are not all readable; see 'logguard verify'");
        return Err(EngineError::Unreadable { missing: (end - first) - found, records: end - first, cause });
    }
    Ok(groups)
}
