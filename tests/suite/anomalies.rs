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
fn an_incident_is_found_by_its_id_with_index_and_without() {
    let world = attacked();
    let incidents: Vec<serde_json::Value> =
        world.ok(&["anomalies", "--json"]).stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut all = Vec::new();
    for incident in &incidents {
        let id = incident["id"].as_u64().unwrap();
        assert_eq!(incident["id"], incident["first_id"]);
        let found = world.ids(&format!("incident:{id}"), &[]);
        assert_eq!(found.len() as u64, incident["records"].as_u64().unwrap(), "{incident}");
        assert_eq!(found, world.ids(&format!("incident={id}"), &["--scan"]));
        assert_eq!((found.first(), found.last()), (Some(&id), incident["last_id"].as_u64().as_ref()));
        all.extend(found);
    }
    all.sort_unstable();
    assert_eq!(world.ids("incident:*", &[]), all, "each record is in one incident");
    assert_eq!(world.ids("incident:*", &["--scan"]), all);
    assert_eq!(world.ids("anomaly:true", &[]), all);
    let others = world.ids("-incident:*", &[]);
    assert_eq!(others.len() + all.len(), 1_731);
    assert_eq!(others, world.ids("-incident:*", &["--scan"]));
    let last = incidents.iter().map(|incident| incident["id"].as_u64().unwrap()).max().unwrap();
    assert_eq!(
        world.ids(&format!("incident>={last} OR incident:/^{last}$/"), &[]),
        world.ids(&format!("id:{last}"), &[])
    );
    assert_eq!(world.run(&["search", "incident:3"]).code, 1, "an ordinary record begins no incident");
    let rows = world.ok(&["search", "--json", "incident:* | stats count by incident"]).stdout;
    assert_eq!(rows.lines().count(), incidents.len(), "{rows}");
    let shown = world.ok(&["search", "--json", &format!("incident:{last}")]).stdout;
    assert!(shown.contains(&format!("\"incident\":{last}")), "{shown}");
    let script = world.write("script", format!("incident:{last}\nrule:destructive-command\n"));
    let answers = world.ok(&["search", "--queries", &script, "--json"]).stdout;
    assert_eq!(answers.matches("\"incident\":").count(), 1, "only an answer about incidents names them: {answers}");
    let why = world.ok(&["why", &last.to_string()]).stdout;
    assert!(why.contains(&format!("incident {last}")) && why.contains(&format!("incident:{last} ")), "{why}");
    let told = world.ok(&["anomalies"]).stdout;
    assert!(told.contains(&format!("see    incident:{last} ")), "{told}");
    let mut prompt = world.command(&["search", "--now", NOW]);
    prompt.stdin(std::fs::File::open(world.write("typed", format!("incident:{last}\n"))).unwrap());
    let said = String::from_utf8(prompt.output().unwrap().stdout).unwrap();
    assert!(said.contains("no-preserve-root"), "{said}");
}

#[test]
fn an_incident_keeps_its_id_when_more_is_archived() {
    let world = attacked();
    let ids = |world: &World| {
        let lines = world.ok(&["anomalies", "--by", "time", "--json"]).stdout;
        let id = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_u64().unwrap();
        lines.lines().map(id).collect::<std::collections::BTreeSet<u64>>()
    };
    let before = ids(&world);
    let more = "2026-11-20T11:05:00Z INFO run by 192.0.2.9: rm -rf / --no-preserve-root\n\
                2026-11-20T13:05:00Z INFO run by 192.0.2.9: rm -rf / --no-preserve-root\n";
    world.ok(&["process", &world.write("more.log", more)]);
    let after = ids(&world);
    assert_eq!(after.difference(&before).copied().collect::<Vec<_>>(), [1_732], "one went on, one is new");
    assert_eq!(world.ids("incident:1730", &[]), [1_730, 1_731]);
    world.ok(&["compact", "--seal", "small"]);
    assert_eq!(ids(&world), after);
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
