//! What becomes of matching records: they stream through stages, newest first, into a table or a list.
//!
//! Stages on records (`extract`, `head`, `tail`, `sort`) pass rows on; at most one sink (`stats`, `top`, `timechart`,
//! `patterns`, `gaps`, `compare`) turns them into a table; `where`, `sort`, `head`, `tail` and `fields` then work on the table.

mod alike;
mod compare;
mod extract;
mod gaps;
mod head;
mod limits;
mod output;
mod parse;
mod patterns;
mod pipeline;
mod row;
mod slots;
mod sort;
mod stats;
mod table;
mod tail;
mod timechart;
mod top;

pub use alike::Alike;
pub(super) use parse::parse;
pub use pipeline::{Limits, Output, PipeError, Pipeline, RecordRow, Shown};
pub use row::{Taken, Taker};
pub use table::{Cell, Series, Table};

use crate::model::TimeRange;

/// One pipe, checked; names of fields are canonical.
#[derive(Debug, Clone, PartialEq)]
pub enum Pipe {
    /// Figures per group.
    Stats {
        /// The figures, at least one.
        aggregates: Vec<Aggregate>,
        /// The fields whose values make a group; none: one group.
        by: Vec<String>,
    },
    /// The most (or least) frequent values of a field.
    Top {
        /// Number of rows.
        count: usize,
        /// The field.
        field: String,
        /// Least frequent instead of most.
        rare: bool,
    },
    /// Counts per span of time.
    Timechart {
        /// Nanoseconds per row, above 0.
        span: i64,
        /// A field that splits each row.
        by: Option<String>,
    },
    /// The most frequent templates.
    Patterns {
        /// Number of rows.
        count: usize,
    },
    /// Which fields (or columns) are shown.
    Fields {
        /// Only these, in this order; empty: all.
        keep: Vec<String>,
        /// Not these.
        drop: Vec<String>,
    },
    /// Another order.
    Sort {
        /// The field or column.
        field: String,
        /// Greatest first.
        descending: bool,
    },
    /// The first records or rows.
    Head {
        /// How many.
        count: usize,
    },
    /// The last records or rows.
    Tail {
        /// How many.
        count: usize,
    },
    /// Rows of a table whose column satisfies a comparison.
    Where {
        /// The column.
        column: String,
        /// The comparison.
        comparison: Comparison,
        /// The number compared with.
        value: f64,
    },
    /// Fields from the named groups of a regular expression on the line.
    Extract {
        /// The expression, checked.
        pattern: String,
        /// Whether case is ignored.
        ignore_case: bool,
    },
    /// Records before and after each hit in the same source.
    Context {
        /// How many on either side.
        count: usize,
    },
    /// Silences between successive records.
    Gaps {
        /// Shortest silence, in nanoseconds.
        span: i64,
        /// A field whose values are looked at apart.
        by: Option<String>,
    },
    /// Two windows of time side by side.
    Compare {
        /// The later window.
        last: TimeRange,
        /// The window that it is compared with.
        before: TimeRange,
        /// Lengths of both in nanoseconds, above 0, by which rates are compared.
        lengths: (i64, i64),
        /// The field whose values are compared; `None`: templates.
        by: Option<String>,
    },
}

/// The names of all pipes, as typed, in order.
pub const PIPE_NAMES: &[&str] = &[
    "compare",
    "context",
    "extract",
    "fields",
    "gaps",
    "head",
    "patterns",
    "rare",
    "sort",
    "stats",
    "tail",
    "timechart",
    "top",
    "where",
];

/// One figure of `stats`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregate {
    /// What is worked out.
    pub function: Function,
    /// Of which field; `None` for a plain count.
    pub field: Option<String>,
}

/// The functions of `stats`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Records.
    Count,
    /// Distinct values, exact.
    Distinct,
    /// Sum of numbers.
    Sum,
    /// Mean of numbers.
    Mean,
    /// Least number.
    Min,
    /// Greatest number.
    Max,
    /// The least number that this share of numbers (percent) does not exceed: nearest rank.
    Percentile(u8),
    /// Value of the oldest record that has one.
    First,
    /// Value of the newest record that has one.
    Last,
}

impl Function {
    /// Names as typed.
    pub const NAMES: [(&'static str, Function); 11] = [
        ("count", Function::Count),
        ("dc", Function::Distinct),
        ("sum", Function::Sum),
        ("avg", Function::Mean),
        ("min", Function::Min),
        ("max", Function::Max),
        ("p50", Function::Percentile(50)),
        ("p95", Function::Percentile(95)),
        ("p99", Function::Percentile(99)),
        ("first", Function::First),
        ("last", Function::Last),
    ];

    fn from_name(name: &str) -> Option<Function> {
        Self::NAMES.into_iter().find(|(other, function)| *other == name && *function != Function::Count).map(|f| f.1)
    }

    fn name(self) -> &'static str {
        Self::NAMES.into_iter().find(|(_, function)| *function == self).map_or("", |(name, _)| name)
    }
}

impl Aggregate {
    /// The name of its column: `count`, `sum_bytes`, `dc_user_name`.
    pub fn column(&self) -> String {
        let Some(field) = &self.field else { return self.function.name().to_owned() };
        let mut name = format!("{}_", self.function.name());
        for c in field.chars() {
            if c.is_alphanumeric() {
                name.push(c);
            } else if !name.ends_with('_') {
                name.push('_');
            }
        }
        name.trim_matches('_').to_owned()
    }
}

/// The comparisons of `where`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `=`
    Equal,
    /// `!=`
    Unequal,
}

impl Comparison {
    /// The comparison at the start of a text, with its length.
    fn from_text(text: &str) -> Option<(Comparison, usize)> {
        let all = [
            (">=", Comparison::AtLeast),
            ("<=", Comparison::AtMost),
            ("!=", Comparison::Unequal),
            (">", Comparison::Above),
            ("<", Comparison::Below),
            ("=", Comparison::Equal),
        ];
        all.into_iter().find(|(sign, _)| text.starts_with(sign)).map(|(sign, comparison)| (comparison, sign.len()))
    }

    fn holds(self, a: f64, b: f64) -> bool {
        match self {
            Comparison::Above => a > b,
            Comparison::AtLeast => a >= b,
            Comparison::Below => a < b,
            Comparison::AtMost => a <= b,
            Comparison::Equal => a == b,
            Comparison::Unequal => a != b,
        }
    }
}

impl Pipe {
    /// The columns of the table that this pipe makes of records; `None` for a pipe that makes none.
    pub fn columns(&self) -> Option<Vec<String>> {
        let list = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        match self {
            Pipe::Stats { aggregates, by } => {
                Some(by.iter().cloned().chain(aggregates.iter().map(Aggregate::column)).collect())
            }
            Pipe::Top { field, .. } => list(&[field, "count"]),
            Pipe::Timechart { by: Some(by), .. } => list(&["time", by, "count"]),
            Pipe::Timechart { by: None, .. } => list(&["time", "count"]),
            Pipe::Patterns { .. } => list(&["pattern", "count", "first"]),
            Pipe::Compare { by, .. } => {
                list(&[by.as_deref().unwrap_or("pattern"), "change", "before", "last", "rate", "first"])
            }
            Pipe::Gaps { by, .. } => list(&[by.as_deref().unwrap_or("group"), "from", "to", "seconds"]),
            _ => None,
        }
    }
}
