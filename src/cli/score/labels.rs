//! `logguard score --labels`: how well scores and flags agree with what somebody says of each line.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};

use super::tell;
use crate::cli::Outcome;
use crate::cli::outcome::{print, print_json};
use crate::engine::{Labelled, MOST_MEASURED, Measures, ScoreOptions, Store, measure};

/// No file of labels is longer: four bytes a line.
const LONGEST: u64 = 4 * MOST_MEASURED as u64;

/// Scores the file and prints the figures.
pub(super) fn run(store: &Store, options: &ScoreOptions, file: &Path, as_json: bool) -> anyhow::Result<Outcome> {
    let labels = read(file)?;
    let mut rest = labels.iter();
    let mut lines: Vec<Labelled> = Vec::new();
    let mut unlabelled = 0u64;
    let report = store.score(options, |line| {
        match rest.next() {
            Some(Some(odd)) => lines.push((*odd, line.score, line.flagged)),
            Some(None) => {}
            None => unlabelled += 1,
        }
        Ok(())
    })?;
    if unlabelled > 0 || rest.len() > 0 {
        bail!("{} has {} labels, and there are {} lines", file.display(), labels.len(), report.lines);
    }
    let Some(told) = measure(&lines) else {
        bail!("{}: labels of at least one odd line (1) and one ordinary line (0) are needed", file.display());
    };
    if as_json {
        print_json(&told)?;
    } else {
        print(&text_of(&told))?;
    }
    Ok(tell(&report))
}

/// The labels: `Some(true)` for 1, `Some(false)` for 0, `None` for -1.
fn read(file: &Path) -> anyhow::Result<Vec<Option<bool>>> {
    let mut text = String::new();
    // A pipe has no length to ask for.
    let read = File::open(file).and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text));
    read.with_context(|| format!("{}: reading labels", file.display()))?;
    if text.len() as u64 > LONGEST {
        bail!("{}: labels of more than {MOST_MEASURED} lines can't be measured at once", file.display());
    }
    let label = |(number, line): (usize, &str)| match line.trim() {
        "1" => Ok(Some(true)),
        "0" => Ok(Some(false)),
        "-1" => Ok(None),
        _ => bail!("{}: line {} is no label; write 1, 0 or -1", file.display(), number + 1),
    };
    let labels: Vec<_> = text.lines().enumerate().map(label).collect::<Result<_, _>>()?;
    if labels.len() > MOST_MEASURED {
        bail!("{}: labels of more than {MOST_MEASURED} lines can't be measured at once", file.display());
    }
    Ok(labels)
}

fn text_of(told: &Measures) -> String {
    let rows = [
        ("lines", told.lines.to_string()),
        ("odd", told.odd.to_string()),
        ("flagged", told.flagged.to_string()),
        ("roc_auc", format!("{:.4}", told.roc_auc)),
        ("average_precision", format!("{:.4}", told.average_precision)),
        ("precision", format!("{:.4}", told.precision)),
        ("recall", format!("{:.4}", told.recall)),
        ("f1", format!("{:.4}", told.f1)),
        ("false_positive_rate", format!("{:.4}", told.false_positive_rate)),
    ];
    rows.map(|(name, value)| format!("{name}\t{value}")).join("\n")
}
