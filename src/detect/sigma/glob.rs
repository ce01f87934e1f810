//! Text with wildcards: what a rule's value looks like once its modifiers are applied, and whether a text matches it.

use memchr::memmem;

/// A piece of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// A byte of text.
    Byte(u8),
    /// `*`: any run of characters.
    Any,
    /// `?`: one character.
    One,
    /// Any of the marks that begin an option on Windows.
    Dash,
}

/// The marks that Windows takes for the beginning of an option.
const DASHES: [&[u8]; 5] = [b"-", b"/", "\u{2013}".as_bytes(), "\u{2014}".as_bytes(), "\u{2015}".as_bytes()];

/// Cuts a value as rules write it: `*` and `?` are wildcards, a backslash takes the meaning of these and of itself away.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::with_capacity(text.len());
    let mut escaped = false;
    for &byte in text.as_bytes() {
        match (escaped, byte) {
            (true, b'*' | b'?' | b'\\') => {
                out.push(Token::Byte(byte));
                escaped = false;
            }
            (false, b'\\') => escaped = true,
            (false, b'*') => out.push(Token::Any),
            (false, b'?') => out.push(Token::One),
            _ => {
                if escaped {
                    out.push(Token::Byte(b'\\'));
                    escaped = false;
                }
                out.push(Token::Byte(byte));
            }
        }
    }
    if escaped {
        out.push(Token::Byte(b'\\'));
    }
    out
}

/// Appends `text` in lower case, character by character; bytes that are no UTF-8 keep what is not ASCII.
pub(super) fn fold(text: &[u8], out: &mut Vec<u8>) {
    let from = out.len();
    if !text.is_ascii()
        && let Ok(text) = std::str::from_utf8(text)
    {
        let mut buffer = [0; 4];
        for letter in text.chars().flat_map(char::to_lowercase) {
            out.extend_from_slice(letter.encode_utf8(&mut buffer).as_bytes());
        }
        return;
    }
    out.extend_from_slice(text);
    if let Some(added) = out.get_mut(from..) {
        added.make_ascii_lowercase();
    }
}

#[derive(Debug)]
enum Piece {
    Text(Box<[u8]>),
    One,
    Dash,
}

/// What stands between two `*`.
#[derive(Debug)]
struct Segment {
    /// No prepared searcher: tens of thousands of them would take more memory than all the rest.
    pieces: Box<[Piece]>,
}

/// A pattern of text and wildcards. Matching takes time linear in the text for each segment, never more than their product.
#[derive(Debug)]
pub(super) struct Glob {
    segments: Vec<Segment>,
    from_start: bool,
    to_end: bool,
}

impl Glob {
    /// A pattern that a whole text must match; in lower case unless `cased`.
    pub fn new(tokens: &[Token], cased: bool) -> Glob {
        let segments = tokens.split(|token| *token == Token::Any).filter(|part| !part.is_empty());
        Glob {
            segments: segments.map(|part| Segment::new(part, cased)).collect(),
            from_start: tokens.first() != Some(&Token::Any),
            to_end: tokens.last() != Some(&Token::Any),
        }
    }

    /// Whether `text` (in lower case where the pattern is not cased) matches.
    pub fn matches(&self, text: &[u8]) -> bool {
        let last = self.segments.len().saturating_sub(1);
        let mut at = 0;
        for (index, segment) in self.segments.iter().enumerate() {
            let end = match (index == 0 && self.from_start, index == last && self.to_end) {
                (true, true) => segment.at(text, 0).filter(|end| *end == text.len()),
                (true, false) => segment.at(text, 0),
                (false, true) => segment.at_end(text, at),
                (false, false) => segment.find(text, at),
            };
            match end {
                Some(end) => at = end,
                None => return false,
            }
        }
        let nothing = self.segments.is_empty() && self.from_start && self.to_end;
        !nothing || text.is_empty()
    }

    /// The longest text that every match contains; `None` where anything may match.
    pub fn literal(&self) -> Option<&[u8]> {
        let pieces = self.segments.iter().flat_map(|segment| segment.pieces.iter());
        let texts = pieces.filter_map(|piece| if let Piece::Text(text) = piece { Some(&**text) } else { None });
        // The last of equal length: the end of a path says more than its beginning.
        texts.max_by_key(|text| text.len())
    }
}

impl Segment {
    fn new(tokens: &[Token], cased: bool) -> Segment {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut text = Vec::new();
        for token in tokens.iter().map(Some).chain([None]) {
            if let Some(Token::Byte(byte)) = token {
                text.push(*byte);
                continue;
            }
            if !text.is_empty() {
                let mut kept = Vec::with_capacity(text.len());
                if cased {
                    kept.extend_from_slice(&text);
                } else {
                    fold(&text, &mut kept);
                }
                text.clear();
                pieces.push(Piece::Text(kept.into_boxed_slice()));
            }
            match token {
                Some(Token::Dash) => pieces.push(Piece::Dash),
                Some(_) => pieces.push(Piece::One),
                None => {}
            }
        }
        Segment { pieces: pieces.into_boxed_slice() }
    }

    /// Where the segment ends if it begins at `at`.
    fn at(&self, text: &[u8], mut at: usize) -> Option<usize> {
        for piece in &*self.pieces {
            let rest = text.get(at..)?;
            at += match piece {
                Piece::Text(text) => rest.starts_with(text).then_some(text.len())?,
                Piece::One => character(rest)?,
                Piece::Dash => DASHES.iter().find(|dash| rest.starts_with(dash))?.len(),
            };
        }
        Some(at)
    }

    /// The end of its first occurrence from `from` on.
    fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        if let [Piece::Text(wanted)] = &*self.pieces {
            return Some(from + memmem::find(text.get(from..)?, wanted)? + wanted.len());
        }
        (from..=text.len()).find_map(|at| self.at(text, at))
    }

    /// The end of the text, where the segment ends there and begins not before `from`.
    fn at_end(&self, text: &[u8], from: usize) -> Option<usize> {
        if let [Piece::Text(wanted)] = &*self.pieces {
            return text.get(from..)?.ends_with(wanted).then_some(text.len());
        }
        (from..=text.len()).find_map(|at| self.at(text, at).filter(|end| *end == text.len()))
    }
}

/// Bytes of the first character; one where it is no UTF-8.
fn character(text: &[u8]) -> Option<usize> {
    let length = match text.first()? {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    let rest = text.get(1..length);
    Some(if rest.is_some_and(|rest| rest.iter().all(|byte| byte & 0xc0 == 0x80)) { length } else { 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Glob::new(&tokens(pattern), false).matches(text.as_bytes())
    }

    #[test]
    fn wildcards_match_whole_texts() {
        for (pattern, text, expected) in [
            ("abc", "abc", true),
            ("ABC", "abc", true),
            ("abc", "abcd", false),
            ("", "", true),
            ("", "x", false),
            ("*", "", true),
            ("?*", "", false),
            ("?*", "ä", true),
            ("a?c", "aäc", true),
            ("a?c", "ac", false),
            ("*b*d", "abcd", true),
            ("*b*d", "abdc", false),
            ("a*a", "a", false),
            ("*x?z", "xyz xaz", true),
            (r"c:\\win*", r"c:\windows", true),
            (r"c:\win\*", r"c:\win*", true),
            (r"c:\win\*", r"c:\wind", false),
            (r"c:\win\\*", r"c:\win\d", true),
            (r"a\?b", "a?b", true),
            (r"a\?b", "axb", false),
            ("ÄÖ*", "äöü", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_longest_literal_is_what_must_be_there() {
        let literal = |pattern: &str| Glob::new(&tokens(pattern), false).literal().map(<[u8]>::to_vec);
        assert_eq!(literal("*ab?cde*f"), Some(b"cde".to_vec()));
        assert_eq!(literal("*?"), None);
    }
}
