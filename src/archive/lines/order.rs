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
    pub fn undo<T: Copy + Default>(&self, loader: &mut Loader<'_, '_>, values: &[T]) -> Result<Vec<T>, DecodeError> {
        let mut restored = vec![T::default(); values.len()];
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

    /// The place of each of `count` values among those of their rows.
    fn places(&self, loader: &mut Loader<'_, '_>, count: usize) -> Result<Arc<Vec<u32>>, DecodeError> {
        const OTHER: DecodeError = DecodeError("an order of another number of values");
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

    /// The places of values in the order of templates: nothing needs to be sorted.
    fn by_template(&self, loader: &mut Loader<'_, '_>) -> Result<Vec<u32>, DecodeError> {
        let ids = loader.kept(&self.ids, self.rows)?;
        let mut next = vec![0u32; self.uses.len()];
        for id in ids.iter() {
            *next.get_mut(*id as usize).ok_or(NO_TEMPLATE)? += 1;
        }
        let mut before = 0;
        for (next, (has_column, _)) in next.iter_mut().zip(self.uses.iter()) {
            let count = if *has_column { *next } else { 0 };
            *next = before;
            before += count;
        }
        let mut places = vec![0u32; before as usize];
        let mut place = 0;
        for id in ids.iter() {
            let has_column = self.uses.get(*id as usize).is_some_and(|uses| uses.0);
            if let Some(next) = next.get_mut(*id as usize).filter(|_| has_column) {
                if let Some(slot) = places.get_mut(*next as usize) {
                    *slot = place;
                }
                (*next, place) = (*next + 1, place + 1);
            }
        }
        Ok(places)
    }
}
