//! An order-2 model of characters: how unlike everything seen before a text is spelled.

use super::numbers::ln;
use std::sync::LazyLock;

/// Symbols of the folded alphabet, a power of two.
const SYMBOLS: usize = 64;
/// The symbol of digits.
const DIGIT: usize = 26;
/// Weight of a continuation never seen.
const UNSEEN: f32 = 0.05;
/// Length of the window whose worst mean is reported.
const WINDOW: usize = 8;
/// Bytes of a text that are looked at.
pub(super) const REACH: usize = 512;

/// Folds bytes to symbols: letters without case, all digits alike, blanks alike, each mark its own, high bytes alike.
static FOLD: [u8; 256] = fold(false);
/// As [`FOLD`], but all letters are alike too: the spelling of a query apart from its words.
static SHAPE: [u8; 256] = fold(true);

#[allow(clippy::indexing_slicing, reason = "evaluated at compile time; the index is below 128")]
const fn fold(letters_alike: bool) -> [u8; 256] {
    let mut table = [61u8; 256];
    let mut byte = 0;
    let mut mark = 28;
    while byte < 128 {
        let value = byte as u8;
        table[byte] = if value.is_ascii_alphabetic() {
            if letters_alike { 0 } else { value.to_ascii_lowercase() - b'a' }
        } else if value.is_ascii_digit() {
            DIGIT as u8
        } else if value == b' ' || value == b'\t' {
            27
        } else if value < b' ' || value == 127 {
            60
        } else {
            mark += 1;
            mark - 1
        };
        byte += 1;
    }
    table
}

/// Counts whose logarithm is looked up.
const SMALL: usize = 4_096;
/// Triples of symbols.
const TRIPLES: usize = SYMBOLS * SYMBOLS * SYMBOLS;
/// Pairs of symbols.
const PAIRS: usize = SYMBOLS * SYMBOLS;

/// ln(k + UNSEEN) and ln(k + UNSEEN * SYMBOLS) of small counts k.
static LOGS: LazyLock<Box<[(f32, f32)]>> = LazyLock::new(|| {
    (0..SMALL as u16).map(|k| ((f32::from(k) + UNSEEN).ln(), (f32::from(k) + UNSEEN * SYMBOLS as f32).ln())).collect()
});

/// Counts of triples of symbols; 512 KiB.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct Letters {
    triples: Vec<u16>,
    pairs: Vec<u16>,
    /// All letters are alike.
    letters_alike: bool,
}

/// What the model says of a text, in nats per character.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spelling {
    /// Mean surprise.
    pub mean: f32,
    /// Highest mean surprise of eight characters in a row.
    pub worst: f32,
    /// Offset of the first character of that window.
    pub at: usize,
}

impl Letters {
    /// A model of letters, digits folded.
    pub fn of_text() -> Self {
        Letters::new(false)
    }

    /// A model of letter and digit classes and marks.
    pub fn of_shape() -> Self {
        Letters::new(true)
    }

    fn new(letters_alike: bool) -> Self {
        Letters { triples: vec![0; TRIPLES], pairs: vec![0; PAIRS], letters_alike }
    }

    /// Whether it is one that can have been learnt.
    pub fn is_sound(&self) -> bool {
        self.triples.len() == TRIPLES && self.pairs.len() == PAIRS
    }

    /// Surprise of `text` (its first 512 bytes); then learns it.
    #[allow(
        clippy::indexing_slicing,
        reason = "hot: every index is masked to the size of its array, a power of two, so no check is left at run time"
    )]
    pub fn observe(&mut self, text: &[u8]) -> Spelling {
        let text = text.get(..REACH).unwrap_or(text);
        let (Ok(triples), Ok(pairs), Ok(logs)) = (
            <&mut [u16; TRIPLES]>::try_from(self.triples.as_mut_slice()),
            <&mut [u16; PAIRS]>::try_from(self.pairs.as_mut_slice()),
            <&[(f32, f32); SMALL]>::try_from(&**LOGS),
        ) else {
            return Spelling::default();
        };
        let fold = if self.letters_alike { &SHAPE } else { &FOLD };
        let mut ring = [0.0f32; WINDOW];
        let (mut sum, mut window, mut worst, mut worst_end) = (0.0f32, 0.0f32, 0.0f32, 0usize);
        let mut length = 0usize;
        let mut context = 27 * SYMBOLS + 27;
        for (index, &byte) in text.iter().enumerate() {
            let symbol = usize::from(fold[usize::from(byte)]) & (SYMBOLS - 1);
            if symbol == DIGIT && context & (SYMBOLS - 1) == DIGIT {
                // A number is one symbol however long it is: `shape` measures lengths.
                continue;
            }
            let place = ((context << 6) | symbol) & (TRIPLES - 1);
            let (total, triple) = (pairs[context & (PAIRS - 1)], triples[place]);
            let of_total = match usize::from(total) {
                small if small < SMALL => logs[small & (SMALL - 1)].1,
                _ => ln(f32::from(total) + UNSEEN * SYMBOLS as f32),
            };
            let of_triple = match usize::from(triple) {
                small if small < SMALL => logs[small & (SMALL - 1)].0,
                _ => ln(f32::from(triple) + UNSEEN),
            };
            let surprise = of_total - of_triple;
            if total == u16::MAX {
                // The context is full: its continuations fade together.
                let mut left = 0u16;
                for count in triples.iter_mut().skip(place & !(SYMBOLS - 1)).take(SYMBOLS) {
                    *count /= 2;
                    left = left.saturating_add(*count);
                }
                pairs[context & (PAIRS - 1)] = left;
            }
            pairs[context & (PAIRS - 1)] = pairs[context & (PAIRS - 1)].saturating_add(1);
            triples[place] = triples[place].saturating_add(1);
            context = place & (PAIRS - 1);
            sum += surprise;
            window += surprise - ring[length & (WINDOW - 1)];
            ring[length & (WINDOW - 1)] = surprise;
            length = length.wrapping_add(1);
            if window > worst {
                (worst, worst_end) = (window, index.wrapping_add(1));
            }
        }
        let length = length.max(1);
        Spelling {
            mean: sum / length as f32,
            worst: worst / WINDOW.min(length) as f32,
            at: worst_end.saturating_sub(WINDOW),
        }
    }

    /// Halves every count.
    pub fn halve(&mut self) {
        for (pair, triples) in self.pairs.iter_mut().zip(self.triples.chunks_exact_mut(SYMBOLS)) {
            *pair = 0;
            for count in triples {
                *count /= 2;
                *pair = pair.saturating_add(*count);
            }
        }
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        (self.triples.capacity() + self.pairs.capacity()) * 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_spelled_like_no_other_stands_out_where_it_differs() {
        let mut letters = Letters::of_text();
        for number in 0..500 {
            letters.observe(format!("connection from host {number} accepted").as_bytes());
        }
        let plain = letters.observe(b"connection from host 77 accepted");
        let odd = letters.observe(b"connection from host '||(zq$}| accepted");
        assert!(plain.mean < 0.2 && odd.mean > 4.0 * plain.mean && odd.worst > 4.0, "{plain:?} {odd:?}");
        assert!((18..28).contains(&odd.at), "{odd:?}");
        assert!(letters.bytes() <= 540_000);
    }

    #[test]
    fn counts_do_not_overflow() {
        let mut letters = Letters::of_shape();
        for _ in 0..400 {
            letters.observe(&[b'a'; 512]);
        }
        letters.halve();
        assert!(letters.observe(&[b'b'; 64]).mean < 0.01);
    }
}
