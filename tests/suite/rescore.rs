//! The second pass: other scores, the same records and the same evidence, and answers that say which pass they speak of.

use crate::world::World;

fn store() -> World {
    let world = World::new();
    let lines: String = (0..4_000)
        .map(|number| {
            // What is odd at first sight only: a second kind of line sets in late and is ordinary from then on.
            let what = if number > 200 { format!("cache hit key={number}") } else { "login ok".to_owned() };
            format!("2026-11-20T10:{:02}:{:02}Z INFO app[7]: {what}\n", number / 60 % 60, number % 60)
        })
        .collect();
    world.write("a.log", lines);
    world.write("b.log", "2026-11-20T12:00:00Z ERROR app[7]: rm -rf / --no-preserve-root\n");
    world.ok(&["process", "a.log", "b.log"]);
    world
}

#[test]
fn scores_are_replaced_and_nothing_else_is() {
    let world = store();
    let pin = |world: &World| world.json(&["verify", "--json"])["root"].clone();
    let (root, lines) = (pin(&world), world.ok(&["search", "--raw", "*"]).bytes);
    let count = |world: &World| world.ok(&["search", "--json", "* | stats count, sum(score)"]).stdout;
    let before = count(&world);
    let run = world.ok(&["rescore"]);
    assert!(run.stderr.contains("4,001 records scored anew"), "{}", run.stderr);
    assert_ne!(count(&world), before);
    assert_eq!(world.ok(&["search", "--raw", "*"]).bytes, lines);
    assert_eq!(pin(&world), root, "the record tree speaks of bytes, not of scores");
    world.ok(&["verify"]);
    assert_eq!(world.ids("rule:destructive-command", &[]).len(), 1);
    assert_eq!(world.ids("anomaly:true", &["--scan"]), world.ids("anomaly:true", &[]));
    let again = world.ok(&["rescore"]);
    assert!(again.stderr.contains("scored anew"), "{}", again.stderr);
    world.ok(&["verify"]);
}

#[test]
fn answers_and_info_tell_the_passes_apart() {
    let world = store();
    assert!(world.ok(&["info"]).stdout.contains("scores   of one pass"));
    world.ok(&["rescore"]);
    assert!(world.ok(&["info"]).stdout.contains("scores   of a second pass over all records"));
    assert!(world.ok(&["search", "--count", "score>=0"]).stderr.contains("second pass over all records"));
    assert!(world.ok(&["search", "--count", "incident:*"]).stderr.contains("second pass over all records"));
    assert!(!world.ok(&["search", "--count", "login"]).stderr.contains("second pass"));
    world.write("c.log", "2026-11-20T13:00:00Z INFO app[7]: login ok\n");
    world.ok(&["process", "c.log"]);
    assert!(world.ok(&["info"]).stdout.contains("of a second pass for records below 4,001"));
    let run = world.ok(&["search", "--count", "score>=0"]);
    assert!(run.stderr.contains("records below 4001 are of a second pass"), "{}", run.stderr);
}

#[test]
fn what_rules_from_outside_found_stays() {
    let world = store();
    world.write(
        "rules/odd.yml",
        "title: Odd\nid: 7a3b0f5e-0000-4000-8000-000000000001\nlogsource:\n  product: linux\ndetection:\n  keywords:\n    - preserve-root\n  \
         condition: keywords\nlevel: high\n",
    );
    world.write("d.log", "2026-11-20T12:30:00Z ERROR app[9]: again --no-preserve-root\n");
    world.ok(&["process", "--sigma", "rules", "d.log"]);
    let before = world.ids("rule:odd", &[]);
    assert_eq!(before.len(), 1);
    world.ok(&["rescore"]);
    assert_eq!(world.ids("rule:odd", &[]), before);
    assert_eq!(world.ids("rule:sigma", &[]), before);
    let run = world.ok(&["rescore"]);
    assert!(run.stderr.contains("what Sigma rules found before stays on 1 record;"), "{}", run.stderr);
}

#[test]
fn rules_that_are_given_are_looked_for_anew() {
    let world = store();
    let rule = |name: &str, word: &str| {
        let text = format!(
            "title: Odd {name}\nlogsource:\n  product: linux\ndetection:\n  keywords:\n    - {word}\n  condition: keywords\nlevel: high\n"
        );
        world.write(&format!("rules/{name}.yml"), text)
    };
    let first = rule("first", "preserve-root");
    world.ok(&["rescore", "--sigma", &first]);
    let removed = world.ids("preserve-root", &[]);
    assert_eq!(world.ids("rule:first", &[]), removed, "records that were archived without rules are looked at");
    assert!(world.ids("anomaly:true", &[]).contains(&removed[0]));
    let second = rule("second", "'key=77 '");
    rule("third", "'key=78'");
    world.ok(&["rescore", "--sigma", &second, "--sigma", &world.path("rules/third.yml").display().to_string()]);
    assert_eq!(world.run(&["search", "rule:first"]).code, 1, "what other rules found is replaced");
    assert_eq!(world.ids("rule:third", &[]).len(), 10, "key=780 to key=789");
    assert_eq!(world.ids("rule:third", &["--scan"]), world.ids("rule:third", &[]));
    world.ok(&["verify"]);
    let none = world.run(&["rescore", "--sigma", &world.write("none/a.txt", "no rule")]);
    assert_eq!(none.code, 2, "{}", none.stderr);
}

#[test]
fn an_archive_with_a_gap_is_left_as_it_is() {
    let world = World::new();
    world.write("a.log", (0..20_000).map(|number| format!("line {number} of many\n")).collect::<String>());
    world.ok(&["process", "a.log"]);
    let segment = world.damage_first_group();
    let before = std::fs::read(&segment).unwrap();
    let run = world.run(&["rescore"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert_eq!(std::fs::read(&segment).unwrap(), before);
}
