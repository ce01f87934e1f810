//! Brings an index up to the archive: all of it after a loss, the last commits after a crash.

use super::EngineError;
use super::ingest::Counters;
use crate::archive::Snapshot;
use crate::index::{FlaggedRecord, GroupWords, WordCollector, Writer as IndexWriter};
use crate::model::{FieldSet, Interpret, Layout};

/// What was indexed.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub struct ReindexReport {
    /// Records taken up.
    pub records: u64,
    /// Bytes of the index.
    pub index_bytes: u64,
    /// Parts of the archive that could not be read: questions read them from the archive, or say that they can't.
    pub unreadable: u64,
}

/// Takes up all records that the index does not cover yet.
pub fn catch_up(
    snapshot: &Snapshot,
    index: &mut IndexWriter,
    interpret: &dyn Interpret,
    counters: &Counters,
) -> Result<ReindexReport, EngineError> {
    let mut report = ReindexReport::default();
    let covered = index.covered();
    if covered == snapshot.records() {
        return Ok(report);
    }
    let mut collector = WordCollector::default();
    let mut fields = FieldSet::default();
    let no_layout = Layout::default();
    for group in snapshot.groups() {
        let end = group.first.0 + u64::from(group.stats.rows);
        if end <= covered {
            continue;
        }
        if counters.is_stopped() {
            return Err(EngineError::Interrupted);
        }
        let read = snapshot.columns(group).and_then(|columns| Ok((columns, snapshot.lines(group)?)));
        let Ok((columns, lines)) = read else {
            // Nobody would look at the records of a group that is not in the index: name it as one that holds any word.
            report.unreadable += 1;
            let first = group.first.0.max(covered);
            index.add_group(&GroupWords::any(first, end - first))?;
            continue;
        };
        // Sealing again may have joined records that are in the index with some that are not.
        let from = covered.saturating_sub(group.first.0);
        for row in from as usize..columns.rows() {
            let raw = lines.raw(row);
            collector.add_record(raw);
            interpret.interpret(columns.layout(row).unwrap_or(&no_layout), raw, &mut fields);
            for value in fields.values_of_their_own(raw) {
                collector.add(value);
            }
            let id = group.first.0 + row as u64;
            if let Some(verdict) = columns.verdict(row).filter(|verdict| verdict.flagged) {
                index.add_flagged(&FlaggedRecord {
                    id,
                    score: columns.score(row),
                    rules: verdict.rules.clone(),
                    reasons: verdict.reasons.iter().map(|reason| reason.text.clone()).collect(),
                    entity: verdict.entity.clone(),
                })?;
            }
        }
        let mut words = collector.finish();
        words.first = group.first.0 + from;
        index.add_group(&words)?;
        report.records += columns.rows() as u64 - from;
    }
    index.commit(snapshot.records())?;
    Ok(report)
}
