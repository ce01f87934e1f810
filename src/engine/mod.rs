//! Drives the stages: store, ingest, search, reindex, restore. The only module that knows every stage.
//!
//! A store is two folders: `data` (the archive, the truth) and `index` (a filter over it). Ingest is a row of threads joined by
//! bounded channels; each stage takes one kind of message and gives one kind, and order is kept from end to end:
//!
//! ```text
//! feed (read, unpack) -> understand (cut records, parse) -> judge (template, score) -> gather (row groups, hashes)
//!     -> encode (rayon) -> keep (archive, index, commit)
//! ```

mod anomalies;
mod error;
mod info;
mod ingest;
mod look;
mod models;
mod reindex;
mod replay;
mod restore;
mod search;
mod sessions;
mod store;
mod train;
mod why;

pub use crate::detect::{DetectConfig, Gravity, ModelKind};
pub use crate::source::Caps;
pub use anomalies::{Anomalies, Incident, IncidentGroup, IncidentOrder};
pub use error::EngineError;
pub use info::{Info, InputInfo};
pub use ingest::{Counters, IngestOptions, IngestReport, LineScore, Refused, ScoreOptions, ScoreReport, SessionScore};
pub use look::FormatLook;
pub use reindex::ReindexReport;
pub use restore::{RestoreReport, Restored};
pub use search::{Coverage, Marker, Search, SearchOptions, SearchSummary, built_in_fields, parse_time};
pub use sessions::{OddSession, OddSessions};
pub use store::{Store, StoreConfig, machine_clock};
pub use train::{TrainOptions, TrainReport};
pub use why::Why;
