//! The words and addresses of one row group: what stands in many of its blocks as words, the rest as a filter.
//!
//! A word is a maximal run of ASCII letters, digits and `_`, lower case, cut at [`WORD_BYTES`]; all other bytes are between
//! words. Words come from the raw bytes and from field values that do not stand in them as they are.

use std::collections::BTreeSet;
use std::net::IpAddr;

use hashbrown::HashTable;

use super::filter;

/// Longer words are cut to this many bytes.
pub const WORD_BYTES: usize = 40;
/// A block is up to this many consecutive records of a group.
const BLOCK_RECORDS: u64 = 1_024;
/// Blocks of a group that are told apart; the last takes the rest.
const MOST_BLOCKS: u64 = 32;
/// A group with more distinct words (or addresses) is one that may hold any: random bytes must not fill memory or disk.
const MOST_WORDS: usize = 1 << 18;

/// Words of a block that stand in more than half of the blocks of its group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockWords {
    /// The block's first record, counted from the group's first.
    pub first: u64,
    /// Number of its records.
    pub count: u64,
    /// The words, one a line.
    pub words: String,
}

/// What the index keeps of a row group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupWords {
    /// Id of the first record; set by whoever knows it.
    pub first: u64,
    /// Number of records.
    pub count: u64,
    /// Its blocks.
    pub blocks: Vec<BlockWords>,
    /// Filter of the words that are in no block's list; `None`: the group may hold any word and any address.
    pub filter: Option<Vec<u8>>,
    /// Distinct addresses, IPv4 as `::ffff:a.b.c.d`, in ascending order.
    pub addresses: Vec<u128>,
}

impl GroupWords {
    /// A group of which nothing is known.
    pub fn any(first: u64, count: u64) -> GroupWords {
        GroupWords { first, count, ..GroupWords::default() }
    }
}

/// A distinct word of a group.
struct Met {
    hash: u64,
    start: u32,
    end: u32,
    /// Bit n: it stands in block n.
    blocks: u32,
}

/// Collects the words of a group; reused from group to group.
#[derive(Default)]
pub struct WordCollector {
    text: String,
    known: HashTable<Met>,
    addresses: BTreeSet<u128>,
    overflown: bool,
    count: u64,
}

impl WordCollector {
    /// Takes up the bytes of the next record.
    pub fn add_record(&mut self, raw: &[u8]) {
        self.count += 1;
        self.add(raw);
    }

    /// Takes up the words and addresses of more bytes that belong to the record.
    pub fn add(&mut self, bytes: &[u8]) {
        if self.overflown {
            return;
        }
        let block = 1u32 << ((self.count.saturating_sub(1)) / BLOCK_RECORDS).min(MOST_BLOCKS - 1);
        let (mut lower, mut len) = ([0u8; WORD_BYTES], 0);
        for byte in bytes {
            match lower_of(*byte) {
                0 if len > 0 => {
                    self.add_word(lower.get(..len).unwrap_or(&lower), block);
                    len = 0;
                }
                0 => {}
                byte => {
                    if let Some(place) = lower.get_mut(len) {
                        *place = byte;
                    }
                    len += 1;
                }
            }
        }
        if len > 0 {
            self.add_word(lower.get(..len).unwrap_or(&lower), block);
        }
        self.addresses.extend(crate::model::addresses(bytes).map(|address| match address {
            IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
            IpAddr::V6(address) => u128::from(address),
        }));
        self.overflown = self.known.len() > MOST_WORDS || self.addresses.len() > MOST_WORDS;
    }

    /// Takes up a word in lower case, cut to its most bytes.
    fn add_word(&mut self, lower: &[u8], block: u32) {
        let hash = filter::hash_of(lower);
        let text = &mut self.text;
        let same = |met: &Met| {
            met.hash == hash
                && text.as_bytes().get(met.start as usize..met.end as usize).is_some_and(|known| known == lower)
        };
        if let Some(met) = self.known.find_mut(hash, same) {
            met.blocks |= block;
            return;
        }
        // One record may hold any number of words; the check after it comes too late for memory.
        if self.known.len() > MOST_WORDS {
            return;
        }
        let start = text.len() as u32;
        // All bytes are ASCII letters, digits or `_`, so this is never the empty default.
        text.push_str(std::str::from_utf8(lower).unwrap_or_default());
        let met = Met { hash, start, end: text.len() as u32, blocks: block };
        self.known.insert_unique(hash, met, |met| met.hash);
    }

    /// Gives the group and starts a new one.
    pub fn finish(&mut self) -> GroupWords {
        let WordCollector { text, known, addresses, overflown, count } = std::mem::take(self);
        let mut group = GroupWords { first: 0, count, ..GroupWords::default() };
        if !overflown {
            let blocks = count.div_ceil(BLOCK_RECORDS).min(MOST_BLOCKS);
            group.blocks = empty_blocks(count, blocks);
            group.addresses = addresses.into_iter().collect();
            let mut words: Vec<&Met> = known.iter().collect();
            // The table's order depends on its size; that of the text on the records alone.
            words.sort_unstable_by_key(|met| met.start);
            let mut rare = Vec::new();
            for met in words {
                if u64::from(met.blocks.count_ones()) * 2 <= blocks.max(2) {
                    rare.push(met.hash);
                    continue;
                }
                let word = text.get(met.start as usize..met.end as usize).unwrap_or_default();
                for (number, block) in group.blocks.iter_mut().enumerate() {
                    if met.blocks >> number & 1 == 1 {
                        block.words.push_str(word);
                        block.words.push('\n');
                    }
                }
            }
            group.filter = Some(filter::build(&rare));
        }
        let (mut text, mut known) = (text, known);
        text.clear();
        known.clear();
        (self.text, self.known) = (text, known);
        group
    }
}

fn empty_blocks(count: u64, blocks: u64) -> Vec<BlockWords> {
    let block = |number: u64| {
        let first = number * BLOCK_RECORDS;
        let end = if number + 1 == blocks { count } else { first + BLOCK_RECORDS };
        BlockWords { first, count: end - first, words: String::new() }
    };
    (0..blocks).map(block).collect()
}

/// Each byte of a word in lower case; 0 for what is between words.
const LOWER: [u8; 256] = {
    let (mut table, mut byte) = ([0; 256], 0);
    while byte < 128u8 {
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            #[allow(clippy::indexing_slicing, reason = "evaluated when compiled; there are 256")]
            {
                table[byte as usize] = byte.to_ascii_lowercase();
            }
        }
        byte += 1;
    }
    table
};

fn lower_of(byte: u8) -> u8 {
    LOWER.get(usize::from(byte)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_most_blocks_is_a_word_and_the_rest_in_the_filter() {
        let mut collector = WordCollector::default();
        for number in 0..2_100 {
            collector.add_record(format!("Failed /etc/passwd n{number} \n").as_bytes());
        }
        let long = "x".repeat(50);
        collector.add(long.as_bytes());
        let group = collector.finish();
        assert_eq!(group.count, 2_100);
        let blocks: Vec<(u64, u64, &str)> =
            group.blocks.iter().map(|block| (block.first, block.count, block.words.as_str())).collect();
        let usual = "failed\netc\npasswd\n";
        assert_eq!(blocks, [(0, 1024, usual), (1024, 1024, usual), (2048, 52, usual)]);
        let filter = group.filter.unwrap();
        for rare in ["n0", "n2099", &"x".repeat(40)] {
            assert!(filter::may_hold(&filter, filter::hash_of(rare.as_bytes())), "{rare}");
        }
        assert_eq!(collector.finish().filter, Some(filter::build(&[])), "nothing is left of the group before");
    }

    #[test]
    fn a_single_block_is_all_filter() {
        let mut collector = WordCollector::default();
        collector.add_record(b"one two\n");
        let group = collector.finish();
        assert_eq!(group.blocks.len(), 1);
        assert_eq!(group.blocks[0].words, "");
    }

    #[test]
    fn too_many_words_mean_any_word() {
        let mut collector = WordCollector::default();
        for number in 0..=MOST_WORDS {
            collector.add_record(format!("w{number} ").as_bytes());
        }
        assert_eq!(collector.finish(), GroupWords::any(0, MOST_WORDS as u64 + 1));
    }
}
