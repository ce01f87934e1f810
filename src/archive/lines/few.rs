//! A few rows of a table: which values of which columns they need, so that the rest is neither written nor, where it lies in
//! packs of its own, unpacked.

use std::collections::BTreeSet;

use super::DecodeError;
use super::template::Template;

const MISSING: DecodeError = DecodeError("a template that is not there");
const NO_COLUMN: DecodeError = DecodeError("a column that is not there");

/// So many times more entries than are needed make it worth while not to write a whole dictionary.
pub const WORTH: usize = 4;

/// What some rows need.
pub struct Needed {
    /// For each column, how often it is met before the first of the rows.
    pub before: Vec<usize>,
    /// For each column, which of its values the rows need, ascending.
    pub values: Vec<Vec<usize>>,
}

impl Needed {
    /// What `rows` (ascending) need of `columns` columns; `ids` are the templates of all rows.
    pub fn by(templates: &[Template], ids: &[u64], rows: &[usize], columns: usize) -> Result<Needed, DecodeError> {
        let mut met = vec![0usize; columns];
        let mut values = vec![Vec::new(); columns];
        let mut before = None;
        let mut next = 0;
        for row in rows {
            each_column(templates, ids.get(next..*row).ok_or(MISSING)?, |column, count| {
                *met.get_mut(column).ok_or(NO_COLUMN)? += count;
                Ok(())
            })?;
            before.get_or_insert_with(|| met.clone());
            let id = *ids.get(*row).ok_or(MISSING)?;
            for column in &templates.get(id as usize).ok_or(MISSING)?.columns {
                let met = met.get_mut(*column as usize).ok_or(NO_COLUMN)?;
                values.get_mut(*column as usize).ok_or(NO_COLUMN)?.push(*met);
                *met += 1;
            }
            next = row + 1;
        }
        Ok(Needed { before: before.unwrap_or(met), values })
    }
}

/// Tells `take` of each column that rows of the templates `ids` meet, and how often; once or several times.
pub fn each_column(
    templates: &[Template],
    ids: &[u64],
    mut take: impl FnMut(usize, usize) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    if ids.len() < templates.len() {
        for id in ids {
            for column in &templates.get(*id as usize).ok_or(MISSING)?.columns {
                take(*column as usize, 1)?;
            }
        }
        return Ok(());
    }
    let mut rows = vec![0usize; templates.len()];
    for id in ids {
        *rows.get_mut(*id as usize).ok_or(MISSING)? += 1;
    }
    for (template, rows) in templates.iter().zip(rows).filter(|(_, rows)| *rows > 0) {
        for column in &template.columns {
            take(*column as usize, rows)?;
        }
    }
    Ok(())
}

/// The entries of a dictionary that some values of a column name, ascending; and the ids of the column in these.
pub fn entries_of(ids: &[u64], values: &[usize]) -> (Vec<usize>, Vec<u64>) {
    let named = values.iter().filter_map(|value| ids.get(*value)).map(|id| usize::try_from(*id).unwrap_or(usize::MAX));
    let wanted: Vec<usize> = named.collect::<BTreeSet<usize>>().into_iter().collect();
    let mut places = vec![u64::MAX; ids.len()];
    for value in values {
        let Some((place, id)) = places.get_mut(*value).zip(ids.get(*value)) else { continue };
        let found = wanted.binary_search(&usize::try_from(*id).unwrap_or(usize::MAX));
        *place = found.map_or(u64::MAX, |at| at as u64);
    }
    (wanted, places)
}
