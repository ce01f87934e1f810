//! What lines are measured by beside their wording: the order of events, codes, and what entities do.

use super::Profile;
use super::place::witten_bell;
use crate::detect::counts::pair;
use crate::detect::feature::Feature;
use crate::detect::measure::Measure;
use crate::detect::numbers::ln;
use crate::detect::request::Request;
use crate::detect::rules::{Hits, Rule};
use crate::detect::{Event, SessionKey, entity};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

impl Profile {
    /// Surprise of the template after the previous one of the same session.
    pub(super) fn order(&mut self, event: &Event<'_>, request: &Request<'_>, measure: &mut Measure) {
        let session = match event.session {
            SessionKey::Named(name) => Some(name),
            SessionKey::None => None,
            SessionKey::Found if request.is_request() => entity::actor(&event.fields, event.message, &event.template),
            SessionKey::Found => entity::session(&event.fields, event.message, &event.template),
        };
        let session = session.map(xxh3_64);
        measure.session = session;
        let step = [event.template.hash, self.kind];
        let as_sibling = self.sibling.as_ref().map(|sibling| sibling.template);
        let previous = std::mem::replace(self.sessions.touch(session.unwrap_or(0)), step);
        if session.is_none() && previous == [0; 2] {
            // The first line of a run follows nothing that is known.
            return;
        }
        let mut surprises = [0.0f32; 2];
        for (surprise, (before, now)) in surprises.iter_mut().zip(previous.into_iter().zip(step)) {
            let count = self.orders.add(pair(before, now));
            let seen = self.order_totals.add(pair(before, 5));
            let distinct = if count == 0.0 {
                self.order_totals.add(pair(before, 6))
            } else {
                self.order_totals.get(pair(before, 6))
            };
            let count = as_sibling.map_or(count, |sibling| count.max(self.orders.get(pair(before, sibling))));
            *surprise = witten_bell(count, seen, distinct, self.kinds.len() as f32);
            if !request.is_request() {
                // Template and kind are one.
                surprises = [*surprise; 2];
                break;
            }
        }
        let [coarse, fine] = surprises;
        measure.set(Feature::Order, coarse);
        measure.set(Feature::OddOrder, (fine - self.order_usual).max(0.0));
        self.order_usual += (fine - self.order_usual) / (self.total.min(500) + 1) as f32;
    }

    /// Method with status, and level.
    pub(super) fn codes(&mut self, request: &Request<'_>, measure: &mut Measure) {
        if !request.status.is_empty() {
            let count = self.statuses.add(xxh3_64_with_seed(request.status, xxh3_64(request.method)));
            measure.set(Feature::Status, -ln((count + 0.5) / (self.lines + 1.0)));
        }
        if request.is_request() {
            let count = self.statuses.add(xxh3_64(request.method));
            measure.set(Feature::Level, -ln((count + 0.5) / (self.lines + 1.0)));
            return;
        }
        let level = measure.level.map_or(9, |level| usize::from(level.code()));
        if let Some(count) = self.levels.get_mut(level) {
            measure.set(Feature::Level, -ln((*count + 0.5) / (self.lines + 1.0)));
            *count += 1.0;
        }
    }

    /// Rates, failures and targets of the entity, and the rules that count over lines.
    pub(super) fn entity(&mut self, event: &Event<'_>, request: &Request<'_>, hits: Hits, measure: &mut Measure) {
        let Some(actor) = entity::actor(&event.fields, event.message, &event.template) else { return };
        let (now, watched) = (self.now, self.watched);
        let refused = hits.has(Rule::AuthFailure);
        let failed = refused || request.failed() || hits.has(Rule::Error) || hits.has(Rule::Critical);
        let entity = self.entities.touch(xxh3_64(actor));
        measure.set(Feature::EntityRate, entity.lines.observe(now, watched, self.entity_usual));
        if !failed {
            return;
        }
        measure.set(Feature::EntityFailures, entity.failures.observe(now, watched, 0.5));
        let target = if request.is_request() { xxh3_64(request.target) } else { event.template.hash };
        let targets = entity.targets.add(target, now);
        measure.set(Feature::EntitySpread, targets.ln().max(0.0));
        if entity.troubles.add(now) >= 5.5 && targets >= 7.5 {
            measure.windowed.add(Rule::Sweep);
        }
        if refused {
            if entity.refusals.add(now) >= 4.5 {
                measure.windowed.add(Rule::BruteForce);
            }
            let account = event.fields.first("user").map_or(event.template.hash, xxh3_64);
            if entity.accounts.add(account, now) >= 7.5 {
                measure.windowed.add(Rule::Spraying);
            }
        }
    }
}
