//! Undoes the encodings that hide an attack: percent signs twice, `%uXXXX`, overlong UTF-8, `0x2e`, comments as blanks.

use memchr::memmem::Finder;
use std::sync::LazyLock;

static HEX: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"0x"));
static COMMENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"/*"));

/// Decodes `text` twice into `out` (cleared first); false where nothing was encoded and `out` means the same as `text`.
///
/// Never longer than `text`: every encoding is longer than what it stands for.
pub(in crate::detect) fn decode_twice(text: &[u8], out: &mut Vec<u8>, plus_is_blank: bool) -> bool {
    out.clear();
    let plus = plus_is_blank && memchr::memchr(b'+', text).is_some();
    let encoded = memchr::memchr(b'%', text).is_some();
    let hexed = HEX.find(text).is_some();
    let comment = COMMENT.find(text).is_some();
    if !(plus || encoded || hexed || comment) {
        return false;
    }
    out.extend_from_slice(text);
    if plus {
        out.iter_mut().filter(|byte| **byte == b'+').for_each(|byte| *byte = b' ');
    }
    if encoded {
        percent(out);
        percent(out);
    }
    if plus_is_blank {
        // A plus that was itself encoded: once more, as the twice decoding server sees it.
        out.iter_mut().filter(|byte| **byte == b'+').for_each(|byte| *byte = b' ');
    }
    fold_dots(out);
    true
}

/// Replaces `%XX` and `%uXXXX` in place.
fn percent(bytes: &mut Vec<u8>) {
    let (mut read, mut write) = (0, 0);
    while let Some(&byte) = bytes.get(read) {
        let (value, used) = match byte {
            b'%' => escape(bytes.get(read + 1..).unwrap_or_default()).unwrap_or((b'%', 1)),
            other => (other, 1),
        };
        if let Some(slot) = bytes.get_mut(write) {
            *slot = value;
        }
        read += used;
        write += 1;
    }
    bytes.truncate(write);
}

/// The byte of an escape behind its percent sign, and the length of the whole escape.
fn escape(rest: &[u8]) -> Option<(u8, usize)> {
    if matches!(rest.first()?, b'u' | b'U') {
        let digits = rest.get(1..5)?;
        let code = digits.iter().try_fold(0u32, |sum, &digit| Some(sum * 16 + hex(digit)?))?;
        let byte = match code {
            0..=0x7f => code as u8,
            0xff0e | 0x2024 => b'.',
            0x2215 | 0xf025 | 0xff0f => b'/',
            0x2216 | 0xefc8 | 0xff3c => b'\\',
            0xff01..=0xff5e => (code - 0xff01) as u8 + b'!',
            _ => b'?',
        };
        return Some((byte, 6));
    }
    let value = hex(*rest.first()?)? * 16 + hex(*rest.get(1)?)?;
    Some((value as u8, 3))
}

fn hex(digit: u8) -> Option<u32> {
    char::from(digit).to_digit(16)
}

/// Folds overlong UTF-8 and `0x2e`, `0x2f`, `0x5c` to the marks they stand for, and comments to a blank, in place.
fn fold_dots(bytes: &mut Vec<u8>) {
    let (mut read, mut write) = (0, 0);
    while let Some(&byte) = bytes.get(read) {
        let rest = bytes.get(read + 1..).unwrap_or_default();
        let (value, used) = match byte {
            0xc0 | 0xc1 => overlong(byte, rest),
            0xe0 if rest.first() == Some(&0x80) => (rest.get(1).map_or(b'?', |last| last & 0x3f), 3),
            0xf0 if rest.starts_with(&[0x80, 0x80]) => (rest.get(2).map_or(b'?', |last| last & 0x3f), 4),
            0xf8 if rest.starts_with(&[0x80, 0x80, 0x80]) => (rest.get(3).map_or(b'?', |last| last & 0x3f), 5),
            0xfc if rest.starts_with(&[0x80, 0x80, 0x80, 0x80]) => (rest.get(4).map_or(b'?', |last| last & 0x3f), 6),
            b'0' if rest.starts_with(b"x2e") => (b'.', 4),
            b'0' if rest.starts_with(b"x2f") => (b'/', 4),
            b'0' if rest.starts_with(b"x5c") => (b'\\', 4),
            b'/' if rest.first() == Some(&b'*') => comment(rest),
            other => (other, 1),
        };
        if let Some(slot) = bytes.get_mut(write) {
            *slot = value;
        }
        read += used;
        write += 1;
    }
    bytes.truncate(write);
}

/// An ASCII byte written in two bytes, as lenient decoders read it.
fn overlong(lead: u8, rest: &[u8]) -> (u8, usize) {
    match rest.first() {
        Some(&next) if next & 0xc0 == 0x80 => (((lead & 1) << 6) | (next & 0x3f), 2),
        Some(&next @ (b'.' | b'/' | b'\\')) => (next, 2),
        _ => (lead, 1),
    }
}

/// A short SQL comment is a blank; anything else stays.
fn comment(rest: &[u8]) -> (u8, usize) {
    let near = rest.get(1..).unwrap_or_default();
    let near = near.get(..64).unwrap_or(near);
    match memchr::memmem::find(near, b"*/") {
        Some(length) => (b' ', length + 4),
        None => (b'/', 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        decode_twice(text, &mut out, true);
        out
    }

    #[test]
    fn dots_and_slashes_are_found_in_any_disguise() {
        for disguise in [
            &b"%2e%2e%2f"[..],
            b"%252e%252e%252f",
            b"..%c0%af",
            b"..%25c0%25af",
            b"%uff0e%uff0e%u2215",
            b"0x2e0x2e0x2f",
            b"%%32%65%%32%65%%32%66",
            b"%e0%80%ae%e0%80%ae%e0%80%af",
            b"..%f8%80%80%80%af",
        ] {
            assert_eq!(decoded(disguise), b"../", "{}", String::from_utf8_lossy(disguise));
        }
        assert_eq!(decoded(b"union/**/select+1"), b"union select 1");
    }

    #[test]
    fn broken_escapes_stay_as_they_are() {
        assert_eq!(decoded(b"100% %zz %u12 %"), b"100% %zz %u12 %");
        assert!(!decode_twice(b"nothing here", &mut Vec::new(), false));
    }
}
