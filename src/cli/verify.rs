//! `logguard verify`: everything that the archive holds, read and hashed again.

use std::sync::Arc;

use super::Outcome;
use super::args::Verify;
use super::outcome::{note, print, print_json};
use super::process::{Shown, stop_on_interrupt};
use crate::engine::{Counters, Head, Verdict, VerifyOptions, VerifyReport};
use crate::report::{count, escape, seconds, thousands};

/// Failures printed one by one; --json has the first 1,000.
const PRINTED: usize = 20;

/// Runs the command.
pub fn run(command: &Verify) -> anyhow::Result<Outcome> {
    let head = command.head.as_deref().map(Head::read).transpose()?;
    let options = VerifyOptions { inputs: command.inputs, head };
    let counters = Arc::new(Counters::default());
    stop_on_interrupt(&counters);
    let shown = Shown::start(&counters, false);
    let report = command.store.store().verify(&options, &counters);
    shown.finish();
    let report = report?;
    if command.json {
        print_json(&report)?;
    } else {
        print_report(&report)?;
    }
    Ok(if report.result == Verdict::Broken { Outcome::Failed } else { Outcome::Done })
}

fn print_report(report: &VerifyReport) -> anyhow::Result<()> {
    for (name, value) in rows(report) {
        print(&format!("{name:<10}{}", escape(&value)))?;
    }
    for failure in report.failures.iter().take(PRINTED) {
        print(&format!("FAIL      {}", escape(&failure.what)))?;
    }
    if report.failed as usize > PRINTED {
        note(&format!("{} more; --json lists them", count(report.failed - PRINTED as u64, "failure")));
    }
    print(&format!("RESULT    {}", report.sentence()))
}

fn rows(report: &VerifyReport) -> Vec<(&'static str, String)> {
    let of = |good: u64, all: u64| format!("{} of {}", thousands(good), thousands(all));
    let mut rows = Vec::new();
    if let Some(head) = &report.head {
        rows.push(("archive", report.archive.clone()));
        let (entries, records) = (thousands(report.entries), count(report.records, "record"));
        rows.push(("head", format!("{entries} entries, {records}, last written {}", report.last_commit)));
        rows.push(("pin", head.to_string()));
        if let Some(since) = &report.since {
            let entries = since.log.map_or(String::new(), |(entries, _)| format!("{} entries, ", thousands(entries)));
            rows.push(("since", format!("{entries}{}, from your head", count(since.records, "record"))));
        }
        let good = report.segments.saturating_sub(report.bad_segments);
        rows.push(("segments", format!("{} with their SHA-256", of(good, report.segments))));
        rows.push((
            "records",
            format!(
                "{} re-hashed; {} blocks and {} commits with their root",
                of(report.hashed, report.records),
                of(report.good_blocks, report.blocks),
                of(report.good_commits, report.commits)
            ),
        ));
        let good = report.inputs.saturating_sub(report.bad_inputs);
        rows.push(("inputs", format!("{} with the SHA-256 they were read with", of(good, report.inputs))));
        if let Some(originals) = &report.originals {
            let (files, present) = (thousands(originals.files), thousands(originals.present));
            let identical = thousands(originals.identical);
            rows.push(("originals", format!("{files} files, {present} still present, {identical} identical")));
        }
        rows.push((
            "tail",
            match report.strays.len() as u64 {
                0 => "nothing after the head".to_owned(),
                strays => format!(
                    "{} that no entry names, NOT covered: {}",
                    count(strays, "segment file"),
                    report.strays.join(", ")
                ),
            },
        ));
        rows.push(("took", seconds(report.seconds)));
    }
    for part in report.unreadable.iter().take(PRINTED) {
        rows.push(("unread", part.clone()));
    }
    if let Some(first) = &report.first_bad_group {
        rows.push((
            "damage",
            format!("{} unreadable; the first: {}", count(report.bad_groups, "row group"), first.what),
        ));
    }
    rows
}
