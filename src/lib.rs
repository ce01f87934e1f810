//! LogGuard: a forensic log archive and search engine.
//!
//! The modules stand in the order in which a line of log flows through them:
//!
//! ```text
//! source -> parse -> template -> detect -> archive -> index          (engine drives; bounded channels; order kept)
//!                                              \_ the truth  \_ a filter over it, may be deleted and rebuilt
//! text -> query tree -> plan -> candidate row groups (index) -> exact match on archived data (archive) -> pipes -> report
//! ```
//!
//! ```no_run
//! # use std::sync::atomic::AtomicBool;
//! # use logguard::engine::{Counters, EngineError, SearchOptions, Store};
//! # use logguard::model::Zone;
//! # fn main() -> Result<(), EngineError> {
//! let store = Store::open("data", "index");
//! let report = store.ingest(&store.ingest_options(vec!["/var/log".into()]), &Counters::default())?;
//! println!("{} records kept, {} refused", report.records, report.refused.len());
//!
//! let search = store.search()?;
//! let options = SearchOptions::default();
//! let query = search.parse(r#"sshd AND "failed password" since:end-24h"#, &options)?;
//! let summary = search.run(&query, &options, &AtomicBool::new(false), |record| {
//!     println!("{}", String::from_utf8_lossy(record.line()).escape_debug());
//!     true // go on
//! })?;
//! println!("{:?}", summary.coverage); // records covered, pruned, unreadable: never silent
//! # Ok(())
//! # }
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
