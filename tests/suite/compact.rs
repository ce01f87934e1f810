//! Sealing again: smaller files, the same records under the same numbers, the same evidence.

use crate::world::World;

/// A store of several small segments, as following leaves them behind.
fn store() -> World {
    let world = World::new();
    for part in 0..5 {
        let lines: String = (0..3_000)
            .map(|number| {
                let user = (number * 7 + part) % 50;
                let level = if number % 97 == 0 { "ERROR" } else { "INFO" };
                format!(
                    "2026-11-20T10:{part:02}:{:02}Z {level} app[{number}]: user u{user} took {} ms\n",
                    number / 60,
                    number * 3
                )
            })
            .collect();
        let name = format!("{part}.log");
        world.write(&name, lines);
        world.ok(&["process", "--seal", "fast", &name]);
    }
    world
}

fn segments(world: &World) -> Vec<String> {
    let files = std::fs::read_dir(world.path("data/segments")).unwrap();
    let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[track_caller]
fn same(left: &[String], right: &[String]) {
    for (left, right) in left.iter().zip(right) {
        let differs = left.lines().zip(right.lines()).find(|(left, right)| left != right);
        assert_eq!(differs, None);
        assert_eq!(left.lines().count(), right.lines().count());
    }
}

fn answers(world: &World) -> Vec<String> {
    ["level:error", "u7", "user:u7 OR 2997", "* | stats count by level", "score>=0.1 | stats count, dc(template)"]
        .iter()
        .map(|query| {
            let run = world.run(&["search", "--json", query]);
            // What is pruned and how long it takes may differ.
            run.stdout.lines().filter(|line| !line.contains("seconds")).collect::<Vec<_>>().join("\n")
        })
        .collect()
}

#[test]
fn sealing_again_joins_segments_and_changes_no_answer() {
    let world = store();
    assert_eq!(segments(&world).len(), 5);
    let before = answers(&world);
    let size = |world: &World| -> u64 {
        let size = |name: &String| std::fs::metadata(world.path("data/segments").join(name)).unwrap().len();
        segments(world).iter().map(size).sum()
    };
    let bytes = size(&world);
    let run = world.ok(&["compact"]);
    assert!(run.stderr.contains("5 segments became 1"), "{}", run.stderr);
    assert_eq!(segments(&world).len(), 1);
    assert!(size(&world) < bytes, "{} bytes now, {bytes} before", size(&world));
    same(&answers(&world), &before);
    world.ok(&["verify"]);
    world.ok(&["account"]);
    world.ok(&["restore", "out"]);
    for part in 0..5 {
        let name = format!("{part}.log");
        let (there, here) = (world.path("out").join(&name), world.path(&name));
        assert_eq!(std::fs::read(there).unwrap(), std::fs::read(here).unwrap(), "{name}");
    }
    let run = world.ok(&["compact"]);
    assert!(run.stderr.contains("nothing to do"), "{}", run.stderr);
    world.write("6.log", "one more\n");
    world.ok(&["process", "6.log"]);
    world.ok(&["verify"]);
    world.ok(&["reindex"]);
    // The record that came later has no level and is in the last answers.
    same(&answers(&world)[..3], &before[..3]);
}

#[test]
fn a_replaced_segment_that_a_crash_left_behind_is_removed() {
    let world = store();
    let old = segments(&world);
    let copies: Vec<Vec<u8>> =
        old.iter().map(|name| std::fs::read(world.path("data/segments").join(name)).unwrap()).collect();
    world.ok(&["compact"]);
    let new = segments(&world);
    for (name, bytes) in old.iter().zip(copies) {
        std::fs::write(world.path("data/segments").join(name), bytes).unwrap();
    }
    world.ok(&["verify"]);
    world.write("6.log", "one more\n");
    world.ok(&["process", "6.log"]);
    assert!(old.iter().all(|name| !segments(&world).contains(name)));
    assert!(new.iter().all(|name| segments(&world).contains(name)));
    assert!(!world.path("data/set-aside").exists(), "nothing was lost, so nothing is set aside");
    world.ok(&["verify"]);
}

#[test]
fn a_damaged_segment_is_left_as_it_is() {
    let world = World::new();
    world.write("a.log", (0..20_000).map(|number| format!("line {number} of many\n")).collect::<String>());
    world.ok(&["process", "--seal", "fast", "a.log"]);
    let segment = world.damage_first_group();
    let before = std::fs::read(&segment).unwrap();
    let run = world.run(&["compact"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("row group 0"), "{}", run.stderr);
    assert_eq!(std::fs::read(&segment).unwrap(), before);
    assert_eq!(segments(&world).len(), 1);
}
