//! Decides exactly whether a record is asked for.

mod compile;
mod rows;
mod test;

use std::ops::{Bound, Range, RangeBounds};
use std::sync::Arc;

use self::compile::compile;
use self::test::Test;
use super::QueryError;
use super::search::TextSearch;
use super::sought::{Needles, Sought};
use super::values::Of;
use crate::archive::Needs;
use crate::archive::lines::Needle;
use crate::model::query::{Expr, LevelSet};
use crate::model::{Incidents, Level, RecordView, TimeQuality, TimeRange, Timestamp};

pub use rows::Known;

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
    /// What the tests that can be decided on columns of values look at.
    values: Vec<Of>,
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
    Value(Place, Test, Sought, Option<Column>),
}

/// The place of a test among those that can be decided on columns of values.
#[derive(Debug, Clone, Copy)]
struct Column(usize);

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

impl Matcher {
    /// Compiles a tree.
    ///
    /// # Errors
    /// A regular expression that is wrong or too large; none for a tree that [`super::Query::parse`] gave.
    pub fn compile(expr: &Expr) -> Result<Matcher, QueryError> {
        let (mut needles, mut values) = (Needles::default(), Vec::new());
        let root = compile(expr, &mut needles, &mut values)?;
        Ok(Matcher { root, needles: needles.take(), values, incidents: None })
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

    /// Whether [`Matcher::matches`] looks at where a record comes from.
    pub fn needs_origin(&self) -> bool {
        self.root.any(&|place| matches!(place, Place::Offset))
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
        self.root.decide(Some(columns))
    }

    /// What its tests look at that can be a column of values; one entry a test.
    pub fn values(&self) -> &[Of] {
        &self.values
    }

    /// Texts whose absence from a record, or presence, decides parts of the query.
    pub fn needles(&self) -> &[Needle] {
        &self.needles
    }

    /// The decision where it is the same for all records, whatever their columns say.
    pub fn on_nothing(&self) -> Option<bool> {
        self.root.decide(None)
    }

    /// Whether [`Matcher::on_columns`] may decide a record by something else than text.
    pub fn looks_at_columns(&self) -> bool {
        self.root.looks_at_columns()
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

impl Node {
    fn matches(&self, record: &RecordView) -> bool {
        match self {
            Node::And(parts) => parts.iter().all(|part| part.matches(record)),
            Node::Or(parts) => parts.iter().any(|part| part.matches(record)),
            Node::Not(part) => !part.matches(record),
            Node::Value(place, test, ..) => test.at(place, record),
            column => column
                .decide(Some(&ColumnView {
                    time: record.time,
                    time_quality: record.time_quality,
                    level: record.level,
                    score: record.score,
                    novelty: record.novelty,
                    flagged: record.verdict.is_some_and(|verdict| verdict.flagged),
                    source: record.source,
                    incident: record.incident,
                }))
                .unwrap_or(false),
        }
    }

    /// The decision as far as columns allow it.
    fn decide(&self, columns: Option<&ColumnView>) -> Option<bool> {
        // A part that is undecided leaves the whole undecided unless another part settles it.
        let settle = |parts: &[Node], by: bool| {
            let mut undecided = false;
            for part in parts {
                match part.decide(columns) {
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
            Node::Not(part) => part.decide(columns).map(|decided| !decided),
            Node::Value(..) => None,
            Node::Level(set) => Some(set.contains(columns?.level)),
            Node::Time(range) => Some(columns?.time.is_some_and(|time| range.contains(time))),
            Node::Quality(set) => Some(set & (1 << columns?.time_quality.code()) != 0),
            Node::Flagged(flagged) => Some(columns?.flagged == *flagged),
            Node::Score(Number::Score, bounds) => Some(bounds.contains(&as_written(columns?.score))),
            Node::Score(Number::Novelty, bounds) => Some(bounds.contains(&as_written(columns?.novelty))),
            Node::Source(test) => Some(test.accepts(columns?.source.as_bytes())),
            Node::Incident(test) => Some(test.of_incident(columns?.incident)),
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
            Node::Value(Place::Line, Test::Text(TextSearch::Literal(literal)), ..) => literal.occurs(records),
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
            Node::Value(Place::Line, Test::Text(search), ..) => {
                let mut from = 0;
                while let Some(found) = search.find(line, from) {
                    from = found.end.max(from + 1);
                    out.push(found);
                }
            }
            Node::Value(Place::Line, Test::Regex(regex), ..) => {
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
