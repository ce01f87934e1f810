//! A bounded table of decaying counts: the memory of every feature that asks how often something was seen.

use serde::{Deserialize, Serialize};

/// Cells looked at for one key.
const WAYS: usize = 4;

/// One counted key; `count` 0 is an empty cell.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Cell {
    tag: u32,
    count: f32,
}

/// Counts by 64-bit key in at most `limit` cells.
///
/// Keys are folded to 32 bits and kept in groups of four cells; the table doubles while it may, then the smallest count of
/// a full group gives way. Two keys that fold alike are counted as one: rare, harmless, and the same in every run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Counts {
    groups: Vec<[Cell; WAYS]>,
    limit: usize,
}

impl Counts {
    /// An empty table of at most `limit` cells of 8 bytes; `limit` is rounded up to a power of two.
    pub fn new(limit: usize) -> Self {
        Counts { groups: vec![[Cell::default(); WAYS]; 16], limit: limit.next_power_of_two().max(64) }
    }

    /// Whether it is a table that [`Counts::new`] with this limit can have become.
    pub fn is_sound(&self, limit: usize) -> bool {
        let cells = self.groups.len().saturating_mul(WAYS);
        self.limit == Counts::new(limit).limit
            && self.groups.len().is_power_of_two()
            && (64..=self.limit).contains(&cells)
    }

    /// How often `key` was counted.
    pub fn get(&self, key: u64) -> f32 {
        let tag = fold(key);
        let group = self.groups.get(self.place(tag)).into_iter().flatten();
        group.into_iter().find(|cell| cell.tag == tag).map_or(0.0, |cell| cell.count)
    }

    /// Counts `key` once more and gives the count before.
    pub fn add(&mut self, key: u64) -> f32 {
        let tag = fold(key);
        loop {
            let place = self.place(tag);
            let growable = self.groups.len() * WAYS < self.limit;
            let Some(group) = self.groups.get_mut(place) else { return 0.0 };
            if let Some(cell) = group.iter_mut().find(|cell| cell.tag == tag && cell.count > 0.0) {
                let before = cell.count;
                cell.count += 1.0;
                return before;
            }
            if let Some(cell) = group.iter_mut().find(|cell| cell.count == 0.0) {
                *cell = Cell { tag, count: 1.0 };
                return 0.0;
            }
            if !growable {
                if let Some(least) = group.iter_mut().min_by(|a, b| a.count.total_cmp(&b.count)) {
                    *least = Cell { tag, count: 1.0 };
                }
                return 0.0;
            }
            self.grow();
        }
    }

    /// Halves every count and forgets what falls below one half.
    pub fn halve(&mut self) {
        for cell in self.groups.iter_mut().flatten() {
            cell.count *= 0.5;
            if cell.count < 0.5 {
                *cell = Cell::default();
            }
        }
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.groups.capacity() * size_of::<[Cell; WAYS]>()
    }

    fn place(&self, tag: u32) -> usize {
        (tag.wrapping_mul(0x9e37_79b1) >> 8) as usize & (self.groups.len() - 1)
    }

    fn grow(&mut self) {
        let doubled = vec![[Cell::default(); WAYS]; self.groups.len() * 2];
        let old = std::mem::replace(&mut self.groups, doubled);
        for cell in old.into_iter().flatten().filter(|cell| cell.count > 0.0) {
            let place = self.place(cell.tag);
            if let Some(group) = self.groups.get_mut(place)
                && let Some(free) = group.iter_mut().find(|free| free.count == 0.0)
            {
                *free = cell;
            }
        }
    }
}

/// Folds a key to 32 bits, never 0.
fn fold(key: u64) -> u32 {
    ((key ^ (key >> 32)) as u32).max(1)
}

/// Mixes two keys into one.
pub(super) fn pair(first: u64, second: u64) -> u64 {
    let mixed = (first ^ second.rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_kept_through_growth_and_halved() {
        let mut counts = Counts::new(4_096);
        for round in 0..4 {
            for key in 0..500u64 {
                assert_eq!(counts.add(pair(key, 1)), round as f32, "{key}");
            }
        }
        counts.halve();
        assert_eq!(counts.get(pair(7, 1)), 2.0);
        assert_eq!(counts.get(pair(7, 2)), 0.0);
    }

    #[test]
    fn a_flood_of_keys_stays_in_bounds_and_spares_what_is_frequent() {
        let mut counts = Counts::new(1_024);
        for _ in 0..1_000 {
            counts.add(42);
        }
        for key in 0..200_000u64 {
            counts.add(pair(key, 3));
        }
        assert!(counts.bytes() <= 1_024 * 8);
        assert_eq!(counts.get(42), 1_000.0);
    }
}
