//! Reads one value of a query and decides what it means for its field: time, level, address, number or text.

use std::ops::Bound;

use crate::model::query::{Expr, Field, Interval, LevelSet, Network, Pattern, Piece};
use crate::model::{Level, TimeRange, Timestamp};

use super::parser::Parser;
use super::{QueryError, error::regex_reason, literal, regexes};

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
    /// A value or range of `field` (`None`: bare, of the whole line) as a test.
    pub(super) fn term(&mut self, field: Option<&Field>) -> Result<Expr, QueryError> {
        if matches!(self.peek(), Some('[' | '{')) {
            return match field {
                Some(field) => self.range(field),
                None => Err(self.error("a range needs a field (to search the text, quote it)")),
            };
        }
        let value = self.value()?;
        let target = field.cloned().unwrap_or(Field::Line);
        let name = match &target {
            Field::Named(name) => name.clone(),
            Field::Line => String::new(),
        };
        match value {
            Value::Regex { pattern, ignore_case } => self.regex(target, pattern, ignore_case),
            Value::Word(pieces) if pieces == [Piece::Many] => {
                Ok(if field.is_none() { Expr::All } else { exists(target) })
            }
            Value::Word(pieces) => self.word(field, target, &name, pieces),
            Value::Quoted(text) => self.quoted(target, &name, text),
        }
    }

    fn word(
        &mut self,
        field: Option<&Field>,
        target: Field,
        name: &str,
        pieces: Vec<Piece>,
    ) -> Result<Expr, QueryError> {
        let text = plain(&pieces);
        let literal_only = pieces.iter().all(|piece| matches!(piece, Piece::Text(_)));
        if field.is_none() && matches!(text.to_ascii_lowercase().as_str(), "and" | "or" | "not") {
            self.hints.push(format!("lowercase '{text}' was searched as a word; operators are upper case"));
        }
        if is_time(name) {
            return self.time(name, &text);
        }
        if name == "level" && literal_only {
            return Ok(Expr::Level(LevelSet(1 << self.level(&text)?.code())));
        }
        if literal_only && let Some(network) = literal::network(&text) {
            let pattern = Expr::Term { field: target.clone(), pattern: Pattern(pieces) };
            if text.contains('/') || is_address_field(name) {
                return Ok(Expr::Address { field: target, network });
            }
            if !network.v4 {
                // The same address has many spellings.
                return Ok(Expr::Or(vec![pattern, Expr::Address { field: target, network }]));
            }
            return Ok(pattern);
        }
        Ok(Expr::Term { field: target, pattern: Pattern(pieces) })
    }

    fn quoted(&mut self, target: Field, name: &str, text: String) -> Result<Expr, QueryError> {
        if is_time(name) {
            return self.time(name, &text);
        }
        if name == "level" {
            return Ok(Expr::Level(LevelSet(1 << self.level(&text)?.code())));
        }
        let prefix = self.peek() == Some('*');
        if prefix {
            self.advance(1);
        }
        if self.peek() == Some('~') && self.ahead(1).is_some_and(|c| c.is_ascii_digit()) {
            return self.near(target, &text);
        }
        if text.contains(['*', '?']) {
            self.hints.push("inside quotes * and ? are literal".to_owned());
        }
        let mut pieces = vec![Piece::Text(text)];
        if prefix {
            pieces.push(Piece::Many);
        }
        Ok(Expr::Term { field: target, pattern: Pattern(pieces) })
    }

    fn near(&mut self, field: Field, text: &str) -> Result<Expr, QueryError> {
        self.advance(1);
        let start = self.place();
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.advance(1);
        }
        let gap = self.since(start).parse().map_err(|_| self.error("distance is too large"))?;
        let words: Vec<String> = text
            .split(|c: char| !super::search::is_word(c))
            .filter(|w| !w.is_empty())
            .map(super::search::fold)
            .collect();
        if words.is_empty() {
            return Err(self.error("words with a distance need letters or digits"));
        }
        Ok(Expr::Near { field, words, gap })
    }

    /// `field OP value` for `=`, `!=` and the four orders.
    pub(super) fn comparison(&mut self, field: Field, operator: &str) -> Result<Expr, QueryError> {
        let text = match self.value()? {
            Value::Regex { .. } => return Err(self.error("a regex needs =~ or field:/.../")),
            Value::Quoted(text) => text,
            Value::Word(pieces) => plain(&pieces),
        };
        let name = match &field {
            Field::Named(name) => name.as_str(),
            Field::Line => "",
        };
        match name {
            "since" | "until" | "around" => Err(self.error(format!("'{name}' is written {name}:TIME"))),
            "time" => self.time_comparison(operator, &text),
            "level" => Ok(Expr::Level(level_comparison(operator, self.level(&text)?))),
            _ if operator == "=" => Ok(Expr::Equals { field, value: text }),
            _ if operator == "!=" => Ok(Expr::Differs { field, value: text }),
            _ => self.ordered(field, operator, &text),
        }
    }

    fn ordered(&self, field: Field, operator: &str, text: &str) -> Result<Expr, QueryError> {
        if let Some(value) = literal::number(text.as_bytes()) {
            let (low, high) = one_sided(operator, value);
            return Ok(Expr::Within { field, interval: Interval::Number(low, high) });
        }
        if let Some(Network { low, high, v4 }) = literal::network(text) {
            let top = if v4 { u128::from(u32::MAX) } else { u128::MAX };
            let network = match operator {
                ">" => high.checked_add(1).filter(|low| *low <= top).map(|low| (low, top)),
                ">=" => Some((low, top)),
                "<" => low.checked_sub(1).map(|high| (0, high)),
                _ => Some((0, high)),
            };
            let (low, high) = network.ok_or_else(|| self.error(format!("no address is {operator} {text}")))?;
            return Ok(Expr::Address { field, network: Network { low, high, v4 } });
        }
        let (low, high) = one_sided(operator, super::search::fold(text));
        Ok(Expr::Within { field, interval: Interval::Text(low, high) })
    }

    /// `[a TO b]`, either bracket a brace, either bound `*`.
    fn range(&mut self, field: &Field) -> Result<Expr, QueryError> {
        let start = self.place();
        let malformed = QueryError::at(start + 1, "range must be [a TO b] or {a TO b}");
        let from_open = self.peek() == Some('{');
        self.advance(1);
        let low = self.bound().ok_or_else(|| malformed.clone())?;
        self.skip_space();
        if !(self.looking_at("TO") && self.ahead(2).is_some_and(char::is_whitespace)) {
            return Err(malformed);
        }
        self.advance(2);
        let high = self.bound().ok_or_else(|| malformed.clone())?;
        self.skip_space();
        let to_open = match self.peek() {
            Some(']') => false,
            Some('}') => true,
            _ => return Err(malformed),
        };
        self.advance(1);
        let low = if from_open { Bound::Excluded(low) } else { Bound::Included(low) };
        let high = if to_open { Bound::Excluded(high) } else { Bound::Included(high) };
        self.ranged(field, unstarred(low), unstarred(high))
    }

    fn bound(&mut self) -> Option<String> {
        self.skip_space();
        if self.peek() == Some('"') {
            return match self.value() {
                Ok(Value::Quoted(text)) => Some(text),
                _ => None,
            };
        }
        let start = self.place();
        while self.peek().is_some_and(|c| !c.is_whitespace() && !matches!(c, ']' | '}')) {
            self.advance(1);
        }
        Some(self.since(start)).filter(|text| !text.is_empty())
    }

    fn ranged(&self, field: &Field, low: Bound<String>, high: Bound<String>) -> Result<Expr, QueryError> {
        let name = match field {
            Field::Named(name) => name.as_str(),
            Field::Line => "",
        };
        match name {
            "level" => return self.level_range(&low, &high),
            "time" => return self.time_range(&low, &high),
            "since" | "until" | "around" => {
                return Err(self.error(format!("'{name}' takes no range; use time:[a TO b]")));
            }
            _ => {}
        }
        let (a, b) = (text_of(&low), text_of(&high));
        if a.is_none() && b.is_none() {
            return Ok(exists(field.clone()));
        }
        let numeric = |text: Option<&String>| text.is_none_or(|text| literal::number(text.as_bytes()).is_some());
        if numeric(a) && numeric(b) {
            let number = |text: &String| literal::number(text.as_bytes()).unwrap_or_default();
            if let (Some(a), Some(b)) = (a, b)
                && number(a) > number(b)
            {
                return Err(self.error(format!("empty range: {a} > {b}")));
            }
            let interval = Interval::Number(low.as_ref().map(number), high.as_ref().map(number));
            return Ok(Expr::Within { field: field.clone(), interval });
        }
        let network = |text: &String| literal::network(text);
        let networks = (a.map(network), b.map(network));
        if let (Some(Some(_)) | None, Some(Some(_)) | None) = networks {
            return self.address_range(field, &low, &high);
        }
        let interval =
            Interval::Text(low.map(|text| super::search::fold(&text)), high.map(|text| super::search::fold(&text)));
        Ok(Expr::Within { field: field.clone(), interval })
    }

    fn address_range(&self, field: &Field, low: &Bound<String>, high: &Bound<String>) -> Result<Expr, QueryError> {
        let network = |bound: &Bound<String>| text_of(bound).and_then(|text| literal::network(text));
        let v4 = network(low).or(network(high)).is_some_and(|network| network.v4);
        if [network(low), network(high)].into_iter().flatten().any(|network| network.v4 != v4) {
            return Err(self.error("a range of addresses needs two of the same version"));
        }
        let top = if v4 { u128::from(u32::MAX) } else { u128::MAX };
        let from = match (low, network(low)) {
            (Bound::Excluded(_), Some(network)) => network.high.checked_add(1),
            (_, Some(network)) => Some(network.low),
            _ => Some(0),
        };
        let to = match (high, network(high)) {
            (Bound::Excluded(_), Some(network)) => network.low.checked_sub(1),
            (_, Some(network)) => Some(network.high),
            _ => Some(top),
        };
        match (from, to) {
            (Some(low), Some(high)) if low <= high => {
                Ok(Expr::Address { field: field.clone(), network: Network { low, high, v4 } })
            }
            _ => Err(self.error("empty range of addresses")),
        }
    }

    fn level(&self, text: &str) -> Result<Level, QueryError> {
        literal::level(text).ok_or_else(|| self.error(format!("unknown level '{text}'")))
    }

    fn level_range(&self, low: &Bound<String>, high: &Bound<String>) -> Result<Expr, QueryError> {
        let mut set = LevelSet::ANY.0;
        let level = |text: Option<&String>| text.map(|text| self.level(text)).transpose();
        let (from, to) = (level(text_of(low))?, level(text_of(high))?);
        if let (Some(a), Some(b), Some(from), Some(to)) = (text_of(low), text_of(high), from, to)
            && from > to
        {
            return Err(self.error(format!("empty range: {a} is above {b}; did you mean [{b} TO {a}]?")));
        }
        if let Some(from) = from {
            set &= level_comparison(if matches!(low, Bound::Excluded(_)) { ">" } else { ">=" }, from).0;
        }
        if let Some(to) = to {
            set &= level_comparison(if matches!(high, Bound::Excluded(_)) { "<" } else { "<=" }, to).0;
        }
        Ok(Expr::Level(LevelSet(set)))
    }

    fn span(&self, text: &str) -> Result<(Timestamp, Timestamp), QueryError> {
        literal::span(text, self.context).ok_or_else(|| self.error(format!("bad time '{text}'")))
    }

    /// `time:` `since:` `until:` `around:` with one value.
    fn time(&self, name: &str, text: &str) -> Result<Expr, QueryError> {
        let now = self.context.now;
        let ago = literal::duration(text).map(|length| now.saturating_add(-length));
        let range = match (name, ago) {
            ("time", Some(ago)) => TimeRange { from: Some(after(ago)), until: Some(after(now)) },
            ("time", None) => {
                let (from, until) = self.span(text)?;
                TimeRange { from: Some(from), until: Some(if from == until { after(from) } else { until }) }
            }
            ("since", ago) => {
                TimeRange { from: Some(ago.map_or_else(|| self.span(text).map(|s| s.0), Ok)?), until: None }
            }
            ("until", ago) => {
                TimeRange { from: None, until: Some(ago.map_or_else(|| self.span(text).map(|s| s.0), Ok)?) }
            }
            _ => {
                let (moment, width) = text.split_once('~').unwrap_or((text, "5m"));
                let width = literal::duration(width).ok_or_else(|| self.error(format!("bad duration '{width}'")))?;
                let centre = self.span(moment)?.0;
                let until = after(centre.saturating_add(width));
                TimeRange { from: Some(centre.saturating_add(-width)), until: Some(until) }
            }
        };
        Ok(Expr::Time(range))
    }

    fn time_comparison(&self, operator: &str, text: &str) -> Result<Expr, QueryError> {
        let (from, until) = self.span(text)?;
        let until = if from == until { after(from) } else { until };
        let range = match operator {
            ">" => TimeRange { from: Some(until), until: None },
            ">=" => TimeRange { from: Some(from), until: None },
            "<" => TimeRange { from: None, until: Some(from) },
            "<=" => TimeRange { from: None, until: Some(until) },
            _ => TimeRange { from: Some(from), until: Some(until) },
        };
        if operator == "!=" {
            let has_time = Expr::Time(TimeRange::default());
            return Ok(Expr::And(vec![has_time, Expr::Not(Box::new(Expr::Time(range)))]));
        }
        Ok(Expr::Time(range))
    }

    fn time_range(&self, low: &Bound<String>, high: &Bound<String>) -> Result<Expr, QueryError> {
        let span = |bound: &Bound<String>| text_of(bound).map(|text| self.span(text)).transpose();
        let (from, to) = (span(low)?, span(high)?);
        if let (Some(a), Some(b), Some((from, _)), Some((to, _))) = (text_of(low), text_of(high), from, to)
            && from > to
        {
            return Err(self.error(format!("empty range: {a} is after {b}")));
        }
        let whole = |(from, until): (Timestamp, Timestamp)| if from == until { after(from) } else { until };
        let from = from.map(|span| if matches!(low, Bound::Excluded(_)) { whole(span) } else { span.0 });
        let until = to.map(|span| if matches!(high, Bound::Excluded(_)) { span.0 } else { whole(span) });
        Ok(Expr::Time(TimeRange { from, until }))
    }

    /// The quoted expression after `=~` or `!~`.
    pub(super) fn quoted_regex(&mut self, field: Field, negated: bool, name: &str) -> Result<Expr, QueryError> {
        if !matches!(self.peek(), Some('"' | '\'')) {
            return Err(self.error(format!("regex must be quoted: {name}=~\"...\"")));
        }
        let Value::Quoted(pattern) = self.value()? else {
            return Err(self.error(format!("regex must be quoted: {name}=~\"...\"")));
        };
        let test = self.regex(field, pattern, false)?;
        Ok(if negated { Expr::Not(Box::new(test)) } else { test })
    }

    /// A regular expression, compiled once here so that a bad one is an error of the query.
    fn regex(&self, field: Field, pattern: String, ignore_case: bool) -> Result<Expr, QueryError> {
        regexes::build(&pattern, ignore_case)
            .map_err(|error| self.error(format!("bad regex: {}", regex_reason(&error))))?;
        Ok(Expr::Regex { field, pattern, ignore_case })
    }

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
fn plain(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Many => "*",
            Piece::One => "?",
        })
        .collect()
}

fn is_time(name: &str) -> bool {
    matches!(name, "time" | "since" | "until" | "around")
}

fn is_address_field(name: &str) -> bool {
    name == "ip" || name.ends_with("_ip") || name.ends_with(".ip") || name.ends_with("_addr")
}

/// The test that a field is there; `level` and `time` are columns.
fn exists(field: Field) -> Expr {
    match &field {
        Field::Named(name) if name == "level" => Expr::Level(LevelSet::ANY),
        Field::Named(name) if is_time(name) => Expr::Time(TimeRange::default()),
        _ => Expr::Exists(field),
    }
}

fn after(time: Timestamp) -> Timestamp {
    time.saturating_add(1)
}

fn level_comparison(operator: &str, level: Level) -> LevelSet {
    let bit = 1u16 << level.code();
    LevelSet(match operator {
        ">" => LevelSet::ANY.0 & !(bit | (bit - 1)),
        ">=" => LevelSet::ANY.0 & !(bit - 1),
        "<" => bit - 1,
        "<=" => bit | (bit - 1),
        "!=" => LevelSet::ANY.0 & !bit,
        _ => bit,
    })
}

fn one_sided<T>(operator: &str, value: T) -> (Bound<T>, Bound<T>) {
    match operator {
        ">" => (Bound::Excluded(value), Bound::Unbounded),
        ">=" => (Bound::Included(value), Bound::Unbounded),
        "<" => (Bound::Unbounded, Bound::Excluded(value)),
        _ => (Bound::Unbounded, Bound::Included(value)),
    }
}

fn text_of(bound: &Bound<String>) -> Option<&String> {
    match bound {
        Bound::Included(text) | Bound::Excluded(text) => Some(text),
        Bound::Unbounded => None,
    }
}

fn unstarred(bound: Bound<String>) -> Bound<String> {
    if text_of(&bound).is_some_and(|text| text == "*") { Bound::Unbounded } else { bound }
}
