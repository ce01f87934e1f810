//! Sources that stop: the first record after a silence, sources that never came back, and all that is no silence.

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use logguard::model::Timestamp;
use serde_json::Value;

use crate::process::interrupt;
use crate::world::{World, of};

const MIDNIGHT: i64 = 1_795_046_400;
const HOUR: i64 = 3_600;

/// Lines of a program that says how it is, at seconds after midnight.
fn lines(seconds: impl IntoIterator<Item = i64>) -> String {
    let line = |second: i64| {
        let time = Timestamp::from_seconds(MIDNIGHT + second, 0).unwrap();
        format!("{time} INFO pool has {} free workers\n", 10 + second.rem_euclid(7))
    };
    seconds.into_iter().map(line).collect()
}

/// Times that come each `step` seconds.
fn steady(from: i64, count: i64, step: i64) -> impl Iterator<Item = i64> {
    (0..count).map(move |number| from + number * step)
}

/// Numbers from 0 that look random and are the same in each run.
fn random(count: usize) -> impl Iterator<Item = f64> {
    let mut state = 7u64;
    (0..count).map(move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    })
}

/// Numbers of the lines on which the rule fires, from 0, and whether each is flagged.
fn silences(world: &World, arguments: &[&str]) -> Vec<(u64, bool)> {
    let run = world.ok(&[&["score", "--json"], arguments].concat());
    let rows = run.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.filter(|row| row["rules"].as_array().is_some_and(|rules| rules.contains(&"silence".into())))
        .map(|row| (row["line"].as_u64().unwrap() - 1, row["flag"].as_bool().unwrap()))
        .collect()
}

/// Incidents about what did not come: source, last record.
fn stopped(world: &World) -> Vec<Value> {
    let run = world.run(&["anomalies", "--json"]);
    assert!(run.code < 2, "{}", run.stderr);
    let all = run.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|incident| incident["stopped"] == true).collect()
}

#[test]
fn the_first_record_after_a_silence_is_flagged_and_says_why() {
    let world = World::new();
    let text = lines(steady(0, 3_000, 2).chain(steady(6_000 + 3 * HOUR + 718, 1_000, 2)));
    let file = world.write("app.log", &text);
    assert_eq!(silences(&world, &[&file]), [(3_000, true)]);
    assert_eq!(silences(&world, &["--passes", "2", &file]), [(3_000, true)], "it is no past of its own");
    let rules = world.write("rules.toml", "[detection]\nmodel-kind = \"rules\"\n");
    assert_eq!(silences(&world, &["--config", &rules, &file]), [(3_000, true)], "it is no matter of models");
    world.ok(&["process", &file]);
    assert_eq!(world.ids("rule:silence", &[]), [3_000]);
    assert_eq!(world.ids("rule:silence anomaly:true", &["--scan"]), [3_000]);
    let why = world.ok(&["why", "3000"]).stdout;
    assert!(why.contains("silent for 3h 12m before this record"), "{why}");
    assert!(why.contains("the longest other silence among 3,000 records was 2s"), "{why}");
    assert!(why.contains("whether records were removed"), "{why}");
    let query = why.lines().find(|line| line.contains("| head 2")).unwrap().split("   (").next().unwrap().trim();
    let rows = world.ok(&["search", "--json", query]).stdout;
    assert!(
        rows.contains("\"id\":3000") && rows.contains("\"id\":2999") && rows.lines().count() == 2,
        "{query}: {rows}"
    );
    let incidents = world.json(&["anomalies", "--json"]);
    assert_eq!((&incidents["rules"]["silence"], &incidents["severity"]), (&1.into(), &"high".into()), "{incidents}");
    assert_eq!((&incidents["first_id"], &incidents["stopped"]), (&3_000.into(), &false.into()));
    assert!(incidents["recommendation"].as_str().unwrap().contains("stopped"));
    world.ok(&["rescore"]);
    assert_eq!(world.ids("rule:silence anomaly:true", &[]), [3_000], "a second pass does not take it for its own past");
}

#[test]
fn pauses_that_were_seen_before_are_ordinary() {
    let world = World::new();
    let batch = (0..12).flat_map(|day| steady(day * 24 * HOUR, 240, 3));
    assert_eq!(silences(&world, &[&world.write("batch.log", lines(batch))]), []);
    let nights: Vec<i64> = (0..9).flat_map(|day| steady((day * 24 + 6) * HOUR, 960, 60)).collect();
    let file = world.write("nights.log", lines(nights.iter().copied()));
    assert!(silences(&world, &[&file]).iter().all(|(line, _)| *line <= 960), "only the first night is news");
    assert_eq!(silences(&world, &["--passes", "2", &file]), [], "who knows all nights is surprised by none");
    let longer = nights.iter().copied().chain(steady((9 * 24 + 6 + 80) * HOUR, 300, 60));
    let file = world.write("week.log", lines(longer));
    assert_eq!(silences(&world, &["--passes", "2", &file]), [], "nor by a long week-end after nights");
}

#[test]
fn bursts_few_records_and_times_in_no_order_are_no_silence() {
    let world = World::new();
    let none = |name: &str, times: Vec<i64>| {
        assert_eq!(silences(&world, &[&world.write(name, lines(times))]), [], "{name}");
    };
    none("few.log", steady(0, 80, 2).chain(steady(9 * HOUR, 80, 2)).collect());
    // Pareto: long pauses, now and then, of any length.
    let mut at = 0.0;
    none(
        "bursts.log",
        random(6_000)
            .map(|share| {
                at += (1.0 / (1.0 - share)).min(40_000.0);
                at as i64
            })
            .collect(),
    );
    let mut at = 0.0;
    none(
        "chance.log",
        random(6_000)
            .map(|share| {
                at -= 20.0 * (1.0 - share).ln();
                at as i64
            })
            .collect(),
    );
    let mixed: Vec<i64> = random(4_000).map(|share| (share * 40_000.0) as i64).collect();
    none("mixed.log", mixed);
    // Two clocks in one file, five hours apart.
    none("clocks.log", steady(0, 3_000, 2).map(|second| second + if second % 3 == 0 { 5 * HOUR } else { 0 }).collect());
    let mut again: Vec<i64> = steady(0, 2_000, 2).collect();
    again.extend(steady(-9 * HOUR, 2_000, 2));
    none("restart.log", again);
    let wrong = steady(0, 4_000, 2).map(|second| if second == 5_000 { second + 40 * 365 * 24 * HOUR } else { second });
    none("wrong.log", wrong.collect());
    let untimed: String = (0..3_000).map(|number| format!("pool has {number} free workers\n")).collect();
    assert_eq!(silences(&world, &[&world.write("untimed.log", untimed)]), []);
}

#[test]
fn the_clock_going_forward_for_the_summer_is_no_silence() {
    let world = World::new();
    // 29 March 2026, a Sunday, at two o'clock local time; the zone is not written.
    let march = 1_774_742_400 - MIDNIGHT;
    let local = |text: String| text.replace('T', " ").replace("Z INFO", " INFO");
    let spring = local(lines(steady(march, 3_600, 2).chain(steady(march + 3 * HOUR, 1_000, 2))));
    assert_eq!(silences(&world, &[&world.write("spring.log", &spring)]), []);
    let monday = local(lines(steady(march + 24 * HOUR, 3_600, 2).chain(steady(march + 27 * HOUR, 1_000, 2))));
    assert_eq!(silences(&world, &[&world.write("monday.log", monday)]), [(3_600, true)]);
}

#[test]
fn a_source_that_stops_while_others_go_on_is_an_incident() {
    let world = World::new();
    world.write("logs/app.log", lines(steady(0, 2_000, 5)));
    world.write("logs/db.log", lines(steady(0, 3_600, 5)).replace("workers", "pages"));
    world.write("logs/web.log", lines(steady(30, 3_600, 5)).replace("workers", "slots"));
    world.ok(&["process", "logs"]);
    let found = stopped(&world);
    assert_eq!(found.len(), 1, "{found:?}");
    let incident = &found[0];
    assert_eq!(
        (&incident["source"], &incident["first_id"], &incident["last_id"]),
        (&"logs/app.log".into(), &1_999.into(), &1_999.into())
    );
    assert_eq!((&incident["severity"], &incident["rules"]["silence"]), (&"high".into(), &1.into()));
    let text = incident["reasons"][0]["text"].as_str().unwrap();
    assert!(text.contains("nothing came for 2h 13m while other sources went on"), "{text}");
    assert_eq!(world.ids(incident["query"].as_str().unwrap(), &[]), [1_999]);
    let told = world.ok(&["anomalies"]).stdout;
    assert!(told.contains("logs/app.log") && !told.contains("see    incident:"), "{told}");
}

#[test]
fn sources_that_end_together_or_go_on_elsewhere_have_not_stopped() {
    let world = World::new();
    world.write("logs/app.log", lines(steady(0, 2_000, 15)));
    world.write("logs/db.log", lines(steady(40, 2_000, 15)).replace("workers", "pages"));
    // Written in another zone that is not stated: five hours ahead, it begins while the others go on, and ends with them.
    let local =
        lines(steady(5 * HOUR, 2_000, 15)).replace("workers", "slots").replace('T', " ").replace("Z INFO", " INFO");
    world.write("logs/local.log", local);
    // One wrong time at its end is no clock.
    world.write("logs/web.log", lines(steady(0, 2_000, 15).chain([40 * HOUR])));
    // A job that ran for a minute, ten hours before, and one that ran for long enough to be missed, had others begun until then.
    world.write("logs/job.log", lines(steady(-10 * HOUR, 120, 1)));
    world.write("logs/night.log", lines(steady(-10 * HOUR, 1_000, 10)).replace("workers", "tapes"));
    world.ok(&["process", "logs"]);
    assert_eq!(stopped(&world), Vec::<Value>::new());
    // What was rotated goes on in the next part, whatever order they are read in.
    let world = World::new();
    for (part, name) in ["logs/app.log.2", "logs/app.log.1", "logs/app.log"].iter().enumerate() {
        world.write(name, lines(steady(part as i64 * 10_000, 2_000, 5)));
    }
    world.write("logs/db.log", lines(steady(0, 6_000, 5)).replace("workers", "pages"));
    world.ok(&["process", "logs"]);
    assert_eq!(stopped(&world), Vec::<Value>::new());
    // A file alone has no other clock.
    let world = World::new();
    world.ok(&["process", &world.write("app.log", lines(steady(0, 2_000, 5)))]);
    assert_eq!(stopped(&world), Vec::<Value>::new());
}

#[test]
fn a_part_that_is_missing_between_others_is_an_incident() {
    let world = World::new();
    for (part, name) in [(0, "logs/app.log.3"), (1, "logs/app.log.2"), (4, "logs/app.log.1"), (5, "logs/app.log")] {
        world.write(name, lines(steady(part * 10_000, 2_000, 5)));
    }
    world.write("logs/db.log", lines(steady(0, 12_000, 5)).replace("workers", "pages"));
    world.ok(&["process", "logs"]);
    let found = stopped(&world);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["source"], "logs/app.log.2");
    let text = found[0]["reasons"][0]["text"].as_str().unwrap();
    assert!(text.contains("between logs/app.log.2 and logs/app.log.1 while other sources went on"), "{text}");
}

#[test]
fn silence_is_found_alike_at_any_thread_count_and_a_model_knows_it() {
    let world = World::new();
    let text = lines(steady(0, 3_000, 2).chain(steady(6_000 + 3 * HOUR, 1_000, 2)));
    world.write("logs/app.log", &text);
    world.write("logs/db.log", lines(steady(0, 9_000, 2)).replace("workers", "pages"));
    for threads in ["1", "4"] {
        let (data, index) = (format!("data{threads}"), format!("index{threads}"));
        world.ok(&["process", "--threads", threads, "--data", &data, "--index", &index, "logs"]);
        assert_eq!(world.ids("rule:silence", &["--data", &data, "--index", &index]), [3_000], "{threads}");
    }
    // An hour is ordinary for what was trained on hours, and not for what was trained on seconds.
    let hourly = world.write("train/hourly.log", lines(steady(0, 400, HOUR)));
    let quick = world.write("train/quick.log", lines(steady(0, 3_000, 2)));
    let test = world.write("test.log", lines(steady(0, 150, 2).chain(steady(300 + HOUR, 150, 2))));
    for (name, file, expected) in [("hourly", &hourly, vec![]), ("quick", &quick, vec![(150, true)])] {
        world.ok(&["train", "--name", name, file]);
        assert_eq!(silences(&world, &["--model", name, &test]), expected, "{name}");
    }
}

#[test]
fn a_followed_source_that_stops_is_said_once() {
    let world = World::new();
    world.write("logs/app.log", lines(steady(0, 1_000, 2)));
    world.write("logs/db.log", lines(steady(0, 1_000, 2)).replace("workers", "pages"));
    let mut command = world.command(&["process", "logs", "--follow"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let count = || world.run(&["search", "--count", "id>=0"]).stdout.trim().parse::<i64>().unwrap_or(0);
    let wait_for = |records: i64| {
        let started = Instant::now();
        while count() < records {
            assert!(started.elapsed() < Duration::from_secs(30), "{records} records do not appear");
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    let append = |name: &str, text: String| {
        let mut file = std::fs::OpenOptions::new().append(true).open(world.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    wait_for(2_000);
    append("logs/app.log", lines(steady(2_000, 20, 2)));
    wait_for(2_020);
    append("logs/db.log", lines(steady(2_000, 500, 2)).replace("workers", "pages"));
    wait_for(2_520);
    append("logs/db.log", lines(steady(3_000, 500, 2)).replace("workers", "pages"));
    wait_for(3_020);
    interrupt(child.id());
    let said = of(child.wait_with_output().unwrap()).stderr;
    assert_eq!(said.matches("logs/app.log stopped: nothing came for").count(), 1, "{said}");
    assert_eq!(said.matches(" stopped: ").count(), 1, "{said}");
}
