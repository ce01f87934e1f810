//! A reading position in the bytes of one record; every step is bounds-checked and gives ranges of the record.

use std::ops::Range;

/// A position in a record. Copying it is how a reader looks ahead.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    raw: &'a [u8],
    /// Offset of the next byte.
    pub pos: usize,
    /// Offset past the last byte of content (the terminator of the last line is not content).
    pub end: usize,
}

impl<'a> Cursor<'a> {
    /// Starts at the content of a record: past a byte order mark and colour codes, up to the terminator.
    pub fn new(raw: &'a [u8]) -> Self {
        let mut end = raw.len();
        if raw.last() == Some(&b'\n') {
            end -= 1;
            if end > 0 && raw.get(end - 1) == Some(&b'\r') {
                end -= 1;
            }
        }
        let mut cursor = Cursor { raw, pos: 0, end };
        if cursor.peek() >= 0xEF || cursor.peek() == 0x1B {
            cursor.eat_str(b"\xEF\xBB\xBF");
            while cursor.skip_escape() {}
        }
        cursor
    }

    /// A cursor over a part of the same record.
    pub fn within(&self, range: Range<usize>) -> Self {
        let end = range.end.min(self.raw.len());
        Cursor { raw: self.raw, pos: range.start.min(end), end }
    }

    /// The bytes of a range of the record.
    pub fn slice(&self, range: &Range<usize>) -> &'a [u8] {
        self.raw.get(range.start..range.end).unwrap_or_default()
    }

    /// What is left.
    pub fn rest(&self) -> &'a [u8] {
        self.raw.get(self.pos..self.end).unwrap_or_default()
    }

    /// The range of what is left.
    pub fn rest_range(&self) -> Range<usize> {
        self.pos.min(self.end)..self.end
    }

    /// The next byte, 0 at the end.
    #[inline]
    pub fn peek(&self) -> u8 {
        self.ahead(0)
    }

    /// The byte `n` further on, 0 past the end.
    #[inline]
    pub fn ahead(&self, n: usize) -> u8 {
        let at = self.pos + n;
        if at < self.end { self.raw.get(at).copied().unwrap_or(0) } else { 0 }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.pos >= self.end
    }

    /// Steps over `byte` if it is next.
    #[inline]
    pub fn eat(&mut self, byte: u8) -> bool {
        let hit = self.pos < self.end && self.peek() == byte;
        self.pos += usize::from(hit);
        hit
    }

    /// Steps over `text` if it is next.
    pub fn eat_str(&mut self, text: &[u8]) -> bool {
        let hit = self.rest().starts_with(text);
        if hit {
            self.pos += text.len();
        }
        hit
    }

    /// Steps over spaces and tabs; how many.
    pub fn skip_spaces(&mut self) -> usize {
        let from = self.pos;
        while matches!(self.peek(), b' ' | b'\t') && self.pos < self.end {
            self.pos += 1;
        }
        self.pos - from
    }

    /// Steps over one colour code or other control sequence (`ESC [ … letter`).
    pub fn skip_escape(&mut self) -> bool {
        if self.peek() != 0x1B || self.ahead(1) != b'[' {
            return false;
        }
        let mut at = *self;
        at.pos += 2;
        while matches!(at.peek(), b'0'..=b'9' | b';' | b'?') {
            at.pos += 1;
        }
        if !at.peek().is_ascii_alphabetic() {
            return false;
        }
        self.pos = at.pos + 1;
        true
    }

    /// Takes bytes while `keep` holds; the range may be empty.
    #[inline]
    pub fn take_while(&mut self, keep: impl Fn(u8) -> bool) -> Range<usize> {
        let from = self.pos;
        let rest = self.rest();
        let n = rest.iter().position(|&byte| !keep(byte)).unwrap_or(rest.len());
        self.pos += n;
        from..self.pos
    }

    /// Takes bytes up to a space, a tab or a line end; `None` where there is none to take.
    pub fn word(&mut self) -> Option<Range<usize>> {
        let range = self.take_while(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        (!range.is_empty()).then_some(range)
    }

    /// Takes decimal digits; `None` where the next byte is none.
    pub fn digits(&mut self) -> Option<Range<usize>> {
        let range = self.take_while(|byte| byte.is_ascii_digit());
        (!range.is_empty()).then_some(range)
    }

    /// Takes bytes up to `byte` and steps over it; `None` (and no step) where it does not come on this line.
    pub fn until(&mut self, byte: u8) -> Option<Range<usize>> {
        let from = self.pos;
        let n = memchr::memchr2(byte, b'\n', self.rest())?;
        if self.ahead(n) != byte {
            return None;
        }
        self.pos = from + n + 1;
        Some(from..from + n)
    }

    /// Takes a part enclosed by `open` and `close` on this line, without them. Nested pairs stay inside, up to the level
    /// that the line closes.
    pub fn enclosed(&mut self, open: u8, close: u8) -> Option<Range<usize>> {
        if self.peek() != open {
            return None;
        }
        let from = self.pos + 1;
        let mut depth = 0usize;
        for (n, &byte) in self.rest().iter().enumerate() {
            if byte == open {
                depth += 1;
            } else if byte == close {
                depth -= 1;
                if depth == 0 {
                    self.pos += n + 1;
                    return Some(from..self.pos - 1);
                }
            } else if byte == b'\n' {
                return None;
            }
        }
        None
    }

    /// Takes a double-quoted part without its quotes; a backslash shields the next byte.
    pub fn quoted(&mut self) -> Option<Range<usize>> {
        if self.peek() != b'"' {
            return None;
        }
        let from = self.pos + 1;
        let mut at = from;
        loop {
            let rest = self.raw.get(at..self.end)?;
            let n = memchr::memchr2(b'"', b'\\', rest)?;
            at += n;
            if self.raw.get(at) == Some(&b'"') {
                self.pos = at + 1;
                return Some(from..at);
            }
            at += 2;
        }
    }
}

/// The number that decimal digits stand for, or `None` where it is empty, too large or not all digits.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 20 {
        return None;
    }
    digits.iter().try_fold(0u64, |sum, &byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 { None } else { sum.checked_mul(10)?.checked_add(u64::from(digit)) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_leaves_out_mark_colours_and_terminator() {
        assert_eq!(Cursor::new(b"\xEF\xBB\xBFa b\r\n").rest(), b"a b");
        assert_eq!(Cursor::new(b"\x1b[0;31mred\n").rest(), b"red");
        assert_eq!(Cursor::new(b"\n").rest(), b"");
        assert_eq!(Cursor::new(b"").rest(), b"");
    }

    #[test]
    fn quoted_text_ends_at_an_unshielded_quote() {
        let mut cursor = Cursor::new(br#""a\"b" c"#);
        let range = cursor.quoted().unwrap();
        assert_eq!(cursor.slice(&range), br#"a\"b"#);
        assert_eq!(cursor.rest(), b" c");
        assert!(Cursor::new(br#""open\"#).quoted().is_none());
    }

    #[test]
    fn enclosed_parts_nest_and_do_not_cross_lines() {
        let mut cursor = Cursor::new(b"[a[b]c] d");
        let range = cursor.enclosed(b'[', b']').unwrap();
        assert_eq!(cursor.slice(&range), b"a[b]c");
        assert!(Cursor::new(b"[a\n]").enclosed(b'[', b']').is_none());
    }

    #[test]
    fn numbers_refuse_overflow_and_letters() {
        assert_eq!(number(b"51122"), Some(51_122));
        assert_eq!(number(b"99999999999999999999"), None);
        assert_eq!(number(b"1a"), None);
    }
}
