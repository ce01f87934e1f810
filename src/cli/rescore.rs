//! `logguard rescore`: the second pass over the whole archive.

use std::sync::Arc;

use super::Outcome;
use super::args::Rescore;
use super::outcome::{note, print_json};
use super::process::{Shown, stop_on_interrupt};
use super::rules;
use crate::engine::Counters;
use crate::report::{count, thousands};

/// Runs `rescore`.
pub fn run(command: &Rescore) -> anyhow::Result<Outcome> {
    let counters = Arc::new(Counters::default());
    stop_on_interrupt(&counters);
    let config = command.judging.settings(false)?;
    let flagging = config.flagging();
    let rules = rules::load(&command.sigma)?.map_err(anyhow::Error::msg)?;
    let shown = Shown::start(&counters, false);
    let report = command.store.store().rescore(config, rules.as_ref().map(|(set, _)| set), &counters);
    shown.finish();
    let report = report?;
    if command.json {
        print_json(&report)?;
    }
    if let Some((_, loaded)) = &rules {
        note(&rules::summary(loaded));
    }
    if report.kept_outside > 0 {
        note(&format!(
            "what Sigma rules found before stays on {}; 'logguard rescore --sigma PATH' looks for them anew",
            count(report.kept_outside, "record")
        ));
    }
    note(&format!(
        "{} scored anew: {} flagged ({flagging}), {} before",
        count(report.records, "record"),
        thousands(report.flagged_after),
        thousands(report.flagged_before)
    ));
    Ok(Outcome::Done)
}
