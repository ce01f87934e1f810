//! The set of words and addresses of one block of records.
//!
//! A word is a maximal run of ASCII letters, digits and `_`, lower case, cut at [`WORD_BYTES`]; all other bytes are between
//! words. Words come from the raw bytes and from field values that do not stand in them as they are.

use std::collections::BTreeSet;
use std::net::IpAddr;

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use super::schema::{ANY_WORD, CUT_WORD};

/// Longer words are cut to this many bytes.
pub const WORD_BYTES: usize = 40;
/// A block with more distinct words is marked as one that may hold any: random bytes must not fill memory or disk.
const MOST_WORDS: usize = 60_000;

/// What the index keeps of a block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockWords {
    /// Id of the first record; set by whoever knows it.
    pub first: u64,
    /// Number of records.
    pub count: u64,
    /// Distinct words in order of appearance, one a line.
    pub words: String,
    /// Distinct addresses, IPv4 as `::ffff:a.b.c.d`, in ascending order.
    pub addresses: Vec<u128>,
}

/// Collects the words of a block; reused from block to block.
#[derive(Debug, Default)]
pub struct WordCollector {
    text: String,
    known: HashTable<(u64, u32, u32)>,
    addresses: BTreeSet<u128>,
    overflown: bool,
    cut: bool,
    count: u64,
}

impl WordCollector {
    /// A block of which nothing is known: it may hold any word and any address.
    pub fn any(first: u64, count: u64) -> BlockWords {
        BlockWords { first, count, words: format!("{ANY_WORD}\n"), addresses: Vec::new() }
    }

    /// Takes up the bytes of one record.
    pub fn add_record(&mut self, raw: &[u8]) {
        self.count += 1;
        self.add(raw);
    }

    /// Takes up the words and addresses of bytes that belong to a record.
    pub fn add(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(start) = rest.iter().position(|byte| is_word_byte(*byte)) {
            rest = rest.get(start..).unwrap_or_default();
            let end = rest.iter().position(|byte| !is_word_byte(*byte)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            self.add_word(word);
            rest = after;
        }
        let addresses = &mut self.addresses;
        if addresses.len() < MOST_WORDS {
            addresses.extend(crate::model::addresses(bytes).map(|address| match address {
                IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
                IpAddr::V6(address) => u128::from(address),
            }));
        } else {
            self.overflown = true;
        }
    }

    fn add_word(&mut self, word: &[u8]) {
        if self.overflown {
            return;
        }
        let mut lower = [0u8; WORD_BYTES];
        let len = word.len().min(WORD_BYTES);
        self.cut |= word.len() > WORD_BYTES;
        let (Some(lower), Some(word)) = (lower.get_mut(..len), word.get(..len)) else { return };
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        let hash = xxh3_64(lower);
        let text = &mut self.text;
        let same = |(_, start, end): &(u64, u32, u32)| {
            text.as_bytes().get(*start as usize..*end as usize).is_some_and(|known| known == &*lower)
        };
        if self.known.find(hash, same).is_some() {
            return;
        }
        let start = text.len() as u32;
        // All bytes are ASCII letters, digits or `_`, so this is never the empty default.
        text.push_str(std::str::from_utf8(lower).unwrap_or_default());
        let end = text.len() as u32;
        text.push('\n');
        self.known.insert_unique(hash, (hash, start, end), |entry| entry.0);
        self.overflown = self.known.len() > MOST_WORDS;
    }

    /// Gives the block and starts a new one.
    pub fn finish(&mut self) -> BlockWords {
        let mut words = std::mem::take(&mut self.text);
        if self.overflown {
            words.clear();
            words.push_str(ANY_WORD);
            words.push('\n');
        }
        if self.cut {
            words.push_str(CUT_WORD);
            words.push('\n');
        }
        let addresses = std::mem::take(&mut self.addresses).into_iter().collect();
        let count = self.count;
        self.known.clear();
        self.overflown = false;
        self.cut = false;
        self.count = 0;
        BlockWords { first: 0, count, words, addresses }
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_lower_case_distinct_and_cut() {
        let mut collector = WordCollector::default();
        collector.add_record(b"Failed /etc/passwd failed \xff\x00 user_1\n");
        let long = "x".repeat(50);
        collector.add_record(long.as_bytes());
        let block = collector.finish();
        assert_eq!(block.count, 2);
        assert_eq!(block.words, format!("failed\netc\npasswd\nuser_1\n{}\n\u{1}cut\n", "x".repeat(40)));
        assert_eq!(collector.finish(), BlockWords::default(), "nothing is left of the block before");
    }

    #[test]
    fn too_many_words_mean_any_word() {
        let mut collector = WordCollector::default();
        for number in 0..=MOST_WORDS {
            collector.add(format!("w{number} ").as_bytes());
        }
        assert_eq!(collector.finish().words, "\u{1}any\n");
    }
}
