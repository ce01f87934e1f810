//! CEF and LEEF: security events of one line, alone or inside a syslog message.

use std::ops::Range;

use crate::model::{Layout, Level};

use super::cursor::{Cursor, number};
use super::draft::Draft;

/// `CEF:0|vendor|product|version|id|name|severity|k=v …` or `LEEF:1.0|…`, at the beginning of the line.
pub(super) fn cut(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let cursor = Cursor::new(raw);
    embedded(raw, cursor.rest_range(), draft)
}

/// The same inside the message of another format.
pub(super) fn embedded(raw: &[u8], range: Range<usize>, draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw).within(range.clone());
    let cef = cursor.eat_str(b"CEF:");
    if !cef && !cursor.eat_str(b"LEEF:") {
        return false;
    }
    let Some(version) = header(&mut cursor) else { return false };
    let names: &[&'static str] = if cef {
        &["vendor", "product", "version", "event_type", "message", "severity"]
    } else {
        &["vendor", "product", "version", "event_type"]
    };
    let mut values: [Range<usize>; 6] = [0..0, 0..0, 0..0, 0..0, 0..0, 0..0];
    for slot in values.iter_mut().take(names.len()) {
        let Some(value) = header(&mut cursor) else { return false };
        *slot = value;
    }
    for (name, value) in names.iter().zip(values) {
        match *name {
            "severity" => severity(raw, value, draft),
            "message" => draft.message(value),
            name => draft.push(raw, name, value),
        }
    }
    let mut delimiter = if cef { b' ' } else { b'\t' };
    if !cef && cursor.slice(&version).starts_with(b"2") && cursor.ahead(1) == b'|' {
        delimiter = cursor.peek();
        cursor.pos += 2;
    }
    extension(raw, cursor, delimiter, draft);
    draft.message(range);
    true
}

/// One header value up to an unshielded bar.
fn header(cursor: &mut Cursor) -> Option<Range<usize>> {
    let from = cursor.pos;
    loop {
        cursor.take_while(|byte| byte != b'|' && byte != b'\n');
        if cursor.peek() != b'|' {
            return None;
        }
        cursor.pos += 1;
        let shielded = cursor.pos >= from + 2 && cursor.slice(&(cursor.pos - 2..cursor.pos - 1)) == b"\\";
        if !shielded {
            return Some(from..cursor.pos - 1);
        }
    }
}

/// 0 to 10, or a word.
fn severity(raw: &[u8], range: Range<usize>, draft: &mut Draft) {
    let word = raw.get(range.clone()).unwrap_or_default();
    draft.level = match number(word) {
        Some(0..=3) => Some(Level::Info),
        Some(4..=6) => Some(Level::Warn),
        Some(7..=8) => Some(Level::Error),
        Some(9..=10) => Some(Level::Critical),
        _ if word.eq_ignore_ascii_case(b"low") => Some(Level::Info),
        _ if word.eq_ignore_ascii_case(b"medium") => Some(Level::Warn),
        _ if word.eq_ignore_ascii_case(b"high") => Some(Level::Error),
        _ if word.eq_ignore_ascii_case(b"very-high") => Some(Level::Critical),
        _ => Level::from_word(word),
    };
    draft.push(raw, "level_raw", range);
}

/// `key=value` pairs; a value goes on to the blank before the next key.
fn extension(raw: &[u8], mut cursor: Cursor, delimiter: u8, draft: &mut Draft) {
    let in_key = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let mut path = std::mem::take(&mut draft.path);
    for _ in 0..256 {
        cursor.skip_spaces();
        let key = cursor.take_while(in_key);
        if key.is_empty() || !cursor.eat(b'=') {
            break;
        }
        let value = value_range(&mut cursor, delimiter, in_key);
        path.clear();
        path.push_str(&String::from_utf8_lossy(cursor.slice(&key)).to_lowercase());
        if path == "msg" || path == "message" {
            draft.fields.push_named_raw("msg_text", value);
        } else {
            draft.assign(raw, &path, value);
        }
    }
    draft.path = path;
}

fn value_range(cursor: &mut Cursor, delimiter: u8, in_key: impl Fn(u8) -> bool + Copy) -> Range<usize> {
    let from = cursor.pos;
    loop {
        cursor.take_while(|byte| byte != delimiter && byte != b'\n');
        let to = cursor.pos;
        let mut ahead = *cursor;
        if ahead.is_empty() || ahead.peek() != delimiter {
            return from..to;
        }
        ahead.pos += 1;
        let key = ahead.take_while(in_key);
        if delimiter != b' ' || !key.is_empty() && ahead.peek() == b'=' {
            cursor.pos = to + 1;
            return from..to;
        }
        cursor.pos = to + 1;
    }
}
