//! The rows of a row group that match, decided on archived data.

use std::sync::Arc;

use super::matcher::{ColumnView, Matcher};
use super::plan::Candidate;
use crate::archive::{ArchiveError, GroupColumns, GroupLines, GroupRef, Needs, Snapshot};
use crate::model::{FieldSet, Incidents, InputId, Interpret, Layout, Origin, RecordId, RecordView};

/// Records whose bytes are searched as one before each is looked at.
const PIECE: u32 = 256;

/// A row group in memory.
#[derive(Debug)]
pub struct Decoded {
    group: GroupRef,
    columns: GroupColumns,
    lines: Option<GroupLines>,
    incidents: Option<Arc<Incidents>>,
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

/// Decides which candidate rows match. Columns in `needs` are there afterwards where a row matches. Lines are unpacked only where columns do not decide, fields cut only where the
/// matcher asks for them.
pub fn evaluate(
    snapshot: &Snapshot,
    candidate: &Candidate,
    matcher: &Matcher,
    needs: Needs,
    interpret: &dyn Interpret,
) -> Result<GroupMatches, ArchiveError> {
    let decoded = Decoded::open(snapshot, candidate.group, matcher.needs_on_columns())?.knowing(matcher.incidents());
    let mut matches = GroupMatches { decoded, rows: Vec::new(), looked_at: 0 };
    let open = matches.on_columns(snapshot, candidate, matcher);
    let open = matches.on_texts(snapshot, open, matcher)?;
    matches.on_records(snapshot, &open, matcher, interpret)?;
    matches.rows.sort_unstable();
    if !matches.rows.is_empty() {
        matches.decoded.need(snapshot, needs)?;
    }
    Ok(matches)
}

impl GroupMatches {
    /// Decides rows by their columns; gives those that are left.
    fn on_columns(&mut self, snapshot: &Snapshot, candidate: &Candidate, matcher: &Matcher) -> Vec<u32> {
        let rows = candidate.rows.iter().cloned().flatten();
        self.looked_at = candidate.rows.iter().map(|rows| u64::from(rows.end.saturating_sub(rows.start))).sum();
        if let Some(all) = matcher.on_nothing() {
            self.rows.extend(rows.filter(|_| all));
            return Vec::new();
        }
        if !matcher.looks_at_columns() {
            return rows.collect();
        }
        let mut open = Vec::new();
        for row in rows {
            match matcher.on_columns(&self.decoded.column_view(snapshot, row as usize)) {
                Some(true) => self.rows.push(row),
                Some(false) => {}
                None => open.push(row),
            }
        }
        open
    }

    /// Decides rows by the texts asked for, looked up in the columns that lines are made of; gives those that are left.
    fn on_texts(&mut self, snapshot: &Snapshot, open: Vec<u32>, matcher: &Matcher) -> Result<Vec<u32>, ArchiveError> {
        if open.is_empty() || matcher.needles().is_empty() {
            return Ok(open);
        }
        let Some(hits) = snapshot.find(&self.decoded.group, matcher.needles())? else { return Ok(open) };
        let mut left = Vec::new();
        for row in open {
            let columns = matcher.looks_at_columns().then(|| self.decoded.column_view(snapshot, row as usize));
            match matcher.on_texts(columns.as_ref(), &hits, row as usize) {
                Some(true) => self.rows.push(row),
                Some(false) => {}
                None => left.push(row),
            }
        }
        Ok(left)
    }

    /// Decides rows by their bytes, a piece of neighbours at a time: one search over many records is far faster than one for
    /// each.
    fn on_records(
        &mut self,
        snapshot: &Snapshot,
        open: &[u32],
        matcher: &Matcher,
        interpret: &dyn Interpret,
    ) -> Result<(), ArchiveError> {
        if open.is_empty() {
            return Ok(());
        }
        self.decoded.unpack(snapshot)?;
        self.decoded.need(snapshot, matcher.needs())?;
        let mut fields = FieldSet::default();
        for piece in open.chunk_by(|one, other| one / PIECE == other / PIECE) {
            let (Some(first), Some(last)) = (piece.first(), piece.last()) else { continue };
            if !matcher.may_match_within(self.decoded.raw_of(*first as usize, *last as usize + 1)) {
                continue;
            }
            for row in piece {
                self.decoded.cut(*row as usize, matcher.needs_fields().then_some(interpret), &mut fields);
                if matcher.matches(&self.decoded.view(snapshot, *row as usize, &fields)) {
                    self.rows.push(*row);
                }
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
        Ok(Decoded { group: group.clone(), columns, lines: None, incidents: None })
    }

    /// Tells it which record belongs to which incident.
    #[must_use]
    pub fn knowing(self, incidents: Option<&Arc<Incidents>>) -> Decoded {
        Decoded { incidents: incidents.cloned(), ..self }
    }

    fn incident(&self, row: usize) -> Option<u64> {
        self.incidents.as_ref()?.of(self.group.first.0 + row as u64)
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

    /// Unpacks one line, where it is not there already; those that were not there count as empty.
    pub fn unpack_one(&mut self, snapshot: &Snapshot, row: u32) -> Result<(), ArchiveError> {
        if !self.lines.as_ref().is_some_and(|lines| lines.holds(row as usize)) {
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
            incident: self.incident(row),
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
            incident: self.incident(row),
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
