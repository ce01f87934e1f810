//! Drives the stages: store, ingest, search, reindex, restore, verify, account, compact. The only module that knows every stage.
//!
//! A store is two folders: `data` (the archive, the truth) and `index` (a filter over it). Ingest is a row of threads joined by
//! bounded channels; each stage takes one kind of message and gives one kind, and order is kept from end to end:
//!
//! ```text
//! feed (read, unpack) -> understand (cut records, parse) -> judge (template, score) -> gather (row groups, hashes)
//!     -> encode (rayon) -> keep (archive, index, commit)
//! ```

mod account;
mod anomalies;
mod compact;
mod error;
mod incidents;
mod info;
mod ingest;
mod look;
mod models;
mod reindex;
mod replay;
mod rescore;
mod restore;
mod rewrite;
mod search;
mod sessions;
mod settings;
mod silences;
mod store;
mod target;
mod train;
mod verify;
mod why;

pub use crate::archive::Seal;
pub use crate::detect::sigma::{
    LoadError as RulesError, LoadReport as RulesReport, NotLoaded as RuleNotLoaded, RuleSet, load as load_rules,
};
pub use crate::detect::{DetectConfig, Gravity, Labelled, MOST_MEASURED, Measures, ModelKind, measure, rule_ids};
pub use crate::query::{PIPE_NAMES, Query as Question, closest};
pub use crate::source::Caps;
pub use account::{Account, InputAccount};
pub use anomalies::{Anomalies, Incident, IncidentGroup, IncidentOrder};
pub use compact::{CompactReport, compact};
pub use error::EngineError;
pub use info::{Info, InputInfo};
pub use ingest::{Counters, IngestOptions, IngestReport, LineScore, Refused, ScoreOptions, ScoreReport, SessionScore};
pub use look::FormatLook;
pub use reindex::ReindexReport;
pub use rescore::{RescoreReport, rescore};
pub use restore::{Gap, RestoreReport, Restored};
pub use search::{Coverage, Grammar, Marker, Search, SearchOptions, SearchSummary, built_in_fields, parse_time};
pub use sessions::{OddSession, OddSessions};
pub use settings::read_settings;
pub use store::{Store, StoreConfig, machine_clock};
pub use target::Target;
pub use train::{TrainOptions, TrainReport};
pub use verify::{Failure, Head, Originals, Verdict, VerifyOptions, VerifyReport, verify};
pub use why::Why;
