//! The record tree of the evidence: one RFC 6962 Merkle tree over all records, in record order.
//!
//! A record's leaf is 78 bytes, numbers big endian:
//!
//! ```text
//! "R1"  SHA-256 of the acquisition record [32]  offset u64  length u32  SHA-256 of the record's bytes, terminators included [32]
//! ```
//!
//! so only facts are hashed: bytes, and where they came from. Leaf hash: `SHA-256(0x00 || leaf)`; inner node: `SHA-256(0x01 ||
//! left || right)`; the prefixes keep an inner node from passing as a leaf. The index of a leaf is its record id. Leaf hashes are
//! never stored (they are larger than the packed records); the root of each full aligned block of 4,096 leaves is.
//!
//! The leaf type `R2`, with `SHA-256(0x02 || salt || bytes)` in the last place, is reserved for records that are to be withheld
//! from an export without breaking the tree. Nothing writes it yet.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// Leaves of a block whose root is recorded.
pub const BLOCK_LEAVES: u64 = 1 << BLOCK_LEVEL;
/// Height of a block's root above its leaves.
const BLOCK_LEVEL: u32 = 12;
/// Bytes of a leaf before it is hashed.
const LEAF_BYTES: usize = 78;

/// A SHA-256; in text and JSON lower-case hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sha(pub [u8; 32]);

impl Sha {
    /// The SHA-256 of some bytes.
    pub fn of(bytes: &[u8]) -> Sha {
        Sha(Sha256::digest(bytes).into())
    }

    /// Reads 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Sha> {
        let mut out = [0; 32];
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = *pair else { return None };
            *byte = digit(high)? << 4 | digit(low)?;
        }
        Some(Sha(out))
    }
}

fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Sha {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}

impl Serialize for Sha {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Sha, D::Error> {
        let text = String::deserialize(deserializer)?;
        Sha::parse(&text).ok_or_else(|| serde::de::Error::custom("is no SHA-256"))
    }
}

/// Hash of the leaf of a record: the hash of its acquisition record, its place in the input, its bytes. `None` where the record
/// is longer than a leaf can say (4 GiB; ingest cuts records long before).
pub fn record_leaf(acquisition: &Sha, offset: u64, raw: &[u8]) -> Option<Sha> {
    let length = u32::try_from(raw.len()).ok()?;
    let mut leaf = [0; 1 + LEAF_BYTES];
    put(&mut leaf, 1, b"R1");
    put(&mut leaf, 3, &acquisition.0);
    put(&mut leaf, 35, &offset.to_be_bytes());
    put(&mut leaf, 43, &length.to_be_bytes());
    put(&mut leaf, 47, &Sha::of(raw).0);
    Some(Sha::of(&leaf))
}

/// Copies `bytes` to their place; places are constants within the array.
#[inline(always)]
fn put(to: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = to.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// Hash of an inner node.
pub fn node(left: &Sha, right: &Sha) -> Sha {
    let mut bytes = [1; 65];
    put(&mut bytes, 1, &left.0);
    put(&mut bytes, 33, &right.0);
    Sha::of(&bytes)
}

/// What a commit records of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeHead {
    /// Number of leaves.
    pub size: u64,
    /// Root over all of them.
    pub root: Sha,
    /// Roots of the blocks that became full with this commit, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<Sha>,
    /// The unfinished block as roots of its full subtrees, largest first; at most 12.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<Sha>,
}

/// The right edge of a growing tree: all that is needed to go on and to tell the root. 64 hashes at most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of full subtrees, largest first: one for each bit set in `size`.
    peaks: Vec<Sha>,
}

impl Frontier {
    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Takes up the hash of the next leaf; gives the root of the block that it made full.
    pub fn push(&mut self, leaf: Sha) -> Option<Sha> {
        self.push_at(leaf, 0)
    }

    /// Takes up a full block by its root, in place of leaves of it that were taken up before.
    pub fn push_block(&mut self, root: Sha) {
        self.drop_open();
        self.push_at(root, BLOCK_LEVEL);
    }

    fn push_at(&mut self, subtree: Sha, level: u32) -> Option<Sha> {
        let mut top = subtree;
        let mut height = level;
        let mut block = None;
        while self.size >> height & 1 == 1
            && let Some(left) = self.peaks.pop()
        {
            top = node(&left, &top);
            height += 1;
            if height == BLOCK_LEVEL {
                block = Some(top);
            }
        }
        self.peaks.push(top);
        self.size += 1 << level;
        block
    }

    fn drop_open(&mut self) {
        let open = self.open().len();
        self.peaks.truncate(self.peaks.len() - open);
        self.size -= self.size % BLOCK_LEAVES;
    }

    /// The unfinished block; see [`TreeHead::open`].
    pub fn open(&self) -> &[Sha] {
        let open = (self.size % BLOCK_LEAVES).count_ones() as usize;
        self.peaks.get(self.peaks.len().saturating_sub(open)..).unwrap_or_default()
    }

    /// The root as of now; of no leaves it is the SHA-256 of nothing.
    pub fn root(&self) -> Sha {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            Some(last) => peaks.fold(*last, |right, left| node(left, &right)),
            None => Sha::of(b""),
        }
    }

    /// The root of this tree of full blocks with the leaves of one more, unfinished block behind it.
    pub fn root_with(&self, open: &Frontier) -> Sha {
        let peaks = self.peaks.iter().chain(&open.peaks).copied().collect();
        Frontier { size: self.size + open.size, peaks }.root()
    }

    /// Moves on to the state after a commit; `false` where that is not what such a tree can grow to.
    pub fn advance(&mut self, head: &TreeHead) -> bool {
        let (full, before) = (head.size / BLOCK_LEAVES, self.size / BLOCK_LEAVES);
        let open = head.size % BLOCK_LEAVES;
        if head.size < self.size
            || full.checked_sub(before) != Some(head.blocks.len() as u64)
            || open.count_ones() as usize != head.open.len()
        {
            return false;
        }
        self.drop_open();
        for root in &head.blocks {
            self.push_block(*root);
        }
        self.size += open;
        self.peaks.extend_from_slice(&head.open);
        self.root() == head.root
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962, section 2.1, word for word.
    fn root_of(leaves: &[Sha]) -> Sha {
        match leaves {
            [] => Sha::of(b""),
            [one] => *one,
            many => {
                let split = many.len().next_power_of_two() / 2;
                node(&root_of(&many[..split]), &root_of(&many[split..]))
            }
        }
    }

    fn leaf(number: u64) -> Sha {
        Sha::of(&number.to_be_bytes())
    }

    #[test]
    fn a_leaf_is_these_78_bytes() {
        let acquisition = Sha::of(b"acquisition");
        let mut expected = b"\0R1".to_vec();
        expected.extend_from_slice(&acquisition.0);
        expected.extend_from_slice(&[0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 5]);
        expected.extend_from_slice(&Sha::of(b"line\n").0);
        assert_eq!(expected.len(), 1 + LEAF_BYTES);
        assert_eq!(record_leaf(&acquisition, 258, b"line\n"), Some(Sha::of(&expected)));
    }

    #[test]
    fn a_known_tree_has_its_known_root() {
        // The test vector of Certificate Transparency: leaves "", 00, 10, 2021, 3031, 40414243, 5051..57, 6061..6f.
        let inputs: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let mut tree = Frontier::default();
        for input in inputs {
            tree.push(Sha::of(&[b"\0", input].concat()));
        }
        assert_eq!(tree.root().to_string(), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }

    #[test]
    fn a_frontier_has_the_root_of_the_whole_tree_and_goes_on_from_a_head() {
        let leaves: Vec<Sha> = (0..2 * BLOCK_LEAVES + 77).map(leaf).collect();
        let sizes = [0, 1, 2, 3, 7, 100, 4_095, 4_096, 4_097, 5_000, 8_191, 8_192, leaves.len()];
        let (mut tree, mut resumed, mut blocks) = (Frontier::default(), Frontier::default(), Vec::new());
        for pair in sizes.windows(2) {
            blocks.extend(leaves[pair[0]..pair[1]].iter().filter_map(|leaf| tree.push(*leaf)));
            let root = root_of(&leaves[..pair[1]]);
            assert_eq!(tree.root(), root, "{} leaves", pair[1]);
            let head =
                TreeHead { size: tree.size(), root, blocks: std::mem::take(&mut blocks), open: tree.open().to_vec() };
            assert!(resumed.advance(&head), "{} leaves", pair[1]);
            assert_eq!(resumed, tree);
            let mut other = head.clone();
            other.root = leaf(0);
            assert!(pair[1] == 1 || !resumed.clone().advance(&other), "a wrong root is told");
        }
    }

    #[test]
    fn hexadecimal_is_read_as_written_only() {
        let sha = Sha::of(b"x");
        assert_eq!(Sha::parse(&sha.to_string()), Some(sha));
        assert_eq!(Sha::parse(&sha.to_string().to_uppercase()), None);
        assert_eq!(Sha::parse("00"), None);
    }
}
