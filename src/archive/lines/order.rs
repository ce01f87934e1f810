//! Columns whose values stand in the order of another column's values: what depends on each other comes to lie together.
//!
//! Agents by address, sizes by path, descriptions by rule: sorted by what they follow from, equal values are neighbours. The sort is
//! stable and its keys are read anyway, so the order itself is not stored.

use std::ops::Range;
use std::sync::Arc;

use super::DecodeError;
use super::integers::Integers;
use super::read::Loader;
use crate::archive::column::places;

/// A column that follows another that follows another, and so on, at most so far.
pub const DEEPEST: u8 = 8;

const OTHER: DecodeError = DecodeError("an order of another number of values");
const NO_TEMPLATE: DecodeError = DecodeError("a template that is not there");

/// The order of the values of a column in a chunk.
#[derive(Debug)]
pub struct Order {
    /// The template of each row, and the number of rows.
    pub ids: Arc<Integers>,
    /// Rows of the chunk.
    pub rows: usize,
    /// Of each template, whether it has the column, and whether it has the one that gives the keys.
    pub uses: Arc<Vec<(bool, bool)>>,
    /// The column that gives the keys; without one the template does.
    pub keys: Option<Arc<Integers>>,
}

impl Order {
    /// Puts values back into the order of their rows.
    pub fn undo(&self, loader: &mut Loader<'_, '_>, values: &[u64]) -> Result<Vec<u64>, DecodeError> {
        if self.keys.is_none() {
            return self.undo_by_template(loader, values);
        }
        let mut restored = vec![0; values.len()];
        for (place, value) in self.places(loader, values.len())?.iter().zip(values) {
            if let Some(slot) = restored.get_mut(*place as usize) {
                *slot = *value;
            }
        }
        Ok(restored)
    }

    /// Where in the order some consecutive values of `count` stand.
    pub fn of(
        &self,
        loader: &mut Loader<'_, '_>,
        count: usize,
        wanted: Range<usize>,
    ) -> Result<Vec<usize>, DecodeError> {
        let places = self.places(loader, count)?;
        let mut found = vec![0; wanted.len()];
        for (at, place) in places.iter().enumerate() {
            if let Some(slot) = (*place as usize).checked_sub(wanted.start).and_then(|place| found.get_mut(place)) {
                *slot = at;
            }
        }
        Ok(found)
    }

    /// Where in the order some ascending values of `count` stand.
    pub fn at(&self, loader: &mut Loader<'_, '_>, count: usize, wanted: &[usize]) -> Result<Vec<usize>, DecodeError> {
        const NONE: u32 = u32::MAX;
        let mut numbers = vec![NONE; count];
        for (number, place) in wanted.iter().enumerate() {
            *numbers.get_mut(*place).ok_or(OTHER)? = number as u32;
        }
        let mut found = vec![0; wanted.len()];
        for (at, place) in self.places(loader, count)?.iter().enumerate() {
            let number = numbers.get(*place as usize).copied().unwrap_or(NONE);
            if let Some(slot) = found.get_mut(number as usize) {
                *slot = at;
            }
        }
        Ok(found)
    }

    /// The place of each of `count` values among those of their rows.
    fn places(&self, loader: &mut Loader<'_, '_>, count: usize) -> Result<Arc<Vec<u32>>, DecodeError> {
        let Some(column) = &self.keys else {
            let places = self.by_template(loader)?;
            return if places.len() == count { Ok(Arc::new(places)) } else { Err(OTHER) };
        };
        let ids = loader.kept(&self.ids, self.rows)?;
        let uses = |id: &u64| self.uses.get(*id as usize).copied().ok_or(NO_TEMPLATE);
        let mut keys = 0;
        for id in ids.iter() {
            keys += usize::from(uses(id)?.1);
        }
        let values = loader.kept(column, keys)?;
        if self.uses.iter().all(|(column, keys)| column == keys) {
            let places = loader.places(column, &values);
            return if places.len() == count { Ok(places) } else { Err(OTHER) };
        }
        let mut keys = Vec::with_capacity(values.len());
        let mut values = values.iter();
        for id in ids.iter() {
            let (has_column, has_key) = uses(id)?;
            let key = if has_key { values.next() } else { None };
            if has_column {
                keys.push(*key.ok_or(DecodeError("a value without a key"))?);
            }
        }
        if keys.len() == count { Ok(Arc::new(places(&keys))) } else { Err(OTHER) }
    }

    /// Puts values that stand in the order of templates back into that of their rows.
    fn undo_by_template(&self, loader: &mut Loader<'_, '_>, values: &[u64]) -> Result<Vec<u64>, DecodeError> {
        let ids = loader.kept(&self.ids, self.rows)?;
        let mut next = self.starts(&ids)?;
        let mut restored = Vec::with_capacity(values.len());
        for id in ids.iter() {
            if let Some(next) = next.get_mut(*id as usize).ok_or(NO_TEMPLATE)? {
                restored.push(*values.get(*next as usize).ok_or(OTHER)?);
                *next += 1;
            }
        }
        if restored.len() == values.len() { Ok(restored) } else { Err(OTHER) }
    }

    /// The places of values in the order of templates: nothing needs to be sorted.
    fn by_template(&self, loader: &mut Loader<'_, '_>) -> Result<Vec<u32>, DecodeError> {
        let ids = loader.kept(&self.ids, self.rows)?;
        let mut next = self.starts(&ids)?;
        let (mut at, mut place) = (Vec::with_capacity(ids.len()), 0);
        for id in ids.iter() {
            if let Some(next) = next.get_mut(*id as usize).ok_or(NO_TEMPLATE)? {
                at.push(*next);
                *next += 1;
            }
        }
        let mut places = vec![0u32; at.len()];
        for at in at {
            if let Some(slot) = places.get_mut(at as usize) {
                *slot = place;
            }
            place += 1;
        }
        Ok(places)
    }

    /// Of each template that has the column, where the values of its rows begin in the order of templates.
    fn starts(&self, ids: &[u64]) -> Result<Vec<Option<u32>>, DecodeError> {
        let mut counts = vec![0u32; self.uses.len()];
        for id in ids {
            *counts.get_mut(*id as usize).ok_or(NO_TEMPLATE)? += 1;
        }
        let mut before = 0;
        let start = |(count, (has_column, _)): (&u32, &(bool, bool))| {
            has_column.then(|| {
                before += count;
                before - count
            })
        };
        Ok(counts.iter().zip(self.uses.iter()).map(start).collect())
    }
}
