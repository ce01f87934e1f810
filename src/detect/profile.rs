//! What is learned of one source: its templates, words, values, spelling, rhythm; each line is measured, then learned.

mod behaviour;
mod place;
mod siblings;
mod upkeep;

pub(super) use siblings::Sibling;
pub(super) use upkeep::is_due;

use super::counts::{Counts, pair};
use super::entity::{self, ByHash, Entity, Recent};
use super::feature::Feature;
use super::measure::{Measure, severity};
use super::numbers::{ln, parse, signed_log};
use super::rate::{excess, watched};
use super::rules::Hits;
use super::wording::Wording;
use super::{Event, request::Request};
use crate::model::SlotKind;
use place::{KindStat, Place};
use serde::{Deserialize, Serialize};
use siblings::Frames;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Kinds of lines kept of a source.
const KINDS: usize = 4_096;
/// Lines until a kind is known well enough to be measured by itself.
const YOUNG: f32 = 32.0;
/// Lines until its spelling is.
const SPELT: f32 = 8.0;
/// Places of a template that are learned.
const PLACES: usize = 24;
/// Entities and sessions kept of a source.
const ENTITIES: usize = 4_096;
/// Lines of the window in which copies are counted.
const WINDOW: usize = 64;

/// Cells of the tables of counts.
const TEXTS: usize = 1 << 13;
const VALUES: usize = 1 << 17;
const MESSAGES: usize = 1 << 15;
const ORDERS: usize = 1 << 14;
const ORDER_TOTALS: usize = 1 << 13;
const STATUSES: usize = 1 << 9;

fn no_window() -> [(u64, u64); WINDOW] {
    [(0, 0); WINDOW]
}

fn nobody<V: Default>() -> Recent<V> {
    Recent::new(ENTITIES)
}

/// Everything learned of one source; at most about 8 MiB.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Profile {
    lines: f32,
    total: u64,
    #[serde(skip)]
    first_time: Option<f64>,
    #[serde(skip)]
    now: f64,
    #[serde(skip)]
    watched: f32,
    #[serde(with = "entity::in_order")]
    kinds: ByHash<KindStat>,
    #[serde(skip)]
    kind: u64,
    /// Whom the line at hand is measured like, where its own template is new.
    #[serde(skip)]
    sibling: Option<Sibling>,
    frames: Frames,
    texts: Counts,
    wording: Wording,
    values: Counts,
    messages: Counts,
    orders: Counts,
    order_totals: Counts,
    statuses: Counts,
    order_usual: f32,
    levels: [f32; 10],
    /// What is bound to a time is not stored: a model may judge what was before it.
    #[serde(skip, default = "no_window")]
    window: [(u64, u64); WINDOW],
    #[serde(skip, default = "nobody")]
    entities: Recent<Entity>,
    #[serde(skip, default = "nobody")]
    sessions: Recent<[u64; 2]>,
    entity_usual: f32,
}

impl Profile {
    /// An empty profile.
    pub fn new() -> Self {
        Profile {
            lines: 0.0,
            total: 0,
            first_time: None,
            now: 0.0,
            watched: 0.0,
            kinds: ByHash::default(),
            kind: 0,
            sibling: None,
            frames: Frames::default(),
            texts: Counts::new(TEXTS),
            values: Counts::new(VALUES),
            messages: Counts::new(MESSAGES),
            orders: Counts::new(ORDERS),
            order_totals: Counts::new(ORDER_TOTALS),
            statuses: Counts::new(STATUSES),
            order_usual: 0.0,
            levels: [0.0; 10],
            wording: Wording::new(),
            window: no_window(),
            entities: nobody(),
            sessions: nobody(),
            entity_usual: 1.0,
        }
    }

    /// Measures a line against everything before it, and learns it. `hits` are the rules its text shows.
    pub fn observe(&mut self, event: &Event<'_>, request: &Request<'_>, hits: Hits, measure: &mut Measure) {
        *measure = Measure { lines: self.lines, level: severity(event), ..Measure::default() };
        self.clock(event);
        self.kind(event, request, measure);
        self.values(event, measure);
        self.wording.observe(event, request, self.sibling.as_ref(), (self.kind, self.lines), measure);
        self.copies(event, measure);
        self.order(event, request, measure);
        self.codes(request, measure);
        self.entity(event, request, hits, measure);
        self.lines += 1.0;
        self.total += 1;
    }

    /// Sets the clock: the time of the line where it has one, else a second a line after the last.
    fn clock(&mut self, event: &Event<'_>) {
        match event.time {
            Some(time) => self.now = time.0 as f64 / 1e9,
            None => self.now += 1.0,
        }
        let first = *self.first_time.get_or_insert(self.now);
        self.watched = watched((self.now - first).max(0.0));
    }

    /// Rarity and rate of the kind of line.
    fn kind(&mut self, event: &Event<'_>, request: &Request<'_>, measure: &mut Measure) {
        self.kind = if request.is_request() { request.kind() } else { kind_of(event, event.template.hash) };
        if self.kinds.len() + 2 > KINDS && !self.kinds.contains_key(&self.kind) {
            self.forget_kinds();
        }
        self.look_for_sibling(event, request);
        let as_sibling = self.sibling.as_ref().and_then(|sibling| self.kinds.get(&kind_of(event, sibling.template)));
        let copies = as_sibling.map_or(0.0, |stat| stat.count);
        let known = self.kinds.len() as f32;
        let stat = self.kinds.entry(self.kind).or_default();
        let copies = copies.max(stat.count);
        measure.copies = copies;
        let fresh = ln((self.lines + known + 1.0) / (known + 1.0));
        measure.set(Feature::New, fresh * (-copies / 8.0).exp());
        // What a model knows has no rate yet: its first line is no burst.
        let is_measured = stat.count < 1.0 || stat.rate.has_begun();
        let surprise = stat.rate.observe(self.now, self.watched, 0.5);
        measure.set(Feature::Burst, if is_measured { surprise } else { 0.0 });
        stat.count += 1.0;
        stat.last = self.total;
    }

    /// Finds whom a line is measured like whose template is new, and learns the frames of templates never seen.
    fn look_for_sibling(&mut self, event: &Event<'_>, request: &Request<'_>) {
        self.sibling = None;
        let count = self.kinds.get(&self.kind).map_or(0.0, |stat| stat.count);
        if count >= YOUNG || request.is_request() {
            return;
        }
        let program = event.fields.first("app").map_or(0, xxh3_64);
        let often = |template| self.kinds.get(&kind_of(event, template)).map_or(0.0, |stat| stat.count);
        self.sibling = self.frames.find(event, program, often);
        self.sibling.iter_mut().for_each(|sibling| sibling.is_spelt = count < SPELT);
        if count < 1.0 {
            self.frames.learn(event, program);
        }
    }

    /// Surprise of the values at their places in the template.
    fn values(&mut self, event: &Event<'_>, measure: &mut Measure) {
        let hash = event.template.hash;
        let copies = self.texts.add(kind_of(event, hash));
        let as_sibling = self.sibling.as_ref().map_or(0.0, |sibling| self.texts.get(kind_of(event, sibling.template)));
        let copies = copies.max(as_sibling);
        measure.set(Feature::Template, -ln((copies + 0.5) / (self.lines + 1.0)));
        let stat = self.kinds.entry(hash).or_default();
        stat.last = self.total;
        if hash != self.kind {
            stat.count += 1.0;
        }
        let (mut sum, mut most, mut furthest) = (0.0f32, 0.0f32, 0.0f32);
        for (index, slot) in event.template.slots.iter().take(PLACES).enumerate() {
            if stat.places.len() <= index {
                stat.places.push(Place::default());
            }
            let Some(place) = stat.places.get_mut(index) else { break };
            let value = slot.of(event.message);
            if slot.kind != SlotKind::Time {
                let key = xxh3_64_with_seed(value, pair(hash, index as u64));
                let excess = place.surprise(self.values.add(key));
                sum += excess;
                if excess > most {
                    most = excess;
                    measure.odd_slot = Some(index);
                }
            }
            if slot.kind == SlotKind::Number
                && let Some(number) = parse(value)
            {
                let surprise = place.number.observe(signed_log(number));
                if surprise > furthest {
                    furthest = surprise;
                    measure.odd_number = Some(index);
                }
            }
        }
        measure.set(Feature::Values, sum);
        measure.set(Feature::OddestValue, most);
        measure.set(Feature::Number, furthest);
    }

    /// Makes room for new kinds: the rarer half goes, of equals the longest unseen.
    fn forget_kinds(&mut self) {
        let mut order: Vec<(f32, u64, u64)> =
            self.kinds.iter().map(|(hash, stat)| (stat.count, stat.last, *hash)).collect();
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        for (_, _, hash) in order.into_iter().take(KINDS / 2) {
            self.kinds.remove(&hash);
        }
    }

    /// Copies of the template and of the whole message among the last lines.
    fn copies(&mut self, event: &Event<'_>, measure: &mut Measure) {
        let kind = self.kind;
        let message = xxh3_64(event.message);
        let place = (self.total % WINDOW as u64) as usize;
        let filled = (self.total as f32).min(WINDOW as f32);
        let same = self.window.iter().filter(|(_, other)| *other == message).count() as f32;
        let leaving = self.window.get(place).map_or(0, |(hash, _)| *hash);
        if let Some(stat) = self.kinds.get_mut(&leaving) {
            stat.in_window = stat.in_window.saturating_sub(1);
        }
        if let Some(slot) = self.window.get_mut(place) {
            *slot = (kind, message);
        }
        let near = self.kinds.get_mut(&kind).map_or(0.0, |stat| {
            stat.in_window += 1;
            f32::from(stat.in_window)
        });
        let share = (measure.copies + 0.5) / (self.lines + 1.0);
        measure.set(Feature::Crowd, excess(near, (filled * share).max(1.0)));
        let copies = self.messages.add(message);
        let share = (copies + 0.5) / (self.lines + 1.0);
        measure.set(Feature::Repeat, excess(same + 1.0, (filled * share).max(1.0)));
    }
}

/// The kind of a line of this template: the same words of another program are another kind.
fn kind_of(event: &Event<'_>, template: u64) -> u64 {
    event.fields.first("app").map_or(template, |app| xxh3_64_with_seed(app, template))
}
