//! Reading a stripe back: values of columns, and records written from templates and values.

use std::sync::{Arc, Mutex};

use super::forms::{Described, DescribedTable};
use super::integers::Integers;
use super::needle::Needle;
use super::pack::{BlobsOf, Packs};
use super::some::{self, Needed};
use super::stamps;
use super::template::Template;
use super::values::{Column, Text, Values};
use super::words::Dictionaries;
use super::{DecodeError, Sink};
use crate::archive::column::{places, ranks};
use crate::archive::fields::Pieces;

const OVER: DecodeError = DecodeError("a column is at its end");

/// Values that give others their order.
struct Kept {
    of: Arc<Integers>,
    values: Arc<Vec<u64>>,
    /// Their places in ascending order, where that was asked for.
    places: Option<Arc<Vec<u32>>>,
    /// Where those of some places stand in that order, asked for last.
    ranks: Option<(Vec<usize>, Arc<Vec<usize>>)>,
    /// How often each is there, where that was asked for: of templates.
    tally: Option<Arc<Vec<u32>>>,
}

/// What loading columns needs, and how much memory it may still take.
pub struct Loader<'a, 'b> {
    pub(super) blobs: BlobsOf<'a, 'b>,
    dictionaries: &'b Dictionaries,
    /// The dictionary whose entries are loaded.
    within: Option<usize>,
    /// Bytes that columns may still take.
    budget: usize,
    /// Bytes that the values of one column may add up to.
    pub(super) most: usize,
    /// Values that give others their order, and that order.
    kept: Vec<Kept>,
    /// The dictionaries of columns whose words are still to be read.
    asked: Vec<usize>,
}

impl<'a, 'b> Loader<'a, 'b> {
    /// For a chunk of so many raw bytes.
    pub fn new(packs: &'b mut Packs<'a>, dictionaries: &'b Dictionaries, raw_bytes: usize) -> Loader<'a, 'b> {
        let budget = 16 * raw_bytes + (1 << 20);
        Loader::of(BlobsOf::Chunk(packs), dictionaries, None, budget, raw_bytes)
    }

    /// For the entries of a dictionary of a stripe of so many raw bytes.
    pub fn of_dictionary(
        number: usize,
        packs: &'b Mutex<Packs<'static>>,
        dictionaries: &'b Dictionaries,
        raw_bytes: usize,
    ) -> Loader<'a, 'b> {
        let budget = raw_bytes.saturating_mul(16).saturating_add(1 << 20);
        Loader::of(BlobsOf::Shared(packs), dictionaries, Some(number), budget, raw_bytes)
    }

    fn of(
        blobs: BlobsOf<'a, 'b>,
        dictionaries: &'b Dictionaries,
        within: Option<usize>,
        budget: usize,
        most: usize,
    ) -> Loader<'a, 'b> {
        Loader { blobs, dictionaries, within, budget, most, kept: Vec::new(), asked: Vec::new() }
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

    /// Unpacks a column of integers, in the order in which they stand.
    pub fn integers_as_they_stand(&mut self, integers: &Integers, count: usize) -> Result<Vec<u64>, DecodeError> {
        self.charge(count, 8)?;
        integers.load(&mut self.blobs, count)
    }

    /// Unpacks a column of integers, in row order.
    pub fn integers(&mut self, integers: &Integers, count: usize) -> Result<Vec<u64>, DecodeError> {
        let values = self.integers_as_they_stand(integers, count)?;
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
        self.kept.push(Kept {
            of: Arc::clone(integers),
            values: Arc::clone(&values),
            places: None,
            ranks: None,
            tally: None,
        });
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

    /// How many rows each of so many templates has; `ids` are those of all rows, which are kept.
    pub fn tally(&mut self, of: &Arc<Integers>, ids: &[u64], templates: usize) -> Result<Arc<Vec<u32>>, DecodeError> {
        let mut kept = self.kept.iter_mut().find(|kept| Arc::ptr_eq(&kept.of, of));
        let known = kept.as_ref().and_then(|kept| kept.tally.as_ref()).filter(|tally| tally.len() == templates);
        if let Some(tally) = known {
            return Ok(Arc::clone(tally));
        }
        let mut tally = vec![0u32; templates];
        for id in ids {
            *tally.get_mut(*id as usize).ok_or(DecodeError("a template that is not there"))? += 1;
        }
        let tally = Arc::new(tally);
        if let Some(kept) = &mut kept {
            kept.tally = Some(Arc::clone(&tally));
        }
        Ok(tally)
    }

    /// Where some ascending ones of kept values stand in ascending order.
    pub fn ranks(&mut self, integers: &Arc<Integers>, values: &[u64], wanted: &[usize]) -> Arc<Vec<usize>> {
        let Some(kept) = self.kept.iter_mut().find(|kept| Arc::ptr_eq(&kept.of, integers)) else {
            return Arc::new(ranks(values, wanted));
        };
        if let Some((_, ranks)) = kept.ranks.as_ref().filter(|(known, _)| known == wanted) {
            return Arc::clone(ranks);
        }
        let found = Arc::new(ranks(values, wanted));
        kept.ranks = Some((wanted.to_vec(), Arc::clone(&found)));
        found
    }

    /// Unpacks some ascending values of a column of integers, in row order.
    fn integers_at(&mut self, integers: &Integers, count: usize, wanted: &[usize]) -> Result<Vec<u64>, DecodeError> {
        if wanted.last().is_some_and(|last| *last >= count) {
            return Err(OVER);
        }
        self.charge(wanted.len(), 8)?;
        match integers.order() {
            Some(order) => {
                let places = order.of(self, count, wanted)?;
                integers.load_at(&mut self.blobs, count, &places)
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

    /// Loads some ascending rows of a table, with no more than they need; they become rows 0, 1, 2 ...
    pub fn table_of(&mut self, described: &DescribedTable<'_>, needed: Needed) -> Result<Table, DecodeError> {
        let mut table = self.needed(described, needed)?;
        self.settle(|visit| table.each_words(visit))?;
        Ok(table)
    }

    /// What some ascending rows of a table of `rows` rows need.
    pub fn needs(
        &mut self,
        described: &DescribedTable<'_>,
        rows: usize,
        wanted: &[usize],
    ) -> Result<Needed, DecodeError> {
        let ids = self.ids(described, rows)?;
        some::needed(&described.templates()[..], described.forms().len(), &ids, wanted)
    }

    /// The rows of a table with ids of words instead of words.
    fn needed(&mut self, described: &DescribedTable<'_>, needed: Needed) -> Result<Table, DecodeError> {
        let mut columns = Vec::with_capacity(needed.columns.len());
        for column in &needed.columns {
            let of = described.column(column.number)?;
            columns.push(Column::new(self.values_at(&of, column.count, &column.wanted)?));
        }
        Ok(Table { templates: Arc::new(needed.templates), ids: Arc::new(needed.ids), columns })
    }

    /// Reads the words of all ids that columns were loaded with, of each dictionary in one pass: many columns may share one. `each`
    /// hands over these columns in the order in which they were loaded.
    fn settle(
        &mut self,
        mut each: impl FnMut(&mut dyn FnMut(&mut Arc<Text>, &mut Vec<u64>)),
    ) -> Result<(), DecodeError> {
        let asked = std::mem::take(&mut self.asked);
        let mut of: Vec<(usize, Vec<u64>)> = Vec::new();
        let mut numbers = asked.iter();
        each(
            &mut |_, ids| match numbers.next().map(|number| (number, of.iter_mut().find(|(known, _)| known == number)))
            {
                Some((_, Some((_, known)))) => known.extend_from_slice(ids),
                Some((number, None)) => of.push((*number, ids.clone())),
                None => (),
            },
        );
        let mut words = Vec::with_capacity(of.len());
        for (number, mut ids) in of {
            ids.sort_unstable();
            ids.dedup();
            let (entries, is_all) = self.dictionaries.some(number, self.within, &ids)?;
            words.push((number, if is_all { None } else { Some(ids) }, entries));
        }
        let mut numbers = asked.iter();
        each(&mut |text, ids| {
            let number = numbers.next();
            let Some((_, some, entries)) = words.iter().find(|(known, ..)| Some(known) == number) else { return };
            *text = Arc::clone(entries);
            if let Some(some) = some {
                ids.iter_mut().for_each(|id| *id = some.partition_point(|known| known < id) as u64);
            }
        });
        Ok(())
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

    /// Some ascending values of a column; of words no more than the ids, until these are settled.
    fn values_at(&mut self, described: &Described<'_>, count: usize, wanted: &[usize]) -> Result<Values, DecodeError> {
        Ok(match described {
            Described::Equal(bytes) => Values::Equal(Arc::clone(bytes)),
            Described::Numbers { width, integers } => {
                Values::Numbers { width: *width, values: self.integers_at(integers, count, wanted)? }
            }
            Described::Dictionary { number, ids } => {
                self.asked.push(*number);
                Values::Words { entries: Arc::default(), ids: self.integers_at(ids, count, wanted)? }
            }
            Described::Patterns(table) => {
                let needed = self.needs(table, count, wanted)?;
                Values::Nested(Box::new(self.needed(table, needed)?))
            }
            Described::Stamps { format, relative, integers } => Values::Stamps {
                writer: stamps::Writer::new(*format).ok_or(DecodeError("no such form of time"))?,
                relative: *relative,
                values: self.integers_at(integers, count, wanted)?,
            },
            Described::Hex { .. } | Described::Nibbles { .. } | Described::Lines(_) | Described::Bytes { .. } => {
                Values::Text(self.flat_at(described, count, wanted)?)
            }
        })
    }

    /// Some ascending values of a column as bytes, one after the other; the others are passed over.
    pub fn words(&mut self, described: &Described<'_>, count: usize, wanted: &[usize]) -> Result<Text, DecodeError> {
        let mut column = match self.values_at(described, count, wanted)? {
            Values::Text(text) => return Ok(text),
            values => Column::new(values),
        };
        self.settle(|visit| column.each_words(visit))?;
        let mut sink = Sink::new(0, self.most);
        let mut starts = vec![0];
        for _ in wanted {
            column.write(&mut sink, &mut None)?;
            starts.push(sink.bytes.len() as u32);
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

    /// Whether a text stands anywhere in some bytes.
    pub fn blob_holds(&mut self, blob: u32, needle: &Needle) -> Result<bool, DecodeError> {
        self.blobs.with(blob, |bytes| Ok(needle.find(bytes, 0).is_some()))
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

    pub(super) fn starts(&mut self, lengths: &Integers, count: usize) -> Result<Vec<u32>, DecodeError> {
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
    /// Hands over the words and ids of each column of such, in the order in which they were loaded.
    pub fn each_words(&mut self, visit: &mut dyn FnMut(&mut Arc<Text>, &mut Vec<u64>)) {
        self.columns.iter_mut().for_each(|column| column.each_words(visit));
    }

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
}
