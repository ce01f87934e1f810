//! The rhythm of a source: how long it is silent between two records, and when a silence is beyond all that.
//!
//! What is kept is small: how many steps there were from one time to another, for how long the source was watched, and its
//! sixteen longest steps. How far a longer one may lie beyond the longest follows from how fast these fall off (B. Hill, 1975):
//! where steady arrivals were watched it is ten times that, where long pauses come now and then it is thirty times. So a
//! pause that was seen before is ordinary, and no source raises more than a few alerts in its life.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::entity::Recent;
use super::explain::thousands;
use super::judge::shown;
use super::numbers::ln;
use super::rules::Rule;
use crate::model::{Reason, TimeQuality, Timestamp, Verdict, lasting};

/// Longest steps kept.
const LONGEST: usize = 16;
/// Of these so many tell how fast they fall off.
const TAIL: usize = 10;
/// Steps before anything is said, of a source and of its input.
pub const FEWEST_STEPS: u64 = 100;
/// No shorter silence is told, in ns.
const LEAST: i64 = 60 * SECOND;
/// A silence may be so many times as long as its source was watched: what was known for a minute can't be missed for a day.
const WATCHED: i64 = 12;
/// By how many times the longest step must be exceeded, at least and at most.
const REACH: (f32, f32) = (10.0, 30.0);
/// The chance that is left to an ordinary step to lie beyond, as -ln.
const CHANCE: f32 = 6.9;
/// Sources whose rhythm is kept, each of about 200 bytes; further ones are not judged.
const SOURCES: usize = 4_096;
/// Inputs whose last time is known, the latest.
const INPUTS: usize = 16_384;
const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3_600 * SECOND;
/// A year that was inferred can be wrong by one.
const MOST_OF_A_YEAR: i64 = 300 * 24 * HOUR;

/// How long a source is silent between its records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rhythm {
    /// Records with a time.
    records: u64,
    /// Steps from one time to another.
    steps: u64,
    /// For how long it was watched, in ns.
    watched: i64,
    /// Its longest steps in ns, back or forth, the longest first.
    longest: Vec<i64>,
}

/// A silence beyond what is usual for its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    /// How long it lasted, or lasts, in ns.
    pub lasted: i64,
    /// The longest other step of the source, in ns.
    pub longest: i64,
    /// Records of the source that were seen.
    pub records: u64,
}

impl Silence {
    /// What is to be said of the record that ended it.
    pub(super) fn before(self) -> String {
        self.told(&format!("the source was silent for {} before this record", lasting(self.lasted)))
    }

    /// What is to be said of a silence that no record ended; `text` says how it came about.
    pub fn verdict(&self, text: &str) -> Verdict {
        let weight = Rule::Silence.decades();
        let id = Rule::Silence.id().to_owned();
        let reasons = vec![Reason { id: id.clone(), text: self.told(text), weight }];
        Verdict { score: shown(weight), flagged: true, reasons, rules: vec![id], ..Verdict::default() }
    }

    /// A sentence about it, with what is usual.
    pub fn told(&self, text: &str) -> String {
        let (records, longest) = (thousands(self.records as f32), lasting(self.longest));
        format!("{text}; the longest other silence among {records} records was {longest}")
    }
}

impl Rhythm {
    /// Counts a record with a time.
    pub fn count(&mut self) {
        self.records = self.records.saturating_add(1);
    }

    /// Learns a step to another time, in ns; a step back says that the source's times are not in order, and how far.
    pub fn learn(&mut self, step: i64) {
        let length = step.saturating_abs();
        if length == 0 {
            return;
        }
        self.steps = self.steps.saturating_add(1);
        self.watched = self.watched.saturating_add(step).max(0);
        let place = self.longest.partition_point(|known| *known >= length);
        if place < LONGEST {
            self.longest.insert(place, length);
            self.longest.truncate(LONGEST);
        }
    }

    /// The same without one step.
    pub fn without(&self, step: i64) -> Rhythm {
        let mut rest = self.clone();
        if let Some(place) = rest.longest.iter().position(|known| *known == step) {
            rest.longest.remove(place);
            rest.steps = rest.steps.saturating_sub(1);
            rest.watched = rest.watched.saturating_sub(step);
        }
        rest
    }

    /// The longest step that says nothing, in ns; `None` where too little is known.
    pub fn bound(&self) -> Option<i64> {
        (self.steps >= FEWEST_STEPS).then(|| self.reach())
    }

    /// A silence of so many ns, where it is beyond what is usual here.
    pub fn judge(&self, lasted: i64) -> Option<Silence> {
        let is_beyond = self.bound().is_some_and(|bound| lasted > bound);
        let is_known = lasted / WATCHED <= self.watched;
        let longest = self.longest.first().copied().unwrap_or(0);
        (is_beyond && is_known).then_some(Silence { lasted, longest, records: self.records })
    }

    fn reach(&self) -> i64 {
        let longest = self.longest.first().copied().unwrap_or(0);
        let least = self.longest.get(TAIL - 1).copied().unwrap_or(1).max(1) as f32;
        let tail =
            self.longest.iter().take(TAIL - 1).map(|step| ln(*step as f32 / least)).sum::<f32>() / (TAIL - 1) as f32;
        let times = (CHANCE * tail).exp().clamp(REACH.0, REACH.1);
        ((longest as f64 * f64::from(times)) as i64).max(LEAST)
    }

    /// Whether it is one that can have been learnt.
    pub(super) fn is_sound(&self) -> bool {
        self.longest.len() <= LONGEST
            && self.watched >= 0
            && self.longest.is_sorted_by(|a, b| a >= b)
            && self.longest.last().is_none_or(|least| *least > 0)
    }
}

/// Where an input is.
#[derive(Debug, Clone, Copy, Default)]
struct Clock {
    last: Option<Timestamp>,
    steps: u64,
    /// A step that is unusual and not learnt yet: the next one may undo it.
    open: Option<i64>,
    /// Steps that were undone.
    undone: u32,
}

/// When a record came, and from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Its source; see [`super::Event::source`].
    pub source: u32,
    /// Its input.
    pub input: u32,
    /// Its time.
    pub time: Timestamp,
    /// How the time was obtained.
    pub quality: TimeQuality,
}

/// The rhythms of all sources; at most about 2 MiB.
#[derive(Debug)]
pub struct Rhythms {
    of_source: BTreeMap<u32, Rhythm>,
    clocks: Recent<Clock>,
    /// Whether all of it was gone through before, so that nothing is learnt twice.
    is_again: bool,
}

impl Default for Rhythms {
    fn default() -> Self {
        Rhythms { of_source: BTreeMap::new(), clocks: Recent::new(INPUTS), is_again: false }
    }
}

impl Rhythms {
    /// Learns when a record came; gives the silence before it, where that is beyond what is usual. `known` is what a source
    /// begins with.
    pub fn observe(&mut self, moment: &Moment, known: impl FnOnce() -> Rhythm) -> Option<Silence> {
        if self.of_source.len() >= SOURCES && !self.of_source.contains_key(&moment.source) {
            return None;
        }
        let rhythm = self.of_source.entry(moment.source).or_insert_with(known);
        let clock = self.clocks.touch(u64::from(moment.input));
        let told = clock.step(moment.time, moment.quality, rhythm, self.is_again);
        if !self.is_again {
            rhythm.count();
        }
        told
    }

    /// Everything comes once more: it is judged by all that was learnt, each silence by what the others are.
    pub fn begin_again(&mut self) {
        (self.clocks, self.is_again) = (Recent::new(INPUTS), true);
    }

    /// What is known of a source.
    pub fn of(&self, source: u32) -> Option<&Rhythm> {
        self.of_source.get(&source)
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.of_source.len() * (size_of::<Rhythm>() + LONGEST * 8 + 16) + self.clocks.bytes()
    }
}

impl Clock {
    fn step(&mut self, time: Timestamp, quality: TimeQuality, rhythm: &mut Rhythm, is_again: bool) -> Option<Silence> {
        let before = self.last.replace(time)?;
        let step = time.0.saturating_sub(before.0);
        if step == 0 {
            return None;
        }
        let learn = |rhythm: &mut Rhythm, step: i64| {
            if !is_again {
                rhythm.learn(step);
            }
        };
        self.steps = self.steps.saturating_add(1);
        if let Some(open) = self.open.take() {
            let is_undone =
                (open > 0) != (step > 0) && step.saturating_abs().saturating_mul(2) >= open.saturating_abs();
            if is_undone {
                // A time that stands alone is a wrong one; where that happens again it is how this source writes.
                self.undone = self.undone.saturating_add(1);
                if self.undone > 1 {
                    learn(rhythm, open);
                    learn(rhythm, step);
                }
                return None;
            }
            learn(rhythm, open);
        }
        if is_doubtful(step, time, quality) {
            return None;
        }
        let told = match step > 0 && self.steps > FEWEST_STEPS {
            true if is_again => rhythm.without(step).judge(step),
            true => rhythm.judge(step),
            false => None,
        };
        match step.saturating_abs() > rhythm.reach() {
            true => self.open = Some(step),
            false => learn(rhythm, step),
        }
        told
    }
}

/// Whether a step may be one of the clock and not of time: summer time where the zone is not stated (an hour in the night to
/// Sunday), a year that was inferred.
fn is_doubtful(step: i64, time: Timestamp, quality: TimeQuality) -> bool {
    if matches!(quality, TimeQuality::Exact) {
        return false;
    }
    // 1970-01-01 was a Thursday.
    let is_sunday = time.seconds().div_euclid(86_400).rem_euclid(7) == 3;
    let hour = time.seconds().rem_euclid(86_400) / 3_600;
    let is_summer_time = is_sunday && (1..=4).contains(&hour) && (step - HOUR).abs() <= HOUR / 60;
    is_summer_time || (quality == TimeQuality::YearInferred && step.saturating_abs() >= MOST_OF_A_YEAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(source: u32, input: u32, second: i64) -> Moment {
        Moment { source, input, time: Timestamp(second * SECOND), quality: TimeQuality::Exact }
    }

    #[test]
    fn any_number_of_sources_and_inputs_is_held_in_bounds() {
        let mut rhythms = Rhythms::default();
        for number in 0..200_000u32 {
            rhythms.observe(&moment(number / 10, number / 3, i64::from(number) * 977 % 10_000), Rhythm::default);
        }
        assert!(rhythms.bytes() < 4 << 20, "{}", rhythms.bytes());
        assert!(rhythms.of(7).is_some() && rhythms.of(19_999).is_none());
    }

    #[test]
    fn the_slower_the_longest_fall_off_the_further_the_bound() {
        let (mut steady, mut bursty) = (Rhythm::default(), Rhythm::default());
        for number in 1..=1_000 {
            steady.learn(SECOND * (20 + number % 3));
            bursty.learn(SECOND * (1 + 20_000 / number));
        }
        assert_eq!(steady.bound(), Some(220 * SECOND));
        assert_eq!(bursty.bound(), Some(20_001 * 30 * SECOND));
        assert_eq!(steady.judge(200 * SECOND), None);
        assert_eq!(steady.judge(300 * SECOND).map(|silence| silence.longest), Some(22 * SECOND));
        assert_eq!(steady.judge(300 * 24 * HOUR), None, "it was watched for six hours only");
        assert_eq!(Rhythm::default().judge(HOUR), None);
    }

    #[test]
    fn a_time_that_stands_alone_is_a_wrong_one_and_is_not_learnt() {
        let mut rhythms = Rhythms::default();
        let seconds = (0..500).chain([90_000_000]).chain(501..900).chain([900 + 7_200]);
        let told: Vec<i64> = seconds
            .filter_map(|second| rhythms.observe(&moment(0, 0, second), Rhythm::default))
            .map(|silence| silence.lasted / SECOND)
            .collect();
        assert_eq!(told, [7_201], "the silence after it is still seen");
    }
}
