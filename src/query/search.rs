//! Finds literal text and wildcard patterns in bytes, any case, between word edges.
//!
//! Plain ASCII text, the usual case, is found without a regular expression. ASCII letters fold with ASCII only; other letters
//! by simple lower-casing, never into ASCII, so that the index may split words at every byte from 0x80 on.

use std::ops::Range;

use regex::bytes::Regex;

use crate::model::Caseless;
use crate::model::query::{Pattern, Piece};

use super::regexes;

/// Whether a character belongs to a word.
pub(crate) fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// A character in lower case; one whose lower case is longer, or ASCII while it is not, stays itself.
pub(crate) fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) if !one.is_ascii() => one,
        _ => c,
    }
}

/// A text in lower case, by [`fold_char`].
pub(crate) fn fold(text: &str) -> String {
    text.chars().map(fold_char).collect()
}

/// The text of bytes in lower case; what is not UTF-8 becomes U+FFFD.
pub(crate) fn fold_bytes(text: &[u8]) -> String {
    fold(&String::from_utf8_lossy(text))
}

/// A compiled [`Pattern`].
#[derive(Debug, Clone)]
pub(crate) enum TextSearch {
    /// Nothing but wildcards: any text.
    Anything,
    /// One literal.
    Literal(Literal),
    /// Wildcards inside.
    Glob(Regex),
}

impl TextSearch {
    pub(crate) fn new(pattern: &Pattern) -> Result<TextSearch, regex::Error> {
        // A run at an end matches the empty text too, so it does nothing but take away the edge.
        let mut pieces = pattern.0.as_slice();
        let mut edges = (true, true);
        while let Some((Piece::Many, rest)) = pieces.split_first() {
            pieces = rest;
            edges.0 = false;
        }
        while let Some((Piece::Many, rest)) = pieces.split_last() {
            pieces = rest;
            edges.1 = false;
        }
        match pieces {
            [] => Ok(TextSearch::Anything),
            [Piece::Text(text)] => Ok(TextSearch::Literal(Literal::new(text, edges))),
            pieces => regexes::build(&glob(pieces, edges), false).map(TextSearch::Glob),
        }
    }

    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        match self {
            TextSearch::Anything => true,
            TextSearch::Literal(literal) => literal.find(text, 0).is_some(),
            TextSearch::Glob(regex) => regex.is_match(text),
        }
    }

    /// The first match at or after `from`.
    pub(crate) fn find(&self, text: &[u8], from: usize) -> Option<Range<usize>> {
        match self {
            TextSearch::Anything => None,
            TextSearch::Literal(literal) => literal.find(text, from),
            TextSearch::Glob(regex) => regex.find_at(text, from).map(|found| found.range()),
        }
    }
}

/// The regular expression of a pattern with wildcards inside.
fn glob(pieces: &[Piece], edges: (bool, bool)) -> String {
    let mut expression = String::new();
    let first = pieces.first().and_then(|piece| if let Piece::Text(text) = piece { text.chars().next() } else { None });
    if edges.0 && first.is_some_and(is_word) {
        expression.push_str(r"\b{start-half}");
    }
    for piece in pieces {
        match piece {
            Piece::Many => expression.push_str(r"(?-u:[^\t\n\x0B\x0C\r ])*"),
            Piece::One => expression.push_str(r"(?:\S|(?-u:[\x80-\xFF]))"),
            Piece::Text(text) => text.chars().for_each(|c| one_of(&mut expression, c)),
        }
    }
    let last = pieces.last().and_then(|piece| if let Piece::Text(text) = piece { text.chars().last() } else { None });
    if edges.1 && last.is_some_and(is_word) {
        expression.push_str(r"\b{end-half}");
    }
    expression
}

/// A class of the characters that fold to what `c` folds to. Spelled out, since the engine's own folding takes `s` for `ſ`.
fn one_of(expression: &mut String, c: char) {
    let folded = fold_char(c);
    let mut upper = folded.to_uppercase();
    let upper = match (upper.next(), upper.next()) {
        (Some(one), None) if fold_char(one) == folded => one,
        _ => c,
    };
    expression.push_str("(?:");
    for (position, variant) in [folded, upper, c].into_iter().enumerate() {
        if position > 0 {
            expression.push('|');
        }
        expression.push_str(&regex::escape(variant.encode_utf8(&mut [0; 4])));
    }
    expression.push(')');
}

/// One literal text, ready to be found.
#[derive(Debug, Clone)]
pub(crate) struct Literal {
    /// Folded.
    needle: Caseless,
    ascii: bool,
    /// Whether a word character may not stand before and after.
    edges: (bool, bool),
}

impl Literal {
    fn new(text: &str, edges: (bool, bool)) -> Literal {
        let folded = fold(text);
        let ends = (folded.chars().next().is_some_and(is_word), folded.chars().last().is_some_and(is_word));
        Literal {
            ascii: folded.is_ascii(),
            edges: (edges.0 && ends.0, edges.1 && ends.1),
            needle: Caseless::new(folded.as_bytes()),
        }
    }

    /// The text in lower case.
    pub(crate) fn text(&self) -> &[u8] {
        self.needle.bytes()
    }

    /// Whether a word character may not stand before and after.
    pub(crate) fn edges(&self) -> (bool, bool) {
        self.edges
    }

    pub(crate) fn find(&self, text: &[u8], from: usize) -> Option<Range<usize>> {
        if self.ascii { self.find_ascii(text, from) } else { self.find_folded(text, from) }
    }

    /// Whether the text may stand here at all, word edges aside; always true for needles beyond ASCII.
    pub(crate) fn occurs(&self, text: &[u8]) -> bool {
        !self.ascii || self.needle.find(text, 0).is_some()
    }

    fn find_ascii(&self, text: &[u8], mut from: usize) -> Option<Range<usize>> {
        loop {
            let start = self.needle.find(text, from)?;
            let end = start + self.text().len();
            if self.edges_hold(text, start, end) {
                return Some(start..end);
            }
            from = start + 1;
        }
    }

    /// Tries every place where a character may begin; for needles with letters beyond ASCII.
    fn find_folded(&self, text: &[u8], from: usize) -> Option<Range<usize>> {
        (from..text.len()).filter(|start| text.get(*start).is_some_and(|byte| byte & 0xC0 != 0x80)).find_map(|start| {
            let end = self.folded_end(text, start)?;
            self.edges_hold(text, start, end).then_some(start..end)
        })
    }

    fn folded_end(&self, text: &[u8], start: usize) -> Option<usize> {
        let mut needle = self.text();
        let mut at = start;
        while let Some((first, _)) = needle.split_first() {
            if first.is_ascii() {
                if !text.get(at)?.eq_ignore_ascii_case(first) {
                    return None;
                }
                needle = needle.get(1..)?;
                at += 1;
                continue;
            }
            let (wanted, wanted_length) = decode(needle)?;
            let (found, length) = decode(text.get(at..)?)?;
            if fold_char(found) != wanted {
                return None;
            }
            needle = needle.get(wanted_length..)?;
            at += length;
        }
        Some(at)
    }

    fn edges_hold(&self, text: &[u8], start: usize, end: usize) -> bool {
        let before = self.edges.0 && text.get(..start).is_some_and(ends_in_word);
        let after = self.edges.1 && text.get(end..).is_some_and(begins_with_word);
        !before && !after
    }
}

fn begins_with_word(text: &[u8]) -> bool {
    match text.first() {
        None => false,
        Some(byte) if byte.is_ascii() => byte.is_ascii_alphanumeric() || *byte == b'_',
        Some(_) => decode(text).is_some_and(|(c, _)| is_word(c)),
    }
}

fn ends_in_word(text: &[u8]) -> bool {
    match text.last() {
        None => false,
        Some(byte) if byte.is_ascii() => byte.is_ascii_alphanumeric() || *byte == b'_',
        Some(_) => {
            (2..=4).find_map(|length| {
                let tail = text.get(text.len().checked_sub(length)?..)?;
                decode(tail).filter(|(_, used)| *used == length).map(|(c, _)| is_word(c))
            }) == Some(true)
        }
    }
}

/// The first character and its length, or `None` where the bytes don't begin with a whole one.
fn decode(text: &[u8]) -> Option<(char, usize)> {
    let length = match text.first()? {
        0..=0x7F => 1,
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return None,
    };
    let c = std::str::from_utf8(text.get(..length)?).ok()?.chars().next()?;
    Some((c, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(pieces: &[Piece], text: &[u8]) -> bool {
        TextSearch::new(&Pattern(pieces.to_vec())).unwrap().is_match(text)
    }

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    #[test]
    fn an_end_that_is_a_letter_carries_an_edge_unless_a_wildcard_takes_it() {
        assert!(finds(&[text("fail")], b"x FAIL."));
        assert!(!finds(&[text("fail")], b"failed unfail _fail"));
        assert!(!finds(&[text("fail")], "éfail failé".as_bytes()));
        assert!(finds(&[text("fail"), Piece::Many], b"failed"));
        assert!(finds(&[Piece::Many, text("fail")], b"unfail"));
        assert!(finds(&[text("/etc/")], b"x/etc/y"));
        assert!(finds(&[text("a")], b"aa aaa a"));
    }

    #[test]
    fn wildcards_inside_stay_within_a_run_of_non_space() {
        let pattern = [text("a"), Piece::Many, text("z")];
        assert!(finds(&pattern, b"x A-/\xFF-z.") && !finds(&pattern, b"a z") && !finds(&pattern, b"ab-zzq"));
        assert!(finds(&[text("f"), Piece::One, text("o")], "fßo".as_bytes()));
        assert!(!finds(&[text("f"), Piece::One, text("o")], b"fo f o"));
    }

    #[test]
    fn letters_beyond_ascii_fold_among_themselves_only() {
        assert!(finds(&[text("ÄRGER")], "der ärger".as_bytes()));
        assert!(!finds(&[text("k")], "\u{212A}".as_bytes()));
        assert!(!finds(&[text("ſé")], "sé".as_bytes()));
        assert!(finds(&[text("é")], b"\xFF\xC3\x89\xFF"));
        assert!(!finds(&[text("é")], b"\xC3"));
    }
}
