//! Values of the records of a row group as a column: each different list of values once, and a number a record.
//!
//! A field is cut from each record once; then what is asked of it is decided once for each different list, and records are counted
//! by number. The values are those that were cut, so nothing is assumed of how a format writes them.

use std::net::IpAddr;

use hashbrown::HashMap;

use crate::model::{RecordView, addresses};

/// A group whose different values take more bytes keeps none: counting them pays no more.
const MOST_BYTES: usize = 1 << 20;

/// What the values are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Of {
    /// All values of a field, in order of appearance.
    Field(String),
    /// The addresses in the line; see [`address_of`].
    Addresses,
}

impl Of {
    /// The name of the field; empty for addresses.
    pub fn name(&self) -> &str {
        match self {
            Of::Field(name) => name,
            Of::Addresses => "",
        }
    }

    /// Adds the values of a record; for [`Of::Field`] its fields must be cut.
    pub(super) fn add(&self, record: &RecordView<'_>, builder: &mut Builder) {
        match self {
            Of::Field(name) => record.fields.all(name).for_each(|value| builder.value(value)),
            Of::Addresses => addresses(record.line()).for_each(|address| match address {
                IpAddr::V4(address) => builder.value(&address.octets()),
                IpAddr::V6(address) => builder.value(&address.octets()),
            }),
        }
        builder.row();
    }
}

/// An address from its 4 or 16 bytes.
pub(super) fn address_of(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    v4.or_else(|| <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from))
}

/// The values of all records of a group.
#[derive(Debug, Default)]
pub struct ValueColumn {
    /// The list of each row.
    ids: Vec<u16>,
    /// Where the values of each list end in `ends`.
    lists: Vec<u32>,
    /// Where each value ends in `bytes`.
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

impl ValueColumn {
    /// Number of different lists.
    pub fn lists(&self) -> usize {
        self.lists.len()
    }

    /// The list of a row.
    pub fn id(&self, row: usize) -> usize {
        self.ids.get(row).map_or(usize::MAX, |id| usize::from(*id))
    }

    /// The values of a list.
    pub fn values(&self, list: usize) -> impl Iterator<Item = &[u8]> {
        let end = |ends: &[u32], at: usize| at.checked_sub(1).map_or(Some(0), |at| ends.get(at).copied());
        let from = end(&self.lists, list).unwrap_or(0);
        let to = self.lists.get(list).copied().unwrap_or(from);
        (from as usize..to as usize).map(move |at| {
            let start = end(&self.ends, at).unwrap_or(0) as usize;
            self.ends.get(at).and_then(|end| self.bytes.get(start..*end as usize)).unwrap_or_default()
        })
    }

    /// Bytes of memory it takes, roughly.
    pub fn memory(&self) -> usize {
        self.ids.len() * 2 + (self.lists.len() + self.ends.len()) * 4 + self.bytes.len()
    }
}

/// Makes a [`ValueColumn`] row by row.
#[derive(Debug, Default)]
pub struct Builder {
    column: ValueColumn,
    found: HashMap<Vec<u8>, u16>,
    /// Values of the row under way, each behind its length.
    row: Vec<u8>,
    last: Option<(Vec<u8>, u16)>,
    is_over: bool,
}

impl Builder {
    /// Adds a value to the row under way.
    pub fn value(&mut self, value: &[u8]) {
        self.row.extend_from_slice(&(value.len() as u32).to_le_bytes());
        self.row.extend_from_slice(value);
    }

    /// Ends the row.
    pub fn row(&mut self) {
        if self.is_over {
            self.row.clear();
            return;
        }
        // Neighbours are often alike.
        let id = match &self.last {
            Some((row, id)) if *row == self.row => *id,
            _ => self.look_up(),
        };
        self.column.ids.push(id);
        self.row.clear();
    }

    fn look_up(&mut self) -> u16 {
        let known = self.found.get(self.row.as_slice()).copied();
        let id = known.unwrap_or_else(|| self.enter());
        let last = self.last.get_or_insert_with(Default::default);
        last.0.clone_from(&self.row);
        last.1 = id;
        id
    }

    fn enter(&mut self) -> u16 {
        let column = &mut self.column;
        let Some(id) = u16::try_from(column.lists.len()).ok().filter(|_| column.bytes.len() < MOST_BYTES) else {
            self.is_over = true;
            return 0;
        };
        let mut rest = self.row.as_slice();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (value, after) = after.split_at(after.len().min(u32::from_le_bytes(*length) as usize));
            column.bytes.extend_from_slice(value);
            column.ends.push(column.bytes.len() as u32);
            rest = after;
        }
        column.lists.push(column.ends.len() as u32);
        self.found.insert(self.row.clone(), id);
        id
    }

    /// Whether there are too many different values already.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// The column; `None` where there are too many different values.
    pub fn finish(mut self) -> Option<ValueColumn> {
        self.column.ids.shrink_to_fit();
        self.column.bytes.shrink_to_fit();
        (!self.is_over).then_some(self.column)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_row_has_its_values(rows in proptest::collection::vec(proptest::collection::vec("[ab]{0,2}", 0..3), 0..40)) {
            let mut builder = Builder::default();
            for row in &rows {
                row.iter().for_each(|value| builder.value(value.as_bytes()));
                builder.row();
            }
            let column = builder.finish().unwrap();
            for (number, row) in rows.iter().enumerate() {
                let values: Vec<&[u8]> = column.values(column.id(number)).collect();
                prop_assert_eq!(values, row.iter().map(|value| value.as_bytes()).collect::<Vec<_>>());
            }
            prop_assert!(column.lists() <= rows.len());
        }
    }

    #[test]
    fn too_many_different_values_are_not_kept() {
        let mut builder = Builder::default();
        for number in 0..40 {
            builder.value(&vec![number; MOST_BYTES / 32]);
            builder.row();
        }
        assert!(builder.finish().is_none());
    }
}
