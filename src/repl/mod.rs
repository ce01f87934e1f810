//! The prompt: reads questions and commands, prints answers, keeps history.
//!
//! In: a store opened for questions. Everything it does beyond reading lines is a call of the engine and a printer of report.

mod assist;
mod command;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};

use self::assist::Assist;
use self::command::{Command, Words};
use crate::engine::{EngineError, Marker, Search, SearchOptions, SearchSummary};
use crate::model::FoundRecord;
use crate::report::{self, Theme, escape, escape_bytes, json_of, summary_line, table_of, text_of};

/// The prompt, as people know it.
const PROMPT: &str = "LogSearch > ";
/// Lines of history kept.
const HISTORY: usize = 5_000;
/// Records shown of an answer.
const PAGE: u64 = 20;

/// What the prompt remembers between two lines.
struct Session<'a> {
    search: &'a mut Search,
    options: SearchOptions,
    stop: &'a AtomicBool,
    theme: Theme,
    last_query: Option<String>,
    shown: u64,
    failed: bool,
}

/// Runs the prompt until `exit` or the end of input; says whether every question was answered. Without a terminal it answers
/// the lines of standard input one after the other.
pub fn run(search: &mut Search, options: SearchOptions, stop: &AtomicBool, theme: Theme) -> anyhow::Result<bool> {
    let config = Config::builder()
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .auto_add_history(true)
        .max_history_size(HISTORY)?
        .build();
    let is_interactive = std::io::stdin().is_terminal();
    let assist = Assist::new(search.snapshot().fields(), theme);
    let mut session = Session { search, options, stop, theme, last_query: None, shown: 0, failed: false };
    if !is_interactive {
        for line in std::io::stdin().lines() {
            if !session.line(&line?)? {
                break;
            }
        }
        return Ok(!session.failed);
    }
    let mut editor: Editor<Assist, FileHistory> = Editor::with_config(config)?;
    editor.set_helper(Some(assist));
    let history = history_file();
    if let Some(file) = &history {
        // The first time there is none.
        let _ = editor.load_history(file);
    }
    session.greet()?;
    loop {
        match editor.readline(PROMPT) {
            Ok(line) => {
                if let Some(file) = &history {
                    let _ = editor.append_history(file);
                }
                stop.store(false, Ordering::Relaxed);
                if !session.line(&line)? {
                    break;
                }
            }
            Err(ReadlineError::Interrupted) => session.say(&theme.dim("(exit leaves)"))?,
            Err(ReadlineError::Eof) => break,
            Err(cause) => return Err(cause.into()),
        }
    }
    Ok(true)
}

/// Answers questions as if they had been typed, each with a line that says what it is about.
pub fn tour(
    search: &mut Search,
    options: SearchOptions,
    stop: &AtomicBool,
    questions: &[(&str, &str)],
) -> anyhow::Result<()> {
    let theme = Theme::new(false);
    let mut session = Session { search, options, stop, theme, last_query: None, shown: 0, failed: false };
    for (about, question) in questions {
        session.say(&format!("# {about}\n{PROMPT}{question}"))?;
        session.question(question, 4, false)?;
        session.say("")?;
    }
    Ok(())
}

/// Where the history is kept: the user's state folder.
fn history_file() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let folder =
        state.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state")))?.join("logguard");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}

impl Session<'_> {
    fn say(&self, line: &str) -> anyhow::Result<()> {
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{line}")?;
        stdout.flush()?;
        Ok(())
    }

    fn greet(&self) -> anyhow::Result<()> {
        let snapshot = self.search.snapshot();
        let span = match self.search.span() {
            (Some(first), Some(last)) => {
                format!(", {} .. {}", first.display(self.options.zone), last.display(self.options.zone))
            }
            _ => String::new(),
        };
        let counts = format!(
            "{} from {}{span}",
            report::count(snapshot.records(), "record"),
            report::count(snapshot.inputs().len() as u64, "input")
        );
        self.say(&format!(
            "{counts}\n{}",
            self.theme.dim("a question, :help, or exit; Tab completes fields, Ctrl-C stops a question")
        ))
    }

    /// Answers one line; `false` ends the prompt.
    fn line(&mut self, line: &str) -> anyhow::Result<bool> {
        let line = line.trim();
        if line.is_empty() {
            return Ok(true);
        }
        let outcome = match Command::parse(line) {
            Words::Leave => return Ok(false),
            Words::Command(command) => self.command(&command),
            Words::Wrong(message) => {
                self.failed = true;
                self.say(&escape(&message))?;
                return Ok(true);
            }
            Words::Question => self.question(line, PAGE, false),
        };
        match outcome {
            Ok(()) => Ok(true),
            Err(failure) => {
                // An answer that can't be printed ends the prompt; one that can't be given does not.
                let Some(cause) = failure.downcast_ref::<EngineError>() else { return Err(failure) };
                self.failed = true;
                self.explain_failure(line, cause)?;
                Ok(true)
            }
        }
    }

    fn explain_failure(&self, line: &str, cause: &EngineError) -> anyhow::Result<()> {
        if let EngineError::Query(mistake) = cause
            && let Some(column) = mistake.column
            && Command::parse(line) == Words::Question
        {
            let indent: usize = PROMPT.chars().count() + column.saturating_sub(1);
            self.say(&format!("{}{}", " ".repeat(indent), self.theme.paint("31", "^")))?;
        }
        self.say(&self.theme.paint("31", &escape(&cause.to_string())))
    }

    fn question(&mut self, text: &str, limit: u64, explain: bool) -> anyhow::Result<()> {
        self.search.refresh()?;
        let options = SearchOptions { limit: Some(limit), ..self.options };
        let query = self.search.parse(text, &options)?;
        let marker = Marker::of(&query);
        let mut records = Vec::new();
        let summary = self.search.run(&query, &options, self.stop, |record| {
            records.push(record);
            true
        })?;
        if explain {
            for line in &summary.explain {
                self.say(&escape(line))?;
            }
        }
        self.say(&self.summary(&summary))?;
        let mut marks = Vec::new();
        for record in &records {
            marker.marks(record.line(), &mut marks);
            self.say(&text_of(record, self.options.zone, self.theme, &marks))?;
        }
        if let Some(table) = &summary.table {
            self.say(&table_of(table, self.theme))?;
        }
        self.shown = records.len() as u64;
        if summary.table.is_none() && summary.matched > self.shown {
            let rest = report::thousands(summary.matched - self.shown);
            self.say(
                &self.theme.dim(&format!("{rest} more; :more shows the next, '| head N' or stats narrow it down")),
            )?;
        }
        for hint in &summary.hints {
            self.say(&self.theme.dim(&escape(&format!("hint: {hint}"))))?;
        }
        for part in &summary.coverage.unreadable {
            self.say(&self.theme.paint("31", &escape(&format!("unreadable: {part}"))))?;
        }
        if let Some(cause) = &summary.coverage.index {
            self.say(&self.theme.paint("33", &escape(&format!("no index used: {cause}"))))?;
        }
        self.last_query = Some(text.to_owned());
        Ok(())
    }

    fn summary(&self, summary: &SearchSummary) -> String {
        let coverage = &summary.coverage;
        let range = (summary.first, summary.last);
        let covered = (coverage.covered, coverage.pruned);
        self.theme.paint(
            "1",
            &summary_line(summary.matched, coverage.records, range, self.options.zone, covered, summary.seconds),
        )
    }

    fn command(&mut self, command: &Command) -> anyhow::Result<()> {
        match command {
            Command::Help => self.say(command::HELP),
            Command::Fields => {
                let mut names: Vec<&str> = crate::engine::built_in_fields().to_vec();
                let snapshot = self.search.snapshot();
                names.extend(snapshot.fields().iter().map(String::as_str));
                names.sort_unstable();
                names.dedup();
                self.say(&escape(&names.join("  ")))
            }
            Command::Explain(text) => self.question(text, PAGE, true),
            Command::More => match self.last_query.clone() {
                Some(text) => self.more(&text),
                None => self.say("there is no question yet"),
            },
            Command::Show(id) => match self.search.record(*id)? {
                Some(record) => self.show(&record),
                None => self.say(&format!("there is no record {id}")),
            },
            Command::Why(id) => match self.search.record(*id)? {
                Some(record) => self.why(&record),
                None => self.say(&format!("there is no record {id}")),
            },
            Command::Context(id, count) => {
                for id in self.search.neighbours(*id, *count)? {
                    if let Some(record) = self.search.record(id)? {
                        self.say(&text_of(&record, self.options.zone, self.theme, &[]))?;
                    }
                }
                Ok(())
            }
            Command::Zone(zone) => {
                self.options.zone = *zone;
                self.say("times are now read and shown in this zone")
            }
        }
    }

    /// The next page of the last answer.
    fn more(&mut self, text: &str) -> anyhow::Result<()> {
        let from = self.shown;
        let options = SearchOptions { limit: Some(from.saturating_add(PAGE)), ..self.options };
        let query = self.search.parse(text, &options)?;
        let marker = Marker::of(&query);
        let mut records: Vec<FoundRecord> = Vec::new();
        self.search.run(&query, &options, self.stop, |record| {
            records.push(record);
            true
        })?;
        let mut marks = Vec::new();
        for record in records.iter().skip(from as usize) {
            marker.marks(record.line(), &mut marks);
            self.say(&text_of(record, self.options.zone, self.theme, &marks))?;
        }
        if records.len() as u64 <= from {
            self.say("that was all")?;
        }
        self.shown = records.len() as u64;
        Ok(())
    }

    fn show(&self, record: &FoundRecord) -> anyhow::Result<()> {
        let value = json_of(record, self.options.zone);
        let Some(object) = value.as_object() else { return Ok(()) };
        for (name, value) in object.iter().filter(|(name, _)| !matches!(name.as_str(), "fields" | "raw_base64")) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.say(&format!("{:<14}{}", name, escape(&text)))?;
        }
        for (name, value) in &record.fields {
            self.say(&format!("  {:<20} {}", escape(name), escape_bytes(value)))?;
        }
        Ok(())
    }

    fn why(&self, record: &FoundRecord) -> anyhow::Result<()> {
        self.say(&text_of(record, self.options.zone, self.theme, &[]))?;
        let Some(why) = self.search.why(record.id.0)? else { return Ok(()) };
        for sentence in &why.sentences {
            self.say(&escape(sentence))?;
        }
        for (query, shows) in &why.queries {
            self.say(&format!("  {}   ({shows})", escape(query)))?;
        }
        Ok(())
    }
}
