//! How rare a value of a feature is among its past values, in decades.

use super::numbers::ln;

/// Buckets of a tail.
const BUCKETS: usize = 128;
/// Buckets per e-fold of 1 + value.
const SCALE: f32 = 24.0;
/// Values before a tail says anything.
const SILENT: u32 = 50;
/// Most decades a tail says.
pub(super) const MOST: f32 = 3.0;

/// The past of one feature as a histogram over ln(1 + value).
#[derive(Debug, Clone)]
pub(super) struct Tail {
    /// How many past values lie in this or a higher bucket.
    beyond: [u32; BUCKETS],
    seen: u32,
    most: f32,
}

impl Tail {
    /// An empty tail that says at most `most` decades.
    pub fn new(most: f32) -> Self {
        Tail { beyond: [0; BUCKETS], seen: 0, most }
    }

    /// Decades of rarity of `value`: -log10 of the share of past values in the same or a higher bucket; then keeps it.
    pub fn observe(&mut self, value: f32) -> f32 {
        let bucket = bucket(value);
        let decades = self.decades(bucket);
        // Wrapping, so that the loop is a few vector instructions; the counts are halved long before they could wrap.
        self.beyond.iter_mut().take(bucket + 1).for_each(|count| *count = count.wrapping_add(1));
        self.seen = self.seen.saturating_add(1);
        decades
    }

    fn decades(&self, bucket: usize) -> f32 {
        if bucket == 0 || self.seen < SILENT {
            return 0.0;
        }
        let beyond = self.beyond.get(bucket).copied().unwrap_or(0);
        let share = (beyond as f32 + 1.0) / (self.seen as f32 + 1.0);
        (-ln(share) * std::f32::consts::LOG10_E).clamp(0.0, self.most)
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
}
