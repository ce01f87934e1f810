//! Columns whose values stand in the order of another column's values: what depends on each other comes to lie together.
//!
//! Agents by address, sizes by path, descriptions by rule: sorted by what they follow from, equal values are neighbours. The sort is
//! stable and its keys are read anyway, so the order itself is not stored.

use std::sync::Arc;

use super::DecodeError;
use super::integers::Integers;
use super::read::Loader;
use crate::archive::column::places;

/// A column that follows another that follows another, and so on, at most so far.
pub const DEEPEST: u8 = 8;

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
        let keys = self.keys(loader)?;
        if keys.len() != values.len() {
            return Err(DecodeError("an order of another number of values"));
        }
        let mut restored = vec![0; values.len()];
        for (place, value) in places(&keys).into_iter().zip(values) {
            if let Some(slot) = restored.get_mut(place as usize) {
                *slot = *value;
            }
        }
        Ok(restored)
    }

    /// The key of each value, in row order.
    fn keys(&self, loader: &mut Loader<'_, '_>) -> Result<Arc<Vec<u64>>, DecodeError> {
        let ids = loader.kept(&self.ids, self.rows)?;
        let uses = |id: &u64| self.uses.get(*id as usize).copied().ok_or(DecodeError("a template that is not there"));
        let Some(column) = &self.keys else {
            let mut keys = Vec::with_capacity(ids.len());
            for id in ids.iter() {
                if uses(id)?.0 {
                    keys.push(*id);
                }
            }
            return Ok(Arc::new(keys));
        };
        let mut count = 0;
        for id in ids.iter() {
            count += usize::from(uses(id)?.1);
        }
        let values = loader.kept(column, count)?;
        if self.uses.iter().all(|(column, keys)| column == keys) {
            return Ok(values);
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
        Ok(Arc::new(keys))
    }
}
