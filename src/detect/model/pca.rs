//! Principal components: the few directions in which rows usually differ. What is left of a row beside them says how odd it is
//! (W. Xu and others, "Detecting Large-Scale System Problems by Mining Console Logs", SOSP 2009).
//!
//! The covariances of 22 features are a small matrix; its eigenvectors come from smartcore. Same rows, same bytes.

use super::{Joint, Row};
use crate::detect::feature::FEATURES;
use serde::{Deserialize, Serialize};
use smartcore::linalg::basic::arrays::Array;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linalg::traits::evd::EVDDecomposable;

/// Fewest rows that covariances are made of.
const FEWEST_ROWS: usize = 8;

/// The usual row and the directions in which others differ from it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::detect) struct Pca {
    mean: Row,
    /// Of length one, at right angles to one another.
    directions: Vec<Row>,
}

impl Pca {
    /// Finds the `components` directions of the greatest variance; `None` for fewer than 8 rows, or where they can't be found.
    pub fn fit(rows: &[Row], components: usize) -> Option<Pca> {
        if rows.len() < FEWEST_ROWS {
            return None;
        }
        let mean: [f64; FEATURES] = std::array::from_fn(|at| {
            rows.iter().filter_map(|row| row.get(at)).map(|value| f64::from(*value)).sum::<f64>() / rows.len() as f64
        });
        let mut covariances = vec![vec![0.0f64; FEATURES]; FEATURES];
        for row in rows {
            for ((line, a), mean_a) in covariances.iter_mut().zip(row).zip(&mean) {
                for ((sum, b), mean_b) in line.iter_mut().zip(row).zip(&mean) {
                    *sum += (f64::from(*a) - mean_a) * (f64::from(*b) - mean_b) / rows.len() as f64;
                }
            }
        }
        let found = DenseMatrix::from_2d_vec(&covariances).ok()?.evd(true).ok()?;
        let mut order: Vec<(f64, usize)> =
            found.d.iter().copied().enumerate().map(|(column, variance)| (variance, column)).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let direction = |(_, column): (f64, usize)| std::array::from_fn(|at| *found.V.get((at, column)) as f32);
        let directions: Vec<Row> = order.into_iter().take(components.clamp(1, FEATURES - 1)).map(direction).collect();
        let fitted = Pca { mean: mean.map(|value| value as f32), directions };
        fitted.is_sound().then_some(fitted)
    }
}

impl Joint for Pca {
    /// The squared length of what the directions do not explain, in decades squared.
    fn value(&self, row: &Row) -> f32 {
        let mut rest: Row = std::array::from_fn(|at| row.get(at).unwrap_or(&0.0) - self.mean.get(at).unwrap_or(&0.0));
        for direction in &self.directions {
            let along: f32 = rest.iter().zip(direction).map(|(value, part)| value * part).sum();
            rest.iter_mut().zip(direction).for_each(|(value, part)| *value -= along * part);
        }
        rest.iter().map(|value| value * value).sum()
    }

    fn is_sound(&self) -> bool {
        (1..FEATURES).contains(&self.directions.len())
            && self.directions.iter().flatten().chain(&self.mean).all(|value| value.is_finite())
    }

    fn bytes(&self) -> usize {
        self.directions.capacity() * size_of::<Row>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows in which the odd places are the reverse of the even ones.
    fn rows() -> Vec<Row> {
        let row = |number: u32| {
            let level = (number * 37 % 101) as f32 / 101.0;
            std::array::from_fn(|at| if at % 2 == 0 { level } else { 1.0 - level })
        };
        (0..300).map(row).collect()
    }

    #[test]
    fn what_breaks_the_pattern_is_odder_than_what_keeps_it() {
        let pca = Pca::fit(&rows(), 2).unwrap();
        let usual = rows().iter().map(|row| pca.value(row)).fold(0.0, f32::max);
        let broken: Row = std::array::from_fn(|at| if at < 6 { 0.9 } else { 0.1 });
        assert!(usual < 1e-6 && pca.value(&broken) > 0.5, "{usual} {}", pca.value(&broken));
    }

    #[test]
    fn rows_that_are_all_the_same_and_too_few_rows_hurt_nothing() {
        let pca = Pca::fit(&[[1.0; FEATURES]; 9], 5).unwrap();
        assert!(pca.is_sound() && pca.value(&[1.0; FEATURES]) == 0.0);
        assert!(Pca::fit(&[[0.0; FEATURES]; 7], 5).is_none());
    }
}
