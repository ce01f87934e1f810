//! Lines to records: where in a line a record begins, and which lines belong to the record before them.

use crate::model::Layout;

use super::cursor::{Cursor, number};
use super::format::Frame;
use super::{address, generic, json, table, timestamp};

/// A record that has grown to this many bytes is closed, whatever follows.
const MAX_RECORD: usize = 1 << 20;

/// The framing state of one input.
#[derive(Debug, Clone)]
pub(super) struct Framer {
    frame: Frame,
    /// Bytes of the record so far; 0 before the first.
    length: usize,
    /// Whether a quoted cell of a CSV is open.
    quoted: bool,
    /// Pid, message number and part number of PostgreSQL's last line through syslog.
    part: Option<(u64, u64, u64)>,
    json: Nesting,
}

/// Where in a JSON text the last line ended.
#[derive(Debug, Clone, Copy, Default)]
struct Nesting {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// Depth at which an object is a record: 0, or 1 inside an array, or 2 inside `{"Records":[`.
    at: usize,
    /// Whether the input's objects are wrapped as a whole.
    wrapped: bool,
    /// Whether the record that is open has had its object yet.
    filled: bool,
}

impl Framer {
    pub(super) fn new(frame: Frame, sample: &[u8]) -> Self {
        let start = Cursor::new(sample);
        let text = start.rest().trim_ascii_start();
        let wrapped = frame == Frame::Json && json::wrapped(text).is_some();
        Framer { frame, length: 0, quoted: false, part: None, json: Nesting { wrapped, ..Nesting::default() } }
    }

    /// Says that the input goes on in the middle: its first line may continue a record.
    pub(super) fn resumed(&mut self) {
        self.length = 1;
    }

    /// Appends the offsets within `line` at which records begin.
    pub(super) fn line(&mut self, line: &[u8], layout: &Layout, cuts: &mut Vec<usize>) {
        let known = cuts.len();
        if self.frame == Frame::Json {
            self.objects(line, cuts);
        } else if self.begins(line, layout) || self.length == 0 || self.length > MAX_RECORD {
            cuts.push(0);
        }
        let last = cuts.get(known..).and_then(|new| new.last());
        self.length = match last {
            Some(&at) => line.len().saturating_sub(at).max(1),
            None => self.length.saturating_add(line.len()),
        };
    }

    fn begins(&mut self, line: &[u8], layout: &Layout) -> bool {
        match self.frame {
            Frame::Row => layout.format != "csv" || self.row(line, layout),
            Frame::Line if layout.format == "syslog" => {
                !self.next_part(line) && (!generic::continues(line) || stamped_inside(line))
            }
            Frame::Line => !generic::continues(line) || stamped_inside(line),
            Frame::Block => block_begins(line),
            Frame::Json => true,
        }
    }

    /// Whether a line is the next part of the message that the line before it began: PostgreSQL sends `[7-1]`, `[7-2]`, ….
    fn next_part(&mut self, line: &[u8]) -> bool {
        let before = std::mem::replace(&mut self.part, postgres_part(line));
        match (before, self.part) {
            (Some((pid, message, part)), Some(now)) => now == (pid, message, part.saturating_add(1)),
            _ => false,
        }
    }

    /// CSV: a line inside a quoted cell continues its row, unless it plainly is a row itself.
    fn row(&mut self, line: &[u8], layout: &Layout) -> bool {
        // Where the last column is free text, a line that is no row goes on with it (a stack trace).
        let open_ended = layout.columns.last().is_some_and(|name| name == "message") && layout.columns.len() > 2;
        let begins = table::row_begins(layout, line) || !self.quoted && (!open_ended || table::agrees(layout, line));
        if begins {
            self.quoted = false;
        }
        if memchr::memchr_iter(b'"', line).count() % 2 == 1 {
            // An odd quote opens a cell only where a cell can begin.
            self.quoted = !self.quoted && opens_cell(line, layout.delimiter.unwrap_or(b','));
        }
        begins
    }

    fn objects(&mut self, line: &[u8], cuts: &mut Vec<usize>) {
        let content = Cursor::new(line);
        let text = content.rest();
        if self.json.depth > 0 && self.json.at == 0 && text.starts_with(b"{\"") || self.length > 16 * MAX_RECORD {
            // The object before was cut off; this is a new one.
            self.json = Nesting { wrapped: self.json.wrapped, ..Nesting::default() };
        }
        if self.json.depth == 0 {
            let first = text.iter().position(|byte| !byte.is_ascii_whitespace());
            let Some(first) = first else {
                if self.length == 0 {
                    cuts.push(0);
                }
                return;
            };
            match text.get(first) {
                Some(b'{') if !self.json.wrapped && whole(text) => {
                    cuts.push(0);
                    return;
                }
                Some(b'{' | b'[') => {}
                Some(b']' | b',') if self.length > 0 => return,
                _ => {
                    if self.length == 0 || !generic::continues(line) {
                        cuts.push(0);
                    }
                    return;
                }
            }
        }
        self.json.scan(line, content.pos, cuts);
    }
}

/// Whether a line that begins with a brace ends with one too: a whole object, in practice.
fn whole(text: &[u8]) -> bool {
    let end = text.trim_ascii_end();
    end.last() == Some(&b'}') && json::wrapped(text).is_none() && balanced_hint(end)
}

/// A line of pretty-printed JSON may be `{ "a": {}`; that is short, and so counted out.
fn balanced_hint(text: &[u8]) -> bool {
    if text.len() > 4_096 {
        return true;
    }
    let mut nesting = Nesting::default();
    nesting.scan(text, 0, &mut Vec::new());
    nesting.depth == 0
}

impl Nesting {
    fn scan(&mut self, line: &[u8], from: usize, cuts: &mut Vec<usize>) {
        let mut at = from;
        let mut blank_so_far = true;
        while let Some(&byte) = line.get(at) {
            if self.in_string {
                if self.escaped {
                    self.escaped = false;
                    at += 1;
                    continue;
                }
                let Some(n) = memchr::memchr2(b'"', b'\\', line.get(at..).unwrap_or_default()) else { return };
                at += n;
                if line.get(at) == Some(&b'"') {
                    self.in_string = false;
                } else {
                    self.escaped = true;
                }
                at += 1;
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.open(byte, if blank_so_far { 0 } else { at }, cuts),
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        self.at = 0;
                    }
                }
                _ => {}
            }
            if !matches!(byte, b' ' | b'\t') {
                blank_so_far = false;
            }
            at += 1;
        }
    }

    fn open(&mut self, byte: u8, offset: usize, cuts: &mut Vec<usize>) {
        if self.depth == 0 {
            self.at = if byte == b'[' { 1 } else { 2 * usize::from(self.wrapped) };
            self.filled = byte == b'{' && !self.wrapped;
            cuts.push(offset);
        } else if byte == b'{' && self.depth == self.at {
            // The first element belongs to the bracket before it.
            if self.filled {
                cuts.push(offset);
            }
            self.filled = true;
        }
        self.depth += 1;
    }
}

/// Pid and numbers of `… postgres[pid]: [message-part] …`.
fn postgres_part(line: &[u8]) -> Option<(u64, u64, u64)> {
    let head = line.get(..line.len().min(160))?;
    let close = memchr::memchr(b']', head).filter(|close| head.get(close + 1..close + 4) == Some(b": ["))?;
    let open = memchr::memrchr(b'[', head.get(..close)?)?;
    let pid = number(head.get(open + 1..close)?)?;
    let inner = head.get(close + 4..)?;
    let end = memchr::memchr(b']', inner)?;
    let dash = memchr::memchr(b'-', inner.get(..end)?)?;
    Some((pid, number(inner.get(..dash)?)?, number(inner.get(dash + 1..end)?)?))
}

/// Whether an odd quote of the line stands where a cell begins.
fn opens_cell(line: &[u8], delimiter: u8) -> bool {
    let Some(at) = memchr::memrchr(b'"', line) else { return false };
    at == 0 || line.get(at - 1) == Some(&delimiter) || line.iter().take(at).filter(|byte| **byte == b'"').count() == 0
}

/// Whether an indented line has a stamp of its own right behind the indentation.
fn stamped_inside(line: &[u8]) -> bool {
    let mut cursor = Cursor::new(line);
    cursor.skip_spaces() > 0 && timestamp::read(line, cursor.pos).is_some()
}

/// Whether a line begins a record in formats whose records begin with a stamp.
pub(super) fn block_begins(line: &[u8]) -> bool {
    let mut cursor = Cursor::new(line);
    if cursor.peek() == b'#' {
        // "#0 /srv/x.php(3)" is a frame of PHP's stack, anything else a comment.
        return !cursor.ahead(1).is_ascii_digit();
    }
    if cursor.peek() == b'<' {
        cursor.pos += 1;
        cursor.take_while(|byte| byte.is_ascii_digit());
        cursor.eat(b'>');
    } else if !cursor.eat_str(b"- ") && matches!(cursor.peek(), b'[' | b'(' | b'"') {
        cursor.pos += 1;
    }
    if timestamp::read(line, cursor.pos).is_some() {
        return true;
    }
    // A date that can't be is meant as one all the same: the record has no time, but it is one.
    if let Some([a, b, c, d, b'-' | b'/', e, ..]) = line.get(cursor.pos..)
        && [a, b, c, d, e].iter().all(|byte| byte.is_ascii_digit())
    {
        return true;
    }
    match line.first() {
        Some(b'{' | b'[') => json::opens(line) && line.trim_ascii_end().ends_with(b"}"),
        // What begins records of formats that do not begin with a stamp: an access log's address, glog's letter, audit, CEF.
        Some(b'0'..=b'9') => {
            address::leading(line).is_some_and(|end| line.get(end) == Some(&b' ')) && access_stamp(line)
        }
        Some(b'I' | b'W' | b'E' | b'F') => {
            matches!(line, [_, b'0' | b'1', b'0'..=b'9', b'0'..=b'3', b'0'..=b'9', b' ', ..])
        }
        Some(b't') => line.starts_with(b"type=") && memchr::memmem::find(line, b" msg=audit(").is_some(),
        Some(b'C') => line.starts_with(b"CEF:"),
        _ => false,
    }
}

/// Whether a stamp in brackets stands near, as in access logs.
fn access_stamp(line: &[u8]) -> bool {
    let head = line.get(..line.len().min(128)).unwrap_or_default();
    memchr::memchr(b'[', head).is_some_and(|at| timestamp::read(line, at + 1).is_some())
}
