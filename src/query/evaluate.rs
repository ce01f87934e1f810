//! The rows of a row group that match, decided on archived data.

use std::ops::Range;

use super::matcher::{ColumnView, Matcher};
use super::plan::Candidate;
use crate::archive::{ArchiveError, GroupColumns, GroupLines, GroupRef, Needs, Snapshot};
use crate::model::{FieldSet, InputId, Interpret, Layout, Origin, RecordId, RecordView};

/// Records whose bytes are searched as one before each is looked at.
const PIECE: u32 = 256;

/// A row group in memory.
#[derive(Debug)]
pub struct Decoded {
    group: GroupRef,
    columns: GroupColumns,
    lines: Option<GroupLines>,
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

/// Decides which candidate rows match. Columns in `needs` are there afterwards where a row matches, and so are times where not all
/// rows of the group do. Lines are unpacked only where columns do not decide, fields cut only where the
/// matcher asks for them.
pub fn evaluate(
    snapshot: &Snapshot,
    candidate: &Candidate,
    matcher: &Matcher,
    needs: Needs,
    interpret: &dyn Interpret,
) -> Result<GroupMatches, ArchiveError> {
    let decoded = Decoded::open(snapshot, candidate.group, matcher.needs_on_columns())?;
    let mut matches = GroupMatches { decoded, rows: Vec::new(), looked_at: 0 };
    let mut fields = FieldSet::default();
    for rows in &candidate.rows {
        for from in rows.clone().step_by(PIECE as usize) {
            let piece = from..rows.end.min(from + PIECE);
            matches.piece(snapshot, piece, matcher, interpret, &mut fields)?;
        }
    }
    if !matches.rows.is_empty() {
        let all = matches.rows.len() == matches.decoded.columns.rows();
        matches.decoded.need(snapshot, if all { needs } else { needs | Needs::TIMES })?;
    }
    Ok(matches)
}

impl GroupMatches {
    /// Decides a piece of consecutive rows. Where columns leave any of them open, the bytes of the whole piece are searched
    /// first: one search over many records is far faster than one for each.
    fn piece(
        &mut self,
        snapshot: &Snapshot,
        piece: Range<u32>,
        matcher: &Matcher,
        interpret: &dyn Interpret,
        fields: &mut FieldSet,
    ) -> Result<(), ArchiveError> {
        let mut may_match = None;
        for row in piece.clone() {
            self.looked_at += 1;
            let is_match = match matcher.on_columns(&self.decoded.column_view(snapshot, row as usize)) {
                Some(decided) => decided,
                None => {
                    self.decoded.unpack(snapshot)?;
                    self.decoded.need(snapshot, matcher.needs())?;
                    let bytes = || self.decoded.raw_of(piece.start as usize, piece.end as usize);
                    if !*may_match.get_or_insert_with(|| matcher.may_match_within(bytes())) {
                        continue;
                    }
                    self.decoded.cut(row as usize, matcher.needs_fields().then_some(interpret), fields);
                    matcher.matches(&self.decoded.view(snapshot, row as usize, fields))
                }
            };
            if is_match {
                self.rows.push(row);
            }
        }
        Ok(())
    }
}

impl Decoded {
    /// Reads some columns of a group.
    pub fn open(snapshot: &Snapshot, number: usize, needs: Needs) -> Result<Decoded, ArchiveError> {
        let group = snapshot.group(number)?;
        let columns = snapshot.columns_of(group, needs, GroupColumns::default())?;
        Ok(Decoded { group: group.clone(), columns, lines: None })
    }

    /// Reads more columns, as far as they are not there yet.
    pub fn need(&mut self, snapshot: &Snapshot, needs: Needs) -> Result<(), ArchiveError> {
        if !self.columns.loaded().contains(needs) {
            let columns = std::mem::take(&mut self.columns);
            self.columns = snapshot.columns_of(&self.group, needs, columns)?;
        }
        Ok(())
    }

    /// The columns.
    pub fn columns(&self) -> &GroupColumns {
        &self.columns
    }

    /// Bytes of memory it takes, roughly.
    pub fn bytes(&self) -> usize {
        self.lines.as_ref().map_or(0, GroupLines::memory) + self.columns.rows() * 64
    }

    /// Unpacks the lines, once.
    pub fn unpack(&mut self, snapshot: &Snapshot) -> Result<(), ArchiveError> {
        if self.lines.is_none() {
            self.lines = Some(snapshot.lines(&self.group)?);
        }
        Ok(())
    }

    /// Unpacks one line, where all are not there already; the others count as empty.
    pub fn unpack_one(&mut self, snapshot: &Snapshot, row: u32) -> Result<(), ArchiveError> {
        if self.lines.is_none() {
            self.lines = Some(snapshot.line(&self.group, row)?);
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
        let origin = self.lines.as_ref().and_then(|lines| lines.origin(row));
        let origin = origin.unwrap_or(Origin { input: InputId(u32::MAX), offset: 0, length: 0 });
        RecordView {
            id: RecordId(self.group.first.0 + row as u64),
            origin,
            source: self.columns.input(row).map_or("", |input| snapshot.input_name(input)),
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
            flagged: self.columns.is_flagged(row),
            source: self.columns.input(row).map_or("", |input| snapshot.input_name(input)),
        }
    }

    /// The bytes of all rows from one on up to another.
    fn raw_of(&self, from: usize, to: usize) -> &[u8] {
        self.lines.as_ref().map_or(&[], |lines| lines.raw_of(from, to))
    }

    fn raw(&self, row: usize) -> &[u8] {
        self.lines.as_ref().map_or(&[], |lines| lines.raw(row))
    }
}
