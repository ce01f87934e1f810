//! Synthetic logs with known truth: ordinary life of a small company, and attacks and faults injected into it.
//!
//! In: a [`GenerateConfig`]. Out: lines in order of time, each with its [`Truth`]. The same configuration gives the same bytes on
//! every machine and in every version: the generator of random numbers is part of this module. About a million lines a
//! second; memory does not grow with their number.

mod event;
mod random;
mod render;
mod scenario;
mod world;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use self::event::Event;
use self::random::Random;
use self::scenario::Scenario;
use self::world::World;
use crate::model::Timestamp;

/// The form of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `timestamp,level,event_type,source_ip,target_resource,status,message`, no header, no comma in the message.
    Csv,
    /// The combined log format of web servers.
    Combined,
    /// RFC 3164.
    Syslog,
    /// One JSON object a line.
    Json,
}

/// What to generate.
#[derive(Debug, Clone)]
pub struct GenerateConfig {
    /// The form of the lines.
    pub format: Format,
    /// Share of lines that belong to a scenario, 0 to 1.
    pub anomaly_rate: f64,
    /// Same seed, same bytes.
    pub seed: u64,
    /// Time of the first line.
    pub start: Timestamp,
    /// Lines per second of log time, averaged over a day.
    pub rate: f64,
}

impl Default for GenerateConfig {
    fn default() -> GenerateConfig {
        GenerateConfig {
            format: Format::Csv,
            anomaly_rate: 0.05,
            seed: 42,
            // 2026-11-16T00:00:00Z, a Monday.
            start: Timestamp(1_794_787_200_000_000_000),
            rate: 0.6,
        }
    }
}

/// What is true of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truth {
    /// Whether the line belongs to an injected scenario.
    pub is_anomalous: bool,
    /// Name of the scenario, `normal` for a line of none.
    pub scenario: &'static str,
}

/// Nanoseconds in a second.
const SECOND: i64 = 1_000_000_000;
/// A day in seconds.
const DAY: f64 = 86_400.0;

/// Gives lines one after the other.
pub struct Generator {
    config: GenerateConfig,
    random: Random,
    world: World,
    clock: Timestamp,
    emitted: u64,
    anomalous: u64,
    /// Lines of running scenarios by time; the number keeps the order of lines of the same time.
    scheduled: BinaryHeap<Reverse<Scheduled>>,
    number: u64,
    next_scenario: usize,
    gap_is_due: bool,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Scheduled {
    time: Timestamp,
    number: u64,
    scenario: &'static str,
    event: Event,
}

impl Generator {
    /// A generator at its first line.
    pub fn new(config: GenerateConfig) -> Generator {
        let mut random = Random::new(config.seed);
        let world = World::new(&mut random);
        let next_scenario = random.below(Scenario::ALL.len() as u64) as usize;
        Generator {
            clock: config.start,
            config,
            random,
            world,
            emitted: 0,
            anomalous: 0,
            scheduled: BinaryHeap::new(),
            number: 0,
            next_scenario,
            gap_is_due: false,
        }
    }

    /// Writes the next line, with its line end, and says what is true of it.
    pub fn next_line(&mut self, out: &mut Vec<u8>) -> Truth {
        self.start_scenarios();
        let was_gap = std::mem::take(&mut self.gap_is_due);
        let step = self.step();
        let next = self.clock.saturating_add(step);
        let is_due = self.scheduled.peek().is_some_and(|Reverse(first)| first.time <= next);
        if is_due && let Some(Reverse(scheduled)) = self.scheduled.pop() {
            self.clock = scheduled.time.max(self.clock);
            return self.emit(&scheduled.event, if was_gap { "silent-gap" } else { scheduled.scenario }, out);
        }
        self.clock = next;
        let event = self.world.ordinary(&mut self.random);
        self.emit(&event, if was_gap { "silent-gap" } else { "normal" }, out)
    }

    /// Writes the next line as if it happened at `time`, for output in real time.
    pub fn next_line_at(&mut self, time: Timestamp, out: &mut Vec<u8>) -> Truth {
        let truth_at = out.len();
        let truth = self.next_line(out);
        // The story's own clock only orders it; the line is written again under the clock of the wall.
        out.truncate(truth_at);
        let (event, format) = (self.world.last_event().clone(), self.config.format);
        render::line(&event, format, time, out);
        truth
    }

    fn emit(&mut self, event: &Event, scenario: &'static str, out: &mut Vec<u8>) -> Truth {
        render::line(event, self.config.format, self.clock, out);
        self.world.remember(event);
        let is_anomalous = scenario != "normal";
        self.emitted += 1;
        self.anomalous += u64::from(is_anomalous);
        Truth { is_anomalous, scenario }
    }

    /// Time to the next ordinary line: exponential, with a rhythm of day and night and quiet weekends.
    fn step(&mut self) -> i64 {
        let seconds = self.clock.seconds();
        let of_day = seconds.rem_euclid(86_400) as f64 / DAY;
        // 1970-01-01 was a Thursday.
        let weekday = (seconds.div_euclid(86_400) + 3).rem_euclid(7);
        let busy = 1.0 - 0.75 * (std::f64::consts::TAU * (of_day - 1.0 / 12.0)).cos();
        let rate = self.config.rate * busy * if weekday >= 5 { 0.6 } else { 1.16 };
        let wait = self.random.exponential() / rate;
        (wait.min(DAY) * SECOND as f64) as i64
    }

    /// Starts the next scenario where the share of anomalous lines has fallen behind.
    fn start_scenarios(&mut self) {
        let owed = self.config.anomaly_rate * (self.emitted + 40) as f64;
        if self.config.anomaly_rate <= 0.0 || (self.anomalous + self.scheduled.len() as u64) as f64 + 20.0 > owed {
            return;
        }
        let Some(scenario) = Scenario::ALL.get(self.next_scenario % Scenario::ALL.len()) else { return };
        self.next_scenario += 1;
        if *scenario == Scenario::SilentGap {
            let minutes = 20 + self.random.below(40) as i64;
            let gap = minutes * 60 * SECOND;
            self.clock = self.clock.saturating_add(gap);
            // Running stories fall silent too, and go on after it.
            let shifted = self.scheduled.drain().map(|Reverse(mut line)| {
                line.time = line.time.saturating_add(gap);
                Reverse(line)
            });
            self.scheduled = shifted.collect();
            self.gap_is_due = true;
            return;
        }
        let mut time = self.clock;
        for (wait, event) in scenario.lines(&self.world, &mut self.random) {
            time = time.saturating_add((wait * SECOND as f64) as i64);
            self.number += 1;
            let scheduled = Scheduled { time, number: self.number, scenario: scenario.name(), event };
            self.scheduled.push(Reverse(scheduled));
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
