//! The few settings of detection; one frozen default for all kinds of logs.

use serde::{Deserialize, Serialize};

/// How detection works; the defaults are meant to be kept, nothing here is fitted to a kind of log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DetectConfig {
    /// Seed of the forest and of its samples; the same seed and input give the same verdicts.
    pub seed: u64,
    /// Share of the lines that may be flagged, 0 to 1.
    pub alert_budget: f64,
    /// Share of the ended sessions that may be flagged, 0 to 1.
    pub session_budget: f64,
    /// Whether verdicts of all ended sessions are kept to be taken, not of the flagged ones only.
    pub all_sessions: bool,
    /// Trees of the isolation forest.
    pub trees: usize,
    /// Lines each tree is grown from, 8 to 256.
    pub sample: usize,
    /// Lines of a source before its forest is grown.
    pub min_train: u64,
    /// Lines of a source before ordinary surprise may flag; rules of three decades and more flag at once.
    pub silent: u64,
    /// Lines of a source after which everything counted is halved, so that old habits fade.
    pub halve_every: u64,
    /// Sources with a state of their own, each at most 8 MiB; further ones share these.
    pub max_sources: usize,
}

impl Default for DetectConfig {
    fn default() -> Self {
        DetectConfig {
            seed: 0x10_6a_2d,
            alert_budget: 0.01,
            session_budget: 0.03,
            all_sessions: false,
            trees: 100,
            sample: 256,
            min_train: 1_000,
            silent: 500,
            halve_every: 50_000,
            max_sources: 16,
        }
    }
}
