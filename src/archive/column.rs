//! Columns of integers as bytes that zstd compresses well: minimum or delta, then byte planes, high byte first.
//!
//! Form: one byte of mode, a varint count, an 8-byte base, one byte of width, then `width` planes of `count` bytes. Mode 0 stores
//! `value - base` (unsigned); mode 1 stores zigzag differences to the value before (the first to `base`); mode 2 stores
//! nothing more: all values are `base`.

/// Values minus the least value.
const OFFSETS: u8 = 0;
/// Zigzag differences.
const DELTAS: u8 = 1;
/// All values equal.
const CONSTANT: u8 = 2;

/// Writes a column; `decode` gives back the same values.
pub fn encode(values: &[i64]) -> Vec<u8> {
    let mut out = Vec::with_capacity(values.len() + 16);
    let base = values.iter().copied().min().unwrap_or(0);
    let highest = values.iter().copied().max().unwrap_or(0);
    if base == highest {
        header(&mut out, CONSTANT, values.len(), base, 0);
        return out;
    }
    let range = highest.wrapping_sub(base) as u64;
    let first = values.first().copied().unwrap_or(0);
    let mut before = first;
    let mut widest = 0u64;
    for value in values {
        widest |= zigzag(value.wrapping_sub(before));
        before = *value;
    }
    let (plain_width, delta_width) = (width_of(range), width_of(widest));
    // Sorted values (times, mostly) win by differences even at the same width: their planes hold small numbers.
    if delta_width <= plain_width && values.is_sorted() || delta_width < plain_width {
        header(&mut out, DELTAS, values.len(), first, delta_width);
        let mut before = first;
        let deltas = values.iter().map(|value| {
            let delta = zigzag(value.wrapping_sub(before));
            before = *value;
            delta
        });
        planes(&mut out, deltas.collect(), delta_width);
    } else {
        header(&mut out, OFFSETS, values.len(), base, plain_width);
        planes(&mut out, values.iter().map(|value| value.wrapping_sub(base) as u64).collect(), plain_width);
    }
    out
}

/// Reads a column of exactly `expected` values; `None` where the bytes are no such column.
pub fn decode(bytes: &[u8], expected: usize) -> Option<Vec<i64>> {
    let (&mode, rest) = bytes.split_first()?;
    let (count, rest) = read_varint(rest)?;
    if count != expected as u64 {
        return None;
    }
    let (base, rest) = rest.split_first_chunk::<8>()?;
    let base = i64::from_le_bytes(*base);
    let (&width, rest) = rest.split_first()?;
    let width = usize::from(width);
    if mode == CONSTANT {
        return (width == 0 && rest.is_empty()).then(|| vec![base; expected]);
    }
    if width == 0 || width > 8 || rest.len() != expected.checked_mul(width)? {
        return None;
    }
    let mut values = vec![0u64; expected];
    for plane in rest.chunks_exact(expected) {
        for (value, byte) in values.iter_mut().zip(plane) {
            *value = *value << 8 | u64::from(*byte);
        }
    }
    match mode {
        OFFSETS => Some(values.into_iter().map(|value| base.wrapping_add(value as i64)).collect()),
        DELTAS => {
            let mut before = base;
            Some(
                values
                    .into_iter()
                    .map(|value| {
                        before = before.wrapping_add(unzigzag(value));
                        before
                    })
                    .collect(),
            )
        }
        _ => None,
    }
}

fn header(out: &mut Vec<u8>, mode: u8, count: usize, base: i64, width: u8) {
    out.push(mode);
    write_varint(out, count as u64);
    out.extend_from_slice(&base.to_le_bytes());
    out.push(width);
}

fn planes(out: &mut Vec<u8>, values: Vec<u64>, width: u8) {
    for plane in (0..width).rev() {
        out.extend(values.iter().map(|value| (value >> (8 * plane)) as u8));
    }
}

fn width_of(value: u64) -> u8 {
    (8 - value.leading_zeros() / 8).max(1) as u8
}

fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Appends a number, seven bits a byte, low bits first (LEB128).
pub fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads a number written by [`write_varint`] and gives it with the bytes after it.
pub fn read_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        if index == 9 && bits > 1 {
            return None;
        }
        value |= bits << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_column_comes_back(values in proptest::collection::vec(any::<i64>(), 0..200)) {
            prop_assert_eq!(decode(&encode(&values), values.len()), Some(values));
        }

        #[test]
        fn any_sorted_column_comes_back(mut values in proptest::collection::vec(-5_000i64..5_000, 0..200)) {
            values.sort();
            prop_assert_eq!(decode(&encode(&values), values.len()), Some(values));
        }

        #[test]
        fn any_bytes_are_a_column_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = decode(&bytes, 3);
            let _ = read_varint(&bytes);
        }
    }

    #[test]
    fn equal_values_take_a_few_bytes() {
        assert!(encode(&[7; 8192]).len() < 16);
        assert_eq!(decode(&encode(&[7; 8192]), 8192), Some(vec![7; 8192]));
        assert_eq!(decode(&encode(&[7; 8]), 9), None, "another count is not this column");
    }
}
