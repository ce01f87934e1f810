//! JSON: one object a line, objects over several lines, arrays of objects. The scanner is our own: over bytes, iterative, capped.
//!
//! Nested keys become `a.b`; an element of an array has the array's name. What lies beyond the caps stays unparsed in the record.

use std::ops::Range;

use crate::model::{Layout, Level};

use super::cursor::Cursor;
use super::draft::Draft;

/// Deepest nesting that is given names.
const MAX_DEPTH: usize = 32;

/// Most fields of one record.
const MAX_FIELDS: usize = 1_024;

/// Keys whose array is the list of records rather than a value (CloudTrail, Azure).
const WRAPPERS: [&[u8]; 3] = [b"Records", b"records", b"logEvents"];

/// Reads one record of JSON; what stands around the object (an array's bracket, a comma) is skipped.
pub(super) fn cut(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    if !open(&mut cursor) {
        return false;
    }
    let start = cursor.pos;
    let complete = object(raw, cursor.pos, cursor.end, draft);
    if !complete && draft.fields.is_empty() && draft.stamp.is_none() {
        return false;
    }
    if !draft.has_message {
        draft.message(start..cursor.end);
    }
    mongo(raw, draft);
    true
}

/// An object inside the message of another format (`{…}` or `@cee: {…}`); the message stays what it is.
pub(super) fn embedded(raw: &[u8], range: Range<usize>, draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw).within(range);
    cursor.eat_str(b"@cee:");
    cursor.skip_spaces();
    if cursor.peek() != b'{' || raw.get(cursor.end.wrapping_sub(1)) != Some(&b'}') {
        return false;
    }
    let (fields, stamp, level) = (draft.fields.len(), draft.stamp, draft.level);
    if object(raw, cursor.pos, cursor.end, draft) {
        draft.stamp = stamp.or(draft.stamp);
        return true;
    }
    draft.fields.truncate(fields);
    (draft.stamp, draft.level) = (stamp, level);
    false
}

/// Whether a line looks like the beginning of JSON: `{"`, `{ "`, `[{`, or the bracket alone.
pub(super) fn opens(line: &[u8]) -> bool {
    let mut cursor = Cursor::new(line);
    let bracket = cursor.eat(b'[');
    cursor.skip_spaces();
    if cursor.is_empty() {
        return bracket;
    }
    if !cursor.eat(b'{') {
        return false;
    }
    cursor.skip_spaces();
    cursor.is_empty() || matches!(cursor.peek(), b'"' | b'}')
}

/// Moves to the object of the record: past `[`, `,` and blanks, and into `{"Records":[`.
fn open(cursor: &mut Cursor) -> bool {
    cursor.take_while(|byte| byte.is_ascii_whitespace() || matches!(byte, b'[' | b','));
    if let Some(inner) = wrapped(cursor.rest()) {
        cursor.pos += inner;
    }
    cursor.peek() == b'{'
}

/// Offset of the first element where the text begins `{ "Records" : [ {`.
pub(super) fn wrapped(text: &[u8]) -> Option<usize> {
    let mut cursor = Cursor::new(text);
    let blank = |byte: u8| byte.is_ascii_whitespace();
    if !cursor.eat(b'{') {
        return None;
    }
    cursor.take_while(blank);
    let key = cursor.quoted()?;
    if !WRAPPERS.contains(&cursor.slice(&key)) {
        return None;
    }
    cursor.take_while(blank);
    if !cursor.eat(b':') {
        return None;
    }
    cursor.take_while(blank);
    if !cursor.eat(b'[') {
        return None;
    }
    cursor.take_while(blank);
    (cursor.peek() == b'{').then_some(cursor.pos)
}

/// A container that is open while scanning.
#[derive(Clone, Copy)]
struct Open {
    /// Length of the path before this container's own key.
    stem: usize,
    array: bool,
}

/// Reads the object that begins at `at`; whether it was closed properly. Fields read before a fault stay.
fn object(raw: &[u8], at: usize, end: usize, draft: &mut Draft) -> bool {
    let mut path = std::mem::take(&mut draft.path);
    path.clear();
    let complete = scan(raw, at, end, &mut path, draft);
    draft.path = path;
    complete
}

fn scan(raw: &[u8], at: usize, end: usize, path: &mut String, draft: &mut Draft) -> bool {
    let mut stack = [Open { stem: 0, array: false }; MAX_DEPTH];
    let mut depth = 0usize;
    let mut at = at;
    loop {
        at = blanks(raw, at, end);
        if at >= end {
            return false;
        }
        let Some(&byte) = raw.get(at) else { return false };
        match byte {
            b'{' | b'[' => {
                let Some(slot) = stack.get_mut(depth) else { return false };
                *slot = Open { stem: path.len(), array: byte == b'[' };
                depth += 1;
                at += 1;
                if byte == b'{' {
                    match key(raw, at, end, path, draft) {
                        Some(next) => at = next,
                        None => {
                            at = blanks(raw, at, end);
                            if raw.get(at) != Some(&b'}') {
                                return false;
                            }
                        }
                    }
                }
                continue;
            }
            b'}' | b']' => {}
            _ => match scalar(raw, at, end, path, draft) {
                Some(next) => at = next,
                None => return false,
            },
        }
        // After a value: close containers, or go on to the next element or key.
        loop {
            at = blanks(raw, at, end);
            let Some(&byte) = raw.get(at).filter(|_| at < end) else { return false };
            let Some(top) = depth.checked_sub(1).and_then(|top| stack.get(top)).copied() else { return false };
            match byte {
                b'}' | b']' => {
                    path.truncate(top.stem);
                    depth -= 1;
                    at += 1;
                    if depth == 0 {
                        return true;
                    }
                }
                b',' if top.array => {
                    at += 1;
                    break;
                }
                b',' => {
                    path.truncate(top.stem);
                    match key(raw, at + 1, end, path, draft) {
                        Some(next) => at = next,
                        None => return false,
                    }
                    break;
                }
                _ => return false,
            }
        }
        if draft.fields.len() >= MAX_FIELDS {
            return true;
        }
    }
}

/// The next byte that is no blank.
#[inline]
fn blanks(raw: &[u8], mut at: usize, end: usize) -> usize {
    while at < end && raw.get(at).is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// Reads `"key" :`, adds it to the path, and gives the offset of the value.
fn key(raw: &[u8], at: usize, end: usize, path: &mut String, draft: &mut Draft) -> Option<usize> {
    let at = blanks(raw, at, end);
    if raw.get(at) != Some(&b'"') {
        return None;
    }
    let (close, escaped) = string_end(raw, at + 1, end)?;
    let bytes = raw.get(at + 1..close)?;
    if !path.is_empty() {
        path.push('.');
    }
    if escaped {
        draft.text.clear();
        unescape(bytes, &mut draft.text);
        path.push_str(&String::from_utf8_lossy(&draft.text).to_lowercase());
    } else {
        push_lower(path, bytes);
    }
    let at = blanks(raw, close + 1, end);
    (raw.get(at) == Some(&b':')).then_some(at + 1)
}

/// Appends a key in lower case.
fn push_lower(path: &mut String, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => {
            let from = path.len();
            path.push_str(text);
            if let Some(added) = path.get_mut(from..) {
                added.make_ascii_lowercase();
            }
        }
        _ => path.push_str(&String::from_utf8_lossy(bytes).to_lowercase()),
    }
}

/// The offset of the quote that ends the string, and whether there is an escape in it.
#[inline]
fn string_end(raw: &[u8], from: usize, end: usize) -> Option<(usize, bool)> {
    let mut at = from;
    let mut escaped = false;
    loop {
        at += memchr::memchr2(b'"', b'\\', raw.get(at..end)?)?;
        if raw.get(at) == Some(&b'"') {
            return Some((at, escaped));
        }
        escaped = true;
        at += 2;
    }
}

/// Reads a string, number or word and keeps it under the path; the offset past it.
fn scalar(raw: &[u8], at: usize, end: usize, path: &str, draft: &mut Draft) -> Option<usize> {
    if raw.get(at) == Some(&b'"') {
        let (close, escaped) = string_end(raw, at + 1, end)?;
        if escaped {
            let mut text = std::mem::take(&mut draft.text);
            text.clear();
            unescape(raw.get(at + 1..close)?, &mut text);
            draft.assign_derived(path, &text);
            draft.text = text;
        } else {
            draft.assign(raw, path, at + 1..close);
        }
        return Some(close + 1);
    }
    let rest = raw.get(at..end)?;
    let length = rest
        .iter()
        .position(|byte| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace())
        .unwrap_or(rest.len());
    let word = rest.get(..length)?;
    let proper = match word.first()? {
        b'-' | b'0'..=b'9' => {
            word.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E'))
        }
        _ => matches!(word, b"true" | b"false" | b"null"),
    };
    if !proper {
        return None;
    }
    if word != b"null" {
        draft.assign(raw, path, at..at + length);
    }
    Some(at + length)
}

/// Appends the text that a JSON string stands for; a broken escape stays as it is.
pub(super) fn unescape(bytes: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(n) = memchr::memchr(b'\\', bytes.get(at..).unwrap_or_default()) {
        out.extend_from_slice(bytes.get(at..at + n).unwrap_or_default());
        at += n;
        let plain = match bytes.get(at + 1) {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(byte @ (b'"' | b'\\' | b'/')) => *byte,
            Some(b'u') => {
                at += unicode(bytes, at, out);
                continue;
            }
            _ => {
                out.push(b'\\');
                at += 1;
                continue;
            }
        };
        out.push(plain);
        at += 2;
    }
    out.extend_from_slice(bytes.get(at..).unwrap_or_default());
}

/// Appends the character of `\uXXXX` (or of a pair of surrogates) at `at`; how many bytes it took.
fn unicode(bytes: &[u8], at: usize, out: &mut Vec<u8>) -> usize {
    let unit = |at: usize| {
        let digits = bytes.get(at + 2..at + 6)?;
        digits.iter().try_fold(0u32, |sum, byte| Some(sum << 4 | char::from(*byte).to_digit(16)?))
    };
    let Some(first) = unit(at) else {
        out.push(b'\\');
        return 1;
    };
    let second = if (0xD800..0xDC00).contains(&first) && bytes.get(at + 6..at + 8) == Some(b"\\u") {
        unit(at + 6)
    } else {
        None
    };
    let (code, used) = match second {
        Some(low @ 0xDC00..0xE000) => (0x10000 + ((first - 0xD800) << 10) + (low - 0xDC00), 12),
        _ => (first, 6),
    };
    let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    used
}

/// MongoDB says its level with one letter under `s`.
fn mongo(raw: &[u8], draft: &mut Draft) {
    if draft.level.is_some() || draft.stamp.is_none() {
        return;
    }
    let fields = draft.fields.of(raw);
    if fields.first("ctx").is_none() {
        return;
    }
    draft.level = match fields.first("s") {
        Some(b"F") => Some(Level::Critical),
        Some(b"E") => Some(Level::Error),
        Some(b"W") => Some(Level::Warn),
        Some(b"I") => Some(Level::Info),
        Some([b'D', ..]) => Some(Level::Debug),
        _ => None,
    };
}
