//! Tests of generation: repeatable, believable, and with the truth told.

use std::collections::BTreeMap;

use super::*;

fn lines(config: GenerateConfig, count: u64) -> (String, Vec<Truth>) {
    let mut generator = Generator::new(config);
    let mut out = Vec::new();
    let truths = (0..count).map(|_| generator.next_line(&mut out)).collect();
    (String::from_utf8(out).unwrap(), truths)
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_gives_others() {
    for format in [Format::Csv, Format::Combined, Format::Syslog, Format::Json] {
        let config = GenerateConfig { format, ..GenerateConfig::default() };
        assert_eq!(lines(config.clone(), 2_000).0, lines(config.clone(), 2_000).0);
        assert_ne!(lines(config.clone(), 2_000).0, lines(GenerateConfig { seed: 43, ..config }, 2_000).0);
    }
}

#[test]
fn the_share_of_anomalies_is_near_the_rate_and_every_scenario_occurs() {
    for rate in [0.02, 0.05, 0.3] {
        let (_, truths) = lines(GenerateConfig { anomaly_rate: rate, ..GenerateConfig::default() }, 50_000);
        let share = truths.iter().filter(|truth| truth.is_anomalous).count() as f64 / truths.len() as f64;
        assert!((share - rate).abs() < 0.2 * rate, "{share} for {rate}");
        let names: BTreeMap<&str, usize> = truths.iter().fold(BTreeMap::new(), |mut names, truth| {
            *names.entry(truth.scenario).or_default() += 1;
            names
        });
        for scenario in Scenario::ALL {
            assert!(names.contains_key(scenario.name()), "{} at {rate}: {names:?}", scenario.name());
        }
    }
    let (_, truths) = lines(GenerateConfig { anomaly_rate: 0.0, ..GenerateConfig::default() }, 5_000);
    assert!(truths.iter().all(|truth| !truth.is_anomalous));
}

#[test]
fn lines_have_seven_columns_and_times_that_never_go_back() {
    let (text, _) = lines(GenerateConfig::default(), 20_000);
    let mut before = "";
    for line in text.lines() {
        assert_eq!(line.split(',').count(), 7, "{line}");
        let time = &line[..19];
        assert!(before <= time, "{before} {time}");
        before = time;
    }
}

#[test]
fn json_lines_are_json_and_days_are_busier_than_nights() {
    let (text, _) = lines(GenerateConfig { format: Format::Json, ..GenerateConfig::default() }, 30_000);
    let (mut day, mut night) = (0, 0);
    for line in text.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        match object["ts"].as_str().unwrap()[11..13].parse::<u32>().unwrap() {
            12..16 => day += 1,
            0..4 => night += 1,
            _ => {}
        }
    }
    assert!(day > 3 * night, "{day} {night}");
}

#[test]
fn a_line_can_be_written_under_another_clock() {
    let mut generator = Generator::new(GenerateConfig::default());
    let mut out = Vec::new();
    generator.next_line_at(Timestamp(0), &mut out);
    assert!(out.starts_with(b"1970-01-01 00:00:00,"));
}
