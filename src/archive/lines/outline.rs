//! What other columns of a group follow from, read without any line: the template and the time stamps of each record.

use super::forms::{Described, DescribedTable, Form};
use super::read::Loader;
use super::template::Template;
use super::values::Text;
use super::{DecodeError, stamps, tokens};
use crate::archive::column::unzigzag;

/// Time stamps of a record that are told apart.
pub const MOST_STAMPS: usize = super::tokens::MOST_STAMPS;

/// Templates and time stamps of the records of a chunk.
#[derive(Debug, Default)]
pub struct Outline {
    /// The template of each record, numbered by first appearance in the stripe.
    pub templates: Vec<u32>,
    /// The n-th time stamp of each record as written, in ns since the epoch in no particular zone; a notation without a year
    /// counts as 2000.
    pub stamps: [Vec<Option<i64>>; MOST_STAMPS],
}

/// Which parts of an outline are wanted; the others stay empty.
#[derive(Debug, Clone, Copy)]
pub struct Outlined {
    /// Templates.
    pub templates: bool,
    /// One of the time stamps of each record, by its place; `None`: none.
    pub stamp: Option<usize>,
}

impl Outlined {
    /// All of them: a place beyond the last stamp stands for each.
    pub const ALL: Outlined = Outlined { templates: true, stamp: Some(MOST_STAMPS) };

    fn takes(self, nth: usize) -> bool {
        self.stamp.is_some_and(|wanted| wanted == nth || wanted >= MOST_STAMPS)
    }

    /// Stamps up to here are looked at.
    fn last(self) -> usize {
        self.stamp.map_or(0, |wanted| MOST_STAMPS.min(wanted.saturating_add(1)))
    }
}

/// A column of time stamps and its next value.
struct Stamps {
    values: Vec<u64>,
    next: usize,
    /// Units of a value in a second, and in ns.
    format: u8,
    relative: bool,
}

/// Reads the outline of a chunk.
pub fn of_chunk(
    loader: &mut Loader<'_, '_>,
    described: &DescribedTable<'_>,
    rows: usize,
    wanted: Outlined,
) -> Result<Outline, DecodeError> {
    let ids = loader.ids(described, rows)?;
    let mut outline = Outline::default();
    if wanted.stamp.is_some() {
        stamps_into(loader, described, &ids, wanted, &mut outline)?;
    }
    if wanted.templates {
        outline.templates = ids.iter().map(|id| *id as u32).collect();
    }
    Ok(outline)
}

fn stamps_into(
    loader: &mut Loader<'_, '_>,
    described: &DescribedTable<'_>,
    ids: &[u64],
    wanted: Outlined,
    outline: &mut Outline,
) -> Result<(), DecodeError> {
    let mut columns = load(loader, described, ids)?;
    let whole = whole(loader, described, ids)?;
    let mut next_whole = 0;
    for (_, stamps) in outline.stamps.iter_mut().enumerate().filter(|(nth, _)| wanted.takes(*nth)) {
        stamps.reserve_exact(ids.len());
    }
    let of_template = of_templates(described.templates(), &columns);
    for id in ids {
        if let Some((_, texts)) = whole.as_ref().filter(|(template, _)| template == id) {
            let text = texts.get(next_whole).ok_or(DecodeError("a column is at its end"))?;
            next_whole += 1;
            let found = outline.stamps.iter_mut().zip(tokens::stamps_of(text)).enumerate();
            found.filter(|(nth, _)| wanted.takes(*nth)).for_each(|(_, (column, stamp))| column.push(stamp));
            continue;
        }
        let mut first = None;
        let of = of_template.get(*id as usize).map_or(&[][..], Vec::as_slice);
        // Each column goes on by one, wanted or not: the first stamp is what others are relative to.
        for (nth, column_of) in outline.stamps.iter_mut().enumerate().take(wanted.last()) {
            let column = of.get(nth).and_then(|column| columns.get_mut(*column as usize)).and_then(Option::as_mut);
            let stamp = match column {
                Some(column) => column.next(&mut first)?,
                None => None,
            };
            if wanted.takes(nth) {
                column_of.push(stamp);
            }
        }
    }
    Ok(())
}

/// The template of records that are kept whole, and their bytes.
fn whole(
    loader: &mut Loader<'_, '_>,
    described: &DescribedTable<'_>,
    ids: &[u64],
) -> Result<Option<(u64, Text)>, DecodeError> {
    let templates = described.templates();
    let is_whole = |template: &Template| template.text.is_empty() && template.columns.len() == 1;
    let Some(number) = templates.iter().position(is_whole) else { return Ok(None) };
    let Some(column) = templates.get(number).and_then(|template| template.columns.first()) else { return Ok(None) };
    let uses = templates.iter().flat_map(|template| &template.columns).filter(|other| *other == column).count();
    let Some(form) = described.forms().get(*column as usize) else { return Ok(None) };
    // A column that others share has values of theirs too.
    if uses != 1 || matches!(form, Form::Stamps { .. }) {
        return Ok(None);
    }
    let count = ids.iter().filter(|id| **id == number as u64).count();
    if count == 0 {
        return Ok(None);
    }
    Ok(Some((number as u64, loader.text(&described.column(*column as usize)?, count)?)))
}

/// The time stamps of each column of such, as written, none of them relative to another; nothing for other columns.
pub fn stamps_of(
    loader: &mut Loader<'_, '_>,
    described: &DescribedTable<'_>,
    ids: &[u64],
) -> Result<Vec<Vec<u64>>, DecodeError> {
    let mut columns = load(loader, described, ids)?;
    let of_template = of_templates(described.templates(), &columns);
    let mut values = vec![Vec::new(); columns.len()];
    for id in ids {
        let mut first = None;
        for column in of_template.get(*id as usize).map_or(&[][..], Vec::as_slice) {
            let stamps = columns.get_mut(*column as usize).and_then(Option::as_mut);
            if let (Some(stamps), Some(values)) = (stamps, values.get_mut(*column as usize)) {
                values.push(stamps.value(&mut first)?);
            }
        }
    }
    Ok(values)
}

/// The columns of time stamps in each template, in order.
fn of_templates(templates: &[Template], columns: &[Option<Stamps>]) -> Vec<Vec<u32>> {
    let is_stamp = |column: &&u32| columns.get(**column as usize).is_some_and(Option::is_some);
    let of = |template: &Template| template.columns.iter().filter(is_stamp).copied().collect();
    templates.iter().map(of).collect()
}

fn load(
    loader: &mut Loader<'_, '_>,
    described: &DescribedTable<'_>,
    ids: &[u64],
) -> Result<Vec<Option<Stamps>>, DecodeError> {
    let counts = described.occurrences(ids)?;
    let mut columns = Vec::with_capacity(counts.len());
    for (number, (form, count)) in described.forms().iter().zip(counts).enumerate() {
        columns.push(match form {
            Form::Stamps { .. } if count > 0 => match described.column(number)? {
                Described::Stamps { format, relative, integers } => {
                    Some(Stamps { values: loader.integers(&integers, count)?, next: 0, format, relative })
                }
                _ => None,
            },
            _ => None,
        });
    }
    Ok(columns)
}

impl Stamps {
    fn next(&mut self, first: &mut Option<u64>) -> Result<Option<i64>, DecodeError> {
        Ok(stamps::nanoseconds(self.format, self.value(first)?))
    }

    fn value(&mut self, first: &mut Option<u64>) -> Result<u64, DecodeError> {
        let mut value = *self.values.get(self.next).ok_or(DecodeError("a column is at its end"))?;
        self.next += 1;
        if self.relative {
            let base = first.ok_or(DecodeError("a time relative to none"))?;
            value = base.wrapping_add(unzigzag(value) as u64);
        }
        first.get_or_insert(value);
        Ok(value)
    }
}
