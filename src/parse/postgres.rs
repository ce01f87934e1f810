//! PostgreSQL's stderr log with its free prefix (`log_line_prefix`), and the same through syslog.

use std::ops::Range;

use crate::model::Layout;

use super::cursor::Cursor;
use super::draft::Draft;
use super::{address, timestamp};

/// The words a message begins with; the ones after the blank line explain the message before them and have no level.
const SEVERITIES: [&[u8]; 17] = [
    b"LOG",
    b"ERROR",
    b"FATAL",
    b"PANIC",
    b"WARNING",
    b"NOTICE",
    b"INFO",
    b"DEBUG",
    b"DEBUG1",
    b"DEBUG2",
    b"DEBUG3",
    b"DEBUG4",
    b"DEBUG5",
    b"STATEMENT",
    b"DETAIL",
    b"HINT",
    b"CONTEXT",
];

/// How far from the stamp the severity is looked for.
const PREFIX: usize = 256;

/// `stamp [zone] prefix SEVERITY:  message`; two blanks behind the colon are PostgreSQL's own.
pub(super) fn cut(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    if !cursor.peek().is_ascii_digit() {
        return false;
    }
    let Some(stamp) = timestamp::read(raw, cursor.pos).filter(|stamp| stamp.len >= 19) else { return false };
    cursor.pos += stamp.len;
    if !body(raw, cursor.rest_range(), draft) {
        return false;
    }
    draft.stamp = Some(stamp);
    true
}

/// Reads prefix, severity and message from a range; false where there is no severity.
pub(super) fn body(raw: &[u8], range: Range<usize>, draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw).within(range);
    let text = cursor.rest();
    let head = text.get(..text.len().min(PREFIX)).unwrap_or_default();
    let Some((word, message)) = severity(head) else { return false };
    let prefix = cursor.pos..cursor.pos + word.start;
    let at = cursor.pos;
    prefix_fields(raw, prefix, draft);
    let word = at + word.start..at + word.end;
    if !draft.level_word(raw, word.clone()) {
        draft.fields.push_raw("level_raw", word);
    }
    cursor.pos += message;
    draft.message(cursor.rest_range());
    true
}

/// The severity in the head of a line, and the offset of the message behind it.
fn severity(head: &[u8]) -> Option<(Range<usize>, usize)> {
    for colon in memchr::memmem::find_iter(head, b":  ") {
        let before = head.get(..colon)?;
        let start = before.iter().rposition(|byte| !byte.is_ascii_alphanumeric()).map_or(0, |n| n + 1);
        if SEVERITIES.contains(&before.get(start..)?) {
            return Some((start..colon, colon + 3));
        }
    }
    None
}

/// What usual prefixes hold: `[pid]`, `user@database`, `address(port)`, `key=value` pairs.
fn prefix_fields(raw: &[u8], range: Range<usize>, draft: &mut Draft) {
    let mut cursor = Cursor::new(raw).within(range);
    let separator = |byte: u8| matches!(byte, b' ' | b',' | b'\t') || byte == b':' || byte == b'-';
    while !cursor.is_empty() {
        cursor.take_while(separator);
        let bracketed = Some(cursor).and_then(|mut ahead| ahead.enclosed(b'[', b']'));
        if let Some(inner) = bracketed {
            if cursor.slice(&inner).iter().all(u8::is_ascii_digit) {
                draft.push(raw, "pid", inner.clone());
            }
            cursor.pos = inner.end + 1;
            continue;
        }
        let from = cursor.pos;
        let mut hit = None;
        address::each(cursor.rest(), |range| hit = hit.take().or(Some(range)));
        if let Some(hit) = hit.filter(|hit| hit.start == 0) {
            draft.fields.push_raw("source_ip", from..from + hit.end);
            cursor.pos += hit.end;
            if let Some(port) = cursor.enclosed(b'(', b')') {
                draft.push(raw, "port", port);
            }
            continue;
        }
        let word = cursor.take_while(|byte| !matches!(byte, b' ' | b',' | b'\t' | b':'));
        if word.is_empty() {
            cursor.pos += 1;
            continue;
        }
        one_word(raw, word, draft);
    }
}

fn one_word(raw: &[u8], word: Range<usize>, draft: &mut Draft) {
    let bytes = raw.get(word.clone()).unwrap_or_default();
    if let Some(n) = memchr::memchr(b'=', bytes) {
        let value = word.start + n + 1..word.end;
        let inner = raw.get(value.clone()).unwrap_or_default();
        match bytes.get(..n).unwrap_or_default() {
            _ if matches!(inner, b"" | b"[unknown]" | b"[local]") => {}
            b"db" | b"database" => draft.push(raw, "database", value),
            b"user" => draft.push(raw, "user", value),
            b"app" | b"application" => draft.push(raw, "application", value),
            b"client" | b"host" | b"remote" => {
                let address = inner.iter().position(|byte| *byte == b'(').map_or(inner.len(), |n| n);
                if inner.get(..address).is_some_and(address::is_address) {
                    draft.push(raw, "source_ip", value.start..value.start + address);
                }
            }
            b"pid" => draft.push(raw, "pid", value),
            _ => {}
        }
    } else if let Some(n) = memchr::memchr(b'@', bytes).filter(|n| *n > 0) {
        draft.push(raw, "user", word.start..word.start + n);
        draft.push(raw, "database", word.start + n + 1..word.end);
    }
}
