//! `logguard rules`: which rules of a folder can be used, and why the others can't.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;

use super::Outcome;
use super::args::Rules;
use super::outcome::{note, print, print_json};
use crate::engine::{RuleSet, RulesReport, load_rules};
use crate::report::{count, escape, thousands};

/// Runs the command.
pub fn run(command: &Rules) -> anyhow::Result<Outcome> {
    let (set, report) = load_rules(&command.paths)?;
    if command.json {
        print_json(&report)?;
    } else {
        if command.list {
            set.names().try_for_each(|name| print(&escape(name)))?;
        }
        for not in &report.not_loaded {
            print(&escape(&format!("{} (document {}): {}", not.file, not.document, not.reason)))?;
        }
    }
    note(&summary(&report));
    Ok(if report.not_loaded.is_empty() { Outcome::Done } else { Outcome::Failed })
}

/// Rules to look for, and what became of loading them.
pub(super) type Loaded = (Arc<RuleSet>, RulesReport);

/// Loads the rules for a run: `Err` in one sentence where there are some and none can be used. A path without any is bad usage.
pub(super) fn load(paths: &[PathBuf]) -> anyhow::Result<Result<Option<Loaded>, String>> {
    if paths.is_empty() {
        return Ok(Ok(None));
    }
    let (set, report) = load_rules(paths)?;
    if !set.is_empty() {
        return Ok(Ok(Some((Arc::new(set), report))));
    }
    let Some(first) = report.not_loaded.first() else {
        let named: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        bail!("there is no Sigma rule in {}", named.join(", "));
    };
    Ok(Err(format!(
        "none of {} can be used ({}: {})",
        count(report.not_loaded.len() as u64, "Sigma rule"),
        escape(&first.file),
        escape(&first.reason)
    )))
}

/// The report in one line.
pub(super) fn summary(report: &RulesReport) -> String {
    let levels = ["informational", "low", "medium", "high", "critical"];
    let by_level: Vec<String> = levels
        .iter()
        .zip(report.by_level)
        .rev()
        .filter(|(_, number)| *number > 0)
        .map(|(level, number)| format!("{} {level}", thousands(number as u64)))
        .collect();
    let levels = if by_level.is_empty() { String::new() } else { format!(" ({})", by_level.join(", ")) };
    let left = report.not_loaded.len() as u64;
    let correlations = match report.correlations as u64 {
        0 => String::new(),
        number => format!(", {} of them correlations", thousands(number)),
    };
    format!(
        "Sigma: {} loaded{levels} from {}; {} not loaded{correlations}{}",
        count(report.loaded as u64, "rule"),
        count(report.files as u64, "file"),
        thousands(left),
        if left > 0 { ": 'logguard rules' says why" } else { "" }
    )
}
