//! Tables and the pipes that work on them: `where`, `sort`, `head`, `tail`, `fields`.

use std::cmp::Ordering;

use super::Pipe;

/// One cell; typed, so that front ends align and print numbers as numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// The record or group has no value.
    Null,
    /// Text; bytes that are not UTF-8 were replaced.
    Text(String),
    /// A count, a record id, whole seconds.
    Int(i64),
    /// A figure that may have a fraction.
    Float(f64),
}

impl Cell {
    /// A cell for a value of a record.
    pub(super) fn of(value: Option<&[u8]>) -> Cell {
        value.map_or(Cell::Null, |value| Cell::Text(String::from_utf8_lossy(value).into_owned()))
    }

    /// A cell for a count.
    pub(super) fn count(count: u64) -> Cell {
        Cell::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// The cell as a number, where it is one or is text that reads as one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Cell::Null => None,
            Cell::Text(text) => crate::query::literal::number(text.as_bytes()),
            Cell::Int(value) => Some(*value as f64),
            Cell::Float(value) => Some(*value),
        }
    }

    /// A total order: text, then nothing; numbers (by value) before both.
    pub(super) fn order(&self, other: &Cell) -> Ordering {
        match (self, other) {
            (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
            (Cell::Int(a), Cell::Int(b)) => a.cmp(b),
            (a, b) => a.rank().cmp(&b.rank()).then_with(|| match (a.number(), b.number()) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                _ => Ordering::Equal,
            }),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Cell::Int(_) | Cell::Float(_) => 0,
            Cell::Text(_) => 1,
            Cell::Null => 2,
        }
    }
}

/// Rows under named columns.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// Names, in order.
    pub columns: Vec<String>,
    /// Rows, each as wide as `columns`.
    pub rows: Vec<Vec<Cell>>,
    /// Counts over evenly spaced times, for small charts; of `timechart` alone, at most [`Series::MOST`].
    pub series: Vec<Series>,
}

/// Counts over evenly spaced times, the oldest first, empty spans included.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The value of the field that splits the chart; `None` for a chart that nothing splits.
    pub name: Option<Cell>,
    /// Counts, at most [`Series::LONGEST`]; of longer charts neighbours are added up.
    pub counts: Vec<u64>,
}

impl Series {
    /// Most series of a table.
    pub const MOST: usize = 8;
    /// Most counts of a series.
    pub const LONGEST: usize = 100;
}

impl Table {
    /// A table without charts.
    pub fn new(columns: Vec<String>, rows: Vec<Vec<Cell>>) -> Table {
        Table { columns, rows, series: Vec::new() }
    }
}

/// Compares rows cell by cell.
pub(super) fn rows_in_order(a: &[Cell], b: &[Cell]) -> Ordering {
    a.iter().zip(b).map(|(a, b)| a.order(b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// Runs the pipes behind the one that made the table.
pub(super) fn apply(mut table: Table, pipes: &[Pipe]) -> Table {
    for pipe in pipes {
        if matches!(pipe, Pipe::Where { .. } | Pipe::Head { .. } | Pipe::Tail { .. }) {
            // A chart of rows that are not shown would mislead.
            table.series.clear();
        }
        let place = |name: &String| table.columns.iter().position(|column| column == name);
        match pipe {
            Pipe::Where { column, comparison, value } => {
                let Some(at) = place(column) else { continue };
                table.rows.retain(|row| {
                    row.get(at).and_then(Cell::number).is_some_and(|number| comparison.holds(number, *value))
                });
            }
            Pipe::Sort { field, descending } => {
                let Some(at) = place(field) else { continue };
                // Stable: rows that are equal here keep the order they had; rows without a value stay last.
                table.rows.sort_by(|a, b| match (a.get(at), b.get(at)) {
                    (Some(a), Some(b)) => sorted(a, b, *descending),
                    _ => Ordering::Equal,
                });
            }
            Pipe::Head { count } => table.rows.truncate(*count),
            Pipe::Tail { count } => {
                let first = table.rows.len().saturating_sub(*count);
                table.rows.drain(..first);
            }
            Pipe::Fields { keep, drop } => {
                let before = table.columns.clone();
                choose(&mut table.columns, keep, drop);
                let places: Vec<usize> =
                    table.columns.iter().filter_map(|name| before.iter().position(|column| column == name)).collect();
                for row in &mut table.rows {
                    *row = places.iter().map(|at| row.get(*at).cloned().unwrap_or(Cell::Null)).collect();
                }
            }
            _ => {}
        }
    }
    table
}

fn sorted(a: &Cell, b: &Cell, descending: bool) -> Ordering {
    let missing = |cell: &Cell| matches!(cell, Cell::Null);
    match (missing(a), missing(b)) {
        (false, false) => {
            let order = match (a.number(), b.number()) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                _ => a.order(b),
            };
            if descending { order.reverse() } else { order }
        }
        (a, b) => a.cmp(&b),
    }
}

/// The columns that `fields` leaves.
pub(super) fn choose(columns: &mut Vec<String>, keep: &[String], drop: &[String]) {
    if !keep.is_empty() {
        *columns = keep.to_vec();
    }
    columns.retain(|column| !drop.contains(column));
}
