//! The account of every byte, and what the log costs.

use std::io::Write;

use serde_json::Value;

use super::lines;
use crate::world::World;

#[test]
fn the_account_adds_up_for_every_input() {
    let world = World::new();
    world.write("a.log", lines("alpha", 100));
    world.write("open.log", "one\ntwo\nno end");
    world.write("empty.log", "");
    world.write("packed.zst", zstd::encode_all(lines("delta", 50).as_bytes(), 3).unwrap());
    let mut cut = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let noise: String =
        (0..40_000u64).map(|number| format!("{:x}\n", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    cut.write_all(noise.as_bytes()).unwrap();
    let cut = cut.finish().unwrap();
    world.write("cut.gz", &cut[..cut.len() / 2]);
    assert_eq!(world.run(&["process", "a.log", "open.log", "empty.log", "packed.zst", "cut.gz"]).code, 2);
    world.write("a.log", lines("alpha", 130));

    let account = world.json(&["account", "--json"]);
    let of = |name: &str| {
        let inputs = account["inputs"].as_array().unwrap();
        inputs.iter().find(|input| input["name"] == name).unwrap_or_else(|| panic!("{name}: {account}")).clone()
    };
    let (a, grown) = (lines("alpha", 100).len() as u64, lines("alpha", 130).len() as u64);
    assert_eq!(of("a.log")["read_bytes"], a);
    assert_eq!(of("a.log")["sealed_bytes"], a);
    assert_eq!((&of("a.log")["read_lines"], &of("a.log")["sealed_lines"]), (&Value::from(100), &Value::from(100)));
    assert_eq!(of("a.log")["not_yet"], grown - a);
    assert_eq!((&of("open.log")["read_lines"], &of("open.log")["sealed_lines"]), (&Value::from(3), &Value::from(3)));
    assert_eq!(of("empty.log")["read_bytes"], 0);
    assert_eq!(of("packed")["not_yet"], Value::Null, "a packed file does not grow");
    let cut = of("cut");
    assert_eq!((&cut["complete"], &cut["disagreement"]), (&Value::from(false), &Value::Null));
    assert_eq!(cut["skipped"][0]["offset"], cut["sealed_bytes"]);
    let table = world.ok(&["account"]);
    assert!(table.stdout.contains("sums agree") && table.stdout.contains("skipped an unknown"), "{}", table.stdout);

    let segment = std::fs::read_dir(world.path("data/segments")).unwrap().next().unwrap().unwrap().path();
    std::fs::remove_file(segment).unwrap();
    let broken = world.run(&["account"]);
    assert_eq!(broken.code, 2);
    assert!(broken.stderr.contains("does not add up: a.log"), "{}", broken.stderr);
    assert!(broken.stdout.contains("SUMS DO NOT AGREE"), "{}", broken.stdout);
    let stopped = world.run(&["restore", "none"]);
    assert_eq!(stopped.code, 2);
    assert!(stopped.stderr.contains("--keep-going writes what is readable"), "{}", stopped.stderr);
    let partly = world.run(&["restore", "partly", "--keep-going"]);
    assert_eq!(partly.code, 2);
    assert!(partly.stderr.contains(&format!("missing: a.log: bytes 0..={} of the input", a - 1)), "{}", partly.stderr);
}

/// A last line that was open when the input was first read is counted once when it is ended later.
#[test]
fn a_line_that_is_ended_later_is_one_line() {
    let world = World::new();
    world.write("a.log", "one\ntw");
    world.ok(&["process", "a.log"]);
    world.write("a.log", "one\ntwo\nthree\n");
    world.ok(&["process", "a.log"]);
    let account = world.json(&["account", "--json"]);
    let input = &account["inputs"][0];
    assert_eq!((&input["read_lines"], &input["sealed_lines"]), (&Value::from(3), &Value::from(3)), "{account}");
    world.ok(&["verify"]);
}

#[test]
fn an_input_costs_well_under_500_bytes_of_log() {
    let world = World::new();
    for number in 0..200 {
        world.write(&format!("logs/service-{number:03}.log"), lines("alpha", 20 + number));
    }
    world.ok(&["process", "logs"]);
    let log = std::fs::metadata(world.path("data/custody.jsonl")).unwrap().len();
    assert!(log / 200 < 470, "{} bytes an input", log / 200);
}
