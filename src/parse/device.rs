//! Logs of devices and desktop programs: Android's logcat, HealthApp, Proxifier, Windows' CBS.

use crate::model::{Layout, Level};

use super::cursor::Cursor;
use super::draft::Draft;
use super::{message, timestamp};

/// Android's priority letters.
fn priority(letter: u8) -> Option<Level> {
    Some(match letter {
        b'V' => Level::Trace,
        b'D' => Level::Debug,
        b'I' => Level::Info,
        b'W' => Level::Warn,
        b'E' => Level::Error,
        b'F' | b'A' => Level::Critical,
        _ => return None,
    })
}

/// logcat: `MM-dd hh:mm:ss.mmm pid tid L tag: message`, or in brief `L/tag( pid): message`.
pub(super) fn logcat(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    if cursor.ahead(1) == b'/' {
        return brief(raw, cursor, draft);
    }
    if cursor.ahead(2) != b'-' && cursor.ahead(4) != b'-' {
        return false;
    }
    let Some(stamp) = timestamp::read(raw, cursor.pos).filter(|stamp| stamp.len >= 18) else { return false };
    cursor.pos += stamp.len;
    if cursor.skip_spaces() == 0 {
        return false;
    }
    if cursor.ahead(1) == b'/' {
        draft.stamp = Some(stamp);
        return brief(raw, cursor, draft);
    }
    let Some(pid) = cursor.digits().filter(|_| cursor.peek() == b' ') else { return false };
    cursor.skip_spaces();
    let Some(tid) = cursor.digits().filter(|_| cursor.peek() == b' ') else { return false };
    cursor.skip_spaces();
    let letter = cursor.pos..cursor.pos + 1;
    let Some(level) = priority(cursor.peek()).filter(|_| cursor.ahead(1) == b' ') else { return false };
    cursor.pos += 1;
    cursor.skip_spaces();
    draft.stamp = Some(stamp);
    draft.level = Some(level);
    draft.fields.push_raw("level_raw", letter);
    draft.fields.push_raw("pid", pid);
    draft.fields.push_raw("tid", tid);
    tag_and_message(raw, cursor, draft);
    true
}

/// `tag: message`; the tag may hold blanks, and colons that no blank follows.
fn tag_and_message(raw: &[u8], mut cursor: Cursor, draft: &mut Draft) {
    let tag_end = memchr::memmem::find(cursor.rest(), b": ").or_else(|| memchr::memchr(b':', cursor.rest()));
    if let Some(n) = tag_end {
        let mut tag = cursor.pos..cursor.pos + n;
        while cursor.slice(&tag).last() == Some(&b' ') {
            tag.end -= 1;
        }
        draft.push(raw, "app", tag);
        cursor.pos += n + 1;
        cursor.eat(b' ');
    }
    draft.message(cursor.rest_range());
}

fn brief(raw: &[u8], mut cursor: Cursor, draft: &mut Draft) -> bool {
    let letter = cursor.pos..cursor.pos + 1;
    let Some(level) = priority(cursor.peek()) else { return false };
    cursor.pos += 2;
    let Some(tag) = cursor.until(b'(').filter(|tag| !tag.is_empty() && tag.len() < 64) else { return false };
    cursor.skip_spaces();
    let Some(pid) = cursor.digits() else { return false };
    if !cursor.eat_str(b"):") {
        return false;
    }
    cursor.skip_spaces();
    draft.level = Some(level);
    draft.fields.push_raw("level_raw", letter);
    draft.push(raw, "app", tag);
    draft.fields.push_raw("pid", pid);
    draft.message(cursor.rest_range());
    true
}

/// HealthApp: `YYYYMMDD-h:m:s:millis|component|pid|message`.
pub(super) fn healthapp(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    if cursor.ahead(8) != b'-' {
        return false;
    }
    let Some(stamp) = timestamp::read(raw, cursor.pos) else { return false };
    cursor.pos += stamp.len;
    if !cursor.eat(b'|') {
        return false;
    }
    let Some(component) = cursor.until(b'|') else { return false };
    let Some(pid) = cursor.until(b'|') else { return false };
    if !cursor.slice(&pid).iter().all(u8::is_ascii_digit) {
        return false;
    }
    draft.stamp = Some(stamp);
    draft.push(raw, "component", component);
    draft.push(raw, "pid", pid);
    draft.message(cursor.rest_range());
    true
}

/// Proxifier: `[MM.dd hh:mm:ss] program - message`.
pub(super) fn proxifier(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    if !cursor.eat(b'[') || cursor.ahead(2) != b'.' || cursor.ahead(5) != b' ' {
        return false;
    }
    let Some(stamp) =
        timestamp::read(raw, cursor.pos).filter(|stamp| matches!(stamp.when, timestamp::When::Yearless { .. }))
    else {
        return false;
    };
    cursor.pos += stamp.len;
    if !cursor.eat_str(b"] ") {
        return false;
    }
    draft.stamp = Some(stamp);
    if let Some(n) = memchr::memmem::find(cursor.rest(), b" - ") {
        draft.push(raw, "app", cursor.pos..cursor.pos + n);
        cursor.pos += n + 3;
    }
    draft.message(cursor.rest_range());
    true
}

/// Windows component servicing: `2016-09-28 04:30:30, Info                  CBS    message`.
pub(super) fn cbs(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    let Some(stamp) = timestamp::read(raw, cursor.pos).filter(|stamp| stamp.len == 19) else { return false };
    cursor.pos += stamp.len;
    if !cursor.eat_str(b", ") {
        return false;
    }
    let level = cursor.take_while(|byte| byte.is_ascii_alphabetic());
    if !draft.level_word(raw, level) || cursor.skip_spaces() < 2 {
        draft.fields.clear();
        return false;
    }
    draft.stamp = Some(stamp);
    let before = cursor;
    match cursor.word() {
        Some(component) if cursor.skip_spaces() > 1 => draft.push(raw, "component", component),
        _ => cursor = before,
    }
    let rest = cursor.rest_range();
    draft.message(rest.clone());
    message::enrich(raw, rest, draft);
    true
}
