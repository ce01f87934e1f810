//! A filter of words: a set of their hashes that costs about 11.5 bits a word and lets one absent word in 1,024 pass.
//!
//! Hashes are brought into the range `0 .. 1024 n` for n words, sorted, and kept as Golomb-Rice coded differences in buckets of
//! about 64 (Golomb-coded sets; Putze, Sanders and Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007). A look-up
//! decodes half a bucket on average. Building is sorting, so the same words give the same bytes.
//!
//! Form, little endian: n u32, number of buckets u32, for each bucket the bit at which it ends u32, the bits.

use xxhash_rust::xxh3::xxh3_64;

/// Binary logarithm of how many absent words one passes of.
const SHARPNESS: u32 = 10;
/// Words of a bucket on average.
const BUCKET: u64 = 64;
/// Bytes before the ends of buckets.
const HEADER: usize = 8;

/// Width of a bucket in the range of hashes.
const WIDTH: u64 = BUCKET << SHARPNESS;

/// The hash by which a word is known.
pub fn hash_of(word: &[u8]) -> u64 {
    xxh3_64(word)
}

/// The place of a hash in the range of a filter of `count` words.
fn place(hash: u64, count: u64) -> u64 {
    ((u128::from(hash) * u128::from(count << SHARPNESS)) >> 64) as u64
}

/// Writes the filter of these hashes (fewer than 2^32), in any order.
pub fn build(hashes: &[u64]) -> Vec<u8> {
    let count = hashes.len() as u64;
    let mut places: Vec<u64> = hashes.iter().map(|hash| place(*hash, count)).collect();
    places.sort_unstable();
    places.dedup();
    let buckets = (count << SHARPNESS).div_ceil(WIDTH);
    let mut ends = Vec::with_capacity(buckets as usize);
    let mut bits = Bits::default();
    let mut rest = places.iter().copied().peekable();
    for bucket in 0..buckets {
        let mut next = bucket * WIDTH;
        while let Some(place) = rest.next_if(|place| *place < (bucket + 1) * WIDTH) {
            bits.rice(place - next);
            next = place + 1;
        }
        ends.push(bits.len);
    }
    let mut out = Vec::with_capacity(HEADER + ends.len() * 4 + bits.bytes.len());
    out.extend_from_slice(&(count as u32).to_le_bytes());
    out.extend_from_slice(&(buckets as u32).to_le_bytes());
    for end in ends {
        out.extend_from_slice(&end.to_le_bytes());
    }
    out.extend_from_slice(&bits.bytes);
    out
}

/// Whether a word of this hash may be in the filter; bytes that are no filter hold any word.
pub fn may_hold(filter: &[u8], hash: u64) -> bool {
    search(filter, hash).unwrap_or(true)
}

fn search(filter: &[u8], hash: u64) -> Option<bool> {
    let number = |at: usize| Some(u32::from_le_bytes(*filter.get(at..)?.first_chunk()?));
    let (count, buckets) = (u64::from(number(0)?), number(4)? as usize);
    if count == 0 {
        return Some(false);
    }
    let place = place(hash, count);
    let bucket = (place / WIDTH) as usize;
    let start = if bucket == 0 { 0 } else { number(HEADER + 4 * (bucket - 1))? };
    let end = number(HEADER + 4 * bucket)?;
    let mut reader = BitReader { bytes: filter.get(HEADER + 4 * buckets..)?, at: start as usize };
    let mut next = bucket as u64 * WIDTH;
    while reader.at < end as usize {
        next = next.checked_add(reader.rice()?)?;
        if next >= place {
            return Some(next == place);
        }
        next += 1;
    }
    Some(false)
}

/// Bits being written, low bit of a byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    len: u32,
}

impl Bits {
    fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << (self.len % 8);
        }
        self.len += 1;
    }

    /// The number without its low bits in unary, then those.
    fn rice(&mut self, value: u64) {
        for _ in 0..value >> SHARPNESS {
            self.push(true);
        }
        self.push(false);
        for bit in 0..SHARPNESS {
            self.push(value >> bit & 1 == 1);
        }
    }
}

struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl BitReader<'_> {
    fn bit(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (self.at % 8) & 1 == 1;
        self.at += 1;
        Some(bit)
    }

    fn rice(&mut self) -> Option<u64> {
        let mut high = 0u64;
        while self.bit()? {
            high += 1;
        }
        let mut low = 0;
        for bit in 0..SHARPNESS {
            low |= u64::from(self.bit()?) << bit;
        }
        high.checked_mul(1 << SHARPNESS)?.checked_add(low)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_put_in_is_found(words in proptest::collection::hash_set(".{0,12}", 0..400)) {
            let hashes: Vec<u64> = words.iter().map(|word| hash_of(word.as_bytes())).collect();
            let filter = build(&hashes);
            for hash in hashes {
                prop_assert!(may_hold(&filter, hash));
            }
        }

        #[test]
        fn bytes_that_are_no_filter_only_let_pass_too_much(bytes in proptest::collection::vec(any::<u8>(), 0..200), hash: u64) {
            let _ = may_hold(&bytes, hash);
        }
    }

    #[test]
    fn one_absent_word_in_a_thousand_passes_and_a_word_costs_eleven_bits_and_a_half() {
        let hash = |number: u64| hash_of(&number.to_le_bytes());
        let hashes: Vec<u64> = (0..50_000).map(hash).collect();
        let filter = build(&hashes);
        assert!((50_000..250_000).filter(|number| may_hold(&filter, hash(*number))).count() < 300);
        assert!(filter.len() * 8 < 50_000 * 123 / 10, "{} bytes", filter.len());
    }

    #[test]
    fn an_empty_filter_holds_nothing() {
        assert!(!may_hold(&build(&[]), 7));
    }
}
