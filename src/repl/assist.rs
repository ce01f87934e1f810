//! Help while typing: completion, colours of the query, mistakes marked where they are, and what was probably meant.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter, HistoryHinter};
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

use super::command::{Command, Words};
use super::known::Known;
use crate::engine::PIPE_NAMES;
use crate::report::{Theme, escape};

/// Knows the names that can be typed; the prompt tells it what answers hold.
pub struct Assist {
    known: Rc<RefCell<Known>>,
    theme: Theme,
    history: HistoryHinter,
}

/// What stands dimmed behind the cursor: the rest of a line typed before, or what is wrong with this one.
#[derive(Debug)]
pub struct Aside {
    text: String,
    is_typed: bool,
}

impl Hint for Aside {
    fn display(&self) -> &str {
        &self.text
    }

    fn completion(&self) -> Option<&str> {
        self.is_typed.then_some(self.text.as_str())
    }
}

impl Assist {
    /// Help with what is known.
    pub fn new(known: Rc<RefCell<Known>>, theme: Theme) -> Assist {
        Assist { known, theme, history: HistoryHinter::new() }
    }

    /// The column (from 1) and the sentence of a mistake in a question, where it is one however the line goes on.
    fn mistake(&self, line: &str) -> Option<(usize, String)> {
        if Command::parse(line.trim()) != Words::Question {
            return None;
        }
        let mistake = self.known.borrow().grammar().parse(line).err()?;
        let column = mistake.column?;
        let is_open = column > line.chars().count() || mistake.reason == "missing closing quote";
        // A word that is still being typed is no mistake yet, unless what was meant is plain.
        let tail = line.chars().skip(column.saturating_sub(1));
        let is_last = mistake.suggestion.is_none() && !tail.clone().any(char::is_whitespace);
        let said = mistake.suggestion.map_or(mistake.reason, |meant| format!("did you mean {meant}?"));
        (!is_open && !is_last).then_some((column, said))
    }

    /// The query with operators, fields, quotes, pipes and mistakes in colours; the same text without them.
    fn colours(&self, line: &str) -> String {
        let wrong = self.mistake(line).map(|(column, _)| column - 1);
        let known = self.known.borrow();
        let mut out = String::with_capacity(line.len() * 2);
        let mut rest = line;
        let mut at = 0;
        let mut pipe_is_next = false;
        while let Some(letter) = rest.chars().next() {
            let end = match letter {
                '"' | '\'' => quoted_end(rest, letter),
                ' ' | '(' | ')' | '|' => letter.len_utf8(),
                _ => rest.find([' ', '(', ')', '|', '"']).unwrap_or(rest.len()),
            };
            let (word, after) = rest.split_at(end);
            let length = word.chars().count();
            let style = match word {
                _ if wrong.is_some_and(|wrong| (at..at + length).contains(&wrong)) => "4;31",
                "|" => "1;34",
                "AND" | "OR" | "NOT" | "TO" => "1;35",
                _ if pipe_is_next && PIPE_NAMES.contains(&word) => "1;34",
                _ if letter == '"' || letter == '\'' => "32",
                _ if at == 0 && Command::NAMES.contains(&word) => "1;36",
                _ => "",
            };
            pipe_is_next = word == "|" || pipe_is_next && word == " ";
            let name =
                |at| word.get(..at).map(|name: &str| name.trim_start_matches(['-', '!', '+'])).unwrap_or_default();
            match word.find([':', '=', '>', '<']) {
                _ if !style.is_empty() => out.push_str(&self.theme.paint(style, word)),
                Some(at) if known.is_field(name(at)) => {
                    let (name, value) = word.split_at(at);
                    out.push_str(&self.theme.paint("36", name));
                    out.push_str(value);
                }
                _ => out.push_str(word),
            }
            at += length;
            rest = after;
        }
        out
    }
}

impl Helper for Assist {}

impl Validator for Assist {}

impl Hinter for Assist {
    type Hint = Aside;

    fn hint(&self, line: &str, at: usize, context: &Context<'_>) -> Option<Aside> {
        if let Some(text) = self.history.hint(line, at, context) {
            return Some(Aside { text, is_typed: true });
        }
        if at < line.len() {
            return None;
        }
        let (_, said) = self.mistake(line)?;
        let text: String = escape(&said).chars().take(70).collect();
        Some(Aside { text: format!("   {text}"), is_typed: false })
    }
}

impl Completer for Assist {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (start, names) = self.known.borrow().complete(line, at);
        // Values come from logs: what is shown is escaped, and what could drive the terminal is not offered at all.
        let harmless = names.into_iter().filter(|name| escape(name) == *name);
        let pairs = harmless.map(|name| Pair { display: name.trim_end().to_owned(), replacement: name });
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
    use crate::engine::Grammar;
    use crate::repl::facets::Facets;

    fn assist(is_coloured: bool) -> Assist {
        let grammar = Grammar::of_fields(&["source_ip", "user.name"]);
        let known = Known::new(grammar, vec!["var/log/auth.log".to_owned()], &["sqli", "xss"]);
        Assist::new(Rc::new(RefCell::new(known)), Theme::new(is_coloured))
    }

    #[test]
    fn fields_values_pipes_and_commands_are_completed() {
        let assist = assist(false);
        let complete = |line: &str| assist.known.borrow().complete(line, line.len());
        assert_eq!(complete("x -source_i"), (3, vec!["source_ip:".to_owned()]));
        assert_eq!(complete("level:cr"), (6, vec!["critical ".to_owned()]));
        assert_eq!(complete("(level>=cr"), (8, vec!["critical ".to_owned()]));
        assert_eq!(complete("source:VAR"), (7, vec!["var/log/auth.log ".to_owned()]));
        assert_eq!(complete("rule:s"), (5, vec!["sqli ".to_owned()]));
        assert_eq!(complete("a AND"), (2, vec!["AND ".to_owned()]));
        assert_eq!(complete("a | timec"), (4, vec!["timechart ".to_owned()]));
        assert_eq!(complete("a | top user.n"), (8, vec!["user.name".to_owned()]));
        assert_eq!(complete("a | stats dc(user.n"), (13, vec!["user.name".to_owned()]));
        assert_eq!(complete("a | stats p9"), (10, vec!["p95(".to_owned(), "p99(".to_owned()]));
        assert_eq!(complete("a | compare 1h be"), (15, vec!["before ".to_owned()]));
        assert_eq!(complete("\"a | b\" level:cr"), (14, vec!["critical ".to_owned()]), "a bar in quotes is text");
        assert_eq!(complete(":expl"), (0, vec![":explain ".to_owned()]));
        assert_eq!(complete(":verif"), (0, vec![":verify ".to_owned()]));
        assert_eq!(complete(":export a.b.js"), (12, vec!["jsonl ".to_owned()]));
        assert_eq!(complete(":export hits"), (8, Vec::new()), "the name is one's own");
        assert_eq!(complete(":explain level:cr"), (15, vec!["critical ".to_owned()]));
    }

    #[test]
    fn rules_that_fired_are_completed_by_name_and_by_title() {
        let assist = assist(false);
        let fired = [("lnx_shell", Some("Suspicious Reverse Shell".to_owned())), ("sqli", None)];
        let fired = fired.into_iter().map(|(name, title)| (name.to_owned(), title)).collect();
        assist.known.borrow_mut().name_rules(fired);
        let complete = |line: &str| assist.known.borrow().complete(line, line.len()).1;
        assert_eq!(complete("rule:ln"), ["lnx_shell "]);
        assert_eq!(complete("rule:rev"), ["lnx_shell "]);
        assert_eq!(complete("rule:sq"), ["sqli "]);
        assert_eq!(complete("rule:re"), Vec::<String>::new(), "two letters are in too many titles");
    }

    #[test]
    fn values_of_the_last_answer_come_quoted_where_they_must() {
        let assist = assist(false);
        let mut facets = Facets::default();
        let mut record = crate::repl::tests::record(b"x");
        record.fields =
            vec![("user.name".to_owned(), b"ann \"x\"".to_vec()), ("user.name".to_owned(), b"bob".to_vec())];
        facets.add(&record);
        assist.known.borrow_mut().learn(&facets);
        let complete = |line: &str| assist.known.borrow().complete(line, line.len());
        assert_eq!(complete("user.name:a"), (10, vec!["\"ann \\\"x\\\"\" ".to_owned()]));
        assert_eq!(complete("user.name:\"ann "), (10, vec!["\"ann \\\"x\\\"\" ".to_owned()]));
        assert_eq!(complete("user.name="), (10, vec!["\"ann \\\"x\\\"\" ".to_owned(), "bob ".to_owned()]));
    }

    #[test]
    fn colours_change_nothing_but_the_colour() {
        for line in ["a AND level:x \"q\\\"x | y\" | top 3 user", "\"open", "é:ü (", "", ":show 3", "levl:x y"] {
            assert_eq!(assist(false).colours(line), line);
        }
    }

    #[test]
    fn every_question_of_the_help_is_one() {
        let grammar = Grammar::of_fields(&["app", "bytes", "path"]);
        let questions = crate::repl::command::HELP.lines().take_while(|line| *line != "Commands:").skip(1);
        for line in questions.filter(|line| line.starts_with("  ")) {
            let text = line.trim().split("   ").next().unwrap_or_default();
            assert!(grammar.parse(text).is_ok(), "{text}: {:?}", grammar.parse(text).err());
        }
    }

    #[test]
    fn a_mistake_is_marked_once_it_is_one() {
        let marked = |line: &str| assist(true).colours(line).contains("\x1b[4;31m");
        assert!(marked("levl:error") && marked("a levl:error b") && marked("foo:bar x"));
        assert!(!marked("foo:bar") && !marked("(level:error") && !marked("\"open") && !marked("level:error AND "));
        assert_eq!(assist(false).mistake("levl:x").map(|(_, said)| said).as_deref(), Some("did you mean level?"));
        assert_eq!(
            assist(false).mistake("x | stat count").map(|(_, said)| said).as_deref(),
            Some("did you mean stats?")
        );
    }
}
