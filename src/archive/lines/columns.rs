//! Columns of values: the first form that fits is written.

use super::dictionary::{self, Dictionary};
use super::integers;
use super::pack::Kind;
use super::parts::{Parts, Scope};
use super::patterns;
use super::tokens::{DIGIT, HEX_LOWER, HEX_UPPER, class};
use super::{Span, slice};
use crate::archive::column::write_varint;

/// All values are equal: length and bytes.
pub const EQUAL: u8 = 0;
/// Decimal integers without leading zeros.
pub const INTEGERS: u8 = 1;
/// Decimal digits of one width, leading zeros kept: width, integers.
pub const FIXED_DIGITS: u8 = 2;
/// Number of the dictionary; ids.
pub const DICTIONARY: u8 = 3;
/// Values of one length in which each place is constant or a hexadecimal digit.
pub const HEX: u8 = 5;
/// Hexadecimal (or decimal) digits of any length: case, lengths, nibbles.
pub const NIBBLES: u8 = 6;
/// Templates over the runs of digits, ids, a column for each run.
pub const PATTERNS: u8 = 7;
/// Values each ended by a line feed that none of them holds.
pub const LINES: u8 = 8;
/// Lengths, then the bytes.
pub const BYTES: u8 = 9;
/// Time stamps: format, whether relative to the first of the record, integers.
pub const STAMPS: u8 = 10;
/// Comes before another form: the values stand in the order of the template (0) or of a column (its number plus one).
pub const ORDERED: u8 = 11;

/// Columns within columns go no deeper.
pub const DEEPEST: u8 = 4;
/// 19 digits always fit 64 bits.
const MOST_DIGITS: u32 = 19;
/// A dictionary of fewer values is larger than the values.
const LEAST_FOR_DICTIONARY: usize = 12;
/// Longest value taken apart by place.
const MOST_PLACES: usize = 128;

/// What all values of a column have in common.
struct Shape {
    equal: bool,
    shortest: u32,
    longest: u32,
    /// Classes that all bytes share.
    every: u8,
    /// Classes that some byte has.
    any: u8,
    leading_zero: bool,
}

fn shape(raw: &[u8], values: &[Span]) -> Shape {
    let first = values.first().map_or(&[][..], |value| slice(raw, *value));
    let mut shape = Shape { equal: true, shortest: u32::MAX, longest: 0, every: u8::MAX, any: 0, leading_zero: false };
    for value in values {
        let bytes = slice(raw, *value);
        shape.equal = shape.equal && bytes == first;
        shape.shortest = shape.shortest.min(value.len);
        shape.longest = shape.longest.max(value.len);
        shape.leading_zero |= bytes.len() > 1 && bytes.first() == Some(&b'0');
        // Once they have no class in common and there is a digit, more bytes tell nothing new.
        if shape.every & (HEX_LOWER | HEX_UPPER) != 0 || shape.any & DIGIT == 0 {
            for byte in bytes {
                let class = class(*byte);
                shape.every &= class;
                shape.any |= class;
            }
        }
    }
    shape
}

/// Writes a column: its form to the tree, its values to the parts they belong to. `depth` counts the columns it lies in.
pub fn write(parts: &mut Parts, raw: &[u8], values: &[Span], scope: &Scope, depth: u8) -> std::io::Result<()> {
    let shape = shape(raw, values);
    if shape.equal {
        let value = values.first().map_or(&[][..], |value| slice(raw, *value));
        parts.tree.push(EQUAL);
        write_varint(&mut parts.tree, value.len() as u64);
        parts.tree.extend_from_slice(value);
        return Ok(());
    }
    let digits = shape.every & DIGIT != 0 && shape.shortest > 0;
    if digits && shape.longest <= MOST_DIGITS && (!shape.leading_zero || shape.shortest == shape.longest) {
        return numbers(parts, raw, values, &shape, scope, depth);
    }
    if depth < DEEPEST
        && values.len() >= LEAST_FOR_DICTIONARY
        && let Some(dictionary) = dictionary::of_column(raw, values)
    {
        return write_dictionary(parts, dictionary, scope, depth);
    }
    if shape.any & DIGIT != 0 && shape.shortest >= 4 && by_place(parts, raw, values, &shape, scope) {
        return Ok(());
    }
    let hex = if shape.every & HEX_LOWER != 0 { HEX_LOWER } else { shape.every & HEX_UPPER };
    if hex != 0 && shape.shortest > 0 && (digits || shape.any & DIGIT != 0 && shape.shortest >= 5) {
        nibbles(parts, raw, values, scope);
        return Ok(());
    }
    if shape.any & DIGIT != 0 && depth < DEEPEST && patterns::write(parts, raw, values, scope, depth)? {
        return Ok(());
    }
    text(parts, raw, values, &shape, scope);
    Ok(())
}

/// Writes a column whose values are in a dictionary.
pub fn write_ids(parts: &mut Parts, dictionary: u64, ids: &[u64], scope: &Scope) -> std::io::Result<()> {
    let mut form = vec![DICTIONARY];
    write_varint(&mut form, dictionary);
    parts.integers(&form, ids, scope)
}

/// Writes a column of time stamps.
pub fn write_stamps(parts: &mut Parts, format: u8, values: &[u64], relative: Option<&[u64]>, scope: &Scope) {
    parts.tree.extend_from_slice(&[STAMPS, format]);
    match relative {
        Some(relative) if integers::estimate(relative) < integers::estimate(values) => {
            parts.tree.push(1);
            parts.each(scope, relative, integers::write);
        }
        _ => {
            parts.tree.push(0);
            parts.each(scope, values, integers::write);
        }
    }
}

fn number(raw: &[u8], value: &Span) -> u64 {
    slice(raw, *value)
        .iter()
        .fold(0u64, |number, digit| number.wrapping_mul(10).wrapping_add(u64::from(digit.wrapping_sub(b'0'))))
}

fn numbers(
    parts: &mut Parts,
    raw: &[u8],
    values: &[Span],
    shape: &Shape,
    scope: &Scope,
    depth: u8,
) -> std::io::Result<()> {
    let numbers: Vec<u64> = values.iter().map(|value| number(raw, value)).collect();
    // Few distinct wide numbers (sizes, ports, octets) are cheaper as words of a dictionary.
    if depth < DEEPEST
        && shape.longest >= 3
        && values.len() >= 4 * LEAST_FOR_DICTIONARY
        && let Some(dictionary) = dictionary::of_column(raw, values)
    {
        let entries: Vec<u64> = dictionary.entries.iter().map(|value| number(raw, value)).collect();
        let by_id = integers::estimate(&dictionary.ids) + integers::estimate(&entries);
        if by_id < integers::estimate(&numbers) / 10 * 9 {
            return write_dictionary(parts, dictionary, scope, DEEPEST);
        }
    }
    if shape.leading_zero {
        parts.integers(&[FIXED_DIGITS, shape.longest as u8], &numbers, scope)
    } else {
        parts.integers(&[INTEGERS], &numbers, scope)
    }
}

fn write_dictionary(parts: &mut Parts, dictionary: Dictionary, scope: &Scope, depth: u8) -> std::io::Result<()> {
    let number = parts.dictionary(dictionary.entries, (depth + 1).min(DEEPEST));
    write_ids(parts, number, &dictionary.ids, scope)
}

/// Addresses of fixed width, UUIDs, hashes: constant places once, the others as nibbles.
fn by_place(parts: &mut Parts, raw: &[u8], values: &[Span], shape: &Shape, scope: &Scope) -> bool {
    let len = shape.longest as usize;
    if shape.shortest != shape.longest || len > MOST_PLACES {
        return false;
    }
    let first = values.first().map_or(&[][..], |value| slice(raw, *value));
    let mut every = vec![u8::MAX; len];
    let mut differs = vec![false; len];
    for value in values {
        for (((byte, first), every), differs) in slice(raw, *value).iter().zip(first).zip(&mut every).zip(&mut differs)
        {
            *every &= class(*byte);
            *differs |= byte != first;
        }
    }
    let varying = |wanted: u8| every.iter().zip(&differs).all(|(every, differs)| !differs || every & wanted != 0);
    let upper = if varying(HEX_LOWER) {
        false
    } else if varying(HEX_UPPER) {
        true
    } else {
        return false;
    };
    let tree = &mut parts.tree;
    tree.extend_from_slice(&[HEX, u8::from(upper)]);
    write_varint(tree, len as u64);
    for (byte, differs) in first.iter().zip(&differs) {
        // No digit is as low as 1, so a place that differs is told by it.
        tree.extend_from_slice(if *differs { &[1] } else { &[0] });
        if !differs {
            tree.push(*byte);
        }
    }
    parts.each(scope, values, |part, values| {
        let mut packed = Packed::default();
        for value in values {
            for (byte, _) in slice(raw, *value).iter().zip(&differs).filter(|(_, differs)| **differs) {
                packed.push(*byte);
            }
        }
        part.blobs.add(&mut part.meta, Kind::Low, packed.bytes);
    });
    true
}

#[derive(Default)]
struct Packed {
    bytes: Vec<u8>,
    half: bool,
}

impl Packed {
    fn push(&mut self, digit: u8) {
        let nibble = match digit {
            b'0'..=b'9' => digit - b'0',
            _ => (digit & 0x0f) + 9,
        };
        match self.bytes.last_mut() {
            Some(last) if self.half => *last |= nibble,
            _ => self.bytes.push(nibble << 4),
        }
        self.half = !self.half;
    }
}

fn nibbles(parts: &mut Parts, raw: &[u8], values: &[Span], scope: &Scope) {
    let bytes = |value: &Span| slice(raw, *value);
    let upper = values.iter().flat_map(bytes).any(u8::is_ascii_uppercase);
    parts.tree.extend_from_slice(&[NIBBLES, u8::from(upper)]);
    parts.each(scope, values, |part, values| {
        let mut packed = Packed::default();
        values.iter().flat_map(bytes).for_each(|byte| packed.push(*byte));
        integers::write(part, &lengths(values));
        part.blobs.add(&mut part.meta, Kind::Low, packed.bytes);
    });
}

fn lengths(values: &[Span]) -> Vec<u64> {
    values.iter().map(|value| u64::from(value.len)).collect()
}

fn text(parts: &mut Parts, raw: &[u8], values: &[Span], shape: &Shape, scope: &Scope) {
    let line_feed = values.iter().any(|value| memchr::memchr(b'\n', slice(raw, *value)).is_some());
    let by_length = line_feed || shape.shortest == shape.longest;
    parts.tree.push(if by_length { BYTES } else { LINES });
    parts.each(scope, values, |part, values| {
        let mut bytes = Vec::with_capacity(values.iter().map(|value| value.len as usize + 1).sum());
        for value in values {
            bytes.extend_from_slice(slice(raw, *value));
            if !by_length {
                bytes.push(b'\n');
            }
        }
        if by_length {
            integers::write(part, &lengths(values));
        }
        part.blobs.add(&mut part.meta, Kind::Text, bytes);
    });
}
