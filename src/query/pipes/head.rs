//! `head n`: the first records.

use super::pipeline::{Next, PipeError, Stage};
use super::row::Row;

pub(super) struct Head {
    left: usize,
}

impl Head {
    pub(super) fn new(count: usize) -> Head {
        Head { left: count }
    }
}

impl Stage for Head {
    fn push(&mut self, row: &mut Row, next: &mut Next) -> Result<(), PipeError> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                next.push(row)
            }
            None => Ok(()),
        }
    }
}
