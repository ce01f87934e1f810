//! What detection says of a record.

use serde::{Deserialize, Serialize};

/// How unusual a record is and why.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Verdict {
    /// How odd, 0 (ordinary) to 1; a monotone map of the detector's sum of evidence.
    pub score: f32,
    /// The same without what is known beforehand (rules, severity): learned surprise alone.
    pub novelty: f32,
    /// Whether the record passes the threshold in force.
    pub flagged: bool,
    /// The strongest terms of the score, strongest first; filled for flagged records.
    pub reasons: Vec<Reason>,
    /// Ids of the rules that fired, such as `sqli` or `brute-force`, sorted.
    pub rules: Vec<String>,
    /// Whom the record is about where that is known: an address, a user, a session.
    pub entity: Option<String>,
}

/// One term of a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// Id of the feature or rule.
    pub id: String,
    /// In words: `rare template (1 in 40,000)`.
    pub text: String,
    /// Its share of the sum of evidence, in the detector's own unit (decades).
    pub weight: f32,
}
