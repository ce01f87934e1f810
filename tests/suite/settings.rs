//! The settings of detection: fixed thresholds, the file of settings, and what the log of custody keeps of them.

use crate::score::logins;
use crate::world::World;

const TAIL: &str = "2026-11-20T10:00:00Z INFO User admin logged in\n\
                    2026-11-20T10:00:01Z INFO Failed login for root from 203.0.113.5\n\
                    2026-11-20T10:00:02Z INFO rm -rf / --no-preserve-root\n";

/// The hash of the settings of the last run.
fn settings(world: &World) -> String {
    let log = std::fs::read_to_string(world.path("data/custody.jsonl")).unwrap();
    let last = log.lines().rfind(|line| line.contains("\"settings\":\"")).unwrap();
    last.split("\"settings\":\"").nth(1).unwrap()[..64].to_owned()
}

#[test]
fn a_fixed_threshold_flags_what_reaches_it_whatever_the_budget() {
    let world = World::new();
    let file = world.write("mixed.log", logins(1_500) + TAIL);
    let run = world.ok(&["process", "--threshold", "0.2", &file]);
    assert!(run.stderr.contains("scores of 0.2 and more, a fixed threshold"), "{}", run.stderr);
    let flagged = world.ids("anomaly:true", &[]);
    assert_eq!(flagged, world.ids("score>=0.2", &[]));
    assert!(flagged.contains(&1_501) && flagged.contains(&1_502), "{flagged:?}");
    let fixed = settings(&world);
    let run = world.ok(&["rescore", "--threshold", "1"]);
    assert!(run.stderr.contains("0 flagged (scores of 1 and more, a fixed threshold)"), "{}", run.stderr);
    assert_eq!(world.run(&["search", "anomaly:true"]).code, 1);
    let (one, run) = (settings(&world), world.ok(&["rescore", "--alert-budget", "0.02"]));
    assert!(run.stderr.contains("within a budget of 0.02 of all records"), "{}", run.stderr);
    assert!([1_501, 1_502].iter().all(|id| world.ids("anomaly:true", &[]).contains(id)));
    assert!(fixed != one && one != settings(&world), "each setting has its hash in the log of custody");
    world.ok(&["verify"]);
    let scored = world.ok(&["score", "--threshold", "0", &file]).stdout;
    assert!(scored.lines().all(|line| line.ends_with("\t1")), "everything scores 0 and more");
    let sessions = world.ok(&["score", "--sessions", "User ([a-z]+)", "--threshold", "0", &file]).stdout;
    assert_eq!(sessions.lines().filter(|line| line.ends_with("\t1")).count(), 4, "{sessions}");
}

#[test]
fn a_file_of_settings_is_taken_up_and_arguments_come_before_it() {
    let world = World::new();
    let (train, test) = (world.write("train.log", logins(600)), world.write("test.log", TAIL));
    let file = world.write(
        "detect.toml",
        "[detection]\nmodel-kind = \"pca\"\nthreshold = 0.9\n[pca]\ncomponents = 3\n[isolation-forest]\ntrees = 9\n",
    );
    assert_eq!(world.json(&["train", "--json", "--config", &file, &train])["kind"], "pca");
    let told = |arguments: &[&str]| world.ok(&[arguments, &[test.as_str()]].concat()).stderr;
    let fixed = "scores of 0.9 and more";
    assert!(told(&["score", "--config", &file]).contains(fixed));
    assert!(told(&["score", "--model", "default"]).contains(fixed), "the model keeps what it was trained with");
    assert!(told(&["score", "--model", "default", "--threshold", "0.5"]).contains("scores of 0.5 and more"));
    assert!(told(&["score", "--config", &file, "--alert-budget", "0.1"]).contains("a budget of 0.1 of"));
    assert!(told(&["process", "--config", &file]).contains(fixed));
    assert_eq!(world.json(&["train", "--json", "--config", &file, "--kind", "rules", &train])["kind"], "rules");
}

#[test]
fn a_wrong_setting_is_told_before_anything_is_made() {
    let world = World::new();
    let test = world.write("test.log", TAIL);
    for (text, sentence) in [
        ("[detection]\ntreshold = 0.5\n", "did you mean 'threshold'?"),
        ("[autoencoder]\nepochs = 99999\n", "an autoencoder goes through its rows at most 10,000 times"),
        ("[autoencoder\n", "line 1 is no TOML"),
    ] {
        let file = world.write("bad.toml", text);
        for command in ["process", "score", "train"] {
            let run = world.run(&[command, "--config", &file, &test]);
            assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{command} {text}");
            assert!(run.stderr.contains("bad.toml: ") && run.stderr.contains(sentence), "{command}: {}", run.stderr);
            assert_eq!(run.stderr.trim_end().lines().count(), 1, "{}", run.stderr);
        }
    }
    for arguments in [&["process", "--threshold", "1.5"][..], &["score", "--threshold", "0.5", "--alert-budget", "0.1"]]
    {
        assert_eq!(world.run(&[arguments, &[test.as_str()]].concat()).code, 2, "{arguments:?}");
    }
    assert_eq!(world.run(&["score", "--config", "nowhere.toml", &test]).code, 2);
    assert!(!world.path("data").exists());
}
