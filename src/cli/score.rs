//! `logguard score`: how odd each line of a file is, on standard output, for people and for programs that measure.

mod labels;

use std::io::{self, BufWriter, Write};

use serde_json::{Value, json};

use super::Outcome;
use super::args::Score;
use super::outcome::note;
use crate::engine::{LineScore, ScoreOptions, ScoreReport, SessionScore, Store, StoreConfig};
use crate::model::Reason;
use crate::report::{bytes, count, escape, escape_json, thousands};

/// Runs the command.
pub fn run(command: &Score) -> anyhow::Result<Outcome> {
    let mut store = Store::new(StoreConfig { data: command.data.clone(), ..StoreConfig::default() });
    command.reading.add_formats(&mut store)?;
    let options = options(command, &store)?;
    if let Some(labels) = &command.labels {
        return labels::run(&store, &options, labels, command.json);
    }
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut number = 0u64;
    let report = store.score(&options, |line| {
        number += 1;
        match (command.sessions.is_some(), command.json) {
            (true, _) => Ok(()),
            (false, true) => {
                writeln!(out, "{}", escape_json(&json_of(number, line, command.incidents.is_some()).to_string()))
            }
            (false, false) => write_line(&mut out, line, command.incidents.is_some()),
        }
    });
    let report = match report {
        // The reader of the output has seen enough.
        Err(crate::engine::EngineError::File { cause, .. }) if cause.kind() == io::ErrorKind::BrokenPipe => {
            return Ok(Outcome::Done);
        }
        other => other?,
    };
    for session in &report.sessions {
        write_session(&mut out, session, command.json)?;
    }
    out.flush()?;
    Ok(tell(&report))
}

fn options(command: &Score, store: &Store) -> anyhow::Result<ScoreOptions> {
    let mut input = command.reading.options(store, vec![command.path.clone()]);
    input.model.clone_from(&command.model);
    Ok(ScoreOptions {
        input,
        detect: command.judging.settings(command.sessions.is_some())?,
        sessions: command.sessions.clone(),
        passes: command.passes,
        incidents: command.incidents,
    })
}

fn write_line(out: &mut impl Write, line: &LineScore<'_>, incidents: bool) -> io::Result<()> {
    write!(out, "{:.6}\t{:.6}\t{}", line.score, line.novelty, u8::from(line.flagged))?;
    if incidents {
        write!(out, "\t{}", u8::from(line.raised))?;
    }
    writeln!(out)
}

fn write_session(out: &mut impl Write, session: &SessionScore, as_json: bool) -> io::Result<()> {
    let SessionScore { name, score, flagged, records, reasons } = session;
    if as_json {
        let object = json!({
            "session": name, "score": rounded(*score), "flag": flagged, "records": records, "reasons": reasons_of(reasons),
        });
        return writeln!(out, "{}", escape_json(&object.to_string()));
    }
    writeln!(out, "{}\t{score:.6}\t{}", escape(name), u8::from(*flagged))
}

fn json_of(number: u64, line: &LineScore<'_>, incidents: bool) -> Value {
    let mut object = json!({
        "line": number, "score": rounded(line.score), "novelty": rounded(line.novelty), "flag": line.flagged,
    });
    if let Value::Object(map) = &mut object {
        if incidents {
            map.insert("incident".to_owned(), line.raised.into());
        }
        if let Some(verdict) = line.verdict {
            map.insert("entity".to_owned(), json!(verdict.entity));
            map.insert("rules".to_owned(), json!(verdict.rules));
            map.insert("reasons".to_owned(), reasons_of(&verdict.reasons));
        }
    }
    object
}

fn reasons_of(reasons: &[Reason]) -> Value {
    reasons
        .iter()
        .map(|reason| json!({"id": reason.id, "text": reason.text, "weight": rounded(reason.weight)}))
        .collect()
}

fn rounded(number: f32) -> f64 {
    (f64::from(number) * 1e6).round() / 1e6
}

/// Says on standard error what was scored, and how it ended.
fn tell(report: &ScoreReport) -> Outcome {
    for refused in &report.refused {
        note(&format!("refused: {}: {}", refused.name, refused.reason));
    }
    for incomplete in &report.incomplete {
        note(&format!("incomplete: {}: {}", incomplete.name, incomplete.reason));
    }
    if report.sessions_left_out > 0 {
        note(&format!(
            "{} beyond the {} that are kept",
            count(report.sessions_left_out, "session"),
            report.sessions.len()
        ));
    }
    note(&format!(
        "{} in {}, {} flagged: {}; what was learnt takes {}",
        count(report.lines, "line"),
        count(report.records, "record"),
        thousands(report.flagged),
        report.flagging,
        bytes(report.state_bytes)
    ));
    let is_whole = report.refused.is_empty() && report.incomplete.is_empty();
    if is_whole { Outcome::Done } else { Outcome::Failed }
}
