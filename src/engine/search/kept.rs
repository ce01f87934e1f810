//! Decoded groups that are kept while their records are handed out.

use std::collections::HashMap;
use std::sync::Arc;

use super::{EngineError, Search};
use crate::archive::{Needs, Snapshot};
use crate::model::{FieldSet, FoundRecord, Incidents, Interpret, RecordId};
use crate::query::Decoded;

/// Decoded groups are kept for handing out up to this many bytes; more are read again.
const KEPT_BYTES: usize = 192 << 20;

/// What of a record is looked at by whoever it is handed to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) needs: Needs,
    pub(super) lines: bool,
    pub(super) fields: bool,
}

impl Wanted {
    pub(super) const ALL: Wanted = Wanted { needs: Needs::ALL, lines: true, fields: true };
}

/// Decoded groups whose records wait to be handed out; the least recently used go first when there are too many.
#[derive(Default)]
pub(super) struct Kept {
    groups: HashMap<usize, (u64, Decoded)>,
    bytes: usize,
    clock: u64,
    fields: FieldSet,
    incidents: Option<Arc<Incidents>>,
}

impl Kept {
    /// One whose records tell their incidents.
    pub(super) fn knowing(incidents: Option<&Arc<Incidents>>) -> Kept {
        Kept { incidents: incidents.cloned(), ..Kept::default() }
    }

    pub(super) fn add(&mut self, number: usize, decoded: Decoded) {
        self.bytes += decoded.bytes();
        self.clock += 1;
        self.groups.insert(number, (self.clock, decoded));
        while self.bytes > KEPT_BYTES && self.groups.len() > 1 {
            let oldest = self.groups.iter().min_by_key(|(_, (used, _))| *used).map(|(number, _)| *number);
            let Some((_, gone)) = oldest.and_then(|number| self.groups.remove(&number)) else { return };
            self.bytes = self.bytes.saturating_sub(gone.bytes());
        }
    }

    /// A group with what is wanted of it, of its lines those of some rows alone where such are named.
    pub(super) fn group(
        &mut self,
        number: usize,
        wanted: Wanted,
        alone: Option<&[u32]>,
        snapshot: &Snapshot,
    ) -> Result<(&Decoded, &mut FieldSet), EngineError> {
        if !self.groups.contains_key(&number) {
            let decoded = Decoded::open(snapshot, number, wanted.needs)?.knowing(self.incidents.as_ref());
            self.add(number, decoded);
        }
        self.clock += 1;
        let Some((used, decoded)) = self.groups.get_mut(&number) else { return Err(EngineError::Worker("search")) };
        *used = self.clock;
        let before = decoded.bytes();
        match alone {
            _ if !wanted.lines => {}
            Some([row]) => decoded.unpack_one(snapshot, *row)?,
            Some(rows) => decoded.unpack_few(snapshot, rows)?,
            None => decoded.unpack(snapshot)?,
        }
        decoded.need(snapshot, wanted.needs)?;
        self.bytes += decoded.bytes().saturating_sub(before);
        Ok((decoded, &mut self.fields))
    }

    /// One record by its number, from groups that were decoded before where it can be.
    pub(super) fn record(&mut self, id: RecordId, search: &Search) -> Result<Option<FoundRecord>, EngineError> {
        let Some(number) = search.snapshot.group_of(id) else { return Ok(None) };
        let Some(first) = search.snapshot.groups().get(number).map(|group| group.first.0) else { return Ok(None) };
        let row = id.0.saturating_sub(first) as usize;
        let (decoded, fields) = self.group(number, Wanted::ALL, None, &search.snapshot)?;
        decoded.cut(row, Some(&search.registry as &dyn Interpret), fields);
        Ok(Some(FoundRecord::of(&decoded.view(&search.snapshot, row, fields))))
    }
}
