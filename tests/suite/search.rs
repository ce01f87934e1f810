//! `search` from outside: exit codes, output that programs read, the prompt without a terminal.

use serde_json::Value;

use super::world::{NOW, World};

/// A small store: an application log, a web server's, a syslog and JSON lines.
fn stored() -> World {
    let world = World::new();
    world.write(
        "logs/app.log",
        "2026-11-20 10:00:00,INFO,LOGIN,192.168.1.10,UserA,SUCCESS,User admin logged in\n\
         2026-11-20 10:01:00,ERROR,LOGIN,203.0.113.1,AdminX,FAILURE,Multiple failed login attempts, locked\n\
         2026-11-20 10:02:00,CRITICAL,FILE_ACCESS,10.1.2.3,/etc/passwd,DENIED,Unauthorized \x1b[2J access\n",
    );
    world.write(
        "logs/access.log",
        "203.0.113.77 - - [20/Nov/2026:10:15:00 +0000] \"GET /index.html HTTP/1.1\" 200 5120 \"-\" \"Mozilla/5.0\"\n\
         203.0.113.77 - - [20/Nov/2026:10:15:02 +0000] \"GET /a%27b HTTP/1.1\" 404 17 \"-\" \"=cmd()\"\n",
    );
    world.write("logs/bytes.log", b"caf\xe9 \xff\n");
    world.ok(&["process", "logs", "--now", NOW]);
    world
}

#[test]
fn exit_codes_say_found_none_or_failed() {
    let world = stored();
    assert_eq!(world.run(&["search", "login"]).code, 0);
    assert_eq!(world.run(&["search", "nowhere-to-be-found"]).code, 1);
    assert_eq!(world.run(&["search", "--count", "nowhere"]).stdout.trim(), "0");
    let wrong = world.run(&["search", "levl:error"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("did you mean 'level'"), "{}", wrong.stderr);
    assert_eq!(wrong.stdout, "");
}

#[test]
fn json_has_the_fields_that_programs_read() {
    let world = stored();
    let run = world.ok(&["search", "--json", "path:/index.html"]);
    let record: Value = serde_json::from_str(run.stdout.trim()).unwrap();
    let names: Vec<&String> = record.as_object().unwrap().keys().collect();
    let expected = [
        "id",
        "time",
        "time_quality",
        "level",
        "source",
        "offset",
        "length",
        "score",
        "flag",
        "reasons",
        "fields",
        "raw",
    ];
    assert_eq!(names[..12], expected);
    assert_eq!(record["time"], "2026-11-20T10:15:00Z");
    assert_eq!(record["time_quality"], "exact");
    assert_eq!(record["source"], "logs/access.log");
    assert_eq!(record["offset"], 0);
    assert_eq!(record["fields"]["source_ip"], "203.0.113.77");
    assert_eq!(record["fields"]["status"], "200");
    let bytes = world.ok(&["search", "--json", "caf*"]);
    let record: Value = serde_json::from_str(bytes.stdout.trim()).unwrap();
    assert_eq!(record["raw_base64"], "Y2Fm6SD/Cg==");
    assert_eq!(world.ok(&["search", "--raw", "caf*"]).bytes, b"caf\xe9 \xff\n");
}

#[test]
fn every_field_of_json_is_documented() {
    let world = stored();
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let table = readme.split("| field of `--json` | is |").nth(1).unwrap().split("\n\n").next().unwrap();
    let columns = table.lines().filter_map(|line| line.split('|').nth(1));
    let mut documented: Vec<&str> = columns.flat_map(|column| column.split('`').skip(1).step_by(2)).collect();
    // Its neighbours are asked for too, so that it says what it is among them.
    let run = world.ok(&["search", "--json", "caf* | context 1"]);
    let records = run.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let record = records.into_iter().find(|record| record["hit"] == true).unwrap();
    let mut names: Vec<&str> = record.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    documented.sort_unstable();
    assert_eq!(names, documented);
}

#[test]
fn nothing_raw_reaches_a_terminal_or_a_spreadsheet() {
    let world = stored();
    for arguments in
        [&["search", "Unauthorized"][..], &["search", "--csv", "Unauthorized"], &["search", "--json", "Unauthorized"]]
    {
        let run = world.ok(arguments);
        assert!(!run.stdout.contains('\x1b'), "{}", run.stdout);
    }
    let csv = world.ok(&["search", "--csv", "status:404 | top 1 user_agent"]);
    assert!(csv.stdout.contains("'=cmd()"), "{}", csv.stdout);
    let echoed = world.run(&["search", "x\x1b[2Jy:z"]);
    assert!(!echoed.stderr.contains('\x1b'), "{}", echoed.stderr);
}

#[test]
fn answers_are_newest_first_counted_exactly_and_cut_by_the_limit() {
    let world = stored();
    let run = world.ok(&["search", "--json", "--limit", "2", "*:*"]);
    let times: Vec<Value> =
        run.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["time"].clone()).collect();
    assert_eq!(times, ["2026-11-20T10:15:02Z", "2026-11-20T10:15:00Z"]);
    assert!(run.stderr.contains("6 of 6 records match"), "{}", run.stderr);
    assert!(run.stderr.contains("covered 6/6"), "{}", run.stderr);
    let all = world.ok(&["search", "--json", "*:*"]);
    assert_eq!(all.stdout.lines().count(), 6);
    assert!(all.stdout.lines().last().unwrap().contains("\"time\":null"), "records without a time come last");
}

#[test]
fn the_prompt_answers_lines_of_standard_input_and_leaves() {
    use std::io::Write;
    use std::process::Stdio;
    let world = stored();
    let mut command = world.command(&["search", "--now", NOW]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let questions =
        "failed login\n:show 1\n:why 1\n:nonsense\nlevel>=error | stats count by level\nexit\nnever reached\n";
    child.stdin.take().unwrap().write_all(questions.as_bytes()).unwrap();
    let run = super::world::of(child.wait_with_output().unwrap());
    for expected in [
        "1 of 6 records match",
        "Multiple failed login",
        "source_ip",
        "score ",
        "there is no command :nonsense",
        "critical",
    ] {
        assert!(run.stdout.contains(expected), "{expected}: {}", run.stdout);
    }
    assert_eq!(run.code, 2, "one line was no question that could be answered");
}

#[test]
fn generated_scenarios_are_found_and_the_truth_is_told() {
    let world = World::new();
    world.ok(&["generate", "--lines", "20000", "--truth", "truth.tsv"]);
    world.ok(&["process", "data/system_logs.log"]);
    let truth = std::fs::read_to_string(world.path("truth.tsv")).unwrap();
    assert_eq!(truth.lines().count(), 20_000);
    let flagged = world.ids("anomaly:true", &[]);
    assert!(!flagged.is_empty());
    let is_injected = |id: &u64| truth.lines().nth(*id as usize).unwrap().contains("\tanomaly\t");
    let hits = flagged.iter().filter(|id| is_injected(id)).count();
    assert!(10 * hits >= 7 * flagged.len(), "{hits} of {} flagged records were injected", flagged.len());
    let reason = world.ok(&["search", "--json", "--limit", "1", "anomaly:true"]);
    let record: Value = serde_json::from_str(reason.stdout.trim()).unwrap();
    assert!(!record["reasons"].as_array().unwrap().is_empty(), "{record}");
}
