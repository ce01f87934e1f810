//! What a stripe shares with the text of its chunks: the constant text of its templates and the words of its dictionaries.
//!
//! Records that are kept whole are made of the words and phrases of all others. With these as zstd's dictionary their text takes up to a
//! sixth less, most where it comes in small packs.

use std::sync::{Arc, OnceLock};

use super::DecodeError;
use super::tree::Tree;
use super::words::Dictionaries;

/// Bytes that are shared at most: what is behind them is left out.
const MOST: usize = 1 << 20;

/// The shared text, put together when it is first needed.
#[derive(Clone, Copy)]
pub struct Lexicon<'a> {
    pub tree: &'a Tree,
    pub dictionaries: &'a Dictionaries,
    pub text: &'a OnceLock<Arc<Vec<u8>>>,
}

impl Lexicon<'_> {
    /// The constant text of each template, then each word of each dictionary, all ended by a line feed.
    pub fn text(&self) -> Result<Arc<Vec<u8>>, DecodeError> {
        if let Some(text) = self.text.get() {
            return Ok(Arc::clone(text));
        }
        let constants = self.tree.constants()?;
        let (mut size, mut all) = (constants.len(), Vec::new());
        for number in 0..self.dictionaries.len() {
            if size >= MOST {
                break;
            }
            let words = self.dictionaries.get(number, None)?;
            size += words.lines_len();
            all.push(words);
        }
        let mut text = constants;
        text.reserve_exact(size.saturating_sub(text.len()));
        all.iter().for_each(|words| words.lines_into(&mut text));
        text.truncate(MOST);
        Ok(Arc::clone(self.text.get_or_init(|| Arc::new(text))))
    }
}

#[cfg(test)]
mod tests {
    use crate::archive::lines::{Compressors, EncodedLines, Span, Stripe, write};

    /// Numbers without order, the same in every run.
    fn scattered(n: usize) -> usize {
        let mixed = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33) as usize
    }

    /// Jobs by name, and what somebody wrote of them, in words that the records about jobs are made of.
    fn records() -> Vec<Vec<u8>> {
        let parts = ["nightly", "ledger", "mirror", "parcel", "tunnel", "broker", "export", "refresh"];
        let name = |n: usize| {
            let n = scattered(n % 300);
            format!("{}-{}-{}-{:04x}", parts[n % 8], parts[n / 8 % 8], parts[n / 64 % 8], n / 512 % 65_536)
        };
        let record = |row: usize| match row % 4 {
            0 => {
                let of = |nth: usize| name(scattered(row * 3 + nth));
                format!("note \"{} waited for {}: finished with status ok, as {}\"\n", of(0), of(1), of(2))
            }
            _ => format!(
                "job \"{}\" finished with status ok after {} ms\n",
                name(scattered(row)),
                scattered(row) % 1_000
            ),
        };
        (0..1_400).map(|row| record(row).into_bytes()).collect()
    }

    /// The stripe at a zstd level; below 7 nothing is packed with a lexicon.
    fn at(level: i32, records: &[Vec<u8>]) -> EncodedLines {
        let (raw, mut start) = (records.concat(), 0);
        let span = |record: &Vec<u8>| {
            start += record.len() as u32;
            Span { start: start - record.len() as u32, len: record.len() as u32 }
        };
        let spans: Vec<Span> = records.iter().map(span).collect();
        let mut compressors = Compressors::new(level).unwrap();
        write::stripe(&raw, &spans, &[700, 1_400], true, &mut compressors).unwrap().unwrap()
    }

    #[test]
    fn constant_text_comes_first_and_then_every_word_each_on_a_line() {
        let records = records();
        let encoded = at(7, &records);
        let stripe = Stripe::open(&encoded.shared, records.concat().len() as u64).unwrap();
        let text = String::from_utf8(stripe.lexicon().text().unwrap().to_vec()).unwrap();
        let constants = String::from_utf8(stripe.constants()).unwrap();
        let words = text.strip_prefix(&constants).unwrap();
        assert!(constants.contains(" finished with status ok after "), "{constants}");
        assert!(words.lines().any(|word| word.starts_with("mirror-") || word.starts_with("nightly-")), "{words}");
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn records_come_back_from_what_their_stripe_shares_and_take_less() {
        let records = records();
        let encoded = at(7, &records);
        let stripe = Stripe::open(&encoded.shared, records.concat().len() as u64).unwrap();
        for (chunk, rows) in encoded.chunks.iter().zip([0..700, 700..1_400]) {
            let raw = records[rows].concat();
            assert_eq!(stripe.decode(chunk, 700, raw.len() as u64).unwrap().0, raw);
        }
        let size = |encoded: &EncodedLines| encoded.chunks.iter().map(Vec::len).sum::<usize>();
        let (with, without) = (size(&encoded), size(&at(6, &records)));
        assert!(with + with / 20 < without, "{with} bytes, {without} without what is shared");
    }
}
