//! LogGuard: a forensic log archive and search engine.
//!
//! The modules stand in the order in which a line of log flows through them:
//!
//! ```text
//! source -> parse -> template -> detect -> archive -> index          (engine drives; bounded channels; order kept)
//!                                              \_ the truth  \_ a filter over it, may be deleted and rebuilt
//! text -> query tree -> plan -> candidate blocks (index) -> exact match on archived data (archive) -> pipes -> report
//! ```

pub mod model;

pub mod source;

pub mod parse;

pub mod template;

pub mod detect;

pub mod archive;

pub mod index;

pub mod query;

pub mod report;

pub mod engine;

pub mod generate;

pub mod cli;

pub mod repl;
