//! Rates over a short and a long memory, and how surprising a count is against what was expected.

/// Memory of the short rate, in seconds.
const SHORT: f32 = 60.0;
/// Memory of the long rate, in seconds.
const LONG: f32 = 3_600.0;

/// Exponentially fading counts over a minute and an hour.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rate {
    short: f32,
    long: f32,
    last: f64,
}

impl Rate {
    /// Counts one event at `now` (seconds); gives the surprise of the last minute against the hour before, in nats.
    ///
    /// `age` is how long the source has been watched, in seconds; `usual` the least number expected in a minute.
    pub fn observe(&mut self, now: f64, age: f64, usual: f32) -> f32 {
        let passed = (now - self.last).clamp(0.0, 1e9) as f32;
        self.last = self.last.max(now);
        self.short *= (-passed / SHORT).exp();
        self.long *= (-passed / LONG).exp();
        let watched = (age as f32).clamp(SHORT, LONG);
        let expected = (self.long * SHORT / watched).max(usual);
        self.short += 1.0;
        self.long += 1.0;
        excess(self.short, expected)
    }
}

/// Surprise of `count` events where `expected` were, in nats: k ln(k/L) - k + L for k > L, of a Poisson tail (Chernoff).
pub(super) fn excess(count: f32, expected: f32) -> f32 {
    if count <= expected || expected <= 0.0 {
        return 0.0;
    }
    count * (count / expected).ln() - count + expected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_surprises_and_a_steady_stream_does_not() {
        let mut rate = Rate::default();
        for second in 0..7_200 {
            let surprise = rate.observe(f64::from(second), f64::from(second), 0.5);
            assert!(second < 300 || surprise < 2.0, "{second} {surprise}");
        }
        let burst = (0..300).map(|_| rate.observe(7_200.0, 7_200.0, 0.5)).last();
        assert!(burst.unwrap() > 100.0);
    }
}
