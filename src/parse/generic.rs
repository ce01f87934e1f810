//! Lines of no known format: a stamp near the start, a level word near it, addresses, and at worst the whole line.

use std::ops::Range;

use crate::model::{Layout, Level};

use super::cursor::Cursor;
use super::draft::Draft;
use super::message;
use super::timestamp::{self, Stamp};

/// How far from its start a line is searched for a stamp.
const NEAR: usize = 192;

/// Takes whatever has a recognisable stamp near its start.
pub(super) fn stamped(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let cursor = Cursor::new(raw);
    let Some((at, stamp)) = near_start(raw, cursor) else { return false };
    draft.stamp = Some(stamp);
    let mut after = cursor;
    after.pos = at + stamp.len;
    level(raw, after, draft);
    if draft.level.is_none() && at > cursor.pos {
        level(raw, cursor.within(cursor.pos..at), draft);
    }
    let rest = if at == cursor.pos || at <= cursor.pos + 2 {
        after.take_while(|byte| matches!(byte, b' ' | b'\t' | b']' | b')' | b':' | b'-' | b'|' | b',' | b'"' | b'>'));
        after.rest_range()
    } else {
        cursor.rest_range()
    };
    draft.message(if rest.is_empty() { cursor.rest_range() } else { rest });
    message::enrich(raw, cursor.rest_range(), draft);
    true
}

/// The whole line as the message, for lines of which nothing else is known.
pub(super) fn unknown(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    draft.message(Cursor::new(raw).rest_range());
    true
}

/// Time and level of a line that colour codes cut to pieces: they are looked for without the codes. The fields stay those of an
/// unknown line, since they are views of its bytes.
pub(super) fn colored(raw: &[u8], draft: &mut Draft) {
    let head = raw.get(..raw.len().min(1_024)).unwrap_or_default();
    if memchr::memchr(0x1B, head).is_none() {
        return;
    }
    let mut plain = Vec::with_capacity(head.len());
    let mut cursor = Cursor::new(head);
    while !cursor.is_empty() {
        if !cursor.skip_escape() {
            plain.push(cursor.peek());
            cursor.pos += 1;
        }
    }
    let cursor = Cursor::new(&plain);
    if let Some((at, stamp)) = near_start(&plain, cursor) {
        draft.stamp = Some(stamp);
        let mut after = Draft::default();
        level(&plain, cursor.within(at + stamp.len..plain.len()), &mut after);
        draft.level = after.level;
    }
}

/// The first stamp near the start of the first line, with its offset. It begins a word.
pub(super) fn near_start(raw: &[u8], cursor: Cursor) -> Option<(usize, Stamp)> {
    let line = cursor.rest();
    let line = line.get(..memchr::memchr(b'\n', line).unwrap_or(line.len()))?;
    let mut best: Option<(usize, Stamp)> = None;
    let mut before = b' ';
    for (n, &byte) in line.iter().enumerate().take(NEAR) {
        let begins = !before.is_ascii_alphanumeric() && !matches!(before, b'.' | b'-' | b'_' | b'/');
        before = byte;
        if !begins || !byte.is_ascii_alphanumeric() && byte != b'@' {
            continue;
        }
        if let Some(stamp) = timestamp::read(raw, cursor.pos + n).filter(|stamp| n + stamp.len <= line.len()) {
            let clock = matches!(stamp.when, timestamp::When::Clock { .. });
            let epoch = matches!(stamp.when, timestamp::When::Exact(_))
                && byte.is_ascii_digit()
                && stamp.len < 19
                && line.get(n + 4).is_some_and(u8::is_ascii_digit);
            // A clock time or a bare number is taken where no full stamp follows, a bare number only in front.
            if !clock && !epoch {
                return Some((cursor.pos + n, stamp));
            }
            if best.is_none() && (n < 40 && clock && !dated(line.get(..n).unwrap_or_default()) || n <= 8 && !clock) {
                best = Some((cursor.pos + n, stamp));
            }
        }
    }
    best
}

/// Whether a text ends with something that is meant as a date: the clock time behind it belongs to that date, possible or not.
fn dated(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    let from = before.iter().rposition(|byte| byte.is_ascii_whitespace()).map_or(0, |n| n + 1);
    let word = before.get(from..).unwrap_or_default();
    word.last().is_some_and(u8::is_ascii_digit)
        && word.iter().filter(|byte| matches!(byte, b'-' | b'/' | b'.')).count() == 2
}

/// The first level word among the few words behind the stamp.
pub(super) fn level(raw: &[u8], cursor: Cursor, draft: &mut Draft) {
    let mut cursor = cursor;
    for _ in 0..6 {
        cursor.take_while(|byte| !byte.is_ascii_alphanumeric() && byte != b'\n');
        let word = cursor.take_while(|byte| byte.is_ascii_alphanumeric());
        if is_level(cursor.slice(&word)) && draft.level_word(raw, word) {
            return;
        }
        if cursor.is_empty() {
            return;
        }
    }
}

/// Level words that are everyday words too (`all`, `note`, `log`) don't count in free text.
pub(super) fn is_level(word: &[u8]) -> bool {
    let everyday: [&[u8]; 9] =
        [b"all", b"fine", b"note", b"log", b"config", b"statement", b"failure", b"information", b"alert"];
    let shouted = word.iter().all(u8::is_ascii_uppercase);
    Level::from_word(word).is_some() && (shouted || !everyday.iter().any(|other| word.eq_ignore_ascii_case(other)))
}

/// Whether a line continues the record before it whatever the format: a stack frame, a cause, an elision.
pub(super) fn continues(line: &[u8]) -> bool {
    match line.first() {
        Some(b' ' | b'\t') => true,
        Some(b'C') => line.starts_with(b"Caused by:"),
        Some(b'a') => line.starts_with(b"at ") && memchr::memchr(b'(', line).is_some(),
        Some(b'.') => line.starts_with(b"... "),
        Some(b'S') => line.starts_with(b"Suppressed: "),
        _ => false,
    }
}

/// The range of a level word in brackets or bare at the cursor; used by formats with a fixed place for it.
pub(super) fn level_at(cursor: &mut Cursor) -> Option<Range<usize>> {
    let mut ahead = *cursor;
    let bracket = ahead.eat(b'[') || ahead.eat(b'<');
    let padded = ahead.skip_spaces() > 0;
    let word = ahead.take_while(|byte| byte.is_ascii_alphanumeric());
    if !is_level(ahead.slice(&word)) {
        return None;
    }
    if bracket {
        ahead.skip_spaces();
        if !ahead.eat(b']') && !ahead.eat(b'>') {
            return None;
        }
    } else if padded || !matches!(ahead.peek(), b' ' | b':' | b'\t' | 0 | b'[' | b'|' | b',' | b'-') {
        return None;
    }
    *cursor = ahead;
    Some(word)
}
