//! Records that are alike for all that the pipes look at: told apart by numbers in columns and pushed once, with how many they are.

use std::sync::Arc;

use hashbrown::HashMap;

use super::row::is_cut;
use super::timechart;
use crate::archive::{GroupColumns, Needs};
use crate::model::Timestamp;
use crate::query::values::{Of, ValueColumn};

/// So many combinations of values are counted in a table.
const DENSE: u64 = 1 << 16;

/// By what a sink tells records apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Apart {
    /// By each record.
    Record,
    /// By the values of its slots.
    Values,
    /// By these and the span of time: length and zone as [`timechart::bucket`] has them.
    Spans(i64, i64),
}

/// A column whose value is the same wherever its number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Level,
    Quality,
    Flag,
    Source,
    Template,
    /// The list of values of the n-th field.
    Values(usize),
}

/// By what records are told apart, in columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike {
    columns: Vec<By>,
    spans: Option<(i64, i64)>,
    fields: Vec<Of>,
}

impl Alike {
    /// Of the names that pipes look at; `None` where columns have no number for one of them.
    pub(super) fn of(names: &[String], apart: Apart) -> Option<Alike> {
        let spans = match apart {
            Apart::Record => return None,
            Apart::Values => None,
            Apart::Spans(span, east) => Some((span, east)),
        };
        let mut fields = Vec::new();
        let by = |name: &String| match name.as_str() {
            "level" => Some(By::Level),
            "time.quality" => Some(By::Quality),
            "anomaly" => Some(By::Flag),
            "source" => Some(By::Source),
            "template" => Some(By::Template),
            name if is_cut(name) => {
                fields.push(Of::Field(name.to_owned()));
                Some(By::Values(fields.len() - 1))
            }
            _ => None,
        };
        let columns = names.iter().map(by).collect::<Option<_>>()?;
        Some(Alike { columns, spans, fields })
    }

    /// Whether times are looked at.
    pub fn needs_times(&self) -> bool {
        self.spans.is_some()
    }

    /// Whether all records between two moments are of one span: then no other time of theirs needs to be known.
    pub fn is_one_span(&self, first: Timestamp, last: Timestamp) -> bool {
        let of = |time, (span, east)| timechart::bucket(time, span, east);
        self.spans.is_some_and(|spans| of(first, spans) == of(last, spans))
    }

    /// Fields whose values are looked at.
    pub fn fields(&self) -> &[Of] {
        &self.fields
    }

    /// The first of some ascending rows of each kind, ascending, and how many are of that kind. `values` are those of
    /// [`Alike::fields`]. Where times were not read, all rows are of one span.
    pub fn tally(&self, columns: &GroupColumns, values: &[Arc<ValueColumn>], rows: &[u32]) -> Vec<(u32, u64)> {
        let mut codes = Codes { values: vec![0; rows.len()], most: 1, are_apart: false };
        for by in &self.columns {
            match by {
                By::Level => codes.add(
                    16,
                    rows.iter().map(|row| columns.level(*row as usize).map_or(0, |l| u64::from(l.code()) + 1)),
                ),
                By::Quality => {
                    codes.add(8, rows.iter().map(|row| u64::from(columns.time_quality(*row as usize).code())))
                }
                By::Flag => codes.add(2, rows.iter().map(|row| u64::from(columns.is_flagged(*row as usize)))),
                By::Template => {
                    let most = columns.templates().len() as u64;
                    let id = |row: &u32| columns.template_id(*row as usize).map_or(most, |id| id.min(most));
                    codes.add(most + 1, rows.iter().map(id));
                }
                By::Values(number) => match values.get(*number) {
                    Some(values) => {
                        let most = values.lists() as u64;
                        codes.add(most + 1, rows.iter().map(|row| most.min(values.id(*row as usize) as u64)));
                    }
                    None => codes.are_apart = true,
                },
                By::Source => {
                    let runs = columns.runs();
                    let mut run = 0;
                    let mut of = |row: &u32| {
                        while runs.get(run).is_some_and(|run| run.row <= *row) {
                            run += 1;
                        }
                        run as u64
                    };
                    if runs.len() > 1 {
                        codes.add(runs.len() as u64 + 1, rows.iter().map(&mut of));
                    }
                }
            }
        }
        if let Some((span, east)) = self.spans.filter(|_| columns.loaded().contains(Needs::TIMES)) {
            let (numbers, most) = spans(columns, rows, span, east);
            codes.add(most, numbers.into_iter());
        }
        codes.count(rows)
    }
}

/// A number for the span of each row, and one more than the highest; most rows have the span of the row before.
fn spans(columns: &GroupColumns, rows: &[u32], span: i64, east: i64) -> (Vec<u64>, u64) {
    let mut seen: HashMap<Option<i64>, u64> = HashMap::new();
    // The running span and its number.
    let (mut from, mut to, mut number) = (0i64, 0i64, 0u64);
    let mut of = |row: &u32| {
        let time = columns.time(*row as usize);
        if let Some(time) = time
            && (from..to).contains(&time.0)
        {
            return number;
        }
        let begin = time.map(|time| timechart::bucket(time, span, east));
        let next = seen.len() as u64;
        let known = *seen.entry(begin).or_insert(next);
        if let Some(begin) = begin {
            (from, to, number) = (begin, begin.saturating_add(span), known);
        }
        known
    };
    let numbers = rows.iter().map(&mut of).collect();
    (numbers, (seen.len() as u64).max(1))
}

/// A number for each row, equal for rows that are alike.
struct Codes {
    values: Vec<u64>,
    /// One more than the highest.
    most: u64,
    /// There are too many for a number: each row is apart.
    are_apart: bool,
}

impl Codes {
    fn add(&mut self, radix: u64, values: impl Iterator<Item = u64>) {
        let is_first = self.most == 1;
        match self.most.checked_mul(radix) {
            Some(most) => self.most = most,
            None => self.are_apart = true,
        }
        match (self.are_apart, is_first) {
            (true, _) => {}
            (false, true) => self.values.iter_mut().zip(values).for_each(|(code, value)| *code = value),
            // All of it stays below what was found to fit.
            (false, false) => self
                .values
                .iter_mut()
                .zip(values)
                .for_each(|(code, value)| *code = code.wrapping_mul(radix).wrapping_add(value)),
        }
    }

    fn count(self, rows: &[u32]) -> Vec<(u32, u64)> {
        if self.are_apart {
            return rows.iter().map(|row| (*row, 1)).collect();
        }
        let mut counts: Vec<(u32, u64)> = if self.most == 1 {
            rows.first().map(|row| (*row, rows.len() as u64)).into_iter().collect()
        } else if self.most <= DENSE {
            let mut table = vec![(0u32, 0u64); self.most as usize];
            for (row, code) in rows.iter().zip(&self.values) {
                if let Some((first, count)) = table.get_mut(*code as usize) {
                    if *count == 0 {
                        *first = *row;
                    }
                    *count += 1;
                }
            }
            table.into_iter().filter(|(_, count)| *count > 0).collect()
        } else {
            let mut table: HashMap<u64, (u32, u64)> = HashMap::new();
            for (row, code) in rows.iter().zip(&self.values) {
                table.entry(*code).or_insert((*row, 0)).1 += 1;
            }
            table.into_values().collect()
        };
        counts.sort_unstable();
        counts
    }
}
