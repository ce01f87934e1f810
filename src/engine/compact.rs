//! Writes older segments anew with more effort and joins small ones, batch by batch; no record changes its id or a byte.
//!
//! A batch is up to a segment's worth of consecutive segments. Its records are read, encoded anew (and decoded and compared, as
//! always), hashed into the same leaves of the record tree, and put in place of the old files by one entry in the log. Killed at any
//! moment, the next run goes on with the batches that are left.

use rayon::prelude::*;

use super::EngineError;
use super::ingest::{Counters, GROUP_BYTES, GROUP_RECORDS, STRIPE_BYTES, STRIPE_RECORDS};
use crate::archive::{
    EncodedStripe, GroupRef, NewRecord, SEGMENT_RAW_BYTES, Seal, SegmentEntry, Snapshot, StripeBuilder, Writer,
};
use crate::model::{Layout, Verdict};

/// What was written anew.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
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
}

/// Writes everything anew that was sealed with less effort or is small.
pub fn compact(
    snapshot: &Snapshot,
    writer: &mut Writer,
    seal: Seal,
    now: &str,
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
        let stripes = encode(snapshot, &batch, seal, counters)?;
        let written = writer.replace(&batch, stripes, &snapshot.fields_of(&batch)?, seal, now)?;
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

/// The records of some consecutive segments, encoded anew: as many stripes at once as there are cores.
fn encode(
    snapshot: &Snapshot,
    batch: &[SegmentEntry],
    seal: Seal,
    counters: &Counters,
) -> Result<Vec<EncodedStripe>, EngineError> {
    let first = batch.first().map_or(0, |entry| entry.first);
    let end = batch.last().map_or(0, |entry| entry.first.saturating_add(entry.records));
    let groups: Vec<&GroupRef> =
        snapshot.groups().iter().filter(|group| (first..end).contains(&group.first.0)).collect();
    let found: u64 = groups.iter().map(|group| u64::from(group.stats.rows)).sum();
    if found != end - first {
        // What can't be read must stay as it is: it is the evidence of what happened to it.
        let cause = format!("records {first}..{end} are not all readable; see 'logguard verify'");
        return Err(EngineError::Unreadable { missing: (end - first) - found, records: end - first, cause });
    }
    let mut stripes = Vec::new();
    let mut waiting = Vec::new();
    let mut builder = StripeBuilder::default();
    let mut bytes = 0u64;
    for group in groups {
        if counters.is_stopped() {
            return Err(EngineError::Interrupted);
        }
        let (rows, raw_bytes) = (group.stats.rows as usize, group.stats.raw_bytes);
        if builder.rows() > 0 && (builder.rows() + rows > STRIPE_RECORDS || bytes + raw_bytes > STRIPE_BYTES as u64) {
            waiting.push(std::mem::take(&mut builder));
            bytes = 0;
            if waiting.len() >= rayon::current_num_threads() {
                encode_waiting(&mut waiting, &mut stripes, seal)?;
            }
        }
        if builder.group_rows() + rows > GROUP_RECORDS || builder.group_bytes() + raw_bytes > GROUP_BYTES {
            builder.close_group();
        }
        take_group(snapshot, group, &mut builder)?;
        bytes += raw_bytes;
        counters.add_read(raw_bytes);
    }
    waiting.push(builder);
    encode_waiting(&mut waiting, &mut stripes, seal)?;
    Ok(stripes)
}

fn encode_waiting(
    waiting: &mut Vec<StripeBuilder>,
    stripes: &mut Vec<EncodedStripe>,
    seal: Seal,
) -> Result<(), EngineError> {
    let encoded: Vec<_> = std::mem::take(waiting).into_par_iter().map(|builder| builder.encode(seal.level())).collect();
    for stripe in encoded {
        stripes.push(stripe.map_err(|cause| EngineError::File {
            path: std::path::PathBuf::new(),
            action: "packing records",
            cause,
        })?);
    }
    Ok(())
}

/// The records of a group as they came in.
fn take_group(snapshot: &Snapshot, group: &GroupRef, builder: &mut StripeBuilder) -> Result<(), EngineError> {
    let (columns, lines) = (snapshot.columns(group)?, snapshot.lines(group)?);
    let no_layout = Layout::default();
    for row in 0..columns.rows() {
        let origin = lines.origin(row).ok_or_else(|| EngineError::Unreadable {
            missing: u64::from(group.stats.rows),
            records: u64::from(group.stats.rows),
            cause: format!("record {} does not say where it comes from", group.first.0 + row as u64),
        })?;
        let ruled = Verdict { rules: columns.rules(row).to_vec(), ..Verdict::default() };
        let verdict = columns.verdict(row).or_else(|| (!ruled.rules.is_empty()).then_some(&ruled));
        let template = columns.template(row);
        builder.push(&NewRecord {
            origin,
            raw: lines.raw(row),
            time: columns.time(row),
            time_quality: columns.time_quality(row),
            level: columns.level(row),
            layout: columns.layout(row).unwrap_or(&no_layout),
            template_hash: xxhash_rust::xxh3::xxh3_64(template.as_bytes()),
            template,
            score: columns.score(row),
            novelty: columns.novelty(row),
            verdict,
        });
    }
    Ok(())
}
