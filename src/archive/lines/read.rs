//! Reading a stripe back: values of columns, and records written from templates and values.

use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};

use super::forms::{Described, DescribedTable, occurrences};
use super::integers::Integers;
use super::pack::{BlobsOf, Packs};
use super::stamps;
use super::template::Template;
use super::values::{Column, Text, Values};
use super::{DecodeError, Sink};
use crate::archive::fields::Pieces;

/// The dictionaries of a stripe, each loaded when it is first needed.
pub struct Dictionaries {
    entries: Vec<(Described, usize, OnceLock<Arc<Text>>)>,
    packs: Mutex<Packs<'static>>,
    /// Bytes that the entries of one dictionary may add up to.
    most: usize,
}

impl Dictionaries {
    /// Dictionaries as described in the shared part, whose blobs are in `packs`.
    pub fn new(entries: Vec<(Described, usize)>, packs: Packs<'static>, most: usize) -> Dictionaries {
        let entries = entries.into_iter().map(|(entries, count)| (entries, count, OnceLock::new())).collect();
        Dictionaries { entries, packs: Mutex::new(packs), most }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The words of a dictionary; one that asks for it must come before it, so that none waits for itself.
    pub fn get(&self, number: usize, after: Option<usize>) -> Result<Arc<Text>, DecodeError> {
        const MISSING: DecodeError = DecodeError("a dictionary that is not there");
        if after.is_some_and(|after| number <= after) {
            return Err(MISSING);
        }
        let (described, count, loaded) = self.entries.get(number).ok_or(MISSING)?;
        if let Some(text) = loaded.get() {
            return Ok(Arc::clone(text));
        }
        let mut loader = Loader {
            blobs: BlobsOf::Shared(&self.packs),
            dictionaries: self,
            within: Some(number),
            budget: self.most.saturating_mul(16).saturating_add(1 << 20),
            most: self.most,
            kept: Vec::new(),
        };
        let text = Arc::new(loader.text(described, *count)?);
        Ok(Arc::clone(loaded.get_or_init(|| text)))
    }
}

/// What loading columns needs, and how much memory it may still take.
pub struct Loader<'a, 'b> {
    blobs: BlobsOf<'a, 'b>,
    dictionaries: &'b Dictionaries,
    /// The dictionary whose entries are loaded.
    within: Option<usize>,
    /// Bytes that columns may still take.
    budget: usize,
    /// Bytes that the values of one column may add up to.
    most: usize,
    /// Values that give others their order, with what they take of the budget.
    kept: Vec<(Arc<Integers>, Arc<Vec<u64>>)>,
}

impl<'a, 'b> Loader<'a, 'b> {
    /// For a chunk of so many raw bytes.
    pub fn new(packs: &'b mut Packs<'a>, dictionaries: &'b Dictionaries, raw_bytes: usize) -> Loader<'a, 'b> {
        let budget = 16 * raw_bytes + (1 << 20);
        Loader { blobs: BlobsOf::Chunk(packs), dictionaries, within: None, budget, most: raw_bytes, kept: Vec::new() }
    }

    /// The dictionaries of the stripe.
    pub fn dictionaries(&self) -> &'b Dictionaries {
        self.dictionaries
    }

    /// Hands itself to `take`, whose columns are gone when it returns: the memory they took may be taken again.
    pub fn borrowed<R>(&mut self, take: impl FnOnce(&mut Self) -> R) -> R {
        let budget = self.budget.saturating_add(self.keeps());
        let result = take(self);
        self.budget = budget.saturating_sub(self.keeps());
        result
    }

    /// Bytes of the values that are kept.
    fn keeps(&self) -> usize {
        self.kept.iter().map(|(_, values)| 8 * values.len()).sum()
    }

    fn charge(&mut self, count: usize, each: usize) -> Result<(), DecodeError> {
        let cost = count.checked_mul(each).ok_or(DecodeError("too many values"))?;
        self.budget = self.budget.checked_sub(cost).ok_or(DecodeError("columns larger than the lines can be"))?;
        Ok(())
    }

    /// Unpacks a column of integers, in row order.
    pub fn integers(&mut self, integers: &Integers, count: usize) -> Result<Vec<u64>, DecodeError> {
        self.charge(count, 8)?;
        let values = integers.load(&mut self.blobs, count)?;
        match integers.order() {
            Some(order) => order.undo(self, &values),
            None => Ok(values),
        }
    }

    /// The same, kept for the next who asks: a column by which others are ordered is asked for by each of them.
    pub fn kept(&mut self, integers: &Arc<Integers>, count: usize) -> Result<Arc<Vec<u64>>, DecodeError> {
        if let Some((_, values)) = self.kept.iter().find(|(known, _)| Arc::ptr_eq(known, integers)) {
            return Ok(Arc::clone(values));
        }
        let values = Arc::new(self.integers(integers, count)?);
        self.kept.push((Arc::clone(integers), Arc::clone(&values)));
        Ok(values)
    }

    fn bytes(&mut self, blob: u32) -> Result<Vec<u8>, DecodeError> {
        self.blobs.with(blob, |bytes| Ok(bytes.to_vec()))
    }

    /// Loads a table of `rows` rows with just the columns that some of them need, set to the first row of all.
    pub fn table_for(&mut self, described: &DescribedTable, rows: usize, wanted: &[u32]) -> Result<Table, DecodeError> {
        let ids = self.integers(&described.ids, rows)?;
        let templates = Arc::clone(&described.templates);
        let counts = occurrences(&templates, &ids, described.columns.len())?;
        let of_wanted: Vec<u64> = wanted.iter().filter_map(|row| ids.get(*row as usize).copied()).collect();
        let needed = occurrences(&templates, &of_wanted, described.columns.len())?;
        let mut columns = Vec::with_capacity(described.columns.len());
        for ((described, count), needed) in described.columns.iter().zip(&counts).zip(needed) {
            columns.push(match needed {
                0 => Column::default(),
                _ => Column::new(self.values(described, *count)?),
            });
        }
        Ok(Table { templates, ids, columns })
    }

    /// Loads a table of `rows` rows; with `only`, just the columns that these rows need, set to the first of them.
    pub fn table(
        &mut self,
        described: &DescribedTable,
        rows: usize,
        only: Option<Range<usize>>,
    ) -> Result<Table, DecodeError> {
        let ids = self.integers(&described.ids, rows)?;
        let templates = Arc::clone(&described.templates);
        let counts = occurrences(&templates, &ids, described.columns.len())?;
        let (mut wanted, mut before) = (vec![only.is_none(); described.columns.len()], Vec::new());
        if let Some(only) = only {
            before = occurrences(&templates, ids.get(..only.start).unwrap_or_default(), described.columns.len())?;
            let of_rows = occurrences(&templates, ids.get(only).unwrap_or_default(), described.columns.len())?;
            wanted = of_rows.into_iter().map(|count| count > 0).collect();
        }
        let mut columns = Vec::with_capacity(described.columns.len());
        for (index, ((described, count), wanted)) in described.columns.iter().zip(&counts).zip(wanted).enumerate() {
            if !wanted {
                columns.push(Column::default());
                continue;
            }
            let mut column = Column::new(self.values(described, *count)?);
            if let Some(before) = before.get(index) {
                column.seek(*before)?;
            }
            columns.push(column);
        }
        Ok(Table { templates, ids, columns })
    }

    fn values(&mut self, described: &Described, count: usize) -> Result<Values, DecodeError> {
        Ok(match described {
            Described::Equal(bytes) => Values::Equal(Arc::clone(bytes)),
            Described::Numbers { width, integers } => {
                Values::Numbers { width: *width, values: self.integers(integers, count)? }
            }
            Described::Dictionary { number, ids } => {
                let entries = self.dictionaries.get(*number, self.within)?;
                Values::Words { entries, ids: self.integers(ids, count)? }
            }
            Described::Patterns(table) => Values::Nested(Box::new(self.table(table, count, None)?)),
            Described::Stamps { format, relative, integers } => Values::Stamps {
                writer: stamps::Writer::new(*format).ok_or(DecodeError("no such form of time"))?,
                relative: *relative,
                values: self.integers(integers, count)?,
            },
            Described::Hex { .. } | Described::Nibbles { .. } | Described::Lines(_) | Described::Bytes { .. } => {
                Values::Text(self.flat(described, count)?)
            }
        })
    }

    /// The values of a column as bytes, one after the other.
    pub fn text(&mut self, described: &Described, count: usize) -> Result<Text, DecodeError> {
        self.charge(count, 4)?;
        let mut column = match self.values(described, count)? {
            Values::Text(text) => return Ok(text),
            values => Column::new(values),
        };
        let mut sink = Sink::new(0, self.most);
        let mut starts = Vec::with_capacity(count + 1);
        starts.push(0);
        for _ in 0..count {
            column.write(&mut sink, &mut None)?;
            starts.push(sink.bytes.len() as u32);
        }
        self.charge(sink.bytes.len(), 1)?;
        Ok(Text { bytes: sink.bytes, starts, gap: 0 })
    }

    /// The values of a column that is kept as bytes.
    pub fn flat(&mut self, described: &Described, count: usize) -> Result<Text, DecodeError> {
        self.charge(count, 4)?;
        let text = match described {
            Described::Lines(blob) => {
                let bytes = self.bytes(*blob)?;
                let mut starts = Vec::with_capacity(count + 1);
                starts.push(0);
                starts.extend(memchr::memchr_iter(b'\n', &bytes).map(|at| at as u32 + 1));
                if starts.len() != count + 1 {
                    return Err(DecodeError("a column of another number of values"));
                }
                Text { bytes, starts, gap: 1 }
            }
            Described::Bytes { lengths, blob } => {
                let starts = self.starts(lengths, count)?;
                Text { bytes: self.bytes(*blob)?, starts, gap: 0 }
            }
            Described::Nibbles { upper, lengths, blob } => {
                let starts = self.starts(lengths, count)?;
                let total = starts.last().map_or(0, |end| *end as usize);
                let bytes = self.blobs.with(*blob, |packed| {
                    if packed.len() != total.div_ceil(2) {
                        return Err(DecodeError("digits of another number"));
                    }
                    Ok(digits(packed, *upper).take(total).collect())
                })?;
                Text { bytes, starts, gap: 0 }
            }
            Described::Hex { upper, places, blob } => self.by_place(*upper, places, *blob, count)?,
            _ => return Err(DecodeError("no column of bytes")),
        };
        self.charge(text.bytes.len(), 1)?;
        Ok(text)
    }

    fn by_place(&mut self, upper: bool, places: &[Option<u8>], blob: u32, count: usize) -> Result<Text, DecodeError> {
        const WRONG: DecodeError = DecodeError("digits of another number");
        let total = count.checked_mul(places.len()).filter(|total| *total <= self.most).ok_or(WRONG)?;
        let varying = places.iter().filter(|place| place.is_none()).count() * count;
        let bytes = self.blobs.with(blob, |packed| {
            if packed.len() != varying.div_ceil(2) {
                return Err(WRONG);
            }
            let mut digits = digits(packed, upper);
            let mut bytes = Vec::with_capacity(total);
            for _ in 0..count {
                for place in places {
                    bytes.push(match place {
                        Some(byte) => *byte,
                        None => digits.next().ok_or(WRONG)?,
                    });
                }
            }
            Ok(bytes)
        })?;
        let starts = (0..=count).map(|index| (index * places.len()) as u32).collect();
        Ok(Text { bytes, starts, gap: 0 })
    }

    fn starts(&mut self, lengths: &Integers, count: usize) -> Result<Vec<u32>, DecodeError> {
        let lengths = self.integers(lengths, count)?;
        let mut starts = Vec::with_capacity(count + 1);
        let mut end = 0u64;
        starts.push(0);
        for length in lengths {
            end =
                end.checked_add(length).filter(|end| *end <= self.most as u64).ok_or(DecodeError("values too long"))?;
            starts.push(end as u32);
        }
        Ok(starts)
    }
}

fn digits(packed: &[u8], upper: bool) -> impl Iterator<Item = u8> + '_ {
    let ten = if upper { b'A' - 10 } else { b'a' - 10 };
    let digit = move |nibble: u8| if nibble < 10 { b'0' + nibble } else { ten + nibble };
    packed.iter().flat_map(move |byte| [digit(byte >> 4), digit(byte & 0x0f)])
}

/// A table with its columns loaded; rows are written in order.
#[derive(Debug)]
pub struct Table {
    templates: Arc<Vec<Template>>,
    ids: Vec<u64>,
    columns: Vec<Column>,
}

impl Table {
    /// Writes a row; each column gives its next value. `first` is the first time stamp of the record.
    pub fn write(&mut self, row: usize, sink: &mut Sink, first: &mut Option<u64>) -> Result<(), DecodeError> {
        const MISSING: DecodeError = DecodeError("a template that is not there");
        let id = *self.ids.get(row).ok_or(MISSING)?;
        let template = self.templates.get(id as usize).ok_or(MISSING)?;
        let mut start = 0;
        for (end, column) in template.ends.iter().zip(&template.columns) {
            sink.put(template.text.get(start..*end as usize).ok_or(MISSING)?)?;
            self.columns.get_mut(*column as usize).ok_or(MISSING)?.write(sink, first)?;
            start = *end as usize;
        }
        sink.put(template.text.get(start..).ok_or(MISSING)?)
    }

    /// Writes a row and notes how long its variables are.
    pub fn write_noting(&mut self, row: usize, sink: &mut Sink, pieces: &mut Pieces) -> Result<(), DecodeError> {
        const MISSING: DecodeError = DecodeError("a template that is not there");
        let id = *self.ids.get(row).ok_or(MISSING)?;
        let template = self.templates.get(id as usize).ok_or(MISSING)?;
        pieces.cuts.push(id as u32);
        pieces.sums.push(0);
        let (mut start, mut sum, mut first) = (0, 0, None);
        for (end, column) in template.ends.iter().zip(&template.columns) {
            sink.put(template.text.get(start..*end as usize).ok_or(MISSING)?)?;
            let before = sink.bytes.len();
            self.columns.get_mut(*column as usize).ok_or(MISSING)?.write(sink, &mut first)?;
            sum += (sink.bytes.len() - before) as u32;
            pieces.sums.push(sum);
            start = *end as usize;
        }
        sink.put(template.text.get(start..).ok_or(MISSING)?)
    }

    /// Leaves a row out; each column goes on by one value.
    pub fn skip(&mut self, row: usize) -> Result<(), DecodeError> {
        const MISSING: DecodeError = DecodeError("a template that is not there");
        let id = *self.ids.get(row).ok_or(MISSING)?;
        for column in &self.templates.get(id as usize).ok_or(MISSING)?.columns {
            self.columns.get_mut(*column as usize).ok_or(MISSING)?.skip()?;
        }
        Ok(())
    }

    /// Goes to a row.
    pub fn seek(&mut self, row: usize) -> Result<(), DecodeError> {
        let before = occurrences(&self.templates, self.ids.get(..row).unwrap_or_default(), self.columns.len())?;
        for (column, before) in self.columns.iter_mut().zip(before) {
            column.seek(before)?;
        }
        Ok(())
    }
}
