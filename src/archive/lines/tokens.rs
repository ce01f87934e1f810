//! Cutting a record into constant text and variable pieces, one table look-up a byte.

use xxhash_rust::xxh3::xxh3_64;

use super::stamps;
use super::{ByHash, Span, slice};

/// Part of a token: letters, digits, `_ . - / + \` and bytes from 0x80.
pub const WORD: u8 = 1;
/// A digit.
pub const DIGIT: u8 = 2;
/// A digit or `a` to `f`.
pub const HEX_LOWER: u8 = 4;
/// A digit or `A` to `F`.
pub const HEX_UPPER: u8 = 8;

/// What each byte is: a sum of the classes above.
pub static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0u8; 256];
    let mut byte = 0usize;
    while byte < 256 {
        let letter = byte as u8;
        let mut class = 0;
        if letter.is_ascii_alphanumeric() || matches!(letter, b'_' | b'.' | b'-' | b'/' | b'+' | b'\\') || byte >= 0x80
        {
            class |= WORD;
        }
        if letter.is_ascii_digit() {
            class |= DIGIT | HEX_LOWER | HEX_UPPER;
        }
        if letter >= b'a' && letter <= b'f' {
            class |= HEX_LOWER;
        }
        if letter >= b'A' && letter <= b'F' {
            class |= HEX_UPPER;
        }
        #[allow(clippy::indexing_slicing, reason = "evaluated when compiled; the bound is the loop's")]
        {
            table[byte] = class;
        }
        byte += 1;
    }
    table
}

/// Class of a byte.
#[inline(always)]
#[allow(clippy::indexing_slicing, reason = "a byte is always a place in a table of 256")]
pub fn class(byte: u8) -> u8 {
    CLASSES[byte as usize]
}

/// A record with more variables than this is kept whole: its template would hardly be met again.
pub const MOST_VARIABLES: usize = 1_000;
/// Time stamps are looked for in so many bytes of a record and at most so many times.
const STAMP_REACH: usize = 512;
pub const MOST_STAMPS: usize = 3;
/// A longer quoted string is cut like the rest.
const LONGEST_QUOTED: usize = 2_000;
/// Distinct words counted while learning; on random text the rest is no loss.
const MOST_WORDS: usize = 1 << 16;

/// A word is constant where it stands in one of so many records; in the strict way, one of fewer.
const USUAL_SHARE: u32 = 200;
const STRICT_SHARE: u32 = 30;

/// A variable piece of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Its bytes.
    pub span: Span,
    /// 0 for text, otherwise the format of a time stamp.
    pub stamp: u8,
}

/// Words that count as constant text. Kept as hashes: a collision makes a word constant that is rare, which costs bytes, never truth.
#[derive(Debug, Default)]
pub struct Words {
    usual: ByHash<()>,
    strict: ByHash<()>,
}

impl Words {
    /// Learns from every `step`-th record: a token without a digit that stands in enough of them is constant.
    pub fn learn(raw: &[u8], records: &[Span], step: usize) -> Words {
        let mut seen: ByHash<(u32, u32)> = ByHash::default();
        let mut sampled = 0u32;
        for record in records.iter().step_by(step.max(1)) {
            sampled += 1;
            each_word(slice(raw, *record), |word| {
                let hash = xxh3_64(word);
                let full = seen.len() >= MOST_WORDS;
                match seen.get_mut(&hash) {
                    Some((count, last)) if *last != sampled => {
                        *count += 1;
                        *last = sampled;
                    }
                    Some(_) => {}
                    None if full => {}
                    None => {
                        seen.insert(hash, (1, sampled));
                    }
                }
            });
        }
        let at_least =
            |least: u32| seen.iter().filter(|(_, (count, _))| *count >= least).map(|(hash, _)| (*hash, ())).collect();
        Words { usual: at_least(4.max(sampled / USUAL_SHARE)), strict: at_least(8.max(sampled / STRICT_SHARE)) }
    }

    fn has(&self, word: &[u8], strict: bool) -> bool {
        let words = if strict { &self.strict } else { &self.usual };
        words.contains_key(&xxh3_64(word))
    }
}

fn each_word(record: &[u8], mut take: impl FnMut(&[u8])) {
    let mut rest = record;
    let mut words = 0;
    while let Some(start) = rest.iter().position(|byte| class(*byte) & WORD != 0) {
        let (_, tail) = rest.split_at(start);
        let (word, digits) = first_word(tail);
        if digits & DIGIT == 0 {
            take(word);
        }
        rest = tail.get(word.len()..).unwrap_or_default();
        words += 1;
        if words > MOST_VARIABLES * 4 {
            return;
        }
    }
}

/// The word at the start, and the classes of all its bytes together.
#[inline(always)]
fn first_word(bytes: &[u8]) -> (&[u8], u8) {
    let mut all = 0;
    let mut len = 0;
    for byte in bytes {
        let class = class(*byte);
        if class & WORD == 0 {
            break;
        }
        all |= class;
        len += 1;
    }
    (bytes.get(..len).unwrap_or_default(), all)
}

/// The first time stamps of a record that was kept whole, in ns as written.
pub fn stamps_of(record: &[u8]) -> [Option<i64>; MOST_STAMPS] {
    let (mut found, mut at) = ([None; MOST_STAMPS], 0);
    let mut places = found.iter_mut();
    while at < STAMP_REACH
        && let Some(rest) = record.get(at..).filter(|rest| !rest.is_empty())
    {
        let (word, _) = first_word(rest);
        let class = rest.first().map_or(0, |byte| class(*byte));
        let may_begin = class & DIGIT != 0 || rest.first().is_some_and(u8::is_ascii_uppercase);
        match if may_begin { stamps::find(rest, at == 0) } else { None } {
            Some(stamp) => {
                let Some(place) = places.next() else { break };
                *place = stamps::nanoseconds(stamp.format, stamp.value);
                at += stamp.len;
            }
            None => at += word.len().max(1),
        }
    }
    found
}

/// How a record is cut.
#[derive(Debug, Clone, Copy)]
pub struct Cutter<'a> {
    /// The constant words.
    pub words: &'a Words,
    /// Only the commonest words are constant.
    pub strict: bool,
    /// A quoted string is one piece.
    pub quoted: bool,
}

impl Cutter<'_> {
    /// Finds the variable pieces of a record, in order; `false` where there are too many.
    pub fn cut(&self, raw: &[u8], record: Span, pieces: &mut Vec<Piece>) -> bool {
        pieces.clear();
        let bytes = slice(raw, record);
        let (mut at, mut stamps) = (0usize, 0usize);
        while let Some(&byte) = bytes.get(at) {
            let class = class(byte);
            if class & WORD == 0 {
                at += 1;
                if byte == b'"' && self.quoted {
                    let reach = bytes.get(at..bytes.len().min(at + LONGEST_QUOTED)).unwrap_or_default();
                    if let Some(len) = memchr::memchr(b'"', reach) {
                        let mut rest = len;
                        let may_begin =
                            reach.first().is_some_and(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
                        if at < STAMP_REACH
                            && stamps < MOST_STAMPS
                            && may_begin
                            && let Some(stamp) = stamps::find(reach, false).filter(|stamp| stamp.len <= len)
                        {
                            pieces.push(Piece { span: record.part(at, stamp.len), stamp: stamp.format });
                            stamps += 1;
                            rest -= stamp.len;
                        }
                        // Behind a time stamp only what is left of the string, if anything is.
                        if rest == len || rest > 0 {
                            pieces.push(Piece { span: record.part(at + len - rest, rest), stamp: 0 });
                        }
                        at += len + 1;
                        if pieces.len() > MOST_VARIABLES {
                            return false;
                        }
                    }
                }
                continue;
            }
            let rest = bytes.get(at..).unwrap_or_default();
            if at < STAMP_REACH
                && stamps < MOST_STAMPS
                && (class & DIGIT != 0 || byte.is_ascii_uppercase())
                && let Some(stamp) = stamps::find(rest, at == 0)
            {
                pieces.push(Piece { span: record.part(at, stamp.len), stamp: stamp.format });
                at += stamp.len;
                stamps += 1;
                continue;
            }
            let (word, all) = first_word(rest);
            if all & DIGIT != 0 || !self.words.has(word, self.strict) {
                pieces.push(Piece { span: record.part(at, word.len()), stamp: 0 });
                if pieces.len() > MOST_VARIABLES {
                    return false;
                }
            }
            at += word.len();
        }
        true
    }
}
