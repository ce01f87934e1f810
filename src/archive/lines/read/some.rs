//! A few records of a chunk: of each column that they have, their values alone are put together.

use std::sync::Arc;

use super::{Loader, OVER, Table};
use crate::archive::lines::DecodeError;
use crate::archive::lines::forms::{Described, DescribedTable};
use crate::archive::lines::integers::Integers;
use crate::archive::lines::stamps;
use crate::archive::lines::values::{Column, Values};

impl Loader<'_, '_> {
    /// Loads some ascending rows of a table of `rows` rows, which become its rows.
    pub fn table_of(
        &mut self,
        described: &DescribedTable<'_>,
        rows: usize,
        wanted: &[u32],
    ) -> Result<Table, DecodeError> {
        let ids = self.ids(described, rows)?;
        let of_wanted: Vec<u64> =
            wanted.iter().map(|row| ids.get(*row as usize).copied().ok_or(OVER)).collect::<Result<_, _>>()?;
        let counts = described.occurrences(&ids)?;
        let places = places_of(described, &ids, &of_wanted, wanted)?;
        let mut columns = Vec::with_capacity(counts.len());
        for (number, (count, places)) in counts.into_iter().zip(places).enumerate() {
            columns.push(match places.is_empty() {
                true => Column::default(),
                false => Column::new(self.values_of(&described.column(number)?, count, &places)?),
            });
        }
        Ok(Table { templates: Arc::clone(described.templates()), ids: Arc::new(of_wanted), columns })
    }

    /// The values at some ascending places of a column.
    fn values_of(&mut self, described: &Described<'_>, count: usize, places: &[usize]) -> Result<Values, DecodeError> {
        Ok(match described {
            Described::Equal(bytes) => Values::Equal(Arc::clone(bytes)),
            Described::Numbers { width, integers } => {
                Values::Numbers { width: *width, values: self.integers_of(integers, count, places)? }
            }
            Described::Dictionary { number, ids } => {
                let entries = self.dictionaries.get(*number, self.within)?;
                Values::Words { entries, ids: self.integers_of(ids, count, places)? }
            }
            Described::Patterns(table) => {
                let rows: Vec<u32> = places.iter().map(|place| *place as u32).collect();
                Values::Nested(Box::new(self.table_of(table, count, &rows)?))
            }
            Described::Stamps { format, relative, integers } => Values::Stamps {
                writer: stamps::Writer::new(*format).ok_or(DecodeError("no such form of time"))?,
                relative: *relative,
                values: self.integers_of(integers, count, places)?,
            },
            Described::Hex { .. } | Described::Nibbles { .. } | Described::Lines(_) | Described::Bytes { .. } => {
                Values::Text(self.words(described, count, places)?)
            }
        })
    }

    /// The values at some ascending places of a column of integers, in row order.
    fn integers_of(&mut self, integers: &Integers, count: usize, places: &[usize]) -> Result<Vec<u64>, DecodeError> {
        if places.last().is_some_and(|last| *last >= count) {
            return Err(OVER);
        }
        self.charge(places.len(), 8)?;
        match integers.order() {
            Some(order) => {
                let places = order.at(self, count, places)?;
                integers.load_at(&mut self.blobs, count, places.iter().copied())
            }
            None => integers.load_at(&mut self.blobs, count, places.iter().copied()),
        }
    }
}

/// Of each column, the places of the values that the wanted rows have there; `of_wanted` are their templates.
fn places_of(
    described: &DescribedTable<'_>,
    ids: &[u64],
    of_wanted: &[u64],
    wanted: &[u32],
) -> Result<Vec<Vec<usize>>, DecodeError> {
    const MISSING: DecodeError = DecodeError("a template that is not there");
    let templates = described.templates();
    // The columns that are needed, of each template.
    let is_needed: Vec<bool> = described.occurrences(of_wanted)?.into_iter().map(|count| count > 0).collect();
    let needed = |column: &u32| is_needed.get(*column as usize) == Some(&true);
    let of_template: Vec<Vec<u32>> =
        templates.iter().map(|template| template.columns.iter().copied().filter(needed).collect()).collect();
    let mut places: Vec<Vec<usize>> = vec![Vec::new(); is_needed.len()];
    let mut next = vec![0usize; is_needed.len()];
    // Rows since the last that is wanted, by template, and the templates that they have.
    let (mut passed, mut met) = (vec![0usize; templates.len()], Vec::new());
    let mut from = 0;
    for (row, id) in wanted.iter().zip(of_wanted) {
        for id in ids.get(from..*row as usize).ok_or(OVER)? {
            let passed = passed.get_mut(*id as usize).ok_or(MISSING)?;
            if *passed == 0 {
                met.push(*id);
            }
            *passed += 1;
        }
        for id in met.drain(..) {
            let rows = passed.get_mut(id as usize).map_or(0, std::mem::take);
            for column in of_template.get(id as usize).ok_or(MISSING)? {
                *next.get_mut(*column as usize).ok_or(MISSING)? += rows;
            }
        }
        for column in of_template.get(*id as usize).ok_or(MISSING)? {
            let next = next.get_mut(*column as usize).ok_or(MISSING)?;
            places.get_mut(*column as usize).ok_or(MISSING)?.push(*next);
            *next += 1;
        }
        from = *row as usize + 1;
    }
    Ok(places)
}
