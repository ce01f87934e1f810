//! What is known of one kind of lines, and of the values at its places.

use crate::detect::numbers::{Spread, ln};
use crate::detect::rate::Rate;
use serde::{Deserialize, Serialize};

/// What is known of one kind of lines: a template, or of requests a method, path and class of status.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct KindStat {
    pub count: f32,
    pub last: u64,
    #[serde(skip)]
    pub rate: Rate,
    #[serde(skip)]
    pub in_window: u16,
    /// What is known of the values in its template, by their number.
    pub places: Vec<Place>,
}

/// What is known of the values at one place of a template.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Place {
    pub seen: f32,
    pub distinct: f32,
    pub usual: f32,
    pub number: Spread,
}

impl Place {
    /// Surprise of a value seen `count` times here beyond what is usual here, in nats (Witten-Bell).
    pub fn surprise(&mut self, count: f32) -> f32 {
        let surprise = witten_bell(count, self.seen, self.distinct, 1.0);
        let excess = if self.seen > 0.0 { (surprise - self.usual).max(0.0) } else { 0.0 };
        self.seen += 1.0;
        self.distinct += if count == 0.0 { 1.0 } else { 0.0 };
        self.usual += (surprise - self.usual) / self.seen.min(500.0);
        excess
    }
}

/// -ln of the Witten-Bell estimate: what was seen `count` of `seen` times has count / (seen + distinct); what is new shares
/// distinct / (seen + distinct) with `unseen` others (I. Witten, T. Bell, 1991).
pub(super) fn witten_bell(count: f32, seen: f32, distinct: f32, unseen: f32) -> f32 {
    let total = seen + distinct;
    if total <= 0.0 {
        return 0.0;
    }
    let share = if count > 0.0 { count / total } else { distinct.max(0.5) / total / unseen.max(1.0) };
    (-ln(share.min(1.0))).max(0.0)
}
