//! Names of fields in queries: the built-in ones, aliases, and the likely one for a name that does not exist.

use crate::model::{COMMON_FIELDS, canonical_name};

use super::QueryContext;
use super::error::closest;

/// Names that every store knows beside [`COMMON_FIELDS`]; their values are computed, not cut from the record.
pub const BUILT_IN_FIELDS: &[&str] = &[
    "raw",
    "since",
    "until",
    "around",
    "time.quality",
    "score",
    "novelty",
    "anomaly",
    "rule",
    "reason",
    "entity",
    "incident",
    "template",
    "id",
    "offset",
];

/// The canonical name for a name as typed, or the likely one that was meant.
pub(crate) fn resolve(typed: &str, context: &QueryContext, extracted: &[String]) -> Result<String, Option<String>> {
    let name = canonical_name(typed);
    let store = context.known_fields.iter().chain(extracted).map(String::as_str);
    let known = || BUILT_IN_FIELDS.iter().chain(COMMON_FIELDS).copied().chain(store.clone());
    if known().any(|other| other == name) {
        return Ok(name);
    }
    // A store may keep a name with capitals (a JSON key under a parser that preserves them).
    if let Some(other) = known().find(|other| other.eq_ignore_ascii_case(&name)) {
        return Ok(other.to_owned());
    }
    if context.lenient { Ok(name) } else { Err(closest(&name, known()).map(str::to_owned)) }
}
