//! Stage 3: a message goes in; its constant part with typed slots comes out.
//!
//! Masking is stateless: the same message has the same template in every run and every store, whatever came before it.
//! One pass over the bytes, one look-up per byte; the buffers are reused, so a line allocates nothing. At most
//! [`Cut::MAX_TEXT`] bytes of text are built and at most 64 KiB of a message are read, so a 16 MiB line costs no more.

mod shape;

use crate::model::{Cut, Slot, SlotKind};
use shape::Found;
use xxhash_rust::xxh3::xxh3_64;

/// How far into a message the templater reads, in bytes.
const REACH: usize = 64 * 1024;

/// What a byte can be part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Part of a word.
    Word,
    /// Part of a word, and a digit.
    Digit,
    /// White space or a control character.
    Blank,
    /// Anything else: copied, and it parts words.
    Mark,
}

/// Class of every byte. Bytes of 128 and above are letters of some encoding.
static CLASS: [Class; 256] = classes();

#[allow(clippy::indexing_slicing, reason = "evaluated at compile time; the index is below 256")]
const fn classes() -> [Class; 256] {
    let mut table = [Class::Mark; 256];
    let mut byte = 0;
    while byte < 256 {
        let value = byte as u8;
        table[byte] = if value.is_ascii_digit() {
            Class::Digit
        } else if value.is_ascii_alphabetic() || value >= 128 || matches!(value, b'_' | b'-' | b'.' | b'$' | b'@') {
            Class::Word
        } else if value <= b' ' || value == 127 {
            Class::Blank
        } else {
            Class::Mark
        };
        byte += 1;
    }
    table
}

fn class(byte: u8) -> Class {
    CLASS.get(usize::from(byte)).copied().unwrap_or(Class::Mark)
}

/// Cuts messages into templates; holds only buffers, no knowledge.
#[derive(Debug, Default)]
pub struct Templater {
    text: Vec<u8>,
    valid: String,
    slots: Vec<Slot>,
    words: Vec<(u32, u32)>,
}

impl Templater {
    /// A templater with empty buffers.
    pub fn new() -> Self {
        Templater::default()
    }

    /// Cuts `message`; any bytes are accepted. What is returned lives until the next call.
    pub fn cut(&mut self, message: &[u8]) -> Cut<'_> {
        self.text.clear();
        self.slots.clear();
        self.words.clear();
        let reach = message.get(..REACH).unwrap_or(message);
        let whole = self.mask(reach) && reach.len() == message.len();
        self.finish(whole);
        Cut { hash: xxh3_64(self.valid.as_bytes()), text: &self.valid, slots: &self.slots, words: &self.words }
    }

    /// Masks `message` into `self.text`; false where the text grew too long and the rest was left out.
    fn mask(&mut self, message: &[u8]) -> bool {
        let mut at = 0;
        let mut target = false;
        while let Some(&byte) = message.get(at) {
            if self.text.len() >= Cut::MAX_TEXT {
                return false;
            }
            match class(byte) {
                Class::Blank => {
                    at += 1;
                    if !matches!(self.text.last(), None | Some(b' ')) {
                        self.text.push(b' ');
                    }
                }
                Class::Mark => {
                    at = match self.mark(message, at, target) {
                        Some(next) => next,
                        None => {
                            self.text.push(byte);
                            at + 1
                        }
                    };
                    target = false;
                }
                Class::Word | Class::Digit => (at, target) = self.word(message, at, target),
            }
        }
        true
    }

    /// A slot that starts with a mark: a path, a quoted text, an address; gives the offset after it.
    fn mark(&mut self, message: &[u8], at: usize, target: bool) -> Option<usize> {
        let (kind, end) = match message.get(at)? {
            b'/' if target => (SlotKind::Path, shape::target(message, at)),
            b'/' if self.opens_value() => (SlotKind::Path, shape::path(message, at)?),
            b'"' if self.opens_value() => {
                let end = shape::quoted(message, at)?;
                self.text.push(b'"');
                self.slot(SlotKind::Text, at + 1, end);
                self.text.push(b'"');
                return Some(end + 1);
            }
            b':' if self.opens_value() => (SlotKind::Ip, shape::ipv6(message, at)?),
            b'+' if self.opens_value() && message.get(at + 1).is_some_and(u8::is_ascii_digit) => {
                let Found { kind: SlotKind::Number, end } = shape::digits(message, at + 1)? else { return None };
                (SlotKind::Number, end)
            }
            _ => return None,
        };
        self.slot(kind, at, end);
        Some(end)
    }

    /// A run of word bytes: constant word or slot; gives the offset after it and whether the target of a request follows.
    fn word(&mut self, message: &[u8], at: usize, target: bool) -> (usize, bool) {
        if target {
            let end = shape::target(message, at);
            self.slot(SlotKind::Path, at, end);
            return (end, false);
        }
        if self.text.ends_with(b"HTTP/") {
            let end = run_end(message, at);
            self.copy(message, at, end);
            return (end, false);
        }
        if let Some(Found { kind, end }) = shape::digits(message, at) {
            self.slot(kind, at, end);
            return (end, false);
        }
        let mut end = run_end(message, at);
        if message.get(end) == Some(&b':') {
            if let Some(end) = shape::url(message, at, end) {
                self.slot(SlotKind::Url, at, end);
                return (end, false);
            }
            if end - at <= 4
                && let Some(end) = shape::ipv6(message, at)
            {
                self.slot(SlotKind::Ip, at, end);
                return (end, false);
            }
        }
        // Punctuation at the end of a word belongs to the sentence, not to the word.
        while end > at + 1 && matches!(message.get(end - 1), Some(b'.' | b'-')) {
            end -= 1;
        }
        let word = message.get(at..end).unwrap_or_default();
        match shape::word(word) {
            Some(kind) => {
                self.slot(kind, at, end);
                (end, false)
            }
            None => {
                self.words.push((at as u32, end as u32));
                self.copy(message, at, end);
                let requests = message.get(end) == Some(&b' ')
                    && shape::is_method(word)
                    && matches!(message.get(end + 1), Some(b'/' | b'h' | b'*'));
                if requests {
                    self.text.push(b' ');
                }
                (if requests { end + 1 } else { end }, requests)
            }
        }
    }

    /// Whether a value may start here: after a blank, an opening bracket, a quote, an equals sign, or nothing.
    fn opens_value(&self) -> bool {
        matches!(self.text.last(), None | Some(b' ' | b'=' | b'(' | b'[' | b'{' | b'"' | b'\'' | b':' | b','))
    }

    fn copy(&mut self, message: &[u8], start: usize, end: usize) {
        let room = Cut::MAX_TEXT + 8;
        let bytes = message.get(start..end).unwrap_or_default();
        self.text.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// Adds a slot; a list of like values (`1,2,3,4`) is written as its first two, so its length makes no new template.
    fn slot(&mut self, kind: SlotKind, start: usize, end: usize) {
        self.slots.push(Slot { start: start as u32, end: end as u32, kind });
        let mask = kind.mask().as_bytes();
        if let Some((&mark, before)) = self.text.split_last()
            && matches!(mark, b',' | b' ' | b':' | b';' | b'|')
            && let Some(first) = before.strip_suffix(mask)
            && first.strip_suffix(&[mark]).is_some_and(|first| first.ends_with(mask))
        {
            let keep = before.len();
            self.text.truncate(keep);
            return;
        }
        self.text.extend_from_slice(mask);
    }

    /// Makes `self.valid` of `self.text`: valid UTF-8, no blank at the end, cut at the cap.
    fn finish(&mut self, whole: bool) {
        while self.text.last() == Some(&b' ') {
            self.text.pop();
        }
        self.valid.clear();
        let fits = whole && self.text.len() <= Cut::MAX_TEXT;
        for chunk in self.text.utf8_chunks() {
            self.valid.push_str(chunk.valid());
            if !chunk.invalid().is_empty() {
                self.valid.push('\u{fffd}');
            }
        }
        if !fits || self.valid.len() > Cut::MAX_TEXT {
            let mut end = self.valid.len().min(Cut::MAX_TEXT - '…'.len_utf8());
            while !self.valid.is_char_boundary(end) {
                end -= 1;
            }
            self.valid.truncate(end);
            self.valid.push('…');
        }
    }
}

/// The offset after the run of word bytes that starts at `at`.
fn run_end(message: &[u8], at: usize) -> usize {
    let rest = message.get(at..).unwrap_or_default();
    at + rest.iter().position(|&byte| !matches!(class(byte), Class::Word | Class::Digit)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests;
