//! Stage 7: text goes in; a tree, a plan, exact hits and the rows of pipes come out.
//!
//! ```text
//! text -> parser -> model::query::Expr -> matcher (exact, on one record)
//!                                      -> filter  (necessary conditions, for the index)
//!              \-> pipes -> Pipeline (records in, table or record list out)
//! ```

mod error;
mod evaluate;
mod filter;
mod kept;
mod literal;
mod matcher;
mod moment;
mod names;
mod parser;
mod pipes;
mod plan;
mod regexes;
mod required;
mod search;
mod sought;
mod term;
mod value;
mod values;

pub use error::{QueryError, closest};
pub use evaluate::{Decoded, GroupMatches, Reading, evaluate};
pub use filter::{Filter, filter, source_matches};
pub use kept::Cache;
pub use matcher::{ColumnView, Known, Matcher};
pub use names::BUILT_IN_FIELDS;
pub use pipes::{
    Aggregate, Alike, Cell, Comparison, Function, Limits, Output, PIPE_NAMES, Pipe, PipeError, Pipeline, RecordRow,
    Series, Shown, Table, Taken, Taker,
};

pub use plan::{Candidate, Plan, plan};
pub use values::{Of, ValueColumn};

use crate::model::query::Expr;
use crate::model::{Timestamp, Zone};

/// What the words of a query refer to.
#[derive(Debug, Clone)]
pub struct QueryContext<'a> {
    /// The present moment.
    pub now: Timestamp,
    /// Time of the oldest record, or `None` for an empty store; `start` then means `now`.
    pub start: Option<Timestamp>,
    /// Time of the newest record, or `None` for an empty store; `end` then means `now`.
    pub end: Option<Timestamp>,
    /// The zone of times that state none.
    pub zone: Zone,
    /// Canonical names of fields that occur in the store, besides the built-in ones.
    pub known_fields: &'a [String],
    /// Whether an unknown field is no error, for scripts over many stores.
    pub lenient: bool,
}

/// A query that was understood.
#[derive(Debug, Clone)]
pub struct Query {
    /// Which records are asked for.
    pub tree: Expr,
    /// What becomes of them, in order.
    pub pipes: Vec<Pipe>,
    /// What the caller should know of how the query was read.
    pub hints: Vec<String>,
    /// The query as it was typed.
    pub text: String,
    /// Whether it names the field `incident`, in filter or pipes.
    pub names_incidents: bool,
}

impl Query {
    /// Reads a query of at most 64 Ki characters, 100 levels of nesting and 32 pipes.
    ///
    /// # Errors
    /// States the column, the reason and, where possible, what to type instead. Every error is found here: a query that
    /// is returned compiles.
    pub fn parse(text: &str, context: &QueryContext) -> Result<Query, QueryError> {
        parser::parse(text, context)
    }

    /// Whether its answer is a table and not records.
    pub fn makes_table(&self) -> bool {
        self.pipes.iter().any(|pipe| pipe.columns().is_some())
    }

    /// The fields that are to be shown of each record, in order, where the query names them (`| fields a, b`).
    pub fn shown(&self) -> &[String] {
        let kept = self.pipes.iter().rev().find_map(|pipe| match pipe {
            Pipe::Fields { keep, .. } => Some(keep.as_slice()),
            _ => None,
        });
        kept.filter(|_| !self.makes_table()).unwrap_or_default()
    }

    /// The same question without what becomes of the records.
    pub fn without_pipes(&self) -> Query {
        Query { pipes: Vec::new(), ..self.clone() }
    }
}

/// The first moment of the span that a time literal names, in UTC unless it states a zone; `None` for what is no literal.
pub fn moment(text: &str) -> Option<Timestamp> {
    let nothing = Timestamp(0);
    let context =
        QueryContext { now: nothing, start: None, end: None, zone: Zone::UTC, known_fields: &[], lenient: false };
    // Relative times would be relative to nothing.
    let is_absolute = text.starts_with(|letter: char| letter.is_ascii_digit());
    is_absolute.then(|| literal::span(text, &context)).flatten().map(|(first, _)| first)
}
