//! The texts a query looks for, as what the archive can tell of a record without its line.

use crate::archive::lines::{Hits, Needle};
use crate::model::query::{Expr, Pattern, Piece};

use super::search::Literal;

/// Texts of one query at most; further tests are decided on the records.
const MOST: usize = 24;

/// What the texts of a query say about one of its tests. A number is the place of a text among all of the query.
#[derive(Debug, Clone)]
pub(super) enum Sought {
    /// Nothing.
    Nothing,
    /// A record that holds the text passes, another does not.
    Whole(usize),
    /// A record without one of the texts does not pass.
    Parts(Vec<usize>),
    /// Neither does it in a field, unless it has an escape (the last text) behind which the text may hide.
    Field(Vec<usize>, usize),
}

impl Sought {
    /// The decision for a row, where the texts allow it.
    pub(super) fn decide(&self, hits: &[Hits], row: usize) -> Option<bool> {
        let holds = |needle: &usize| hits.get(*needle).and_then(|hits| hits.holds(row));
        let lacks = |needles: &[usize]| needles.iter().any(|needle| holds(needle) == Some(false));
        match self {
            Sought::Nothing => None,
            Sought::Whole(needle) => holds(needle),
            Sought::Parts(needles) => lacks(needles).then_some(false),
            Sought::Field(needles, escape) => (lacks(needles) && holds(escape) == Some(false)).then_some(false),
        }
    }
}

/// The texts of a query, each once.
#[derive(Debug, Default)]
pub(super) struct Needles(Vec<Needle>);

impl Needles {
    /// All of them.
    pub(super) fn take(self) -> Vec<Needle> {
        self.0
    }

    /// A test for one text in the line.
    pub(super) fn literal(&mut self, literal: &Literal) -> Sought {
        let needle = Needle::new(literal.text(), literal.edges()).and_then(|needle| self.add(needle));
        needle.map_or(Sought::Nothing, Sought::Whole)
    }

    /// Another test of the line.
    pub(super) fn parts_of(&mut self, expr: &Expr) -> Sought {
        let parts = self.parts(texts(expr).into_iter());
        if parts.is_empty() { Sought::Nothing } else { Sought::Parts(parts) }
    }

    /// A test of a field. Its value stands in the record as it is, or is what escapes (with `\`) or doubled quotes stand for.
    pub(super) fn field(&mut self, expr: &Expr) -> Sought {
        let texts = texts(expr);
        // Doubled quotes lose one each, so a text goes from quote to quote.
        let parts = self.parts(texts.into_iter().flat_map(|text| text.split('"')));
        match Needle::part(b"\\").and_then(|escape| self.add(escape)) {
            Some(escape) if !parts.is_empty() => Sought::Field(parts, escape),
            _ => Sought::Nothing,
        }
    }

    fn parts<'a>(&mut self, texts: impl Iterator<Item = &'a str>) -> Vec<usize> {
        texts.filter_map(|text| Needle::part(text.as_bytes())).filter_map(|needle| self.add(needle)).collect()
    }

    fn add(&mut self, needle: Needle) -> Option<usize> {
        if let Some(known) = self.0.iter().position(|known| *known == needle) {
            return Some(known);
        }
        if self.0.len() >= MOST {
            return None;
        }
        self.0.push(needle);
        Some(self.0.len() - 1)
    }
}

/// Texts that a value has to contain, in any case, for the test to pass.
fn texts(expr: &Expr) -> Vec<&str> {
    match expr {
        Expr::Term { pattern: Pattern(pieces), .. } => {
            let texts = pieces.iter().filter_map(|piece| match piece {
                Piece::Text(text) => Some(text.as_str()),
                _ => None,
            });
            texts.collect()
        }
        Expr::Equals { value, .. } => vec![value.as_str()],
        Expr::Near { words, .. } => words.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}
