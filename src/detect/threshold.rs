//! Which scores are flagged: a streaming quantile that keeps the alert budget, and a bucket of tokens that enforces it.

use serde::{Deserialize, Serialize};

/// Buckets of the histogram of scores.
const BUCKETS: usize = 2_048;
/// Scores beyond this, in decades, share the last bucket.
const TOP: f32 = 32.0;
/// Scores after which the histogram is halved.
const HALVE_EVERY: u32 = 20_000;
/// Decades below which nothing is odd enough to be flagged, however calm the rest is.
const FLOOR: f32 = 2.0;
/// Lines whose budget may be used at once.
const BURST: f64 = 1_000.0;
/// Lines whose budget grave rules may use on credit while the source is new.
const CREDIT: f64 = 800.0;

/// The threshold of one source.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Threshold {
    budget: f64,
    silent: u64,
    counts: Vec<u32>,
    seen: u32,
    lines: u64,
    tokens: f64,
    bar: usize,
}

impl Threshold {
    /// A threshold that flags at most the share `budget` of lines and is silent for `silent` lines.
    pub fn new(budget: f64, silent: u64) -> Self {
        Threshold {
            budget: budget.clamp(0.0, 1.0),
            silent,
            counts: vec![0; BUCKETS],
            seen: 0,
            lines: 0,
            tokens: (budget.clamp(0.0, 1.0) * BURST).max(1.0),
            bar: BUCKETS,
        }
    }

    /// Whether a score is flagged; then keeps it. `grave` is set where a rule of three decades or more fired.
    ///
    /// Over any stretch of n lines at most budget x (n + 1,000) alerts are raised, and one; grave ones among the first
    /// lines may come on credit (budget x (n + 1,800) in all), which later ones pay back.
    pub fn flags(&mut self, score: f32, grave: bool) -> bool {
        let bucket = bucket(score);
        self.lines += 1;
        self.tokens = (self.tokens + self.budget).min((self.budget * BURST).max(1.0));
        let early = self.lines <= self.silent;
        let odd = bucket > self.bar && score >= FLOOR;
        let raised = if early { grave && self.tokens > -CREDIT * self.budget } else { odd && self.tokens >= 1.0 };
        if raised {
            self.tokens -= 1.0;
        }
        self.keep(bucket);
        raised
    }

    /// Goes on with another budget; tokens begin anew.
    pub fn go_on(&mut self, budget: f64) {
        self.budget = budget.clamp(0.0, 1.0);
        self.tokens = (self.budget * BURST).max(1.0);
        self.settle();
    }

    /// Whether it is one that [`Threshold::new`] can have become.
    pub fn is_sound(&self) -> bool {
        self.counts.len() == BUCKETS && self.lines < u64::MAX / 2
    }

    /// Keeps a score without judging it; [`Threshold::settle`] follows the last of many.
    pub fn learn(&mut self, score: f32) {
        self.lines += 1;
        self.keep(bucket(score));
    }

    /// Finds the bar anew of everything kept.
    pub fn settle(&mut self) {
        self.bar = self.quantile();
    }

    /// Whether a score lies beyond all but the budget of what was kept.
    pub fn is_beyond(&self, score: f32) -> bool {
        self.lines > self.silent && bucket(score) > self.bar
    }

    fn keep(&mut self, bucket: usize) {
        if let Some(count) = self.counts.get_mut(bucket) {
            *count = count.saturating_add(1);
        }
        self.seen = self.seen.saturating_add(1);
        if self.seen >= HALVE_EVERY {
            self.seen = 0;
            for count in &mut self.counts {
                *count /= 2;
                self.seen = self.seen.saturating_add(*count);
            }
        }
        // The bar moves slowly, so it is found anew only now and then.
        if self.lines.is_multiple_of(16) {
            self.bar = self.quantile();
        }
    }

    /// The lowest bucket with no more than the budget beyond it.
    fn quantile(&self) -> usize {
        let allowed = (f64::from(self.seen) * self.budget) as u32;
        let mut beyond = 0u32;
        for (bucket, count) in self.counts.iter().enumerate().rev() {
            beyond = count.saturating_add(beyond);
            if beyond > allowed {
                return bucket;
            }
        }
        0
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.counts.capacity() * size_of::<u32>()
    }
}

fn bucket(score: f32) -> usize {
    ((score.max(0.0) * (BUCKETS as f32 / TOP)) as usize).min(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    #[test]
    fn the_budget_is_kept_on_random_scores() {
        for budget in [0.001, 0.01, 0.03] {
            let mut threshold = Threshold::new(budget, 500);
            let mut random = StdRng::seed_from_u64(5);
            let lines = 100_000;
            let flags = (0..lines).filter(|_| threshold.flags(FLOOR - random.random::<f32>().ln(), false)).count();
            let promised = budget * f64::from(lines);
            assert!((0.5 * promised..=1.3 * promised).contains(&(flags as f64)), "{budget}: {flags}");
        }
    }

    #[test]
    fn a_flood_of_odd_lines_does_not_break_the_budget() {
        let mut threshold = Threshold::new(0.01, 500);
        for _ in 0..5_000 {
            threshold.flags(1.0, false);
        }
        let flags = (0..2_000).filter(|step| threshold.flags(5.0 + *step as f32 * 0.01, true)).count();
        assert!(flags <= 40, "{flags}");
    }

    #[test]
    fn what_is_hardly_odd_is_not_flagged_in_a_calm_log() {
        let mut threshold = Threshold::new(0.01, 500);
        (0..5_000).for_each(|_| {
            threshold.flags(0.0, false);
        });
        assert!(!threshold.flags(1.7, false));
        assert!(threshold.flags(2.3, false));
    }

    #[test]
    fn only_grave_lines_are_flagged_at_first() {
        let mut threshold = Threshold::new(0.01, 500);
        assert!(!threshold.flags(9.0, false));
        assert!(threshold.flags(5.0, true));
    }
}
