//! What happened, before it is written in one form or another.

use crate::model::Level;

/// A request as a web server sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// Its method.
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// The status answered.
    pub status: u16,
    /// Bytes answered.
    pub bytes: u64,
    /// The client's name of itself.
    pub agent: &'static str,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    /// How severe.
    pub level: Level,
    /// Its kind, in capitals.
    pub kind: &'static str,
    /// The service that logs it.
    pub service: &'static str,
    /// Its process id.
    pub pid: u32,
    /// The machine that logs it.
    pub host: &'static str,
    /// Where it came from.
    pub source_ip: [u8; 4],
    /// Who.
    pub user: &'static str,
    /// What it was done to.
    pub target: String,
    /// How it ended.
    pub status: &'static str,
    /// In words, without a comma or a quote.
    pub message: String,
    /// The request behind it; made up for events that have none where a form needs one.
    pub request: Option<Request>,
}
