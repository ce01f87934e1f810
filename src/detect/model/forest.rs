//! An isolation forest: seeded, complete trees, flattened, walked without branches.
//!
//! F. T. Liu, K. M. Ting, Z.-H. Zhou, "Isolation Forest", ICDM 2008. Every tree has all its levels: a node that can't be
//! split sends everything left, and the leaves below it carry the depth at which the split ended.

use super::{Joint, Row};
use crate::detect::feature::FEATURES;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};
use serde_big_array::BigArray;

/// Most trees of a forest.
pub(in crate::detect) const MOST_TREES: usize = 1_000;
/// Levels of a tree: enough for samples of 256.
const DEPTH: usize = 8;
/// Leaves of a tree.
const LEAVES: usize = 1 << DEPTH;
/// Features rounded up to a power of two, so that an index can be masked.
const ROOM: usize = FEATURES.next_power_of_two();

/// One complete tree of 3 KiB.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Tree {
    /// Inner nodes level by level, from 1: feature and threshold.
    #[serde(with = "BigArray")]
    splits: [(u32, f32); LEAVES],
    /// Path lengths at the leaves.
    #[serde(with = "BigArray")]
    leaves: [f32; LEAVES],
}

/// A grown forest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::detect) struct Forest {
    trees: Vec<Tree>,
    /// Path length that makes the score one half.
    normal: f32,
}

impl Forest {
    /// Grows `trees` trees from samples of at most 256 of `rows`; `None` where there are fewer than 8 rows.
    pub fn grow(rows: &[Row], trees: usize, sample: usize, seed: u64) -> Option<Forest> {
        let sample = sample.clamp(8, LEAVES).min(rows.len());
        let trees = trees.min(MOST_TREES);
        if rows.len() < 8 || trees == 0 {
            return None;
        }
        let mut random = StdRng::seed_from_u64(seed);
        let mut chosen: Vec<Row> = Vec::with_capacity(sample);
        let trees = (0..trees)
            .map(|_| {
                chosen.clear();
                chosen.extend((0..sample).filter_map(|_| rows.get(random.random_range(0..rows.len())).copied()));
                Tree::grow(&mut chosen, &mut random)
            })
            .collect();
        Some(Forest { trees, normal: average_path(sample) })
    }

    /// Anomaly score of a row, 0 to 1; a half is ordinary.
    #[allow(
        clippy::indexing_slicing,
        reason = "hot: every index is masked to the size of its array, a power of two, so no check is left at run time"
    )]
    pub fn score(&self, row: &Row) -> f32 {
        let mut wide = [0.0f32; ROOM];
        wide.iter_mut().zip(row).for_each(|(to, from)| *to = *from);
        let mut sum = 0.0;
        for tree in &self.trees {
            let mut node = 1usize;
            for _ in 0..DEPTH {
                let (feature, threshold) = tree.splits[node & (LEAVES - 1)];
                node = (node << 1) | usize::from(wide[feature as usize & (ROOM - 1)] >= threshold);
            }
            sum += tree.leaves[node & (LEAVES - 1)];
        }
        (-(sum / self.trees.len() as f32) / self.normal * std::f32::consts::LN_2).exp()
    }
}

impl Joint for Forest {
    fn value(&self, row: &Row) -> f32 {
        // The scale of tails is ln(1 + value): scores of 0 to 1 are spread over it.
        ((self.score(row) - 0.3).max(0.0) * 6.0).exp_m1()
    }

    fn is_sound(&self) -> bool {
        (1..=MOST_TREES).contains(&self.trees.len()) && self.normal > 0.0
    }

    fn bytes(&self) -> usize {
        self.trees.capacity() * size_of::<Tree>()
    }
}

impl Tree {
    /// Grows a tree by splitting ranges of `rows`; a stack of ranges instead of recursion.
    fn grow(rows: &mut [Row], random: &mut StdRng) -> Tree {
        let mut tree = Tree { splits: [(0, f32::INFINITY); LEAVES], leaves: [0.0; LEAVES] };
        // Node, its level, its rows, and the path length where splitting has ended above.
        let mut open = vec![(1usize, 0usize, 0..rows.len(), None::<f32>)];
        while let Some((node, level, range, ended)) = open.pop() {
            let here = rows.get_mut(range.clone()).unwrap_or_default();
            if level == DEPTH {
                if let Some(leaf) = tree.leaves.get_mut(node - LEAVES) {
                    *leaf = ended.unwrap_or(level as f32 + average_path(here.len()));
                }
                continue;
            }
            let split = if ended.is_none() { choose(here, random) } else { None };
            let middle = match split {
                Some((feature, threshold)) => {
                    if let Some(slot) = tree.splits.get_mut(node) {
                        *slot = (feature as u32, threshold);
                    }
                    range.start + partition(here, feature, threshold)
                }
                None => range.end,
            };
            let ended = ended.or_else(|| split.is_none().then(|| level as f32 + average_path(here.len())));
            open.push((2 * node, level + 1, range.start..middle, ended));
            open.push((2 * node + 1, level + 1, middle..range.end, ended));
        }
        tree
    }
}

/// A random feature that differs among the rows, and a random threshold between its ends; `None` where none differs.
fn choose(rows: &[Row], random: &mut StdRng) -> Option<(usize, f32)> {
    if rows.len() < 2 {
        return None;
    }
    let first = random.random_range(0..FEATURES);
    (0..FEATURES).map(|step| (first + step * 7) % FEATURES).find_map(|feature| {
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        for value in rows.iter().filter_map(|row| row.get(feature)) {
            low = low.min(*value);
            high = high.max(*value);
        }
        (high > low).then(|| (feature, low + (high - low) * (1.0 - random.random::<f32>())))
    })
}

/// Moves the rows below the threshold to the front and gives their number.
fn partition(rows: &mut [Row], feature: usize, threshold: f32) -> usize {
    let mut below = 0;
    for index in 0..rows.len() {
        if rows.get(index).and_then(|row| row.get(feature)).is_some_and(|value| *value < threshold) {
            rows.swap(below, index);
            below += 1;
        }
    }
    below
}

/// Mean path length of an unsuccessful search in a binary tree of `count` rows.
fn average_path(count: usize) -> f32 {
    match count {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let last = (count - 1) as f32;
            2.0 * (last.ln() + 0.577_215_7) - 2.0 * last / count as f32
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(seed: u64) -> Vec<Row> {
        let mut random = StdRng::seed_from_u64(seed);
        (0..1_000).map(|_| std::array::from_fn(|_| random.random::<f32>())).collect()
    }

    #[test]
    fn an_outlier_ranks_first_and_the_same_seed_gives_the_same_scores() {
        let rows = rows(3);
        let forest = Forest::grow(&rows, 100, 256, 1).unwrap();
        let again = Forest::grow(&rows, 100, 256, 1).unwrap();
        let outlier: Row = [3.0; FEATURES];
        let odd = forest.score(&outlier);
        for row in &rows {
            assert!(forest.score(row) < odd, "{} {odd}", forest.score(row));
            assert_eq!(forest.score(row), again.score(row));
        }
    }

    #[test]
    fn equal_rows_grow_a_forest_that_finds_nothing() {
        let forest = Forest::grow(&vec![[1.0; FEATURES]; 300], 10, 256, 1).unwrap();
        assert_eq!(forest.score(&[1.0; FEATURES]), forest.score(&[9.0; FEATURES]));
        assert!(Forest::grow(&[], 10, 256, 1).is_none());
    }
}
