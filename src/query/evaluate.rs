//! The rows of a row group that match, decided on archived data.

mod values;

use std::sync::Arc;

use super::kept::Cache;
use super::matcher::{Known, Matcher};
use super::plan::Candidate;
use super::values::ValueColumn;
use crate::archive::lines::{Hits, Needle};
use crate::archive::{ArchiveError, GroupColumns, GroupLines, GroupRef, GroupStats, Needs, Snapshot};
use crate::model::{FieldSet, Incidents, InputId, Interpret, Layout, Origin, RecordId, RecordView};

/// Records whose bytes are searched as one before each is looked at.
const PIECE: u32 = 256;
/// Where fewer than one in so many records of a group are looked at, the others are not written out.
const WRITE_ALL: usize = 2;
/// Where one in so many records of a group would be cut, all are, and what was cut is kept.
const CUT_ALL: usize = 2;
/// The same for values that an earlier question asked for too, of the records that the index leaves.
const CUT_ALL_AGAIN: usize = 2;

/// Where the values of fewer than one in so many records of a group are unknown, these are cut.
const FEW: usize = 16;

/// What groups are read with.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// What is read.
    pub snapshot: &'a Snapshot,
    /// What was read of it before.
    pub cache: &'a Cache,
    /// Cuts records into fields.
    pub interpret: &'a dyn Interpret,
}

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

/// Decides which candidate rows match. Columns in `needs` are there afterwards where a row matches. Lines are unpacked only where
/// columns do not decide, fields cut only where the matcher asks for them.
pub fn evaluate(
    reading: Reading<'_>,
    candidate: &Candidate,
    matcher: &Matcher,
    needs: Needs,
) -> Result<GroupMatches, ArchiveError> {
    let decoded = Decoded::kept(reading, candidate.group, matcher.needs_on_columns())?.knowing(matcher.incidents());
    let looked_at = candidate.rows.iter().map(|rows| u64::from(rows.end.saturating_sub(rows.start))).sum();
    let mut matches = GroupMatches { decoded, rows: Vec::new(), looked_at };
    let rows: Vec<u32> = candidate.rows.iter().cloned().flatten().collect();
    match matcher.on_nothing() {
        Some(true) => matches.rows = rows,
        Some(false) => {}
        None => matches.decide(reading, rows, matcher)?,
    }
    if !matches.rows.is_empty() {
        matches.decoded.need(reading.snapshot, needs)?;
    }
    Ok(matches)
}

impl GroupMatches {
    /// Decides rows by ever dearer means, as long as some are left: columns and values that are at hand, values read from the columns
    /// that lines are made of, texts looked up in these, values cut from all records, the records themselves.
    fn decide(&mut self, reading: Reading<'_>, rows: Vec<u32>, matcher: &Matcher) -> Result<(), ArchiveError> {
        let candidates = rows.len();
        let wanted = matcher.values();
        let mut values = self.decoded.values_at_hand(reading, wanted);
        let mut open = rows;
        let mut hits: Vec<Arc<Hits>> = Vec::new();
        if matcher.looks_at_columns() || values.iter().any(Option::is_some) {
            open = self.on_rows(reading, open, matcher, &hits, &values);
        }
        if !open.is_empty() && values.iter().any(Option::is_none) {
            let placed = self.decoded.placed(reading, wanted)?;
            if placed.iter().flatten().count() > values.iter().flatten().count() {
                values = placed;
                open = self.on_rows(reading, open, matcher, &hits, &values);
            }
        }
        if !open.is_empty() && self.are_few_unknown(&values) {
            values = self.decoded.values(reading, wanted)?;
            open = self.on_rows(reading, open, matcher, &hits, &values);
        }
        if !open.is_empty()
            && !matcher.needles().is_empty()
            && let Some(found) = self.decoded.hits(reading, matcher.needles())?
        {
            hits = found;
            open = self.on_rows(reading, open, matcher, &hits, &values);
        }
        if !open.is_empty() && values.iter().any(|values| values.as_ref().is_none_or(|values| !values.is_whole())) {
            let all = self.decoded.columns.rows();
            // Each value is asked about, so that each is known to have been asked for.
            let again = wanted.iter().filter(|of| reading.cache.is_asked_again(of)).count() == wanted.len();
            if open.len() * CUT_ALL >= all || again && candidates * CUT_ALL_AGAIN >= all {
                values = self.decoded.values(reading, wanted)?;
                open = self.on_rows(reading, open, matcher, &hits, &values);
            }
        }
        self.on_records(reading, &open, matcher)?;
        self.rows.sort_unstable();
        Ok(())
    }

    /// Whether all values are known but those of few records, and not of all.
    fn are_few_unknown(&self, values: &[Option<Arc<ValueColumn>>]) -> bool {
        let is_nearly = |values: &ValueColumn| values.unknown_rows() * FEW < self.decoded.columns.rows();
        let is_whole = |values: &ValueColumn| values.is_whole();
        values.iter().all(|values| values.as_deref().is_some_and(is_nearly))
            && !values.iter().all(|values| values.as_deref().is_some_and(is_whole))
    }

    /// Takes the rows that match; gives those that are left.
    fn on_rows(
        &mut self,
        reading: Reading<'_>,
        open: Vec<u32>,
        matcher: &Matcher,
        hits: &[Arc<Hits>],
        values: &[Option<Arc<ValueColumn>>],
    ) -> Vec<u32> {
        let Decoded { group, columns, .. } = &self.decoded;
        let known = Known { snapshot: reading.snapshot, first: group.first.0, columns, hits, values };
        let decided = matcher.on_rows(known, &open);
        self.rows.extend(decided.matching);
        decided.open
    }

    /// Decides rows by their bytes, a piece of neighbours at a time: one search over many records is far faster than one for
    /// each.
    fn on_records(&mut self, reading: Reading<'_>, open: &[u32], matcher: &Matcher) -> Result<(), ArchiveError> {
        if open.is_empty() {
            return Ok(());
        }
        let snapshot = reading.snapshot;
        self.decoded.need(snapshot, matcher.needs())?;
        let is_sparse = self.decoded.lines.is_none()
            && open.len() * WRITE_ALL < self.decoded.columns.rows()
            && !matcher.needs_origin();
        match is_sparse {
            true => self.decoded.lines = Some(snapshot.some_lines(&self.decoded.group, open)?),
            false => self.decoded.unpack(snapshot)?,
        }
        self.test_each(reading, open, matcher);
        if is_sparse {
            self.decoded.lines = None;
        }
        Ok(())
    }

    fn test_each(&mut self, reading: Reading<'_>, open: &[u32], matcher: &Matcher) {
        let snapshot = reading.snapshot;
        let mut fields = FieldSet::default();
        for piece in open.chunk_by(|one, other| one / PIECE == other / PIECE) {
            let (Some(first), Some(last)) = (piece.first(), piece.last()) else { continue };
            if !matcher.may_match_within(self.decoded.raw_of(*first as usize, *last as usize + 1)) {
                continue;
            }
            for row in piece {
                self.decoded.cut(*row as usize, matcher.needs_fields().then_some(reading.interpret), &mut fields);
                if matcher.matches(&self.decoded.view(snapshot, *row as usize, &fields)) {
                    self.rows.push(*row);
                }
            }
        }
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

    /// Keeps the columns for the next question.
    pub fn keep(&self, cache: &Cache) {
        cache.keep_columns(self.group.first.0, &self.columns);
    }

    /// The same, with the columns that are kept.
    fn kept(reading: Reading<'_>, number: usize, needs: Needs) -> Result<Decoded, ArchiveError> {
        let group = reading.snapshot.group(number)?;
        let columns = reading.cache.columns(group.first.0);
        let mut decoded = Decoded { group: group.clone(), columns, lines: None, incidents: None };
        // Marks are read with whatever is wanted, be it nothing.
        if decoded.columns.rows() == 0 {
            decoded.columns = reading.snapshot.columns_of(group, needs, GroupColumns::default())?;
        }
        decoded.need(reading.snapshot, needs)?;
        Ok(decoded)
    }

    /// Which records hold each text; `None` where that is told by nothing but the lines.
    fn hits(&self, reading: Reading<'_>, needles: &[Needle]) -> Result<Option<Vec<Arc<Hits>>>, ArchiveError> {
        let first = self.group.first.0;
        let mut all: Vec<Option<Arc<Hits>>> = needles.iter().map(|needle| reading.cache.hits(first, needle)).collect();
        let missing: Vec<Needle> =
            needles.iter().zip(&all).filter(|(_, hits)| hits.is_none()).map(|(needle, _)| needle.clone()).collect();
        if !missing.is_empty() {
            let Some(found) = reading.snapshot.find(&self.group, &missing)? else { return Ok(None) };
            for ((slot, needle), hits) in all.iter_mut().filter(|hits| hits.is_none()).zip(&missing).zip(found) {
                let hits = Arc::new(hits);
                reading.cache.keep_hits(first, needle, &hits);
                *slot = Some(hits);
            }
        }
        Ok(all.into_iter().collect())
    }

    /// Reads more columns, as far as they are not there yet.
    pub fn need(&mut self, snapshot: &Snapshot, needs: Needs) -> Result<(), ArchiveError> {
        if !self.columns.loaded().contains(needs) {
            let columns = std::mem::take(&mut self.columns);
            self.columns = snapshot.columns_of(&self.group, needs, columns)?;
        }
        Ok(())
    }

    /// What is known of the group without reading it.
    pub fn stats(&self) -> &GroupStats {
        &self.group.stats
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
        // There may be one line alone.
        if self.lines.as_ref().is_none_or(|lines| lines.rows() != self.columns.rows()) {
            self.lines = Some(snapshot.lines(&self.group)?);
        }
        Ok(())
    }

    /// Lets go of the lines.
    pub fn drop_lines(&mut self) {
        self.lines = None;
    }

    /// Unpacks one line, where it is not there already; those that were not there count as empty.
    pub fn unpack_one(&mut self, snapshot: &Snapshot, row: u32) -> Result<(), ArchiveError> {
        if !self.lines.as_ref().is_some_and(|lines| lines.holds(row as usize)) {
            self.lines = Some(snapshot.line(&self.group, row)?);
        }
        Ok(())
    }

    /// Unpacks a few ascending lines, where they are not there already; those that were not there count as empty.
    pub fn unpack_few(&mut self, snapshot: &Snapshot, rows: &[u32]) -> Result<(), ArchiveError> {
        let holds = |lines: &GroupLines| rows.iter().all(|row| lines.holds(*row as usize));
        if !self.lines.as_ref().is_some_and(holds) {
            self.lines = Some(snapshot.few_lines(&self.group, rows)?);
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

    /// The bytes of all rows from one on up to another.
    fn raw_of(&self, from: usize, to: usize) -> &[u8] {
        self.lines.as_ref().map_or(&[], |lines| lines.raw_of(from, to))
    }

    fn raw(&self, row: usize) -> &[u8] {
        self.lines.as_ref().map_or(&[], |lines| lines.raw(row))
    }
}
