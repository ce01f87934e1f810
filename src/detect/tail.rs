//! How rare a value of a feature is among its past values, in decades.

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
    counts: [u32; BUCKETS],
    seen: u32,
    most: f32,
}

impl Tail {
    /// An empty tail that says at most `most` decades.
    pub fn new(most: f32) -> Self {
        Tail { counts: [0; BUCKETS], seen: 0, most }
    }

    /// Decades of rarity of `value`: -log10 of the share of past values in the same or a higher bucket; then keeps it.
    pub fn observe(&mut self, value: f32) -> f32 {
        let bucket = bucket(value);
        let decades = self.decades(bucket);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.seen += 1;
        decades
    }

    fn decades(&self, bucket: usize) -> f32 {
        if bucket == 0 || self.seen < SILENT {
            return 0.0;
        }
        let beyond: u32 = self.counts.get(bucket..).unwrap_or_default().iter().sum();
        let share = (beyond as f32 + 1.0) / (self.seen as f32 + 1.0);
        (-share.log10()).clamp(0.0, self.most)
    }

    /// How many of the past values lie in the same or a higher bucket, and how many there are.
    pub fn rank(&self, value: f32) -> (u32, u32) {
        let beyond = self.counts.get(bucket(value)..).unwrap_or_default().iter().sum();
        (beyond, self.seen)
    }

    /// Halves the past.
    pub fn halve(&mut self) {
        self.seen = 0;
        for count in &mut self.counts {
            *count /= 2;
            self.seen += *count;
        }
    }
}

fn bucket(value: f32) -> usize {
    if value <= 0.0 || value.is_nan() {
        return 0;
    }
    ((SCALE * value.ln_1p()) as usize).min(BUCKETS - 1)
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
