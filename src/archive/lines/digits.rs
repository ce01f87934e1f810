//! Whether numbers hold digits, told by arithmetic: most numbers are never written out.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::needle::{Ask, NO, Needle, Side, YES};

/// More digits are looked for in the number written out.
const LONGEST: usize = 18;
/// Powers of ten, as many as 64 bits hold.
const POWERS: [u64; 20] = powers();

const fn powers() -> [u64; 20] {
    let mut powers = [1u64; 20];
    let mut at = 1;
    while at < powers.len() {
        #[allow(clippy::indexing_slicing, reason = "evaluated when compiled; the bound is the loop's")]
        {
            powers[at] = powers[at - 1] * 10;
        }
        at += 1;
    }
    powers
}

/// A question of digits, for decimal numbers with zeros before them up to a width.
#[derive(Debug, Clone, Copy)]
pub struct Digits<'a> {
    part: u64,
    len: usize,
    /// 10 to the power of `len`.
    power: u64,
    width: usize,
    start: Side,
    end: Side,
    /// Finds the whole needle in a number, wherever it stands.
    reader: Option<&'a Reader>,
}

/// Reads numbers from their last digit on, three at a time, as the automaton of Knuth, Morris and Pratt does that finds the digits turned
/// round. Only digits whose first is no zero: what numbers have before them are zeros, and then none is found in these.
#[derive(Debug, Clone)]
pub struct Reader {
    /// By the number of digits that were met and the next three digits: the number met then; all of them stay met.
    steps: Arc<[u8]>,
    all: usize,
}

impl Reader {
    /// For some digits, 1 to 18 of which the first is no zero; `None` for anything else.
    pub fn new(part: &[u8]) -> Option<Reader> {
        let is_number = part.iter().all(u8::is_ascii_digit) && part.first().is_some_and(|first| *first != b'0');
        if !is_number || part.len() > LONGEST {
            return None;
        }
        let turned: Vec<u8> = part.iter().rev().map(|digit| digit - b'0').collect();
        let all = turned.len();
        // The most digits that are met where so many were and one more comes.
        let one = |met: usize, digit: u8| -> usize {
            let seen: Vec<u8> = turned.iter().take(met).copied().chain([digit]).collect();
            match met == all {
                true => all,
                false => (0..=met + 1).rev().find(|len| seen.ends_with(turned.get(..*len).unwrap_or(&[]))).unwrap_or(0),
            }
        };
        let table: Vec<[usize; 10]> = (0..=all).map(|met| std::array::from_fn(|digit| one(met, digit as u8))).collect();
        let next = |met: usize, digit: usize| table.get(met).and_then(|row| row.get(digit)).copied().unwrap_or(0);
        let three = |at: usize| {
            let (met, digits) = (at / 1_000, at % 1_000);
            next(next(next(met, digits % 10), digits / 10 % 10), digits / 100) as u8
        };
        Some(Reader { steps: (0..(all + 1) * 1_000).map(three).collect(), all })
    }

    /// Whether a number has the digits.
    #[inline]
    pub fn finds(&self, mut rest: u64) -> bool {
        let mut met = 0;
        loop {
            met = usize::from(self.steps.get(met * 1_000 + (rest % 1_000) as usize).copied().unwrap_or_default());
            if met == self.all {
                return true;
            }
            rest /= 1_000;
            if rest == 0 {
                return false;
            }
        }
    }
}

/// It follows from the text of its needle.
impl PartialEq for Reader {
    fn eq(&self, _: &Reader) -> bool {
        true
    }
}

impl Eq for Reader {}

impl Hash for Reader {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl<'a> Digits<'a> {
    /// What is asked of numbers of at least `width` digits (20 at most); `None` where that is no question of 1 to 18 digits.
    pub fn of(needle: &'a Needle, ask: Ask, width: usize) -> Option<Digits<'a>> {
        let part = needle.of(ask);
        if part.is_empty() || part.len() > LONGEST || !part.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let number = part.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
        let power = *POWERS.get(part.len())?;
        let reader = needle.reader().filter(|_| part.len() == needle.len());
        let (len, width) = (part.len(), width.min(20));
        Some(Digits { part: number, len, power, width, start: ask.start, end: ask.end, reader })
    }

    /// The answer for a number, as [`Needle::test`] gives it for its digits.
    #[inline]
    pub fn test(&self, value: u64) -> u8 {
        match (self.start, self.end) {
            (Side::Free, Side::Free) if self.reader.is_some() => {
                if self.reader.is_some_and(|reader| reader.finds(value)) { YES } else { NO }
            }
            (Side::Bound, end) => {
                let digits = self.digits_of(value);
                let Some(behind) = digits.checked_sub(self.len) else { return NO };
                match POWERS.get(behind) {
                    Some(power) if value / power == self.part => match (behind, end) {
                        (0, end) => end.next_to(None),
                        (_, Side::Bound) => NO,
                        (_, end) => end.next_to(Some(b'0')),
                    },
                    _ => NO,
                }
            }
            (start, Side::Bound) if value % self.power == self.part => {
                match self.digits_of(value).checked_sub(self.len) {
                    Some(0) => start.next_to(None),
                    Some(_) => start.next_to(Some(b'0')),
                    None => NO,
                }
            }
            (_, Side::Bound) => NO,
            _ => self.beside(value),
        }
    }

    /// Whether a number from `low` to `high` may pass.
    pub fn may_be_in(&self, low: u64, high: u64) -> bool {
        // With as many digits behind it as a power has zeros, a number that has the digits is one of a run of so many; runs
        // come again at `power` times that.
        let places = if self.end == Side::Bound { 1 } else { POWERS.len() };
        POWERS.iter().take(places).any(|zeros| {
            let Some(first) = self.part.checked_mul(*zeros) else { return false };
            let runs = zeros.checked_mul(self.power);
            let begin = runs.map_or(0, |runs| low / runs * runs);
            let last = |begin: u64| begin.saturating_add(first).saturating_add(zeros - 1);
            let begin = if last(begin) < low { runs.and_then(|runs| begin.checked_add(runs)) } else { Some(begin) };
            begin.and_then(|begin| begin.checked_add(first)).is_some_and(|first| first <= high)
        })
    }

    fn digits_of(&self, value: u64) -> usize {
        self.width.max(value.checked_ilog10().map_or(1, |log| log as usize + 1))
    }

    /// The answer place by place.
    fn beside(&self, value: u64) -> u8 {
        let digits = self.digits_of(value);
        let (mut best, mut rest) = (NO, value);
        for behind in 0..=digits.saturating_sub(self.len) {
            if rest % self.power == self.part && digits >= self.len {
                let before = if behind + self.len == digits { None } else { Some(b'0') };
                let after = if behind == 0 { None } else { Some(b'0') };
                best = best.max(self.start.next_to(before).min(self.end.next_to(after)));
            }
            rest /= 10;
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::archive::lines::needle::Beyond;
    use crate::archive::lines::values::decimal;

    /// All sides that a question of a whole needle, or a part at its edge, can have.
    const SIDES: [Side; 5] =
        [Side::Bound, Side::Free, Side::Edge(Beyond::Word), Side::Edge(Beyond::Other), Side::Edge(Beyond::Unknown)];

    /// Needles that are digits all through, asked in all ways.
    fn asked(digits: &str) -> impl Iterator<Item = (Needle, Ask)> {
        let needle = Needle::new(digits.as_bytes(), (false, false)).unwrap();
        let to = digits.len() as u16;
        let ask = move |(start, end)| (needle.clone(), Ask { from: 0, to, start, end });
        SIDES.into_iter().flat_map(|start| SIDES.map(|end| (start, end))).map(ask)
    }

    #[track_caller]
    fn are_told_alike(digits: &str, values: &[u64], width: usize) {
        let mut text = [0; 20];
        for (needle, ask) in asked(digits) {
            let told = Digits::of(&needle, ask, width).unwrap();
            let of = |value: u64, text: &mut [u8; 20]| needle.test(ask, decimal(value, width, text));
            for value in values {
                assert_eq!(told.test(*value), of(*value, &mut text), "{digits} in {value} of {width}: {ask:?}");
            }
        }
    }

    #[test]
    fn digits_are_found_in_numbers_as_in_their_texts() {
        let values: Vec<u64> = (0..2_000).chain([40_400, 404_404, 1_404, u64::MAX, u64::MAX - 1, 1 << 63]).collect();
        for digits in ["0", "4", "00", "04", "40", "404", "040", "000", "1844674407370955161"] {
            if digits.len() <= LONGEST {
                [0, 1, 3, 4, 20].iter().for_each(|width| are_told_alike(digits, &values, *width));
            }
        }
    }

    #[test]
    fn what_is_no_question_of_digits_is_left_alone() {
        let of = |text: &str| {
            let needle = Needle::new(text.as_bytes(), (false, false)).unwrap();
            Digits::of(&needle, needle.ask(), 0).is_some()
        };
        assert!(of("0123456789"));
        assert!(!of("1a") && !of(" 1") && !of("1234567890123456789"));
    }

    #[test]
    fn a_range_without_such_a_number_is_told() {
        for digits in ["0", "7", "40", "404", "04", "00"] {
            for (needle, ask) in asked(digits) {
                let told = Digits::of(&needle, ask, 0).unwrap();
                for low in (0..3_000).step_by(7) {
                    for len in [0, 1, 9, 60, 300] {
                        let is_in = (low..=low + len).any(|value| told.test(value) != NO);
                        assert!(told.may_be_in(low, low + len) || !is_in, "{digits} from {low} to {}", low + len);
                    }
                }
            }
        }
        let (needle, ask) = asked("404").nth(6).unwrap();
        let told = Digits::of(&needle, ask, 0).unwrap();
        assert!(!told.may_be_in(0, 403) && told.may_be_in(0, 404), "numbers below");
        assert!(!told.may_be_in(405, 1_403) && told.may_be_in(405, 1_404), "numbers between");
        assert!(!told.may_be_in(u64::MAX - 10, u64::MAX), "numbers at the end");
        assert!(
            !told.may_be_in(4_050_000, 4_050_403) && told.may_be_in(4_050_000, 4_050_404),
            "numbers in a short range"
        );
    }

    proptest! {
        #[test]
        fn any_digits_are_found_in_any_number(
            value: u64,
            few in 0u64..100_000,
            from in 0usize..20,
            len in 1usize..10,
            other in "[0-9]{1,18}",
            width in 0usize..22,
        ) {
            for value in [value, few] {
                let text = value.to_string();
                let from = from % text.len();
                are_told_alike(&text[from..text.len().min(from + len)], &[value, few, value / 10, value % 1_000_000], width);
                are_told_alike(&other, &[value, few], width);
            }
        }

        #[test]
        fn a_number_is_in_no_range_without_it(value: u64, shift in 0u32..60, below in 0u64..1 << 40, above in 0u64..1 << 40, from in 0usize..20, len in 1usize..10) {
            let value = value >> shift;
            let text = value.to_string();
            let from = from % text.len();
            for (needle, ask) in asked(&text[from..text.len().min(from + len)]) {
                let told = Digits::of(&needle, ask, 0).unwrap();
                let is_in = told.may_be_in(value.saturating_sub(below), value.saturating_add(above));
                prop_assert!(is_in || told.test(value) == NO, "{value}: {ask:?}");
                prop_assert!(told.may_be_in(value, value) || told.test(value) == NO, "{value} alone: {ask:?}");
            }
        }
    }
}
