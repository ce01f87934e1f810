//! The rows of a row group that match, decided on archived data.

use super::matcher::{ColumnView, Matcher};
use super::plan::Candidate;
use crate::archive::{ArchiveError, GroupColumns, GroupRef, Snapshot};
use crate::model::{FieldSet, InputId, Interpret, Layout, Origin, RecordId, RecordView};

/// A row group in memory.
#[derive(Debug)]
pub struct Decoded {
    group: GroupRef,
    columns: GroupColumns,
    lines: Option<Vec<u8>>,
}

/// The matching rows of a group.
#[derive(Debug)]
pub struct GroupMatches {
    /// The group, decoded as far as was needed.
    pub decoded: Decoded,
    /// Rows that match, ascending.
    pub rows: Vec<u32>,
    /// Records that were looked at.
    pub looked_at: u64,
}

/// Decides which candidate rows match. Lines are unpacked only where columns do not decide, fields cut only where the
/// matcher asks for them.
pub fn evaluate(
    snapshot: &Snapshot,
    candidate: &Candidate,
    matcher: &Matcher,
    interpret: &dyn Interpret,
) -> Result<GroupMatches, ArchiveError> {
    let Some(group) = snapshot.groups().get(candidate.group) else {
        return Err(ArchiveError::Missing { path: Default::default() });
    };
    let mut decoded = Decoded { group: group.clone(), columns: snapshot.columns(group)?, lines: None };
    let mut rows = Vec::new();
    let mut fields = FieldSet::default();
    let mut looked_at = 0;
    for row in candidate.rows.iter().cloned().flatten() {
        looked_at += 1;
        let verdict = matcher.on_columns(&decoded.column_view(snapshot, row as usize));
        let matches = match verdict {
            Some(verdict) => verdict,
            None => {
                decoded.unpack(snapshot)?;
                decoded.cut(row as usize, matcher.needs_fields().then_some(interpret), &mut fields);
                matcher.matches(&decoded.view(snapshot, row as usize, &fields))
            }
        };
        if matches {
            rows.push(row);
        }
    }
    Ok(GroupMatches { decoded, rows, looked_at })
}

impl Decoded {
    /// Reads the columns of a group.
    pub fn open(snapshot: &Snapshot, number: usize) -> Result<Decoded, ArchiveError> {
        match snapshot.groups().get(number) {
            Some(group) => Ok(Decoded { group: group.clone(), columns: snapshot.columns(group)?, lines: None }),
            None => Err(ArchiveError::Missing { path: Default::default() }),
        }
    }

    /// The columns.
    pub fn columns(&self) -> &GroupColumns {
        &self.columns
    }

    /// Bytes of memory it takes, roughly.
    pub fn bytes(&self) -> usize {
        self.lines.as_ref().map_or(0, Vec::len) + self.columns.rows() * 64
    }

    /// Unpacks the lines, once.
    pub fn unpack(&mut self, snapshot: &Snapshot) -> Result<(), ArchiveError> {
        if self.lines.is_none() {
            self.lines = Some(snapshot.lines(&self.group)?);
        }
        Ok(())
    }

    /// Cuts the fields of a row, where there is somebody who can.
    pub fn cut(&self, row: usize, interpret: Option<&dyn Interpret>, fields: &mut FieldSet) {
        fields.clear();
        let Some(interpret) = interpret else { return };
        let raw = self.raw(row);
        match self.columns.layout(row) {
            Some(layout) => interpret.interpret(layout, raw, fields),
            None => interpret.interpret(&Layout::default(), raw, fields),
        }
    }

    /// A row as a whole; `fields` are those cut from it.
    pub fn view<'a>(&'a self, snapshot: &'a Snapshot, row: usize, fields: &'a FieldSet) -> RecordView<'a> {
        let raw = self.raw(row);
        let origin = self.columns.origin(row).unwrap_or(Origin { input: InputId(u32::MAX), offset: 0, length: 0 });
        RecordView {
            id: RecordId(self.group.first.0 + row as u64),
            origin,
            source: snapshot.input_name(origin.input),
            raw,
            time: self.columns.time(row),
            time_quality: self.columns.time_quality(row),
            level: self.columns.level(row),
            fields: fields.of(raw),
            template: self.columns.template(row),
            score: self.columns.score(row),
            novelty: self.columns.novelty(row),
            rules: self.columns.rules(row),
            verdict: self.columns.verdict(row),
        }
    }

    fn column_view<'a>(&self, snapshot: &'a Snapshot, row: usize) -> ColumnView<'a> {
        ColumnView {
            time: self.columns.time(row),
            time_quality: self.columns.time_quality(row),
            level: self.columns.level(row),
            score: self.columns.score(row),
            novelty: self.columns.novelty(row),
            flagged: self.columns.verdict(row).is_some(),
            source: self.columns.input(row).map_or("", |input| snapshot.input_name(input)),
        }
    }

    fn raw(&self, row: usize) -> &[u8] {
        self.lines.as_ref().map_or(&[], |lines| self.columns.raw(lines, row))
    }
}
