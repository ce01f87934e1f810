//! `logguard rescore`: the second pass over the whole archive.

use std::sync::Arc;

use super::Outcome;
use super::args::Rescore;
use super::outcome::{note, print_json};
use super::process::{Shown, stop_on_interrupt};
use crate::engine::Counters;
use crate::report::{count, thousands};

/// Runs `rescore`.
pub fn run(command: &Rescore) -> anyhow::Result<Outcome> {
    let counters = Arc::new(Counters::default());
    stop_on_interrupt(&counters);
    let config = command.judging.settings(false)?;
    let flagging = config.flagging();
    let shown = Shown::start(&counters, false);
    let report = command.store.store().rescore(config, &counters);
    shown.finish();
    let report = report?;
    if command.json {
        print_json(&report)?;
    }
    note(&format!(
        "{} scored anew: {} flagged ({flagging}), {} before",
        count(report.records, "record"),
        thousands(report.flagged_after),
        thousands(report.flagged_before)
    ));
    Ok(Outcome::Done)
}
