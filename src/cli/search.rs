//! `logguard search`: one question from the command line, many from a file, or the prompt.

mod batch;

use std::io::{BufWriter, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Outcome;
use super::args::Search as Arguments;
use super::outcome::note;
use crate::engine::{EngineError, Marker, Question, Search, SearchOptions, SearchSummary, Target};
use crate::repl;
use crate::report::{Answer, Form, Style, Theme, count, pointed_at, progress, summary_line};
use anyhow::{Context, bail};

/// Records that people see without asking for a number.
const PAGE: u64 = 20;

/// Runs the command.
pub fn run(command: &Arguments) -> anyhow::Result<Outcome> {
    let form = form_of(command)?;
    if form == Form::Raw && command.queries.is_some() {
        bail!("exact bytes leave no room to set the answers to --queries apart; use --json or --csv");
    }
    if form == Form::Raw && command.output.is_none() && std::io::stdout().is_terminal() {
        bail!("--raw gives exact bytes, and those could drive this terminal; use -o FILE or a pipe");
    }
    let mut search = command.store.store().search()?;
    let is_for_people = form == Form::Text && command.output.is_none();
    let options = SearchOptions {
        limit: match command.limit {
            Some(0) => None,
            Some(limit) => Some(limit),
            // People get a page, programs get everything.
            None => is_for_people.then_some(PAGE),
        },
        // Where nobody is told how many match, those wanted are enough.
        count_all: command.limit.is_none() || !command.quiet,
        // The prompt and answers to a file of questions have it in any case.
        tell_span: !command.quiet || command.query.is_none(),
        scan: command.scan,
        lenient: command.lenient,
        zone: command.tz,
        time_limit: command.limit_time,
    };
    let stop = Arc::new(AtomicBool::new(false));
    let wish = Arc::clone(&stop);
    ctrlc::set_handler(move || wish.store(true, Ordering::Relaxed)).context("watching for Ctrl-C")?;
    if command.query.is_none() && command.queries.is_none() {
        if command.output.is_some() {
            bail!("-o needs a question to answer, or --queries");
        }
        let found_all = repl::run(&mut search, options, &stop, theme())?;
        return Ok(if found_all { Outcome::Done } else { Outcome::Failed });
    }
    if command.query.is_some() {
        search = search.for_one_question();
    }
    let asker = Asker { command, search: &search, options, form, stop: &stop };
    match &command.output {
        None => {
            let theme = theme();
            let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
            asker.all(&mut out, theme)
        }
        Some(path) => asker.to_file(path),
    }
}

/// The form asked for by a flag, or by the name of the file to be written.
fn form_of(command: &Arguments) -> anyhow::Result<Form> {
    let by_flag = [(command.json, Form::Json), (command.csv, Form::Csv), (command.raw, Form::Raw)];
    if let Some((_, form)) = by_flag.into_iter().find(|(is_asked, _)| *is_asked) {
        return Ok(form);
    }
    match &command.output {
        None => Ok(Form::Text),
        Some(_) if command.count => Ok(Form::Text),
        Some(path) => Form::of_name(path).with_context(|| {
            format!("{}: say --json, --csv or --raw, or end the name in .jsonl, .csv, .raw or .txt", path.display())
        }),
    }
}

/// Answers the questions of one call of the program.
struct Asker<'a> {
    command: &'a Arguments,
    search: &'a Search,
    options: SearchOptions,
    form: Form,
    stop: &'a AtomicBool,
}

impl Asker<'_> {
    /// Answers the one question, or all of the file of questions.
    fn all(&self, out: &mut dyn Write, theme: Theme) -> anyhow::Result<Outcome> {
        match (&self.command.query, &self.command.queries) {
            (_, Some(file)) => batch::run(self, file, out, theme),
            (Some(text), None) => {
                let summary = self.one(text, out, theme, &mut |_| {}).inspect_err(|failure| point_at(text, failure))?;
                Ok(tell(&summary, self.command))
            }
            (None, None) => Ok(Outcome::Done),
        }
    }

    /// Writes the answers to a file that appears whole or not at all.
    fn to_file(&self, path: &Path) -> anyhow::Result<Outcome> {
        let mut target = Target::create(path, self.command.force)?;
        let theme = Theme::new(false);
        let outcome = match (&self.command.query, &self.command.queries) {
            (Some(text), None) => {
                let is_watched = std::io::stderr().is_terminal();
                let summary = self
                    .one(text, &mut target, theme, &mut |records| {
                        if is_watched && records.is_multiple_of(8_192) {
                            progress(&format!("{} written", count(records, "record")));
                        }
                    })
                    .inspect_err(|failure| point_at(text, failure));
                if is_watched {
                    progress("");
                }
                tell(&summary?, self.command)
            }
            _ => self.all(&mut target, theme)?,
        };
        let path = if outcome == Outcome::Failed { target.keep_partial()? } else { target.keep()? };
        if !self.command.quiet {
            note(&format!("written to {}", path.display()));
        }
        Ok(outcome)
    }

    /// Writes the number of records, or of the rows of a table, and nothing else.
    fn number_of(&self, query: &Question, out: &mut dyn Write) -> anyhow::Result<SearchSummary> {
        let mut number = 0;
        let options = SearchOptions { limit: None, ..self.options };
        let summary = if query.pipes.is_empty() {
            self.search.count(query, &options, self.stop)?
        } else {
            self.search.run(query, &options, self.stop, |_| {
                number += 1;
                true
            })?
        };
        match &summary.table {
            _ if query.pipes.is_empty() => writeln!(out, "{}", summary.matched)?,
            Some(table) => writeln!(out, "{}", table.rows.len())?,
            None => writeln!(out, "{number}")?,
        }
        out.flush()?;
        Ok(summary)
    }

    /// Answers one question; `progress` receives the number of records written so far.
    fn one(
        &self,
        text: &str,
        out: &mut dyn Write,
        theme: Theme,
        progress: &mut dyn FnMut(u64),
    ) -> anyhow::Result<SearchSummary> {
        let query = self.search.parse(text, &self.options)?;
        if self.form == Form::Raw && query.makes_table() {
            bail!("--raw gives the bytes of records, and this question ends in a table; use --json or --csv");
        }
        if self.command.count {
            return self.number_of(&query, out);
        }
        let style = Style { form: self.form, zone: self.options.zone, theme, columns: query.shown().to_vec() };
        let mut answer = Answer::new(out, style);
        // Who looks on sees each record as it comes; whoever reads a page, all of it before the rest is counted.
        let (is_seen, page) = (self.command.output.is_none() && std::io::stdout().is_terminal(), self.options.limit);
        let marker = Marker::of(&query);
        let (mut failed, mut marks, mut written) = (None, Vec::new(), 0);
        let summary = self.search.run(&query, &self.options, self.stop, |record| {
            if self.form == Form::Text {
                marker.marks(record.line(), &mut marks);
            }
            written += 1;
            failed = answer.record(&record, &marks).err();
            if is_seen || page == Some(written) {
                failed = failed.take().or_else(|| answer.flush().err());
            }
            progress(written);
            failed.is_none()
        })?;
        if let Some(cause) = failed {
            return Err(cause.into());
        }
        if let Some(table) = &summary.table {
            answer.table(table)?;
        }
        answer.finish()?;
        Ok(summary)
    }
}

/// Colours on a terminal, unless NO_COLOR is set (no-color.org).
fn theme() -> Theme {
    Theme::new(std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
}

/// Shows where in a question a mistake is.
fn point_at(text: &str, failure: &anyhow::Error) {
    if let Some(EngineError::Query(mistake)) = failure.downcast_ref()
        && let Some(column) = mistake.column
    {
        pointed_at(text, column).iter().for_each(|line| note(line));
    }
}

/// Says on standard error what the answer covers, and how it ended.
fn tell(summary: &SearchSummary, command: &Arguments) -> Outcome {
    if command.explain {
        summary.explain.iter().for_each(|line| note(line));
    }
    if !command.quiet {
        summary.hints.iter().for_each(|hint| note(&format!("hint: {hint}")));
    }
    if !command.quiet || !summary.is_complete() {
        summary.warnings().iter().for_each(|line| note(line));
        let range = (summary.first, summary.last);
        let coverage = &summary.coverage;
        let covered = (coverage.covered, coverage.pruned);
        let matched = (summary.matched, summary.counted);
        note(&summary_line(matched, coverage.records, range, command.tz, covered, summary.seconds));
    }
    outcome_of(summary)
}

fn outcome_of(summary: &SearchSummary) -> Outcome {
    if !summary.is_complete() {
        Outcome::Failed
    } else if summary.matched == 0 {
        Outcome::NoneFound
    } else {
        Outcome::Done
    }
}
