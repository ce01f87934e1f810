//! Necessary conditions of a query, in the words of the index: what a block must hold for a record in it to match.

use std::ops::Bound;

use crate::index::WORD_BYTES;
use crate::model::TimeRange;
use crate::model::query::{Expr, Field, Interval, LevelSet, Network, Pattern, Piece};

use super::search::{TextSearch, is_word};

/// Conditions that every matching record satisfies; a record that satisfies them need not match.
///
/// The words of a record are the maximal runs of `[A-Za-z0-9_]` in its bytes and derived values, lower-cased, cut at 40
/// bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// No condition.
    All,
    /// Nothing can match.
    None,
    /// All of them.
    And(Vec<Filter>),
    /// Any of them.
    Or(Vec<Filter>),
    /// The record has this word, exactly: lower case, at most 40 bytes.
    Word(String),
    /// The record has an address in this range.
    Address {
        /// The lowest address, as a number.
        low: u128,
        /// The highest address, as a number.
        high: u128,
        /// Whether the addresses are IPv4.
        v4: bool,
    },
    /// The record has a time in this range.
    Time(TimeRange),
    /// The record's level is in the set: bit `Level::code()`, [`LevelSet::MISSING`] for records without a level.
    Level(u16),
    /// The record's score is at least this.
    Score {
        /// The least score.
        min: f32,
    },
    /// The record is flagged.
    Flagged,
    /// The record's number is in this range, both ends included.
    Id(u64, u64),
    /// The name of the record's input contains the pattern; see [`source_matches`].
    Source(Pattern),
}

/// Whether the name of an input satisfies [`Filter::Source`].
pub fn source_matches(pattern: &Pattern, source: &str) -> bool {
    TextSearch::new(pattern).map_or(true, |search| search.is_match(source.as_bytes()))
}

/// The necessary conditions of a tree. A negation gives none, except on columns, where the complement is exact.
pub fn filter(expr: &Expr) -> Filter {
    if column_of(expr) == Some("incident") {
        // Only flagged records belong to incidents.
        return Filter::Flagged;
    }
    match expr {
        Expr::All | Expr::Differs { .. } | Expr::Regex { .. } | Expr::Exists(_) => Filter::All,
        Expr::And(parts) => and(parts.iter().map(filter)),
        Expr::Or(parts) => or(parts.iter().map(filter)),
        Expr::Not(part) => match &**part {
            Expr::Level(set) => Filter::Level(!set.0 & (LevelSet::ANY.0 | LevelSet::MISSING)),
            Expr::All => Filter::None,
            _ => Filter::All,
        },
        Expr::Level(set) => Filter::Level(set.0),
        Expr::Time(range) => Filter::Time(*range),
        Expr::Term { field, pattern } => match column(field) {
            Some("source") => Filter::Source(pattern.clone()),
            Some("anomaly") => flagged(pattern),
            Some("id") => match pattern.0.as_slice() {
                [Piece::Text(text)] => number(text),
                _ => Filter::All,
            },
            Some(_) => Filter::All,
            None => and(words(pattern).into_iter()),
        },
        Expr::Equals { field, value } => match column(field) {
            Some("source") => Filter::Source(Pattern(vec![Piece::Text(value.clone())])),
            Some("anomaly") if value == "true" => Filter::Flagged,
            Some("id") => number(value),
            Some(_) => Filter::All,
            None => and(words(&Pattern(vec![Piece::Text(value.clone())])).into_iter()),
        },
        Expr::Near { field, words: list, .. } => match column(field) {
            Some(_) => Filter::All,
            None => and(list.iter().flat_map(|word| words(&Pattern(vec![Piece::Text(word.clone())])))),
        },
        Expr::Address { field, network: Network { low, high, v4 } } => match column(field) {
            Some(_) => Filter::All,
            None => Filter::Address { low: *low, high: *high, v4: *v4 },
        },
        Expr::Within { field: Field::Named(name), interval: Interval::Number(low, high) } if name == "id" => {
            // Rounding a bound outwards lets a record more pass, never one less.
            let bound = |bound: &Bound<f64>, unbounded: u64, outwards: fn(f64) -> f64| match bound {
                Bound::Included(number) | Bound::Excluded(number) => outwards(*number) as u64,
                Bound::Unbounded => unbounded,
            };
            Filter::Id(bound(low, 0, f64::next_down), bound(high, u64::MAX, |number| number.next_up().ceil()))
        }
        Expr::Within { field: Field::Named(name), interval: Interval::Number(low, _) } if name == "score" => {
            match low {
                // One step down: the column holds 32 bits, the bound 64.
                Bound::Included(min) | Bound::Excluded(min) => Filter::Score { min: (*min as f32).next_down() },
                Bound::Unbounded => Filter::All,
            }
        }
        Expr::Within { .. } => Filter::All,
    }
}

/// The name of the column that a test looks at.
fn column_of(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Exists(field)
        | Expr::Term { field, .. }
        | Expr::Near { field, .. }
        | Expr::Equals { field, .. }
        | Expr::Differs { field, .. }
        | Expr::Regex { field, .. }
        | Expr::Address { field, .. }
        | Expr::Within { field, .. } => column(field),
        _ => None,
    }
}

/// The name of a field whose values are not words of the index. `level_raw` is one: glog writes the letter of its level
/// against the date (`I1120`), so the value is no word there.
fn column(field: &Field) -> Option<&str> {
    let Field::Named(name) = field else { return None };
    let derived = [
        "source",
        "anomaly",
        "level",
        "level_raw",
        "time.quality",
        "score",
        "novelty",
        "rule",
        "reason",
        "entity",
        "incident",
        "template",
        "id",
        "offset",
    ];
    derived.into_iter().find(|column| column == name)
}

/// The record of a number as written. What is no number in its plain form is left to the matcher.
fn number(text: &str) -> Filter {
    match text.parse::<u64>() {
        Ok(number) if number.to_string() == text => Filter::Id(number, number),
        _ => Filter::All,
    }
}

fn flagged(pattern: &Pattern) -> Filter {
    let accepts = |text: &str| source_matches(pattern, text);
    match (accepts("true"), accepts("false")) {
        (true, false) => Filter::Flagged,
        (false, false) => Filter::None,
        _ => Filter::All,
    }
}

fn and(parts: impl Iterator<Item = Filter>) -> Filter {
    let mut kept: Vec<Filter> = Vec::new();
    for part in parts {
        match part {
            Filter::All => {}
            Filter::None => return Filter::None,
            part if kept.contains(&part) => {}
            part => kept.push(part),
        }
    }
    match kept.pop() {
        None => Filter::All,
        Some(only) if kept.is_empty() => only,
        Some(last) => {
            kept.push(last);
            Filter::And(kept)
        }
    }
}

fn or(parts: impl Iterator<Item = Filter>) -> Filter {
    let mut kept = Vec::new();
    for part in parts {
        match part {
            Filter::All => return Filter::All,
            Filter::None => {}
            part => kept.push(part),
        }
    }
    match kept.pop() {
        None => Filter::None,
        Some(only) if kept.is_empty() => only,
        Some(last) => {
            kept.push(last);
            Filter::Or(kept)
        }
    }
}

/// The words a record must have to contain the pattern.
///
/// A word of the pattern is complete in the record where it is bounded by other text of the pattern or by a word edge. An
/// end of the pattern that is text has its edge, since the word there begins (ends) with a letter, digit or `_`. A word that
/// is open at a wildcard is no condition: the index knows whole words only.
fn words(pattern: &Pattern) -> Vec<Filter> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut open_start = false;
    let mut after_wildcard = false;
    for piece in &pattern.0 {
        let Piece::Text(text) = piece else {
            // All that is before the cut is there, whatever the wildcard adds.
            if !open_start && word.len() >= WORD_BYTES {
                found.extend(complete(&word));
            }
            word.clear();
            after_wildcard = true;
            continue;
        };
        for c in text.chars() {
            if c.is_ascii() && is_word(c) {
                if word.is_empty() {
                    open_start = after_wildcard;
                }
                word.push(c.to_ascii_lowercase());
            } else {
                if !open_start {
                    found.extend(complete(&word));
                }
                word.clear();
            }
            after_wildcard = false;
        }
    }
    if !open_start {
        found.extend(complete(&word));
    }
    found
}

/// The condition for one word, cut as the index cuts it.
fn complete(word: &str) -> Option<Filter> {
    let cut = word.get(..word.len().min(WORD_BYTES)).filter(|word| !word.is_empty())?;
    Some(Filter::Word(cut.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pieces: &[Piece]) -> Filter {
        filter(&Expr::Term { field: Field::Line, pattern: Pattern(pieces.to_vec()) })
    }

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    #[test]
    fn words_between_other_text_are_complete() {
        let word = |word: &str| Filter::Word(word.to_owned());
        assert_eq!(of(&[text("Mal.com:443")]), Filter::And(vec![word("mal"), word("com"), word("443")]));
        assert_eq!(of(&[text("éab")]), word("ab"));
        assert_eq!(of(&[text("//")]), Filter::All);
        assert_eq!(of(&[text(&"x".repeat(50))]), word(&"x".repeat(40)));
    }

    #[test]
    fn a_word_that_is_open_at_a_wildcard_is_no_condition() {
        assert_eq!(of(&[text("user"), Piece::Many]), Filter::All);
        assert_eq!(of(&[Piece::Many, text("wd")]), Filter::All);
        assert_eq!(of(&[text("a"), Piece::One, text("b")]), Filter::All);
        assert_eq!(
            of(&[text("a b"), Piece::One, text("c d")]),
            Filter::And(vec![Filter::Word("a".to_owned()), Filter::Word("d".to_owned())])
        );
        let long = "x".repeat(WORD_BYTES + 3);
        assert_eq!(of(&[text(&long), Piece::Many]), Filter::Word(long[..WORD_BYTES].to_owned()));
    }
}
