//! Strings the pipes of a query together and drives records through them within stated limits.

use crate::archive::Needs;
use crate::model::RecordView;

pub(super) use super::limits::Budget;
pub use super::limits::{Limits, PipeError};
pub use super::output::{Output, RecordRow, Shown};

use super::alike::{Alike, Apart};
use super::extract::Extract;
use super::head::Head;
use super::output::Records;
use super::row::{Row, Taken, Taker, is_cut};
use super::slots::{Slots, make_sink};
use super::sort::Sort;
use super::tail::Tail;
use super::{Pipe, table};
use crate::query::regexes;
use crate::query::values::Of;

/// The stages behind a stage.
pub(super) struct Next<'a> {
    stages: &'a mut [Box<dyn Stage>],
    sink: &'a mut dyn Sink,
    pub(super) budget: &'a mut Budget,
}

impl Next<'_> {
    /// Hands a row on.
    pub(super) fn push(&mut self, row: &mut Row) -> Result<(), PipeError> {
        match self.stages.split_first_mut() {
            Some((first, rest)) => {
                first.push(row, &mut Next { stages: rest, sink: &mut *self.sink, budget: &mut *self.budget })
            }
            None => self.sink.push(row, 1, self.budget),
        }
    }
}

/// A pipe that passes records on.
pub(super) trait Stage: Send {
    /// Takes a row and passes on what comes of it.
    fn push(&mut self, row: &mut Row, next: &mut Next) -> Result<(), PipeError>;

    /// Passes on what was held back.
    fn finish(&mut self, _next: &mut Next) -> Result<(), PipeError> {
        Ok(())
    }

    /// Whether the outcome depends on the order of rows.
    fn needs_order(&self) -> bool {
        true
    }
}

/// Where records end.
pub(super) trait Sink: Send {
    /// Takes a row that stands for so many that are alike by [`Sink::apart`].
    fn push(&mut self, row: &Row, times: u64, budget: &mut Budget) -> Result<(), PipeError>;

    /// By what rows are told apart.
    fn apart(&self) -> Apart {
        Apart::Record
    }

    /// Whether the outcome depends on the order of rows.
    fn needs_order(&self) -> bool {
        true
    }

    /// Gives away the records kept so far, where they are all it makes.
    fn passed_on(&mut self, _budget: &mut Budget) -> Vec<RecordRow> {
        Vec::new()
    }

    /// What was made of the rows.
    fn finish(&mut self, budget: &mut Budget) -> Result<Output, PipeError>;
}

/// The pipes of one query at work.
///
/// Records are pushed newest first, ties by descending id (the order of answers); the outcome is then the same whatever
/// threads or blocks they came from.
pub struct Pipeline {
    names: Vec<String>,
    row: Row,
    stages: Vec<Box<dyn Stage>>,
    sink: Box<dyn Sink>,
    on_table: Vec<Pipe>,
    budget: Budget,
    shown: Shown,
    first: Option<u64>,
    passes_on: bool,
}

impl Pipeline {
    /// Makes ready for records.
    ///
    /// # Errors
    /// Only for pipes that [`crate::query::Query::parse`] did not give.
    pub fn new(pipes: &[Pipe], limits: Limits) -> Result<Pipeline, PipeError> {
        let mut slots = Slots::default();
        let mut stages: Vec<Box<dyn Stage>> = Vec::new();
        let mut sink: Option<Box<dyn Sink>> = None;
        let mut on_table = Vec::new();
        let mut shown = Shown::default();
        let mut context = None;
        let (mut first, mut passes_on) = (None, true);
        for pipe in pipes {
            if sink.is_some() {
                on_table.push(pipe.clone());
                continue;
            }
            match pipe {
                Pipe::Head { count } => {
                    if passes_on {
                        let count = *count as u64;
                        first = Some(first.map_or(count, |least: u64| least.min(count)));
                    }
                    stages.push(Box::new(Head::new(*count)))
                }
                Pipe::Tail { count } => {
                    passes_on = false;
                    stages.push(Box::new(Tail::new(*count)))
                }
                Pipe::Sort { field, descending } => {
                    passes_on = false;
                    stages.push(Box::new(Sort::new(slots.of(field), field, *descending)))
                }
                Pipe::Extract { pattern, ignore_case } => {
                    let regex = regexes::build(pattern, *ignore_case)
                        .map_err(|error| PipeError::Regex(crate::query::error::regex_reason(&error)))?;
                    let line = slots.of("raw");
                    stages.push(Box::new(Extract::new(regex, line, &mut |name| slots.extracted(name))));
                }
                Pipe::Fields { keep, drop } => shown = Shown { keep: keep.clone(), drop: drop.clone() },
                Pipe::Context { count } => context = Some(*count),
                Pipe::Where { .. } => {}
                pipe => sink = make_sink(pipe, &mut slots, limits.zone),
            }
        }
        let passes_on = passes_on && sink.is_none() && context.is_none();
        let list = Records::new(slots.extracted.clone(), shown.clone(), context);
        let row = Row::new(slots.names.len());
        Ok(Pipeline {
            names: slots.names,
            row,
            stages,
            sink: sink.unwrap_or_else(|| Box::new(list)),
            on_table,
            budget: Budget::new(limits),
            shown,
            first,
            passes_on,
        })
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// A limit was reached; the message names it.
    pub fn push(&mut self, record: &RecordView) -> Result<(), PipeError> {
        self.row.fill(&self.names, record);
        let mut next = Next { stages: &mut self.stages, sink: &mut *self.sink, budget: &mut self.budget };
        next.push(&mut self.row)
    }

    /// Whether records must be pushed in order; otherwise [`Pipeline::push_taken`] takes them in any order that is always the
    /// same.
    pub fn needs_order(&self) -> bool {
        self.sink.needs_order() || self.stages.iter().any(|stage| stage.needs_order())
    }

    /// By what columns records are told apart, where those that are alike may be pushed as one.
    pub fn alike(&self) -> Option<Alike> {
        if self.stages.is_empty() { Alike::of(&self.names, self.sink.apart()) } else { None }
    }

    /// What takes from records the values that the pipes look at, on any thread.
    pub fn taker(&self) -> Taker {
        Taker::new(&self.names)
    }

    /// Takes what a [`Taker`] took from a record that stands for so many that are alike.
    ///
    /// # Errors
    /// A limit was reached; the message names it.
    pub fn push_taken(&mut self, mut taken: Taken, times: u64) -> Result<(), PipeError> {
        if self.stages.is_empty() {
            return self.sink.push(taken.row(), times, &mut self.budget);
        }
        let mut next = Next { stages: &mut self.stages, sink: &mut *self.sink, budget: &mut self.budget };
        (0..times).try_for_each(|_| next.push(taken.row_mut()))
    }

    /// So many records, the first, are all that it looks at, as with `head`; `None`: all.
    pub fn first(&self) -> Option<u64> {
        self.first
    }

    /// Whether each record is passed on as it comes, and nothing is made of them in the end.
    pub fn passes_on(&self) -> bool {
        self.passes_on
    }

    /// The records passed on since this was asked last, for one that [`Pipeline::passes_on`].
    pub fn passed_on(&mut self) -> Vec<RecordRow> {
        self.sink.passed_on(&mut self.budget)
    }

    /// Which fields of records are shown.
    pub fn shown(&self) -> &Shown {
        &self.shown
    }

    /// Whether the pipes look at fields that must be cut from the record.
    pub fn needs_fields(&self) -> bool {
        self.names.iter().any(|name| is_cut(name))
    }

    /// The fields among what the pipes look at.
    pub fn fields(&self) -> Vec<Of> {
        self.names.iter().filter(|name| is_cut(name)).map(|name| Of::Field(name.clone())).collect()
    }

    /// Whether the pipes look at the bytes of the record, or where they lie, other than for its fields.
    pub fn needs_raw(&self) -> bool {
        self.names.iter().any(|name| matches!(name.as_str(), "raw" | "offset"))
    }

    /// Whether the pipes look at the bytes of the record, or where they lie.
    pub fn needs_lines(&self) -> bool {
        self.needs_fields() || self.needs_raw()
    }

    /// Columns that the pipes look at; the time unless all they do is count by other columns.
    pub fn needs(&self) -> Needs {
        let times = self.alike().is_none_or(|alike| alike.needs_times());
        self.names.iter().fold(if times { Needs::TIMES } else { Needs::NOTHING }, |needs, name| {
            needs
                | match name.as_str() {
                    "template" => Needs::TEMPLATES,
                    "rule" => Needs::RULES,
                    "reason" | "entity" | "anomaly" => Needs::VERDICTS,
                    "score" | "novelty" => Needs::SCORES,
                    _ if self.needs_fields() => Needs::LAYOUTS,
                    _ => Needs::NOTHING,
                }
        })
    }

    /// The outcome.
    ///
    /// # Errors
    /// A limit was reached; the message names it.
    pub fn finish(mut self) -> Result<Output, PipeError> {
        let mut stages = self.stages.as_mut_slice();
        while let Some((first, rest)) = stages.split_first_mut() {
            first.finish(&mut Next { stages: &mut *rest, sink: &mut *self.sink, budget: &mut self.budget })?;
            stages = rest;
        }
        Ok(match self.sink.finish(&mut self.budget)? {
            Output::Table(table) => Output::Table(table::apply(table, &self.on_table)),
            other => other,
        })
    }
}
