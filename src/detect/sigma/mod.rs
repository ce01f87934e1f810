//! Sigma rules: what others know of attacks, read from a folder and looked for on every record.
//!
//! `load` reads files (`yaml`) into rules (`rule`, `condition`, `test`, `glob`) and reports what could not be used; `set`
//! compiles them. A record's fields are handed to the rules' fields by name (`names`), one automaton per field marks the rules
//! that can match (`filter` chose their literals), those of other log sources are left out (`source`), and the rest are decided.
//! Rules correlate nothing: a record alone decides, so any number of threads finds the same.

mod condition;
mod encode;
mod filter;
mod find;
mod glob;
mod load;
mod logsource;
mod names;
mod prior;
mod rule;
mod set;
mod source;
mod test;
#[cfg(test)]
mod tests;
mod yaml;

pub use find::Matcher;
pub use load::{LoadError, LoadReport, NotLoaded, load};
pub use rule::Severity;
pub use set::{Named, RuleSet};

pub(super) use prior::Priors;
