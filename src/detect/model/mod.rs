//! Models: what judges the rarities of a line as a whole. One trait, four kinds, and how what was learnt is stored.

mod autoencoder;
mod forest;
mod pca;
mod stored;

pub(super) use stored::SourceModel;
pub use stored::{LONGEST as LONGEST_MODEL, Model, ModelError};

use super::config::DetectConfig;
use super::feature::FEATURES;
use autoencoder::Autoencoder;
use forest::Forest;
use pca::Pca;
use serde::{Deserialize, Serialize};

/// One line as a model sees it: the rarity of every feature, in decades.
pub(super) type Row = [f32; FEATURES];

/// Fewest lines of a source that a model is made of.
pub const FEWEST_LINES: u64 = 100;

/// Kinds of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelKind {
    /// Trees that part the odd from the rest in few steps.
    #[default]
    IsolationForest,
    /// A small dense network that can't write down again what it never saw.
    Autoencoder,
    /// The directions in which rows usually differ; what lies beside them is odd.
    Pca,
    /// Nothing is learnt: only what is known beforehand counts.
    Rules,
}

impl ModelKind {
    /// All kinds.
    pub const ALL: [ModelKind; 4] =
        [ModelKind::IsolationForest, ModelKind::Autoencoder, ModelKind::Pca, ModelKind::Rules];

    /// Its name, as typed.
    pub fn name(self) -> &'static str {
        match self {
            ModelKind::IsolationForest => "isolation-forest",
            ModelKind::Autoencoder => "autoencoder",
            ModelKind::Pca => "pca",
            ModelKind::Rules => "rules",
        }
    }
}

/// What a model is asked: how odd a row is as a whole.
pub(super) trait Joint {
    /// How odd, from 0; what a value means is found from its own past, so only the order counts.
    fn value(&self, row: &Row) -> f32;
    /// Whether it is one that can have been learnt.
    fn is_sound(&self) -> bool;
    /// Bytes held.
    fn bytes(&self) -> usize;
}

/// A model that has learnt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Learnt {
    Forest(Forest),
    Autoencoder(Autoencoder),
    Pca(Pca),
}

impl Learnt {
    /// Learns from rows as the configuration says; `None` where there are too few, or the kind learns nothing.
    pub fn fit(config: &DetectConfig, rows: &[Row], seed: u64) -> Option<Learnt> {
        let kept;
        let rows = if config.contamination > 0.0 {
            kept = without_oddest(rows, config.contamination);
            &kept
        } else {
            rows
        };
        match config.kind {
            ModelKind::IsolationForest => Forest::grow(rows, config.trees, config.sample, seed).map(Learnt::Forest),
            ModelKind::Autoencoder => Autoencoder::train(rows, config, seed).map(Learnt::Autoencoder),
            ModelKind::Pca => Pca::fit(rows, config.components).map(Learnt::Pca),
            ModelKind::Rules => None,
        }
    }

    fn model(&self) -> &dyn Joint {
        match self {
            Learnt::Forest(forest) => forest,
            Learnt::Autoencoder(network) => network,
            Learnt::Pca(pca) => pca,
        }
    }
}

impl Joint for Learnt {
    fn value(&self, row: &Row) -> f32 {
        self.model().value(row)
    }

    fn is_sound(&self) -> bool {
        self.model().is_sound()
    }

    fn bytes(&self) -> usize {
        self.model().bytes()
    }
}

/// The rows without the share that is oddest by itself, in their order.
fn without_oddest(rows: &[Row], share: f64) -> Vec<Row> {
    let weight = |row: &Row| row.iter().map(|value| value * value).sum::<f32>();
    let mut weights: Vec<f32> = rows.iter().map(weight).collect();
    weights.sort_unstable_by(f32::total_cmp);
    let keep = ((1.0 - share.clamp(0.0, 0.5)) * rows.len() as f64).ceil() as usize;
    let Some(bound) = keep.checked_sub(1).and_then(|at| weights.get(at)).copied() else { return Vec::new() };
    rows.iter().filter(|row| weight(row) <= bound).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oddest_share_is_left_out_of_what_is_learnt_from() {
        let rows: Vec<Row> = (0..100).map(|number| [number as f32; FEATURES]).collect();
        let kept = without_oddest(&rows, 0.1);
        assert_eq!((kept.len(), kept.last().map(|row| row[0])), (90, Some(89.0)));
        assert!(without_oddest(&[], 0.1).is_empty());
    }
}
