//! One test of a value, exactly.

use std::net::IpAddr;
use std::ops::RangeBounds;

use regex::bytes::Regex;

use crate::model::query::{Interval, Network};
use crate::model::{RecordView, addresses};
use crate::query::literal;
use crate::query::search::{TextSearch, fold_bytes, is_word};
use crate::query::values::{Of, ValueColumn, address_of};

use super::Place;

#[derive(Debug, Clone)]
pub(super) enum Test {
    Exists,
    Text(TextSearch),
    Near(Vec<String>, u32),
    Equals(Vec<u8>),
    Differs(String),
    Regex(Regex),
    Address(Network),
    Within(Interval),
}

impl Test {
    pub(super) fn at(&self, place: &Place, record: &RecordView) -> bool {
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

    /// Whether the number of the incident that a record belongs to passes.
    pub(super) fn of_incident(&self, incident: Option<u64>) -> bool {
        let incident = incident.map(|incident| incident.to_string());
        self.any(incident.iter().map(|incident| incident.as_bytes()))
    }

    /// Whether the values of each list pass.
    pub(super) fn of_lists(&self, of: &Of, column: &ValueColumn) -> Vec<bool> {
        let passes = |list: usize| match (of, self) {
            (Of::Addresses, Test::Address(network)) => {
                column.values(list).filter_map(address_of).any(|address| is_in(network, address))
            }
            _ => self.any(column.values(list)),
        };
        (0..column.lists()).map(passes).collect()
    }

    pub(super) fn accepts(&self, value: &[u8]) -> bool {
        match self {
            Test::Exists => true,
            Test::Text(search) => search.is_match(value),
            Test::Near(words, gap) => near(words, *gap, value),
            Test::Equals(text) => value == text.as_slice(),
            Test::Differs(folded) => fold_bytes(value) != *folded,
            Test::Regex(regex) => regex.is_match(value),
            Test::Address(network) => addresses(value).any(|address| is_in(network, address)),
            Test::Within(Interval::Number(low, high)) => {
                literal::number(value).is_some_and(|number| (*low, *high).contains(&number))
            }
            Test::Within(Interval::Text(low, high)) => (low.as_ref(), high.as_ref()).contains(&&fold_bytes(value)),
        }
    }
}

fn is_in(network: &Network, address: IpAddr) -> bool {
    let (number, v4) = match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), true),
        IpAddr::V6(address) => (u128::from(address), false),
    };
    v4 == network.v4 && (network.low..=network.high).contains(&number)
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
