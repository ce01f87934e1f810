//! How rare a value of a feature is among its past values, in decades.
//!
//! Two memories are asked: all of the past, and the last thousand values. What is common in either is not rare: after a
//! change for good, what was never seen before is ordinary within some hundred lines, not within the whole past again.

use super::numbers::ln;
use serde::{Deserialize, Serialize};
use serde_big_array::BigArray;

/// Buckets of a tail.
const BUCKETS: usize = 128;
/// Buckets per e-fold of 1 + value.
const SCALE: f32 = 24.0;
/// Values before a tail says anything.
const SILENT: u32 = 50;
/// Values of the recent past; it is halved when it holds so many.
const RECENT: u16 = 1_000;
/// Most decades a tail says.
pub(super) const MOST: f32 = 3.0;

/// The past of one feature as histograms over ln(1 + value).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Tail {
    /// How many past values lie in this or a higher bucket.
    #[serde(with = "BigArray")]
    beyond: [u32; BUCKETS],
    /// The same of the recent past.
    #[serde(with = "BigArray")]
    lately: [u16; BUCKETS],
    seen: u32,
    seen_lately: u16,
    most: f32,
}

impl Tail {
    /// An empty tail that says at most `most` decades.
    pub fn new(most: f32) -> Self {
        Tail { beyond: [0; BUCKETS], lately: [0; BUCKETS], seen: 0, seen_lately: 0, most }
    }

    /// Decades of rarity of `value`: -log10 of the share of past values in the same or a higher bucket; then keeps it.
    pub fn observe(&mut self, value: f32) -> f32 {
        let bucket = bucket(value);
        let decades = self.decades(bucket);
        // Wrapping, so that the loops are a few vector instructions; the counts are halved long before they could wrap.
        self.beyond.iter_mut().take(bucket + 1).for_each(|count| *count = count.wrapping_add(1));
        self.lately.iter_mut().take(bucket + 1).for_each(|count| *count = count.wrapping_add(1));
        self.seen = self.seen.saturating_add(1);
        self.seen_lately = self.seen_lately.saturating_add(1);
        if self.seen_lately >= RECENT {
            self.seen_lately /= 2;
            self.lately.iter_mut().for_each(|count| *count /= 2);
        }
        decades
    }

    fn decades(&self, bucket: usize) -> f32 {
        if bucket == 0 || self.seen < SILENT {
            return 0.0;
        }
        let beyond = self.beyond.get(bucket).copied().unwrap_or(0);
        let lately = self.lately.get(bucket).copied().unwrap_or(0);
        let share = (beyond as f32 + 1.0) / (self.seen as f32 + 1.0);
        // One value is no evidence of a change, so the recent past is asked without the doubt of one.
        let share_lately = f32::from(lately) / (f32::from(self.seen_lately) + 1.0);
        (-ln(share.max(share_lately)) * std::f32::consts::LOG10_E).clamp(0.0, self.most)
    }

    /// How many of the past values lie in the same or a higher bucket, and how many there are.
    pub fn rank(&self, value: f32) -> (u32, u32) {
        (self.beyond.get(bucket(value)).copied().unwrap_or(0), self.seen)
    }

    /// Halves the past.
    pub fn halve(&mut self) {
        self.seen /= 2;
        self.beyond.iter_mut().for_each(|count| *count /= 2);
    }
}

fn bucket(value: f32) -> usize {
    if value <= 0.0 || value.is_nan() {
        return 0;
    }
    ((SCALE * ln(1.0 + value)) as usize).min(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rarity_is_counted_in_decades_and_capped() {
        let mut tail = Tail::new(MOST);
        assert_eq!(tail.observe(9.0), 0.0);
        for _ in 0..98 {
            tail.observe(1.0);
        }
        assert!((tail.observe(5.0) - 1.7).abs() < 0.02);
        for _ in 0..100_000 {
            assert_eq!(tail.observe(0.0), 0.0);
        }
        assert_eq!(tail.observe(150.0), MOST);
    }

    #[test]
    fn what_is_common_lately_is_not_rare_whatever_the_past_was() {
        let mut tail = Tail::new(MOST);
        (0..40_000).for_each(|_| {
            tail.observe(0.5);
        });
        assert!(tail.observe(9.0) > 2.9);
        let after = (0..100).map(|_| tail.observe(9.0)).last().unwrap();
        assert!(after < 1.1, "{after}");
    }
}
