//! `logguard demo`: generate, process, and the prompt; without a terminal a guided tour of questions and answers.

use std::io::IsTerminal;
use std::sync::atomic::AtomicBool;

use anyhow::bail;

use super::Outcome;
use super::args::Demo;
use super::outcome::note;
use crate::engine::{Counters, EngineError, SearchOptions, Store};
use crate::generate::{GenerateConfig, Generator};
use crate::model::FailureKind;
use crate::repl;
use crate::report::{Theme, bytes, count, seconds};

/// Name of the generated file.
const LOG: &str = "system_logs.log";

/// Questions of the tour, with what they are about.
const TOUR: &[(&str, &str)] = &[
    ("what is there, by severity", "*:* | stats count by level"),
    ("two words, anywhere in the line", "failed password"),
    ("severe events of one network", "level>=error source_ip:203.0.113.0/24 | top 5 source_ip"),
    ("a path, no escapes needed", "/etc/sudoers"),
    ("what detection found odd, and why", "anomaly:true"),
    ("everything that looks like an injection", "rule:sqli OR rule:xss"),
    ("when it happened", "event_type:DB_CONNECTION_FAILED | timechart 3h"),
];

/// Runs the command.
pub fn run(command: &Demo) -> anyhow::Result<Outcome> {
    let store = command.store.store();
    refuse_others(&store)?;
    let file = store.config().data.join(LOG);
    generate(command, &file)?;
    let started = std::time::Instant::now();
    let report = store.ingest(&store.ingest_options(vec![file.display().to_string()]), &Counters::default())?;
    if report.unchanged > 0 {
        note("process: already archived and skipped");
    } else {
        note(&format!(
            "process: {} ({}) archived, parsed, scored and indexed in {}; {} flagged; {} on disk",
            count(report.records, "record"),
            bytes(report.raw_bytes),
            seconds(started.elapsed().as_secs_f64()),
            report.flagged,
            bytes(report.archive_bytes + report.index_bytes)
        ));
    }
    let mut search = store.search()?;
    let options = SearchOptions::default();
    let stop = std::sync::Arc::new(AtomicBool::new(false));
    let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if !is_terminal {
        repl::tour(&mut search, options, &stop, TOUR)?;
        return Ok(Outcome::Done);
    }
    let wish = std::sync::Arc::clone(&stop);
    ctrlc::set_handler(move || wish.store(true, std::sync::atomic::Ordering::Relaxed))?;
    note("search: try  failed password  |  anomaly:true  |  level>=error | top 5 source_ip");
    let theme = Theme::new(std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()));
    repl::run(&mut search, options, &stop, theme)?;
    Ok(Outcome::Done)
}

/// A demo must not mix made-up lines into somebody's case.
fn refuse_others(store: &Store) -> anyhow::Result<()> {
    let snapshot = match store.snapshot() {
        Ok(snapshot) => snapshot,
        Err(EngineError::Archive(cause)) if cause.kind() == FailureKind::Missing => return Ok(()),
        Err(other) => return Err(other.into()),
    };
    if snapshot.inputs().iter().any(|input| input.acquisition.name != LOG) {
        bail!(
            "{}: this store holds other logs; name empty folders with --data and --index for the demo",
            store.config().data.display()
        );
    }
    Ok(())
}

fn generate(command: &Demo, file: &std::path::Path) -> anyhow::Result<()> {
    let mut generator = Generator::new(GenerateConfig::default());
    let mut lines = Vec::new();
    let mut anomalous = 0u64;
    for _ in 0..command.lines {
        anomalous += u64::from(generator.next_line(&mut lines).label != "normal");
    }
    if let Some(parent) = file.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(file, &lines)?;
    note(&format!(
        "generate: {} ({anomalous} of injected scenarios) in {}",
        count(command.lines, "line"),
        file.display()
    ));
    Ok(())
}
