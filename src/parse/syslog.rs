//! syslog: RFC 3164 in all its dialects (PRI or not, host or not, ISO stamps, stamps with a year) and RFC 5424.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::model::{Layout, Level};

use super::cursor::{Cursor, number};
use super::draft::Draft;
use super::{event_format, generic, json, message, postgres, timestamp};

static LEVEL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("level="));

/// Reads `<PRI>` and gives the level of its severity.
fn priority(cursor: &mut Cursor) -> Option<Level> {
    let mut ahead = *cursor;
    if !ahead.eat(b'<') {
        return None;
    }
    let digits = ahead.digits()?;
    let value = number(ahead.slice(&digits)).filter(|value| *value <= 191)?;
    if !ahead.eat(b'>') {
        return None;
    }
    *cursor = ahead;
    Level::from_syslog((value % 8) as u8)
}

/// RFC 3164 and its relatives: `[<PRI>]stamp [host] tag[pid]: message`.
pub(super) fn classic(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    let from_priority = priority(&mut cursor);
    // Cisco marks a clock that is not set, and counts messages.
    if from_priority.is_some() {
        cursor.eat(b'*');
    }
    let named_month = cursor.peek().is_ascii_alphabetic();
    let iso = cursor.peek().is_ascii_digit();
    if !named_month && !iso {
        return false;
    }
    let Some(stamp) = timestamp::read(raw, cursor.pos) else { return false };
    // "Mon Dec  5 …" is a date, but not that of a syslog.
    if named_month && from_priority.is_none() && cursor.ahead(4).is_ascii_alphabetic() {
        return false;
    }
    if matches!(stamp.when, timestamp::When::Clock { .. }) || cursor.pos + stamp.len > cursor.end {
        return false;
    }
    // With a blank in the stamp only a tag with a pid tells a syslog from any other log.
    let blank = iso && from_priority.is_none() && cursor.ahead(10) != b'T';
    if blank && stamp.len < 19 {
        return false;
    }
    cursor.pos += stamp.len;
    cursor.skip_escape();
    cursor.eat(b':');
    if cursor.skip_spaces() == 0 && !cursor.is_empty() {
        return false;
    }
    let Some(rest) = header(raw, &mut cursor, draft, named_month || from_priority.is_some()) else {
        draft.fields.clear();
        return false;
    };
    if blank && draft.fields.of(raw).first("pid").is_none() {
        draft.fields.clear();
        return false;
    }
    draft.stamp = Some(stamp);
    body(raw, rest, draft, from_priority);
    true
}

/// Without a stamp, as `journalctl -o cat` and container runtimes leave it: `[host] tag[pid]: message`.
pub(super) fn bare(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    let from_priority = priority(&mut cursor);
    let head = cursor.rest();
    let Some(close) = memchr::memmem::find(head.get(..head.len().min(160)).unwrap_or_default(), b"]: ") else {
        return false;
    };
    let open = head.get(..close).and_then(|head| memchr::memrchr(b'[', head));
    let numbered = open.and_then(|open| head.get(open + 1..close)).is_some_and(|pid| number(pid).is_some());
    if !numbered || !cursor.peek().is_ascii_alphanumeric() {
        return false;
    }
    let Some(rest) = header(raw, &mut cursor, draft, false) else { return false };
    if draft.fields.of(raw).first("pid").is_none() {
        return false;
    }
    body(raw, rest, draft, from_priority);
    true
}

/// Host, tag and pid; gives the range of the message. `lenient` accepts a line without a tag.
fn header(raw: &[u8], cursor: &mut Cursor, draft: &mut Draft, lenient: bool) -> Option<Range<usize>> {
    let start = *cursor;
    if let Some(rest) = tag(raw, cursor, draft) {
        // "host tag: ..." reads as a tag only when its first word ends in a colon or holds a pid.
        return Some(rest);
    }
    let host = cursor.take_while(|byte| !matches!(byte, b' ' | b'\t' | b'\n'));
    let spaces = cursor.skip_spaces();
    let name = cursor.slice(&host);
    let plausible = !name.is_empty()
        && spaces > 0
        && name.iter().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'.' | b'-' | b'_' | b':' | b'@' | b'/' | b'%')
                || *byte >= 0x80
        });
    if plausible {
        let fields = draft.fields.len();
        draft.fields.push_raw("host", host);
        let at_tag = *cursor;
        if let Some(rest) = tag(raw, cursor, draft) {
            return Some(rest);
        }
        *cursor = at_tag;
        if let Some(rest) = loose_tag(raw, cursor, draft) {
            return Some(rest);
        }
        if lenient {
            return Some(at_tag.rest_range());
        }
        draft.fields.truncate(fields);
    }
    lenient.then(|| start.rest_range())
}

/// `tag:`, `tag[pid]:`, `tag(module)[pid]:` and the like, from the cursor on.
fn tag(raw: &[u8], cursor: &mut Cursor, draft: &mut Draft) -> Option<Range<usize>> {
    let mut ahead = *cursor;
    let in_name = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/' | b'@' | b'%' | b'+' | b'#' | b',')
    };
    ahead.skip_escape();
    let name = ahead.take_while(in_name);
    if name.is_empty() || name.len() > 128 {
        return None;
    }
    let mut pid = None;
    if ahead.peek() == b'(' {
        ahead.enclosed(b'(', b')')?;
    }
    ahead.skip_escape();
    let gap = ahead.peek() == b' ' && ahead.ahead(1) == b'[';
    let bracketed = *ahead.rest().get(usize::from(gap)).unwrap_or(&0) == b'[';
    if bracketed {
        ahead.pos += usize::from(gap);
        let inner = ahead.enclosed(b'[', b']')?;
        let digits = ahead.slice(&inner);
        let numeric = !digits.is_empty() && digits.iter().all(|byte| byte.is_ascii_digit());
        if gap && !numeric {
            return None;
        }
        pid = numeric.then_some(inner);
    }
    ahead.skip_escape();
    if gap && ahead.peek() != b':' {
        return None;
    }
    if !ahead.eat(b':') {
        return None;
    }
    if !bracketed && !matches!(ahead.peek(), b' ' | b'\t' | 0) && !ahead.is_empty() {
        return None;
    }
    ahead.eat(b' ');
    draft.push(raw, "app", name);
    if let Some(pid) = pid {
        draft.fields.push_raw("pid", pid);
    }
    *cursor = ahead;
    Some(ahead.rest_range())
}

/// `tag[pid] message` without a colon, behind a host.
fn loose_tag(raw: &[u8], cursor: &mut Cursor, draft: &mut Draft) -> Option<Range<usize>> {
    let mut ahead = *cursor;
    let name = ahead.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/'));
    if name.is_empty() || ahead.peek() != b'[' {
        return None;
    }
    let pid = ahead.enclosed(b'[', b']')?;
    if !ahead.slice(&pid).iter().all(|byte| byte.is_ascii_digit()) || pid.is_empty() || ahead.peek() != b' ' {
        return None;
    }
    ahead.skip_spaces();
    draft.push(raw, "app", name);
    draft.fields.push_raw("pid", pid);
    *cursor = ahead;
    Some(ahead.rest_range())
}

/// What the message itself says: a level word, an embedded event format, who and from where.
fn body(raw: &[u8], range: Range<usize>, draft: &mut Draft, from_priority: Option<Level>) {
    let mut cursor = Cursor::new(raw).within(range.clone());
    if cursor.peek() == b'['
        && draft.fields.of(raw).first("app") == Some(b"postgres")
        && through_syslog(raw, cursor, draft)
    {
        draft.level = draft.level.or(from_priority);
        return;
    }
    draft.message(range.clone());
    match cursor.peek() {
        b'C' | b'L' if event_format::embedded(raw, range.clone(), draft) => {}
        b'{' | b'@' if json::embedded(raw, range.clone(), draft) => {}
        _ => {
            let word = cursor.take_while(|byte| byte.is_ascii_alphabetic());
            if (3..=9).contains(&word.len()) && cursor.peek() == b':' && generic::is_level(cursor.slice(&word)) {
                draft.level_word(raw, word);
            }
            if draft.fields.of(raw).first("app") == Some(b"sudo") {
                message::sudo(raw, range.clone(), draft);
            }
            if draft.level.is_none() {
                level_pair(raw, range.clone(), draft);
            }
            message::enrich(raw, range, draft);
        }
    }
    if draft.level.is_none() {
        draft.level = from_priority.or_else(|| cisco(draft.fields.of(raw).first("app")?));
    }
}

/// The severity in the middle of Cisco's tags, `%ASA-6-302013`.
fn cisco(tag: &[u8]) -> Option<Level> {
    let mut parts = tag.strip_prefix(b"%")?.split(|byte| *byte == b'-');
    parts.next()?;
    match parts.next()? {
        [digit @ b'0'..=b'7'] => Level::from_syslog(digit - b'0'),
        _ => None,
    }
}

/// `level=warning` in a message made of pairs.
pub(super) fn level_pair(raw: &[u8], range: Range<usize>, draft: &mut Draft) {
    let mut cursor = Cursor::new(raw).within(range);
    let Some(at) = LEVEL.find(cursor.rest().get(..512).unwrap_or(cursor.rest())) else { return };
    let whole = at == 0 || matches!(cursor.ahead(at - 1), b' ' | b',' | b'{' | b'\t');
    cursor.pos += at + 6;
    cursor.eat(b'"');
    let word = cursor.take_while(|byte| byte.is_ascii_alphabetic());
    if whole {
        draft.level_word(raw, word);
    }
}

/// PostgreSQL numbers what it sends, `[5-1] …`; the first part of a message has its prefix.
fn through_syslog(raw: &[u8], mut cursor: Cursor, draft: &mut Draft) -> bool {
    cursor.enclosed(b'[', b']');
    cursor.skip_spaces();
    postgres::body(raw, cursor.rest_range(), draft)
}

/// RFC 5424: `<PRI>1 stamp host app procid msgid structured-data message`.
pub(super) fn modern(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    let level = priority(&mut cursor);
    if cursor.peek() != b'1' || cursor.ahead(1) != b' ' {
        return false;
    }
    cursor.pos += 2;
    if !cursor.eat_str(b"- ") {
        let Some(stamp) = timestamp::read(raw, cursor.pos).filter(|_| cursor.ahead(10) == b'T') else { return false };
        draft.stamp = Some(stamp);
        cursor.pos += stamp.len;
        if !cursor.eat(b' ') {
            return false;
        }
    } else if level.is_none() {
        return false;
    }
    for name in ["host", "app", "pid", "msgid"] {
        let Some(word) = cursor.word() else {
            return false;
        };
        draft.push(raw, name, word);
        cursor.skip_spaces();
    }
    if !cursor.eat(b'-') {
        while cursor.peek() == b'[' {
            if !element(&mut cursor, draft) {
                return false;
            }
        }
    }
    cursor.eat(b' ');
    cursor.eat_str(b"\xEF\xBB\xBF");
    body(raw, cursor.rest_range(), draft, level);
    true
}

/// One element of structured data: `[id name="value" …]`, kept as `id.name`.
fn element(cursor: &mut Cursor, draft: &mut Draft) -> bool {
    cursor.eat(b'[');
    let id = cursor.take_while(|byte| !matches!(byte, b' ' | b']'));
    let mut path = std::mem::take(&mut draft.path);
    path.clear();
    path.push_str(&String::from_utf8_lossy(cursor.slice(&id)).to_lowercase());
    path.push('.');
    let stem = path.len();
    let complete = loop {
        cursor.skip_spaces();
        if cursor.eat(b']') {
            break true;
        }
        let name = cursor.take_while(|byte| !matches!(byte, b'=' | b' ' | b']'));
        if name.is_empty() || !cursor.eat(b'=') {
            break false;
        }
        let Some(value) = cursor.quoted() else { break false };
        path.truncate(stem);
        path.push_str(&String::from_utf8_lossy(cursor.slice(&name)).to_lowercase());
        draft.fields.push_named_raw(&path, value);
    };
    draft.path = path;
    complete
}
