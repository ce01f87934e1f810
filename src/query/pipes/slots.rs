//! Which value of a row is which field, and the sinks that look at them.

use super::pipeline::Sink;
use super::{Pipe, compare, gaps, patterns, stats, timechart, top};
use crate::model::Zone;

/// The sink of a pipe that is one.
pub(super) fn make_sink(pipe: &Pipe, slots: &mut Slots, zone: Zone) -> Option<Box<dyn Sink>> {
    let columns = pipe.columns().unwrap_or_default();
    Some(match pipe {
        Pipe::Stats { aggregates, by } => {
            let by = by.iter().map(|name| slots.of(name)).collect();
            let of = aggregates.iter().map(|a| (a.function, a.field.as_deref().map(|name| slots.of(name)))).collect();
            Box::new(stats::Stats::new(by, of, columns))
        }
        Pipe::Top { count, field, rare } => Box::new(top::Top::new(slots.of(field), *count, *rare, columns)),
        Pipe::Timechart { span, by } => {
            let by = by.as_deref().map(|name| slots.of(name));
            Box::new(timechart::Timechart::new(*span, by, zone, columns))
        }
        Pipe::Patterns { count } => Box::new(patterns::Patterns::new(slots.of("template"), *count, columns)),
        Pipe::Compare { last, before, lengths, by } => {
            let slot = slots.of(by.as_deref().unwrap_or("template"));
            Box::new(compare::Compare::new(slot, (*last, *before), *lengths, columns))
        }
        Pipe::Gaps { span, by } => {
            let by = by.as_deref().map(|name| slots.of(name));
            Box::new(gaps::Gaps::new(*span, by, columns))
        }
        _ => return None,
    })
}

/// Which value of a row is which field. A name that `extract` made means the extracted value from there on.
#[derive(Default)]
pub(super) struct Slots {
    pub(super) names: Vec<String>,
    pub(super) extracted: Vec<(String, usize)>,
}

impl Slots {
    pub(super) fn of(&mut self, name: &str) -> usize {
        if let Some((_, slot)) = self.extracted.iter().find(|(other, _)| other == name) {
            return *slot;
        }
        self.names.iter().position(|other| other == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        })
    }

    /// A slot that no field of the record fills: its name is empty.
    pub(super) fn extracted(&mut self, name: &str) -> usize {
        if let Some((_, slot)) = self.extracted.iter().find(|(other, _)| other == name) {
            return *slot;
        }
        self.names.push(String::new());
        self.extracted.push((name.to_owned(), self.names.len() - 1));
        self.names.len() - 1
    }
}
