//! IP addresses in running text, and which of several is the peer's.

use std::net::Ipv6Addr;
use std::ops::Range;

/// Whether the whole value is an IPv4 or IPv6 address.
pub(super) fn is_address(bytes: &[u8]) -> bool {
    v4(bytes, 0).is_some_and(|end| end == bytes.len()) || v6_whole(bytes)
}

/// The end of the IPv4 address that begins at `at`.
fn v4(bytes: &[u8], at: usize) -> Option<usize> {
    let mut end = at;
    for part in 0..4 {
        if part > 0 {
            if bytes.get(end) != Some(&b'.') {
                return None;
            }
            end += 1;
        }
        let (mut value, from) = (0u32, end);
        while let Some(digit) = bytes.get(end).filter(|byte| byte.is_ascii_digit()) {
            value = value * 10 + u32::from(digit - b'0');
            end += 1;
            if end - from > 3 {
                return None;
            }
        }
        if end == from || value > 255 {
            return None;
        }
    }
    Some(end)
}

/// The end of the IPv4 address that a text begins with.
pub(super) fn leading(text: &[u8]) -> Option<usize> {
    v4(text, 0)
}

fn v6_whole(bytes: &[u8]) -> bool {
    bytes.len() <= 45
        && bytes.iter().filter(|byte| **byte == b':').count() >= 2
        && std::str::from_utf8(bytes).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

/// Calls `found` for each address in `text`, in order, with its range. Parts of longer numbers (versions, OIDs) and of words
/// are none.
pub(super) fn each(text: &[u8], mut found: impl FnMut(Range<usize>)) {
    let mut from = 0;
    while let Some(n) = memchr::memchr2(b'.', b':', text.get(from..).unwrap_or_default()) {
        let at = from + n;
        let hit = if text.get(at) == Some(&b'.') { v4_around(text, at, from) } else { v6_around(text, at, from) };
        match hit {
            Some(range) => {
                from = range.end;
                found(range);
            }
            None => from = at + 1,
        }
    }
}

/// The IPv4 address whose first dot is at `dot`.
fn v4_around(text: &[u8], dot: usize, floor: usize) -> Option<Range<usize>> {
    let mut start = dot;
    while start > floor && dot - start < 4 && text.get(start - 1)?.is_ascii_digit() {
        start -= 1;
    }
    if start == dot || dot - start > 3 {
        return None;
    }
    let before = if start == 0 { b' ' } else { *text.get(start - 1)? };
    if before.is_ascii_alphanumeric() || matches!(before, b'.' | b'_') {
        return None;
    }
    let end = v4(text, start)?;
    let after = text.get(end).copied().unwrap_or(b' ');
    let dotted = after == b'.' && text.get(end + 1).is_some_and(u8::is_ascii_alphanumeric);
    // Five dotted numbers are an address with its port (dante), more are no address; a name may not go on.
    let port = dotted && {
        let digits = text.get(end + 1..)?.iter().take(7).take_while(|byte| byte.is_ascii_digit()).count();
        let past = text.get(end + 1 + digits).copied().unwrap_or(b' ');
        (2..=5).contains(&digits) && !past.is_ascii_alphanumeric() && past != b'.' && past != b'-'
    };
    if after.is_ascii_alphanumeric() || after == b'_' || dotted && !port {
        return None;
    }
    if after == b'-' && text.get(end + 1).is_some_and(u8::is_ascii_alphabetic) {
        return None;
    }
    Some(start..end)
}

/// The IPv6 address around the colon at `colon`.
fn v6_around(text: &[u8], colon: usize, floor: usize) -> Option<Range<usize>> {
    let inside = |byte: u8| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.';
    // A colon that no second one follows within five bytes is the everyday case.
    if !text.get(colon + 1..)?.iter().take(5).any(|byte| *byte == b':') {
        return None;
    }
    let mut start = colon;
    while start > floor && colon - start < 5 && text.get(start - 1)?.is_ascii_hexdigit() {
        start -= 1;
    }
    let before = if start == 0 { b' ' } else { *text.get(start - 1)? };
    if before.is_ascii_alphanumeric() || matches!(before, b'.' | b'_' | b'-') || start == colon && before == b':' {
        return None;
    }
    let rest = text.get(start..)?;
    let mut length = rest.iter().take(46).position(|byte| !inside(*byte)).unwrap_or(rest.len().min(46));
    // A sentence or a label may end right behind the address.
    while length > 2
        && (rest.get(length - 1) == Some(&b'.')
            || rest.get(length - 1) == Some(&b':') && rest.get(length - 2) != Some(&b':'))
    {
        length -= 1;
    }
    let after = rest.get(length).copied().unwrap_or(b' ');
    if after.is_ascii_alphanumeric() || after == b'_' {
        return None;
    }
    let part = rest.get(..length)?;
    // "dead::beef" is a module as likely as an address.
    if !part.iter().any(u8::is_ascii_digit) {
        return None;
    }
    if part.len() > 2 && v6_whole(part) {
        return Some(start..start + length);
    }
    // "::ffff:1.2.3.4:5678" and "fe80::1:514" carry a port the address does not own.
    let cut = part.iter().rposition(|byte| *byte == b':')?;
    let shorter = part.get(..cut)?;
    let port = part.get(cut + 1..)?;
    let ported = !port.is_empty() && port.iter().all(u8::is_ascii_digit);
    (shorter.len() > 2 && ported && v6_whole(shorter)).then_some(start..start + cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<&str> {
        let mut hits = Vec::new();
        each(text.as_bytes(), |range| hits.push(&text[range]));
        hits
    }

    #[test]
    fn addresses_are_found_with_what_surrounds_them() {
        assert_eq!(all("from 203.0.113.5 port 51122"), ["203.0.113.5"]);
        assert_eq!(all("[::ffff:1.2.3.4]:25, ip=2001:db8::7."), ["::ffff:1.2.3.4", "2001:db8::7"]);
        assert_eq!(all("(10.0.0.1:8080) 'fe80::1' ::1"), ["10.0.0.1", "fe80::1", "::1"]);
        assert_eq!(all("tcp/accept ]: 1.2.3.4.50550 0.0.0.0.1080:"), ["1.2.3.4", "0.0.0.0"]);
        assert_eq!(all("::ffff:198.51.100.215:60495"), ["::ffff:198.51.100.215"]);
    }

    #[test]
    fn versions_times_and_modules_are_no_addresses() {
        assert!(
            all("v1.2.3.4 1.2.3.4.5.6 300.1.2.3 10:20:30 00:11:22:33:44:55 std::vec a::b 1.2.3 1.2.3.4-rc1 foo1.2.3.4")
                .is_empty()
        );
        assert!(all("Thread::run std::io::x ::").is_empty());
    }

    #[test]
    fn whole_values_are_told_from_texts() {
        assert!(is_address(b"10.0.0.7") && is_address(b"2001:db8::7"));
        assert!(!is_address(b"10.0.0.7:22") && !is_address(b"-") && !is_address(b"host"));
    }
}
