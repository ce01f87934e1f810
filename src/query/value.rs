//! Reads one value as it is written: in quotes, between slashes, or bare with wildcards.

use crate::model::query::Piece;

use super::QueryError;
use super::parser::Parser;

/// Characters that a backslash makes literal in a word.
const ESCAPED: &str = "*?()|\":[]{}\\ -!+'";

/// A value as it is written.
pub(super) enum Value {
    /// In quotes.
    Quoted(String),
    /// Between slashes.
    Regex { pattern: String, ignore_case: bool },
    /// Bare, with wildcards.
    Word(Vec<Piece>),
}

impl Parser<'_> {
    /// One value: in quotes, between slashes, or a word.
    pub(super) fn value(&mut self) -> Result<Value, QueryError> {
        match self.peek() {
            None => Err(self.error("expected a value")),
            Some(quote @ ('"' | '\'')) => self.quotes(quote),
            Some('/') => match self.slashes() {
                Some(regex) => Ok(regex),
                None => self.bare(),
            },
            Some(_) => self.bare(),
        }
    }

    fn quotes(&mut self, quote: char) -> Result<Value, QueryError> {
        let mut text = String::new();
        let mut by = 1;
        loop {
            match self.ahead(by) {
                None => return Err(self.error("missing closing quote")),
                Some(c) if c == quote => break,
                Some('\\') if quote == '"' && matches!(self.ahead(by + 1), Some('"' | '\\')) => {
                    text.extend(self.ahead(by + 1));
                    by += 2;
                }
                Some(c) => {
                    text.push(c);
                    by += 1;
                }
            }
        }
        if text.is_empty() {
            return Err(self.error("empty quotes"));
        }
        self.advance(by + 1);
        Ok(Value::Quoted(text))
    }

    /// `/re/` or `/re/i`, ended by a space, `)`, `|` or the end; `None` where a path begins instead. The longest reading
    /// wins, so that `/a|b/` and `/x/y/` are each one expression.
    fn slashes(&mut self) -> Option<Value> {
        let mut pattern = String::new();
        let mut best = None;
        let mut by = 1;
        while let Some(c) = self.ahead(by).filter(|c| !c.is_whitespace()) {
            if c == '\\' {
                let escaped = self.ahead(by + 1).filter(|c| *c != '\n')?;
                pattern.extend([c, escaped]);
                by += 2;
                continue;
            }
            if c == '/' {
                if pattern.is_empty() || self.ahead(by - 1) == Some('/') && !pattern.ends_with("\\/") {
                    break;
                }
                let flag = usize::from(self.ahead(by + 1) == Some('i'));
                let ends = |by| self.ahead(by).is_none_or(|c: char| c.is_whitespace() || matches!(c, ')' | '|'));
                if ends(by + 1) {
                    best = Some((pattern.clone(), false, by + 1));
                } else if flag == 1 && ends(by + 2) {
                    best = Some((pattern.clone(), true, by + 2));
                }
            }
            pattern.push(c);
            by += 1;
        }
        let (pattern, ignore_case, length) = best?;
        if pattern.ends_with("/i") && !pattern.ends_with("\\/i") {
            return None;
        }
        self.advance(length);
        Some(Value::Regex { pattern, ignore_case })
    }

    fn bare(&mut self) -> Result<Value, QueryError> {
        let mut pieces = Vec::new();
        while let Some(c) = self.peek().filter(|c| !c.is_whitespace() && !matches!(c, ')' | '|' | '(' | '"')) {
            match (c, self.ahead(1)) {
                ('\\', Some(escaped)) if ESCAPED.contains(escaped) => {
                    push_text(&mut pieces, escaped);
                    self.advance(1);
                }
                ('*', _) => {
                    if pieces.last() != Some(&Piece::Many) {
                        pieces.push(Piece::Many);
                    }
                }
                ('?', _) => pieces.push(Piece::One),
                _ => push_text(&mut pieces, c),
            }
            self.advance(1);
        }
        if pieces.is_empty() {
            let reason = self.peek().map_or("expected a value".to_owned(), |c| format!("unexpected {c:?}"));
            return Err(self.error(reason));
        }
        let text = plain(&pieces);
        if marked(&text, '~', |c| c.is_ascii_digit(), 0) {
            return Err(self.error("fuzzy search (~) is not supported; use * or ?"));
        }
        if marked(&text, '^', |c| c.is_ascii_digit() || c == '.', 1) {
            return Err(self.error("boost (^) is not supported; results are in time order"));
        }
        Ok(Value::Word(pieces))
    }
}

/// Whether a word ends in a letter or digit, `mark`, and at least `least` characters that `accept` takes.
fn marked(text: &str, mark: char, accept: fn(char) -> bool, least: usize) -> bool {
    let head = text.trim_end_matches(accept);
    text.len() - head.len() >= least
        && head.strip_suffix(mark).is_some_and(|head| head.chars().next_back().is_some_and(super::search::is_word))
}

fn push_text(pieces: &mut Vec<Piece>, c: char) {
    match pieces.last_mut() {
        Some(Piece::Text(text)) => text.push(c),
        _ => pieces.push(Piece::Text(c.to_string())),
    }
}

/// The pieces as they were typed, without escapes.
pub(super) fn plain(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Many => "*",
            Piece::One => "?",
        })
        .collect()
}
