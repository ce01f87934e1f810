//! `stats`: figures per group, exact, largest first figure first, ties by group.

use std::cmp::Ordering;

use hashbrown::{HashMap, HashSet};

use crate::model::Timestamp;
use crate::query::literal;

use super::Function;
use super::alike::Apart;
use super::pipeline::{Budget, Output, PipeError, Sink};
use super::row::Row;
use super::table::{Cell, Table, rows_in_order};

pub(super) struct Stats {
    by: Vec<usize>,
    of: Vec<(Function, Option<usize>)>,
    columns: Vec<String>,
    groups: HashMap<Vec<u8>, Group>,
    key: Vec<u8>,
}

struct Group {
    names: Vec<Cell>,
    figures: Vec<Figure>,
}

enum Figure {
    Count(u64),
    Distinct(HashSet<Vec<u8>>),
    Sum(Total),
    Mean(Total),
    Min(Option<f64>),
    Max(Option<f64>),
    Percentile(u8, Vec<f64>),
    First(Option<(When, Vec<u8>)>),
    Last(Option<(When, Vec<u8>)>),
}

/// Place of a record in the order of time; records without a time come first.
type When = (Option<Timestamp>, u64);

impl Stats {
    pub(super) fn new(by: Vec<usize>, of: Vec<(Function, Option<usize>)>, columns: Vec<String>) -> Stats {
        Stats { by, of, columns, groups: HashMap::new(), key: Vec::new() }
    }
}

impl Sink for Stats {
    fn push(&mut self, row: &Row, times: u64, budget: &mut Budget) -> Result<(), PipeError> {
        self.key.clear();
        for slot in &self.by {
            // Length first, so that no two groups share a key; a missing value has a length no value has.
            let value = row.value(*slot);
            self.key.extend_from_slice(&value.map_or(u64::MAX, |value| value.len() as u64).to_le_bytes());
            self.key.extend_from_slice(value.unwrap_or_default());
        }
        if !self.groups.contains_key(self.key.as_slice()) {
            budget.take("stats", self.key.len() * 2 + 64 * (1 + self.by.len() + self.of.len()))?;
            budget.groups("stats", self.groups.len() + 1)?;
            let names = self.by.iter().map(|slot| Cell::of(row.value(*slot))).collect();
            let figures = self.of.iter().map(|(function, _)| Figure::new(*function)).collect();
            self.groups.insert(self.key.clone(), Group { names, figures });
        }
        let Some(group) = self.groups.get_mut(self.key.as_slice()) else { return Ok(()) };
        for (figure, (_, slot)) in group.figures.iter_mut().zip(&self.of) {
            match figure {
                Figure::Count(count) => *count += times,
                figure => figure.take(slot.and_then(|slot| row.value(slot)), (row.time, row.id.0), budget)?,
            }
        }
        Ok(())
    }

    fn apart(&self) -> Apart {
        // What a value more changes nothing of, but for its number.
        let is_by_value = |(function, _): &(Function, Option<usize>)| {
            matches!(function, Function::Count | Function::Distinct | Function::Min | Function::Max)
        };
        if self.of.iter().all(is_by_value) { Apart::Values } else { Apart::Record }
    }

    fn needs_order(&self) -> bool {
        false
    }

    fn finish(&mut self, _budget: &mut Budget) -> Result<Output, PipeError> {
        let keys = self.by.len();
        let mut rows: Vec<Vec<Cell>> = self
            .groups
            .drain()
            .map(|(_, group)| group.names.into_iter().chain(group.figures.into_iter().map(Figure::cell)).collect())
            .collect();
        if rows.is_empty() && keys == 0 {
            // Without groups there is always an answer: nothing was counted.
            rows.push(self.of.iter().map(|(function, _)| Figure::new(*function).cell()).collect());
        }
        let figure = |row: &Vec<Cell>| row.get(keys).and_then(Cell::number).unwrap_or(0.0);
        rows.sort_by(|a, b| {
            figure(b).partial_cmp(&figure(a)).unwrap_or(Ordering::Equal).then_with(|| rows_in_order(a, b))
        });
        Ok(Output::Table(Table::new(std::mem::take(&mut self.columns), rows)))
    }
}

impl Figure {
    fn new(function: Function) -> Figure {
        match function {
            Function::Count => Figure::Count(0),
            Function::Distinct => Figure::Distinct(HashSet::new()),
            Function::Sum => Figure::Sum(Total::default()),
            Function::Mean => Figure::Mean(Total::default()),
            Function::Min => Figure::Min(None),
            Function::Max => Figure::Max(None),
            Function::Percentile(percent) => Figure::Percentile(percent, Vec::new()),
            Function::First => Figure::First(None),
            Function::Last => Figure::Last(None),
        }
    }

    fn take(&mut self, value: Option<&[u8]>, when: When, budget: &mut Budget) -> Result<(), PipeError> {
        let Some(value) = value else { return Ok(()) };
        match self {
            Figure::Distinct(seen) if !seen.contains(value) => {
                budget.take("stats", value.len() + 48)?;
                seen.insert(value.to_vec());
            }
            Figure::First(held) => keep(held, value, when, Ordering::Less, budget)?,
            Figure::Last(held) => keep(held, value, when, Ordering::Greater, budget)?,
            _ => {
                if let Some(number) = literal::number(value) {
                    self.number(number, budget)?;
                }
            }
        }
        Ok(())
    }

    fn number(&mut self, number: f64, budget: &mut Budget) -> Result<(), PipeError> {
        match self {
            Figure::Sum(total) | Figure::Mean(total) => total.add(number),
            Figure::Min(least) => *least = Some(least.map_or(number, |least| least.min(number))),
            Figure::Max(greatest) => *greatest = Some(greatest.map_or(number, |greatest| greatest.max(number))),
            Figure::Percentile(_, numbers) => {
                budget.take("stats", 8)?;
                numbers.push(number);
            }
            _ => {}
        }
        Ok(())
    }

    fn cell(self) -> Cell {
        let float = |number: Option<f64>| number.map_or(Cell::Null, Cell::Float);
        match self {
            Figure::Count(count) => Cell::count(count),
            Figure::Distinct(seen) => Cell::count(seen.len() as u64),
            Figure::Sum(total) => float(total.value()),
            Figure::Mean(total) => float(total.value().map(|sum| sum / total.count as f64)),
            Figure::Min(number) | Figure::Max(number) => float(number),
            Figure::Percentile(percent, mut numbers) => {
                numbers.sort_by(f64::total_cmp);
                let rank = (numbers.len() * usize::from(percent)).div_ceil(100).max(1);
                float(numbers.get(rank - 1).copied())
            }
            Figure::First(held) | Figure::Last(held) => Cell::of(held.as_ref().map(|(_, value)| value.as_slice())),
        }
    }
}

/// Takes a value over where its record stands before (or after) the one held.
fn keep(
    held: &mut Option<(When, Vec<u8>)>,
    value: &[u8],
    when: When,
    wanted: Ordering,
    budget: &mut Budget,
) -> Result<(), PipeError> {
    if held.as_ref().is_none_or(|(other, _)| when.cmp(other) == wanted) {
        budget.release(held.as_ref().map_or(0, |(_, value)| value.len()));
        budget.take("stats", value.len())?;
        *held = Some((when, value.to_vec()));
    }
    Ok(())
}

/// A sum that keeps what single additions round away (Neumaier), so that it does not depend on how small the parts are.
#[derive(Clone, Copy, Default)]
struct Total {
    sum: f64,
    lost: f64,
    count: u64,
}

impl Total {
    fn add(&mut self, number: f64) {
        let sum = self.sum + number;
        self.lost += if self.sum.abs() >= number.abs() { (self.sum - sum) + number } else { (number - sum) + self.sum };
        self.sum = sum;
        self.count += 1;
    }

    fn value(self) -> Option<f64> {
        (self.count > 0).then_some(self.sum + self.lost)
    }
}
