//! Columns whose values stand in the order of another column's values: what depends on each other comes to lie together.
//!
//! Agents by address, sizes by path, descriptions by rule: sorted by what they follow from, equal values are neighbours. The sort is
//! stable and its keys are read anyway, so the order itself is not stored.

use std::sync::Arc;

use super::DecodeError;
use super::integers::Integers;
use super::read::Loader;
use crate::archive::column::{places, ranks};

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
    pub fn undo<T: Copy + Default>(&self, loader: &mut Loader<'_, '_>, values: &[T]) -> Result<Vec<T>, DecodeError> {
        if self.keys.is_none() {
            return self.undo_by_template(loader, values);
        }
        let mut restored = vec![T::default(); values.len()];
        for (place, value) in self.places(loader, values.len())?.iter().zip(values) {
            if let Some(slot) = restored.get_mut(*place as usize) {
                *slot = *value;
            }
        }
        Ok(restored)
    }

    /// Where in the order some ascending values of `count` stand.
    pub fn of(
        &self,
        loader: &mut Loader<'_, '_>,
        count: usize,
        wanted: &[usize],
    ) -> Result<Arc<Vec<usize>>, DecodeError> {
        let Some(column) = &self.keys else { return self.by_template_at(loader, count, wanted) };
        let ids = loader.kept(&self.ids, self.rows)?;
        let rows = loader.tally(&self.ids, &ids, self.uses.len())?;
        let values = loader.kept(column, self.count(&rows, |uses| uses.1))?;
        if self.uses.iter().all(|(column, keys)| column == keys) {
            return if values.len() == count { Ok(loader.ranks(column, &values, wanted)) } else { Err(OTHER) };
        }
        let keys = self.keys_of(&ids, &values)?;
        if keys.len() == count { Ok(Arc::new(ranks(&keys, wanted))) } else { Err(OTHER) }
    }

    /// How many rows have one of the columns; `rows` says how many each template has.
    fn count(&self, rows: &[u32], has: impl Fn(&(bool, bool)) -> bool) -> usize {
        self.uses.iter().zip(rows).filter(|(uses, _)| has(uses)).map(|(_, rows)| *rows as usize).sum()
    }

    /// The key of each value, from the keys of all rows that have some.
    fn keys_of(&self, ids: &[u64], values: &[u64]) -> Result<Vec<u64>, DecodeError> {
        let mut keys = Vec::with_capacity(values.len());
        let mut values = values.iter();
        for id in ids {
            let (has_column, has_key) = self.uses.get(*id as usize).copied().ok_or(NO_TEMPLATE)?;
            let key = if has_key { values.next() } else { None };
            if has_column {
                keys.push(*key.ok_or(DecodeError("a value without a key"))?);
            }
        }
        Ok(keys)
    }

    /// The place of each of `count` values among those of their rows.
    fn places(&self, loader: &mut Loader<'_, '_>, count: usize) -> Result<Arc<Vec<u32>>, DecodeError> {
        let Some(column) = &self.keys else {
            let places = self.by_template(loader)?;
            return if places.len() == count { Ok(Arc::new(places)) } else { Err(OTHER) };
        };
        let ids = loader.kept(&self.ids, self.rows)?;
        let rows = loader.tally(&self.ids, &ids, self.uses.len())?;
        let values = loader.kept(column, self.count(&rows, |uses| uses.1))?;
        if self.uses.iter().all(|(column, keys)| column == keys) {
            let places = loader.places(column, &values);
            return if places.len() == count { Ok(places) } else { Err(OTHER) };
        }
        let keys = self.keys_of(&ids, &values)?;
        if keys.len() == count { Ok(Arc::new(places(&keys))) } else { Err(OTHER) }
    }

    /// Where the values of each template begin, and how many there are: nothing needs to be sorted.
    fn starts(&self, loader: &mut Loader<'_, '_>, ids: &[u64]) -> Result<(Vec<u32>, u32), DecodeError> {
        let mut next = loader.tally(&self.ids, ids, self.uses.len())?.to_vec();
        let mut before = 0;
        for (next, (has_column, _)) in next.iter_mut().zip(self.uses.iter()) {
            let count = if *has_column { *next } else { 0 };
            *next = before;
            before += count;
        }
        Ok((next, before))
    }

    /// Where some ascending values stand in the order of templates.
    fn by_template_at(
        &self,
        loader: &mut Loader<'_, '_>,
        count: usize,
        wanted: &[usize],
    ) -> Result<Arc<Vec<usize>>, DecodeError> {
        let ids = loader.kept(&self.ids, self.rows)?;
        let (mut next, values) = self.starts(loader, &ids)?;
        if values as usize != count {
            return Err(OTHER);
        }
        let mut found = Vec::with_capacity(wanted.len());
        let mut value = 0;
        for id in ids.iter() {
            let Some(wanted) = wanted.get(found.len()) else { break };
            if !self.uses.get(*id as usize).is_some_and(|uses| uses.0) {
                continue;
            }
            let next = next.get_mut(*id as usize).ok_or(NO_TEMPLATE)?;
            if value == *wanted {
                found.push(*next as usize);
            }
            *next += 1;
            value += 1;
        }
        Ok(Arc::new(found))
    }

    /// The places of values in the order of templates.
    fn by_template(&self, loader: &mut Loader<'_, '_>) -> Result<Vec<u32>, DecodeError> {
        let ids = loader.kept(&self.ids, self.rows)?;
        let (mut next, before) = self.starts(loader, &ids)?;
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

    /// Puts values that stand in the order of templates back into that of their rows.
    fn undo_by_template<T: Copy>(&self, loader: &mut Loader<'_, '_>, values: &[T]) -> Result<Vec<T>, DecodeError> {
        let ids = loader.kept(&self.ids, self.rows)?;
        let (mut next, count) = self.starts(loader, &ids)?;
        let mut restored = Vec::with_capacity(values.len());
        for id in ids.iter() {
            if self.uses.get(*id as usize).is_some_and(|uses| uses.0) {
                let next = next.get_mut(*id as usize).ok_or(NO_TEMPLATE)?;
                restored.push(*values.get(*next as usize).ok_or(OTHER)?);
                *next += 1;
            }
        }
        if count as usize == values.len() { Ok(restored) } else { Err(OTHER) }
    }
}
