//! Text from logs made safe to show: no control character, no invalid byte, no trick of direction reaches a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// Text with control characters (but not tabs between words) and characters that reorder or hide text written as `\xNN` or
/// `\u{NNNN}`.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        push(&mut out, letter);
    }
    Cow::Owned(out)
}

/// Bytes as text: what is UTF-8 as [`escape`] has it, every other byte as `\xNN`.
pub fn escape_bytes(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return escape(text);
    }
    let mut out = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            push(&mut out, letter);
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    Cow::Owned(out)
}

/// JSON text in which everything that could drive a terminal is written as `\uNNNN`; it means the same to programs.
///
/// JSON itself asks this only of the characters below U+0020.
pub fn escape_json(json: &str) -> Cow<'_, str> {
    let is_written = |letter: char| !letter.is_ascii_control() && is_unsafe(letter) || letter == '\u{7f}';
    if !json.contains(is_written) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for letter in json.chars() {
        if is_written(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(letter);
        }
    }
    Cow::Owned(out)
}

fn push(out: &mut String, letter: char) {
    if !is_unsafe(letter) {
        out.push(letter);
    } else if (letter as u32) < 0x100 {
        let _ = write!(out, "\\x{:02x}", letter as u32);
    } else {
        let _ = write!(out, "\\u{{{:x}}}", letter as u32);
    }
}

/// Control characters (C0, DEL, C1), and the format characters with which text can be made to look like other text:
/// bidirectional controls, zero-width characters, line and paragraph separators, tags.
fn is_unsafe(letter: char) -> bool {
    letter.is_control() && letter != '\t'
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_drives_a_terminal_passes() {
        assert_eq!(escape("plain text\tß 漢"), "plain text\tß 漢");
        assert_eq!(escape("\x1b[2J\r\n\x07"), "\\x1b[2J\\x0d\\x0a\\x07");
        assert_eq!(escape("\u{9b}31m"), "\\x9b31m");
        assert_eq!(escape("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(escape_bytes(b"a\xff\x00b"), "a\\xff\\x00b");
        let json = serde_json::to_string("\u{9b}31m \u{202e} \u{7f} \u{e0041} \x1b ß").unwrap();
        assert_eq!(escape_json(&json), r#""\u009b31m \u202e \u007f \udb40\udc41 \u001b ß""#);
        assert_eq!(
            serde_json::from_str::<String>(&escape_json(&json)).unwrap(),
            "\u{9b}31m \u{202e} \u{7f} \u{e0041} \x1b ß"
        );
    }
}
