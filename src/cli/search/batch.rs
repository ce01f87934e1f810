//! Many questions over one open store, one a line, each answer set apart from the next.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::{Asker, Outcome, note, outcome_of, tell};
use crate::engine::{EngineError, SearchSummary};
use crate::report::{Form, Theme, escape, escape_json, pointed_at};

/// Longest line that is read as a question, in bytes; the language itself takes fewer characters.
const LONGEST: u64 = 1 << 20;

/// Answers the questions of a file, or of standard input for `-`. A question that can't be answered does not keep the others
/// from it; the outcome is the worst of all, and nothing found only where no question found anything.
pub(super) fn run(asker: &Asker, file: &Path, out: &mut dyn Write, theme: Theme) -> anyhow::Result<Outcome> {
    let mut input: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        let opened = std::fs::File::open(file).with_context(|| format!("{}: can't be read", file.display()))?;
        Box::new(BufReader::new(opened))
    };
    let (mut has_failed, mut has_found) = (false, false);
    let (mut line, mut number, mut asked) = (Vec::new(), 0u64, 0u64);
    loop {
        line.clear();
        if input.by_ref().take(LONGEST + 1).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        number += 1;
        if line.len() as u64 > LONGEST {
            bail!("{}: line {number} is longer than {LONGEST} bytes", file.display());
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        asked += 1;
        match answer(asker, text, (number, asked), out, theme)? {
            Outcome::Done => has_found = true,
            Outcome::NoneFound => {}
            Outcome::Failed => has_failed = true,
        }
    }
    if asked == 0 {
        bail!("{}: there is no question in it; write one a line", file.display());
    }
    Ok(match (has_failed, has_found) {
        (true, _) => Outcome::Failed,
        (false, true) => Outcome::Done,
        (false, false) => Outcome::NoneFound,
    })
}

/// Answers one question between its marks; only output that can't be written and Ctrl-C are failures.
fn answer(
    asker: &Asker,
    text: &str,
    (line, asked): (u64, u64),
    out: &mut dyn Write,
    theme: Theme,
) -> anyhow::Result<Outcome> {
    let is_count = asker.command.count && asker.form == Form::Text;
    match asker.form {
        Form::Json => object(out, &json!({ "query": { "number": asked, "line": line, "text": text } }))?,
        _ if is_count => {}
        _ => {
            if asked > 1 {
                writeln!(out)?;
            }
            writeln!(out, "# {}", escape(text))?;
        }
    }
    match asker.one(text, out, theme, &mut |_| {}) {
        Ok(summary) => {
            if asker.form == Form::Json {
                object(out, &json!({ "summary": summary_of(&summary, asker) }))?;
                return Ok(outcome_of(&summary));
            }
            out.flush()?;
            Ok(tell(&summary, asker.command))
        }
        Err(failure) => {
            let cause = failure.downcast_ref::<EngineError>();
            if cause.is_none() || matches!(cause, Some(EngineError::Interrupted)) {
                return Err(failure);
            }
            let column = match cause {
                Some(EngineError::Query(mistake)) => mistake.column,
                _ => None,
            };
            if asker.form == Form::Json {
                let suggestion = match cause {
                    Some(EngineError::Query(mistake)) => mistake.suggestion.clone(),
                    _ => None,
                };
                let error = json!({ "column": column, "reason": failure.to_string(), "suggestion": suggestion });
                object(out, &json!({ "error": error }))?;
            } else if is_count {
                writeln!(out, "-")?;
            }
            out.flush()?;
            note(&format!("logguard: line {line}: {failure:#}"));
            if let Some(column) = column {
                pointed_at(text, column).iter().for_each(|line| note(line));
            }
            Ok(Outcome::Failed)
        }
    }
}

fn object(out: &mut dyn Write, value: &Value) -> std::io::Result<()> {
    writeln!(out, "{}", escape_json(&value.to_string()))
}

/// What the last line of an answer says, for programs.
fn summary_of(summary: &SearchSummary, asker: &Asker) -> Value {
    let zone = asker.options.zone;
    let coverage = &summary.coverage;
    json!({
        "matched": summary.matched,
        "counted": summary.counted,
        "first": summary.first.map(|time| time.display(zone).to_string()),
        "last": summary.last.map(|time| time.display(zone).to_string()),
        "records": coverage.records,
        "covered": coverage.covered,
        "pruned": coverage.pruned,
        "seconds": summary.seconds,
        "complete": summary.is_complete(),
        "hints": summary.hints,
        "warnings": summary.warnings(),
    })
}
