//! A folder of its own for each test, with a store in it and the program to run on it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The program's clock in tests.
pub const NOW: &str = "2026-11-20T12:00:00Z";

pub struct World {
    folder: TempDir,
}

/// What a run of the program gave.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    /// Standard output as it is.
    pub bytes: Vec<u8>,
}

impl World {
    pub fn new() -> World {
        World { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }

    /// Flips a bit in the lines of the first row group of the only segment and gives the file.
    pub fn damage_first_group(&self) -> PathBuf {
        let mut segments = std::fs::read_dir(self.path("data/segments")).unwrap();
        let segment = segments.next().unwrap().unwrap().path();
        assert!(segments.next().is_none(), "one segment was expected");
        let mut bytes = std::fs::read(&segment).unwrap();
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
        let (at, len) = (number(bytes.len() - 32), number(bytes.len() - 24));
        let directory = zstd::stream::decode_all(&bytes[at..at + len]).unwrap();
        let directory: serde_json::Value = serde_json::from_slice(&directory).unwrap();
        let stripe = &directory["stripes"][0];
        // The first section of a group is its lines.
        let lines = stripe["at"].as_u64().unwrap() + stripe["groups"][0]["sections"][0]["at"].as_u64().unwrap();
        bytes[lines as usize + 3] ^= 1;
        std::fs::write(&segment, bytes).unwrap();
        segment
    }

    /// The program with the folder as its working folder; its stores are `data` and `index` in it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("logguard"));
        command.args(arguments).current_dir(self.folder.path()).env("XDG_STATE_HOME", self.folder.path());
        command.stdin(std::process::Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        of(self.command(arguments).output().unwrap())
    }

    /// Runs and expects exit code 0; a failure shows everything the program said.
    pub fn ok(&self, arguments: &[&str]) -> Run {
        let run = self.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}\nstdout: {}\nstderr: {}", run.stdout, run.stderr);
        run
    }

    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let run = self.ok(arguments);
        serde_json::from_str(&run.stdout).unwrap_or_else(|cause| panic!("{arguments:?}: {cause}: {}", run.stdout))
    }

    /// Ids of the records that match, ascending.
    pub fn ids(&self, query: &str, more: &[&str]) -> Vec<u64> {
        let mut arguments = vec!["search", "--json", "--now", NOW];
        arguments.extend(more);
        arguments.extend(["--", query]);
        let run = self.run(&arguments);
        assert!(run.code < 2, "{query}: {}", run.stderr);
        let mut ids: Vec<u64> = run.stdout.lines().map(id_of).collect();
        ids.sort_unstable();
        ids
    }
}

fn id_of(line: &str) -> u64 {
    serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_u64().unwrap()
}

pub fn of(output: Output) -> Run {
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        bytes: output.stdout,
    }
}

/// The folder of real logs, where there is one; a test that needs it says so when it is absent.
pub fn shared(what: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("LOGGUARD_SHARED").map(PathBuf::from) else {
        println!("LOGGUARD_SHARED is not set: {what} is not checked");
        return None;
    };
    let root = if root.is_absolute() { root } else { Path::new(env!("CARGO_MANIFEST_DIR")).join(root) };
    if root.is_dir() {
        return Some(root);
    }
    println!("{}: no folder, {what} is not checked", root.display());
    None
}
