//! Sessions as wholes: which kinds of lines one has and which it lacks, told when it ends.
//!
//! A session is what shares an identifier (a block, a request, a UUID). It ends when it was idle for long, when there are
//! too many, or with the input. Its evidence is that of its oddest line plus the rarity of its set of templates under a
//! naive Bayes model of presence: a session that stops half-way has no odd line, but it lacks what nearly all others have.

use super::config::DetectConfig;
use super::entity::{ByHash, in_order};
use super::threshold::Threshold;
use crate::model::Reason;
use serde::{Deserialize, Serialize};
use serde_big_array::BigArray;

/// Sessions open at once.
const OPEN: usize = 16_384;
/// Templates whose presence is modelled, in order of their first line.
const TEMPLATES: usize = 128;
/// Lines of the source after which an idle session ends.
const IDLE: u64 = 50_000;
/// Bytes of a name that are kept.
const NAME: usize = 40;
/// Most decades the set of templates says.
const MOST: f32 = 6.0;
/// Verdicts kept for a caller that does not take them.
const KEPT: usize = 65_536;

/// What detection says of a session that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionVerdict {
    /// The source its lines belong to, as [`super::Event::source`] names it.
    pub source: u32,
    /// The identifier its lines share, at most 40 bytes of it.
    pub name: String,
    /// Number of its lines.
    pub lines: u32,
    /// Which call of [`super::Detector::score`] its first line was, from 0.
    pub first: u64,
    /// Which call its last line was.
    pub last: u64,
    /// How odd, 0 to 1, on the scale of [`crate::model::Verdict::score`].
    pub score: f32,
    /// Whether the session passes the threshold in force.
    pub flagged: bool,
    /// The terms of the score, strongest first.
    pub reasons: Vec<Reason>,
}

/// A session that goes on.
#[derive(Debug, Clone)]
struct Open {
    present: u128,
    lines: u32,
    first: u64,
    last: u64,
    /// Evidence of its oddest line, in decades.
    best: f32,
    name: [u8; NAME],
    length: u8,
}

/// All sessions of one source.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sessions {
    /// What goes on is not stored.
    #[serde(skip)]
    open: ByHash<Open>,
    #[serde(with = "in_order")]
    places: ByHash<u8>,
    #[serde(with = "BigArray")]
    with: [f32; TEMPLATES],
    ended: f32,
    threshold: Threshold,
    /// Least score of a flagged session, where that is fixed.
    #[serde(skip)]
    fixed: Option<f32>,
    #[serde(skip)]
    swept: u64,
}

impl Sessions {
    /// No session yet.
    pub fn new(config: &DetectConfig) -> Self {
        Sessions {
            open: ByHash::default(),
            places: ByHash::default(),
            with: [0.0; TEMPLATES],
            ended: 0.0,
            threshold: Threshold::new(config.session_budget, config.silent.min(100)),
            fixed: config.session_threshold,
            swept: 0,
        }
    }

    /// Adds a line to the session `key`; `number` is the line's number in the run, `evidence` its score in decades.
    pub fn add(&mut self, key: u64, name: &[u8], template: u64, number: u64, evidence: f32) {
        let known = self.places.len();
        let place = if known < TEMPLATES {
            Some(*self.places.entry(template).or_insert(known as u8))
        } else {
            self.places.get(&template).copied()
        };
        let session = self.open.entry(key).or_insert_with(|| Open::new(name, number));
        session.present |= place.map_or(0, |place| 1u128 << (place & 127));
        session.lines = session.lines.saturating_add(1);
        session.last = number;
        session.best = session.best.max(evidence);
    }

    /// Ends the sessions that are idle or too many; cheap unless it is time to look.
    pub fn sweep(&mut self, number: u64, ended: &mut impl FnMut(SessionVerdict)) {
        let crowded = self.open.len() > OPEN;
        if !crowded && number < self.swept.saturating_add(IDLE / 4) {
            return;
        }
        self.swept = number;
        let mut order: Vec<(u64, u64)> = self.open.iter().map(|(key, session)| (session.last, *key)).collect();
        order.sort_unstable();
        let surplus = if crowded { OPEN / 2 } else { 0 };
        let idle = order.iter().take_while(|(last, _)| last.saturating_add(IDLE) < number).count();
        order.truncate(idle.max(surplus));
        let ripe: Vec<Open> = order.iter().filter_map(|(_, key)| self.open.remove(key)).collect();
        self.end(&ripe, ended);
    }

    /// Ends all sessions, as the input has.
    pub fn finish(&mut self, ended: &mut impl FnMut(SessionVerdict)) {
        let mut rest: Vec<Open> = self.open.drain().map(|(_, session)| session).collect();
        rest.sort_unstable_by_key(|session| (session.last, session.first, session.name));
        self.end(&rest, ended);
    }

    /// Judges sessions that end together: they are learned and held against one another before any of them is told.
    fn end(&mut self, sessions: &[Open], ended: &mut impl FnMut(SessionVerdict)) {
        sessions.iter().for_each(|session| self.learn(session));
        let decades: Vec<f32> = sessions.iter().map(|session| self.decades(session)).collect();
        for (session, decades) in sessions.iter().zip(&decades) {
            self.threshold.learn(session.best + decades);
        }
        self.threshold.settle();
        for (session, decades) in sessions.iter().zip(decades) {
            let flagged = self.threshold.is_beyond(session.best + decades);
            let verdict = session.verdict(decades, flagged);
            let flagged = self.fixed.map_or(flagged, |least| verdict.score >= least);
            ended(SessionVerdict { flagged, ..verdict });
        }
    }

    /// How much less probable this set of templates is than the most probable one, in decades.
    fn decades(&self, session: &Open) -> f32 {
        if self.ended < 1.0 {
            return 0.0;
        }
        let known = self.places.len().min(TEMPLATES);
        let nats = self.with.iter().take(known).enumerate().fold(0.0, |sum, (place, with)| {
            let share = (with + 0.5) / (self.ended + 1.0);
            let has = session.present & (1 << place) != 0;
            let (own, other) = if has { (share, 1.0 - share) } else { (1.0 - share, share) };
            sum + (other / own).max(1.0).ln()
        });
        (nats / std::f32::consts::LN_10).min(MOST)
    }

    fn learn(&mut self, session: &Open) {
        self.ended += 1.0;
        for (place, with) in self.with.iter_mut().enumerate() {
            *with += if session.present & (1 << place) != 0 { 1.0 } else { 0.0 };
        }
        if self.ended > 50_000.0 {
            self.ended *= 0.5;
            self.with.iter_mut().for_each(|with| *with *= 0.5);
        }
    }

    /// Goes on with another budget.
    pub fn go_on(&mut self, config: &DetectConfig) {
        self.fixed = config.session_threshold;
        self.threshold.go_on(config.session_budget);
    }

    /// Whether it is one that can have been learnt.
    pub fn is_sound(&self) -> bool {
        self.places.len() <= TEMPLATES && self.threshold.is_sound()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.open.capacity() * (size_of::<Open>() + 9) + self.threshold.bytes()
    }
}

impl Open {
    fn new(name: &[u8], number: u64) -> Self {
        let length = name.len().min(NAME);
        let mut kept = [0; NAME];
        kept.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
        Open { present: 0, lines: 0, first: number, last: number, best: 0.0, name: kept, length: length as u8 }
    }

    fn verdict(&self, decades: f32, flagged: bool) -> SessionVerdict {
        let evidence = self.best + decades;
        let mut reasons = Vec::new();
        if flagged {
            let text = if self.lines <= 2 { "incomplete session" } else { "unusual set of events in the session" };
            reasons.push(Reason { id: "session".to_owned(), text: text.to_owned(), weight: decades });
            let text = "oddest line of the session".to_owned();
            reasons.push(Reason { id: "line".to_owned(), text, weight: self.best });
            reasons.retain(|reason| reason.weight > 0.0);
            reasons.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        }
        let name = self.name.get(..usize::from(self.length)).unwrap_or_default();
        SessionVerdict {
            source: 0,
            name: String::from_utf8_lossy(name).into_owned(),
            lines: self.lines,
            first: self.first,
            last: self.last,
            score: super::judge::shown(evidence),
            flagged,
            reasons,
        }
    }
}

/// Verdicts that wait to be taken; the oldest are dropped where nobody takes them.
#[derive(Debug, Default)]
pub(super) struct Ended {
    verdicts: std::collections::VecDeque<SessionVerdict>,
}

impl Ended {
    /// Keeps a verdict.
    pub fn push(&mut self, verdict: SessionVerdict) {
        if self.verdicts.len() >= KEPT {
            self.verdicts.pop_front();
        }
        self.verdicts.push_back(verdict);
    }

    /// Takes all verdicts, in the order in which the sessions ended.
    pub fn take(&mut self) -> Vec<SessionVerdict> {
        self.verdicts.drain(..).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_stops_half_way_is_the_oddest() {
        let mut sessions = Sessions::new(&DetectConfig::default());
        let mut number = 0;
        for key in 0..2_000u64 {
            for template in 0..6u64 {
                // One session stops after two lines; others may lack the last.
                if (key == 777 && template > 1) || (key % 2 == 0 && template == 5) {
                    continue;
                }
                sessions.add(key, format!("blk_{key}").as_bytes(), template + 1, number, 0.3);
                number += 1;
            }
        }
        let mut ended = Vec::new();
        sessions.finish(&mut |verdict| ended.push(verdict));
        assert_eq!(ended.len(), 2_000);
        let oddest = ended.iter().max_by(|a, b| a.score.total_cmp(&b.score)).unwrap();
        assert_eq!((oddest.name.as_str(), oddest.lines), ("blk_777", 2));
        assert!(oddest.score > 0.5);
    }

    #[test]
    fn open_sessions_are_bounded() {
        let mut sessions = Sessions::new(&DetectConfig::default());
        let mut ended = 0;
        for key in 0..100_000u64 {
            sessions.add(crate::detect::counts::pair(key, 1), b"x", 1, key, 0.0);
            sessions.sweep(key, &mut |_| ended += 1);
        }
        assert!(sessions.open.len() <= OPEN + 1 && ended > 50_000);
    }
}
