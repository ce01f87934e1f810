//! Which records may match: row groups are pruned by what is known of them, blocks by the index; the rest is read.

use std::ops::Range;

use super::filter::{Filter, source_matches};
use crate::archive::{GroupRef, SCORE_STEPS, Snapshot};
use crate::index::{IndexError, Lookup, Reader as IndexReader};
use crate::model::Timestamp;

/// Rows of one row group that are to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Position of the group in the snapshot.
    pub group: usize,
    /// Rows, ascending, not touching.
    pub rows: Vec<Range<u32>>,
}

/// What is to be read, and what was left out why.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Groups with their rows, in record order.
    pub candidates: Vec<Candidate>,
    /// Row groups of the archive.
    pub groups: u64,
    /// Groups left out by time, level, score or source.
    pub pruned_by_columns: u64,
    /// Groups left out by the index.
    pub pruned_by_index: u64,
    /// Records in candidate rows.
    pub records: u64,
    /// What the index was asked; empty where it was not.
    pub lookup: Option<Lookup>,
    /// Records beyond what the index covers; they are read.
    pub not_indexed: u64,
}

/// Plans a question. Without an index every group that its columns do not rule out is read.
pub fn plan(filter: &Filter, snapshot: &Snapshot, index: Option<&IndexReader>) -> Result<Plan, IndexError> {
    let mut plan = Plan { groups: snapshot.groups().len() as u64, ..Plan::default() };
    let lookup = lookup(filter);
    let blocks = match index {
        Some(index) if lookup != Lookup::All => {
            plan.not_indexed = snapshot.records().saturating_sub(index.covered());
            let mut blocks = index.blocks(&lookup)?;
            plan.lookup = Some(lookup);
            if plan.not_indexed > 0 {
                blocks.push(index.covered()..snapshot.records());
            }
            Some(blocks)
        }
        _ => None,
    };
    for (number, group) in snapshot.groups().iter().enumerate() {
        if !may_match(filter, group, snapshot) {
            plan.pruned_by_columns += 1;
            continue;
        }
        let rows = match &blocks {
            Some(blocks) => rows_in(blocks, group),
            None => std::iter::once(0..group.stats.rows).collect(),
        };
        if rows.is_empty() {
            plan.pruned_by_index += 1;
            continue;
        }
        plan.records += rows.iter().map(|rows| u64::from(rows.end - rows.start)).sum::<u64>();
        plan.candidates.push(Candidate { group: number, rows });
    }
    Ok(plan)
}

/// Rows of a group that lie in any of the ascending ranges of record ids.
fn rows_in(blocks: &[Range<u64>], group: &GroupRef) -> Vec<Range<u32>> {
    let (start, end) = (group.first.0, group.first.0 + u64::from(group.stats.rows));
    let from = blocks.partition_point(|block| block.end <= start);
    let within = blocks.iter().skip(from).take_while(|block| block.start < end);
    let mut rows: Vec<Range<u32>> = Vec::new();
    for block in within {
        let (from, to) = ((block.start.max(start) - start) as u32, (block.end.min(end) - start) as u32);
        match rows.last_mut() {
            Some(last) if last.end >= from => last.end = last.end.max(to),
            _ => rows.push(from..to),
        }
    }
    rows
}

/// Whether a record of the group may satisfy the filter, by what is known of the group alone.
fn may_match(filter: &Filter, group: &GroupRef, snapshot: &Snapshot) -> bool {
    let stats = &group.stats;
    match filter {
        Filter::None => false,
        Filter::And(parts) => parts.iter().all(|part| may_match(part, group, snapshot)),
        Filter::Or(parts) => parts.iter().any(|part| may_match(part, group, snapshot)),
        Filter::Time(range) => match (stats.first_time, stats.last_time) {
            (Some(first), Some(last)) => range.overlaps(Timestamp(first), Timestamp(last)),
            _ => false,
        },
        Filter::Level(mask) => stats.levels & mask != 0,
        // Flagged records keep their exact score, others a step: half a step either way may be rounding.
        Filter::Score { min } => stats.flagged > 0 || (f32::from(stats.top_score) + 0.5) / SCORE_STEPS >= *min,
        Filter::Flagged => stats.flagged > 0,
        Filter::Id(low, high) => group.first.0 <= *high && group.end() > *low,
        Filter::Source(pattern) => stats.runs.iter().any(|run| source_matches(pattern, snapshot.input_name(run.input))),
        Filter::All | Filter::Word(_) | Filter::Address { .. } => true,
    }
}

/// The part of a filter that the index can answer.
fn lookup(filter: &Filter) -> Lookup {
    match filter {
        Filter::None => Lookup::Nothing,
        Filter::And(parts) => {
            let parts: Vec<Lookup> = parts.iter().map(lookup).filter(|part| *part != Lookup::All).collect();
            if parts.is_empty() { Lookup::All } else { Lookup::And(parts) }
        }
        Filter::Or(parts) => {
            let parts: Vec<Lookup> = parts.iter().map(lookup).collect();
            if parts.contains(&Lookup::All) { Lookup::All } else { Lookup::Or(parts) }
        }
        Filter::Word(word) => Lookup::Word(word.clone()),
        Filter::Address { low, high, v4 } => {
            // The index keeps IPv4 addresses as IPv6-mapped ones.
            let prefix = if *v4 { 0xffff_u128 << 32 } else { 0 };
            Lookup::Address { low: low | prefix, high: high | prefix }
        }
        Filter::All
        | Filter::Time(_)
        | Filter::Level(_)
        | Filter::Score { .. }
        | Filter::Flagged
        | Filter::Id(..)
        | Filter::Source(_) => Lookup::All,
    }
}
