//! Columns of values of a group: kept ones, those that the lines' columns tell, and those that are cut from records.

use std::sync::Arc;

use super::{Decoded, Reading, WRITE_ALL};
use crate::archive::{ArchiveError, Needs};
use crate::model::{FieldSet, RecordView};
use crate::query::values::{Builder, Of, ValueColumn};

/// A column of values on its way.
struct Missing<'a> {
    of: &'a Of,
    builder: Builder,
    /// What is known of it already.
    known: Option<Arc<ValueColumn>>,
}

impl<'a> Missing<'a> {
    fn new(of: &'a Of, known: Option<Arc<ValueColumn>>) -> Missing<'a> {
        Missing { of, builder: known.as_ref().map(|known| Builder::with(known)).unwrap_or_default(), known }
    }

    /// The rows that are to be cut, of so many.
    fn rows(&self, all: usize) -> Vec<u32> {
        self.known.as_ref().map_or_else(|| (0..all as u32).collect(), |known| known.unknown())
    }

    fn take(&mut self, row: usize, record: &RecordView<'_>) {
        match &self.known {
            None => {
                self.of.fill(record, &mut self.builder);
                self.builder.row();
            }
            Some(known) if !known.is_known(row) => {
                self.of.fill(record, &mut self.builder);
                self.builder.put(row);
            }
            Some(_) => {}
        }
    }
}

impl Decoded {
    /// Columns of values as far as they are kept.
    pub fn values_at_hand(&self, reading: Reading<'_>, wanted: &[Of]) -> Vec<Option<Arc<ValueColumn>>> {
        wanted.iter().map(|of| reading.cache.values(self.group.first.0, of).flatten()).collect()
    }

    /// Columns of values as far as they are kept, or tell themselves from the columns that lines are made of; those of some records
    /// may be unknown.
    pub fn placed(&self, reading: Reading<'_>, wanted: &[Of]) -> Result<Vec<Option<Arc<ValueColumn>>>, ArchiveError> {
        let first = self.group.first.0;
        let mut columns = self.values_at_hand(reading, wanted);
        let mut names: Vec<&str> = Vec::new();
        for of in wanted {
            if let Of::Field(name) = of
                && !names.contains(&name.as_str())
                && reading.cache.values(first, of).is_none()
            {
                names.push(name);
            }
        }
        if names.is_empty() {
            return Ok(columns);
        }
        let Some(found) = reading.snapshot.values(&self.group, reading.interpret.revision(), &names)? else {
            return Ok(columns);
        };
        for (name, found) in names.into_iter().zip(found) {
            let found = found.map(Arc::new);
            reading.cache.keep_values(first, &Of::Field(name.to_owned()), found.clone());
            let is_of = |of: &Of| matches!(of, Of::Field(other) if other == name);
            let of_name = columns.iter_mut().zip(wanted).filter(|(_, of)| is_of(of));
            of_name.for_each(|(column, _)| column.clone_from(&found));
        }
        Ok(columns)
    }

    /// Columns of values, cut from the records where they are not kept and do not tell themselves; none for values that differ too
    /// much.
    pub fn values(
        &mut self,
        reading: Reading<'_>,
        wanted: &[Of],
    ) -> Result<Vec<Option<Arc<ValueColumn>>>, ArchiveError> {
        let first = self.group.first.0;
        let mut columns = self.placed(reading, wanted)?;
        let mut missing: Vec<Missing<'_>> = Vec::new();
        for (of, column) in wanted.iter().zip(&columns) {
            let is_missing = match column {
                Some(column) => !column.is_whole(),
                None => reading.cache.values(first, of).is_none(),
            };
            if is_missing && !missing.iter().any(|other| other.of == of) {
                missing.push(Missing::new(of, column.clone()));
            }
        }
        if missing.is_empty() {
            return Ok(columns);
        }
        self.cut_missing(reading, &mut missing)?;
        for Missing { of, builder, .. } in missing {
            let made = builder.finish().map(Arc::new);
            reading.cache.keep_values(first, of, made.clone());
            let of_one = columns.iter_mut().zip(wanted).filter(|(_, other)| *other == of);
            of_one.for_each(|(column, _)| column.clone_from(&made));
        }
        Ok(columns)
    }

    /// Cuts records for what is missing of their values.
    fn cut_missing(&mut self, reading: Reading<'_>, missing: &mut [Missing<'_>]) -> Result<(), ArchiveError> {
        let all = self.columns.rows();
        let mut rows: Vec<u32> = missing.iter().flat_map(|missing| missing.rows(all)).collect();
        rows.sort_unstable();
        rows.dedup();
        let is_sparse = self.lines.is_none() && rows.len() * WRITE_ALL < all;
        match is_sparse {
            true => self.lines = Some(reading.snapshot.some_lines(&self.group, &rows)?),
            false => self.unpack(reading.snapshot)?,
        }
        let is_cut = missing.iter().any(|missing| matches!(missing.of, Of::Field(_)));
        if is_cut {
            self.need(reading.snapshot, Needs::LAYOUTS)?;
        }
        let mut fields = FieldSet::default();
        for row in rows {
            if missing.iter().all(|missing| missing.builder.is_over()) {
                break;
            }
            self.cut(row as usize, is_cut.then_some(reading.interpret), &mut fields);
            let view = self.view(reading.snapshot, row as usize, &fields);
            missing.iter_mut().for_each(|missing| missing.take(row as usize, &view));
        }
        if is_sparse {
            self.lines = None;
        }
        Ok(())
    }
}
