//! Logs of services with a head of their own: glog and klog, container runtimes, twisted (cowrie), fail2ban, Python without a
//! stamp.

use crate::model::{Layout, Level};

use super::cursor::Cursor;
use super::draft::Draft;
use super::message;
use super::timestamp::{self, Clock, civil_clock};

/// glog, klog: `I1120 10:00:00.123456 thread file.go:12] message`, perhaps with a year before the month.
pub(super) fn glog(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    let level = match cursor.peek() {
        b'I' => Level::Info,
        b'W' => Level::Warn,
        b'E' => Level::Error,
        b'F' => Level::Critical,
        _ => return false,
    };
    let letter = cursor.pos..cursor.pos + 1;
    cursor.pos += 1;
    let Some(stamp) = month_day(&mut cursor) else { return false };
    cursor.skip_spaces();
    let Some(thread) = cursor.digits() else { return false };
    cursor.skip_spaces();
    let Some(place) = cursor.until(b']').filter(|place| place.len() < 256) else { return false };
    cursor.skip_spaces();
    draft.stamp = Some(stamp);
    draft.level = Some(level);
    draft.fields.push_raw("level_raw", letter);
    draft.push(raw, "tid", thread);
    draft.push(raw, "component", place);
    let rest = cursor.rest_range();
    draft.message(rest.clone());
    message::enrich(raw, rest, draft);
    true
}

/// `MMDD hh:mm:ss.frac` or `YYYYMMDD hh:mm:ss.frac`.
fn month_day(cursor: &mut Cursor) -> Option<timestamp::Stamp> {
    let digits = cursor.digits()?;
    let (text, compact) = (cursor.slice(&digits), digits.len() == 8);
    if compact {
        let mut whole = *cursor;
        whole.pos = digits.start;
        let stamp = timestamp::compact_date(whole.rest())?;
        cursor.pos = digits.start + stamp.len;
        return Some(stamp);
    }
    if digits.len() != 4 || !cursor.eat(b' ') {
        return None;
    }
    let value = super::cursor::number(text)?;
    let (clock, length): (Clock, usize) = civil_clock(cursor.rest(), 0)?;
    let date = (u8::try_from(value / 100).ok()?, u8::try_from(value % 100).ok()?);
    let stamp = timestamp::yearless(cursor.rest(), date, clock, length)?;
    cursor.pos += length;
    Some(stamp)
}

/// Container runtimes (CRI): `2026-11-20T10:00:00.123456789Z stdout F message`; the message may be JSON.
pub(super) fn cri(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    if cursor.ahead(10) != b'T' {
        return false;
    }
    let Some(stamp) = timestamp::read(raw, cursor.pos).filter(|stamp| stamp.len >= 20) else { return false };
    cursor.pos += stamp.len;
    if !cursor.eat(b' ') {
        return false;
    }
    let Some(stream) = cursor.word().filter(|word| matches!(cursor.slice(word), b"stdout" | b"stderr")) else {
        return false;
    };
    cursor.skip_spaces();
    if !matches!(cursor.peek(), b'F' | b'P') || !matches!(cursor.ahead(1), b' ' | 0) {
        return false;
    }
    cursor.pos += 2;
    draft.stamp = Some(stamp);
    draft.push(raw, "stream", stream);
    let rest = cursor.rest_range();
    if super::json::embedded(raw, rest.clone(), draft) {
        draft.message(rest);
        return true;
    }
    draft.message(rest.clone());
    super::generic::level(raw, cursor, draft);
    if draft.level.is_none() {
        super::syslog::level_pair(raw, rest.clone(), draft);
    }
    message::enrich(raw, rest, draft);
    true
}

/// docker compose: `service-1  | message`; the message may be JSON or have a stamp.
pub(super) fn compose(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    let service = cursor.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    let padded = cursor.skip_spaces();
    if service.is_empty() || padded == 0 || !cursor.eat(b'|') || !cursor.eat(b' ') {
        return false;
    }
    draft.push(raw, "app", service);
    let rest = cursor.rest_range();
    if super::json::embedded(raw, rest.clone(), draft) {
        draft.message(rest);
        return true;
    }
    if let Some((at, stamp)) = super::generic::near_start(raw, cursor) {
        draft.stamp = Some(stamp);
        cursor.pos = at + stamp.len;
    }
    draft.message(rest.clone());
    super::generic::level(raw, cursor, draft);
    message::enrich(raw, rest, draft);
    true
}

/// twisted: `2018-06-15T00:04:39+0000 [system] message`; cowrie puts the peer's address at the end of the system.
pub(super) fn twisted(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    if !matches!(cursor.ahead(10), b'T' | b' ') {
        return false;
    }
    let Some(stamp) = timestamp::read(raw, cursor.pos).filter(|stamp| stamp.len >= 24) else { return false };
    if !matches!(stamp.when, timestamp::When::Exact(_)) {
        return false;
    }
    cursor.pos += stamp.len;
    cursor.skip_spaces();
    let Some(system) = cursor.enclosed(b'[', b']') else { return false };
    if !cursor.eat(b' ') && !cursor.is_empty() {
        return false;
    }
    if Level::from_word(cursor.slice(&system)).is_some() {
        return false;
    }
    draft.stamp = Some(stamp);
    draft.push(raw, "component", system.clone());
    let rest = cursor.rest_range();
    draft.message(rest.clone());
    let in_system = cursor.slice(&system);
    if let Some(n) = memchr::memrchr(b',', in_system)
        .filter(|n| super::address::is_address(in_system.get(n + 1..).unwrap_or_default()))
    {
        draft.taken |= 1;
        draft.fields.push_raw("source_ip", system.start + n + 1..system.end);
        let number = in_system.get(..n).and_then(|head| memchr::memrchr(b',', head));
        if let Some(m) = number {
            draft.push(raw, "session", system.start + m + 1..system.start + n);
        }
    }
    message::enrich(raw, rest, draft);
    true
}

/// fail2ban: `2006-02-13 15:52:30,388 fail2ban.actions [123]: NOTICE [jail] Ban 192.0.2.1`.
pub(super) fn fail2ban(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    let Some(stamp) = timestamp::read(raw, cursor.pos).filter(|stamp| stamp.len >= 19) else { return false };
    cursor.pos += stamp.len;
    cursor.skip_spaces();
    if !cursor.rest().starts_with(b"fail2ban.") {
        return false;
    }
    let component = cursor.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    cursor.skip_spaces();
    let pid = cursor.enclosed(b'[', b']');
    cursor.eat(b':');
    cursor.skip_spaces();
    let level = cursor.take_while(|byte| byte.is_ascii_uppercase());
    if !draft.level_word(raw, level) {
        return false;
    }
    cursor.take_while(|byte| matches!(byte, b' ' | b':' | b'\t'));
    draft.stamp = Some(stamp);
    draft.push(raw, "component", component);
    if let Some(pid) = pid {
        draft.push(raw, "pid", pid);
    }
    let rest = cursor.rest_range();
    if let Some(jail) = cursor.enclosed(b'[', b']') {
        draft.push(raw, "jail", jail);
    }
    draft.message(rest.clone());
    message::enrich(raw, rest, draft);
    true
}

/// Python's default: `LEVEL:logger:message`.
pub(super) fn python(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    let level = cursor.take_while(|byte| byte.is_ascii_uppercase());
    if level.is_empty() || !cursor.eat(b':') {
        return false;
    }
    let logger = cursor.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    if logger.is_empty() || !cursor.eat(b':') || !draft.level_word(raw, level) {
        return false;
    }
    draft.push(raw, "component", logger);
    let rest = cursor.rest_range();
    draft.message(rest.clone());
    message::enrich(raw, rest, draft);
    true
}
