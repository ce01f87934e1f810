//! What is known of records or values: whether each holds a text, and how rows take it from the values they are made of.

use std::convert::Infallible;

use hashbrown::HashMap;

use super::align::Way;
use super::needle::{Ask, MAYBE, NO, YES};

/// What is known of the records of a chunk, or of the values of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hits {
    /// None holds the text.
    None,
    /// For each record [`NO`], [`MAYBE`] or [`YES`].
    Each(Vec<u8>),
    /// The same for all.
    All(u8),
}

impl Hits {
    /// Bytes of memory it takes beside its own.
    pub fn memory(&self) -> usize {
        match self {
            Hits::Each(values) => values.len(),
            _ => 0,
        }
    }

    /// Whether a record holds the text; `None` where that can't be told.
    pub fn holds(&self, row: usize) -> Option<bool> {
        match self.get(row) {
            NO => Some(false),
            MAYBE => None,
            _ => Some(true),
        }
    }

    /// What is known of one: 0 that it does not hold the text, 1 nothing, 2 that it does.
    pub fn get(&self, at: usize) -> u8 {
        match self {
            Hits::None => NO,
            Hits::Each(values) => values.get(at).copied().unwrap_or(MAYBE),
            Hits::All(value) => *value,
        }
    }

    /// Whether some of a range (inclusive) may hold the text; without a range, of all.
    pub(super) fn is_any_in(&self, range: Option<(u64, u64)>) -> bool {
        match (self, range) {
            (Hits::None, _) => false,
            (Hits::Each(values), Some((low, high))) if high < values.len() as u64 => {
                values.get(low as usize..=high as usize).is_none_or(|values| values.iter().any(|value| *value != NO))
            }
            _ => true,
        }
    }

    /// From what a test says of each.
    pub(super) fn each(values: &[u64], mut test: impl FnMut(u64) -> u8) -> Hits {
        Hits::try_each(values, |value| Ok::<_, Infallible>(test(value))).unwrap_or(Hits::None)
    }

    /// The same with a test that may fail. Nothing is kept of values before the first that may hold the text: most columns have none.
    pub(super) fn try_each<E>(values: &[u64], mut test: impl FnMut(u64) -> Result<u8, E>) -> Result<Hits, E> {
        let mut rest = values.iter();
        while let Some(value) = rest.next() {
            let first = test(*value)?;
            if first != NO {
                let mut hits = Vec::with_capacity(values.len());
                hits.resize(values.len() - rest.len() - 1, NO);
                hits.push(first);
                for value in rest {
                    hits.push(test(*value)?);
                }
                return Ok(Hits::Each(hits));
            }
        }
        Ok(Hits::None)
    }

    /// The next at or behind a place that may hold the text.
    pub(super) fn next(&self, from: usize) -> Option<usize> {
        match self {
            Hits::None => None,
            Hits::Each(values) => values.get(from..)?.iter().position(|value| *value != NO).map(|ahead| from + ahead),
            Hits::All(_) => Some(from),
        }
    }

    /// From what is known of each.
    pub(super) fn of(values: Vec<u8>) -> Hits {
        if values.iter().all(|value| *value == NO) { Hits::None } else { Hits::Each(values) }
    }

    /// From what is known of all.
    pub(super) fn all(value: u8) -> Hits {
        if value == NO { Hits::None } else { Hits::All(value) }
    }
}

/// How rows of a template are decided.
pub struct Rule<'a> {
    /// What each row is worth at least.
    pub least: u8,
    /// Ways that may make it more.
    pub ways: Vec<OpenWay<'a>>,
}

/// A way whose asks are answered value by value.
pub struct OpenWay<'a> {
    /// Columns and their answers.
    pub asks: Vec<(u32, &'a Hits)>,
    worth: u8,
}

impl<'a> Rule<'a> {
    /// Of the ways of a template, as far as their asks were answered.
    pub fn of(columns: &[u32], ways: &[Way], answers: &'a HashMap<(u32, Ask), Hits>) -> Rule<'a> {
        let mut rule = Rule { least: NO, ways: Vec::new() };
        for way in ways {
            let mut worth = way.worth;
            let mut asks = Vec::new();
            for (place, ask) in &way.asks {
                let column = columns.get(*place as usize).copied().unwrap_or(u32::MAX);
                match answers.get(&(column, *ask)) {
                    // A column that was not asked: the template is not in use, or another part of the way is closed.
                    None | Some(Hits::None) => worth = NO,
                    Some(Hits::All(value)) => worth = worth.min(*value),
                    Some(each) => asks.push((column, each)),
                }
            }
            if asks.is_empty() {
                rule.least = rule.least.max(worth);
            } else if worth > NO {
                rule.ways.push(OpenWay { asks, worth });
            }
        }
        let least = rule.least;
        rule.ways.retain(|way| way.worth > least);
        rule
    }

    /// Whether no row holds the text.
    pub fn is_never(&self) -> bool {
        self.least == NO && self.ways.is_empty()
    }

    /// The best of its ways, `next` being the value of each column in the row.
    pub fn row(&self, next: impl Fn(u32) -> Option<usize>) -> u8 {
        let mut best = self.least;
        for way in &self.ways {
            if best == YES {
                break;
            }
            let mut worth = way.worth;
            for (column, hits) in &way.asks {
                worth = worth.min(next(*column).map_or(MAYBE, |at| hits.get(at)));
            }
            best = best.max(worth);
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_values_may_hold_the_text_where_one_of_them_may_or_is_not_known() {
        let hits = Hits::each(&[7, 8, 9, 10, 11], |value| [NO, MAYBE, YES][value as usize % 3]);
        assert_eq!(hits, Hits::Each(vec![MAYBE, YES, NO, MAYBE, YES]));
        let none = |low, high| !hits.is_any_in(Some((low, high)));
        assert!(none(2, 2) && !none(1, 2) && !none(2, 3) && !none(4, 4));
        assert!(
            !none(2, 5) && !hits.is_any_in(Some((2, 2))) && hits.is_any_in(None),
            "a number beyond them is not known"
        );
        assert!(!Hits::None.is_any_in(None) && Hits::All(MAYBE).is_any_in(Some((2, 2))));
        assert_eq!((hits.next(0), hits.next(2), hits.next(5)), (Some(0), Some(3), None));
        assert_eq!(Hits::each(&[9, 9], |_| NO), Hits::None);
    }
}
