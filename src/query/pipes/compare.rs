//! `compare`: two windows of time side by side, by template or by a field: what is new, what is gone, whose rate changed.

use std::cmp::Ordering;

use hashbrown::HashMap;

use crate::model::{TimeRange, Timestamp};
use crate::query::QueryError;
use crate::query::literal;
use crate::query::parser::Parser;

use super::Pipe;
use super::pipeline::{Budget, Output, PipeError, Sink};
use super::row::Row;
use super::table::{Cell, Table, rows_in_order};

/// What to type.
const HELP: &str = "compare needs: span [before span] [until time] [by field], such as compare 1h before 24h until end";

/// Reads the words behind `compare`; `field` makes a name canonical.
pub(super) fn parse(
    words: &[&str],
    parser: &mut Parser,
    field: impl Fn(&str, &Parser) -> Result<String, QueryError>,
) -> Result<Pipe, QueryError> {
    let help = || QueryError::pipe(HELP);
    let (first, mut rest) = words.split_first().ok_or_else(help)?;
    let span = |text: &str| literal::duration(text).ok_or_else(|| QueryError::of_word(HELP, text, None));
    let last = span(first)?;
    let (mut before, mut until, mut by) = (None, None, None);
    while let [name, value, others @ ..] = rest {
        match *name {
            "before" if before.is_none() => before = Some(span(value)?),
            "until" if until.is_none() => {
                let moment = literal::span(value, parser.context);
                let bad = || QueryError::of_word(format!("compare: bad time '{value}'"), value, None);
                until = Some(moment.ok_or_else(bad)?);
            }
            "by" if by.is_none() => by = Some(field(value, parser)?),
            _ => return Err(QueryError::of_word(HELP, name, None)),
        }
        rest = others;
    }
    if !rest.is_empty() {
        return Err(help());
    }
    let now = parser.context.now;
    let (until, whole) = until.unwrap_or((now, now));
    // A moment such as 'end' is in the window, as the newest record is what is looked at; of a day or minute the begin is
    // the end of the window, as with 'until:'.
    let inclusive = until.saturating_add(i64::from(until == whole));
    let middle = until.saturating_add(last.saturating_neg());
    let before = before.unwrap_or(last);
    let from = middle.saturating_add(before.saturating_neg());
    let shown = |time: Timestamp| time.display(parser.context.zone).to_string();
    let windows = format!("compare: last is {} .. {}, before is from {}", shown(middle), shown(until), shown(from));
    let late = parser.context.end.filter(|newest| *newest < from).map(|newest| {
        format!("; both are later than the newest record ({}): 'until end' takes the end of the archive", shown(newest))
    });
    parser.hints.push(windows + &late.unwrap_or_default());
    let window = |from: Timestamp, until: Timestamp| TimeRange { from: Some(from), until: Some(until) };
    let lengths = (last, before);
    Ok(Pipe::Compare { last: window(middle, inclusive), before: window(from, middle), lengths, by })
}

/// Counts of one template or value in both windows, with the least id in each.
#[derive(Clone, Copy, Default)]
struct Seen {
    before: u64,
    last: u64,
    first_before: u64,
    first_last: u64,
}

pub(super) struct Compare {
    slot: usize,
    last: TimeRange,
    before: TimeRange,
    /// Lengths of the two windows in nanoseconds, above 0.
    lengths: (i64, i64),
    columns: Vec<String>,
    seen: HashMap<Option<Vec<u8>>, Seen>,
}

impl Compare {
    pub(super) fn new(
        slot: usize,
        (last, before): (TimeRange, TimeRange),
        lengths: (i64, i64),
        columns: Vec<String>,
    ) -> Compare {
        Compare { slot, last, before, lengths, columns, seen: HashMap::new() }
    }

    /// How many times as frequent as before: counts over the lengths of the windows; `None` without a count before.
    fn rate(&self, seen: &Seen) -> Option<f64> {
        (seen.before > 0)
            .then(|| (seen.last as f64 * self.lengths.1 as f64) / (seen.before as f64 * self.lengths.0 as f64))
    }
}

impl Sink for Compare {
    fn push(&mut self, row: &Row, _times: u64, budget: &mut Budget) -> Result<(), PipeError> {
        let Some(time) = row.time else { return Ok(()) };
        let is_last = self.last.contains(time);
        if !is_last && !self.before.contains(time) {
            return Ok(());
        }
        let value = row.value(self.slot);
        // Owned keys are made once a value, not once a record.
        let known = match value {
            Some(value) => self.seen.get_mut(&Some(value.to_vec())),
            None => self.seen.get_mut(&None),
        };
        let seen = match known {
            Some(seen) => seen,
            None => {
                budget.take("compare", value.map_or(0, <[u8]>::len) + 112)?;
                budget.groups("compare", self.seen.len() + 1)?;
                self.seen.entry(value.map(<[u8]>::to_vec)).or_default()
            }
        };
        let (count, first) = match is_last {
            true => (&mut seen.last, &mut seen.first_last),
            false => (&mut seen.before, &mut seen.first_before),
        };
        *first = if *count == 0 { row.id.0 } else { row.id.0.min(*first) };
        *count += 1;
        Ok(())
    }

    fn finish(&mut self, _budget: &mut Budget) -> Result<Output, PipeError> {
        let mut ranked: Vec<(Rank, Vec<Cell>)> = std::mem::take(&mut self.seen)
            .into_iter()
            .map(|(value, seen)| {
                let rate = self.rate(&seen);
                let (rank, change) = Rank::of(&seen, rate);
                let first = if seen.last > 0 { seen.first_last } else { seen.first_before };
                let row = vec![
                    Cell::of(value.as_deref()),
                    Cell::Text(change.to_owned()),
                    Cell::count(seen.before),
                    Cell::count(seen.last),
                    rate.map_or(Cell::Null, Cell::Float),
                    Cell::count(first),
                ];
                (rank, row)
            })
            .collect();
        ranked.sort_by(|(a, left), (b, right)| a.cmp(b).then_with(|| rows_in_order(left, right)));
        let rows = ranked.into_iter().map(|(_, row)| row).collect();
        Ok(Output::Table(Table::new(std::mem::take(&mut self.columns), rows)))
    }
}

/// New ones first, then those that are gone, each by count; then the others by how far their rate moved, either way.
struct Rank {
    class: u8,
    moved: f64,
    count: u64,
}

impl Rank {
    fn of(seen: &Seen, rate: Option<f64>) -> (Rank, &'static str) {
        let rank = |class, moved| Rank { class, moved, count: seen.last.max(seen.before) };
        match rate {
            None => (rank(0, 0.0), "new"),
            Some(_) if seen.last == 0 => (rank(1, 0.0), "gone"),
            Some(rate) if rate > 1.0 => (rank(2, rate), "more"),
            Some(rate) if rate < 1.0 => (rank(2, 1.0 / rate), "less"),
            Some(_) => (rank(3, 1.0), "same"),
        }
    }

    fn cmp(&self, other: &Rank) -> Ordering {
        let by_class = self.class.cmp(&other.class);
        by_class.then_with(|| other.moved.total_cmp(&self.moved)).then_with(|| other.count.cmp(&self.count))
    }
}
