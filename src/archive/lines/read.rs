//! Reading a stripe back: values of columns, and records written from templates and values.

mod some;

use std::ops::Range;
use std::sync::{Arc, Mutex};

use super::forms::{Described, DescribedTable, Form};
use super::integers::Integers;
use super::pack::{BlobsOf, Packs};
use super::stamps;
use super::template::Template;
use super::values::{Column, Text, Values};
use super::words::Dictionaries;
use super::{DecodeError, Sink};
use crate::archive::column::places;
use crate::archive::fields::Pieces;

const OVER: DecodeError = DecodeError("a column is at its end");

/// Values that give others their order.
struct Kept {
    of: Arc<Integers>,
    values: Arc<Vec<u64>>,
    /// Their places in ascending order, where that was asked for.
    places: Option<Arc<Vec<u32>>>,
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
    /// Values that give others their order, and that order.
    kept: Vec<Kept>,
}

impl<'a, 'b> Loader<'a, 'b> {
    /// For a chunk of so many raw bytes.
    pub fn new(packs: &'b mut Packs<'a>, dictionaries: &'b Dictionaries, raw_bytes: usize) -> Loader<'a, 'b> {
        let budget = 16 * raw_bytes + (1 << 20);
        Loader { blobs: BlobsOf::Chunk(packs), dictionaries, within: None, budget, most: raw_bytes, kept: Vec::new() }
    }

    /// For the entries of a dictionary of a stripe of so many raw bytes.
    pub fn of_dictionary(
        number: usize,
        packs: &'b Mutex<Packs<'static>>,
        dictionaries: &'b Dictionaries,
        raw_bytes: usize,
    ) -> Loader<'a, 'b> {
        let budget = raw_bytes.saturating_mul(16).saturating_add(1 << 20);
        let within = Some(number);
        Loader { blobs: BlobsOf::Shared(packs), dictionaries, within, budget, most: raw_bytes, kept: Vec::new() }
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
        self.kept.iter().map(|kept| 8 * kept.values.len()).sum()
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
        if let Some(kept) = self.kept.iter().find(|kept| Arc::ptr_eq(&kept.of, integers)) {
            return Ok(Arc::clone(&kept.values));
        }
        let values = Arc::new(self.integers(integers, count)?);
        self.kept.push(Kept { of: Arc::clone(integers), values: Arc::clone(&values), places: None });
        Ok(values)
    }

    /// The template of each row; kept where columns stand in an order, which each of them asks for it.
    pub fn ids(&mut self, described: &DescribedTable<'_>, rows: usize) -> Result<Arc<Vec<u64>>, DecodeError> {
        match described.is_ordered() {
            true => self.kept(described.ids(), rows),
            false => self.integers(described.ids(), rows).map(Arc::new),
        }
    }

    /// The places of kept values in ascending order.
    pub fn places(&mut self, integers: &Arc<Integers>, values: &[u64]) -> Arc<Vec<u32>> {
        match self.kept.iter_mut().find(|kept| Arc::ptr_eq(&kept.of, integers)) {
            Some(kept) => Arc::clone(kept.places.get_or_insert_with(|| Arc::new(places(values)))),
            None => Arc::new(places(values)),
        }
    }

    /// Unpacks some consecutive values of a column of integers, in row order.
    fn integers_in(
        &mut self,
        integers: &Integers,
        count: usize,
        wanted: Range<usize>,
    ) -> Result<Vec<u64>, DecodeError> {
        if wanted.end > count {
            return Err(OVER);
        }
        self.charge(wanted.len(), 8)?;
        match integers.order() {
            Some(order) => {
                let places = order.of(self, count, wanted)?;
                integers.load_at(&mut self.blobs, count, places.iter().copied())
            }
            None => integers.load_at(&mut self.blobs, count, wanted),
        }
    }

    /// Loads a table of `rows` rows.
    pub fn table(&mut self, described: &DescribedTable<'_>, rows: usize) -> Result<Table, DecodeError> {
        let ids = self.ids(described, rows)?;
        let counts = described.occurrences(&ids)?;
        let mut columns = Vec::with_capacity(counts.len());
        for (number, count) in counts.into_iter().enumerate() {
            columns.push(match count > 0 {
                true => Column::new(self.values(&described.column(number)?, count)?),
                false => Column::default(),
            });
        }
        Ok(Table { templates: Arc::clone(described.templates()), ids, columns })
    }

    /// Loads some consecutive rows of a table of `rows` rows, with no more than they need; the first of them becomes row 0.
    pub fn table_in(
        &mut self,
        described: &DescribedTable<'_>,
        rows: usize,
        wanted: Range<usize>,
    ) -> Result<Table, DecodeError> {
        let ids = self.ids(described, rows)?;
        let of_wanted = ids.get(wanted.clone()).ok_or(OVER)?;
        let (counts, needed) = (described.occurrences(&ids)?, described.occurrences(of_wanted)?);
        let before = described.occurrences(ids.get(..wanted.start).unwrap_or_default())?;
        // Many columns may share a dictionary, which is then read as a whole.
        let mut words: Vec<usize> = Vec::new();
        for (form, _) in described.forms().iter().zip(&needed).filter(|(_, needed)| **needed > 0) {
            if let Form::Dictionary(number) = form {
                words.push(*number);
            }
        }
        words.sort_unstable();
        words.windows(2).filter(|pair| pair.first() == pair.last()).filter_map(|pair| pair.first()).for_each(
            |number| {
                self.dictionaries.expect(*number);
            },
        );
        let mut columns = Vec::with_capacity(counts.len());
        for (number, ((count, needed), before)) in counts.into_iter().zip(needed).zip(before).enumerate() {
            columns.push(match needed {
                0 => Column::default(),
                _ => Column::new(self.values_in(&described.column(number)?, count, before..before + needed)?),
            });
        }
        Ok(Table { templates: Arc::clone(described.templates()), ids: Arc::new(of_wanted.to_vec()), columns })
    }

    fn values(&mut self, described: &Described<'_>, count: usize) -> Result<Values, DecodeError> {
        Ok(match described {
            Described::Equal(bytes) => Values::Equal(Arc::clone(bytes)),
            Described::Numbers { width, integers } => {
                Values::Numbers { width: *width, values: self.integers(integers, count)? }
            }
            Described::Dictionary { number, ids } => {
                let entries = self.dictionaries.get(*number, self.within)?;
                Values::Words { entries, ids: self.integers(ids, count)? }
            }
            Described::Patterns(table) => Values::Nested(Box::new(self.table(table, count)?)),
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

    /// Some consecutive values of a column.
    fn values_in(
        &mut self,
        described: &Described<'_>,
        count: usize,
        wanted: Range<usize>,
    ) -> Result<Values, DecodeError> {
        Ok(match described {
            Described::Equal(bytes) => Values::Equal(Arc::clone(bytes)),
            Described::Numbers { width, integers } => {
                Values::Numbers { width: *width, values: self.integers_in(integers, count, wanted)? }
            }
            Described::Dictionary { number, ids } => {
                let mut ids = self.integers_in(ids, count, wanted)?;
                let entries = self.dictionaries.some(*number, self.within, &mut ids)?;
                Values::Words { entries, ids }
            }
            Described::Patterns(table) => Values::Nested(Box::new(self.table_in(table, count, wanted)?)),
            Described::Stamps { format, relative, integers } => Values::Stamps {
                writer: stamps::Writer::new(*format).ok_or(DecodeError("no such form of time"))?,
                relative: *relative,
                values: self.integers_in(integers, count, wanted)?,
            },
            Described::Hex { .. } | Described::Nibbles { .. } | Described::Lines(_) | Described::Bytes { .. } => {
                let wanted: Vec<usize> = wanted.collect();
                Values::Text(self.words(described, count, &wanted)?)
            }
        })
    }

    /// Some ascending values of a column as bytes, one after the other; the others are passed over.
    pub fn words(&mut self, described: &Described<'_>, count: usize, wanted: &[usize]) -> Result<Text, DecodeError> {
        let mut sink = Sink::new(0, self.most);
        let mut starts = vec![0];
        if let Described::Lines(blob) = described {
            let text = self.blobs.shared(*blob)?;
            let mut ends = memchr::memchr_iter(b'\n', text.bytes());
            let (mut line, mut start) = (0, 0);
            for wanted in wanted {
                while line < *wanted {
                    start = ends.next().ok_or(OVER)? + 1;
                    line += 1;
                }
                let end = ends.next().ok_or(OVER)?;
                sink.put(text.bytes().get(start..end).ok_or(OVER)?)?;
                starts.push(sink.bytes.len() as u32);
                (line, start) = (line + 1, end + 1);
            }
        } else {
            let mut column = Column::new(self.values(described, count)?);
            let mut next = 0;
            for wanted in wanted {
                while next < *wanted {
                    column.skip()?;
                    next += 1;
                }
                column.write(&mut sink, &mut None)?;
                next += 1;
                starts.push(sink.bytes.len() as u32);
            }
        }
        Ok(Text { bytes: sink.bytes.into(), starts, gap: 0 })
    }

    /// The values of a column as bytes, one after the other.
    pub fn text(&mut self, described: &Described<'_>, count: usize) -> Result<Text, DecodeError> {
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
        Ok(Text { bytes: sink.bytes.into(), starts, gap: 0 })
    }

    /// The values of a column that is kept as bytes.
    pub fn flat(&mut self, described: &Described<'_>, count: usize) -> Result<Text, DecodeError> {
        self.charge(count, 4)?;
        let text = match described {
            Described::Lines(blob) => {
                let bytes = self.blobs.shared(*blob)?;
                let mut starts = Vec::with_capacity(count + 1);
                starts.push(0);
                starts.extend(memchr::memchr_iter(b'\n', bytes.bytes()).map(|at| at as u32 + 1));
                if starts.len() != count + 1 {
                    return Err(DecodeError("a column of another number of values"));
                }
                Text { bytes, starts, gap: 1 }
            }
            Described::Bytes { lengths, blob } => {
                let starts = self.starts(lengths, count)?;
                Text { bytes: self.blobs.shared(*blob)?, starts, gap: 0 }
            }
            Described::Nibbles { upper, lengths, blob } => {
                let starts = self.starts(lengths, count)?;
                let total = starts.last().map_or(0, |end| *end as usize);
                let bytes = self.blobs.with(*blob, |packed| {
                    if packed.len() != total.div_ceil(2) {
                        return Err(DecodeError("digits of another number"));
                    }
                    Ok(digits(packed, *upper).take(total).collect::<Vec<u8>>())
                })?;
                Text { bytes: bytes.into(), starts, gap: 0 }
            }
            Described::Hex { upper, places, blob } => self.by_place(*upper, places, *blob, count)?,
            _ => return Err(DecodeError("no column of bytes")),
        };
        self.charge(text.bytes.bytes().len(), 1)?;
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
        Ok(Text { bytes: bytes.into(), starts, gap: 0 })
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
    ids: Arc<Vec<u64>>,
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
}
