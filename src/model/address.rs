//! Addresses as they stand in text.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Calls `found` for every IPv4 and IPv6 address in the bytes, IPv4 as `::ffff:a.b.c.d`.
///
/// An address is a run of hexadecimal digits, `.` and `:` that stands free of letters, digits and `_`; a trailing `.` or `:` and
/// a port after an IPv4 address (`10.0.0.1:443`) are not part of it.
pub fn addresses_in(bytes: &[u8], found: &mut dyn FnMut(u128)) {
    let mut at = 0;
    while let Some(step) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| is_part(*byte))) {
        let start = at + step;
        let run = bytes.get(start..).unwrap_or_default();
        let end = start + run.iter().position(|byte| !is_part(*byte)).unwrap_or(run.len());
        at = end;
        let is_word = |index: Option<usize>| {
            index.and_then(|index| bytes.get(index)).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        };
        if is_word(start.checked_sub(1)) || is_word(Some(end)) {
            continue;
        }
        let run = bytes.get(start..end).unwrap_or_default();
        // The cheapest look first: most runs are numbers and words of a-f.
        if run.len() < 3 || !run.iter().any(|byte| matches!(byte, b'.' | b':')) {
            continue;
        }
        let Ok(text) = std::str::from_utf8(run) else { continue };
        if let Some(address) = address_of(text) {
            found(address);
        }
    }
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':')
}

/// The address a run of address characters is, without what merely touches it.
fn address_of(run: &str) -> Option<u128> {
    if run.bytes().filter(|byte| *byte == b'.').count() >= 3 {
        let text = run.trim_end_matches(['.', ':']).trim_start_matches(['.', ':']);
        let v4 = text.split(':').next().unwrap_or_default();
        if let Ok(address) = v4.parse::<Ipv4Addr>() {
            return Some(u128::from(address.to_ipv6_mapped()));
        }
    }
    if run.bytes().filter(|byte| *byte == b':').count() >= 2 {
        let text = run.trim_end_matches('.');
        let whole = text.parse::<Ipv6Addr>().or_else(|_| text.strip_suffix(':').unwrap_or(text).parse::<Ipv6Addr>());
        return whole.ok().map(u128::from);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        addresses_in(text.as_bytes(), &mut |address| {
            let address = Ipv6Addr::from(address);
            found.push(address.to_ipv4_mapped().map_or(address.to_string(), |v4| v4.to_string()));
        });
        found
    }

    #[test]
    fn addresses_are_found_with_ports_brackets_and_full_stops() {
        assert_eq!(
            of("from 10.0.0.1:443 to [2001:db8::7], then 192.168.1.9."),
            ["10.0.0.1", "2001:db8::7", "192.168.1.9"]
        );
        assert_eq!(of("1.2.3.4.5 v1.2.3.4 12:30:45 256.1.1.1 dead beef"), Vec::<String>::new());
        assert_eq!(of("::1"), ["::1"]);
    }
}
