//! `logguard score`: one result a line of input, and the same judgement as `process`.

use crate::world::World;

/// Ordinary logins, one a second.
pub fn logins(count: u64) -> String {
    let line = |number: u64| {
        let user = ["alice", "bob", "carol", "admin"][(number * 7 % 4) as usize];
        let (hour, minute, second) = (number / 3_600 % 24, number / 60 % 60, number % 60);
        format!("2026-11-20T{hour:02}:{minute:02}:{second:02}Z INFO User {user} logged in\n")
    };
    (0..count).map(line).collect()
}

fn columns(stdout: &str) -> Vec<(f64, f64, bool)> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        assert_eq!(cells.len(), 3, "{line}");
        (cells[0].parse().unwrap(), cells[1].parse().unwrap(), cells[2] == "1")
    };
    stdout.lines().map(row).collect()
}

#[test]
fn the_examples_come_out_right_after_ordinary_logins() {
    let world = World::new();
    let tail = "2026-11-20T10:00:00Z INFO User admin logged in\n\
                2026-11-20T10:00:01Z INFO Failed login for root from 203.0.113.5\n\
                2026-11-20T10:00:02Z INFO rm -rf / --no-preserve-root\n";
    for training in [40, 2_000] {
        let file = world.write("logins.log", logins(training) + tail);
        let rows = columns(&world.ok(&["score", &file]).stdout);
        let [admin, failed, removed] = rows[training as usize..] else { panic!("{} rows", rows.len()) };
        assert!(!admin.2 && admin.0 < 0.3, "{training}: {admin:?}");
        assert!(failed.2 && removed.2, "{training}: {failed:?} {removed:?}");
        assert!(rows[..training as usize].iter().all(|row| !row.2), "{training}: a login is flagged");
    }
}

#[test]
fn there_is_one_result_a_line_however_lines_and_records_lie() {
    let world = World::new();
    let trace = "2026-11-20T10:00:00Z ERROR java.lang.IllegalStateException: no\n\tat a.B.c(B.java:3)\n\tat a.B.d(B.java:4)\n\
                 2026-11-20T10:00:01Z INFO ready\n\n2026-11-20T10:00:02Z INFO end of file without a line feed";
    let rows = columns(&world.ok(&["score", &world.write("trace.log", trace)]).stdout);
    assert_eq!(rows.len(), 6);
    assert!(rows[0] == rows[1] && rows[1] == rows[2], "a continuation has its record's values: {rows:?}");
    let array = r#"[{"message":"User bob logged in"},{"message":"rm -rf / --no-preserve-root"},{"message":"User bob logged in"}]"#;
    let rows = columns(&world.ok(&["score", &world.write("array.json", format!("{array}\n{array}\n"))]).stdout);
    assert_eq!(rows.len(), 2);
    assert!(rows[0].0 > 0.5 && rows[0].2, "a line has the values of the oddest of its records: {rows:?}");
    assert_eq!(world.ok(&["score", &world.write("empty.log", "")]).stdout, "");
}

#[test]
fn scores_are_those_of_process_and_standard_input_is_read_alike() {
    let world = World::new();
    let file =
        world.write("mixed.log", logins(900) + "2026-11-20T10:00:02Z INFO rm -rf / --no-preserve-root\n" + &logins(9));
    let scored = world.ok(&["score", &file]).stdout;
    let mut piped = world.command(&["score", "-"]);
    piped.stdin(std::fs::File::open(&file).unwrap());
    assert_eq!(String::from_utf8(piped.output().unwrap().stdout).unwrap(), scored);
    assert_eq!(world.ok(&["score", &file]).stdout, scored, "the same input gives the same scores");
    world.ok(&["process", &file]);
    let flagged: Vec<u64> =
        columns(&scored).iter().enumerate().filter(|(_, row)| row.2).map(|(line, _)| line as u64).collect();
    assert_eq!(flagged, [900]);
    assert_eq!(world.ids("anomaly:true", &[]), flagged);
    assert!(!world.path("data/models").exists());
}

#[test]
fn sessions_are_told_by_the_key_that_is_asked_for() {
    let world = World::new();
    let mut text = String::new();
    for session in 0..300 {
        for step in ["begin", "load", "check", "store", "end"] {
            if session == 123 && step != "begin" {
                continue;
            }
            text += &format!("step {step} of job-{session}\n");
        }
    }
    let run = world.ok(&["score", "--sessions", "job-([0-9]+)", &world.write("jobs.log", text)]);
    let mut rows: Vec<(f64, &str)> = run
        .stdout
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .map(|cells| (cells[1].parse().unwrap(), cells[0]))
        .collect();
    assert_eq!(rows.len(), 300);
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    assert_eq!(rows[0].1, "123");
    let broken = world.run(&["score", "--sessions", "(", "jobs.log"]);
    assert_eq!(broken.code, 2);
    assert!(broken.stderr.contains("is no regular expression"), "{}", broken.stderr);
}

#[test]
fn json_names_rules_and_reasons() {
    let world = World::new();
    let file = world.write("attack.log", logins(50) + "2026-11-20T10:00:02Z INFO rm -rf / --no-preserve-root\n");
    let run = world.ok(&["score", "--json", &file]);
    let last: serde_json::Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&last["line"], &last["flag"]), (&51.into(), &true.into()));
    assert_eq!(last["rules"], serde_json::json!(["destructive-command"]));
    assert!(last["reasons"][0]["text"].as_str().unwrap().contains("destructive"));
    let file =
        world.write("failed.log", logins(50) + "2026-11-20T10:00:02Z INFO Failed login for root from 203.0.113.5\n");
    let run = world.ok(&["score", "--json", &file]);
    let last: serde_json::Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    let texts: Vec<&str> =
        last["reasons"].as_array().unwrap().iter().map(|reason| reason["text"].as_str().unwrap()).collect();
    assert!(texts.contains(&"failed login of a privileged account"), "{texts:?}");
    assert!(!texts.contains(&"word of failure"), "one cause is told once: {texts:?}");
}

#[test]
fn scores_are_measured_against_labels_of_ones_own() {
    let world = World::new();
    let file =
        world.write("mixed.log", logins(900) + "2026-11-20T10:00:02Z INFO rm -rf / --no-preserve-root\n" + &logins(9));
    let labels = |odd: usize, lines: usize| {
        let label = |line: usize| if line == odd { "1\n" } else { ["0\n", "-1\n"][line % 2] };
        world.write(&format!("labels-{odd}-{lines}"), (0..lines).map(label).collect::<String>())
    };
    let told = world.json(&["score", "--json", "--labels", &labels(900, 910), &file]);
    assert_eq!((&told["lines"], &told["odd"], &told["flagged"]), (&455.into(), &1.into(), &1.into()), "{told}");
    for figure in ["roc_auc", "average_precision", "precision", "recall", "f1"] {
        assert_eq!(told[figure], 1.0, "{figure}: {told}");
    }
    let missed = world.ok(&["score", "--labels", &labels(4, 910), &file]).stdout;
    assert!(missed.contains("recall\t0.0000") && missed.contains("false_positive_rate\t0.0022"), "{missed}");
    for (labels, sentence) in [
        (labels(900, 909), "has 909 labels, and there are 910 lines"),
        (labels(900, 911), "has 911 labels, and there are 910 lines"),
        (world.write("words", "odd\n"), "line 1 is no label; write 1, 0 or -1"),
        (world.write("calm", "0\n".repeat(910)), "at least one odd line (1)"),
    ] {
        let run = world.run(&["score", "--labels", &labels, &file]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{sentence}");
        assert!(run.stderr.contains(sentence), "{}", run.stderr);
    }
}
