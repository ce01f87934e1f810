//! `logguard anomalies` and `logguard why`: incidents of a store, and the reasons of a record with their evidence.

use crate::score::logins;
use crate::world::{NOW, World};

/// A store of ordinary logins, a scan, and a destructive command an hour later.
fn attacked() -> World {
    let world = World::new();
    let mut text = logins(1_500);
    for number in 0..30 {
        text += &format!(
            "2026-11-20T09:00:{number:02}Z WARN Failed password for user{number} from 198.51.100.7 port 4{number:02}\n"
        );
    }
    text += &logins(200).replace("T00:", "T10:");
    text += "2026-11-20T11:00:00Z INFO run by 192.0.2.9: rm -rf / --no-preserve-root\n";
    let file = world.write("auth.log", text);
    world.ok(&["process", &file]);
    world
}

#[test]
fn incidents_name_who_when_why_and_what_to_do() {
    let world = attacked();
    let run = world.ok(&["anomalies", "--json"]);
    let incidents: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(incidents[0]["severity"], "critical");
    assert_eq!(incidents[0]["entity"], "192.0.2.9");
    let scan = incidents.iter().find(|incident| incident["entity"] == "198.51.100.7").expect("the scan is an incident");
    assert_eq!(scan["severity"], "high");
    assert!(scan["rules"]["auth-failure"].as_u64().unwrap() >= 1, "{scan}");
    assert!(scan["recommendation"].as_str().unwrap().contains("login that succeeded"));
    assert_eq!(scan["from"].as_str().unwrap().get(..14), Some("2026-11-20T09:"));
    for incident in &incidents {
        // The query of an incident finds its records, the first and the last among them.
        let ids = world.ids(incident["query"].as_str().unwrap(), &[]);
        assert_eq!(ids.len() as u64, incident["records"].as_u64().unwrap(), "{incident}");
        assert!(
            ids.contains(&incident["first_id"].as_u64().unwrap())
                && ids.contains(&incident["last_id"].as_u64().unwrap())
        );
    }
    let newest = world.ok(&["anomalies", "--by", "time", "--limit", "1"]).stdout;
    assert!(newest.contains("192.0.2.9") && !newest.contains("198.51.100.7"), "{newest}");
    let groups = world.ok(&["anomalies", "--grouped", "--json"]).stdout;
    let members: usize = groups
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["incidents"].as_array().unwrap().len())
        .sum();
    assert_eq!(members, incidents.len(), "every incident is in one group");
}

#[test]
fn a_calm_store_has_no_incidents() {
    let world = World::new();
    world.ok(&["process", &world.write("calm.log", logins(800))]);
    let run = world.run(&["anomalies"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{}", run.stderr);
    let missing = world.run(&["anomalies", "--data", "nowhere"]);
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("no archive here"), "{}", missing.stderr);
}

#[test]
fn sessions_that_stop_half_way_are_found_over_the_archive() {
    let world = World::new();
    let mut text = String::new();
    for block in 0..400 {
        for step in ["allocate", "receive", "verify", "close"] {
            if block == 250 && step != "allocate" {
                continue;
            }
            text +=
                &format!("2026-11-20T00:{:02}:{:02}Z INFO {step} blk_{}\n", block / 60, block % 60, 7_000_000 + block);
        }
    }
    world.ok(&["process", &world.write("blocks.log", text)]);
    let run = world.ok(&["anomalies", "--sessions", "--json"]);
    let first: serde_json::Value = serde_json::from_str(run.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["name"], &first["first"], &first["last"]),
        (&"blk_7000250".into(), &1_000.into(), &1_000.into())
    );
    assert_eq!(world.ids(first["query"].as_str().unwrap(), &[]), [1_000]);
}

#[test]
fn why_says_it_in_sentences_and_its_questions_find_the_record() {
    let world = attacked();
    let id = world.ids("rule:destructive-command", &[])[0];
    let run = world.ok(&["why", &id.to_string()]);
    assert!(run.stdout.contains("is flagged") && run.stdout.contains("Destructive command"), "{}", run.stdout);
    let why = world.json(&["why", &id.to_string(), "--json"]);
    let queries = why["queries"].as_array().unwrap();
    assert!(queries.len() >= 3);
    for query in queries {
        let query = query["query"].as_str().unwrap();
        assert!(world.ids(query, &[]).contains(&id), "{query}");
    }
    let calm = world.ok(&["why", "3"]).stdout;
    assert!(calm.contains("is not flagged"), "{calm}");
    assert_eq!(world.run(&["why", "999999"]).code, 1);
    let mut prompt = world.command(&["search", "--now", NOW]);
    prompt.stdin(std::fs::File::open(world.write("typed", format!(":why {id}\n"))).unwrap());
    let said = String::from_utf8(prompt.output().unwrap().stdout).unwrap();
    assert!(said.contains("Destructive command"), "{said}");
}
