//! Reading a few values of many: which of each column some rows need, and values that are kept as bytes without those before them.

use super::forms::Described;
use super::read::Loader;
use super::template::Template;
use super::values::Text;
use super::{DecodeError, Sink};

const OVER: DecodeError = DecodeError("a column is at its end");
const OTHER: DecodeError = DecodeError("digits of another number");

/// A column that some rows need.
pub struct NeededColumn {
    /// Its number in the table.
    pub number: usize,
    /// How many values it has over all rows.
    pub count: usize,
    /// Those that the rows need, ascending.
    pub wanted: Vec<usize>,
}

/// What some rows of a table need, numbered anew: a table may have thousands of templates and columns.
pub struct Needed {
    /// The templates of the rows, with the numbers of `columns`.
    pub templates: Vec<Template>,
    /// The template of each row.
    pub ids: Vec<u64>,
    pub columns: Vec<NeededColumn>,
}

const MISSING: DecodeError = DecodeError("a template that is not there");

/// The templates of a table.
pub trait Templates {
    /// How many there are.
    fn count(&self) -> usize;
    /// The columns of one.
    fn columns(&self, template: usize) -> Option<&[u32]>;
    /// One without its columns.
    fn read(&self, template: usize) -> Result<Template, DecodeError>;
}

impl Templates for [Template] {
    fn count(&self) -> usize {
        self.len()
    }

    fn columns(&self, template: usize) -> Option<&[u32]> {
        self.get(template).map(|template| &template.columns[..])
    }

    fn read(&self, template: usize) -> Result<Template, DecodeError> {
        let template = self.get(template).ok_or(MISSING)?;
        Ok(Template { text: template.text.clone(), ends: template.ends.clone(), columns: Vec::new() })
    }
}

/// What ascending rows need; `ids` is the template of each row of the table, which has so many columns.
pub fn needed<T: Templates + ?Sized>(
    templates: &T,
    columns: usize,
    ids: &[u64],
    wanted: &[usize],
) -> Result<Needed, DecodeError> {
    let count = templates.count();
    let mut met = Met { templates, rows: vec![0; count], touched: Vec::new(), values: vec![0; columns] };
    let mut needed = Needed { templates: Vec::new(), ids: Vec::with_capacity(wanted.len()), columns: Vec::new() };
    // One plus the new number.
    let (mut new_template, mut new_column) = (vec![0u32; count], vec![0u32; columns]);
    let mut next = 0;
    for row in wanted {
        met.pass(ids.get(next..*row).ok_or(OVER)?)?;
        next = row + 1;
        let id = *ids.get(*row).ok_or(OVER)? as usize;
        let (of, new) = templates.columns(id).zip(new_template.get_mut(id)).ok_or(MISSING)?;
        for column in of {
            let column = *column as usize;
            let (values, new) = met.values.get_mut(column).zip(new_column.get_mut(column)).ok_or(NO_COLUMN)?;
            if *new == 0 {
                needed.columns.push(NeededColumn { number: column, count: 0, wanted: Vec::new() });
                *new = needed.columns.len() as u32;
            }
            if let Some(column) = needed.columns.get_mut(*new as usize - 1) {
                column.wanted.push(*values);
            }
            *values += 1;
        }
        if *new == 0 {
            let mut template = templates.read(id)?;
            let number = |column: &u32| new_column.get(*column as usize).map_or(0, |new| new.saturating_sub(1));
            template.columns = of.iter().map(number).collect();
            needed.templates.push(template);
            *new = needed.templates.len() as u32;
        }
        needed.ids.push(u64::from(*new - 1));
    }
    met.pass(ids.get(next..).unwrap_or_default())?;
    for column in &mut needed.columns {
        column.count = met.values.get(column.number).copied().unwrap_or(0);
    }
    Ok(needed)
}

const NO_COLUMN: DecodeError = DecodeError("a column that is not there");

/// How many values each column has up to a row.
struct Met<'a, T: ?Sized> {
    templates: &'a T,
    /// Rows of each template that are not yet among `values`, and the templates that have such.
    rows: Vec<usize>,
    touched: Vec<usize>,
    values: Vec<usize>,
}

impl<T: Templates + ?Sized> Met<'_, T> {
    /// Passes over rows.
    fn pass(&mut self, ids: &[u64]) -> Result<(), DecodeError> {
        for id in ids {
            let rows = self.rows.get_mut(*id as usize).ok_or(MISSING)?;
            if *rows == 0 {
                self.touched.push(*id as usize);
            }
            *rows += 1;
        }
        for id in self.touched.drain(..) {
            let (columns, rows) = self.templates.columns(id).zip(self.rows.get_mut(id)).ok_or(MISSING)?;
            for column in columns {
                *self.values.get_mut(*column as usize).ok_or(NO_COLUMN)? += *rows;
            }
            *rows = 0;
        }
        Ok(())
    }
}

impl Loader<'_, '_> {
    /// Some ascending values of a column that is kept as bytes.
    pub(super) fn flat_at(
        &mut self,
        described: &Described<'_>,
        count: usize,
        wanted: &[usize],
    ) -> Result<Text, DecodeError> {
        if wanted.last().is_some_and(|last| *last >= count) {
            return Err(OVER);
        }
        let mut text = Taken { sink: Sink::new(0, self.most), starts: vec![0] };
        match described {
            Described::Lines(blob) => self.blobs.packed(*blob, |packed| {
                let mut lines = Lines { wanted, line: 0 };
                packed.each(|bytes| lines.take(bytes, &mut text))?;
                if lines.wanted.is_empty() { Ok(()) } else { Err(OVER) }
            })?,
            Described::Bytes { lengths, blob } => {
                let starts = self.starts(lengths, count)?;
                self.blobs.with(*blob, |bytes| {
                    for wanted in wanted {
                        let (start, end) = starts.get(*wanted).zip(starts.get(wanted + 1)).ok_or(OVER)?;
                        text.put(bytes.get(*start as usize..*end as usize).ok_or(OVER)?)?;
                    }
                    Ok(())
                })?;
            }
            Described::Nibbles { upper, lengths, blob } => {
                let starts = self.starts(lengths, count)?;
                let total = starts.last().map_or(0, |end| *end as usize);
                self.blobs.with(*blob, |packed| {
                    if packed.len() != total.div_ceil(2) {
                        return Err(OTHER);
                    }
                    for wanted in wanted {
                        let (start, end) = starts.get(*wanted).zip(starts.get(wanted + 1)).ok_or(OVER)?;
                        let digits = (*start as usize..*end as usize).map(|at| digit(packed, at, *upper));
                        text.put(&digits.collect::<Option<Vec<u8>>>().ok_or(OTHER)?)?;
                    }
                    Ok(())
                })?;
            }
            Described::Hex { upper, places, blob } => {
                let varying = places.iter().filter(|place| place.is_none()).count();
                let total = count.checked_mul(varying).ok_or(OTHER)?;
                self.blobs.with(*blob, |packed| {
                    if packed.len() != total.div_ceil(2) {
                        return Err(OTHER);
                    }
                    for wanted in wanted {
                        let mut at = wanted * varying..total;
                        let byte = |place: &Option<u8>| place.or_else(|| digit(packed, at.next()?, *upper));
                        text.put(&places.iter().map(byte).collect::<Option<Vec<u8>>>().ok_or(OTHER)?)?;
                    }
                    Ok(())
                })?;
            }
            _ => return Err(DecodeError("no column of bytes")),
        }
        Ok(Text { bytes: text.sink.bytes.into(), starts: text.starts, gap: 0 })
    }
}

/// Values being taken.
struct Taken {
    sink: Sink,
    starts: Vec<u32>,
}

impl Taken {
    fn put(&mut self, value: &[u8]) -> Result<(), DecodeError> {
        self.sink.put(value)?;
        self.starts.push(self.sink.bytes.len() as u32);
        Ok(())
    }
}

/// Line feeds are counted in so many bytes at once where nobody asks where each of them is.
const STEP: usize = 512;

/// Takes some ascending values out of such as end in a line feed each.
struct Lines<'a> {
    /// Those that are not yet taken.
    wanted: &'a [usize],
    /// The value that the next byte belongs to.
    line: usize,
}

impl Lines<'_> {
    /// Goes on with the next bytes; whether more are needed.
    fn take(&mut self, mut bytes: &[u8], text: &mut Taken) -> Result<bool, DecodeError> {
        while let Some((wanted, rest)) = self.wanted.split_first() {
            let Some(before) = wanted.checked_sub(self.line + 1) else {
                let Some(end) = memchr::memchr(b'\n', bytes) else {
                    text.sink.put(bytes)?;
                    return Ok(true);
                };
                let (value, after) = bytes.split_at_checked(end).ok_or(OVER)?;
                text.put(value)?;
                bytes = after.get(1..).unwrap_or_default();
                (self.line, self.wanted) = (self.line + 1, rest);
                continue;
            };
            let Some(start) = self.pass(bytes, before) else { return Ok(true) };
            bytes = bytes.get(start..).unwrap_or_default();
        }
        Ok(false)
    }

    /// Passes over so many ends of lines and one more; where the next line begins, if it does in these bytes.
    fn pass(&mut self, bytes: &[u8], before: usize) -> Option<usize> {
        let all = memchr::memchr_iter(b'\n', bytes).count();
        if all <= before {
            self.line += all;
            return None;
        }
        let mut left = before;
        for (number, step) in bytes.chunks(STEP).enumerate() {
            let ends = memchr::memchr_iter(b'\n', step).count();
            if ends > left {
                self.line += left + 1;
                return memchr::memchr_iter(b'\n', step).nth(left).map(|end| number * STEP + end + 1);
            }
            left -= ends;
            self.line += ends;
        }
        None
    }
}

/// A hexadecimal digit by its place.
fn digit(packed: &[u8], at: usize, upper: bool) -> Option<u8> {
    let byte = packed.get(at / 2)?;
    let nibble = if at.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f };
    Some(match nibble {
        0..10 => b'0' + nibble,
        _ if upper => b'A' - 10 + nibble,
        _ => b'a' - 10 + nibble,
    })
}
