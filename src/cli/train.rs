//! `logguard train`: a model of what is ordinary, from files or from the archive.

use super::Outcome;
use super::args::{Judging, Train};
use super::outcome::{note, print_json};
use crate::engine::{DetectConfig, TrainOptions};
use crate::report::{bytes, count, seconds};

/// Runs the command.
pub fn run(command: &Train) -> anyhow::Result<Outcome> {
    let mut store = command.store.store();
    command.reading.add_formats(&mut store)?;
    let files = (!command.from_archive).then(|| command.reading.options(&store, command.paths.clone()));
    let flagging = Judging { alert_budget: command.alert_budget, threshold: command.threshold, ..Judging::default() };
    let usual = Judging { config: command.config.clone(), ..flagging }.settings(false)?;
    let detect = DetectConfig {
        kind: command.kind.map_or(usual.kind, Into::into),
        trees: command.trees.unwrap_or(usual.trees),
        sample: command.sample.unwrap_or(usual.sample),
        components: command.components.unwrap_or(usual.components),
        contamination: command.contamination.unwrap_or(usual.contamination),
        hidden: command.hidden.clone().unwrap_or(usual.hidden),
        epochs: command.epochs.unwrap_or(usual.epochs),
        learning_rate: command.learning_rate.unwrap_or(usual.learning_rate),
        seed: command.seed.unwrap_or(usual.seed),
        ..usual
    };
    let report =
        store.train(TrainOptions { name: command.name.clone(), files, column: command.column.clone(), detect })?;
    if command.json {
        print_json(&report)?;
    }
    for refused in &report.refused {
        note(&format!("refused: {}: {}", refused.name, refused.reason));
    }
    note(&format!(
        "{}: {} of {} from {} in {}, {}",
        report.path.display(),
        report.kind,
        count(report.lines, "line"),
        count(report.sources.len() as u64, "source"),
        seconds(report.seconds),
        bytes(report.bytes)
    ));
    Ok(if report.refused.is_empty() { Outcome::Done } else { Outcome::Failed })
}
