//! `sort [-]field`: numbers by value, levels by severity, times as times; ties by id in the same direction.

use crate::model::Level;
use crate::query::literal;

use super::pipeline::{Next, PipeError, Stage};
use super::row::Row;

pub(super) struct Sort {
    slot: usize,
    by: By,
    descending: bool,
    rows: Vec<(Key, Row)>,
}

#[derive(Clone, Copy)]
enum By {
    Value,
    Level,
    Time,
}

/// Records without a value come before text, text before numbers.
#[derive(PartialEq, PartialOrd)]
enum Key {
    Missing,
    Text(Vec<u8>),
    Number(f64),
    Moment(i64),
}

impl Sort {
    pub(super) fn new(slot: usize, name: &str, descending: bool) -> Sort {
        let by = match name {
            "level" => By::Level,
            "time" => By::Time,
            _ => By::Value,
        };
        Sort { slot, by, descending, rows: Vec::new() }
    }

    fn key(&self, row: &Row) -> Key {
        match (self.by, row.value(self.slot)) {
            (By::Time, _) => row.time.map_or(Key::Missing, |time| Key::Moment(time.0)),
            (_, None) => Key::Missing,
            (By::Level, Some(name)) => {
                Level::from_word(name).map_or(Key::Missing, |level| Key::Number(f64::from(level.code())))
            }
            (By::Value, Some(value)) => match literal::number(value) {
                Some(number) => Key::Number(number),
                None => Key::Text(value.to_vec()),
            },
        }
    }
}

impl Stage for Sort {
    fn push(&mut self, row: &mut Row, next: &mut Next) -> Result<(), PipeError> {
        next.budget.take("sort", row.size() + 32 + row.value(self.slot).map_or(0, <[u8]>::len))?;
        self.rows.push((self.key(row), row.clone()));
        Ok(())
    }

    fn finish(&mut self, next: &mut Next) -> Result<(), PipeError> {
        // Numbers are never NaN: they are read from digits.
        self.rows.sort_by(|(a, left), (b, right)| {
            let order = a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal).then(left.id.cmp(&right.id));
            if self.descending { order.reverse() } else { order }
        });
        self.rows.drain(..).try_for_each(|(_, mut row)| next.push(&mut row))
    }
}
