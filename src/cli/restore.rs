//! `logguard restore` and `logguard reindex`: the inputs back from the archive, the index back from the archive.

use super::Outcome;
use super::args::{Reindex, Restore};
use super::outcome::{note, print_json};
use crate::engine::Counters;
use crate::report::{bytes, count};

/// Runs `restore`.
pub fn run(command: &Restore) -> anyhow::Result<Outcome> {
    let report = command.store.store().restore(&command.out, command.keep_going)?;
    if command.json {
        print_json(&report)?;
    }
    for part in &report.unreadable {
        note(&format!("unreadable: {part}"));
    }
    for file in &report.files {
        for gap in &file.gaps {
            let (from, to) = (gap.offset, gap.offset.saturating_add(gap.bytes).saturating_sub(1));
            note(&format!("missing: {}: bytes {from}..={to} of the input ({} bytes)", file.name, gap.bytes));
        }
    }
    for file in report.files.iter().filter(|file| !file.identical) {
        note(&format!("not identical: {} ({} written)", file.name, bytes(file.bytes)));
    }
    let identical = report.files.iter().filter(|file| file.identical).count() as u64;
    let written = report.files.iter().map(|file| file.bytes).sum();
    note(&format!(
        "{} ({}) restored to {}, {identical} with the SHA-256 they were read with",
        count(report.files.len() as u64, "input"),
        bytes(written),
        command.out.display()
    ));
    Ok(if report.is_whole() { Outcome::Done } else { Outcome::Failed })
}

/// Runs `reindex`.
pub fn reindex(command: &Reindex) -> anyhow::Result<Outcome> {
    let report = command.store.store().reindex(&Counters::default())?;
    if report.unreadable > 0 {
        note(&format!("{} could not be read; searches will say so", count(report.unreadable, "row group")));
    }
    note(&format!("{} indexed in {}", count(report.records, "record"), bytes(report.index_bytes)));
    Ok(if report.unreadable == 0 { Outcome::Done } else { Outcome::Failed })
}
