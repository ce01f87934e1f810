//! Columns of unsigned integers: minimum based or differences, as byte planes, high plane first.

use std::sync::Arc;

use super::DecodeError;
use super::order::Order;
use super::pack::{BlobsOf, Kind, Meta};
use super::parts::Part;
use crate::archive::column::{entropy, unzigzag, width_of as width, write_varint, zigzag};

/// All values are the base.
const EQUAL: u8 = 0;
/// Values minus the least.
const OFFSETS: u8 = 1;
/// Zigzag differences to the value before, the first to the base.
const DELTAS: u8 = 2;

/// Writes a column of integers.
pub fn write(part: &mut Part, values: &[u64]) {
    let meta = &mut part.meta;
    let least = values.iter().copied().min().unwrap_or(0);
    let most = values.iter().copied().max().unwrap_or(0);
    if least == most {
        meta.push(EQUAL);
        write_varint(meta, least);
        return;
    }
    let first = values.first().copied().unwrap_or(0);
    let deltas = deltas(values);
    let delta_width = width(deltas.iter().fold(0, |all, delta| all | delta));
    let offset_width = width(most - least);
    let by_offset = entropy(values, least, offset_width);
    if entropy(&deltas, 0, delta_width) < by_offset {
        meta.push(DELTAS << 4 | delta_width);
        write_varint(meta, first);
        planes(part, &deltas, 0, delta_width);
    } else {
        meta.push(OFFSETS << 4 | offset_width);
        write_varint(meta, least);
        planes(part, values, least, offset_width);
    }
}

/// Bits (in units of 1/256) that a column is estimated to take.
pub fn estimate(values: &[u64]) -> u64 {
    let least = values.iter().copied().min().unwrap_or(0);
    let most = values.iter().copied().max().unwrap_or(0);
    let deltas = deltas(values);
    let delta_width = width(deltas.iter().fold(0, |all, delta| all | delta));
    entropy(values, least, width(most - least)).min(entropy(&deltas, 0, delta_width))
}

fn deltas(values: &[u64]) -> Vec<u64> {
    let mut before = values.first().copied().unwrap_or(0);
    let mut delta = |value: &u64| {
        let delta = zigzag(value.wrapping_sub(before) as i64);
        before = *value;
        delta
    };
    values.iter().map(&mut delta).collect()
}

/// A plane of equal bytes has no blob: a 1 and the byte; others a 0 and their reference.
fn planes(part: &mut Part, values: &[u64], base: u64, width: u8) {
    for plane in (0..width).rev() {
        let bytes: Vec<u8> = values.iter().map(|value| (value.wrapping_sub(base) >> (8 * plane)) as u8).collect();
        match bytes.first() {
            Some(first) if bytes.iter().all(|byte| byte == first) => part.meta.extend_from_slice(&[1, *first]),
            _ => {
                part.meta.push(0);
                part.blobs.add(&mut part.meta, if plane == 0 { Kind::Low } else { Kind::High }, bytes);
            }
        }
    }
}

const NO_FORM: DecodeError = DecodeError("no such form of integers");

/// Bytes of a value at most.
const WIDEST: usize = 8;

/// A plane of a column as described.
#[derive(Debug, Clone, Copy)]
enum Plane {
    Equal(u8),
    Blob(u32),
}

/// A column of integers as described, not yet unpacked.
#[derive(Debug, Clone)]
pub struct Integers {
    mode: u8,
    base: u64,
    /// As many as `width` says: a chunk has thousands of columns, and none of them takes memory of its own.
    planes: [Plane; WIDEST],
    width: usize,
    order: Option<Arc<Order>>,
}

impl Integers {
    /// Reads the description.
    pub fn read(meta: &mut Meta<'_>) -> Result<Integers, DecodeError> {
        let head = meta.byte()?;
        let (mode, width) = (head >> 4, head & 15);
        let base = meta.number()?;
        let width = usize::from(width);
        if mode > DELTAS || width > WIDEST || (mode == EQUAL) != (width == 0) {
            return Err(NO_FORM);
        }
        let mut planes = [Plane::Equal(0); WIDEST];
        for plane in planes.iter_mut().take(width) {
            *plane = match meta.byte()? {
                0 => Plane::Blob(meta.blob()?),
                _ => Plane::Equal(meta.byte()?),
            };
        }
        Ok(Integers { mode, base, planes, width, order: None })
    }

    /// Passes over a description.
    pub fn pass(meta: &mut Meta<'_>) -> Result<(), DecodeError> {
        let head = meta.byte()?;
        let (mode, width) = (head >> 4, usize::from(head & 15));
        meta.number()?;
        if mode > DELTAS || width > WIDEST || (mode == EQUAL) != (width == 0) {
            return Err(NO_FORM);
        }
        for _ in 0..width {
            match meta.byte()? {
                0 => meta.blob().map(|_| ())?,
                _ => meta.byte().map(|_| ())?,
            }
        }
        Ok(())
    }

    /// Says in which order the values stand.
    pub fn set_order(&mut self, order: Order) {
        self.order = Some(Arc::new(order));
    }

    /// The order in which the values stand, if it is not that of the rows.
    pub fn order(&self) -> Option<&Arc<Order>> {
        self.order.as_ref()
    }

    /// The least and the largest number that a value can be by what is described, where that tells anything.
    pub fn range(&self) -> Option<(u64, u64)> {
        if self.mode == DELTAS {
            return None;
        }
        let planes = self.planes.iter().take(self.width);
        let (low, high) = planes.fold((0u64, 0u64), |(low, high), plane| match plane {
            Plane::Equal(byte) => (low << 8 | u64::from(*byte), high << 8 | u64::from(*byte)),
            Plane::Blob(_) => (low << 8, high << 8 | 0xff),
        });
        Some((self.base.checked_add(low)?, self.base.checked_add(high)?))
    }

    /// Unpacks the values at some of `count` places, in the order in which they stand.
    pub fn load_at(
        &self,
        blobs: &mut BlobsOf<'_, '_>,
        count: usize,
        places: &[usize],
    ) -> Result<Vec<u64>, DecodeError> {
        const BEYOND: DecodeError = DecodeError("a column is at its end");
        if self.mode == EQUAL {
            return Ok(vec![self.base; places.len()]);
        }
        if self.mode == DELTAS {
            let until = places.iter().copied().max().map_or(0, |last| last.saturating_add(1).min(count));
            let values = self.load_until(blobs, count, until)?;
            return places.iter().map(|place| values.get(*place).copied().ok_or(BEYOND)).collect();
        }
        let mut values = vec![0u64; places.len()];
        for plane in self.planes.iter().take(self.width) {
            match plane {
                Plane::Equal(byte) => values.iter_mut().for_each(|value| *value = *value << 8 | u64::from(*byte)),
                Plane::Blob(blob) => blobs.with(*blob, |bytes| {
                    if bytes.len() != count {
                        return Err(DecodeError("a plane of another length"));
                    }
                    for (value, place) in values.iter_mut().zip(places) {
                        *value = *value << 8 | u64::from(*bytes.get(*place).ok_or(BEYOND)?);
                    }
                    Ok(())
                })?,
            }
        }
        values.iter_mut().for_each(|value| *value = value.wrapping_add(self.base));
        Ok(values)
    }

    /// Unpacks exactly `count` values, in the order in which they stand.
    pub fn load(&self, blobs: &mut BlobsOf<'_, '_>, count: usize) -> Result<Vec<u64>, DecodeError> {
        self.load_until(blobs, count, count)
    }

    /// Unpacks the first values of `count`, in the order in which they stand.
    fn load_until(&self, blobs: &mut BlobsOf<'_, '_>, count: usize, until: usize) -> Result<Vec<u64>, DecodeError> {
        if self.mode == EQUAL {
            return Ok(vec![self.base; until]);
        }
        let mut values = vec![0u64; until];
        for plane in self.planes.iter().take(self.width) {
            match plane {
                Plane::Equal(byte) => values.iter_mut().for_each(|value| *value = *value << 8 | u64::from(*byte)),
                Plane::Blob(blob) => {
                    blobs.with(*blob, |bytes| {
                        if bytes.len() != count {
                            return Err(DecodeError("a plane of another length"));
                        }
                        values.iter_mut().zip(bytes).for_each(|(value, byte)| *value = *value << 8 | u64::from(*byte));
                        Ok(())
                    })?;
                }
            }
        }
        if self.mode == OFFSETS {
            values.iter_mut().for_each(|value| *value = value.wrapping_add(self.base));
        } else {
            let mut before = self.base;
            for value in &mut values {
                before = before.wrapping_add(unzigzag(*value) as u64);
                *value = before;
            }
        }
        Ok(values)
    }
}
