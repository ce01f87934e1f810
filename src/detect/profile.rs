//! What is learned of one source: its templates, words, values, spelling, rhythm; each line is measured, then learned.

use super::config::DetectConfig;
use super::counts::{Counts, pair};
use super::entity::{self, ByHash, Entity, Recent};
use super::feature::Feature;
use super::model::Row;
use super::numbers::{Spread, ln, parse, signed_log};
use super::rate::{Rate, excess, watched};
use super::rules::{Hits, Rule};
use super::wording::Wording;
use super::{Event, SessionKey, request::Request};
use crate::model::{Level, SlotKind};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Kinds of lines kept of a source.
const KINDS: usize = 4_096;
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

/// What is known of one kind of lines: a template, or of requests a method, path and class of status.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct KindStat {
    count: f32,
    last: u64,
    #[serde(skip)]
    rate: Rate,
    #[serde(skip)]
    in_window: u16,
    /// What is known of the values in its template, by their number.
    places: Vec<Place>,
}

/// What is known of the values at one place of a template.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Place {
    seen: f32,
    distinct: f32,
    usual: f32,
    number: Spread,
}

/// What a line measured, before it is compared with the past.
#[derive(Debug, Clone, Default)]
pub(super) struct Measure {
    /// The raw value of every feature.
    pub values: Row,
    /// Lines of the source so far (faded), and how many of them had this template.
    pub lines: f32,
    /// How often the template was seen (faded).
    pub copies: f32,
    /// Which slot was the most surprising value, which the most surprising number.
    pub odd_slot: Option<usize>,
    /// Which slot was the number furthest out of its range.
    pub odd_number: Option<usize>,
    /// The rarest constant word as a range of the message.
    pub odd_word: (u32, u32),
    /// The part of a request's path that is rarer than every word, as a range of the target.
    pub odd_part: Option<std::ops::Range<usize>>,
    /// Where the spelling was strangest, as an offset into the text that was measured.
    pub odd_spelling: usize,
    /// Key of the session the line belongs to (of requests: of the client).
    pub session: Option<u64>,
    /// Level of the line.
    pub level: Option<Level>,
    /// Rules that need counting over lines.
    pub windowed: Hits,
}

impl Measure {
    /// Sets the raw value of a feature.
    pub fn set(&mut self, feature: Feature, value: f32) {
        if let Some(slot) = self.values.get_mut(feature as usize) {
            *slot = value;
        }
    }
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
        self.wording.observe(event, request, self.kind, self.lines, measure);
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
        self.kind = match event.fields.first("app") {
            _ if request.is_request() => request.kind(),
            // The same words of another program are another kind of line.
            Some(app) => xxh3_64_with_seed(app, event.template.hash),
            None => event.template.hash,
        };
        if self.kinds.len() + 2 > KINDS && !self.kinds.contains_key(&self.kind) {
            self.forget_kinds();
        }
        let known = self.kinds.len() as f32;
        let stat = self.kinds.entry(self.kind).or_default();
        measure.copies = stat.count;
        let fresh = ln((self.lines + known + 1.0) / (known + 1.0));
        measure.set(Feature::New, fresh * (-stat.count / 8.0).exp());
        measure.set(Feature::Burst, stat.rate.observe(self.now, self.watched, 0.5));
        stat.count += 1.0;
        stat.last = self.total;
    }

    /// Surprise of the values at their places in the template.
    fn values(&mut self, event: &Event<'_>, measure: &mut Measure) {
        let hash = event.template.hash;
        let copies = self.texts.add(if event.fields.first("app").is_some() { self.kind } else { hash });
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

    /// Surprise of the template after the previous one of the same session.
    fn order(&mut self, event: &Event<'_>, request: &Request<'_>, measure: &mut Measure) {
        let session = match event.session {
            SessionKey::Named(name) => Some(name),
            SessionKey::None => None,
            SessionKey::Found if request.is_request() => entity::actor(&event.fields, event.message, &event.template),
            SessionKey::Found => entity::session(&event.fields, event.message, &event.template),
        };
        let session = session.map(xxh3_64);
        measure.session = session;
        let step = [event.template.hash, self.kind];
        let previous = std::mem::replace(self.sessions.touch(session.unwrap_or(0)), step);
        let mut surprises = [0.0f32; 2];
        for (surprise, (before, now)) in surprises.iter_mut().zip(previous.into_iter().zip(step)) {
            let count = self.orders.add(pair(before, now));
            let seen = self.order_totals.add(pair(before, 5));
            let distinct = if count == 0.0 {
                self.order_totals.add(pair(before, 6))
            } else {
                self.order_totals.get(pair(before, 6))
            };
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
    fn codes(&mut self, request: &Request<'_>, measure: &mut Measure) {
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
    fn entity(&mut self, event: &Event<'_>, request: &Request<'_>, hits: Hits, measure: &mut Measure) {
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

    /// Halves everything counted.
    pub fn halve(&mut self) {
        self.lines *= 0.5;
        self.kinds.values_mut().for_each(|stat| {
            stat.count *= 0.5;
            stat.places.iter_mut().for_each(|place| {
                place.seen *= 0.5;
                place.distinct *= 0.5;
            });
        });
        for counts in [
            &mut self.texts,
            &mut self.values,
            &mut self.messages,
            &mut self.orders,
            &mut self.order_totals,
            &mut self.statuses,
        ] {
            counts.halve();
        }
        self.levels.iter_mut().for_each(|count| *count *= 0.5);
        self.wording.halve();
    }

    /// Whether it is one that can have been learnt.
    pub fn is_sound(&self) -> bool {
        let tables = [
            (&self.texts, TEXTS),
            (&self.values, VALUES),
            (&self.messages, MESSAGES),
            (&self.orders, ORDERS),
            (&self.order_totals, ORDER_TOTALS),
            (&self.statuses, STATUSES),
        ];
        tables.into_iter().all(|(counts, limit)| counts.is_sound(limit))
            && self.kinds.len() <= KINDS
            && self.kinds.values().all(|stat| stat.places.len() <= PLACES)
            && self.total < u64::MAX / 2
            && self.wording.is_sound()
    }

    /// Bytes held, within a tenth.
    pub fn bytes(&self) -> usize {
        let counts = [&self.texts, &self.values, &self.messages, &self.orders, &self.order_totals, &self.statuses];
        let places: usize = self.kinds.values().map(|stat| stat.places.capacity() * size_of::<Place>()).sum();
        size_of::<Self>()
            + counts.iter().map(|counts| counts.bytes()).sum::<usize>()
            + self.kinds.capacity() * (size_of::<KindStat>() + 9)
            + places
            + self.wording.bytes()
            + self.entities.bytes()
            + self.sessions.bytes()
    }
}

impl Place {
    /// Surprise of a value seen `count` times here beyond what is usual here, in nats (Witten-Bell).
    fn surprise(&mut self, count: f32) -> f32 {
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
fn witten_bell(count: f32, seen: f32, distinct: f32, unseen: f32) -> f32 {
    let total = seen + distinct;
    if total <= 0.0 {
        return 0.0;
    }
    let share = if count > 0.0 { count / total } else { distinct.max(0.5) / total / unseen.max(1.0) };
    (-ln(share.min(1.0))).max(0.0)
}

/// Words of a message among which a level is looked for.
const EARLY: usize = 8;

/// The level of a line; where no parser found one, the first of its early words that is a level in capitals.
pub(super) fn severity(event: &Event<'_>) -> Option<Level> {
    event.level.or_else(|| {
        event.template.words.iter().take(EARLY).find_map(|&(start, end)| {
            let word = event.message.get(start as usize..end as usize)?;
            let loud = word.len() >= 4 && word.iter().all(u8::is_ascii_uppercase);
            if loud { Level::from_word(word) } else { None }
        })
    })
}

/// Whether the configuration asks to halve a profile of so many lines now.
pub(super) fn is_due(config: &DetectConfig, total: u64) -> bool {
    total > 0 && total.is_multiple_of(config.halve_every.max(1))
}
