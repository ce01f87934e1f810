//! `tail n`: the last records of the order so far.

use std::collections::VecDeque;

use super::pipeline::{Next, PipeError, Stage};
use super::row::Row;

pub(super) struct Tail {
    count: usize,
    rows: VecDeque<Row>,
}

impl Tail {
    pub(super) fn new(count: usize) -> Tail {
        Tail { count, rows: VecDeque::new() }
    }
}

impl Stage for Tail {
    fn push(&mut self, row: &mut Row, next: &mut Next) -> Result<(), PipeError> {
        if self.count == 0 {
            return Ok(());
        }
        if self.rows.len() >= self.count
            && let Some(oldest) = self.rows.pop_front()
        {
            next.budget.release(oldest.size());
        }
        next.budget.take("tail", row.size())?;
        self.rows.push_back(row.clone());
        Ok(())
    }

    fn finish(&mut self, next: &mut Next) -> Result<(), PipeError> {
        self.rows.drain(..).try_for_each(|mut row| next.push(&mut row))
    }
}
