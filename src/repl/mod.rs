//! The prompt: reads questions and commands, prints answers, keeps history.
//!
//! In: a store opened for questions. Everything it does beyond reading lines is a call of the engine and a printer of report.

mod assist;
mod command;
mod detail;
mod export;
mod facets;
mod known;
mod page;
mod saved;
mod screen;
mod session;
mod verify;

use std::io::{BufRead, IsTerminal, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};

use self::assist::Assist;
use self::saved::{Saved, state_folder};
use self::screen::Screen;
use self::session::Session;
use crate::engine::{Search, SearchOptions};
use crate::report::Theme;

/// The prompt, as people know it.
const PROMPT: &str = "LogSearch > ";
/// Lines of history kept.
const HISTORY: usize = 5_000;
/// Longest line that is read where there is no terminal, in bytes.
const LONGEST: u64 = 1 << 20;

/// Runs the prompt until `exit` or the end of input; says whether every question was answered. Without a terminal it answers
/// the lines of standard input one after the other.
pub fn run(search: &mut Search, options: SearchOptions, stop: &AtomicBool, theme: Theme) -> anyhow::Result<bool> {
    let is_interactive = std::io::stdin().is_terminal();
    let folder = state_folder();
    let saved = Saved::in_folder(folder.as_deref());
    let screen = Screen::new(is_interactive && std::io::stdout().is_terminal(), theme);
    let mut session = Session::new(search, options, stop, screen, theme, saved);
    if !is_interactive {
        answer_all(&mut session)?;
        return Ok(!session.failed);
    }
    let config = Config::builder()
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .auto_add_history(true)
        .max_history_size(HISTORY)?
        .build();
    let mut editor: Editor<Assist, FileHistory> = Editor::with_config(config)?;
    editor.set_helper(Some(Assist::new(session.known(), theme)));
    let history = folder.map(|folder| folder.join("history"));
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

/// Answers the lines of standard input.
fn answer_all(session: &mut Session) -> anyhow::Result<()> {
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.by_ref().take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if !session.line(&String::from_utf8_lossy(&line))? {
            return Ok(());
        }
    }
}

/// Answers questions as if they had been typed, each with a line that says what it is about.
pub fn tour(
    search: &mut Search,
    options: SearchOptions,
    stop: &AtomicBool,
    questions: &[(&str, &str)],
) -> anyhow::Result<()> {
    let theme = Theme::new(false);
    let screen = Screen::new(false, theme);
    let mut session = Session::new(search, options, stop, screen, theme, Saved::in_folder(None));
    for (about, question) in questions {
        session.say(&format!("# {about}\n{PROMPT}{question}"))?;
        session.question(question, 4, false)?;
        session.say("")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::model::{FoundRecord, InputId, Origin, RecordId, TimeQuality};

    /// A record that is nothing but its line.
    pub fn record(raw: &[u8]) -> FoundRecord {
        FoundRecord {
            id: RecordId(0),
            origin: Origin { input: InputId(0), offset: 0, length: raw.len() as u32 },
            source: "a.log".to_owned(),
            raw: raw.to_vec(),
            time: None,
            time_quality: TimeQuality::Missing,
            level: None,
            fields: Vec::new(),
            template: String::new(),
            score: 0.0,
            novelty: 0.0,
            flagged: false,
            rules: Vec::new(),
            reasons: Vec::new(),
            entity: None,
            hit: None,
            incident: None,
        }
    }
}
