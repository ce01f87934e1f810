//! The values of a loaded column, written one after the other.

use std::sync::Arc;

use super::pack::Shared;
use super::read::Table;
use super::{DecodeError, Sink, stamps};
use crate::archive::column::unzigzag;

/// Values as bytes, one after the other.
#[derive(Debug, Default)]
pub struct Text {
    /// The bytes.
    pub bytes: Shared,
    /// Where each value starts, and one past the last.
    pub starts: Vec<u32>,
    /// Bytes between one value and the next: none, or a line feed, which also ends the last.
    pub gap: u32,
}

impl Text {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Bytes of all values, each ended by a line feed.
    pub fn lines_len(&self) -> usize {
        let bytes = self.starts.last().zip(self.starts.first()).map_or(0, |(end, start)| end.saturating_sub(*start));
        bytes as usize + if self.gap == 0 { self.len() } else { 0 }
    }

    /// Writes all values, each ended by a line feed.
    pub fn lines_into(&self, out: &mut Vec<u8>) {
        match (self.gap, self.starts.first(), self.starts.last()) {
            // The gap is that line feed.
            (1, Some(start), Some(end)) => {
                out.extend_from_slice(self.bytes.bytes().get(*start as usize..*end as usize).unwrap_or_default());
            }
            _ => (0..self.len()).map_while(|index| self.get(index)).for_each(|value| {
                out.extend_from_slice(value);
                out.push(b'\n');
            }),
        }
    }

    /// A value.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let (start, end) = (*self.starts.get(index)?, *self.starts.get(index + 1)?);
        self.bytes.bytes().get(start as usize..end.checked_sub(self.gap)? as usize)
    }
}

/// What a column holds.
#[derive(Debug)]
pub enum Values {
    /// The same value always.
    Equal(Arc<[u8]>),
    /// Decimal numbers, with zeros before them up to a width.
    Numbers {
        /// Digits at least.
        width: usize,
        /// The numbers.
        values: Vec<u64>,
    },
    /// Bytes.
    Text(Text),
    /// Words of a dictionary.
    Words {
        /// The dictionary.
        entries: Arc<Text>,
        /// The entry of each value.
        ids: Vec<u64>,
    },
    /// Templates over columns.
    Nested(Box<Table>),
    /// Time stamps.
    Stamps {
        /// Writes their format.
        writer: stamps::Writer,
        /// Values are differences to the first stamp of the record.
        relative: bool,
        /// The values.
        values: Vec<u64>,
    },
}

/// A column and the place of its next value.
#[derive(Debug)]
pub struct Column {
    values: Values,
    next: usize,
}

impl Default for Column {
    fn default() -> Column {
        Column::new(Values::Equal(Arc::default()))
    }
}

const OVER: DecodeError = DecodeError("a column is at its end");

impl Column {
    /// Starts at the first value.
    pub fn new(values: Values) -> Column {
        Column { values, next: 0 }
    }

    /// Hands over its words and their ids, or those of the columns within it.
    pub fn each_words(&mut self, visit: &mut dyn FnMut(&mut Arc<Text>, &mut Vec<u64>)) {
        match &mut self.values {
            Values::Words { entries, ids } => visit(entries, ids),
            Values::Nested(table) => table.each_words(visit),
            _ => (),
        }
    }

    /// Writes the next value.
    #[inline]
    pub fn write(&mut self, sink: &mut Sink, first: &mut Option<u64>) -> Result<(), DecodeError> {
        let at = self.next;
        self.next += 1;
        match &mut self.values {
            Values::Equal(bytes) => sink.put(bytes),
            Values::Numbers { width, values } => number(*values.get(at).ok_or(OVER)?, *width, sink),
            Values::Text(text) => sink.put(text.get(at).ok_or(OVER)?),
            Values::Words { entries, ids } => {
                let id = *ids.get(at).ok_or(OVER)?;
                sink.put(entries.get(id as usize).ok_or(DecodeError("no such word in a dictionary"))?)
            }
            Values::Nested(table) => table.write(at, sink, first),
            Values::Stamps { writer, relative, values } => {
                let mut value = *values.get(at).ok_or(OVER)?;
                if *relative {
                    let base = first.ok_or(DecodeError("a time relative to none"))?;
                    value = base.wrapping_add(unzigzag(value) as u64);
                }
                first.get_or_insert(value);
                sink.put(writer.write(value).ok_or(DecodeError("no such time"))?)
            }
        }
    }
}

const PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
2021222324252627282930313233343536373839\
4041424344454647484950515253545556575859\
6061626364656667686970717273747576777879\
8081828384858687888990919293949596979899";

/// Writes a decimal number with at least `width` digits (20 at most).
fn number(value: u64, width: usize, sink: &mut Sink) -> Result<(), DecodeError> {
    let mut digits = [b'0'; 20];
    sink.put(decimal(value, width, &mut digits))
}

/// A decimal number with at least `width` digits (20 at most).
#[allow(clippy::indexing_slicing, reason = "hot; 64 bits have 20 digits at most and a pair is below 100")]
pub fn decimal(mut value: u64, width: usize, digits: &mut [u8; 20]) -> &[u8] {
    *digits = [b'0'; 20];
    let mut start = digits.len();
    while value >= 100 {
        let pair = (value % 100) as usize * 2;
        value /= 100;
        start -= 2;
        digits[start..start + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    }
    if value >= 10 {
        let pair = value as usize * 2;
        start -= 2;
        digits[start..start + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    } else {
        start -= 1;
        digits[start] = b'0' + value as u8;
    }
    start = start.min(digits.len() - width.min(digits.len()));
    &digits[start..]
}
