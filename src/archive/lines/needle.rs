//! A text to be looked for in columns, and what a value may have to do with it: hold it, begin with its end, be a part of it.

use super::digits::Reader;
use crate::model::Caseless;

/// A longer text is looked for by its beginning.
const LONGEST: usize = 200;

/// Not there.
pub const NO: u8 = 0;
/// Can't be told without the record.
pub const MAYBE: u8 = 1;
/// There, word edges and all.
pub const YES: u8 = 2;

/// A text to be looked for in records, in any ASCII case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Needle {
    text: Caseless,
    /// Whether a letter, digit or `_` may not stand before and after.
    edges: (bool, bool),
    /// What a place where it stands is worth: [`YES`], or [`MAYBE`] where it is only a part of what is asked for.
    best: u8,
    /// Finds it in numbers, where it is digits.
    reader: Option<Reader>,
}

impl Needle {
    /// A text, and whether a letter, digit or `_` may not stand before and after it. Of a text beyond ASCII only the longest part
    /// in ASCII is looked for, since other letters have cases of their own; `None` where there is none.
    pub fn new(text: &[u8], edges: (bool, bool)) -> Option<Needle> {
        let whole = text.is_ascii() && text.len() <= LONGEST && !text.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
        if whole && !text.is_empty() {
            return Some(Needle { text: Caseless::new(text), edges, best: YES, reader: Reader::new(text) });
        }
        // A record ends before its line feed, so one in the text is left to whoever sees the record.
        let is_apart = |byte: &u8| !byte.is_ascii() || matches!(byte, b'\n' | b'\r');
        let part = text.split(is_apart).max_by_key(|part| part.len()).filter(|part| !part.is_empty())?;
        let part = part.get(..part.len().min(LONGEST))?;
        Some(Needle { text: Caseless::new(part), edges: (false, false), best: MAYBE, reader: Reader::new(part) })
    }

    /// A text of which it is only known that a record that matches holds it.
    pub fn part(text: &[u8]) -> Option<Needle> {
        Needle::new(text, (false, false)).map(|needle| Needle { best: MAYBE, ..needle })
    }

    /// Bytes of it.
    pub(super) fn len(&self) -> usize {
        self.text.bytes().len()
    }

    /// Finds it in numbers, where it is digits of which the first is no zero.
    pub(super) fn reader(&self) -> Option<&Reader> {
        self.reader.as_ref()
    }

    /// What a place where it stands is worth.
    pub(super) fn best(&self) -> u8 {
        self.best
    }

    /// What is asked of a whole record.
    pub(super) fn ask(&self) -> Ask {
        // Before and after a record there is nothing.
        let side = |edge| if edge { Side::Edge(Beyond::Other) } else { Side::Free };
        Ask { from: 0, to: self.len() as u16, start: side(self.edges.0), end: side(self.edges.1) }
    }

    /// The part that a question is about, in lower case.
    pub(super) fn of(&self, ask: Ask) -> &[u8] {
        self.text.bytes().get(usize::from(ask.from)..usize::from(ask.to)).unwrap_or_default()
    }

    /// The answer for a value.
    pub(super) fn test(&self, ask: Ask, value: &[u8]) -> u8 {
        let part = self.of(ask);
        match (ask.start, ask.end) {
            (Side::Bound, Side::Bound) => of(value.eq_ignore_ascii_case(part)),
            (Side::Bound, end) => match value.get(..part.len()) {
                Some(head) if head.eq_ignore_ascii_case(part) => end.after(value, part.len()),
                _ => NO,
            },
            (start, Side::Bound) => match value.len().checked_sub(part.len()) {
                Some(at) if value.get(at..).is_some_and(|tail| tail.eq_ignore_ascii_case(part)) => {
                    start.before(value, at)
                }
                _ => NO,
            },
            (start, end) => {
                let (mut best, mut from) = (NO, 0);
                while best < YES
                    && let Some(at) = self.text.find(value, from)
                {
                    best = best.max(start.before(value, at).min(end.after(value, at + part.len())));
                    from = at + 1;
                }
                best
            }
        }
    }

    /// Where the whole text begins in some bytes, at or after `from`.
    pub(super) fn find(&self, bytes: &[u8], from: usize) -> Option<usize> {
        self.text.find(bytes, from)
    }
}

/// A question about a value: whether the bytes `from..to` of a needle stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ask {
    /// First byte of the needle.
    pub from: u16,
    /// One past the last byte.
    pub to: u16,
    /// How they begin.
    pub start: Side,
    /// How they end.
    pub end: Side,
}

impl Ask {
    /// Whether the value is to hold the needle, anywhere.
    pub fn is_anywhere(self) -> bool {
        self.start != Side::Bound && self.end != Side::Bound
    }
}

/// Where a part of a needle begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// At the edge of the value, beyond which the needle goes on.
    Bound,
    /// Anywhere.
    Free,
    /// Anywhere, but no letter, digit or `_` may stand next to it; beyond the value is this.
    Edge(Beyond),
}

/// What stands next to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Beyond {
    /// A letter, digit or `_`.
    Word,
    /// Something else, or nothing.
    Other,
    /// Not known.
    Unknown,
}

impl Beyond {
    /// What a byte is; of a letter beyond ASCII one byte tells nothing.
    pub fn of(byte: u8) -> Beyond {
        match byte {
            0x80.. => Beyond::Unknown,
            _ if byte.is_ascii_alphanumeric() || byte == b'_' => Beyond::Word,
            _ => Beyond::Other,
        }
    }
}

impl Side {
    /// The same side of a needle with something else next to it.
    pub fn beside(self, beyond: Beyond) -> Side {
        match self {
            Side::Edge(_) => Side::Edge(beyond),
            side => side,
        }
    }

    /// What is next to the value, as far as it matters.
    pub fn beyond(self) -> Beyond {
        match self {
            Side::Edge(beyond) => beyond,
            _ => Beyond::Other,
        }
    }

    /// Whether the needle may begin at `at` in `text`.
    pub fn before(self, text: &[u8], at: usize) -> u8 {
        let byte = at.checked_sub(1).and_then(|before| text.get(before));
        self.next_to(byte.copied())
    }

    /// Whether the needle may end at `at` in `text`.
    pub fn after(self, text: &[u8], at: usize) -> u8 {
        self.next_to(text.get(at).copied())
    }

    /// Whether the needle may begin or end next to a byte of the value, or at its edge.
    pub fn next_to(self, byte: Option<u8>) -> u8 {
        match self {
            Side::Bound | Side::Free => YES,
            Side::Edge(beyond) => match byte.map_or(beyond, Beyond::of) {
                Beyond::Word => NO,
                Beyond::Other => YES,
                Beyond::Unknown => MAYBE,
            },
        }
    }
}

fn of(found: bool) -> u8 {
    if found { YES } else { NO }
}
