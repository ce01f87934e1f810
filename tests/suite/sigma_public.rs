//! The public rules and their own regression events: nearly all rules load, and each event fires its rule.
//!
//! Needs the folder that LOGGUARD_SHARED names; `cargo test sigma_public -- --nocapture` prints the sums.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::world::{World, shared};

#[test]
fn public_rules_load_and_fire_on_their_regression_events() {
    let Some(root) = shared("the public Sigma rules") else { return };
    let world = World::new();
    unpack(&root.join("sigma/sigma_rules.tar.zst"), &world.path("rules"));
    unpack(&root.join("logs/sigma_regression/sigma_regression_data.tar.zst"), &world.path("events"));

    let run = world.run(&["rules", "rules", "--json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let (loaded, not) = (report["loaded"].as_u64().unwrap(), report["not_loaded"].as_array().unwrap().len() as u64);
    println!("{loaded} rules loaded, {not} not");
    assert!(loaded > 3_000 && loaded * 100 >= (loaded + not) * 98, "{loaded} loaded, {not} not: {}", run.stderr);

    world.ok(&["process", "--sigma", "rules", "events"]);
    let run = world.ok(&["search", "rule:sigma", "--json", "--limit", "100000"]);
    let mut fired: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in run.stdout.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let rules = record["rules"].as_array().unwrap().iter().filter_map(Value::as_str).map(str::to_owned);
        fired.entry(record["source"].as_str().unwrap().to_owned()).or_default().extend(rules);
    }
    // An event's file is called like the id of its rule.
    let names: BTreeMap<String, String> =
        files(&world.path("rules"), "yml").iter().filter_map(|file| named(file)).collect();
    let events = files(&world.path("events"), "json");
    let missed: Vec<&PathBuf> = events
        .iter()
        .filter(|file| {
            let source = file.strip_prefix(world.path("")).unwrap().display().to_string();
            let name = names.get(file.file_stem().unwrap().to_str().unwrap());
            !name.is_some_and(|name| fired.get(&source).is_some_and(|rules| rules.contains(name)))
        })
        .collect();
    println!("{} regression events, {} without their rule", events.len(), missed.len());
    assert!(events.len() >= 200 && missed.is_empty(), "{missed:#?}");
}

/// Id and name of the rule of a file.
fn named(file: &Path) -> Option<(String, String)> {
    let text = std::fs::read_to_string(file).unwrap();
    let id = text.lines().find_map(|line| line.strip_prefix("id:"))?.trim().to_owned();
    Some((id, file.file_stem().unwrap().to_str().unwrap().to_lowercase()))
}

fn unpack(archive: &Path, to: &Path) {
    let unpacked = zstd::stream::read::Decoder::new(std::fs::File::open(archive).unwrap()).unwrap();
    tar::Archive::new(unpacked).unpack(to).unwrap();
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|other| other == ending) {
            found.push(path);
        }
    }
    found
}
