//! Values of the records of a row group as a column: each different list of values once, and a number a record.
//!
//! They are read from the pieces that the records are made of, or cut from the records.

use hashbrown::HashMap;

/// A group whose different values take more bytes keeps none: counting them pays no more.
const MOST_BYTES: usize = 1 << 20;

/// The list of records whose values are not known.
pub const UNKNOWN: u16 = u16::MAX;

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
    /// Rows whose list is not known.
    unknown_rows: usize,
}

impl ValueColumn {
    /// That of so many rows, none of which has a value.
    pub fn empty(rows: usize) -> ValueColumn {
        ValueColumn { ids: vec![0; rows], lists: vec![0], ..ValueColumn::default() }
    }

    /// Number of different lists.
    pub fn lists(&self) -> usize {
        self.lists.len()
    }

    /// The list of a row.
    pub fn id(&self, row: usize) -> usize {
        self.ids.get(row).map_or(usize::MAX, |id| usize::from(*id))
    }

    /// Whether the values of a row are known.
    pub fn is_known(&self, row: usize) -> bool {
        self.ids.get(row).is_some_and(|id| *id != UNKNOWN)
    }

    /// Whether the values of all rows are known.
    pub fn is_whole(&self) -> bool {
        self.unknown_rows == 0
    }

    /// Number of rows whose values are not known.
    pub fn unknown_rows(&self) -> usize {
        self.unknown_rows
    }

    /// Rows whose values are not known, ascending.
    pub fn unknown(&self) -> Vec<u32> {
        self.ids.iter().enumerate().filter(|(_, id)| **id == UNKNOWN).map(|(row, _)| row as u32).collect()
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
        self.ids.len() * 2 + (self.lists.len() + self.ends.len()) * 4 + self.bytes.len() + self.unknown_rows
    }
}

/// Makes a [`ValueColumn`] row by row.
#[derive(Debug, Default)]
pub struct Builder {
    column: ValueColumn,
    found: HashMap<Vec<u8>, u16>,
    /// The values that come next, each behind its length.
    next: Vec<u8>,
    last: Option<(Vec<u8>, u16)>,
    is_over: bool,
}

impl Builder {
    /// One that begins with the rows of a column, to replace those that are not known.
    pub fn with(column: &ValueColumn) -> Builder {
        let mut builder = Builder::default();
        for list in 0..column.lists() {
            column.values(list).for_each(|value| builder.value(value));
            builder.list();
        }
        builder.column.ids.clone_from(&column.ids);
        builder
    }

    /// Adds a value to those that come next.
    pub fn value(&mut self, value: &[u8]) {
        self.next.extend_from_slice(&(value.len() as u32).to_le_bytes());
        self.next.extend_from_slice(value);
    }

    /// Makes what was added since this was last asked a list; its number.
    pub fn list(&mut self) -> u16 {
        // Neighbours are often alike.
        let id = match &self.last {
            Some((list, id)) if *list == self.next => *id,
            _ => self.look_up(),
        };
        self.next.clear();
        id
    }

    /// Makes what was added a row.
    pub fn row(&mut self) {
        if self.is_over {
            self.next.clear();
            return;
        }
        let id = self.list();
        self.column.ids.push(id);
    }

    /// Makes what was added the values of a row that is there.
    pub fn put(&mut self, row: usize) {
        let id = self.list();
        if let Some(of_row) = self.column.ids.get_mut(row) {
            *of_row = id;
        }
    }

    /// Adds a row with the values of a list, or with [`UNKNOWN`].
    #[inline]
    pub fn row_of(&mut self, list: u16) {
        self.column.ids.push(list);
    }

    /// Adds rows, each with the values of a list, or with [`UNKNOWN`].
    pub fn rows_of(&mut self, lists: impl Iterator<Item = u16>) {
        self.column.ids.extend(lists);
    }

    /// Makes room for so many rows.
    pub fn expect(&mut self, rows: usize) {
        self.column.ids.reserve_exact(rows);
    }

    fn look_up(&mut self) -> u16 {
        let known = self.found.get(self.next.as_slice()).copied();
        let id = known.unwrap_or_else(|| self.enter());
        let last = self.last.get_or_insert_with(Default::default);
        last.0.clone_from(&self.next);
        last.1 = id;
        id
    }

    fn enter(&mut self) -> u16 {
        let column = &mut self.column;
        let number = u16::try_from(column.lists.len()).ok().filter(|number| *number != UNKNOWN);
        let Some(id) = number.filter(|_| column.bytes.len() < MOST_BYTES) else {
            self.is_over = true;
            return UNKNOWN;
        };
        let mut rest = self.next.as_slice();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (value, after) = after.split_at(after.len().min(u32::from_le_bytes(*length) as usize));
            column.bytes.extend_from_slice(value);
            column.ends.push(column.bytes.len() as u32);
            rest = after;
        }
        column.lists.push(column.ends.len() as u32);
        self.found.insert(self.next.clone(), id);
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
        self.column.unknown_rows = self.column.ids.iter().filter(|id| **id == UNKNOWN).count();
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
