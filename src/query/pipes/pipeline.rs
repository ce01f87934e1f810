//! Strings the pipes of a query together and drives records through them within stated limits.

use std::fmt;

use crate::archive::Needs;
use crate::model::{FailureKind, RecordId, RecordView, Zone};

use super::alike::{Alike, Apart};
use super::extract::Extract;
use super::head::Head;
use super::row::{Row, Taken, Taker, is_cut};
use super::sort::Sort;
use super::table::{self, Table};
use super::tail::Tail;
use super::{Pipe, compare, gaps, patterns, stats, timechart, top};
use crate::query::regexes;
use crate::query::values::Of;

/// What pipes may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most groups, buckets, templates or rows of a table.
    pub groups: usize,
    /// Most bytes kept in memory by all pipes together, roughly.
    pub memory: usize,
    /// The zone in which times are printed and spans of `timechart` begin.
    pub zone: Zone,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { groups: 1_000_000, memory: 256 << 20, zone: Zone::UTC }
    }
}

/// Why pipes gave up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PipeError {
    /// More groups than allowed.
    Groups {
        /// The pipe.
        pipe: &'static str,
        /// The limit.
        limit: usize,
    },
    /// More memory than allowed.
    Memory {
        /// The pipe.
        pipe: &'static str,
        /// The limit, in bytes.
        limit: usize,
    },
    /// Records came out of the order of time that the pipe relies on.
    Order {
        /// The pipe.
        pipe: &'static str,
    },
    /// An expression that the parser would have refused.
    Regex(String),
}

impl PipeError {
    /// What kind of failure it is.
    pub fn kind(&self) -> FailureKind {
        match self {
            PipeError::Groups { .. } | PipeError::Memory { .. } => FailureKind::Limit,
            PipeError::Order { .. } | PipeError::Regex(_) => FailureKind::Usage,
        }
    }
}

impl fmt::Display for PipeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PipeError::Groups { pipe, limit } => write!(f, "{pipe}: more than {limit} groups; narrow the query"),
            PipeError::Memory { pipe, limit } => {
                write!(f, "{pipe}: more than {} MiB of values; narrow the query", limit >> 20)
            }
            PipeError::Order { pipe } => write!(f, "{pipe}: records are not in order of time"),
            PipeError::Regex(reason) => write!(f, "extract: bad regex: {reason}"),
        }
    }
}

impl std::error::Error for PipeError {}

/// Which fields of records are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// Only these, in this order; empty: all.
    pub keep: Vec<String>,
    /// Not these.
    pub drop: Vec<String>,
}

/// A record in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRow {
    /// The record.
    pub id: RecordId,
    /// What `extract` found in it.
    pub extracted: Vec<(String, Vec<u8>)>,
}

/// What the pipes made of the records.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Rows under columns.
    Table(Table),
    /// Records in the order of the answer.
    Records {
        /// The records.
        rows: Vec<RecordRow>,
        /// Which of their fields are shown.
        shown: Shown,
    },
    /// Hits whose neighbours in the same source are wanted too.
    Context {
        /// How many neighbours on either side.
        count: usize,
        /// The hits, in the order of the answer.
        hits: Vec<RecordId>,
    },
}

/// Memory that pipes share.
#[derive(Debug)]
pub(super) struct Budget {
    used: usize,
    pub(super) limits: Limits,
}

impl Budget {
    /// Takes bytes for a pipe.
    pub(super) fn take(&mut self, pipe: &'static str, bytes: usize) -> Result<(), PipeError> {
        self.used = self.used.saturating_add(bytes);
        if self.used > self.limits.memory {
            return Err(PipeError::Memory { pipe, limit: self.limits.memory });
        }
        Ok(())
    }

    /// Gives bytes back.
    pub(super) fn release(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }

    /// Checks a number of groups.
    pub(super) fn groups(&self, pipe: &'static str, groups: usize) -> Result<(), PipeError> {
        if groups > self.limits.groups {
            return Err(PipeError::Groups { pipe, limit: self.limits.groups });
        }
        Ok(())
    }
}

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

    /// Whether further rows change nothing.
    fn done(&self) -> bool {
        false
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
        for pipe in pipes {
            if sink.is_some() {
                on_table.push(pipe.clone());
                continue;
            }
            match pipe {
                Pipe::Head { count } => stages.push(Box::new(Head::new(*count))),
                Pipe::Tail { count } => stages.push(Box::new(Tail::new(*count))),
                Pipe::Sort { field, descending } => {
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
        let list = Records { rows: Vec::new(), extracted: slots.extracted.clone(), shown, context };
        let row = Row::new(slots.names.len());
        Ok(Pipeline {
            names: slots.names,
            row,
            stages,
            sink: sink.unwrap_or_else(|| Box::new(list)),
            on_table,
            budget: Budget { used: 0, limits },
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

    /// Whether further records change nothing, as after `head`.
    pub fn done(&self) -> bool {
        self.stages.iter().any(|stage| stage.done())
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

fn make_sink(pipe: &Pipe, slots: &mut Slots, zone: Zone) -> Option<Box<dyn Sink>> {
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
struct Slots {
    names: Vec<String>,
    extracted: Vec<(String, usize)>,
}

impl Slots {
    fn of(&mut self, name: &str) -> usize {
        if let Some((_, slot)) = self.extracted.iter().find(|(other, _)| other == name) {
            return *slot;
        }
        self.names.iter().position(|other| other == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        })
    }

    /// A slot that no field of the record fills: its name is empty.
    fn extracted(&mut self, name: &str) -> usize {
        if let Some((_, slot)) = self.extracted.iter().find(|(other, _)| other == name) {
            return *slot;
        }
        self.names.push(String::new());
        self.extracted.push((name.to_owned(), self.names.len() - 1));
        self.names.len() - 1
    }
}

/// Keeps the records themselves.
struct Records {
    rows: Vec<RecordRow>,
    extracted: Vec<(String, usize)>,
    shown: Shown,
    context: Option<usize>,
}

impl Sink for Records {
    fn push(&mut self, row: &Row, _times: u64, budget: &mut Budget) -> Result<(), PipeError> {
        let extracted: Vec<(String, Vec<u8>)> = self
            .extracted
            .iter()
            .filter_map(|(name, slot)| row.value(*slot).map(|value| (name.clone(), value.to_vec())))
            .collect();
        let bytes = extracted.iter().map(|(name, value)| 48 + name.len() + value.len()).sum::<usize>();
        budget.take("records", 32 + bytes)?;
        self.rows.push(RecordRow { id: row.id, extracted });
        Ok(())
    }

    fn finish(&mut self, _budget: &mut Budget) -> Result<Output, PipeError> {
        let rows = std::mem::take(&mut self.rows);
        Ok(match self.context {
            Some(count) => Output::Context { count, hits: rows.into_iter().map(|row| row.id).collect() },
            None => Output::Records { rows, shown: std::mem::take(&mut self.shown) },
        })
    }
}
