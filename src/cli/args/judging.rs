//! How records are scored and flagged: the arguments that `process`, `score` and `rescore` share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::share;
use crate::engine::{DetectConfig, ModelKind, read_settings};

/// Kinds of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Trees that part the odd from the rest
    IsolationForest,
    /// A small dense network
    Autoencoder,
    /// The directions in which lines usually differ; what lies beside them is odd
    Pca,
    /// Nothing learnt: rules and severity alone
    Rules,
}

impl From<Kind> for ModelKind {
    fn from(kind: Kind) -> ModelKind {
        match kind {
            Kind::IsolationForest => ModelKind::IsolationForest,
            Kind::Autoencoder => ModelKind::Autoencoder,
            Kind::Pca => ModelKind::Pca,
            Kind::Rules => ModelKind::Rules,
        }
    }
}

/// How records are scored and flagged.
#[derive(Debug, Clone, Default, Args)]
pub struct Judging {
    /// Settings of detection, in TOML (README, "Settings"); arguments come before them
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What judges a line as a whole (a model has its kind)
    #[arg(long, value_enum, value_name = "KIND")]
    pub model_kind: Option<Kind>,
    /// Share of the lines that may be flagged, whatever their scores; 0.01 without it (with `score --sessions`: of the
    /// sessions; 0.03)
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub alert_budget: Option<f64>,
    /// Flag whatever scores this (0 to 1) and more, however many that are
    #[arg(long, value_name = "SCORE", value_parser = share, conflicts_with = "alert_budget")]
    pub threshold: Option<f64>,
}

impl Judging {
    /// The configuration that is asked for; `of_sessions`: budget and threshold are those of sessions.
    pub fn settings(&self, of_sessions: bool) -> anyhow::Result<DetectConfig> {
        let mut config = self.config.as_deref().map_or_else(|| Ok(DetectConfig::default()), read_settings)?;
        config.kind = self.model_kind.map_or(config.kind, Into::into);
        let stated = (self.alert_budget, self.threshold.map(|score| score as f32));
        if stated == (None, None) {
            return Ok(config);
        }
        config.is_stated = true;
        let (budget, threshold) = match of_sessions {
            true => (&mut config.session_budget, &mut config.session_threshold),
            false => (&mut config.alert_budget, &mut config.threshold),
        };
        *budget = stated.0.unwrap_or(*budget);
        *threshold = stated.1;
        Ok(config)
    }
}
