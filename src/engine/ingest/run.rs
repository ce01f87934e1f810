//! What is the same for all inputs of a run, for the log of custody: who, where, with which program and settings.

use std::fs::File;
use std::io::{self, Read};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use super::{IngestOptions, TOOL};
use crate::archive::{RunRecord, Sha};
use crate::detect::DetectConfig;
use crate::engine::models::ModelFiles;

/// The record of a run with these options.
pub fn run_record(options: &IngestOptions) -> RunRecord {
    RunRecord {
        operator: options.operator.clone(),
        host: options.host.clone(),
        tool: TOOL.to_owned(),
        binary: binary(),
        folder: std::env::current_dir().map_or_else(|_| String::new(), |folder| folder.display().to_string()),
        command: options.command.clone(),
        settings: settings(options),
    }
}

/// Begins to hash the program's file beside other work: the first acquisition waits for it.
pub fn hash_ahead() {
    // Where no thread can be had, whoever needs the hash makes it.
    let _ = std::thread::Builder::new().name("own-hash".to_owned()).spawn(binary);
}

/// SHA-256 of what decides how bytes are read and scored, as one line of text.
fn settings(options: &IngestOptions) -> Sha {
    let definitions: Vec<String> = options.definitions.iter().map(Sha::to_string).collect();
    let rules = options.rules.as_ref().map_or_else(String::new, |rules| format!(" rules={}", Sha(rules.digest())));
    let detect = options.detect.as_ref().map_or_else(|| "none".to_owned(), DetectConfig::text);
    let model = options.model.as_ref().map_or_else(String::new, |wanted| {
        // The file of a model of the store has its hash in its name.
        let file = ModelFiles::of(&options.data).find(wanted);
        format!(" model={}", file.map_or_else(|_| wanted.clone(), |file| file.display().to_string()))
    });
    let text = format!(
        "zone={:?} year={:?} format={:?} definitions={} detect={detect} depth={} members={} ratio={} seal={}{rules}{model}",
        options.zone,
        options.year,
        options.format,
        definitions.join(","),
        options.caps.depth,
        options.caps.members,
        options.caps.ratio,
        options.seal.name()
    );
    Sha::of(text.as_bytes())
}

/// SHA-256 of the running program's file; read once a process.
fn binary() -> Option<Sha> {
    static HASH: OnceLock<Option<Sha>> = OnceLock::new();
    *HASH.get_or_init(|| {
        let mut file = running_file().ok()?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer).ok()? {
                0 => return Some(Sha(hash.finalize().into())),
                read => hash.update(buffer.get(..read)?),
            }
        }
    })
}

/// The file of the running program, also where its name has been given to another since.
#[cfg(target_os = "linux")]
fn running_file() -> io::Result<File> {
    File::open("/proc/self/exe")
}

#[cfg(not(target_os = "linux"))]
fn running_file() -> io::Result<File> {
    File::open(std::env::current_exe()?)
}
