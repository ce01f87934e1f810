//! Decides exactly whether a record is asked for.

use std::ops::RangeBounds;
use std::ops::{Bound, Range};
use std::sync::Arc;

use regex::bytes::Regex;

use crate::archive::Needs;
use crate::archive::lines::{Hits, Needle};
use crate::model::query::{Expr, Field, Interval, LevelSet, Network};
use crate::model::{Incidents, Level, RecordView, TimeQuality, TimeRange, Timestamp, addresses};

use super::search::{TextSearch, fold_bytes, is_word};
use super::sought::{Needles, Sought};
use super::{QueryError, error::regex_reason, literal, regexes};

/// What is known of a record without its bytes.
#[derive(Debug, Clone, Copy)]
pub struct ColumnView<'a> {
    /// Its time in UTC.
    pub time: Option<Timestamp>,
    /// How the time was obtained.
    pub time_quality: TimeQuality,
    /// Its normalised level.
    pub level: Option<Level>,
    /// How odd it is, 0 to 1.
    pub score: f32,
    /// Learned surprise alone, 0 to 1.
    pub novelty: f32,
    /// Whether it passed the threshold in force.
    pub flagged: bool,
    /// Name of its input.
    pub source: &'a str,
    /// The incident it belongs to, where incidents are asked for.
    pub incident: Option<u64>,
}

/// A compiled tree. Matching allocates nothing for text, address and column tests.
#[derive(Debug, Clone)]
pub struct Matcher {
    root: Node,
    needles: Vec<Needle>,
    incidents: Option<Arc<Incidents>>,
}

#[derive(Debug, Clone)]
enum Node {
    All,
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Level(LevelSet),
    Time(TimeRange),
    /// Bit `TimeQuality::code()` for each quality in the set.
    Quality(u8),
    Flagged(bool),
    Score(Number, (Bound<f64>, Bound<f64>)),
    Source(Test),
    Incident(Test),
    Value(Place, Test, Sought),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Number {
    Score,
    Novelty,
}

/// Where a value comes from.
#[derive(Debug, Clone)]
enum Place {
    Line,
    Field(String),
    Template,
    Rule,
    Reason,
    Entity,
    Id,
    Offset,
}

#[derive(Debug, Clone)]
enum Test {
    Exists,
    Text(TextSearch),
    Near(Vec<String>, u32),
    Equals(Vec<u8>),
    Differs(String),
    Regex(Regex),
    Address(Network),
    Within(Interval),
}

impl Matcher {
    /// Compiles a tree.
    ///
    /// # Errors
    /// A regular expression that is wrong or too large; none for a tree that [`super::Query::parse`] gave.
    pub fn compile(expr: &Expr) -> Result<Matcher, QueryError> {
        let mut needles = Needles::default();
        let root = compile(expr, &mut needles)?;
        Ok(Matcher { root, needles: needles.take(), incidents: None })
    }

    /// Tells it which record belongs to which incident; without, no record belongs to one.
    #[must_use]
    pub fn knowing(self, incidents: Option<Arc<Incidents>>) -> Matcher {
        Matcher { incidents, ..self }
    }

    /// What it was told of incidents.
    pub fn incidents(&self) -> Option<&Arc<Incidents>> {
        self.incidents.as_ref()
    }

    /// Whether the record is asked for.
    pub fn matches(&self, record: &RecordView) -> bool {
        self.root.matches(record)
    }

    /// Whether fields must be cut before [`Matcher::matches`]; otherwise the bytes, the columns, the template and the
    /// verdict suffice.
    pub fn needs_fields(&self) -> bool {
        self.root.any(&|place| matches!(place, Place::Field(_)))
    }

    /// Columns that [`Matcher::on_columns`] looks at.
    pub fn needs_on_columns(&self) -> Needs {
        self.root.needs_on_columns()
    }

    /// Columns that [`Matcher::matches`] looks at, those of [`Matcher::needs_on_columns`] among them.
    pub fn needs(&self) -> Needs {
        let mut needs = self.needs_on_columns();
        let mut add = |is_needed: bool, other: Needs| needs = if is_needed { needs | other } else { needs };
        add(self.root.any(&|place| matches!(place, Place::Template)), Needs::TEMPLATES);
        add(self.root.any(&|place| matches!(place, Place::Rule)), Needs::RULES);
        // The flag is a column, but `matches` reads it from the verdict.
        let verdict = self.root.any(&|place| matches!(place, Place::Reason | Place::Entity)) || self.root.flagged();
        add(verdict, Needs::VERDICTS);
        add(self.needs_fields(), Needs::LAYOUTS);
        needs
    }

    /// The decision where columns alone allow it; `None` where the record itself is needed.
    pub fn on_columns(&self, columns: &ColumnView) -> Option<bool> {
        self.root.decide(Some(columns), &|_| None)
    }

    /// Texts whose absence from a record, or presence, decides parts of the query.
    pub fn needles(&self) -> &[Needle] {
        &self.needles
    }

    /// The decision where it is the same for all records, whatever their columns say.
    pub fn on_nothing(&self) -> Option<bool> {
        self.root.decide(None, &|_| None)
    }

    /// Whether [`Matcher::on_columns`] may decide a record by something else than text.
    pub fn looks_at_columns(&self) -> bool {
        self.root.looks_at_columns()
    }

    /// The decision where columns (if given) and what is known of [`Matcher::needles`] in a row allow it.
    pub fn on_texts(&self, columns: Option<&ColumnView>, hits: &[Hits], row: usize) -> Option<bool> {
        self.root.decide(columns, &|sought| sought.decide(hits, row))
    }

    /// `false` where no record among these bytes (many records, one after the other) can match, as decided by the literal
    /// texts asked for in the line alone; one fast pass, so that whole blocks are left out before they are cut.
    pub fn may_match_within(&self, records: &[u8]) -> bool {
        self.root.may_match_within(records)
    }

    /// Adds the places in `line` that bare words, phrases and expressions of the query match, in order and apart.
    pub fn highlights(&self, line: &[u8], out: &mut Vec<Range<usize>>) {
        let first = out.len();
        self.root.highlights(line, out);
        let mut found = out.split_off(first);
        found.sort_by_key(|range| (range.start, range.end));
        for range in found {
            match out.get_mut(first..).and_then(<[_]>::last_mut) {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => out.push(range),
            }
        }
    }
}

fn compile(expr: &Expr, needles: &mut Needles) -> Result<Node, QueryError> {
    let mut all = |parts: &[Expr]| parts.iter().map(|part| compile(part, needles)).collect::<Result<Vec<_>, _>>();
    let (field, test) = match expr {
        Expr::All => return Ok(Node::All),
        Expr::And(parts) => return all(parts).map(Node::And),
        Expr::Or(parts) => return all(parts).map(Node::Or),
        Expr::Not(part) => return compile(part, needles).map(|part| Node::Not(Box::new(part))),
        Expr::Level(set) => return Ok(Node::Level(*set)),
        Expr::Time(range) => return Ok(Node::Time(*range)),
        Expr::Exists(field) => (field, Test::Exists),
        Expr::Term { field, pattern } => (field, Test::Text(TextSearch::new(pattern).map_err(refused)?)),
        Expr::Near { field, words, gap } => (field, Test::Near(words.clone(), *gap)),
        Expr::Equals { field, value } => (field, Test::Equals(value.clone().into_bytes())),
        Expr::Differs { field, value } => (field, Test::Differs(super::search::fold(value))),
        Expr::Regex { field, pattern, ignore_case } => {
            (field, Test::Regex(regexes::build(pattern, *ignore_case).map_err(refused)?))
        }
        Expr::Address { field, network } => (field, Test::Address(*network)),
        Expr::Within { field, interval } => (field, Test::Within(interval.clone())),
    };
    Ok(match field {
        Field::Line => {
            let sought = match &test {
                Test::Text(TextSearch::Literal(literal)) => needles.literal(literal),
                _ => needles.parts_of(expr),
            };
            Node::Value(Place::Line, test, sought)
        }
        Field::Named(name) => match named(name, test) {
            Node::Value(place @ Place::Field(_), test, _) => Node::Value(place, test, needles.field(expr)),
            node => node,
        },
    })
}

fn refused(error: regex::Error) -> QueryError {
    QueryError::pipe(format!("bad regex: {}", regex_reason(&error)))
}

/// The test of a named field; names that are columns are decided over the column's possible values here and now.
fn named(name: &str, test: Test) -> Node {
    let place = match name {
        "level" => {
            let bits = Level::ALL.iter().filter(|level| test.accepts(level.name().as_bytes()));
            return Node::Level(LevelSet(bits.fold(0, |set, level| set | 1 << level.code())));
        }
        "time.quality" => {
            let bits = TimeQuality::ALL.iter().filter(|quality| test.accepts(quality.name().as_bytes()));
            return Node::Quality(bits.fold(0, |set, quality| set | 1 << quality.code()));
        }
        "anomaly" => {
            return match (test.accepts(b"true"), test.accepts(b"false")) {
                (true, true) => Node::All,
                (false, false) => Node::Not(Box::new(Node::All)),
                (flagged, _) => Node::Flagged(flagged),
            };
        }
        "score" => return column(Number::Score, test),
        "novelty" => return column(Number::Novelty, test),
        "source" => return Node::Source(test),
        "incident" => return Node::Incident(test),
        "template" => Place::Template,
        "rule" => Place::Rule,
        "reason" => Place::Reason,
        "entity" => Place::Entity,
        "id" => Place::Id,
        "offset" => Place::Offset,
        name => Place::Field(name.to_owned()),
    };
    Node::Value(place, test, Sought::Nothing)
}

/// A test of a numeric column: `score>0.5` compares, `score:0.5` and `score=0.5` mean the number.
fn column(which: Number, test: Test) -> Node {
    let bounds = match test {
        Test::Within(Interval::Number(low, high)) => (low, high),
        Test::Exists => (Bound::Unbounded, Bound::Unbounded),
        Test::Equals(text) => match literal::number(&text) {
            Some(number) => (Bound::Included(number), Bound::Included(number)),
            None => return Node::Not(Box::new(Node::All)),
        },
        Test::Differs(text) => match literal::number(text.as_bytes()) {
            Some(number) => {
                let same = Node::Score(which, (Bound::Included(number), Bound::Included(number)));
                return Node::Not(Box::new(same));
            }
            None => return Node::All,
        },
        _ => return Node::Not(Box::new(Node::All)),
    };
    Node::Score(which, bounds)
}

impl Node {
    fn matches(&self, record: &RecordView) -> bool {
        match self {
            Node::And(parts) => parts.iter().all(|part| part.matches(record)),
            Node::Or(parts) => parts.iter().any(|part| part.matches(record)),
            Node::Not(part) => !part.matches(record),
            Node::Value(place, test, _) => test.at(place, record),
            column => column
                .decide(
                    Some(&ColumnView {
                        time: record.time,
                        time_quality: record.time_quality,
                        level: record.level,
                        score: record.score,
                        novelty: record.novelty,
                        flagged: record.verdict.is_some_and(|verdict| verdict.flagged),
                        source: record.source,
                        incident: record.incident,
                    }),
                    &|_| None,
                )
                .unwrap_or(false),
        }
    }

    /// The decision as far as columns and texts allow it.
    fn decide(&self, columns: Option<&ColumnView>, text: &dyn Fn(&Sought) -> Option<bool>) -> Option<bool> {
        // A part that is undecided leaves the whole undecided unless another part settles it.
        let settle = |parts: &[Node], by: bool| {
            let mut undecided = false;
            for part in parts {
                match part.decide(columns, text) {
                    Some(decided) if decided == by => return Some(by),
                    Some(_) => {}
                    None => undecided = true,
                }
            }
            if undecided { None } else { Some(!by) }
        };
        match self {
            Node::All => Some(true),
            Node::And(parts) => settle(parts, false),
            Node::Or(parts) => settle(parts, true),
            Node::Not(part) => part.decide(columns, text).map(|decided| !decided),
            Node::Value(_, _, sought) => text(sought),
            Node::Level(set) => Some(set.contains(columns?.level)),
            Node::Time(range) => Some(columns?.time.is_some_and(|time| range.contains(time))),
            Node::Quality(set) => Some(set & (1 << columns?.time_quality.code()) != 0),
            Node::Flagged(flagged) => Some(columns?.flagged == *flagged),
            Node::Score(Number::Score, bounds) => Some(bounds.contains(&as_written(columns?.score))),
            Node::Score(Number::Novelty, bounds) => Some(bounds.contains(&as_written(columns?.novelty))),
            Node::Source(test) => Some(test.accepts(columns?.source.as_bytes())),
            Node::Incident(test) => {
                let incident = columns?.incident.map(|incident| incident.to_string());
                Some(test.any(incident.iter().map(|incident| incident.as_bytes())))
            }
        }
    }

    fn looks_at_columns(&self) -> bool {
        match self {
            Node::And(parts) | Node::Or(parts) => parts.iter().any(Node::looks_at_columns),
            Node::Not(part) => part.looks_at_columns(),
            Node::All | Node::Value(..) => false,
            _ => true,
        }
    }

    fn needs_on_columns(&self) -> Needs {
        match self {
            Node::And(parts) | Node::Or(parts) => {
                parts.iter().fold(Needs::NOTHING, |needs, part| needs | part.needs_on_columns())
            }
            Node::Not(part) => part.needs_on_columns(),
            Node::Time(_) => Needs::TIMES,
            Node::Score(..) => Needs::SCORES,
            _ => Needs::NOTHING,
        }
    }

    fn may_match_within(&self, records: &[u8]) -> bool {
        match self {
            Node::And(parts) => parts.iter().all(|part| part.may_match_within(records)),
            Node::Or(parts) => parts.iter().any(|part| part.may_match_within(records)),
            // Without word edges: where a last line has no terminator, two records touch.
            Node::Value(Place::Line, Test::Text(TextSearch::Literal(literal)), _) => literal.occurs(records),
            _ => true,
        }
    }

    fn any(&self, wanted: &dyn Fn(&Place) -> bool) -> bool {
        match self {
            Node::And(parts) | Node::Or(parts) => parts.iter().any(|part| part.any(wanted)),
            Node::Not(part) => part.any(wanted),
            Node::Value(place, ..) => wanted(place),
            _ => false,
        }
    }

    fn flagged(&self) -> bool {
        match self {
            Node::And(parts) | Node::Or(parts) => parts.iter().any(Node::flagged),
            Node::Not(part) => part.flagged(),
            Node::Flagged(_) => true,
            _ => false,
        }
    }

    fn highlights(&self, line: &[u8], out: &mut Vec<Range<usize>>) {
        match self {
            Node::And(parts) | Node::Or(parts) => parts.iter().for_each(|part| part.highlights(line, out)),
            Node::Value(Place::Line, Test::Text(search), _) => {
                let mut from = 0;
                while let Some(found) = search.find(line, from) {
                    from = found.end.max(from + 1);
                    out.push(found);
                }
            }
            Node::Value(Place::Line, Test::Regex(regex), _) => {
                out.extend(regex.find_iter(line).map(|found| found.range()).filter(|range| !range.is_empty()));
            }
            _ => {}
        }
    }
}

/// The number that people see for a 32-bit score: 0.7 is 0.7, not 0.699999988.
fn as_written(score: f32) -> f64 {
    score.to_string().parse().unwrap_or(f64::from(score))
}

impl Test {
    fn at(&self, place: &Place, record: &RecordView) -> bool {
        match place {
            Place::Line => self.any(std::iter::once(record.line())),
            Place::Field(name) => self.any(record.fields.all(name)),
            Place::Template => self.any(std::iter::once(record.template.as_bytes())),
            Place::Rule => self.any(record.rules.iter().map(|rule| rule.as_bytes())),
            Place::Reason => self
                .any(record.verdict.iter().flat_map(|verdict| &verdict.reasons).map(|reason| reason.text.as_bytes())),
            Place::Entity => {
                let entity = record.verdict.and_then(|verdict| verdict.entity.as_ref());
                self.any(entity.into_iter().map(|entity| entity.as_bytes()))
            }
            Place::Id => self.any(std::iter::once(record.id.0.to_string().as_bytes())),
            Place::Offset => self.any(std::iter::once(record.origin.offset.to_string().as_bytes())),
        }
    }

    /// Whether any value passes; for `Differs`, whether there is a value and none is the text.
    fn any<'a>(&self, mut values: impl Iterator<Item = &'a [u8]>) -> bool {
        match self {
            Test::Differs(_) => match values.next() {
                Some(first) => self.accepts(first) && values.all(|value| self.accepts(value)),
                None => false,
            },
            _ => values.any(|value| self.accepts(value)),
        }
    }

    fn accepts(&self, value: &[u8]) -> bool {
        match self {
            Test::Exists => true,
            Test::Text(search) => search.is_match(value),
            Test::Near(words, gap) => near(words, *gap, value),
            Test::Equals(text) => value == text.as_slice(),
            Test::Differs(folded) => fold_bytes(value) != *folded,
            Test::Regex(regex) => regex.is_match(value),
            Test::Address(network) => addresses(value).any(|address| {
                let (number, v4) = match address {
                    std::net::IpAddr::V4(address) => (u128::from(u32::from(address)), true),
                    std::net::IpAddr::V6(address) => (u128::from(address), false),
                };
                v4 == network.v4 && (network.low..=network.high).contains(&number)
            }),
            Test::Within(Interval::Number(low, high)) => {
                literal::number(value).is_some_and(|number| (*low, *high).contains(&number))
            }
            Test::Within(Interval::Text(low, high)) => (low.as_ref(), high.as_ref()).contains(&&fold_bytes(value)),
        }
    }
}

/// Whether the words stand in this order with at most `gap` other words between the first and the last.
///
/// For every place of the first word, the nearest later place of each next word: the least number of words between.
fn near(words: &[String], gap: u32, text: &[u8]) -> bool {
    let folded = fold_bytes(text);
    let tokens: Vec<&str> = folded.split(|c| !is_word(c)).filter(|token| !token.is_empty()).collect();
    // starts[k]: the latest place at which a run of the first k+1 words, ending at or before the current token, began.
    let mut starts: Vec<Option<usize>> = vec![None; words.len()];
    for (place, token) in tokens.iter().enumerate() {
        for (index, word) in words.iter().enumerate().rev() {
            if word != token {
                continue;
            }
            let start = if index == 0 { Some(place) } else { starts.get(index - 1).copied().flatten() };
            if let (Some(start), Some(slot)) = (start, starts.get_mut(index)) {
                *slot = Some(start);
                let between = (place - start + 1).saturating_sub(words.len());
                if index + 1 == words.len() && between <= gap as usize {
                    return true;
                }
            }
        }
    }
    false
}
