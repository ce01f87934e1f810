//! Rows under a header: CSV with any delimiter (and our own CSV without a header), Zeek TSV, W3C extended (IIS).

use std::ops::Range;

use crate::model::{Layout, Level, canonical_name};

use super::cursor::Cursor;
use super::draft::Draft;
use super::timestamp;

/// Most columns that are taken up.
const MAX_COLUMNS: usize = 512;

/// Our own CSV without a header: a time, a comma, a level, and five more columns.
pub(super) fn events(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    if !cursor.peek().is_ascii_digit() {
        return false;
    }
    // An impossible date is still the first column of a row, which then has no time.
    let stamp = timestamp::read(raw, cursor.pos);
    let Some(time) = cursor.until(b',') else { return false };
    let dated = time.len() >= 10 && matches!(cursor.slice(&time), [_, _, _, _, b'-' | b'/', ..]);
    if stamp.map_or(!dated, |stamp| stamp.len != time.len()) {
        return false;
    }
    let Some(level) = cursor.until(b',') else { return false };
    let Some(known) = Level::from_word(cursor.slice(&level)) else { return false };
    for name in ["event_type", "source_ip", "target_resource", "status"] {
        let Some(value) = cell(&mut cursor, b',') else { return false };
        draft.push(raw, name, value);
        if !cursor.eat(b',') {
            return false;
        }
    }
    draft.stamp = stamp;
    draft.level = Some(known);
    draft.fields.push_raw("level_raw", level);
    rest_as_message(raw, cursor, draft);
    true
}

/// The last column: all that is left, without the quotes where it is quoted as a whole.
fn rest_as_message(raw: &[u8], cursor: Cursor, draft: &mut Draft) {
    let mut range = cursor.rest_range();
    let bytes = cursor.rest();
    if bytes.len() >= 2 && bytes.starts_with(b"\"") && bytes.ends_with(b"\"") {
        range = range.start + 1..range.end - 1;
        if let Some(inner) = raw.get(range.clone()).filter(|inner| memchr::memmem::find(inner, b"\"\"").is_some()) {
            let plain = without_doubled(inner);
            draft.has_message = true;
            draft.fields.push_derived("message", &plain);
            return;
        }
    }
    draft.message(range);
}

fn without_doubled(quoted: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter().peekable();
    while let Some(&byte) = bytes.next() {
        plain.push(byte);
        if byte == b'"' && bytes.peek() == Some(&&b'"') {
            bytes.next();
        }
    }
    plain
}

/// One cell; a quoted one may hold the delimiter and line ends.
fn cell(cursor: &mut Cursor, delimiter: u8) -> Option<Range<usize>> {
    if cursor.peek() == b'"' {
        let mut ahead = *cursor;
        ahead.pos += 1;
        let mut closed = false;
        while let Some(n) = memchr::memchr(b'"', ahead.rest()) {
            ahead.pos += n + 1;
            if ahead.peek() != b'"' {
                closed = true;
                break;
            }
            ahead.pos += 1;
        }
        if closed && (ahead.is_empty() || ahead.peek() == delimiter) {
            let range = cursor.pos + 1..ahead.pos - 1;
            *cursor = ahead;
            return Some(range);
        }
    }
    let n = memchr::memchr2(delimiter, b'\n', cursor.rest()).unwrap_or(cursor.rest().len());
    let range = cursor.pos..cursor.pos + n;
    cursor.pos += n;
    (cursor.is_empty() || cursor.peek() == delimiter).then_some(range)
}

/// CSV by the columns of its header.
pub(super) fn csv(layout: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let delimiter = layout.delimiter.unwrap_or(b',');
    let mut cursor = Cursor::new(raw);
    if layout.columns.is_empty() || cursor.is_empty() {
        return false;
    }
    let last = layout.columns.len() - 1;
    for (number, name) in layout.columns.iter().enumerate() {
        let whole_rest = number == last && name == "message";
        if whole_rest {
            rest_as_message(raw, cursor, draft);
            return true;
        }
        let Some(value) = cell(&mut cursor, delimiter) else { return false };
        column(raw, name, value, draft);
        let more = cursor.eat(delimiter);
        if number == 0 && last > 0 && !more {
            return false;
        }
        if !more {
            break;
        }
    }
    if !draft.has_message {
        let line = Cursor::new(raw);
        draft.message(line.rest_range());
    }
    true
}

/// Keeps one column by its name; doubled quotes are taken out.
fn column(raw: &[u8], name: &str, value: Range<usize>, draft: &mut Draft) {
    let bytes = raw.get(value.clone()).unwrap_or_default();
    if bytes.is_empty() || bytes == b"-" {
        return;
    }
    if memchr::memmem::find(bytes, b"\"\"").is_some() && value.start > 0 && raw.get(value.start - 1) == Some(&b'"') {
        let plain = without_doubled(bytes);
        draft.assign_derived(name, &plain);
        return;
    }
    draft.assign(raw, name, value);
}

/// Zeek's tab-separated values by the columns of `#fields`.
pub(super) fn zeek(layout: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let delimiter = layout.delimiter.unwrap_or(b'\t');
    let mut cursor = Cursor::new(raw);
    if layout.columns.is_empty() || cursor.peek() == b'#' {
        return false;
    }
    for name in &layout.columns {
        let from = cursor.pos;
        let n = memchr::memchr(delimiter, cursor.rest()).unwrap_or(cursor.rest().len());
        cursor.pos += n;
        if !matches!(cursor.slice(&(from..from + n)), b"(empty)" | b"" | b"-") {
            draft.assign(raw, name, from..from + n);
        }
        if !cursor.eat(delimiter) {
            break;
        }
    }
    draft.message(Cursor::new(raw).rest_range());
    true
}

/// W3C extended log: blank-separated values by the columns of `#Fields`; date and time are two columns.
pub(super) fn w3c(layout: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    if layout.columns.is_empty() || cursor.peek() == b'#' {
        return false;
    }
    let line = cursor.rest_range();
    let (mut date, mut clock) = (None, None);
    for name in &layout.columns {
        cursor.take_while(|byte| byte == b' ' || byte == b'\t');
        let value = match cursor.quoted() {
            Some(value) => value,
            None => match cursor.word() {
                Some(value) => value,
                None => break,
            },
        };
        match name.as_str() {
            "date" => date = Some(value),
            "time" => clock = Some(value),
            _ if matches!(raw.get(value.clone()), Some(b"-" | b"")) => {}
            _ => draft.assign(raw, name, value),
        }
    }
    stamp_of_columns(raw, date, clock, draft);
    draft.message(line);
    true
}

/// Joins a date and a time column. The format says that both are UTC.
fn stamp_of_columns(raw: &[u8], date: Option<Range<usize>>, clock: Option<Range<usize>>, draft: &mut Draft) {
    let Some(clock) = clock else { return };
    let clock = raw.get(clock).unwrap_or_default();
    let Some(date) = date else {
        draft.stamp = timestamp::value(clock);
        return;
    };
    let mut text = std::mem::take(&mut draft.text);
    text.clear();
    text.extend_from_slice(raw.get(date).unwrap_or_default());
    text.push(b' ');
    text.extend_from_slice(clock);
    draft.stamp = timestamp::value(&text).map(|stamp| match stamp.when {
        timestamp::When::Local(time) => timestamp::Stamp { when: timestamp::When::Exact(time), ..stamp },
        _ => stamp,
    });
    draft.text = text;
}

/// The columns a line of the head declares, if it is such a line: `#fields` of Zeek, `#Fields:` of W3C.
pub(super) fn directive(line: &[u8]) -> Option<Layout> {
    let cursor = Cursor::new(line);
    let text = cursor.rest();
    if let Some(rest) = text.strip_prefix(b"#fields") {
        let delimiter = *rest.first()?;
        let columns = names(rest.get(1..)?.split(|byte| *byte == delimiter));
        return Some(Layout { format: "zeek".to_owned(), columns, delimiter: Some(delimiter), pattern: None });
    }
    let rest = text.strip_prefix(b"#Fields:")?;
    let columns = names(rest.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty()));
    Some(Layout { format: "w3c".to_owned(), columns, delimiter: None, pattern: None })
}

fn names<'a>(words: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    words.take(MAX_COLUMNS).map(|word| String::from_utf8_lossy(word).trim().trim_matches('"').to_lowercase()).collect()
}

/// The layout of a CSV whose first line is `line`, if that reads as a header and `rows` agree with it.
pub(super) fn header(line: &[u8], rows: &[&[u8]]) -> Option<Layout> {
    let cursor = Cursor::new(line);
    [b',', b'\t', b';', b'|'].into_iter().find_map(|delimiter| {
        let columns: Vec<String> = cells(cursor, delimiter).map(|name| canonical_column(&name)).collect();
        let proper = |name: &String| {
            (1..=64).contains(&name.len())
                && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '@')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.@() /#".contains(c))
        };
        if columns.len() < 2 || columns.len() > MAX_COLUMNS || !columns.iter().all(proper) {
            return None;
        }
        let layout = Layout { format: "csv".to_owned(), columns, delimiter: Some(delimiter), pattern: None };
        let agree = rows.iter().filter(|row| agrees(&layout, row)).count();
        (agree * 10 >= rows.len() * 6).then_some(layout)
    })
}

fn canonical_column(name: &str) -> String {
    let name = canonical_name(name.trim());
    if name == "message_raw" { "message".to_owned() } else { name }
}

fn cells<'a>(mut cursor: Cursor<'a>, delimiter: u8) -> impl Iterator<Item = String> + 'a {
    let mut done = false;
    std::iter::from_fn(move || {
        if done {
            return None;
        }
        let range = cell(&mut cursor, delimiter)?;
        done = !cursor.eat(delimiter);
        Some(String::from_utf8_lossy(cursor.slice(&range)).into_owned())
    })
}

/// Whether a row has as many cells as the header (more where the last column is free text).
pub(super) fn agrees(layout: &Layout, row: &[u8]) -> bool {
    let delimiter = layout.delimiter.unwrap_or(b',');
    let count = cells(Cursor::new(row), delimiter).count();
    count == layout.columns.len()
        || count > layout.columns.len() && layout.columns.last().is_some_and(|name| name == "message")
}

/// Whether a line reads as a full row whose time column is a time; tells a new row from a line inside a quoted cell.
pub(super) fn row_begins(layout: &Layout, line: &[u8]) -> bool {
    let delimiter = layout.delimiter.unwrap_or(b',');
    let mut cursor = Cursor::new(line);
    for name in &layout.columns {
        let Some(value) = cell(&mut cursor, delimiter) else { return false };
        if matches!(super::alias::role(name), Some(super::alias::Role::Time(_))) {
            return timestamp::value(cursor.slice(&value)).is_some();
        }
        if !cursor.eat(delimiter) {
            return false;
        }
    }
    false
}
