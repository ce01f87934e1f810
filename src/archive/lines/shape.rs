//! What a column can hold at all, told from its form alone.

use super::forms::Form;
use super::needle::{Ask, NO, Needle, Side};
use super::stamps;

/// What the values of a column look like.
#[derive(Debug)]
pub enum Shape<'a> {
    /// All are this.
    Equal(&'a [u8]),
    /// Decimal digits.
    Digits,
    /// Hexadecimal digits.
    Nibbles,
    /// Bytes of their own, and hexadecimal digits in places.
    Places(&'a [Option<u8>]),
    /// Time stamps of a format.
    Stamps(u8),
    /// Anything.
    Any,
}

impl<'a> Shape<'a> {
    /// From the form of a column.
    pub fn of_form(form: &'a Form) -> Shape<'a> {
        match form {
            Form::Equal(bytes) => Shape::Equal(bytes),
            Form::Numbers { .. } => Shape::Digits,
            Form::Nibbles { .. } => Shape::Nibbles,
            Form::Hex { places, .. } => Shape::Places(places),
            Form::Stamps { format, .. } => Shape::Stamps(*format),
            Form::Dictionary(_) | Form::Patterns(_) | Form::Lines | Form::Bytes => Shape::Any,
        }
    }

    /// Whether a value can hold what is asked.
    pub fn may_hold(&self, needle: &Needle, ask: Ask) -> bool {
        let part = needle.of(ask);
        match self {
            Shape::Equal(bytes) => needle.test(ask, bytes) != NO,
            Shape::Digits => part.iter().all(u8::is_ascii_digit) && part.len() <= 20,
            Shape::Nibbles => part.iter().all(u8::is_ascii_hexdigit),
            Shape::Places(known) => places(part, ask, known.len(), |place, byte| match known.get(place) {
                Some(Some(known)) => known.eq_ignore_ascii_case(&byte),
                _ => byte.is_ascii_hexdigit(),
            })
            .next()
            .is_some(),
            // Of a format that is not known anything may be.
            Shape::Stamps(format) => {
                places_in_stamps(*format, part, ask).is_none_or(|mut places| places.next().is_some())
            }
            Shape::Any => true,
        }
    }
}

/// The places at which a part may stand in time stamps of a format; `None` where there is no such format.
pub fn places_in_stamps(format: u8, part: &[u8], ask: Ask) -> Option<impl Iterator<Item = usize>> {
    let mut writer = stamps::Writer::new(format)?;
    let example = writer.write(0)?.to_vec();
    let len = example.len();
    Some(places(part, ask, len, move |place, byte| match example.get(place) {
        Some(b'0'..=b'9') => byte.is_ascii_digit() || byte == b' ',
        Some(b' ') => byte == b' ' || byte.is_ascii_digit(),
        Some(letter) if letter.is_ascii_alphabetic() => byte.is_ascii_alphabetic(),
        known => known == Some(&byte),
    }))
}

/// The places at which the part may stand in values of one length whose places take some bytes only.
fn places(part: &[u8], ask: Ask, len: usize, takes: impl Fn(usize, u8) -> bool) -> impl Iterator<Item = usize> {
    let possible = len.checked_sub(part.len()).map(|last| {
        let first = if ask.end == Side::Bound { last } else { 0 };
        let last = if ask.start == Side::Bound { 0 } else { last };
        first..=last
    });
    possible
        .into_iter()
        .flatten()
        .filter(move |at| part.iter().enumerate().all(|(place, byte)| takes(at + place, *byte)))
}
