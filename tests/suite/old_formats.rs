//! Stores that earlier versions wrote, kept in `tests/formats/vN`: they must be opened, checked and restored forever.

use std::path::{Path, PathBuf};

use crate::world::World;

/// Said by every failure here.
const FOREVER: &str = "a store of this version lies in users' hands: the program must read it forever. Do not make the store \
                       anew; teach the program to read it (see FORMAT.md, Versions)";

fn stores() -> Vec<PathBuf> {
    let formats = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats");
    let folders = std::fs::read_dir(formats).unwrap().map(|entry| entry.unwrap().path());
    let mut stores: Vec<PathBuf> = folders.filter(|path| path.join("data/custody.jsonl").is_file()).collect();
    stores.sort();
    stores
}

/// Copies a kept store to a folder of its own: opening one for writing may add to it.
fn copy(from: &Path, world: &World, to: &str) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{to}/{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            copy(&path, world, &name);
        } else {
            world.write(&name, std::fs::read(&path).unwrap());
        }
    }
}

#[test]
fn the_version_written_now_is_kept_as_well() {
    let version = format!("v{}", logguard::archive::FORMAT_VERSION);
    assert!(
        stores().iter().any(|store| store.ends_with(&version)),
        "tests/formats/{version} is missing: make a store of the new version and keep those of the versions before"
    );
}

#[test]
fn stores_of_all_versions_are_consistent_and_give_their_inputs_back() {
    for store in stores() {
        let world = World::new();
        copy(&store.join("data"), &world, "data");
        let run = world.run(&["verify"]);
        assert_eq!(run.code, 0, "{}: {FOREVER}\n{}{}", store.display(), run.stdout, run.stderr);
        let run = world.run(&["restore", "out"]);
        assert_eq!(run.code, 0, "{}: {FOREVER}\n{}", store.display(), run.stderr);
        for entry in std::fs::read_dir(store.join("inputs")).unwrap() {
            let path = entry.unwrap().path();
            let restored = std::fs::read(world.path("out").join(path.file_name().unwrap())).unwrap();
            assert!(restored == std::fs::read(&path).unwrap(), "{}: {FOREVER}", path.display());
        }
    }
}

#[test]
fn stores_of_all_versions_answer_as_they_did() {
    for store in stores() {
        let world = World::new();
        copy(&store.join("data"), &world, "data");
        world.ok(&["reindex"]);
        let questions = std::fs::read_to_string(store.join("answers.jsonl")).unwrap();
        assert!(questions.lines().count() >= 3);
        for line in questions.lines() {
            let known: serde_json::Value = serde_json::from_str(line).unwrap();
            let query = known["query"].as_str().unwrap();
            let ids: Vec<u64> = known["ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
            for more in [&[][..], &["--scan"]] {
                assert_eq!(world.ids(query, more), ids, "{}: {query} {more:?}: {FOREVER}", store.display());
            }
        }
    }
}

#[test]
fn an_old_store_takes_up_more_and_can_be_sealed_again() {
    for store in stores() {
        let world = World::new();
        copy(&store.join("data"), &world, "data");
        let more = world.write("more.log", "2026-11-20T10:00:00Z INFO one more\n");
        world.ok(&["process", &more]);
        world.ok(&["compact"]);
        let run = world.run(&["verify"]);
        assert_eq!(run.code, 0, "{}: {FOREVER}\n{}{}", store.display(), run.stdout, run.stderr);
    }
}
