//! One sitting at the prompt: the last question, what was shown of its answer, and the commands that go on from there.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, bail};

use super::PROMPT;
use super::command::{self, Command, Words};
use super::detail;
use super::export::export;
use super::facets::Facets;
use super::known::Known;
use super::page::Page;
use super::saved::Saved;
use super::screen::Screen;
use super::verify::{lines_of, verify};
use crate::engine::{EngineError, Question, Search, SearchOptions, SearchSummary, Verdict};
use crate::model::FoundRecord;
use crate::report::{self, Theme, count, escape, summary_line, text_of};

/// Records shown of an answer.
const PAGE: u64 = 20;

/// What the prompt remembers between two lines.
pub struct Session<'a> {
    search: &'a mut Search,
    options: SearchOptions,
    stop: &'a AtomicBool,
    theme: Theme,
    screen: Screen,
    saved: Saved,
    known: Rc<RefCell<Known>>,
    last: Option<Question>,
    shown: u64,
    /// Whether a line could not be answered, or not in full.
    pub failed: bool,
}

impl<'a> Session<'a> {
    /// A sitting over a store.
    pub fn new(
        search: &'a mut Search,
        options: SearchOptions,
        stop: &'a AtomicBool,
        screen: Screen,
        theme: Theme,
        saved: Saved,
    ) -> Session<'a> {
        let sources = search.sources().into_iter().map(|(name, _)| name).take(1_000).collect();
        let mut known = Known::new(search.grammar(&options), sources, &crate::engine::rule_ids());
        known.name_rules(search.rules_fired());
        let known = Rc::new(RefCell::new(known));
        let session =
            Session { search, options, stop, theme, screen, saved, known, last: None, shown: 0, failed: false };
        session.name_saved();
        session
    }

    /// What can be typed, kept up to date.
    pub fn known(&self) -> Rc<RefCell<Known>> {
        Rc::clone(&self.known)
    }

    /// Prints a line.
    pub fn say(&mut self, text: &str) -> anyhow::Result<()> {
        self.screen.say(text)
    }

    /// Says what the store holds and how to begin.
    pub fn greet(&mut self) -> anyhow::Result<()> {
        let snapshot = self.search.snapshot();
        let span = match self.search.span() {
            (Some(first), Some(last)) => {
                format!(", {} .. {}", first.display(self.options.zone), last.display(self.options.zone))
            }
            _ => String::new(),
        };
        let counts = format!(
            "{} from {}{span}",
            count(snapshot.records(), "record"),
            count(snapshot.inputs().len() as u64, "input")
        );
        let how = "a question, :help, or exit; Tab completes fields and values, Ctrl-C stops a question";
        self.say(&format!("{counts}\n{}", self.theme.dim(how)))
    }

    /// Answers one line; `false` ends the prompt.
    pub fn line(&mut self, line: &str) -> anyhow::Result<bool> {
        let line = line.trim();
        self.screen.begin();
        if line.is_empty() {
            return Ok(true);
        }
        let outcome = match Command::parse(line) {
            Words::Leave => return Ok(false),
            Words::Command(command) => self.awake(|session| session.command(&command)),
            Words::Wrong(message) => {
                self.failed = true;
                self.say(&escape(&message))?;
                return Ok(true);
            }
            Words::Question => self.awake(|session| session.question(line, PAGE, false)),
        };
        let Err(failure) = outcome else { return Ok(true) };
        // An answer that can't be printed ends the prompt; one that can't be given does not.
        if failure.downcast_ref::<std::io::Error>().is_some_and(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
        {
            return Err(failure);
        }
        self.failed = true;
        self.screen.begin();
        if let Some(EngineError::Query(mistake)) = failure.downcast_ref()
            && let Some(column) = mistake.column
            && Command::parse(line) == Words::Question
        {
            let before: String = line.chars().take(column.saturating_sub(1)).collect();
            let indent = PROMPT.chars().count() + escape(&before).chars().count();
            self.say(&format!("{}{}", " ".repeat(indent), self.theme.paint("31", "^")))?;
        }
        self.say(&self.theme.paint("31", &escape(&format!("{failure:#}"))))?;
        Ok(true)
    }

    /// Does something with what is committed now; between two lines nobody waits for the prompt to be done with a file.
    fn awake(&mut self, act: impl FnOnce(&mut Self) -> anyhow::Result<()>) -> anyhow::Result<()> {
        self.search.refresh()?;
        let outcome = act(self);
        self.search.rest();
        outcome
    }

    /// Answers a question with up to `limit` records, which are shown while all that match are counted.
    pub fn question(&mut self, text: &str, limit: u64, explain: bool) -> anyhow::Result<()> {
        let options = SearchOptions { limit: Some(limit), ..self.options };
        self.known.borrow_mut().renew(self.search.grammar(&options));
        let query = self.search.parse(text, &options)?;
        let is_table = query.makes_table();
        // What was shown is the last answer, even if it is never counted.
        let outcome = self.page(query, &options, 0)?;
        let summary = outcome?;
        if let Some(table) = &summary.table {
            self.say(&report::table_of(table, self.theme))?;
        }
        if self.screen.is_over() {
            self.screen.begin();
        }
        if explain {
            summary.explain.iter().try_for_each(|line| self.say(&escape(line)))?;
        }
        self.say(&self.summary(&summary))?;
        let left = summary.given.saturating_sub(self.shown);
        if !is_table && left > 0 {
            let how = "; :more shows the next, :facets what sets them apart, | stats counts them";
            self.say(&self.theme.dim(&format!("{} more{how}", report::thousands(left))))?;
        }
        for hint in &summary.hints {
            self.say(&self.theme.dim(&escape(&format!("hint: {hint}"))))?;
        }
        self.warn(&summary)
    }

    /// Shows the records of an answer but the first `from`, as they come, and learns their values; the outer failure is one of
    /// printing.
    fn page(
        &mut self,
        query: Question,
        options: &SearchOptions,
        from: u64,
    ) -> anyhow::Result<Result<SearchSummary, EngineError>> {
        let mut page = Page::new(&mut self.screen, &query, self.options.zone, self.theme);
        let mut number = 0;
        let outcome = self.search.run(&query, options, self.stop, |record| {
            number += 1;
            number <= from || page.add(&record)
        });
        let (shown, facets) = page.finish()?;
        if outcome.is_ok() || shown > 0 {
            self.shown = from + shown;
            self.last = Some(query);
        }
        self.known.borrow_mut().learn(&facets);
        Ok(outcome)
    }

    fn warn(&mut self, summary: &SearchSummary) -> anyhow::Result<()> {
        self.failed |= !summary.is_complete();
        let style = if summary.is_complete() { "33" } else { "31" };
        summary.warnings().iter().try_for_each(|line| self.say(&self.theme.paint(style, &escape(line))))
    }

    fn summary(&self, summary: &SearchSummary) -> String {
        let coverage = &summary.coverage;
        let range = (summary.first, summary.last);
        let covered = (coverage.covered, coverage.pruned);
        let matched = (summary.matched, summary.counted);
        let line = summary_line(matched, coverage.records, range, self.options.zone, covered, summary.seconds);
        self.theme.paint("1", &line)
    }

    fn command(&mut self, command: &Command) -> anyhow::Result<()> {
        match command {
            Command::Help => self.say(command::HELP),
            Command::Fields => {
                let names = self.search.grammar(&self.options).fields();
                self.say(&escape(&names.join("  ")))
            }
            Command::Explain(Some(text)) => self.question(text, PAGE, true),
            Command::Explain(None) => {
                let text = self.last_question()?.text.clone();
                self.question(&text, PAGE, true)
            }
            Command::More => self.more(),
            Command::Show(id) => {
                let lines = detail::fields(&self.record(*id)?, self.options.zone);
                lines.iter().try_for_each(|line| self.say(line))
            }
            Command::Why(id) => {
                let Some(why) = self.search.why(*id)? else { bail!("there is no record {id}") };
                let lines = detail::reasons(&why, self.options.zone, self.theme);
                lines.iter().try_for_each(|line| self.say(line))
            }
            Command::Context(id, count) => {
                let near = self.search.neighbours(*id, *count)?;
                if near.is_empty() {
                    bail!("there is no record {id}");
                }
                for record in self.search.records(&near)? {
                    let text = text_of(&record, self.options.zone, self.theme, &[]);
                    let mark = if record.id.0 == *id { self.theme.paint("1;33", ">") } else { " ".to_owned() };
                    self.say(&format!("{mark}{text}"))?;
                }
                Ok(())
            }
            Command::Zone(zone) => {
                self.options.zone = *zone;
                self.say("times are now read and shown in this zone")
            }
            Command::Facets(only) => self.facets(only.as_deref()),
            Command::Save(name, text) => self.save(name, text.as_deref()),
            Command::Run(name) => match self.saved.get(name)? {
                Some(text) => {
                    self.say(&self.theme.dim(&escape(&text)))?;
                    self.question(&text, PAGE, false)
                }
                None => bail!("no query is saved as {name}; :saved lists them"),
            },
            Command::Saved => self.list_saved(),
            Command::Forget(name) => {
                if !self.saved.remove(name)? {
                    bail!("no query is saved as {name}; :saved lists them");
                }
                self.name_saved();
                self.say(&format!("{name} is forgotten"))
            }
            Command::Export(file, force) => {
                let (said, summary) =
                    export(self.search, self.last_question()?, self.options, self.stop, file, *force)?;
                self.say(&escape(&said))?;
                self.warn(&summary)
            }
            Command::Verify => self.verify(),
        }
    }

    fn verify(&mut self) -> anyhow::Result<()> {
        let report = verify(self.search.store(), self.stop)?;
        let is_broken = report.result == Verdict::Broken;
        self.failed |= is_broken;
        let lines = lines_of(&report);
        let style = if is_broken { "31" } else { "1" };
        lines.iter().try_for_each(|line| self.say(&self.theme.paint(style, &escape(line))))
    }

    fn last_question(&self) -> anyhow::Result<&Question> {
        self.last.as_ref().context("there is no question yet; ask one first")
    }

    fn record(&self, id: u64) -> anyhow::Result<FoundRecord> {
        self.search.record(id)?.with_context(|| format!("there is no record {id}"))
    }

    /// The next page of the last answer.
    fn more(&mut self) -> anyhow::Result<()> {
        let from = self.shown;
        // How many there are was said with the first page.
        let options = SearchOptions { limit: Some(from.saturating_add(PAGE)), count_all: false, ..self.options };
        let query = self.last_question()?;
        if query.makes_table() {
            bail!("the last answer is a table, which was shown in full");
        }
        let summary = self.page(query.clone(), &options, from)??;
        if self.shown == from {
            self.say("that was all")?;
        }
        self.warn(&summary)
    }

    /// Counts the values of all records of the last answer, before what its pipes made of them.
    fn facets(&mut self, only: Option<&str>) -> anyhow::Result<()> {
        let query = self.last_question()?.without_pipes();
        let mut facets = Facets::default();
        let options = SearchOptions { limit: None, ..self.options };
        let summary = self.search.run(&query, &options, self.stop, |record| {
            facets.add(&record);
            true
        })?;
        self.say(&self.summary(&summary))?;
        facets.lines(only, self.theme).iter().try_for_each(|line| self.say(line))?;
        self.known.borrow_mut().learn(&facets);
        self.warn(&summary)
    }

    fn save(&mut self, name: &str, text: Option<&str>) -> anyhow::Result<()> {
        let text = match text {
            // What can't be read now is not worth keeping.
            Some(text) => self.search.parse(text, &self.options)?.text,
            None => self.last_question()?.text.clone(),
        };
        let is_replaced = self.saved.put(name, &text)?;
        self.name_saved();
        let how = if is_replaced { "replaced" } else { "saved" };
        self.say(&format!("{name} is {how}: {}", escape(&text)))
    }

    fn name_saved(&self) {
        // A file that can't be read is named when a command needs it.
        let names = self.saved.all().unwrap_or_default().into_keys().collect();
        self.known.borrow_mut().name_saved(names);
    }

    fn list_saved(&mut self) -> anyhow::Result<()> {
        let all = self.saved.all()?;
        if all.is_empty() {
            return self.say("no query is saved yet; :save NAME keeps the last one");
        }
        for (name, text) in all {
            self.say(&format!("{}  {}", self.theme.paint("36", &format!("{:<20}", escape(&name))), escape(&text)))?;
        }
        Ok(())
    }
}
