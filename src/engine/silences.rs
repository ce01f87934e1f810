//! Sources that stopped while others went on, and holes between the parts of a source: silences that no record ends, so no
//! verdict can tell them. Derived when they are asked for, from the times in the archive; nothing of it is stored.
//!
//! The clock is that of other inputs which were there before and went on: a source that ended when all did, or of which
//! nothing else is known, has not stopped. Times that state their zone and times that do not are compared with room for any
//! zone, so that a source that writes local time is not taken for one that is hours behind. Of each input some hundred bytes are held.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use super::EngineError;
use super::incidents::{FlaggedRow, Unread, each_group};
use super::ingest::Sources;
use crate::archive::{GroupColumns, GroupRef, Needs, Snapshot};
use crate::detect::{FEWEST_STEPS, Moment, Rhythm, Rhythms};
use crate::model::{InputId, RecordId, TimeQuality, Timestamp, Verdict, lasting};

/// Times of an input that end it: one wrong time among them moves no clock.
const LATEST: usize = 10;
/// A source that is silent for less has not stopped, in ns: logs are gathered one after the other.
const LEAST: i64 = 600_000_000_000;
/// No two zones lie further apart, in ns.
const ZONES: i64 = 26 * 3_600_000_000_000;
/// Parts of a source may begin so much before the part before them ends, in ns.
const OVERLAP: i64 = 1_000_000_000;

/// A silence that no record ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Stopped {
    /// The last record before it.
    pub last: u64,
    /// Its time.
    pub time: Timestamp,
    /// Its template.
    pub template: String,
    /// Its input.
    pub source: String,
    /// What is to be said.
    pub verdict: Verdict,
}

impl Stopped {
    /// As incidents take it.
    pub fn row(&self) -> FlaggedRow<'_> {
        let (verdict, template, source) = (&self.verdict, &self.template, &self.source);
        FlaggedRow { id: self.last, time: Some(self.time), verdict, template, source }
    }
}

/// Finds them in a snapshot, in order of their last records; with what could not be read.
pub fn stopped(snapshot: &Snapshot, stop: &AtomicBool) -> Result<(Vec<Stopped>, Unread), EngineError> {
    let (mut sources, mut rhythms) = (Sources::default(), Rhythms::default());
    for input in snapshot.inputs() {
        let acquisition = &input.acquisition;
        sources.add(acquisition.input, &acquisition.name, &acquisition.format, None);
    }
    let mut parts: BTreeMap<InputId, Part> = BTreeMap::new();
    let unread = each_group(
        snapshot,
        stop,
        Needs::TIMES,
        |_| true,
        |group, columns| {
            for row in 0..columns.rows() {
                let (Some(input), Some(time)) = (columns.input(row), columns.time(row)) else { continue };
                let (source, quality) = (sources.of(input), columns.time_quality(row));
                rhythms.observe(&Moment { source, input: input.0, time, quality }, Rhythm::default);
                let part = parts.entry(input).or_insert_with(|| Part::new(source, input, time));
                part.take(group.first.0 + row as u64, time);
                part.is_exact = quality == TimeQuality::Exact;
            }
        },
    )?;
    let clock = Clock::of(parts.values());
    let mut of_source: BTreeMap<u32, Vec<&Part>> = BTreeMap::new();
    for part in parts.values() {
        of_source.entry(part.source).or_default().push(part);
    }
    let mut found = Vec::new();
    for (source, mut parts) in of_source {
        let Some(rhythm) = rhythms.of(source) else { continue };
        parts.sort_by_key(|part| (part.first, part.input));
        let name = |input: InputId| snapshot.input_name(input);
        for (part, verdict) in silences_of(&parts, rhythm, &clock, name) {
            found.push(Stopped {
                last: part.last.0,
                time: part.last.1,
                template: template_of(snapshot, part.last.0),
                source: snapshot.input_name(part.input).to_owned(),
                verdict,
            });
        }
    }
    found.sort_by_key(|stopped| stopped.last);
    Ok((found, unread))
}

/// The silences of one source, whose parts stand in order of their first times: the part that ends before each.
fn silences_of<'p, 'n>(
    parts: &[&'p Part],
    rhythm: &Rhythm,
    clock: &Clock,
    name: impl Fn(InputId) -> &'n str,
) -> Vec<(&'p Part, Verdict)> {
    let mut found = Vec::new();
    let holes = holes_of(parts);
    let mut rhythm = rhythm.clone();
    holes.iter().for_each(|(before, after)| rhythm.learn(after.first.0.saturating_sub(before.last.1.0)));
    for (before, after) in holes {
        let lasted = after.first.0.saturating_sub(before.last.1.0);
        let is_known = before.steps >= FEWEST_STEPS && clock.after(before) >= after.first;
        if let Some(silence) = rhythm.without(lasted).judge(lasted).filter(|_| is_known && lasted >= LEAST) {
            let told = format!(
                "nothing came for {} between {} and {} while other sources went on",
                lasting(lasted),
                name(before.input),
                name(after.input)
            );
            found.push((before, silence.verdict(&told)));
        }
    }
    for part in parts.iter().copied() {
        let is_continued = parts.iter().any(|other| other.first.0 >= part.last.1.0.saturating_sub(OVERLAP));
        let lasted = clock.after(part).0.saturating_sub(part.last.1.0);
        if is_continued || lasted < LEAST || part.steps < FEWEST_STEPS {
            continue;
        }
        if let Some(silence) = rhythm.judge(lasted) {
            let told = format!("the source stopped: nothing came for {} while other sources went on", lasting(lasted));
            found.push((part, silence.verdict(&told)));
        }
    }
    found
}

/// Pairs of parts between which no part of the source has a record.
fn holes_of<'p>(parts: &[&'p Part]) -> Vec<(&'p Part, &'p Part)> {
    let mut holes = Vec::new();
    let mut latest: Option<&Part> = None;
    for part in parts.iter().copied() {
        if let Some(before) = latest.filter(|before| part.first > before.last.1) {
            holes.push((before, part));
        }
        if latest.is_none_or(|before| part.last.1 >= before.last.1) {
            latest = Some(part);
        }
    }
    holes
}

/// What is known of one input.
#[derive(Debug, Clone)]
struct Part {
    source: u32,
    input: InputId,
    /// Its first time.
    first: Timestamp,
    /// The latest of its last records.
    last: (u64, Timestamp),
    /// The last records in record order.
    latest: Vec<(u64, Timestamp)>,
    /// Steps from one time to another.
    steps: u64,
    /// Whether its times state their zone.
    is_exact: bool,
}

impl Part {
    fn new(source: u32, input: InputId, first: Timestamp) -> Part {
        Part { source, input, first, last: (0, first), latest: Vec::with_capacity(LATEST), steps: 0, is_exact: true }
    }

    fn take(&mut self, id: u64, time: Timestamp) {
        self.steps += u64::from(self.latest.last().is_some_and(|(_, before)| *before != time));
        if self.latest.len() >= LATEST {
            self.latest.remove(0);
        }
        self.latest.push((id, time));
        let latest = self.latest.iter().copied().max_by_key(|(id, time)| (*time, *id));
        self.last = latest.unwrap_or((id, time));
    }

    /// Until when it surely went on.
    fn end(&self) -> Option<Timestamp> {
        self.latest.iter().map(|(_, time)| *time).min().filter(|_| self.latest.len() >= LATEST)
    }
}

/// Until when inputs went on, by when they began; apart for times that state their zone and those that do not.
#[derive(Debug, Default)]
struct Clock {
    exact: Ends,
    local: Ends,
}

/// First times, ascending, each with the latest end of an input that began until then.
type Ends = Vec<(Timestamp, Timestamp)>;

impl Clock {
    fn of<'p>(parts: impl Iterator<Item = &'p Part>) -> Clock {
        let mut clock = Clock::default();
        for (part, end) in parts.filter_map(|part| Some((part, part.end()?))) {
            if part.is_exact { &mut clock.exact } else { &mut clock.local }.push((part.first, end));
        }
        for ends in [&mut clock.exact, &mut clock.local] {
            ends.sort_unstable();
            let mut latest = Timestamp(i64::MIN);
            for (_, end) in ends {
                latest = latest.max(*end);
                *end = latest;
            }
        }
        clock
    }

    /// Until when inputs surely went on that had begun before a part ended.
    fn after(&self, part: &Part) -> Timestamp {
        let end = part.last.1;
        let of = |ends: &Ends| {
            let place = ends.partition_point(|(first, _)| *first <= end);
            place.checked_sub(1).and_then(|place| ends.get(place)).map_or(end, |(_, end)| *end)
        };
        let (own, other) = if part.is_exact { (&self.exact, &self.local) } else { (&self.local, &self.exact) };
        of(own).max(of(other).saturating_add(-ZONES))
    }
}

/// The template of a record; nothing where it can't be read.
fn template_of(snapshot: &Snapshot, id: u64) -> String {
    let group: Option<&GroupRef> = snapshot.group_of(RecordId(id)).and_then(|number| snapshot.groups().get(number));
    let read = group.and_then(|group| {
        let columns = snapshot.columns_of(group, Needs::TEMPLATES, GroupColumns::default()).ok()?;
        Some(columns.template(id.checked_sub(group.first.0)? as usize).to_owned())
    });
    read.unwrap_or_default()
}
