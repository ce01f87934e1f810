//! The few settings of detection; one frozen default for all kinds of logs.

use super::feature::FEATURES;
use super::model::ModelKind;
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
    /// Least score of a flagged line, 0 to 1: fixed, whatever the budget; absent: the quantile that the budget leaves.
    pub threshold: Option<f32>,
    /// Least score of a flagged session, likewise.
    pub session_threshold: Option<f32>,
    /// Whether budgets and thresholds are the wish of this run; where not, those of its model hold.
    #[serde(skip)]
    pub is_stated: bool,
    /// Whether verdicts of all ended sessions are kept to be taken, not of the flagged ones only.
    pub all_sessions: bool,
    /// What judges the rarities of a line as a whole.
    pub kind: ModelKind,
    /// Share of the rows a model learns from that are taken to be odd and left out, 0 to 0.5.
    pub contamination: f64,
    /// Units of the hidden layers of the autoencoder.
    pub hidden: Vec<usize>,
    /// How often the autoencoder goes through its rows.
    pub epochs: usize,
    /// Learning rate of the autoencoder.
    pub learning_rate: f32,
    /// Trees of the isolation forest.
    pub trees: usize,
    /// Lines each tree is grown from, 8 to 256.
    pub sample: usize,
    /// Principal components that a row is written down in by the model `pca`.
    pub components: usize,
    /// Lines of a source before its forest is grown.
    pub min_train: u64,
    /// Lines of a source before ordinary surprise may flag; rules of three decades and more flag at once.
    pub silent: u64,
    /// Lines of a source after which everything counted is halved, so that old habits fade.
    pub halve_every: u64,
    /// Sources with a state of their own, each at most 12 MiB; further ones share these.
    pub max_sources: usize,
}

impl Default for DetectConfig {
    fn default() -> Self {
        DetectConfig {
            seed: 0x10_6a_2d,
            alert_budget: 0.01,
            session_budget: 0.03,
            threshold: None,
            session_threshold: None,
            is_stated: false,
            all_sessions: false,
            kind: ModelKind::IsolationForest,
            contamination: 0.0,
            hidden: vec![12, 5, 12],
            epochs: 30,
            learning_rate: 0.003,
            trees: 100,
            sample: 256,
            components: 5,
            min_train: 1_000,
            silent: 500,
            halve_every: 50_000,
            max_sources: 16,
        }
    }
}

impl DetectConfig {
    /// Every setting in one line, for hashes.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What decides flags, in words.
    pub fn flagging(&self) -> String {
        match self.threshold {
            Some(least) => format!("scores of {least} and more, a fixed threshold"),
            None => format!("the highest scores, within a budget of {} of all records", self.alert_budget),
        }
    }

    /// Whether every setting is within its bounds; else a sentence that says which is not.
    pub fn check(&self) -> Result<(), String> {
        let share = |share: f64, most: f64| (0.0..=most).contains(&share);
        let at_most_one = |score: Option<f32>| score.is_none_or(|score| (0.0..=1.0).contains(&score));
        let checks = [
            (share(self.alert_budget, 1.0), "the alert budget must be from 0 to 1"),
            (share(self.session_budget, 1.0), "the budget of sessions must be from 0 to 1"),
            (at_most_one(self.threshold), "the threshold must be from 0 to 1"),
            (at_most_one(self.session_threshold), "the threshold of sessions must be from 0 to 1"),
            (share(self.contamination, 0.5), "the contamination must be from 0 to 0.5"),
            ((1..=1_000).contains(&self.trees), "a forest has 1 to 1,000 trees"),
            ((8..=256).contains(&self.sample), "a tree is grown from 8 to 256 lines"),
            (self.hidden.len() <= 8, "an autoencoder has at most 8 hidden layers"),
            (self.hidden.iter().all(|units| (1..=256).contains(units)), "a hidden layer has 1 to 256 units"),
            (self.epochs <= 10_000, "an autoencoder goes through its rows at most 10,000 times"),
            (self.learning_rate > 0.0 && self.learning_rate <= 1.0, "the learning rate must be above 0 and at most 1"),
            ((1..FEATURES).contains(&self.components), "there are 1 to 21 principal components"),
            ((1..=1_024).contains(&self.max_sources), "1 to 1,024 sources have a state of their own"),
        ];
        checks.into_iter().find(|(is_met, _)| !is_met).map_or(Ok(()), |(_, sentence)| Err(sentence.to_owned()))
    }
}
