//! The sections of a row group -> its columns and lines, each checked before it is used.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use super::columns::{GroupColumns, GroupLines, Needs, run_of};
use super::section::{COLUMNAR, ReadAt, Section, SectionError, find};
use super::told::Told;
use super::{
    FIELDS, GroupStats, LAYOUT_IDS, LAYOUTS, LENGTHS, LINES, MARKS, NOVELTIES, RULE_IDS, RULES, Run, SCORES,
    SHARED_LINES, STARTS, STARTS_STEP, StripeStats, TEMPLATE_IDS, TEMPLATES, TIMES, USUAL_TEMPLATES, VERDICTS, derived,
    edits,
};
use crate::archive::column;
use crate::archive::fields::FieldMap;
use crate::archive::lines::{Hits, Needle, Outline, Outlined, Stripe};
use crate::archive::values::ValueColumn;
use crate::model::{Layout, Verdict};

/// What is said of a section that holds something else than a value for each row.
pub(super) const NO_COLUMN: &str = "are no column of that many rows";

/// What the groups of a stripe share, read when it is first needed.
#[derive(Debug, Default)]
pub struct OpenStripe {
    lines: OnceLock<Arc<Stripe>>,
    usual: OnceLock<Arc<Vec<i64>>>,
    templates: OnceLock<Arc<Templates>>,
    layouts: OnceLock<Arc<Vec<Layout>>>,
    rules: OnceLock<Arc<Vec<Vec<String>>>>,
    verdicts: OnceLock<Arc<Vec<(u32, Verdict)>>>,
    fields: OnceLock<Arc<FieldMap>>,
}

/// The templates of a stripe.
#[derive(Debug, Default)]
struct Templates {
    texts: Arc<Vec<String>>,
    /// Those, ascending, that can't be told, since the record that they follow from can't be read.
    lost: Vec<u32>,
}

/// A value that is read once. Two that read it at the same time read the same.
fn once<T>(slot: &OnceLock<Arc<T>>, read: impl FnOnce() -> Result<T, SectionError>) -> Result<Arc<T>, SectionError> {
    match slot.get() {
        Some(value) => Ok(Arc::clone(value)),
        None => {
            let value = Arc::new(read()?);
            Ok(Arc::clone(slot.get_or_init(|| value)))
        }
    }
}

impl OpenStripe {
    pub(super) fn lines(&self, stripe: &StripeStats, read: &ReadAt<'_>) -> Result<Arc<Stripe>, SectionError> {
        once(&self.lines, || {
            let section = find(&stripe.sections, SHARED_LINES, "shared lines")?;
            let stored = section.stored("shared lines", read)?;
            let raw = stripe.raw_bytes().unwrap_or(u64::MAX);
            Stripe::open(&stored, raw).map_err(|_| section.damaged("shared lines", "can't be unpacked"))
        })
    }

    fn texts<T: serde::de::DeserializeOwned>(
        slot: &OnceLock<Arc<Vec<T>>>,
        stripe: &StripeStats,
        kind: u8,
        name: &str,
        read: &ReadAt<'_>,
    ) -> Result<Arc<Vec<T>>, SectionError> {
        once(slot, || find(&stripe.sections, kind, name)?.texts(name, &[], read))
    }

    fn verdicts(&self, stripe: &StripeStats, read: &ReadAt<'_>) -> Result<Arc<Vec<(u32, Verdict)>>, SectionError> {
        once(&self.verdicts, || {
            let told = find(&stripe.sections, VERDICTS, "verdicts")?.texts::<Told>("verdicts", &[], read)?;
            Ok(told.into_iter().map(Told::into_verdict).collect())
        })
    }

    /// Where the fields stand, if the stripe says so.
    fn fields(&self, stripe: &StripeStats, read: &ReadAt<'_>) -> Result<Option<Arc<FieldMap>>, SectionError> {
        let name = "places of fields";
        let Ok(section) = find(&stripe.sections, FIELDS, name) else { return Ok(None) };
        let read = || {
            let map = FieldMap::decode(&section.unpack(name, read)?);
            map.ok_or_else(|| section.damaged(name, "are not what was written"))
        };
        once(&self.fields, read).map(Some)
    }

    fn usual(&self, stripe: &StripeStats, read: &ReadAt<'_>) -> Result<Arc<Vec<i64>>, SectionError> {
        once(&self.usual, || {
            let name = "usual templates";
            let section = find(&stripe.sections, USUAL_TEMPLATES, name)?;
            column::decode_any(&section.unpack(name, read)?).ok_or_else(|| section.damaged(name, NO_COLUMN))
        })
    }
}

/// Places in a list; what can be none becomes one that no list has.
fn ids_of(ids: Vec<i64>) -> Arc<Vec<u32>> {
    Arc::new(ids.into_iter().map(|id| u32::try_from(id).unwrap_or(u32::MAX)).collect())
}

/// A group of a stripe, and how its bytes are read.
pub struct GroupReader<'a> {
    /// What is known of the stripe.
    pub stripe: &'a StripeStats,
    /// What is known of the group.
    pub group: &'a GroupStats,
    /// First row of the group in the stripe.
    pub first_row: u32,
    /// What the groups of the stripe share.
    pub shared: &'a OpenStripe,
    /// Gives the stored bytes of the stripe.
    pub read: &'a ReadAt<'a>,
}

impl GroupReader<'_> {
    /// Unpacks and checks columns other than lines; those of `columns` that are there already are kept. An error says which
    /// section is damaged.
    pub fn columns(&self, needs: Needs, mut columns: GroupColumns) -> Result<GroupColumns, SectionError> {
        let wanted = needs.without(columns.loaded);
        if columns.marks.is_empty() {
            columns.marks = Arc::new(self.unpack(MARKS, "marks")?);
            if columns.marks.len() != self.group.rows as usize {
                return Err(find(&self.group.sections, MARKS, "marks")?.damaged("marks", NO_COLUMN));
            }
            columns.runs.clone_from(&self.group.runs);
            columns.first_row = self.first_row;
        }
        let is_wanted = |need: Needs| wanted.meets(need);
        let (stripe, read) = (self.stripe, self.read);
        if is_wanted(Needs(2)) {
            let scores = self.by_cut(SCORES, "scores")?;
            let mut novelties = self.by_cut(NOVELTIES, "novelties")?;
            novelties.iter_mut().zip(&scores).for_each(|(novelty, score)| *novelty = score.wrapping_sub(*novelty));
            (columns.scores, columns.novelties) = (Arc::new(scores), Arc::new(novelties));
        }
        if is_wanted(Needs::LAYOUTS) {
            columns.layout_ids = ids_of(self.integers(LAYOUT_IDS, "layout ids")?);
            columns.layouts = OpenStripe::texts(&self.shared.layouts, stripe, LAYOUTS, "layouts", read)?;
        }
        if is_wanted(Needs::RULES) {
            columns.rule_ids = ids_of(self.by_cut(RULE_IDS, "rule ids")?);
            columns.rules = OpenStripe::texts(&self.shared.rules, stripe, RULES, "rules", read)?;
        }
        if is_wanted(Needs::VERDICTS) && self.group.flagged > 0 {
            columns.verdicts = self.shared.verdicts(stripe, read)?;
        }
        if is_wanted(Needs::TIMES) || is_wanted(Needs::TEMPLATES) {
            self.derived(is_wanted(Needs::TIMES), is_wanted(Needs::TEMPLATES), &mut columns)?;
        }
        columns.loaded = columns.loaded | needs;
        Ok(columns)
    }

    fn derived(&self, times: bool, templates: bool, columns: &mut GroupColumns) -> Result<(), SectionError> {
        let times = if times { Some(self.unpack(TIMES, "times")?) } else { None };
        let ids = if templates { Some(self.unpack(TEMPLATE_IDS, "template ids")?) } else { None };
        let by_cut = ids.as_deref().is_some_and(derived::needs_usual);
        let stamp = times.as_deref().and_then(derived::stamp_of);
        let outline =
            if by_cut || stamp.is_some() { Some(self.outline(Outlined { templates: by_cut, stamp })?) } else { None };
        if let Some(times) = times {
            let times = derived::times_of(&times, self.group.rows as usize, outline.as_ref());
            columns.times = Arc::new(times.ok_or_else(|| self.damaged(TIMES, "times", NO_COLUMN))?);
        }
        if let Some(ids) = ids {
            let ids = ids_of(self.template_ids_from(&ids, outline.as_ref())?);
            let templates = self.templates()?;
            if !templates.lost.is_empty() && ids.iter().any(|id| templates.lost.binary_search(id).is_ok()) {
                return Err(self.damaged(TEMPLATES, "templates", "follow from records that can't be read"));
            }
            (columns.template_ids, columns.templates) = (ids, Arc::clone(&templates.texts));
        }
        Ok(())
    }

    fn template_ids_from(&self, bytes: &[u8], outline: Option<&Outline>) -> Result<Vec<i64>, SectionError> {
        let usual =
            if derived::needs_usual(bytes) { self.shared.usual(self.stripe, self.read)? } else { Arc::default() };
        let ids = derived::template_ids_of(bytes, self.group.rows as usize, outline, &usual);
        ids.ok_or_else(|| self.damaged(TEMPLATE_IDS, "template ids", NO_COLUMN))
    }

    fn templates(&self) -> Result<Arc<Templates>, SectionError> {
        once(&self.shared.templates, || {
            let name = "templates";
            let section = find(&self.stripe.sections, TEMPLATES, name)?;
            if section.is_edits() {
                return self.templates_by_edits(section, name);
            }
            let needs_lines = section.needs_lines();
            let constants =
                if needs_lines { self.shared.lines(self.stripe, self.read)?.constants() } else { Vec::new() };
            Ok(Templates { texts: Arc::new(section.texts(name, &constants, self.read)?), lost: Vec::new() })
        })
    }

    /// The templates as they follow from the first row that has each. Where a group can't be read, neither can templates that are
    /// not met before it.
    fn templates_by_edits(&self, section: &Section, name: &str) -> Result<Templates, SectionError> {
        let edits = section.unpack(name, self.read)?;
        let mut records: Vec<Option<Vec<u8>>> = Vec::new();
        let mut known = HashSet::new();
        let (mut first_row, mut is_whole) = (0u32, true);
        for group in &self.stripe.groups {
            let reader = GroupReader { group, first_row, ..*self };
            first_row = first_row.saturating_add(group.rows);
            let Ok(firsts) = reader.first_rows(&mut known) else {
                is_whole = false;
                break;
            };
            let rows: Vec<u32> = firsts.iter().map(|(row, _)| *row).collect();
            let lines = reader.some_lines(&rows);
            is_whole &= lines.is_ok();
            for (row, id) in firsts {
                // An honest id is below the number of rows.
                let id = usize::try_from(id).ok().filter(|id| *id < edits.len());
                let id = id.ok_or_else(|| reader.damaged(TEMPLATE_IDS, "template ids", NO_COLUMN))?;
                if records.len() <= id {
                    records.resize(id + 1, None);
                }
                if let (Some(record), Ok(lines)) = (records.get_mut(id), &lines) {
                    *record = Some(lines.raw(row as usize).to_vec());
                }
            }
        }
        let records: Vec<Option<&[u8]>> = records.iter().map(Option::as_deref).collect();
        let broken = || section.damaged(name, "do not follow from their records");
        let templates = edits::decode(&edits, &records).ok_or_else(broken)?;
        let lost: Vec<u32> = (0..).zip(&templates).filter(|(_, text)| text.is_none()).map(|(id, _)| id).collect();
        if is_whole && (!lost.is_empty() || templates.len() != records.len()) {
            return Err(broken());
        }
        Ok(Templates { texts: Arc::new(templates.into_iter().map(Option::unwrap_or_default).collect()), lost })
    }

    /// Rows that are the first of the stripe to have their template, ascending, with its id; `known` are those of groups before.
    fn first_rows(&self, known: &mut HashSet<i64>) -> Result<Vec<(u32, i64)>, SectionError> {
        let bytes = self.unpack(TEMPLATE_IDS, "template ids")?;
        let by_cut = derived::needs_usual(&bytes);
        let outline = if by_cut { Some(self.outline(Outlined { templates: true, stamp: None })?) } else { None };
        let ids = self.template_ids_from(&bytes, outline.as_ref())?;
        Ok((0..).zip(ids).filter(|(_, id)| known.insert(*id)).collect())
    }

    fn damaged(&self, kind: u8, name: &str, what: &str) -> SectionError {
        let found = find(&self.group.sections, kind, name).or_else(|_| find(&self.stripe.sections, kind, name));
        found.map_or_else(|missing| missing, |section| section.damaged(name, what))
    }

    /// Unpacks and checks the lines.
    pub fn lines(&self) -> Result<GroupLines, SectionError> {
        let section = find(&self.group.sections, LINES, "lines")?;
        let (bytes, lengths) = if section.codec == COLUMNAR {
            let stored = section.stored("lines", self.read)?;
            let stripe = self.shared.lines(self.stripe, self.read)?;
            let decoded = stripe.decode(&stored, self.group.rows, section.raw);
            decoded.map_err(|_| section.damaged("lines", "can't be unpacked"))?
        } else {
            let lengths = self.integers(LENGTHS, "lengths")?;
            let lengths = lengths.into_iter().map(|length| u32::try_from(length).unwrap_or(u32::MAX)).collect();
            (section.unpack("lines", self.read)?, lengths)
        };
        let starts = starts_of(&lengths);
        let end = starts.last().copied().unwrap_or(0);
        if end != self.group.raw_bytes || bytes.len() as u64 != end {
            return Err(section.damaged("lines", "are not as long as the group says"));
        }
        Ok(GroupLines { first: 0, bytes, starts, runs: self.group.runs.clone(), only: None })
    }

    /// Unpacks and checks some ascending records; others may be empty then, and none says where it comes from.
    pub fn some_lines(&self, rows: &[u32]) -> Result<GroupLines, SectionError> {
        let section = find(&self.group.sections, LINES, "lines")?;
        if section.codec != COLUMNAR {
            return self.lines();
        }
        let stored = section.stored("lines", self.read)?;
        let stripe = self.shared.lines(self.stripe, self.read)?;
        let decoded = stripe.decode_some(&stored, self.group.rows, section.raw, rows);
        let (bytes, lengths) = decoded.map_err(|_| section.damaged("lines", "can't be unpacked"))?;
        Ok(GroupLines { first: 0, bytes, starts: starts_of(&lengths), runs: Vec::new(), only: None })
    }

    /// Unpacks and checks one record; where lines are in columns, only the columns that it and some records before it need.
    pub fn line(&self, row: u32) -> Result<GroupLines, SectionError> {
        let section = find(&self.group.sections, LINES, "lines")?;
        let nowhere = || section.damaged("lines", "do not say where a record comes from");
        if section.codec != COLUMNAR {
            return self.lines();
        }
        let starts = find(&self.group.sections, STARTS, "starts")?;
        let known = column::decode_any(&starts.unpack("starts", self.read)?);
        let known = known.ok_or_else(|| starts.damaged("starts", NO_COLUMN))?;
        let run = run_of(&self.group.runs, row as usize).ok_or_else(nowhere)?;
        let stored = section.stored("lines", self.read)?;
        let stripe = self.shared.lines(self.stripe, self.read)?;
        // From the known start that is nearest; where its run begins later, that place is needed too.
        let read = |row: u32| -> Result<(u64, Vec<u8>), SectionError> {
            let start_at =
                |step: usize| known.get(step).and_then(|start| u64::try_from(*start).ok()).ok_or_else(nowhere);
            let step = row as usize / STARTS_STEP;
            let from = (step * STARTS_STEP) as u32;
            let until = from.saturating_add(STARTS_STEP as u32).min(self.group.rows);
            let is_behind = row - from <= until.saturating_sub(row);
            let wanted = if is_behind { from..row + 1 } else { row..until };
            let decoded = stripe.decode_rows(&stored, self.group.rows, section.raw, wanted);
            let (mut bytes, lengths) = decoded.map_err(|_| section.damaged("lines", "can't be unpacked"))?;
            if is_behind {
                let before: u64 = lengths.iter().rev().skip(1).map(|length| u64::from(*length)).sum();
                bytes.drain(..(before as usize).min(bytes.len()));
                return Ok((start_at(step)?.saturating_add(before), bytes));
            }
            let end = if until < self.group.rows { start_at(step + 1)? } else { self.group.raw_bytes };
            let start = end.checked_sub(bytes.len() as u64).ok_or_else(nowhere)?;
            bytes.truncate(lengths.first().map_or(0, |length| *length as usize));
            Ok((start, bytes))
        };
        let (start, bytes) = read(row)?;
        let run_start = if run.row == row {
            start
        } else if run.row == 0 {
            0
        } else {
            read(run.row)?.0
        };
        let offset =
            start.checked_sub(run_start).and_then(|ahead| run.offset.checked_add(ahead)).ok_or_else(nowhere)?;
        let (starts, runs) = (vec![0, bytes.len() as u64], vec![Run { row, input: run.input, offset }]);
        Ok(GroupLines { first: row as usize, bytes, starts, runs, only: None })
    }

    /// What can be told from lines in columns without reading a line.
    fn outline(&self, wanted: Outlined) -> Result<Outline, SectionError> {
        let section = find(&self.group.sections, LINES, "lines")?;
        let stored = section.stored("lines", self.read)?;
        let stripe = self.shared.lines(self.stripe, self.read)?;
        let outline = stripe.outline(&stored, self.group.rows, section.raw, wanted);
        outline.map_err(|_| section.damaged("lines", "can't be unpacked"))
    }

    /// For each needle, which records hold it, without unpacking a line; `None` where lines are not in columns.
    pub fn find(&self, needles: &[Needle]) -> Result<Option<Vec<Hits>>, SectionError> {
        let section = find(&self.group.sections, LINES, "lines")?;
        if section.codec != COLUMNAR {
            return Ok(None);
        }
        let stored = section.stored("lines", self.read)?;
        let stripe = self.shared.lines(self.stripe, self.read)?;
        let hits = stripe.find(&stored, self.group.rows, section.raw, needles);
        hits.map(Some).map_err(|_| section.damaged("lines", "can't be unpacked"))
    }

    /// The values of some fields, without unpacking a line; those of some records may be unknown. `None` where nothing is said of
    /// fields, or what is said is of another revision of how records are cut. A field has no column where too many values differ.
    pub fn values(&self, revision: u64, names: &[&str]) -> Result<Option<Vec<Option<ValueColumn>>>, SectionError> {
        let section = find(&self.group.sections, LINES, "lines")?;
        if section.codec != COLUMNAR {
            return Ok(None);
        }
        let map = self.shared.fields(self.stripe, self.read)?;
        let Some(map) = map.filter(|map| map.revision == revision) else { return Ok(None) };
        if names.iter().all(|name| map.is_nowhere(name)) {
            return Ok(Some(names.iter().map(|_| Some(ValueColumn::empty(self.group.rows as usize))).collect()));
        }
        let layouts = self.integers(LAYOUT_IDS, "layout ids")?;
        let layouts: Vec<u32> = layouts.into_iter().map(|id| u32::try_from(id).unwrap_or(u32::MAX)).collect();
        let stored = section.stored("lines", self.read)?;
        let stripe = self.shared.lines(self.stripe, self.read)?;
        let values = stripe.values(&stored, section.raw, &layouts, self.first_row, &map, names);
        values.map(Some).map_err(|_| section.damaged("lines", "do not have the fields that they should"))
    }

    /// Checks what the stripe says of fields.
    pub fn check_fields(&self) -> Result<(), SectionError> {
        self.shared.fields(self.stripe, self.read).map(|_| ())
    }

    /// A column that may stand in the order of how the records were cut.
    fn by_cut(&self, kind: u8, name: &str) -> Result<Vec<i64>, SectionError> {
        let bytes = self.unpack(kind, name)?;
        let cuts = if derived::is_by_cut(&bytes) { Some(self.cuts()?) } else { None };
        let values = derived::of_cut(&bytes, self.group.rows as usize, cuts.as_deref());
        values.ok_or_else(|| match find(&self.group.sections, kind, name) {
            Ok(section) => section.damaged(name, NO_COLUMN),
            Err(missing) => missing,
        })
    }

    /// How each record was cut, without reading a line.
    fn cuts(&self) -> Result<Vec<u64>, SectionError> {
        let section = find(&self.group.sections, LINES, "lines")?;
        let stored = section.stored("lines", self.read)?;
        let cuts = self.shared.lines(self.stripe, self.read)?.cuts(&stored, self.group.rows, section.raw);
        cuts.map_err(|_| section.damaged("lines", "can't be unpacked"))
    }

    fn unpack(&self, kind: u8, name: &str) -> Result<Vec<u8>, SectionError> {
        find(&self.group.sections, kind, name)?.unpack(name, self.read)
    }

    fn integers(&self, kind: u8, name: &str) -> Result<Vec<i64>, SectionError> {
        let section = find(&self.group.sections, kind, name)?;
        let bytes = section.unpack(name, self.read)?;
        column::decode(&bytes, self.group.rows as usize).ok_or_else(|| section.damaged(name, NO_COLUMN))
    }
}

/// Where each record starts, and one past the last.
pub(super) fn starts_of(lengths: &[u32]) -> Vec<u64> {
    let mut starts = Vec::with_capacity(lengths.len() + 1);
    let mut end = 0u64;
    starts.push(0);
    for length in lengths {
        end += u64::from(*length);
        starts.push(end);
    }
    starts
}
