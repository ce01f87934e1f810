//! Incidents: what one alert is about, so that a scan of a thousand requests is told once.
//!
//! An incident is an entity (or, without one, a template) within ten minutes. The threshold is found over the highest
//! score of every such span and not over lines, so a noisy entity can't use up the budget of all others.

use super::entity::Recent;
use super::{Event, entity};
use crate::model::Verdict;
use xxhash_rust::xxh3::xxh3_64;

/// How long an incident lasts after its last line, in seconds.
const COOL_DOWN: f64 = 600.0;
/// Entities remembered.
const ENTITIES: usize = 16_384;
/// Buckets of the histogram of highest scores.
const BUCKETS: usize = 1_024;
/// Lines before anything is raised.
const SILENT: u64 = 500;
/// Incidents that may be raised at once.
const BURST: f64 = 3.0;

/// What a line means to the incidents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alert {
    /// Nothing is to be told.
    None,
    /// A new incident begins: tell it.
    Raised,
    /// The line belongs to an incident that was told already.
    Continued,
}

/// The span of one entity.
#[derive(Debug, Clone, Default)]
struct Span {
    last: f64,
    best: Option<u16>,
    raised: bool,
}

/// Groups odd lines into incidents and keeps their budget; at most about 1 MiB.
#[derive(Debug)]
pub struct Incidents {
    budget: f64,
    spans: Recent<Span>,
    best: Vec<u32>,
    lines: u64,
    tokens: f64,
    now: f64,
}

impl Incidents {
    /// Incidents that raise at most `budget` alerts a line (0 to 1) and three at once beyond that.
    pub fn new(budget: f64) -> Self {
        let spans = Recent::new(ENTITIES);
        Incidents { budget: budget.clamp(0.0, 1.0), spans, best: vec![0; BUCKETS], lines: 0, tokens: BURST, now: 0.0 }
    }

    /// Takes a record with its verdict, in record order, and says whether it begins or continues an incident.
    pub fn observe(&mut self, event: &Event<'_>, verdict: &Verdict) -> Alert {
        self.now = event.time.map_or(self.now + 1.0, |time| time.0 as f64 / 1e9);
        self.lines += 1;
        self.tokens = (self.tokens + self.budget).min(BURST);
        let actor = entity::actor(&event.fields, event.message, &event.template);
        let span = self.spans.touch(actor.map_or(event.template.hash, xxh3_64) ^ u64::from(event.source));
        if self.now - span.last > COOL_DOWN {
            *span = Span::default();
        }
        span.last = span.last.max(self.now);
        let bucket = (f64::from(verdict.score.clamp(0.0, 1.0)) * (BUCKETS - 1) as f64) as u16;
        if span.best.is_none_or(|best| bucket > best) {
            if let Some(count) = span.best.and_then(|best| self.best.get_mut(usize::from(best))) {
                *count = count.saturating_sub(1);
            }
            if let Some(count) = self.best.get_mut(usize::from(bucket)) {
                *count += 1;
            }
            span.best = Some(bucket);
        }
        if span.raised {
            return Alert::Continued;
        }
        if self.lines <= SILENT || self.tokens < 1.0 || beyond(&self.best, bucket) > self.budget * self.lines as f64 {
            return Alert::None;
        }
        span.raised = true;
        self.tokens -= 1.0;
        Alert::Raised
    }
}

/// How many spans reached this score or a higher one.
fn beyond(best: &[u32], bucket: u16) -> f64 {
    best.iter().skip(usize::from(bucket)).map(|count| f64::from(*count)).sum()
}
