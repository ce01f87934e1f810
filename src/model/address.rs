//! Internet addresses in text: one rule of what counts as an address, for the index and for exact matching alike.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses in `text`, in order of appearance: dotted IPv4 and colon-separated IPv6.
///
/// An address is not preceded by a letter, digit, `_` or `.` and not followed by a letter, digit or `_`, so that versions
/// (`v1.2.3.4`) are left out while `10.0.0.5:443`, `[2001:db8::7]`, `fe80::1:` and tcpdump's `10.0.0.5.443` are found. The
/// IPv4 part of `::ffff:10.0.0.5` is given too.
pub fn addresses(text: &[u8]) -> Addresses<'_> {
    Addresses { text, at: 0, colons_to: 0 }
}

/// Iterator of [`addresses`]. Linear in the length of the text.
#[derive(Debug, Clone)]
pub struct Addresses<'a> {
    text: &'a [u8],
    at: usize,
    /// Bytes before this were tried as a colon-separated run already.
    colons_to: usize,
}

impl Addresses<'_> {
    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(b' ')
    }

    /// The end of the run of bytes from `at` on that `accept` takes, at most `limit` bytes away.
    fn run(&self, at: usize, limit: usize, accept: impl Fn(u8) -> bool) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        at + rest.iter().take(limit).take_while(|byte| accept(**byte)).count()
    }

    fn parsed<T: std::str::FromStr>(&self, from: usize, to: usize) -> Option<T> {
        std::str::from_utf8(self.text.get(from..to)?).ok()?.parse().ok()
    }

    /// An IPv6 address that begins at `at`; moves `colons_to` behind the run it looked at.
    fn v6(&mut self, at: usize) -> Option<IpAddr> {
        let mut end = self.run(at, usize::MAX, |b| b.is_ascii_hexdigit() || b == b':');
        self.colons_to = end;
        let run = self.text.get(at..end)?;
        // 39 bytes are the longest address; two more for a colon that belongs to the sentence.
        if run.len() > 41 {
            return None;
        }
        // Six colons at least, or two in a row: clock times have neither.
        if run.iter().filter(|b| **b == b':').count() < 6 && !run.windows(2).any(|pair| pair == b"::") {
            return None;
        }
        if self.byte(end) == b'.' {
            let mapped = self.run(end, 16, |b| b.is_ascii_digit() || b == b'.');
            let mapped = if self.byte(mapped - 1) == b'.' { mapped - 1 } else { mapped };
            if let Some(address) = self.parsed::<Ipv6Addr>(at, mapped) {
                return (!is_word(self.byte(mapped))).then_some(IpAddr::V6(address));
            }
        }
        if is_word(self.byte(end)) {
            return None;
        }
        if self.byte(end - 1) == b':' && end - at > 2 && self.byte(end - 2) != b':' {
            end -= 1;
        }
        self.parsed::<Ipv6Addr>(at, end).map(IpAddr::V6)
    }

    /// An IPv4 address that begins at `at`.
    fn v4(&self, at: usize) -> Option<IpAddr> {
        let mut end = at;
        for part in 0..4 {
            if part > 0 {
                if self.byte(end) != b'.' {
                    return None;
                }
                end += 1;
            }
            let next = self.run(end, 4, |b| b.is_ascii_digit());
            if next == end || next - end > 3 {
                return None;
            }
            end = next;
        }
        if is_word(self.byte(end)) {
            return None;
        }
        self.parsed::<Ipv4Addr>(at, end).map(IpAddr::V4)
    }
}

impl Iterator for Addresses<'_> {
    type Item = IpAddr;

    fn next(&mut self) -> Option<IpAddr> {
        while let Some(&byte) = self.text.get(self.at) {
            let at = self.at;
            let before = if at == 0 { b' ' } else { self.byte(at - 1) };
            // An address begins where a word does, or with a colon. What follows in that word is no beginning.
            let word = self.run(at, usize::MAX, is_word) - at;
            self.at = at + word.max(1);
            if is_word(before) || before == b'.' || (word == 0 && byte != b':') {
                continue;
            }
            let after = self.byte(at + word);
            let colons = at >= self.colons_to && before != b':' && (word == 0 || byte.is_ascii_hexdigit());
            if let Some(address) = if colons && after == b':' { self.v6(at) } else { None } {
                return Some(address);
            }
            if let Some(address) = if word > 0 && word < 4 && after == b'.' { self.v4(at) } else { None } {
                return Some(address);
            }
        }
        None
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        addresses(text.as_bytes()).map(|address| address.to_string()).collect()
    }

    #[test]
    fn addresses_are_found_where_people_write_them() {
        assert_eq!(found("from 10.0.0.5:443 to [2001:db8::7]:80."), ["10.0.0.5", "2001:db8::7"]);
        assert_eq!(found("addr=fe80::1: refused, src:192.168.1.1."), ["fe80::1", "192.168.1.1"]);
        assert_eq!(found("IP 10.0.0.1.443 > 10.0.0.2.51234:"), ["10.0.0.1", "10.0.0.2"]);
        assert_eq!(found("::ffff:10.0.0.9"), ["::ffff:10.0.0.9", "10.0.0.9"]);
    }

    #[test]
    fn clock_times_versions_and_hashes_are_no_addresses() {
        assert!(found("10:15:30 v1.2.3.4 1.2.3 256.1.1.1 1.2.3.4567 std::vec de:ad:be:ef:00:01").is_empty());
        assert!(found(&"a:".repeat(100_000)).is_empty());
    }
}
