//! Which flagged records make one incident: those of one entity (without one: of one kind of line in one input) that are at most
//! ten minutes apart. An incident is named by the number of its first record, which further records never change.
//!
//! Derived from columns when it is asked for, in record order; nothing of it is stored. At most [`MOST_OPEN`] entities are
//! followed at once, and a question knows at most [`MOST_RECORDS`] flagged records (128 MiB).

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_128;

use super::EngineError;
use crate::archive::{GroupColumns, GroupRef, Needs, Snapshot};
use crate::model::{Incidents, Timestamp, Verdict};

/// How long an incident lasts after its last record, in ns.
const COOL_DOWN: i64 = 600_000_000_000;
/// Records without a time belong together when no more than this many lie between them.
const APART: u64 = 10_000;
/// Entities followed at once; of more those that were not seen for the longest are let go, and begin anew.
const MOST_OPEN: usize = 32_768;
/// Flagged records of which a question can know the incident.
const MOST_RECORDS: usize = 1 << 23;

/// A flagged record as columns tell it.
#[derive(Debug, Clone, Copy)]
pub struct FlaggedRow<'a> {
    /// Its number.
    pub id: u64,
    /// Its time in UTC.
    pub time: Option<Timestamp>,
    /// What detection said.
    pub verdict: &'a Verdict,
    /// Its message with variable parts masked.
    pub template: &'a str,
    /// Name of its input.
    pub source: &'a str,
}

/// What of a snapshot could not be read.
#[derive(Debug, Clone, Default)]
pub struct Unread {
    /// What, and why.
    pub causes: Vec<String>,
    /// Records of the row groups among it.
    pub records: u64,
}

/// Hands out all flagged records of a snapshot in order; returns what could not be read. Setting `stop` ends it early with
/// [`EngineError::Interrupted`].
pub fn each_flagged(
    snapshot: &Snapshot,
    stop: &AtomicBool,
    mut visit: impl FnMut(FlaggedRow<'_>),
) -> Result<Unread, EngineError> {
    let needs = Needs::TIMES | Needs::TEMPLATES | Needs::VERDICTS;
    let holds = |group: &GroupRef| group.stats.flagged > 0;
    each_group(snapshot, stop, needs, holds, |group, columns| {
        for row in 0..columns.rows() {
            let Some(verdict) = columns.verdict(row).filter(|verdict| verdict.flagged) else { continue };
            visit(FlaggedRow {
                id: group.first.0 + row as u64,
                time: columns.time(row),
                verdict,
                template: columns.template(row),
                source: columns.input(row).map_or("", |input| snapshot.input_name(input)),
            });
        }
    })
}

/// Hands out columns of the row groups that are wanted, in order, read on all cores; returns what could not be read.
pub fn each_group(
    snapshot: &Snapshot,
    stop: &AtomicBool,
    needs: Needs,
    is_wanted: impl Fn(&GroupRef) -> bool,
    mut visit: impl FnMut(&GroupRef, &GroupColumns),
) -> Result<Unread, EngineError> {
    let mut unread = Unread { causes: snapshot.unreadable().to_vec(), records: 0 };
    let groups: Vec<_> = snapshot.groups().iter().filter(|group| is_wanted(group)).collect();
    for part in groups.chunks(4 * rayon::current_num_threads()) {
        if stop.load(Relaxed) {
            return Err(EngineError::Interrupted);
        }
        let read: Vec<_> =
            part.par_iter().map(|group| (*group, snapshot.columns_of(group, needs, GroupColumns::default()))).collect();
        for (group, columns) in read {
            match columns {
                Ok(columns) => visit(group, &columns),
                Err(cause) => {
                    unread.causes.push(cause.to_string());
                    unread.records += u64::from(group.stats.rows);
                }
            }
        }
    }
    Ok(unread)
}

/// The incidents of a snapshot, for questions, with what could not be read.
pub fn incidents_of(snapshot: &Snapshot, stop: &AtomicBool) -> Result<(Incidents, Unread), EngineError> {
    let (mut spans, mut found, mut left_out) = (Spans::default(), Incidents::default(), 0u64);
    let unread = each_flagged(snapshot, stop, |row| {
        let incident = spans.take(&row);
        match found.len() < MOST_RECORDS {
            true => found.push(row.id, incident),
            false => left_out += 1,
        }
    })?;
    if left_out > 0 {
        return Err(EngineError::Usage(format!(
            "incidents can be asked for up to {MOST_RECORDS} flagged records and the store has {left_out} more; \
             'logguard rescore --alert-budget 0.001' flags fewer"
        )));
    }
    Ok((found, unread))
}

/// What is known of an incident that goes on.
#[derive(Debug, Clone, Copy)]
struct Span {
    first: u64,
    last: u64,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// Puts flagged records, given in record order, into incidents.
#[derive(Debug, Default)]
pub struct Spans {
    open: HashMap<u128, Span>,
    begun: u64,
}

impl Spans {
    /// The incident that a record belongs to: the number of its first record.
    pub fn take(&mut self, row: &FlaggedRow<'_>) -> u64 {
        let key = match &row.verdict.entity {
            Some(entity) => format!("e{entity}"),
            None => format!("t{}\0{}", row.source, row.template),
        };
        let key = xxh3_128(key.as_bytes());
        if let Some(span) = self.open.get_mut(&key).filter(|span| span.takes(row)) {
            span.last = row.id;
            span.from = [span.from, row.time].into_iter().flatten().min();
            span.until = [span.until, row.time].into_iter().flatten().max();
            return span.first;
        }
        if self.open.len() >= MOST_OPEN && !self.open.contains_key(&key) {
            self.let_go();
        }
        self.begun += 1;
        self.open.insert(key, Span { first: row.id, last: row.id, from: row.time, until: row.time });
        row.id
    }

    /// Incidents begun so far.
    pub fn begun(&self) -> u64 {
        self.begun
    }

    /// Lets the half go that was not seen for the longest.
    fn let_go(&mut self) {
        let mut last: Vec<u64> = self.open.values().map(|span| span.last).collect();
        let middle = last.len() / 2;
        let (_, middle, _) = last.select_nth_unstable(middle);
        let middle = *middle;
        self.open.retain(|_, span| span.last >= middle);
    }
}

impl Span {
    fn takes(&self, row: &FlaggedRow<'_>) -> bool {
        match (row.time, self.from, self.until) {
            (Some(time), Some(from), Some(until)) => {
                time >= from.saturating_add(-COOL_DOWN) && time <= until.saturating_add(COOL_DOWN)
            }
            _ => row.id.saturating_sub(self.last) <= APART,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<'a>(id: u64, seconds: i64, verdict: &'a Verdict) -> FlaggedRow<'a> {
        let time = Some(Timestamp(seconds * 1_000_000_000));
        FlaggedRow { id, time, verdict, template: "t", source: "s" }
    }

    #[test]
    fn an_incident_ends_ten_minutes_after_its_last_record() {
        let (mut spans, verdict) = (Spans::default(), Verdict { entity: Some("a".to_owned()), ..Verdict::default() });
        let taken: Vec<u64> = [(3, 0), (4, 600), (9, 1_200), (12, 1_801)]
            .iter()
            .map(|(id, seconds)| spans.take(&row(*id, *seconds, &verdict)))
            .collect();
        assert_eq!(taken, [3, 3, 3, 12]);
        assert_eq!(spans.begun(), 2);
    }

    #[test]
    fn any_number_of_entities_is_held_in_bounds() {
        let mut spans = Spans::default();
        for id in 0..2 * MOST_OPEN as u64 {
            let verdict = Verdict { entity: Some(id.to_string()), ..Verdict::default() };
            assert_eq!(spans.take(&row(id, 0, &verdict)), id);
            assert!(spans.open.len() <= MOST_OPEN);
        }
    }
}
