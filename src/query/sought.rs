//! The texts a query looks for, as what the archive can tell of a record without its line.

use std::sync::Arc;

use crate::archive::lines::{Hits, Needle};
use crate::model::query::{Expr, Network, Pattern, Piece};

use super::required;
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
    /// A record that holds none of the texts of one of the choices does not pass.
    Parts(Vec<Vec<usize>>),
    /// Neither does it in a field, unless it has an escape (the last text) behind which the texts may hide.
    Field(Vec<Vec<usize>>, usize),
}

impl Sought {
    /// The text that decides all by itself, if there is one, as far as it was found.
    pub(super) fn whole<'a>(&self, hits: &'a [Arc<Hits>]) -> Option<&'a Hits> {
        match self {
            Sought::Whole(needle) => hits.get(*needle).map(|hits| &**hits),
            _ => None,
        }
    }

    /// The decision for a row, where the texts allow it.
    pub(super) fn decide(&self, hits: &[Arc<Hits>], row: usize) -> Option<bool> {
        let holds = |needle: &usize| hits.get(*needle).and_then(|hits| hits.holds(row));
        let lacks = |choices: &[Vec<usize>]| {
            choices.iter().any(|needles| needles.iter().all(|needle| holds(needle) == Some(false)))
        };
        match self {
            Sought::Nothing => None,
            Sought::Whole(needle) => holds(needle),
            Sought::Parts(choices) => lacks(choices).then_some(false),
            Sought::Field(choices, escape) => (lacks(choices) && holds(escape) == Some(false)).then_some(false),
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
        let parts = self.parts(texts(expr));
        if parts.is_empty() { Sought::Nothing } else { Sought::Parts(parts) }
    }

    /// A test of a field. Its value stands in the record as it is, or is what escapes (with `\`) or doubled quotes stand for.
    pub(super) fn field(&mut self, expr: &Expr) -> Sought {
        // Doubled quotes lose one each, so a text goes from quote to quote.
        let parts = self.parts(texts(expr).into_iter().flat_map(between_quotes).collect());
        match Needle::part(b"\\").and_then(|escape| self.add(escape)) {
            Some(escape) if !parts.is_empty() => Sought::Field(parts, escape),
            _ => Sought::Nothing,
        }
    }

    /// Choices each of whose texts can be looked for.
    fn parts(&mut self, choices: Vec<Vec<Vec<u8>>>) -> Vec<Vec<usize>> {
        let mut of = |texts: Vec<Vec<u8>>| -> Option<Vec<usize>> {
            texts.iter().map(|text| Needle::part(text).and_then(|needle| self.add(needle))).collect()
        };
        choices.into_iter().filter_map(&mut of).collect()
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

/// Texts that a value has to contain, in any case, for the test to pass: of each of the choices one.
fn texts(expr: &Expr) -> Vec<Vec<Vec<u8>>> {
    let each = |texts: &mut dyn Iterator<Item = &str>| texts.map(|text| vec![text.as_bytes().to_vec()]).collect();
    match expr {
        Expr::Term { pattern: Pattern(pieces), .. } => {
            let mut texts = pieces.iter().filter_map(|piece| match piece {
                Piece::Text(text) => Some(text.as_str()),
                _ => None,
            });
            each(&mut texts)
        }
        Expr::Equals { value, .. } => each(&mut std::iter::once(value.as_str())),
        Expr::Near { words, .. } => each(&mut words.iter().map(String::as_str)),
        Expr::Address { network, .. } => beginning(network).into_iter().map(|text| vec![text.into_bytes()]).collect(),
        Expr::Regex { pattern, ignore_case, .. } => required::texts_of(pattern, *ignore_case),
        _ => Vec::new(),
    }
}

/// The text with which all addresses of a network begin: they are written in decimal and without leading zeros. None for IPv6, where
/// an address has many notations.
fn beginning(network: &Network) -> Option<String> {
    let octets = |address: u128| u32::try_from(address).ok().map(u32::to_be_bytes);
    let (low, high) = (octets(network.low)?, octets(network.high)?);
    let common = low.iter().zip(&high).take_while(|(low, high)| low == high).count();
    if !network.v4 || common == 0 {
        return None;
    }
    let octets: Vec<String> = low.iter().take(common).map(u8::to_string).collect();
    Some(octets.join(".") + if common < low.len() { "." } else { "" })
}

/// Choices of pieces without quotes: all pieces of a text that stands alone, the longest of each of those to choose from.
fn between_quotes(texts: Vec<Vec<u8>>) -> Vec<Vec<Vec<u8>>> {
    let pieces = |text: &[u8]| -> Vec<Vec<u8>> {
        text.split(|byte| *byte == b'"').filter(|piece| !piece.is_empty()).map(<[u8]>::to_vec).collect()
    };
    match texts.as_slice() {
        [one] => pieces(one).into_iter().map(|piece| vec![piece]).collect(),
        texts => {
            let longest = texts.iter().map(|text| pieces(text).into_iter().max_by_key(Vec::len));
            longest.collect::<Option<Vec<_>>>().into_iter().collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_networks_have_in_common_is_looked_for() {
        let of = |text: &str| beginning(&crate::query::literal::network(text).unwrap());
        assert_eq!(of("10.0.0.0/8").as_deref(), Some("10."));
        assert_eq!(of("192.168.7.0/25").as_deref(), Some("192.168.7."));
        assert_eq!(of("192.168.7.1/32").as_deref(), Some("192.168.7.1"));
        assert_eq!(of("8.0.0.0/6"), None);
        assert_eq!(of("2001:db8::/32"), None);
    }

    proptest! {
        #[test]
        fn an_address_of_a_network_begins_so(low: u32, high: u32, at: u32) {
            let (low, high) = (low.min(high), low.max(high));
            let network = Network { low: u128::from(low), high: u128::from(high), v4: true };
            let address = low + at % (high - low).max(1);
            let text = std::net::Ipv4Addr::from(address).to_string();
            prop_assert!(beginning(&network).is_none_or(|beginning| text.starts_with(&beginning)), "{text}");
        }
    }
}
