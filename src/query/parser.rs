//! Reads the text of a query into a tree: precedence, parentheses, fields and operators.
//!
//! Recursive descent over characters; nesting is bounded, so the stack is too. What a value means (a time, a level, a
//! network, a pattern) is decided in `term`.

use std::cell::Cell;

use crate::model::query::{Expr, Field};

use super::names::resolve;
use super::{Query, QueryContext, QueryError, literal, pipes};

/// Most characters in a query.
const MAX_LENGTH: usize = 65_536;
/// Most open parentheses at once.
const MAX_DEPTH: usize = 100;

/// The operators that follow a field name, longest first.
const OPERATORS: [&str; 12] = [":>=", ":<=", "!=", "=~", "!~", ">=", "<=", ":>", ":<", "=", ">", "<"];

/// Reads a query.
pub(super) fn parse(text: &str, context: &QueryContext) -> Result<Query, QueryError> {
    let mut parser = Parser::new(text, context);
    if parser.chars.len() > MAX_LENGTH {
        return Err(QueryError::at(MAX_LENGTH + 1, format!("query is longer than {MAX_LENGTH} characters")));
    }
    parser.skip_space();
    let tree = if matches!(parser.peek(), None | Some('|')) { Expr::All } else { parser.or(None)? };
    parser.skip_space();
    match parser.peek() {
        None | Some('|') => {}
        Some(other) => return Err(parser.error(format!("unexpected {other:?}"))),
    }
    let pipes = pipes::parse(&mut parser)?;
    let names_incidents = parser.names_incidents.get();
    Ok(Query { tree, pipes, hints: parser.hints, text: text.to_owned(), names_incidents })
}

/// The text of a query and the place reached in it.
pub(super) struct Parser<'a> {
    chars: Vec<char>,
    at: usize,
    depth: usize,
    pub(super) context: &'a QueryContext<'a>,
    pub(super) hints: Vec<String>,
    /// Whether the field `incident` was named.
    pub(super) names_incidents: Cell<bool>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &str, context: &'a QueryContext<'a>) -> Parser<'a> {
        Parser {
            chars: text.chars().collect(),
            at: 0,
            depth: 0,
            context,
            hints: Vec::new(),
            names_incidents: Cell::new(false),
        }
    }

    /// The next character.
    pub(super) fn peek(&self) -> Option<char> {
        self.ahead(0)
    }

    /// The character `by` places ahead.
    pub(super) fn ahead(&self, by: usize) -> Option<char> {
        self.chars.get(self.at + by).copied()
    }

    /// Moves on by a number of characters, at most to the end.
    pub(super) fn advance(&mut self, by: usize) {
        self.at = (self.at + by).min(self.chars.len());
    }

    /// The place reached, in characters from 0.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    /// The characters from a place up to the place reached.
    pub(super) fn since(&self, place: usize) -> String {
        self.chars.get(place..self.at).unwrap_or_default().iter().collect()
    }

    /// A mistake at the place reached.
    pub(super) fn error(&self, reason: impl Into<String>) -> QueryError {
        QueryError::at(self.at + 1, reason)
    }

    pub(super) fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// Whether the text ahead is exactly this.
    pub(super) fn looking_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(by, c)| self.ahead(by) == Some(c))
    }

    /// The characters ahead up to a space, parenthesis or bar.
    fn word_ahead(&self) -> String {
        let rest = self.chars.get(self.at..).unwrap_or_default();
        rest.iter().take_while(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '|')).collect()
    }

    /// Whether an operator word stands here on its own.
    fn at_keyword(&self, word: &str) -> bool {
        self.looking_at(word)
            && self.ahead(word.len()).is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')' | '|'))
    }

    fn take_keyword(&mut self, word: &str) -> bool {
        self.skip_space();
        let found = self.at_keyword(word);
        if found {
            self.advance(word.len());
        }
        found
    }

    fn or(&mut self, field: Option<&Field>) -> Result<Expr, QueryError> {
        let mut parts = vec![self.and(field)?];
        while self.take_keyword("OR") {
            parts.push(self.and(field)?);
        }
        Ok(single(parts, Expr::Or))
    }

    fn and(&mut self, field: Option<&Field>) -> Result<Expr, QueryError> {
        let mut parts = vec![self.not(field)?];
        loop {
            self.skip_space();
            if matches!(self.peek(), None | Some(')' | '|')) || self.at_keyword("OR") {
                return Ok(single(parts, Expr::And));
            }
            self.take_keyword("AND");
            parts.push(self.not(field)?);
        }
    }

    /// A term with any number of negations, which cancel in pairs: a loop, so that `----x` needs no stack.
    fn not(&mut self, field: Option<&Field>) -> Result<Expr, QueryError> {
        let mut negated = false;
        loop {
            if self.take_keyword("NOT") {
                negated = !negated;
                continue;
            }
            let binds = self.ahead(1).is_some_and(|c| !c.is_whitespace());
            match self.peek() {
                Some('-' | '!') if binds && !self.looking_at("!~") => {
                    negated = !negated;
                    self.advance(1);
                }
                Some('+') if binds => {
                    self.advance(1);
                    break;
                }
                _ => break,
            }
        }
        let term = self.primary(field)?;
        Ok(if negated { Expr::Not(Box::new(term)) } else { term })
    }

    /// A group, a field with its operator, or a value.
    fn primary(&mut self, field: Option<&Field>) -> Result<Expr, QueryError> {
        self.skip_space();
        if matches!(self.peek(), None | Some('|')) {
            return Err(self.error("expected a search term (query ends too early)"));
        }
        if self.at_keyword("AND") || self.at_keyword("OR") {
            return Err(self.error("operator without a term before it (to search the word, quote it: \"AND\")"));
        }
        if self.peek() == Some('(') {
            return self.group(field);
        }
        if let Some(field) = field {
            return self.term(Some(field));
        }
        if self.looking_at("*:*") && self.ahead(3).is_none_or(|c| c.is_whitespace() || matches!(c, ')' | '|')) {
            self.advance(3);
            return Ok(Expr::All);
        }
        for (operator, negated) in [("=~", false), ("!~", true)] {
            if self.looking_at(operator) {
                self.advance(2);
                return self.quoted_regex(Field::Line, negated, "");
            }
        }
        match self.field_name() {
            Some(length) => self.fielded(length),
            None => self.term(None),
        }
    }

    fn group(&mut self, field: Option<&Field>) -> Result<Expr, QueryError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("more than {MAX_DEPTH} open parentheses")));
        }
        self.advance(1);
        let inner = self.or(field)?;
        self.skip_space();
        if self.peek() != Some(')') {
            return Err(self.error("missing ')'"));
        }
        self.advance(1);
        self.depth -= 1;
        Ok(inner)
    }

    /// The length of a field name ahead that an operator follows; `None` where the text ahead only looks like one.
    fn field_name(&self) -> Option<usize> {
        if !self.peek().is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '@')) {
            return None;
        }
        let rest = self.chars.get(self.at..)?;
        let name = |c: &&char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '@' | '-');
        let length = rest.iter().take_while(name).count();
        let operator = rest.get(length)?;
        let follows = matches!(operator, ':' | '=' | '>' | '<')
            || (*operator == '!' && matches!(rest.get(length + 1), Some('=' | '~')));
        (follows && !is_text(&self.word_ahead())).then_some(length)
    }

    /// Whether what was typed as a name is a host: it has a dot, and a port follows.
    fn at_port(&self, typed: &str) -> bool {
        let port = self.word_ahead();
        let is_port = |port: &str| (1..=5).contains(&port.len()) && port.bytes().all(|digit| digit.is_ascii_digit());
        typed.contains('.') && port.strip_prefix(':').is_some_and(is_port)
    }

    /// The canonical name for a name as typed, or the likely one that was meant.
    pub(super) fn resolve(&self, typed: &str, extracted: &[String]) -> Result<String, Option<String>> {
        let name = resolve(typed, self.context, extracted)?;
        if name == "incident" {
            self.names_incidents.set(true);
        }
        Ok(name)
    }

    fn fielded(&mut self, length: usize) -> Result<Expr, QueryError> {
        let start = self.at;
        self.at += length;
        let typed = self.since(start);
        let name = match self.resolve(&typed, &[]) {
            Ok(name) => name,
            Err(_) if self.at_port(&typed) => {
                self.at = start;
                let text = self.word_ahead();
                self.hints.push(format!("'{text}' was searched as text: no field has this name"));
                return self.term(None);
            }
            Err(suggestion) => {
                let meant = suggestion.as_ref().map(|name| format!(", did you mean '{name}'?")).unwrap_or_default();
                let reason = format!("unknown field '{typed}'{meant} (to search the text, quote it)");
                return Err(QueryError::at(start + 1, reason).meaning(suggestion));
            }
        };
        let field = if name == "raw" { Field::Line } else { Field::Named(name.clone()) };
        let operator = OPERATORS.into_iter().find(|operator| self.looking_at(operator)).unwrap_or(":");
        self.advance(operator.len());
        match operator {
            "=~" | "!~" => self.quoted_regex(field, operator == "!~", "field"),
            ":" if self.peek() == Some('(') => self.group(Some(&field)),
            ":" => {
                if self.peek().is_none_or(char::is_whitespace) {
                    return Err(self.error(format!("field '{name}' needs a value")));
                }
                self.term(Some(&field))
            }
            operator => self.comparison(field, operator.trim_start_matches(':')),
        }
    }
}

/// Whether a word is text although it looks like `field:value`: `scheme://`, a drive path, an address, a MAC.
fn is_text(word: &str) -> bool {
    let scheme = word.split_once("://").is_some_and(|(scheme, _)| {
        scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'-'))
    });
    let bytes = word.as_bytes();
    let drive = bytes.first().is_some_and(u8::is_ascii_alphabetic) && bytes.get(1..3) == Some(b":\\");
    let mac = bytes.len() == 17
        && bytes.iter().enumerate().all(|(at, b)| if at % 3 == 2 { *b == b':' } else { b.is_ascii_hexdigit() });
    scheme || drive || mac || literal::network(word).is_some()
}

/// The part itself where there is only one.
fn single(mut parts: Vec<Expr>, many: fn(Vec<Expr>) -> Expr) -> Expr {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => many(parts),
    }
}
