//! Rates over a short and a long memory, and how surprising a count is against what was expected.

use super::numbers::ln;

/// Memory of the short rate, in seconds.
const SHORT: f32 = 60.0;
/// Memory of the long rate, in seconds.
const LONG: f32 = 3_600.0;

/// Exponentially fading counts over a minute and an hour.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Rate {
    short: f32,
    long: f32,
    last: f64,
}

impl Rate {
    /// Whether anything was counted.
    pub fn has_begun(&self) -> bool {
        self.long > 0.0
    }

    /// Counts one event at `now` (seconds); gives the surprise of the last minute against the hour before, in nats.
    ///
    /// `watched` is how much of an hour the source has been watched ([`watched`]); `usual` the least number expected in a
    /// minute.
    pub fn observe(&mut self, now: f64, watched: f32, usual: f32) -> f32 {
        let passed = (now - self.last).clamp(0.0, 1e9) as f32;
        self.last = self.last.max(now);
        self.short *= (-passed / SHORT).exp();
        self.long *= (-passed / LONG).exp();
        let expected = (self.long * SHORT / watched).max(usual);
        self.short += 1.0;
        self.long += 1.0;
        excess(self.short, expected)
    }
}

/// The memory of the long rate that is filled after `age` seconds, in seconds.
pub(super) fn watched(age: f64) -> f32 {
    (LONG * (1.0 - (-(age as f32) / LONG).exp())).max(SHORT)
}

/// Surprise of `count` events where `expected` were, in nats: k ln(k/L) - k + L for k > L, of a Poisson tail (Chernoff).
pub(super) fn excess(count: f32, expected: f32) -> f32 {
    if count <= expected || expected <= 0.0 {
        return 0.0;
    }
    count * ln(count / expected) - count + expected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_surprises_and_a_steady_stream_does_not() {
        let mut rate = Rate::default();
        for second in 0..7_200 {
            let surprise = rate.observe(f64::from(second), watched(f64::from(second)), 0.5);
            assert!(surprise < 2.0, "{second} {surprise}");
        }
        let burst = (0..300).map(|_| rate.observe(7_200.0, LONG, 0.5)).last();
        assert!(burst.unwrap() > 100.0);
    }
}
