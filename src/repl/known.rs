//! What can be typed next: names of fields, values of the last answers, pipes, commands, names of saved queries.

use std::collections::BTreeMap;

use super::command::Command;
use super::export::EXPORTED;
use super::facets::Facets;
use crate::engine::{Grammar, PIPE_NAMES};
use crate::model::{Level, TimeQuality};

/// Most candidates offered.
const OFFERED: usize = 60;
/// Values kept of each field of an answer.
const VALUES: usize = 60;
/// Fields whose values are kept.
const NAMES: usize = 1_000;
/// Letters of a title from which a rule is offered.
const TITLE_LETTERS: usize = 3;
/// Characters that end a word.
const ENDS: [char; 6] = [' ', '\t', '(', ')', '|', ','];

/// Names and values to complete with.
pub struct Known {
    grammar: Grammar,
    fields: Vec<String>,
    values: BTreeMap<String, Vec<String>>,
    saved: Vec<String>,
    /// Titles of rules in lower case, by name.
    titles: BTreeMap<String, String>,
}

/// A completion: where in the line the word begins, and what it may become.
pub type Completion = (usize, Vec<String>);

impl Known {
    /// What a store offers before any answer.
    pub fn new(grammar: Grammar, sources: Vec<String>, rules: &[&str]) -> Known {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let moments = words(&["now-1h", "now-1d", "end-1h", "end-1d", "start", "today", "yesterday"]);
        let spans = [words(&["5m", "1h", "1d"]), moments.clone()].concat();
        let values = BTreeMap::from([
            ("level".to_owned(), Level::ALL.iter().map(|level| level.name().to_owned()).collect()),
            ("source".to_owned(), sources),
            ("rule".to_owned(), words(rules)),
            ("anomaly".to_owned(), words(&["true", "false"])),
            ("time.quality".to_owned(), TimeQuality::ALL.iter().map(|quality| quality.name().to_owned()).collect()),
            ("time".to_owned(), spans.clone()),
            ("since".to_owned(), spans),
            ("until".to_owned(), moments.clone()),
            ("around".to_owned(), moments),
        ]);
        Known { fields: grammar.fields(), grammar, values, saved: Vec::new(), titles: BTreeMap::new() }
    }

    /// Takes the names of rules that fired, with their titles.
    pub fn name_rules(&mut self, rules: BTreeMap<String, Option<String>>) {
        let held = self.values.entry("rule".to_owned()).or_default();
        for (name, title) in rules {
            if let Some(title) = title {
                self.titles.insert(name.clone(), title.to_lowercase());
            }
            if !held.contains(&name) {
                held.push(name);
            }
        }
        held.sort_unstable();
    }

    /// What queries are read with.
    pub fn grammar(&self) -> &Grammar {
        &self.grammar
    }

    /// Takes the store as it is now.
    pub fn renew(&mut self, grammar: Grammar) {
        self.fields = grammar.fields();
        self.grammar = grammar;
    }

    /// Takes the values of an answer: they are what the next question narrows down by.
    pub fn learn(&mut self, facets: &Facets) {
        for name in facets.names() {
            // Levels are a closed set that is complete already.
            if name == "level" {
                continue;
            }
            let seen = facets.top(name, VALUES).into_iter().filter_map(|(value, _)| std::str::from_utf8(value).ok());
            let mut seen: Vec<String> =
                seen.filter(|value| !value.is_empty() && value.len() < 120).map(str::to_owned).collect();
            if self.values.len() >= NAMES && !self.values.contains_key(name) {
                continue;
            }
            let held = self.values.entry(name.to_owned()).or_default();
            let before = std::mem::take(held);
            seen.extend(before.into_iter().filter(|value| !seen.contains(value)).collect::<Vec<_>>());
            seen.truncate(VALUES * 4);
            *held = seen;
        }
    }

    /// Takes the names of saved queries.
    pub fn name_saved(&mut self, names: Vec<String>) {
        self.saved = names;
    }

    /// Whether a field has this name.
    pub fn is_field(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.eq_ignore_ascii_case(name))
    }

    /// What the word before the cursor may become.
    pub fn complete(&self, line: &str, at: usize) -> Completion {
        let before = line.get(..at).unwrap_or(line);
        if let Some(rest) = before.strip_prefix(':').filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
        {
            match rest.split_once(' ') {
                None => return (0, starting(Command::NAMES, before, " ")),
                Some(("run" | "forget" | "save", name)) if !name.contains(' ') => {
                    return (at - name.len(), starting(self.saved.iter(), name, " "));
                }
                Some(("facets", name)) => return (at - name.len(), starting(self.fields.iter(), name, "")),
                Some(("export", file)) => {
                    let ending = file.rsplit_once('.').map_or(file, |(_, ending)| ending);
                    let endings = if ending.len() < file.len() { starting(EXPORTED, ending, " ") } else { Vec::new() };
                    return (at - ending.len(), endings);
                }
                Some(("explain" | "save", _)) => {}
                Some(_) => return (at, Vec::new()),
            }
        }
        let place = Place::of(before);
        let word = before.get(place.word..).unwrap_or_default();
        match place.pipe {
            Some(from) => self.in_pipe(before.get(from..).unwrap_or_default().trim_start(), word, at),
            None => self.in_filter(word, at),
        }
    }

    fn in_filter(&self, word: &str, at: usize) -> Completion {
        let bare = word.trim_start_matches(['-', '!', '+']);
        if let Some((name, typed)) = split_operator(bare)
            && let Some(field) = self.fields.iter().find(|field| field.eq_ignore_ascii_case(name))
        {
            return (at - typed.len(), self.values_of(field, typed));
        }
        let operators = ["AND", "OR", "NOT"].into_iter().filter(|name| !bare.is_empty() && name.starts_with(bare));
        let operators = operators.map(|name| format!("{name} "));
        (at - bare.len(), starting(self.fields.iter(), bare, ":").into_iter().chain(operators).collect())
    }

    fn values_of(&self, field: &str, typed: &str) -> Vec<String> {
        let typed = typed.trim_start_matches('"').to_lowercase();
        let values = self.values.get(field).into_iter().flatten();
        let begins = |value: &&String| value.to_lowercase().starts_with(&typed);
        // A rule is also found by a word of its title.
        let titled = |value: &&String| {
            let title = self.titles.get(*value).filter(|_| field == "rule" && typed.len() >= TITLE_LETTERS);
            title.is_some_and(|title| title.contains(&typed)) && !begins(value)
        };
        let fitting = values.clone().filter(begins).chain(values.filter(titled));
        fitting.take(OFFERED).map(|value| format!("{} ", quoted(value))).collect()
    }

    /// `pipe` is the text of the pipe up to the cursor.
    fn in_pipe(&self, pipe: &str, word: &str, at: usize) -> Completion {
        let Some((name, rest)) = pipe.split_once(' ') else {
            return (at - word.len(), starting(PIPE_NAMES, word, " "));
        };
        let fields = || starting(self.fields.iter(), word, "");
        let with = |keywords: &[&str]| {
            let keywords =
                keywords.iter().filter(|keyword| keyword.starts_with(word)).map(|keyword| format!("{keyword} "));
            keywords.collect::<Vec<_>>()
        };
        let has_by = rest.split(' ').any(|word| word == "by");
        let candidates = match name {
            "stats" if !has_by && !rest.ends_with(&format!("({word}")) => {
                let functions = ["dc(", "sum(", "avg(", "min(", "max(", "p50(", "p95(", "p99(", "first(", "last("];
                let functions = functions.iter().filter(|name| name.starts_with(word)).map(|name| (*name).to_owned());
                with(&["count", "by"]).into_iter().chain(functions).collect()
            }
            "timechart" | "gaps" | "compare" if !has_by => {
                with(if name == "compare" { &["before", "until", "by"] } else { &["by"] })
            }
            "stats" | "timechart" | "gaps" | "compare" | "top" | "rare" => fields(),
            "sort" | "fields" => {
                let bare = word.trim_start_matches('-');
                return (at - bare.len(), starting(self.fields.iter(), bare, ""));
            }
            _ => Vec::new(),
        };
        (at - word.len(), candidates)
    }
}

/// Where the cursor stands.
struct Place {
    /// Begin of the word.
    word: usize,
    /// Behind the bar of the pipe, if it is in one.
    pipe: Option<usize>,
}

impl Place {
    /// Bars and spaces in quotes are text.
    fn of(before: &str) -> Place {
        let mut place = Place { word: 0, pipe: None };
        let mut quote = None;
        for (at, letter) in before.char_indices() {
            match (letter, quote) {
                ('"' | '\'', None) => quote = Some(letter),
                (letter, Some(open)) if letter == open => quote = None,
                (letter, None) if ENDS.contains(&letter) => {
                    place.word = at + letter.len_utf8();
                    if letter == '|' {
                        place.pipe = Some(place.word);
                    }
                }
                _ => {}
            }
        }
        place
    }
}

/// A field and what is typed behind its operator.
fn split_operator(word: &str) -> Option<(&str, &str)> {
    let at = word.find([':', '=', '>', '<', '!'])?;
    let (name, rest) = word.split_at_checked(at)?;
    Some((name, rest.trim_start_matches([':', '=', '>', '<', '!'])))
}

/// A value as it must be typed to mean itself.
fn quoted(value: &str) -> String {
    let is_plain =
        value.chars().all(|c| c.is_alphanumeric() || "._-/:@%+,;#=&$".contains(c)) && !value.starts_with('/');
    if is_plain { value.to_owned() } else { format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")) }
}

fn starting<T: AsRef<str>>(names: impl IntoIterator<Item = T>, typed: &str, behind: &str) -> Vec<String> {
    let typed = typed.to_lowercase();
    let fitting = names.into_iter().filter(|name| name.as_ref().to_lowercase().starts_with(&typed));
    fitting.take(OFFERED).map(|name| format!("{}{behind}", name.as_ref())).collect()
}
