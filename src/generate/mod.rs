//! Synthetic logs with known truth.
//!
//! An ordinary day (sessions, visitors, services; more by day than by night; few users and paths make most lines) with
//! scenarios of attack and failure woven in. The same configuration gives the same bytes on every machine.

mod event;
mod ordinary;
mod random;
mod scenario;

use crate::model::Timestamp;

use event::{Clock, Event};
use ordinary::Ordinary;
use random::Random;
use scenario::Running;

pub use scenario::Scenario;

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// `timestamp,level,event_type,source_ip,target_resource,status,message` without a header line or quoting.
    #[default]
    Csv,
    /// The combined format of web servers.
    Combined,
    /// RFC 3164 as written to files.
    Syslog,
    /// One JSON object per line.
    Json,
}

/// What is generated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GenerateConfig {
    /// Number of lines the front end asks for; the generator itself has no end.
    pub lines: u64,
    /// The form of a line.
    pub format: Format,
    /// Share of lines that belong to a scenario, 0 to 1 (0 to 0.9 can be held).
    pub anomaly_rate: f64,
    /// Another seed gives another log.
    pub seed: u64,
    /// Time of the first line.
    pub start: Timestamp,
    /// Lines per second of log time, averaged over a day; above 0.
    pub rate: f64,
    /// Plays every scenario once at the start, in order and without ordinary lines between, whatever the rate.
    pub test_mode: bool,
}

impl Default for GenerateConfig {
    fn default() -> GenerateConfig {
        GenerateConfig {
            lines: 50_000,
            format: Format::Csv,
            anomaly_rate: 0.05,
            seed: 42,
            start: Timestamp(1_795_132_800_000_000_000), // 2026-11-20T00:00:00Z
            rate: 0.6,
            test_mode: false,
        }
    }
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truth {
    /// `normal` or `anomaly`.
    pub label: &'static str,
    /// Name of the scenario; `-` for normal lines.
    pub scenario: &'static str,
}

impl Truth {
    /// Appends the line of the truth file, `line_no<TAB>label<TAB>scenario` with `\n`; lines are numbered from 1.
    pub fn write(&self, line_no: u64, out: &mut Vec<u8>) {
        use std::io::Write;
        // Writing to memory can't fail.
        let _ = writeln!(out, "{line_no}\t{}\t{}", self.label, self.scenario);
    }
}

/// Activity by hour of the day (UTC), in percent of the mean.
const RHYTHM: [i64; 24] =
    [25, 20, 18, 18, 20, 30, 50, 90, 150, 190, 200, 195, 170, 180, 195, 190, 170, 140, 120, 100, 85, 70, 45, 29];

/// Makes one line after the other; times never go back.
#[derive(Debug, Clone)]
pub struct Generator {
    config: GenerateConfig,
    random: Random,
    ordinary: Ordinary,
    event: Event,
    clock: Clock,
    time: Timestamp,
    running: Option<Running>,
    /// Scenarios left of the present round; every one occurs once a round.
    round: Vec<Scenario>,
    lines: u64,
    anomalies: u64,
}

impl Generator {
    /// A generator at its first line.
    pub fn new(config: GenerateConfig) -> Generator {
        let round = if config.test_mode { Scenario::ALL.iter().rev().copied().collect() } else { Vec::new() };
        Generator {
            config,
            random: Random::new(config.seed),
            ordinary: Ordinary::new(),
            event: Event::default(),
            clock: Clock::new(),
            time: config.start,
            running: None,
            round,
            lines: 0,
            anomalies: 0,
        }
    }

    /// Appends the next line, with `\n`, at the next moment of log time.
    pub fn next_line(&mut self, out: &mut Vec<u8>) -> Truth {
        let scenario = self.choose();
        if self.lines > 0 {
            self.time = self.time.saturating_add(self.pause(scenario));
        }
        self.emit(scenario, out)
    }

    /// Appends the next line, with `\n`, at `time` or at the time of the line before, whichever is later.
    pub fn next_line_at(&mut self, time: Timestamp, out: &mut Vec<u8>) -> Truth {
        let scenario = self.choose();
        self.time = self.time.max(time);
        self.emit(scenario, out)
    }

    /// Whether the next line belongs to a scenario; begins one where fewer lines than wanted did so far.
    fn choose(&mut self) -> Option<Scenario> {
        let opening = self.config.test_mode && !(self.round.is_empty() && self.running.is_none()) && self.lines < 400;
        let wanted = self.lines as f64 * self.config.anomaly_rate > self.anomalies as f64;
        if self.running.is_none() && (opening || (wanted && self.random.chance(4_096))) {
            if self.round.is_empty() {
                self.shuffle();
            }
            self.running = self.round.pop().map(|scenario| Running::new(scenario, &mut self.random));
        }
        // Ordinary life goes on meanwhile, unless nearly everything is meant to be odd.
        let share = if self.config.anomaly_rate > 0.4 { 62_000 } else { 32_768 };
        let scenario = self.running.as_ref()?.scenario;
        (opening || self.random.chance(share)).then_some(scenario)
    }

    fn shuffle(&mut self) {
        let mut all = Scenario::ALL.to_vec();
        while !all.is_empty() {
            let at = self.random.below(all.len() as u32) as usize;
            self.round.push(all.swap_remove(at));
        }
    }

    /// Nanoseconds to the next line: skewed (three times the square of a uniform number has mean 1), by the hour.
    fn pause(&mut self, scenario: Option<Scenario>) -> i64 {
        if scenario == Some(Scenario::SilentGap) {
            return (1_200 + i64::from(self.random.below(2_400))) * 1_000_000_000;
        }
        let hour = self.time.seconds().rem_euclid(86_400) / 3_600;
        let busy = RHYTHM.get(hour as usize).copied().unwrap_or(100) as f64 / 100.0;
        let uniform = f64::from(self.random.below(1 << 24)) / f64::from(1 << 24);
        // Only IEEE multiplication and division: the same bits everywhere.
        (3.0 * uniform * uniform * 1e9 / (self.config.rate.max(1e-6) * busy)) as i64
    }

    fn emit(&mut self, scenario: Option<Scenario>, out: &mut Vec<u8>) -> Truth {
        self.lines += 1;
        let truth = match (scenario, &mut self.running) {
            (Some(scenario), Some(running)) => {
                running.event(&mut self.random, &mut self.event);
                if running.left == 0 {
                    self.running = None;
                }
                self.anomalies += 1;
                Truth { label: "anomaly", scenario: scenario.name() }
            }
            _ => {
                self.ordinary.event(&mut self.random, &mut self.event);
                Truth { label: "normal", scenario: "-" }
            }
        };
        self.event.write(self.config.format, &mut self.clock, self.time, out);
        truth
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn lines(config: GenerateConfig, count: u64) -> (Vec<u8>, Vec<Truth>) {
        let mut generator = Generator::new(config);
        let mut out = Vec::new();
        let truth = (0..count).map(|_| generator.next_line(&mut out)).collect();
        (out, truth)
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_gives_others() {
        let config = GenerateConfig::default();
        assert_eq!(lines(config, 5_000), lines(config, 5_000));
        assert_ne!(lines(config, 50).0, lines(GenerateConfig { seed: 7, ..config }, 50).0);
    }

    #[test]
    fn the_share_of_anomalies_is_near_the_rate_and_every_scenario_occurs() {
        for rate in [0.0, 0.05, 0.2] {
            let (_, truth) = lines(GenerateConfig { anomaly_rate: rate, ..GenerateConfig::default() }, 50_000);
            let odd = truth.iter().filter(|truth| truth.label == "anomaly").count() as f64 / 50_000.0;
            assert!((odd - rate).abs() <= 0.1 * rate, "{odd} of {rate}");
            let seen: BTreeSet<_> = truth.iter().map(|truth| truth.scenario).collect();
            assert_eq!(seen.len(), if rate > 0.0 { 1 + Scenario::ALL.len() } else { 1 });
        }
    }

    #[test]
    fn test_mode_plays_every_scenario_at_once() {
        let (_, truth) = lines(GenerateConfig { test_mode: true, ..GenerateConfig::default() }, 300);
        let seen: BTreeSet<_> = truth.iter().map(|truth| truth.scenario).collect();
        assert_eq!(seen.len(), 1 + Scenario::ALL.len());
    }

    #[test]
    fn every_line_has_seven_columns_in_order_of_time() {
        let (out, _) = lines(GenerateConfig::default(), 20_000);
        let text = String::from_utf8(out).unwrap();
        let mut last = String::new();
        for line in text.lines() {
            let columns: Vec<&str> = line.split(',').collect();
            assert!(columns.len() == 7 && columns.iter().all(|column| !column.is_empty()), "{line}");
            assert!(columns[0] >= last.as_str(), "{line}");
            last = columns[0].to_owned();
        }
        assert_eq!(text.lines().count(), 20_000);
    }

    #[test]
    fn lines_of_the_other_forms_are_well_formed() {
        let config = GenerateConfig { anomaly_rate: 0.5, ..GenerateConfig::default() };
        let (out, _) = lines(GenerateConfig { format: Format::Json, ..config }, 2_000);
        for line in String::from_utf8(out).unwrap().lines() {
            assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
        }
        let (out, _) = lines(GenerateConfig { format: Format::Combined, ..config }, 2_000);
        assert!(String::from_utf8(out).unwrap().lines().all(|line| line.matches('"').count() == 6));
        let (out, _) = lines(GenerateConfig { format: Format::Syslog, ..config }, 2_000);
        assert!(String::from_utf8(out).unwrap().lines().all(|line| line.starts_with("Nov ") && line.contains("]: ")));
    }

    #[test]
    fn the_generator_of_random_numbers_is_the_published_one() {
        // First outputs of splitmix64-seeded xoshiro256++ for seed 0, from the reference code.
        assert_eq!(Random::new(0).next(), 0x5317_5D61_490B_23DF);
    }
}
