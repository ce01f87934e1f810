//! Application logs that begin with a time and a level: log4j and logback, Hadoop, HDFS, Spark, ZooKeeper, Kafka, Python,
//! OpenStack, `[time] [LEVEL] [component] message`. They differ in what stands between the two and behind them.

use std::ops::Range;

use crate::model::Layout;

use super::cursor::Cursor;
use super::draft::Draft;
use super::generic::level_at;
use super::{message, timestamp};

/// A class, module or file name.
fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'$' | b'-' | b'/' | b'@' | b'*')
}

/// HDFS: `yyMMdd HHmmss pid LEVEL component: message`.
pub(super) fn hdfs(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    if cursor.ahead(6) != b' ' || cursor.ahead(13) != b' ' {
        return false;
    }
    let Some(stamp) = timestamp::read(raw, cursor.pos).filter(|stamp| stamp.len == 13) else { return false };
    cursor.pos += 14;
    let Some(pid) = cursor.digits() else { return false };
    cursor.skip_spaces();
    let Some(level) = cursor.word() else { return false };
    if !draft.level_word(raw, level) {
        return false;
    }
    cursor.skip_spaces();
    let component = cursor.take_while(in_name);
    if component.is_empty() || !cursor.eat(b':') {
        return false;
    }
    cursor.skip_spaces();
    draft.stamp = Some(stamp);
    draft.fields.push_raw("pid", pid);
    draft.fields.push_raw("component", component);
    draft.message(cursor.rest_range());
    true
}

/// `yy/MM/dd HH:mm:ss LEVEL component: message` of Spark and old Hadoop.
pub(super) fn spark(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    if cursor.ahead(2) != b'/' || cursor.ahead(5) != b'/' || cursor.ahead(8) != b' ' {
        return false;
    }
    let Some(stamp) = timestamp::read(raw, cursor.pos).filter(|stamp| stamp.len >= 17) else { return false };
    cursor.pos += stamp.len;
    cursor.skip_spaces();
    let Some(level) = level_at(&mut cursor) else { return false };
    draft.level_word(raw, level);
    cursor.skip_spaces();
    let component = cursor.take_while(in_name);
    if component.is_empty() || !cursor.eat(b':') {
        draft.fields.clear();
        return false;
    }
    cursor.skip_spaces();
    draft.stamp = Some(stamp);
    draft.fields.push_raw("component", component);
    draft.message(cursor.rest_range());
    true
}

/// log4j and logback in their usual patterns: a full stamp, then level, thread, logger in some order, then ` - ` or `:`.
pub(super) fn log4j(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    // Labelled data sets put "- " before lines that are normal.
    cursor.eat_str(b"- ");
    if !cursor.peek().is_ascii_digit() {
        return false;
    }
    let Some(stamp) = timestamp::read(raw, cursor.pos).filter(|stamp| stamp.len >= 19) else { return false };
    cursor.pos += stamp.len;
    if !matches!(cursor.peek(), b' ' | b':' | b'|' | b'\t') {
        return false;
    }
    cursor.eat(b':');
    let (mut level, mut thread, mut logger) = (None, None, None);
    for _ in 0..6 {
        cursor.skip_spaces();
        if cursor.peek() == b'-' && cursor.ahead(1) == b' ' || cursor.peek() == b'|' {
            cursor.pos += 1;
            if level.is_some() && logger.is_some() || thread.is_some() && level.is_some() {
                break;
            }
            continue;
        }
        if level.is_none()
            && let Some(word) = level_at(&mut cursor)
        {
            level = Some(word);
            cursor.eat(b':');
            continue;
        }
        if cursor.peek() == b'[' && thread.is_none() {
            match thread_name(&mut cursor) {
                Some(inner) => thread = Some(inner),
                None => break,
            }
            continue;
        }
        if level.is_some() && logger.is_none() {
            if let Some(name) = logger_name(&mut cursor) {
                logger = Some(name);
                if cursor.eat(b':') {
                    break;
                }
                continue;
            }
            break;
        }
        if level.is_none() && logger.is_none() {
            // Python's habit: "stamp - logger - LEVEL - message"; a bare pid comes here too.
            let mut ahead = cursor;
            let name = ahead.take_while(in_name);
            if !name.is_empty() && ahead.peek() == b' ' {
                logger = Some(name);
                cursor = ahead;
                continue;
            }
        }
        break;
    }
    let Some(level) = level else { return false };
    draft.stamp = Some(stamp);
    draft.level_word(raw, level);
    finish(raw, cursor, thread, logger, draft);
    true
}

/// Pushes thread, logger and message.
fn finish(
    raw: &[u8],
    mut cursor: Cursor,
    thread: Option<Range<usize>>,
    logger: Option<Range<usize>>,
    draft: &mut Draft,
) {
    cursor.skip_spaces();
    if cursor.peek() == b'-' && matches!(cursor.ahead(1), b' ' | 0) {
        cursor.pos += 1;
        cursor.skip_spaces();
    }
    if let Some(thread) = thread {
        draft.push(raw, "thread", thread);
    }
    if let Some(logger) = logger {
        let digits = cursor.slice(&logger).iter().all(u8::is_ascii_digit);
        draft.push(raw, if digits { "pid" } else { "component" }, logger);
    }
    let rest = cursor.rest_range();
    draft.message(rest.clone());
    message::enrich(raw, rest, draft);
}

/// `[thread]`; the name may hold brackets that don't pair up.
fn thread_name(cursor: &mut Cursor) -> Option<Range<usize>> {
    let inner = cursor.enclosed(b'[', b']')?;
    let mut trimmed = inner.clone();
    while cursor.slice(&trimmed).last() == Some(&b' ') {
        trimmed.end -= 1;
    }
    Some(trimmed)
}

/// A logger's name, with the line number behind it: `o.a.i.c.StartupChecks:45 -`, `org.apache.X:`.
fn logger_name(cursor: &mut Cursor) -> Option<Range<usize>> {
    let mut ahead = *cursor;
    let name = ahead.take_while(in_name);
    if name.is_empty() {
        return None;
    }
    if ahead.peek() == b'(' {
        ahead.enclosed(b'(', b')')?;
    }
    if ahead.peek() == b':' && ahead.ahead(1).is_ascii_digit() {
        ahead.pos += 1;
        ahead.digits();
    }
    ahead.skip_spaces();
    let closes = ahead.peek() == b':' && matches!(ahead.ahead(1), b' ' | b'\t' | b'\n' | 0)
        || ahead.peek() == b'-' && matches!(ahead.ahead(1), b' ' | 0)
        || ahead.peek() == b'[' && cursor.slice(&name).contains(&b'.');
    if !closes {
        return None;
    }
    *cursor = ahead;
    Some(name)
}

/// Kafka and kin: `[stamp] LEVEL message (logger)`, or `[stamp][LEVEL][component] message`, or `[stamp] [LEVEL] …`.
pub(super) fn bracketed(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    if !cursor.eat(b'[') || !cursor.peek().is_ascii_digit() {
        return false;
    }
    let Some(stamp) = timestamp::read(raw, cursor.pos).filter(|stamp| stamp.len >= 15) else { return false };
    cursor.pos += stamp.len;
    cursor.skip_spaces();
    if !cursor.eat(b']') {
        return false;
    }
    cursor.eat(b':');
    let (mut level, mut component) = (None, None);
    for _ in 0..4 {
        cursor.skip_spaces();
        if level.is_none()
            && let Some(word) = level_at(&mut cursor)
        {
            level = Some(word);
            cursor.eat(b':');
            continue;
        }
        if cursor.peek() == b'[' && (component.is_none() || level.is_none()) {
            let Some(inner) = cursor.enclosed(b'[', b']') else { break };
            if component.is_none() {
                component = Some(inner);
            }
            continue;
        }
        break;
    }
    draft.stamp = Some(stamp);
    if let Some(level) = level {
        draft.level_word(raw, level);
    }
    cursor.eat(b':');
    cursor.skip_spaces();
    if let Some(component) = component {
        draft.push(raw, "component", component);
    } else if raw.get(cursor.end.wrapping_sub(1)) == Some(&b')')
        && let Some(n) = memchr::memrchr(b'(', cursor.rest())
    {
        // Kafka puts the logger last.
        let name = cursor.pos + n + 1..cursor.end - 1;
        if cursor.slice(&name).iter().all(|byte| in_name(*byte)) {
            draft.push(raw, "component", name);
        }
    }
    let rest = cursor.rest_range();
    draft.message(rest.clone());
    message::enrich(raw, rest, draft);
    true
}
