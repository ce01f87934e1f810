//! Where the fields of the records of a stripe stand, as the stage that cut them says; bounded by the bytes of the records.

use std::ops::Range;

use hashbrown::HashMap;

use super::is_dash;
use crate::archive::column::{read_varint, unzigzag, write_varint, zigzag};
use crate::model::Fields;

/// Bytes that may be noted beside one for each byte of the records.
const FREE_BYTES: usize = 1 << 20;
/// The list of names of a record whose values were not noted.
const NOT_NOTED: u32 = u32::MAX;
/// What stands in place of a distance where a value is in no record and follows as it is: distances are even.
const DERIVED: u64 = 1;

/// The value of a field of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// A range of its bytes.
    At(Range<u32>),
    /// Bytes of its own.
    Of(&'a [u8]),
}

impl Value<'_> {
    /// Whether it stands for nothing; `raw` are the bytes of the record.
    pub fn is_dash(&self, raw: &[u8]) -> bool {
        match self {
            Value::At(range) => raw.get(range.start as usize..range.end as usize).is_some_and(is_dash),
            Value::Of(text) => is_dash(text),
        }
    }
}

/// The fields of all records of a stripe, in order: names once for each list of them, values as places.
#[derive(Debug, Default)]
pub struct Noted {
    names: Vec<String>,
    name_of: HashMap<String, u32>,
    /// Each different list of names.
    shapes: Vec<Vec<u32>>,
    shape_of: HashMap<Vec<u8>, u32>,
    /// List of names of each record and where its values begin.
    rows: Vec<(u32, u32)>,
    /// Of each value twice the (zigzag) distance from the end of the one before, and its length, as varints; or [`DERIVED`], its length, its
    /// bytes. A value takes two to four bytes so, for as long as a stripe is gathered and packed.
    values: Vec<u8>,
    /// Bytes of all records so far.
    raw_bytes: usize,
    /// The names of the record under way and of the one before, each ended by a zero byte.
    now: Vec<u8>,
    before: (Vec<u8>, u32),
}

impl Noted {
    /// Makes room for so many records.
    pub fn reserve(&mut self, rows: usize) {
        self.rows.reserve_exact(rows);
    }

    /// Takes up the next record, whose bytes are `raw`; `None` where nobody cut it.
    pub fn push(&mut self, raw: &[u8], fields: Option<Fields<'_>>) {
        self.raw_bytes += raw.len();
        let first = self.values.len();
        let shape = fields.and_then(|fields| {
            let are_noted = self.values_of(raw, fields);
            // The names are kept whether the values fit or not.
            let shape = self.shape(fields);
            are_noted.then_some(shape)
        });
        if shape.is_none() {
            self.values.truncate(first);
        }
        self.rows.push((shape.unwrap_or(NOT_NOTED), first as u32));
    }

    /// Notes names and values; `false` where there is no room for the values.
    fn values_of(&mut self, raw: &[u8], fields: Fields<'_>) -> bool {
        self.now.clear();
        let most = self.raw_bytes.saturating_add(FREE_BYTES).min(u32::MAX as usize);
        let (mut before, mut fits) = (0, self.values.len() <= most);
        for (name, place, value) in fields.places() {
            self.now.extend_from_slice(name.as_bytes());
            self.now.push(0);
            if !fits {
                continue;
            }
            match place.filter(|place| place.end <= raw.len()) {
                Some(place) => {
                    write_varint(&mut self.values, zigzag(place.start as i64 - before) << 1);
                    write_varint(&mut self.values, place.len() as u64);
                    before = place.end as i64;
                }
                None => {
                    write_varint(&mut self.values, DERIVED);
                    write_varint(&mut self.values, value.len() as u64);
                    self.values.extend_from_slice(value);
                }
            }
            fits = self.values.len() <= most;
        }
        fits
    }

    fn shape(&mut self, fields: Fields<'_>) -> u32 {
        if self.now == self.before.0 && !self.shapes.is_empty() {
            return self.before.1;
        }
        let known = self.shape_of.get(self.now.as_slice()).copied();
        let shape = known.unwrap_or_else(|| {
            let names = fields.iter().map(|(name, _)| self.name(name)).collect();
            self.shapes.push(names);
            let shape = self.shapes.len() as u32 - 1;
            self.shape_of.insert(self.now.clone(), shape);
            shape
        });
        self.before.0.clone_from(&self.now);
        self.before.1 = shape;
        shape
    }

    fn name(&mut self, name: &str) -> u32 {
        if let Some(known) = self.name_of.get(name) {
            return *known;
        }
        let number = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.name_of.insert(name.to_owned(), number);
        number
    }

    /// All names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The list of names of a record; `None` where its fields were not noted.
    pub fn shape_of(&self, row: usize) -> Option<u32> {
        self.rows.get(row).map(|(shape, _)| *shape).filter(|shape| *shape != NOT_NOTED)
    }

    /// The names of a list, by their numbers.
    pub fn names_of(&self, shape: u32) -> &[u32] {
        self.shapes.get(shape as usize).map_or(&[], Vec::as_slice)
    }

    /// The values of a record, in the order of its names.
    pub fn values(&self, row: usize) -> impl Iterator<Item = Value<'_>> {
        let first = self.rows.get(row).map_or(0, |(_, first)| *first as usize);
        let count = self.shape_of(row).map_or(0, |shape| self.names_of(shape).len());
        let (mut rest, mut before) = (self.values.get(first..).unwrap_or_default(), 0i64);
        (0..count).map_while(move |_| {
            let (distance, after) = read_varint(rest)?;
            let (length, after) = read_varint(after)?;
            let length = usize::try_from(length).ok()?;
            rest = after;
            if distance == DERIVED {
                let (value, after) = rest.split_at_checked(length)?;
                rest = after;
                return Some(Value::Of(value));
            }
            let start = u32::try_from(before + unzigzag(distance >> 1)).ok()?;
            let end = start.checked_add(length as u32)?;
            before = i64::from(end);
            Some(Value::At(start..end))
        })
    }
}
