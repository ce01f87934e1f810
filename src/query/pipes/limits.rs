//! What pipes may use, how they share it, and what is said where it is not enough.

use std::fmt;

use crate::model::{FailureKind, Zone};

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

/// Memory that pipes share.
#[derive(Debug)]
pub(super) struct Budget {
    used: usize,
    pub(super) limits: Limits,
}

impl Budget {
    /// All of what the limits allow.
    pub(super) fn new(limits: Limits) -> Budget {
        Budget { used: 0, limits }
    }

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
