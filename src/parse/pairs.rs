//! Lines made of `key=value` pairs: logfmt and the records of the Linux audit system.

use std::ops::Range;

use crate::model::Layout;

use super::cursor::Cursor;
use super::draft::Draft;
use super::{address, json, timestamp};

/// Most pairs that are taken up.
const MAX_PAIRS: usize = 256;

fn in_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'@' | b'/')
}

/// logfmt: nothing but pairs (and bare keys), at least three of them.
pub(super) fn logfmt(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    if !cursor.peek().is_ascii_alphabetic() && cursor.peek() != b'_' && cursor.peek() != b'@' {
        return false;
    }
    let line = cursor.rest_range();
    let mut path = std::mem::take(&mut draft.path);
    let (mut pairs, mut bare) = (0usize, 0usize);
    while !cursor.is_empty() && pairs < MAX_PAIRS {
        cursor.take_while(|byte| byte.is_ascii_whitespace());
        if cursor.is_empty() {
            break;
        }
        let key = cursor.take_while(in_key);
        if key.is_empty() || !cursor.eat(b'=') {
            bare += 1;
            cursor.word();
            // The first pair decides quickly whether this is logfmt at all.
            if pairs == 0 || bare * 2 > pairs + 2 {
                draft.path = path;
                return false;
            }
            continue;
        }
        pairs += 1;
        path.clear();
        path.push_str(&String::from_utf8_lossy(cursor.slice(&key)));
        path.make_ascii_lowercase();
        pair(raw, &mut cursor, &path, draft);
    }
    draft.path = path;
    if pairs < 3 {
        return false;
    }
    draft.message(line);
    true
}

/// Reads the value at the cursor and keeps it.
fn pair(raw: &[u8], cursor: &mut Cursor, name: &str, draft: &mut Draft) {
    let quoted = *cursor;
    if let Some(value) = cursor.quoted() {
        let bytes = cursor.slice(&value);
        if memchr::memchr(b'\\', bytes).is_none() {
            draft.assign(raw, name, value);
        } else {
            let mut text = std::mem::take(&mut draft.text);
            text.clear();
            json::unescape(bytes, &mut text);
            draft.assign_derived(name, &text);
            draft.text = text;
        }
        return;
    }
    *cursor = quoted;
    let value = cursor.take_while(|byte| !byte.is_ascii_whitespace());
    if !value.is_empty() {
        draft.assign(raw, name, value);
    }
}

/// auditd: `type=USER_LOGIN msg=audit(1373330716.415:4063): pid=1 … msg='op=login acct="root" …'`.
pub(super) fn audit(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    if cursor.eat_str(b"node=") {
        let Some(node) = cursor.word() else { return false };
        draft.push(raw, "host", node);
        cursor.skip_spaces();
    }
    if !cursor.eat_str(b"type=") {
        return false;
    }
    let Some(kind) = cursor.word() else { return false };
    cursor.skip_spaces();
    cursor.eat_str(b"msg=");
    if !cursor.eat_str(b"audit(") {
        return false;
    }
    let Some(stamp) = timestamp::epoch(cursor.rest()).or_else(|| timestamp::read(raw, cursor.pos)) else {
        return false;
    };
    cursor.pos += stamp.len;
    if cursor.eat(b':') {
        let serial = cursor.digits().unwrap_or(0..0);
        draft.push(raw, "serial", serial);
    }
    if !cursor.eat_str(b"):") {
        return false;
    }
    cursor.skip_spaces();
    draft.stamp = Some(stamp);
    draft.fields.push_raw("event_type", kind);
    draft.message(cursor.rest_range());
    let mut path = std::mem::take(&mut draft.path);
    for _ in 0..MAX_PAIRS {
        cursor.take_while(|byte| byte.is_ascii_whitespace() || matches!(byte, b'\'' | b',' | b'{' | b'}' | 0x1D));
        if cursor.is_empty() {
            break;
        }
        let key = cursor.take_while(in_key);
        if key.is_empty() || !cursor.eat(b'=') {
            cursor.word();
            continue;
        }
        // What user space says stands in quotes behind msg= and is pairs again.
        if cursor.peek() == b'\'' {
            cursor.pos += 1;
            continue;
        }
        let value = match cursor.quoted() {
            Some(value) => value,
            None => cursor.take_while(|byte| !byte.is_ascii_whitespace() && byte != b'\'' && byte != 0x1D),
        };
        path.clear();
        path.push_str(&String::from_utf8_lossy(cursor.slice(&key)));
        path.make_ascii_lowercase();
        audit_value(raw, &path, value, draft);
    }
    draft.path = path;
    true
}

/// `acct` is the user, `addr` the peer (`hostname` is the peer's too, so it must not become the host).
fn audit_value(raw: &[u8], name: &str, value: Range<usize>, draft: &mut Draft) {
    let bytes = raw.get(value.clone()).unwrap_or_default();
    if matches!(bytes, b"" | b"?" | b"(null)") {
        return;
    }
    match name {
        "acct" if draft.taken & 2 == 0 => {
            draft.taken |= 2;
            draft.fields.push_raw("user", value.clone());
        }
        "addr" | "hostname" | "laddr" if draft.taken & 1 == 0 && name != "laddr" && address::is_address(bytes) => {
            draft.taken |= 1;
            draft.fields.push_raw("source_ip", value.clone());
        }
        "pid" => {
            draft.fields.push_raw("pid", value);
            return;
        }
        _ => {}
    }
    draft
        .fields
        .push_named_raw(if matches!(name, "message" | "level" | "time" | "host") { "value" } else { name }, value);
}
