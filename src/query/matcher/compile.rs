//! From a tree of the language to tests.

use std::ops::Bound;

use super::test::Test;
use super::{Column, Node, Number, Place};
use crate::model::query::{Expr, Field, Interval, LevelSet};
use crate::model::{Level, TimeQuality};
use crate::query::search::{TextSearch, fold};
use crate::query::sought::{Needles, Sought};
use crate::query::values::Of;
use crate::query::{QueryError, error::regex_reason, literal, regexes};

/// A tree as tests, with the texts and values that they look for.
pub(super) fn compile(expr: &Expr, needles: &mut Needles, values: &mut Vec<Of>) -> Result<Node, QueryError> {
    let mut all =
        |parts: &[Expr]| parts.iter().map(|part| compile(part, needles, values)).collect::<Result<Vec<_>, _>>();
    let (field, test) = match expr {
        Expr::All => return Ok(Node::All),
        Expr::And(parts) => return all(parts).map(Node::And),
        Expr::Or(parts) => return all(parts).map(Node::Or),
        Expr::Not(part) => return compile(part, needles, values).map(|part| Node::Not(Box::new(part))),
        Expr::Level(set) => return Ok(Node::Level(*set)),
        Expr::Time(range) => return Ok(Node::Time(*range)),
        Expr::Exists(field) => (field, Test::Exists),
        Expr::Term { field, pattern } => (field, Test::Text(TextSearch::new(pattern).map_err(refused)?)),
        Expr::Near { field, words, gap } => (field, Test::Near(words.clone(), *gap)),
        Expr::Equals { field, value } => (field, Test::Equals(value.clone().into_bytes())),
        Expr::Differs { field, value } => (field, Test::Differs(fold(value))),
        Expr::Regex { field, pattern, ignore_case } => {
            (field, Test::Regex(regexes::build(pattern, *ignore_case).map_err(refused)?))
        }
        Expr::Address { field, network } => (field, Test::Address(*network)),
        Expr::Within { field, interval } => (field, Test::Within(interval.clone())),
    };
    let mut column = |of: Of| {
        values.push(of);
        Some(Column(values.len() - 1))
    };
    Ok(match field {
        Field::Line => {
            let sought = match &test {
                Test::Text(TextSearch::Literal(literal)) => needles.literal(literal),
                _ => needles.parts_of(expr),
            };
            let column = if matches!(test, Test::Address(_)) { column(Of::Addresses) } else { None };
            Node::Value(Place::Line, test, sought, column)
        }
        Field::Named(name) => match named(name, test) {
            Node::Value(Place::Field(name), test, ..) => {
                let column = column(Of::Field(name.clone()));
                Node::Value(Place::Field(name), test, needles.field(expr), column)
            }
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
    Node::Value(place, test, Sought::Nothing, None)
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
