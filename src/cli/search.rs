//! `logguard search`: one question from the command line, or the prompt.

use std::io::{BufWriter, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

use super::Outcome;
use super::args::Search;
use super::outcome::{note, print};
use crate::engine::{Marker, SearchOptions, SearchSummary};
use crate::repl;
use crate::report::{
    CSV_HEADER, Theme, csv_of, csv_rows, escape_json, json_of, json_rows, summary_line, table_of, text_of,
};

/// Runs the command.
pub fn run(command: &Search) -> anyhow::Result<Outcome> {
    let mut search = command.store.store().search()?;
    let options = SearchOptions {
        limit: match command.limit {
            Some(0) => None,
            Some(limit) => Some(limit),
            // People get a page, programs get everything.
            None => (!(command.json || command.csv || command.raw)).then_some(20),
        },
        scan: command.scan,
        lenient: command.lenient,
        zone: command.tz,
    };
    let stop = Arc::new(AtomicBool::new(false));
    let wish = Arc::clone(&stop);
    ctrlc::set_handler(move || wish.store(true, Ordering::Relaxed)).context("watching for Ctrl-C")?;
    let Some(text) = &command.query else {
        let found_all = repl::run(&mut search, options, &stop, theme())?;
        return Ok(if found_all { Outcome::Done } else { Outcome::Failed });
    };
    let query = search.parse(text, &options)?;
    if command.count && query.pipes.is_empty() {
        let summary = search.count(&query, &options, &stop)?;
        print(&summary.matched.to_string())?;
        return Ok(tell(&summary, command));
    }
    let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    if command.csv && query.pipes.is_empty() {
        writeln!(out, "{CSV_HEADER}")?;
    }
    let theme = theme();
    let marker = Marker::of(&query);
    let mut failed = None;
    let mut marks = Vec::new();
    let summary = search.run(&query, &options, &stop, |record| {
        let written = if command.raw {
            out.write_all(&record.raw)
        } else if command.json {
            writeln!(out, "{}", escape_json(&json_of(&record, options.zone).to_string()))
        } else if command.csv {
            writeln!(out, "{}", csv_of(&record, options.zone))
        } else {
            marker.marks(record.line(), &mut marks);
            writeln!(out, "{}", text_of(&record, options.zone, theme, &marks))
        };
        failed = written.err();
        failed.is_none()
    })?;
    if let Some(cause) = failed {
        return Err(cause.into());
    }
    if let Some(table) = &summary.table {
        if command.json {
            json_rows(table).iter().try_for_each(|row| writeln!(out, "{row}"))?;
        } else if command.csv {
            csv_rows(table).iter().try_for_each(|row| writeln!(out, "{row}"))?;
        } else {
            writeln!(out, "{}", table_of(table, theme))?;
        }
    }
    out.flush()?;
    drop(out);
    Ok(tell(&summary, command))
}

/// Colours on a terminal, unless NO_COLOR is set (no-color.org).
fn theme() -> Theme {
    Theme::new(std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
}

/// Says on standard error what the answer covers, and how it ended.
fn tell(summary: &SearchSummary, command: &Search) -> Outcome {
    if command.explain {
        for line in &summary.explain {
            note(line);
        }
    }
    for hint in &summary.hints {
        note(&format!("hint: {hint}"));
    }
    for part in &summary.coverage.unreadable {
        note(&format!("unreadable: {part}"));
    }
    if let Some(cause) = &summary.coverage.index {
        note(&format!("no index used: {cause}"));
    }
    let range = (summary.first, summary.last);
    let coverage = &summary.coverage;
    note(&summary_line(
        summary.matched,
        coverage.records,
        range,
        command.tz,
        (coverage.covered, coverage.pruned),
        summary.seconds,
    ));
    if coverage.covered < coverage.records {
        Outcome::Failed
    } else if summary.matched == 0 {
        Outcome::NoneFound
    } else {
        Outcome::Done
    }
}
