//! The whole of an answer to a file, whole or not at all.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, bail};

use crate::engine::{Question, Search, SearchOptions, SearchSummary, Target};
use crate::report::{Answer, Form, Style, Theme, count, progress};

/// Endings of the names of files, which say their form.
pub const EXPORTED: [&str; 4] = ["csv", "jsonl", "log", "txt"];

/// Records between two signs of progress.
const STEP: u64 = 8_192;

/// Asks a question again and writes everything it gives; says what was written. An answer that is incomplete gets `.partial`
/// behind its name.
pub fn export(
    search: &Search,
    query: &Question,
    options: SearchOptions,
    stop: &AtomicBool,
    file: &Path,
    force: bool,
) -> anyhow::Result<(String, SearchSummary)> {
    let form = Form::of_name(file)
        .with_context(|| format!("{}: end the name in .jsonl, .csv, .log or .txt", file.display()))?;
    let options = SearchOptions { limit: None, ..options };
    if form == Form::Raw && query.makes_table() {
        bail!("the last answer is a table, which has no raw lines; end the name in .jsonl, .csv or .txt");
    }
    let style = Style { form, zone: options.zone, theme: Theme::new(false), columns: query.shown().to_vec() };
    let mut answer = Answer::new(Target::create(file, force)?, style);
    let is_watched = std::io::stderr().is_terminal();
    let (mut failed, mut written) = (None, 0u64);
    let summary = search.run(query, &options, stop, |record| {
        failed = answer.record(&record, &[]).err();
        written += 1;
        if is_watched && written.is_multiple_of(STEP) {
            progress(&format!("{} written", count(written, "record")));
        }
        failed.is_none()
    });
    if is_watched && written >= STEP {
        progress("");
    }
    let summary = summary?;
    if let Some(cause) = failed {
        return Err(cause).with_context(|| format!("{}: can't be written", file.display()));
    }
    let mut what = count(written, "record");
    if let Some(table) = &summary.table {
        answer.table(table)?;
        what = count(table.rows.len() as u64, "row");
    }
    let target = answer.finish()?;
    let path = if summary.is_complete() { target.keep()? } else { target.keep_partial()? };
    Ok((format!("{what} written to {}", path.display()), summary))
}
