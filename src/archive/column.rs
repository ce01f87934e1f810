//! Columns of integers as bytes that zstd compresses well: minimum or delta, then byte planes, high byte first.
//!
//! Form: one byte of mode, a varint count, an 8-byte base, a varint unit, one byte of width, then `width` planes of `count`
//! bytes. A value is `base + unit * q`. Mode 0 stores q (unsigned); mode 1 zigzag differences of q to the one before (the first
//! to 0); mode 2 nothing more: all values are `base`.

/// Values minus the least value.
const OFFSETS: u8 = 0;
/// Zigzag differences.
const DELTAS: u8 = 1;
/// All values equal.
const CONSTANT: u8 = 2;
/// Units tried, largest first: times are ns, and most are whole seconds, milliseconds or microseconds.
const UNITS: [u64; 3] = [1_000_000_000, 1_000_000, 1_000];

/// Values of a column whose number is not known from elsewhere, at most.
const MOST_OF_ANY: usize = 1 << 17;
/// Values looked at to estimate what a column takes.
const SAMPLE: usize = 1_024;
/// Fewer values are taken to cost their width.
const LEAST_SAMPLE: usize = 48;
/// Keys that lie as near together are sorted by counting.
const NEAR: u64 = 1 << 16;
/// Bits by which keys are counted where the places of a few are asked for.
const COUNTED_BITS: u32 = 14;
/// Cost unit: 1/256 bit.
const BIT: u64 = 256;
/// What each distinct byte of a plane costs by itself, in the table of its compressed form.
const DISTINCT: u64 = 4 * BIT;

/// Writes a column; `decode` gives back the same values.
pub fn encode(values: &[i64]) -> Vec<u8> {
    let mut out = Vec::with_capacity(values.len() + 16);
    let base = values.iter().copied().min().unwrap_or(0);
    let highest = values.iter().copied().max().unwrap_or(0);
    if base == highest {
        header(&mut out, CONSTANT, values.len(), base, 1, 0);
        return out;
    }
    let offsets: Vec<u64> = values.iter().map(|value| value.wrapping_sub(base) as u64).collect();
    let unit = UNITS.into_iter().find(|unit| offsets.iter().all(|offset| offset % unit == 0)).unwrap_or(1);
    let scaled: Vec<u64> = offsets.into_iter().map(|offset| offset / unit).collect();
    let mut before = 0u64;
    let mut delta = |value: &u64| zigzag(value.wrapping_sub(std::mem::replace(&mut before, *value)) as i64);
    let deltas: Vec<u64> = scaled.iter().map(&mut delta).collect();
    let width = |values: &[u64]| width_of(values.iter().fold(0, |all, value| all | value));
    let (plain_width, delta_width) = (width(&scaled), width(&deltas));
    if entropy(&deltas, 0, delta_width) < entropy(&scaled, 0, plain_width) {
        header(&mut out, DELTAS, values.len(), base, unit, delta_width);
        planes(&mut out, &deltas, delta_width);
    } else {
        header(&mut out, OFFSETS, values.len(), base, unit, plain_width);
        planes(&mut out, &scaled, plain_width);
    }
    out
}

/// Reads a column of any number of values that its bytes can hold; `None` where they are no column.
pub fn decode_any(bytes: &[u8]) -> Option<Vec<i64>> {
    let (count, _) = read_varint(bytes.get(1..)?)?;
    let expected = usize::try_from(count).ok().filter(|count| *count <= MOST_OF_ANY)?;
    decode(bytes, expected)
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
    let (unit, rest) = read_varint(rest)?;
    let (&width, rest) = rest.split_first()?;
    let width = usize::from(width);
    if mode == CONSTANT {
        return (width == 0 && rest.is_empty()).then(|| vec![base; expected]);
    }
    if mode > DELTAS || width == 0 || width > 8 || rest.len() != expected.checked_mul(width)? {
        return None;
    }
    let mut values = vec![0u64; expected];
    for plane in rest.chunks_exact(expected) {
        for (value, byte) in values.iter_mut().zip(plane) {
            *value = *value << 8 | u64::from(*byte);
        }
    }
    let value_of = |scaled: u64| base.wrapping_add(scaled.wrapping_mul(unit) as i64);
    if mode == OFFSETS {
        return Some(values.into_iter().map(value_of).collect());
    }
    let mut before = 0u64;
    let mut next = |delta: u64| {
        before = before.wrapping_add(unzigzag(delta) as u64);
        value_of(before)
    };
    Some(values.into_iter().map(&mut next).collect())
}

/// Order-0 entropy, in 1/256 bit, of the byte planes of `value - base`, from a sample scaled to all values. In integers, so that
/// every machine chooses alike.
#[allow(clippy::indexing_slicing, reason = "a byte is always a place in a table of 256; hot")]
pub fn entropy(values: &[u64], base: u64, width: u8) -> u64 {
    if values.len() < LEAST_SAMPLE {
        return values.len() as u64 * u64::from(width) * 8 * BIT;
    }
    let step = values.len() / SAMPLE + 1;
    let whole = log2(values.len().div_ceil(step) as u64);
    let mut bits = 0u64;
    for plane in 0..width {
        let mut counts = [0u32; 256];
        for value in values.iter().step_by(step) {
            counts[(value.wrapping_sub(base) >> (8 * plane)) as u8 as usize] += 1;
        }
        for count in counts.iter().filter(|count| **count > 0).map(|count| u64::from(*count)) {
            bits += count * (whole - log2(count)) + DISTINCT / step as u64;
        }
    }
    bits.saturating_mul(step as u64)
}

/// Binary logarithm in 1/256, linear between powers of two.
fn log2(value: u64) -> u64 {
    let power = value.max(1).ilog2();
    let fraction = ((value.max(1) << (63 - power)) >> 55) & 0xff;
    u64::from(power) * BIT + fraction
}

fn header(out: &mut Vec<u8>, mode: u8, count: usize, base: i64, unit: u64, width: u8) {
    out.push(mode);
    write_varint(out, count as u64);
    out.extend_from_slice(&base.to_le_bytes());
    write_varint(out, unit);
    out.push(width);
}

fn planes(out: &mut Vec<u8>, values: &[u64], width: u8) {
    for plane in (0..width).rev() {
        out.extend(values.iter().map(|value| (value >> (8 * plane)) as u8));
    }
}

/// The places of keys in ascending order, equal ones in the order in which they stand.
pub fn places(keys: &[u64]) -> Vec<u32> {
    let least = keys.iter().copied().min().unwrap_or(0);
    let most = keys.iter().copied().max().unwrap_or(0);
    if most - least >= NEAR {
        let mut places: Vec<u32> = (0..keys.len() as u32).collect();
        places.sort_by_key(|place| keys.get(*place as usize).copied());
        return places;
    }
    let mut next = vec![0u32; (most - least) as usize + 2];
    for key in keys {
        if let Some(count) = next.get_mut((key - least) as usize + 1) {
            *count += 1;
        }
    }
    let mut before = 0;
    for count in &mut next {
        before += *count;
        *count = before;
    }
    let mut places = vec![0u32; keys.len()];
    for (place, key) in keys.iter().enumerate() {
        let Some(next) = next.get_mut((key - least) as usize) else { continue };
        if let Some(slot) = places.get_mut(*next as usize) {
            *slot = place as u32;
        }
        *next += 1;
    }
    places
}

/// Where some of these keys, ascending by their place, stand in the order of [`places`].
pub fn ranks(keys: &[u64], wanted: &[usize]) -> Vec<usize> {
    let mut sought: Vec<u64> = wanted.iter().filter_map(|place| keys.get(*place).copied()).collect();
    sought.sort_unstable();
    sought.dedup();
    let least = keys.iter().copied().min().unwrap_or(0);
    let most = keys.iter().copied().max().unwrap_or(0);
    // Keys are counted by their high bits; those that share them with one that is sought are compared with it.
    let shift = (64 - most.wrapping_sub(least).leading_zeros()).saturating_sub(COUNTED_BITS);
    let bucket = |key: u64| (key.wrapping_sub(least) >> shift) as usize;
    let mut counts = vec![0u32; bucket(most) + 1];
    for key in keys {
        if let Some(count) = counts.get_mut(bucket(*key)) {
            *count += 1;
        }
    }
    // How many keys are below each that is sought.
    let mut below = Vec::with_capacity(sought.len());
    let (mut from, mut before) = (0, 0usize);
    for key in &sought {
        let until = bucket(*key);
        before += counts.get(from..until).map_or(0, |counts| counts.iter().map(|count| *count as usize).sum());
        from = until;
        below.push(before);
    }
    let mut shared = vec![false; counts.len()];
    for key in &sought {
        if let Some(shared) = shared.get_mut(bucket(*key)) {
            *shared = true;
        }
    }
    let is_near = |key: &&u64| shared.get(bucket(**key)) == Some(&true);
    if shift > 0 {
        for key in keys.iter().filter(is_near) {
            let above = sought.partition_point(|sought| sought <= key);
            let of_bucket = sought.iter().zip(&mut below).skip(above);
            of_bucket.take_while(|(sought, _)| bucket(**sought) == bucket(*key)).for_each(|(_, below)| *below += 1);
        }
    }
    let mut ranks = Vec::with_capacity(wanted.len());
    let mut next = 0;
    for wanted in wanted {
        // Equal ones stand in the order of their places.
        for key in keys.get(next..*wanted).unwrap_or_default().iter().filter(is_near) {
            if let Ok(at) = sought.binary_search(key)
                && let Some(below) = below.get_mut(at)
            {
                *below += 1;
            }
        }
        let key = keys.get(*wanted);
        let rank = key.and_then(|key| sought.binary_search(key).ok()).and_then(|at| below.get_mut(at));
        ranks.push(rank.map_or(0, |rank| std::mem::replace(rank, *rank + 1)));
        next = *wanted + 1;
    }
    ranks
}

/// Puts values that stand in ascending order of keys, equal ones in the order of their rows, back into the rows; `keys` are those of
/// the rows. `None` where there is not a value for each.
pub fn by_row<K: Copy + Into<u64>, V: Copy + Default>(values: &[V], keys: &[K]) -> Option<Vec<V>> {
    if values.len() != keys.len() {
        return None;
    }
    let key = |key: &K| -> u64 { (*key).into() };
    let (least, most) = keys.iter().map(key).fold((u64::MAX, 0), |(least, most), key| (least.min(key), most.max(key)));
    if keys.is_empty() || most - least >= NEAR {
        let keys: Vec<u64> = keys.iter().map(key).collect();
        let mut rows = vec![V::default(); values.len()];
        for (place, value) in places(&keys).into_iter().zip(values) {
            *rows.get_mut(place as usize)? = *value;
        }
        return Some(rows);
    }
    // Where the values of each key begin.
    let mut next = vec![0u32; (most - least) as usize + 2];
    for one in keys {
        *next.get_mut((key(one) - least) as usize + 1)? += 1;
    }
    let mut before = 0;
    for count in &mut next {
        before += *count;
        *count = before;
    }
    let mut rows = Vec::with_capacity(keys.len());
    for one in keys {
        let next = next.get_mut((key(one) - least) as usize)?;
        rows.push(*values.get(*next as usize)?);
        *next += 1;
    }
    Some(rows)
}

/// Bytes that a number takes, at least one.
pub fn width_of(value: u64) -> u8 {
    (8 - value.leading_zeros() / 8).max(1) as u8
}

/// Folds the sign into the lowest bit, so that small differences are small numbers.
pub fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// The opposite of [`zigzag`].
pub fn unzigzag(value: u64) -> i64 {
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
        fn whole_seconds_come_back(values in proptest::collection::vec(-5_000i64..5_000, 0..200)) {
            let values: Vec<i64> = values.into_iter().map(|second| second * 1_000_000_000 + 7).collect();
            prop_assert_eq!(decode(&encode(&values), values.len()), Some(values));
        }

        #[test]
        fn any_sorted_column_comes_back(mut values in proptest::collection::vec(-5_000i64..5_000, 0..200)) {
            values.sort();
            prop_assert_eq!(decode(&encode(&values), values.len()), Some(values));
        }

        #[test]
        fn values_in_the_order_of_keys_come_back(
            rows in proptest::collection::vec((prop_oneof![0u64..4, any::<u64>()], any::<i64>()), 0..40),
        ) {
            let (keys, values): (Vec<u64>, Vec<i64>) = rows.into_iter().unzip();
            let ordered: Vec<i64> = places(&keys).into_iter().map(|place| values[place as usize]).collect();
            prop_assert_eq!(by_row(&ordered, &keys), Some(values.clone()));
            let near: Vec<u32> = keys.iter().map(|key| (key % 5) as u32).collect();
            let wide: Vec<u64> = near.iter().map(|key| u64::from(*key)).collect();
            let ordered: Vec<i64> = places(&wide).into_iter().map(|place| values[place as usize]).collect();
            prop_assert_eq!(by_row(&ordered, &near), Some(values));
            prop_assert_eq!(by_row(&ordered, &[0u32; 41]), None);
        }

        #[test]
        fn any_bytes_are_a_column_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = decode(&bytes, 3);
            let _ = read_varint(&bytes);
        }
    }

    proptest! {
        #[test]
        fn ranks_of_some_keys_are_their_places_among_all(
            keys in proptest::collection::vec((0u64..6, 0u32..64), 1..300),
            step in 1usize..9,
        ) {
            let keys: Vec<u64> = keys.into_iter().map(|(key, shift)| key << shift).collect();
            let places = places(&keys);
            let wanted: Vec<usize> = (0..keys.len()).step_by(step).collect();
            let rank = |wanted: &usize| places.iter().position(|place| *place as usize == *wanted);
            prop_assert_eq!(ranks(&keys, &wanted), wanted.iter().filter_map(rank).collect::<Vec<_>>());
        }
    }

    #[test]
    fn equal_values_take_a_few_bytes() {
        assert!(encode(&[7; 8192]).len() < 16);
        assert_eq!(decode(&encode(&[7; 8192]), 8192), Some(vec![7; 8192]));
        assert_eq!(decode(&encode(&[7; 8]), 9), None, "another count is not this column");
    }
}
