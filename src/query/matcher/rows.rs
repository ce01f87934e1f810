//! Decides all rows of a group at once, as far as columns, texts found in columns and columns of values allow it.
//!
//! A decision is 0 (no), 1 (open) or 2 (yes), so that AND is the least, OR the most and NOT what is left to 2; each test runs
//! over all rows before the next one does.

use std::ops::RangeBounds;
use std::sync::Arc;

use hashbrown::HashMap;

use super::{Matcher, Node, Number, as_written};
use crate::archive::lines::Hits;
use crate::archive::{GroupColumns, Snapshot};
use crate::query::values::ValueColumn;

/// It does not match.
const NO: u8 = 0;
/// It is not known.
pub(super) const OPEN: u8 = 1;
/// It matches.
const YES: u8 = 2;

/// What is known of the rows of a group.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The snapshot that the group is of; names its inputs.
    pub snapshot: &'a Snapshot,
    /// Number of the group's first record.
    pub first: u64,
    /// Columns, those of [`Matcher::needs_on_columns`] among them.
    pub columns: &'a GroupColumns,
    /// What was found of [`Matcher::needles`]; empty where they were not looked for.
    pub hits: &'a [Arc<Hits>],
    /// The columns of [`Matcher::values`], as far as they are there.
    pub values: &'a [Option<Arc<ValueColumn>>],
}

/// What is known of the matches among some rows.
#[derive(Debug, Default)]
pub struct Decided {
    /// Rows that match.
    pub matching: Vec<u32>,
    /// Rows that may match.
    pub open: Vec<u32>,
}

impl Matcher {
    /// Decides some ascending rows of a group.
    pub fn on_rows(&self, known: Known<'_>, rows: &[u32]) -> Decided {
        let mut answers = vec![OPEN; rows.len()];
        let rows_known = Rows { known, rows, matcher: self };
        rows_known.decide(&self.root, &mut answers);
        if answers.iter().all(|answer| *answer == NO) {
            return Decided::default();
        }
        let of = |wanted: u8| {
            rows.iter().zip(&answers).filter(|(_, answer)| **answer == wanted).map(|(row, _)| *row).collect()
        };
        Decided { matching: of(YES), open: of(OPEN) }
    }
}

struct Rows<'a> {
    known: Known<'a>,
    rows: &'a [u32],
    matcher: &'a Matcher,
}

impl Rows<'_> {
    fn decide(&self, node: &Node, out: &mut [u8]) {
        let columns = self.known.columns;
        match node {
            Node::All => out.fill(YES),
            Node::And(parts) => self.join(parts, out, YES, u8::min),
            Node::Or(parts) => self.join(parts, out, NO, u8::max),
            Node::Not(part) => {
                self.decide(part, out);
                out.iter_mut().for_each(|answer| *answer = YES - *answer);
            }
            Node::Value(_, test, sought, column) => {
                let of = column.and_then(|column| {
                    let values = self.known.values.get(column.0)?.as_ref()?;
                    Some((test.of_lists(self.matcher.values.get(column.0)?, values), values))
                });
                let hits = self.known.hits;
                let by_text = |row: usize| sought.decide(hits, row).map_or(OPEN, of_bool);
                match of {
                    Some((passes, values)) if values.is_whole() && !passes.contains(&true) => out.fill(NO),
                    // Of some records the values may be unknown.
                    Some((passes, values)) => {
                        self.fill(out, |row| {
                            passes.get(values.id(row)).map_or_else(|| by_text(row), |is| of_bool(*is))
                        });
                    }
                    None => match sought.whole(hits) {
                        // What is known of rows is told by the same numbers.
                        Some(Hits::None) => out.fill(NO),
                        Some(hits) => self.fill(out, |row| hits.get(row)),
                        None => self.fill(out, by_text),
                    },
                }
            }
            Node::Level(set) => self.each(out, |row| set.contains(columns.level(row))),
            Node::Time(range) => self.each(out, |row| columns.time(row).is_some_and(|time| range.contains(time))),
            Node::Quality(set) => self.each(out, |row| set & (1 << columns.time_quality(row).code()) != 0),
            Node::Flagged(flagged) => self.each(out, |row| columns.is_flagged(row) == *flagged),
            Node::Score(which, bounds) => {
                // Scores have few values, and writing one out takes long.
                let mut seen: HashMap<u32, bool> = HashMap::new();
                self.each(out, |row| {
                    let score = if *which == Number::Score { columns.score(row) } else { columns.novelty(row) };
                    *seen.entry(score.to_bits()).or_insert_with(|| bounds.contains(&as_written(score)))
                });
            }
            Node::Incident(test) => self.each(out, |row| {
                let incidents = self.matcher.incidents();
                test.of_incident(incidents.and_then(|incidents| incidents.of(self.known.first + row as u64)))
            }),
            Node::Source(test) => {
                let mut seen = HashMap::new();
                self.each(out, |row| {
                    let input = columns.input(row);
                    let name = || input.map_or("", |input| self.known.snapshot.input_name(input));
                    *seen.entry(input).or_insert_with(|| test.accepts(name().as_bytes()))
                });
            }
        }
    }

    fn join(&self, parts: &[Node], out: &mut [u8], start: u8, of: fn(u8, u8) -> u8) {
        out.fill(start);
        let settled = YES - start;
        let mut one = vec![OPEN; out.len()];
        for part in parts {
            if out.iter().all(|answer| *answer == settled) {
                return;
            }
            self.decide(part, &mut one);
            out.iter_mut().zip(&one).for_each(|(answer, one)| *answer = of(*answer, *one));
        }
    }

    fn each(&self, out: &mut [u8], mut passes: impl FnMut(usize) -> bool) {
        self.fill(out, |row| of_bool(passes(row)));
    }

    fn fill(&self, out: &mut [u8], mut answer: impl FnMut(usize) -> u8) {
        out.iter_mut().zip(self.rows).for_each(|(out, row)| *out = answer(*row as usize));
    }
}

fn of_bool(passes: bool) -> u8 {
    if passes { YES } else { NO }
}
