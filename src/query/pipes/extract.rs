//! `extract REGEX`: the named groups of an expression on the line become fields.

use regex::bytes::Regex;

use super::pipeline::{Next, PipeError, Stage};
use super::row::Row;

pub(super) struct Extract {
    regex: Regex,
    line: usize,
    /// Number of the group and slot of the value.
    groups: Vec<(usize, usize)>,
}

impl Extract {
    pub(super) fn new(regex: Regex, line: usize, slot: &mut dyn FnMut(&str) -> usize) -> Extract {
        let named = regex.capture_names().enumerate().filter_map(|(group, name)| Some((group, name?.to_lowercase())));
        let groups = named.map(|(group, name)| (group, slot(&name))).collect();
        Extract { regex, line, groups }
    }
}

impl Stage for Extract {
    fn push(&mut self, row: &mut Row, next: &mut Next) -> Result<(), PipeError> {
        let line = row.value(self.line).unwrap_or_default().to_vec();
        let captures = self.regex.captures(&line);
        for (group, slot) in &self.groups {
            let value = captures.as_ref().and_then(|captures| captures.get(*group)).map(|found| found.as_bytes());
            if let Some(slot) = row.slots.get_mut(*slot) {
                slot.set(value);
            }
        }
        next.push(row)
    }

    fn needs_order(&self) -> bool {
        false
    }
}
