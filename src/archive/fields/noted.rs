//! Where the fields of the records of a stripe stand, as the stage that cut them says; bounded by the bytes of the records.

use std::ops::Range;

use hashbrown::HashMap;

use super::is_dash;
use crate::model::Fields;

/// Marks a place in the text of values that stand in no record.
const DERIVED: u32 = 1 << 31;
/// Bytes that may be noted beside so many for each byte of the records.
const FREE_BYTES: usize = 1 << 20;
const BYTES_PER_BYTE: usize = 2;

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
    /// List of names of each record and where its values begin; no list where they were not noted.
    rows: Vec<(Option<u32>, u32)>,
    values: Vec<(u32, u32)>,
    text: Vec<u8>,
    /// Bytes of all records so far.
    raw_bytes: usize,
    /// The names of the record under way and of the one before, each ended by a zero byte.
    now: Vec<u8>,
    before: (Vec<u8>, u32),
}

impl Noted {
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
        self.rows.push((shape, first as u32));
    }

    fn has_room(&self) -> bool {
        let most = self.raw_bytes.saturating_mul(BYTES_PER_BYTE).saturating_add(FREE_BYTES);
        self.values.len() * 8 + self.text.len() <= most
    }

    /// Notes names and values; `false` where there is no room for the values.
    fn values_of(&mut self, raw: &[u8], fields: Fields<'_>) -> bool {
        self.now.clear();
        let mut fits = self.has_room();
        for (name, place, value) in fields.places() {
            self.now.extend_from_slice(name.as_bytes());
            self.now.push(0);
            if !fits {
                continue;
            }
            match place.filter(|place| place.end <= raw.len() && place.end < DERIVED as usize) {
                Some(place) => self.values.push((place.start as u32, place.end as u32)),
                None => {
                    let start = self.text.len() as u32;
                    self.text.extend_from_slice(value);
                    self.values.push((start | DERIVED, self.text.len() as u32));
                    fits = self.text.len() < DERIVED as usize;
                }
            }
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
        self.rows.get(row)?.0
    }

    /// The names of a list, by their numbers.
    pub fn names_of(&self, shape: u32) -> &[u32] {
        self.shapes.get(shape as usize).map_or(&[], Vec::as_slice)
    }

    /// The values of a record, in the order of its names.
    pub fn values(&self, row: usize) -> impl Iterator<Item = Value<'_>> {
        let first = self.rows.get(row).map_or(0, |(_, first)| *first as usize);
        let count = self.shape_of(row).map_or(0, |shape| self.names_of(shape).len());
        self.values.get(first..first + count).unwrap_or_default().iter().map(|(start, end)| match start & DERIVED {
            0 => Value::At(*start..*end),
            _ => Value::Of(self.text.get((start & !DERIVED) as usize..*end as usize).unwrap_or_default()),
        })
    }
}
