//! ASCII text found in bytes in any case, without a regular expression: the rarest letter is looked up in both cases with
//! `memchr2`, and only its occurrences are compared.

use memchr::{memchr, memchr2};

/// In a shorter text there is less to win than a search takes to begin.
const SHORT: usize = 32;

/// A text to be found in any ASCII case; bytes from 0x80 on are themselves only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caseless {
    needle: Vec<u8>,
    /// Position and both cases of the rarest byte.
    rare: (usize, u8, u8),
}

impl Caseless {
    /// Makes ready to find `text`.
    pub fn new(text: &[u8]) -> Caseless {
        let needle = text.to_ascii_lowercase();
        let rare = needle.iter().enumerate().min_by_key(|(_, byte)| commonness(**byte));
        let rare = rare.map_or((0, 0, 0), |(at, byte)| (at, *byte, byte.to_ascii_uppercase()));
        Caseless { needle, rare }
    }

    /// The text in lower case.
    pub fn bytes(&self) -> &[u8] {
        &self.needle
    }

    /// Where the text first begins at or after `from`; nowhere for an empty one.
    pub fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        let (offset, low, high) = self.rare;
        if text.len() <= SHORT {
            return self.find_in_short(text, from);
        }
        let mut at = from.checked_add(offset)?;
        loop {
            let rest = text.get(at..)?;
            let found = if low == high { memchr(low, rest) } else { memchr2(low, high, rest) }?;
            at += found;
            let start = at - offset;
            if text.get(start..start + self.needle.len())?.eq_ignore_ascii_case(&self.needle) {
                return (!self.needle.is_empty()).then_some(start);
            }
            at += 1;
        }
    }
}

impl Caseless {
    /// The same, place by place.
    fn find_in_short(&self, text: &[u8], from: usize) -> Option<usize> {
        let (first, rest) = self.needle.split_first()?;
        let other = first.to_ascii_uppercase();
        let mut windows = text.get(from..)?.windows(self.needle.len());
        let is_here = |window: &[u8]| match window.split_first() {
            Some((byte, tail)) => (byte == first || *byte == other) && tail.eq_ignore_ascii_case(rest),
            None => false,
        };
        windows.position(is_here).map(|at| from + at)
    }
}

/// How often a byte stands in logs, roughly; the order is what matters.
fn commonness(byte: u8) -> u8 {
    const ORDER: &[u8] = b" e0t1a2oins3r-5:4.cdlu69/87pmfgh,=[]_\"bvyw(){};'kx<>+qjz@";
    match ORDER.iter().position(|other| *other == byte) {
        Some(rank) => 255 - rank as u8,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_in_any_case() {
        let needle = Caseless::new(b"aNa");
        assert_eq!(needle.find(b"x Banana", 0), Some(3));
        assert_eq!(needle.find(b"x BanANA", 4), Some(5));
        assert_eq!(needle.find(b"x Banana", 6), None);
        assert_eq!(needle.find(b"an", 0), None);
        assert_eq!(Caseless::new(b"").find(b"x", 0), None);
        let long = [b"x Banana".as_slice(), &[b'.'; 40], b"bAnaNA"].concat();
        assert_eq!((needle.find(&long, 0), needle.find(&long, 6)), (Some(3), Some(49)));
    }
}
