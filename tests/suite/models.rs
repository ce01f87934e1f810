//! `logguard train` and the models it makes: where they come from, what they do, what a bad one does.

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::process::interrupt;
use crate::score::logins;
use crate::world::{World, of};

const TAIL: &str = "2026-11-21T10:00:00Z INFO User admin logged in\n\
                    2026-11-21T10:00:01Z INFO Failed login for root from 203.0.113.5\n\
                    2026-11-21T10:00:02Z INFO rm -rf / --no-preserve-root\n";

fn flags(stdout: &str) -> Vec<bool> {
    stdout.lines().map(|line| line.ends_with("\t1")).collect()
}

/// The one model file of a world.
fn model_file(world: &World) -> std::path::PathBuf {
    let mut files: Vec<_> =
        std::fs::read_dir(world.path("data/models")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

#[test]
fn what_was_learnt_judges_other_files_from_their_first_line() {
    let world = World::new();
    let (train, test) = (world.write("train.log", logins(2_000)), world.write("test.log", TAIL));
    for kind in ["isolation-forest", "autoencoder", "pca", "rules"] {
        world.ok(&["train", "--kind", kind, "--name", kind, "--epochs", "5", &train]);
        let run = world.ok(&["score", "--model", kind, &test]);
        assert_eq!(flags(&run.stdout), [false, true, true], "{kind}: {}", run.stdout);
        let novelty: f64 = run.stdout.lines().nth(1).unwrap().split('\t').nth(1).unwrap().parse().unwrap();
        assert_eq!(novelty > 0.3, kind != "rules", "{kind} has learnt: {}", run.stdout);
    }
    world.ok(&["process", "--model", "autoencoder", &test]);
    assert_eq!(world.ids("anomaly:true", &[]), [1, 2]);
}

/// Messages of logins by a few people, in several wordings.
fn varied_logins(count: usize) -> impl Iterator<Item = String> {
    let users = ["alice", "bob", "carol", "deploy", "erin", "frank", "grace", "heidi", "ivan", "judy"];
    let user = move |number: usize| users[(number * 7 + number / 10) % users.len()];
    (0..count).map(move |number| match number * 13 % 5 {
        0 | 1 => format!("User {} logged in", user(number)),
        2 => format!("User {} logged out", user(number)),
        3 => format!("Session opened for user {}", user(number)),
        _ => format!("Session closed for user {}", user(number)),
    })
}

#[test]
fn a_name_never_seen_in_an_ordinary_wording_is_ordinary_and_attacks_are_not() {
    let world = World::new();
    let test = world.write("test.log", TAIL);
    for count in [120, 1_000, 4_000] {
        let text = |line: &dyn Fn(usize, &str) -> String| -> String {
            varied_logins(count).enumerate().map(|(number, message)| line(number, &message)).collect()
        };
        let time =
            |number: usize| format!("2026-11-20T{:02}:{:02}:{:02}Z", number / 3_600, number / 60 % 60, number % 60);
        let lines = text(&|number, message| format!("{} INFO {message}\n", time(number)));
        let objects = text(&|number, message| {
            format!(
                "{{\"timestamp\":\"{}\",\"level\":\"INFO\",\"message\":\"{message}\",\"source\":\"auth\"}}\n",
                time(number)
            )
        });
        let table = "id,log\n".to_owned() + &text(&|number, message| format!("{number},{message}\n"));
        for (name, training) in [("lines.log", lines), ("objects.jsonl", objects), ("table.csv", table)] {
            let model = format!("{}-{count}", name.split('.').next().unwrap());
            world.ok(&["train", "--name", &model, &world.write(name, training)]);
            let run = world.ok(&["score", "--model", &model, &test]);
            assert_eq!(flags(&run.stdout), [false, true, true], "{model}: {}", run.stdout);
        }
    }
}

#[test]
fn the_same_training_gives_the_same_bytes_and_other_settings_another_model() {
    let world = World::new();
    let train = world.write("train.log", logins(600));
    for _ in 0..2 {
        world.ok(&["train", &train]);
    }
    let file = model_file(&world);
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("default-") && name.ends_with(".lgm"), "{name}");
    assert!(std::fs::metadata(&file).unwrap().len() < 8 << 20);
    let report = world.json(&["train", "--json", "--trees", "7", &train]);
    assert_ne!(report["path"].as_str().unwrap(), format!("data/models/{name}"));
    assert_eq!((&report["lines"], &report["kind"]), (&600.into(), &"isolation-forest".into()));
}

#[test]
fn models_are_made_of_csv_columns_json_lines_and_the_archive() {
    let world = World::new();
    let rows: String = logins(300).lines().map(|line| format!("7,\"{line}\"\n")).collect();
    let csv = world.write("export.csv", format!("id,log\n{rows}"));
    assert_eq!(world.json(&["train", "--json", &csv])["lines"], 300, "the column log is taken by itself");
    assert_eq!(world.json(&["train", "--json", "--column", "log", &csv])["lines"], 300);
    let other = world.run(&["train", "--column", "line", &csv]);
    assert_eq!(other.code, 2);
    assert!(other.stderr.contains("has no column 'line'; its columns are: id, log"), "{}", other.stderr);
    let json: String = (0..300)
        .map(|n| format!("{{\"timestamp\":\"2026-11-20T00:{:02}:{:02}Z\",\"level\":\"info\",\"message\":\"User bob logged in\",\"source\":\"app\"}}\n", n / 60, n % 60))
        .collect();
    let file = world.write("lines.json", json);
    assert_eq!(world.json(&["train", "--json", &file])["lines"], 300);
    world.ok(&["process", &file]);
    let report = world.json(&["train", "--json", "--from-archive", "--name", "archived"]);
    assert_eq!(report["lines"], 300);
    let failed = "{\"timestamp\":\"2026-11-21T00:00:00Z\",\"level\":\"info\",\"message\":\"Failed login for root from 203.0.113.5\",\"source\":\"app\"}\n";
    let run = world.ok(&["score", "--model", "archived", &world.write("new.json", failed)]);
    assert_eq!(flags(&run.stdout), [true], "{}", run.stdout);
}

#[test]
fn a_model_that_cannot_be_used_is_told_in_one_sentence_and_ingest_goes_on() {
    let world = World::new();
    let (train, test) = (world.write("train.log", logins(600)), world.write("test.log", TAIL));
    world.ok(&["train", &train]);
    let whole = std::fs::read(model_file(&world)).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let header = whole.windows(11).position(|bytes| bytes == b"\"version\":3").unwrap();
    let mut other = whole.clone();
    other[header + 10] = b'9';
    let bad = [
        (flipped, "is damaged: it does not have the hash"),
        (whole[..middle].to_vec(), "is damaged: it is cut short"),
        (whole[..9].to_vec(), "is damaged: it is cut short"),
        (other, "is a model of version 9, this logguard uses version 3"),
        (b"not a model".to_vec(), "is no LogGuard model"),
    ];
    for (number, (bytes, sentence)) in bad.into_iter().enumerate() {
        let file = world.write("bad.lgm", bytes);
        let scored = world.run(&["score", "--model", &file, &test]);
        assert_eq!(scored.code, 2);
        assert!(scored.stderr.contains(sentence), "{sentence}: {}", scored.stderr);
        let data = format!("data-{number}");
        let processed = world.run(&["process", "--data", &data, "--index", "i", "--model", &file, &test]);
        assert_eq!(processed.code, 2, "{}", processed.stderr);
        assert!(processed.stderr.contains(sentence) && processed.stderr.contains("scored by rules alone"));
        assert_eq!(world.json(&["info", "--data", &data, "--json"])["records"], 3);
        std::fs::remove_dir_all(world.path("i")).unwrap();
    }
    let unknown = world.run(&["process", "--model", "nobody", &test]);
    assert!(
        unknown.stderr.contains("'nobody' is no model") && unknown.stderr.contains("has default"),
        "{}",
        unknown.stderr
    );
    assert!(unknown.stderr.contains("scored by rules alone"), "{}", unknown.stderr);
    assert_eq!(world.json(&["info", "--json"])["records"], 3, "records are archived all the same");
}

#[test]
fn bad_training_is_told_in_one_sentence() {
    let world = World::new();
    let few = world.write("few.log", logins(37));
    for (arguments, sentence) in [
        (&["train", few.as_str()][..], "too few lines: 37 were read, a model needs 100 of one source"),
        (&["train", "--name", "../x", &few], "is no name for a model"),
        (&["train", "--trees", "0", &few], "a forest has 1 to 1,000 trees"),
        (&["train", "--hidden", "4,0", &few], "a hidden layer has 1 to 256 units"),
        (&["train", "--learning-rate", "NaN", &few], "the learning rate must be above 0"),
        (&["train", "nowhere.log"], "nowhere.log"),
        (&["train", "--from-archive"], "no archive here"),
        (&["train"], "PATH"),
        (&["process", "--model", "x", "--model-kind", "rules", &few], "cannot be used with"),
    ] {
        let run = world.run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(run.stderr.contains(sentence), "{arguments:?}: {}", run.stderr);
    }
    assert!(!world.path("data/models").exists());
}

#[test]
fn kinds_can_be_chosen_without_a_model_and_no_budget_flags_nothing_ordinary() {
    let world = World::new();
    let file = world.write("mixed.log", logins(1_500) + TAIL);
    for kind in ["autoencoder", "pca", "rules"] {
        let run = world.ok(&["score", "--model-kind", kind, &file]);
        let flags = flags(&run.stdout);
        assert_eq!(&flags[1_500..], [false, true, true], "{kind}");
        assert!(flags[..1_500].iter().all(|flag| !flag), "{kind}");
    }
}

#[test]
fn a_followed_log_is_judged_by_the_model_that_replaced_the_first() {
    let world = World::new();
    let train = world.write("train.log", logins(600));
    let followed = world.write("app.log", "2026-11-21T10:00:00Z INFO zork quux frobnicated\n");
    world.ok(&["train", "--kind", "rules", &train]);
    let mut command = world.command(&["process", "--follow", "--model", "default", "app.log"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let appears = |word: &str| {
        let started = Instant::now();
        while world.run(&["search", "--count", word]).stdout.trim() != "1" {
            assert!(started.elapsed() < Duration::from_secs(20), "{word} does not appear");
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    appears("frobnicated");
    world.ok(&["train", &train]);
    // Models are looked at once a second.
    std::thread::sleep(Duration::from_millis(1_200));
    let mut file = std::fs::OpenOptions::new().append(true).open(&followed).unwrap();
    file.write_all(b"2026-11-21T10:00:01Z INFO zork quux defenestrated\n").unwrap();
    appears("defenestrated");
    interrupt(child.id());
    let run = of(child.wait_with_output().unwrap());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("the model 'default' was replaced and is in use since"), "{}", run.stderr);
    assert_eq!(world.ids("novelty>0.3", &[]), [1], "the rules learn nothing, the forest has learnt what is usual");
}
