//! Help while typing: completion of fields, commands, levels and pipes, and colours of the query.

use std::borrow::Cow;

use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hinter, HistoryHinter};
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

use super::command::Command;
use crate::model::Level;
use crate::report::Theme;

/// Pipes that can follow a bar.
const PIPES: &[&str] = &[
    "context",
    "extract",
    "fields",
    "gaps",
    "head",
    "patterns",
    "rare",
    "sort",
    "stats",
    "tail",
    "timechart",
    "top",
    "where",
];

/// Knows the names that can be typed.
pub struct Assist {
    fields: Vec<String>,
    theme: Theme,
    hinter: HistoryHinter,
}

impl Assist {
    /// Help with the fields of a store.
    pub fn new(fields: &[String], theme: Theme) -> Assist {
        let mut fields = fields.to_vec();
        fields.extend(crate::engine::built_in_fields().iter().map(|name| (*name).to_owned()));
        fields.sort();
        fields.dedup();
        Assist { fields, theme, hinter: HistoryHinter::new() }
    }

    /// What the word before the cursor may become, and where that word begins.
    fn candidates(&self, line: &str, at: usize) -> (usize, Vec<String>) {
        let before = line.get(..at).unwrap_or(line);
        let start = before.rfind([' ', '(', '|', ',']).map_or(0, |at| at + 1);
        let word = before.get(start..).unwrap_or_default();
        if start == 0 && word.starts_with(':') {
            return (0, starting(Command::NAMES.iter().copied(), word, " "));
        }
        if before.get(..start).is_some_and(|before| before.trim_end().ends_with('|')) {
            return (start, starting(PIPES.iter().copied(), word, " "));
        }
        for level in ["level:", "level=", "level>=", "level<="] {
            if let Some(typed) = word.strip_prefix(level) {
                return (at - typed.len(), starting(Level::ALL.iter().map(|level| level.name()), typed, " "));
            }
        }
        let word = word.trim_start_matches(['-', '!', '+']);
        let is_behind_bar = before.contains('|');
        let names = self.fields.iter().map(String::as_str);
        (at - word.len(), starting(names, word, if is_behind_bar { "" } else { ":" }))
    }
}

fn starting<'a>(names: impl Iterator<Item = &'a str>, typed: &str, behind: &str) -> Vec<String> {
    let typed = typed.to_lowercase();
    names.filter(|name| name.starts_with(&typed)).map(|name| format!("{name}{behind}")).collect()
}

impl Helper for Assist {}

impl Validator for Assist {}

impl Hinter for Assist {
    type Hint = String;

    fn hint(&self, line: &str, at: usize, context: &Context<'_>) -> Option<String> {
        self.hinter.hint(line, at, context)
    }
}

impl Completer for Assist {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (start, names) = self.candidates(line, at);
        let pairs = names.into_iter().map(|name| Pair { display: name.trim_end().to_owned(), replacement: name });
        Ok((start, pairs.collect()))
    }
}

impl Highlighter for Assist {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        Cow::Owned(self.colours(line))
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(self.theme.dim(hint))
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        true
    }
}

impl Assist {
    /// The query with operators, fields, quotes and pipes in colours; the same text without them.
    fn colours(&self, line: &str) -> String {
        let mut out = String::with_capacity(line.len() * 2);
        let mut rest = line;
        let mut pipe_is_next = false;
        while let Some(letter) = rest.chars().next() {
            let end = match letter {
                '"' | '\'' => quoted_end(rest, letter),
                ' ' | '(' | ')' | '|' => letter.len_utf8(),
                _ => rest.find([' ', '(', ')', '|', '"']).unwrap_or(rest.len()),
            };
            let (word, after) = rest.split_at(end);
            let style = match word {
                "|" => "1;34",
                "AND" | "OR" | "NOT" | "TO" => "1;35",
                _ if pipe_is_next && PIPES.contains(&word) => "1;34",
                _ if letter == '"' || letter == '\'' => "32",
                _ => "",
            };
            pipe_is_next = word == "|" || pipe_is_next && word == " ";
            match word.find([':', '=', '>', '<']) {
                _ if !style.is_empty() => out.push_str(&self.theme.paint(style, word)),
                Some(at)
                    if self.fields.iter().any(|field| {
                        Some(field.as_str()) == word.get(..at).map(|name| name.trim_start_matches(['-', '!', '+']))
                    }) =>
                {
                    let (name, value) = word.split_at(at);
                    out.push_str(&self.theme.paint("36", name));
                    out.push_str(value);
                }
                _ => out.push_str(word),
            }
            rest = after;
        }
        out
    }
}

/// Length of a quoted text with its quotes, or of what there is of it.
fn quoted_end(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        if letter == quote && !is_escaped {
            return at + letter.len_utf8();
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assist() -> Assist {
        Assist::new(&["source_ip".to_owned(), "user.name".to_owned()], Theme::new(false))
    }

    #[test]
    fn fields_levels_pipes_and_commands_are_completed() {
        let complete = |line: &str| assist().candidates(line, line.len());
        assert_eq!(complete("x -source_i"), (3, vec!["source_ip:".to_owned()]));
        assert_eq!(complete("level:cr"), (6, vec!["critical ".to_owned()]));
        assert_eq!(complete("a | timec"), (4, vec!["timechart ".to_owned()]));
        assert_eq!(complete("a | top user.n"), (8, vec!["user.name".to_owned()]));
        assert_eq!(complete(":expl"), (0, vec![":explain ".to_owned()]));
    }

    #[test]
    fn colours_change_nothing_but_the_colour() {
        for line in ["a AND level:x \"q\\\"x | y\" | top 3 user", "\"open", "é:ü (", ""] {
            assert_eq!(assist().colours(line), line);
        }
    }
}
