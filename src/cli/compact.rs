//! `logguard compact`: older segments sealed again, smaller.

use std::sync::Arc;

use super::Outcome;
use super::args::Compact;
use super::outcome::{note, print_json};
use super::process::{Shown, stop_on_interrupt};
use crate::engine::Counters;
use crate::report::{bytes, count};

/// Runs `compact`.
pub fn run(command: &Compact) -> anyhow::Result<Outcome> {
    let counters = Arc::new(Counters::default());
    stop_on_interrupt(&counters);
    let shown = Shown::start(&counters, false);
    let report = command.store.store().compact(command.seal, &counters);
    shown.finish();
    let report = report?;
    if command.json {
        print_json(&report)?;
    }
    for line in &report.recovery {
        note(line);
    }
    if report.records == 0 {
        note(&format!("nothing to do: everything is sealed as '{}' already", command.seal.name()));
        return Ok(Outcome::Done);
    }
    note(&format!(
        "{} sealed as '{}': {} before, {} now; {} became {}",
        count(report.records, "record"),
        command.seal.name(),
        bytes(report.bytes_before),
        bytes(report.bytes_after),
        count(report.segments_before, "segment"),
        report.segments_after
    ));
    if report.still_read > 0 {
        let files = count(report.still_read, "replaced file");
        note(&format!("{files} still being read; the next 'compact' or 'process' removes what is left"));
    }
    Ok(Outcome::Done)
}
