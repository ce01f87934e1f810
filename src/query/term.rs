//! Reads one value of a query and decides what it means for its field: time, level, address, number or text.

use std::ops::Bound;

use crate::model::query::{Expr, Field, Interval, LevelSet, Network, Pattern, Piece};
use crate::model::{Level, TimeRange};

use super::error::{closest, regex_reason};
use super::parser::Parser;
use super::value::{Value, plain};
use super::{QueryError, literal, regexes};

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
        literal::level(text).ok_or_else(|| {
            let names = Level::ALL.iter().map(|level| level.name());
            let suggestion = closest(&text.to_ascii_lowercase(), names).map(str::to_owned);
            let meant = suggestion.as_ref().map(|name| format!(", did you mean '{name}'?")).unwrap_or_default();
            self.error(format!("unknown level '{text}'{meant}")).meaning(suggestion)
        })
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

pub(super) fn text_of(bound: &Bound<String>) -> Option<&String> {
    match bound {
        Bound::Included(text) | Bound::Excluded(text) => Some(text),
        Bound::Unbounded => None,
    }
}

fn unstarred(bound: Bound<String>) -> Bound<String> {
    if text_of(&bound).is_some_and(|text| text == "*") { Bound::Unbounded } else { bound }
}
