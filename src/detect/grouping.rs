//! Which incidents are alike: clusters of their reasons (DBSCAN by smartcore).

use smartcore::algorithm::neighbour::KNNAlgorithmName;
use smartcore::cluster::dbscan::{DBSCAN, DBSCANParameters};
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::metrics::distance::euclidian::Euclidian;

/// Most vectors that are compared with one another; the effort grows with the square.
pub const MOST_GROUPED: usize = 2_048;

/// The group of each vector, numbered from 0 by first member. Vectors have one length; those no further apart than `within`,
/// directly or by way of others, are one group. Vectors beyond [`MOST_GROUPED`] are groups of their own.
pub fn alike(vectors: &[Vec<f32>], within: f64) -> Vec<usize> {
    let compared: Vec<Vec<f32>> = vectors.iter().take(MOST_GROUPED).cloned().collect();
    let labels = labels(&compared, within).unwrap_or_else(|| (0..compared.len() as u32).collect());
    let mut order: Vec<u32> = Vec::new();
    let mut groups: Vec<usize> = labels
        .into_iter()
        .map(|label| {
            order.iter().position(|known| *known == label).unwrap_or_else(|| {
                order.push(label);
                order.len() - 1
            })
        })
        .collect();
    let next = order.len();
    groups.extend((compared.len()..vectors.len()).map(|number| next + number - compared.len()));
    groups
}

fn labels(vectors: &[Vec<f32>], within: f64) -> Option<Vec<u32>> {
    let width = vectors.first()?.len();
    if width == 0 || vectors.iter().any(|vector| vector.len() != width) {
        return None;
    }
    let matrix = DenseMatrix::from_2d_vec(&vectors.to_vec()).ok()?;
    let parameters =
        DBSCANParameters::default().with_eps(within).with_min_samples(1).with_algorithm(KNNAlgorithmName::LinearSearch);
    let found: DBSCAN<f32, u32, DenseMatrix<f32>, Vec<u32>, Euclidian<f32>> = DBSCAN::fit(&matrix, parameters).ok()?;
    found.predict(&matrix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_one_group_and_numbers_follow_the_first_members() {
        let vectors = vec![vec![0.0, 1.0], vec![1.0, 0.0], vec![0.1, 0.9], vec![0.9, 0.1], vec![0.7, 0.7]];
        assert_eq!(alike(&vectors, 0.3), [0, 1, 0, 1, 2]);
        assert_eq!(alike(&[], 0.3), Vec::<usize>::new());
        assert_eq!(alike(&[vec![], vec![]], 0.3), [0, 1]);
    }
}
