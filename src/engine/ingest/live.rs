//! Sources that stop while logs are followed: said once each, when others have gone on for longer than the source is ever silent.
//!
//! The clock is that of the records, as everywhere in detection. Only sources that wrote since the following began are
//! watched. Nothing of it is kept: the record that ends a silence is judged like any other.

use std::collections::{BTreeMap, HashMap};

use super::Counters;
use super::batch::Block;
use super::judge::Sources;
use crate::detect::Detector;
use crate::model::{InputId, TimeQuality, lasting};

/// Sources that are watched; further ones are not.
const SOURCES: usize = 4_096;
/// Records of a source that agree on the time before it is a clock for others.
const AGREE: usize = 10;

/// One source that writes.
#[derive(Debug)]
struct Watched {
    /// The input of its last record.
    input: InputId,
    /// Its last times in ns, in record order.
    latest: Vec<i64>,
    /// Whether its times state their zone: local time says nothing about other times.
    is_exact: bool,
    /// Whether its silence was told.
    is_told: bool,
}

/// What is watched while logs are followed.
pub struct Live<'c> {
    counters: &'c Counters,
    has_begun: bool,
    sources: BTreeMap<u32, Watched>,
    /// Names of the inputs of this run, for what is said.
    names: HashMap<InputId, String>,
}

impl<'c> Live<'c> {
    /// Before the backfill; sentences go to `counters`.
    pub fn new(counters: &'c Counters) -> Live<'c> {
        Live { counters, has_begun: false, sources: BTreeMap::new(), names: HashMap::new() }
    }

    /// The backfill is done.
    pub fn begin(&mut self) {
        self.has_begun = true;
    }

    /// Tells the name of an input before its first record.
    pub fn name(&mut self, input: InputId, name: &str) {
        self.names.insert(input, name.to_owned());
    }

    /// Takes a block that was judged, and says which sources have stopped.
    pub fn block(&mut self, block: &Block, of: &Sources, detector: &Detector) {
        if !self.has_begun {
            return;
        }
        for (row, parsed) in block.rows.iter().zip(&block.parsed) {
            let (Some(time), source) = (parsed.time, of.of(row.input)) else { continue };
            if self.sources.len() >= SOURCES && !self.sources.contains_key(&source) {
                continue;
            }
            let (input, latest) = (row.input, Vec::with_capacity(AGREE));
            let fresh = Watched { input, latest, is_exact: true, is_told: false };
            let watched = self.sources.entry(source).or_insert(fresh);
            (watched.input, watched.is_told, watched.is_exact) = (input, false, parsed.quality == TimeQuality::Exact);
            if watched.latest.len() >= AGREE {
                watched.latest.remove(0);
            }
            watched.latest.push(time.0);
        }
        let now = |is_exact: bool| {
            let agreed = self.sources.values().filter(|one| one.is_exact == is_exact && one.latest.len() >= AGREE);
            agreed.filter_map(|one| one.latest.iter().min().copied()).max()
        };
        let (exact, local) = (now(true), now(false));
        for (source, watched) in self.sources.iter_mut().filter(|(_, watched)| !watched.is_told) {
            let now = if watched.is_exact { exact } else { local };
            let (Some(now), Some(last)) = (now, watched.latest.iter().max()) else { continue };
            let lasted = now.saturating_sub(*last);
            let Some(silence) = detector.rhythm(*source).and_then(|rhythm| rhythm.judge(lasted)) else { continue };
            watched.is_told = true;
            let name = self.names.get(&watched.input).map_or("a source", String::as_str);
            let told = format!("{name} stopped: nothing came for {} while other sources went on", lasting(lasted));
            self.counters.say(silence.told(&told));
        }
    }
}
