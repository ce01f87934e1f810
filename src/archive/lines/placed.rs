//! The values of a field in the records of a chunk, read from the columns in which they stand.
//!
//! Of each cut the map of fields says which variables, or parts of them, a value is made of. Where it is (part of) one variable, what
//! is in the column is looked at once a value, of dictionaries once a word, and records take the number of what they have there. Only
//! values that are made of several pieces are put together record by record.

mod columns;
mod pieces;

use hashbrown::HashMap;

use self::columns::Columns;
use self::pieces::{Part, Piece, pieces_of};
use super::DecodeError;
use super::forms::DescribedTable;
use super::read::Loader;
use super::template::Template;
use super::values::Text;
use crate::archive::fields::{FieldMap, Placed, Value, is_dash};
use crate::archive::values::{Builder, UNKNOWN, ValueColumn};

const NOWHERE: DecodeError = DecodeError("a field that stands nowhere");
const OVER: DecodeError = DecodeError("a column is at its end");

/// The records of a chunk by cut and layout.
pub struct Kinds<'a> {
    map: &'a FieldMap,
    /// The cut of each record.
    cuts: Vec<u64>,
    /// Its place in the map, or one that is not there.
    kinds: Vec<u32>,
    /// Whether some record is of it.
    used: Vec<bool>,
    /// How many values each column has.
    counts: Vec<usize>,
}

/// How the records of a kind have their values.
enum Rule<'a> {
    /// They must be cut from them.
    Unknown,
    /// All have the same list.
    Same(u16),
    /// That of a value of a column: number of the read column, column, values of it before this one.
    Column(usize, u32, u32),
    /// Put together; a value that is a dash is none.
    Pieces(Vec<Vec<Piece<'a>>>, bool),
}

/// A column, what part of it is wanted, and whether a dash is none.
type Wanted = (u32, Part, bool);

impl<'a> Kinds<'a> {
    /// Finds the kind of each record; `layouts` are theirs, `first_row` is the row of the first in the stripe.
    pub fn of(
        loader: &mut Loader<'_, '_>,
        described: &DescribedTable<'_>,
        layouts: &[u32],
        first_row: u32,
        map: &'a FieldMap,
    ) -> Result<Kinds<'a>, DecodeError> {
        let cuts = loader.integers(described.ids(), layouts.len())?;
        let mut ranges = vec![(0u32, 0u32); described.templates().len()];
        for (at, of) in map.cuts.iter().enumerate() {
            let range = ranges.get_mut(of.cut as usize).ok_or(NOWHERE)?;
            *range = (if range.1 == 0 { at as u32 } else { range.0 }, at as u32 + 1);
        }
        let of_cut = |cut: u64, layout: u32| -> Result<u32, DecodeError> {
            let (from, to) = *ranges.get(cut as usize).ok_or(NOWHERE)?;
            let is_its = |at: &u32| map.cuts.get(*at as usize).is_some_and(|of| of.layout == layout);
            Ok((from..to).find(is_its).unwrap_or(u32::MAX))
        };
        let mut kinds: Vec<u32> = match layouts.first() {
            // Nearly always there is one layout.
            Some(layout) if layouts.iter().all(|other| other == layout) => {
                let kind_of: Vec<u32> =
                    (0..ranges.len() as u64).map(|cut| of_cut(cut, *layout)).collect::<Result<_, _>>()?;
                cuts.iter().map(|cut| kind_of.get(*cut as usize).copied().ok_or(NOWHERE)).collect::<Result<_, _>>()?
            }
            _ => cuts.iter().zip(layouts).map(|(cut, layout)| of_cut(*cut, *layout)).collect::<Result<_, _>>()?,
        };
        let mut used = vec![false; map.cuts.len()];
        // Neighbours are mostly of one kind.
        let mut last = u32::MAX;
        for kind in &kinds {
            if *kind != last
                && let Some(used) = used.get_mut(*kind as usize)
            {
                *used = true;
            }
            last = *kind;
        }
        let from = map.except.partition_point(|row| *row < first_row);
        for row in map.except.get(from..).unwrap_or_default() {
            match kinds.get_mut((row - first_row) as usize) {
                Some(kind) => *kind = u32::MAX,
                None => break,
            }
        }
        let counts = described.occurrences(&cuts)?;
        Ok(Kinds { map, cuts, kinds, used, counts })
    }

    /// The values of a field; `None` where too many differ.
    pub fn values(
        &self,
        loader: &mut Loader<'_, '_>,
        described: &DescribedTable<'_>,
        name: &str,
    ) -> Result<Option<ValueColumn>, DecodeError> {
        let mut builder = Builder::default();
        let (rules, wanted) = self.rules(described, name, &mut builder)?;
        let mut columns = Columns { described, cuts: &self.cuts, counts: &self.counts, stamps: None };
        let mut lists = Vec::with_capacity(wanted.len());
        for (column, part, dash) in &wanted {
            lists.push(loader.borrowed(|loader| columns.lists(loader, *column, *part, *dash, &mut builder))?);
        }
        if builder.is_over() {
            return Ok(None);
        }
        let mut texts = HashMap::new();
        for piece in
            rules.iter().filter_map(|rule| if let Rule::Pieces(values, _) = rule { Some(values) } else { None })
        {
            for column in piece.iter().flatten().filter_map(Piece::column) {
                if !texts.contains_key(&column) {
                    texts.insert(column, columns.text(loader, column)?);
                }
            }
        }
        // Of records that must be cut.
        let others = if self.map.may_be_elsewhere(name) { UNKNOWN } else { builder.list() };
        if lists.is_empty() && texts.is_empty() {
            let of_kind = |rule: &Rule<'_>| if let Rule::Same(list) = rule { *list } else { UNKNOWN };
            let of_kinds: Vec<u16> = rules.iter().map(of_kind).collect();
            builder.rows_of(self.kinds.iter().map(|kind| of_kinds.get(*kind as usize).copied().unwrap_or(others)));
            return Ok(builder.finish());
        }
        let mut is_needed = vec![false; described.forms().len()];
        for column in wanted.iter().map(|(column, ..)| *column).chain(texts.keys().copied()) {
            *is_needed.get_mut(column as usize).ok_or(NOWHERE)? = true;
        }
        let needed = |column: &u32| is_needed.get(*column as usize) == Some(&true);
        let of_cut = |template: &Template| template.columns.iter().copied().filter(needed).collect();
        let advance: Vec<Vec<u32>> = described.templates().iter().map(of_cut).collect();
        let mut next = vec![0u32; is_needed.len()];
        builder.expect(self.cuts.len());
        for (cut, kind) in self.cuts.iter().zip(&self.kinds) {
            match rules.get(*kind as usize) {
                None => builder.row_of(others),
                Some(Rule::Unknown) => builder.row_of(UNKNOWN),
                Some(Rule::Same(list)) => builder.row_of(*list),
                Some(Rule::Column(number, column, before)) => {
                    let at = next.get(*column as usize).ok_or(OVER)? + before;
                    let list = lists.get(*number).and_then(|lists| lists.get(at as usize)).ok_or(OVER)?;
                    builder.row_of(*list);
                }
                Some(Rule::Pieces(values, dash)) => {
                    put_together(values, *dash, &texts, &next, &mut builder)?;
                    if builder.is_over() {
                        return Ok(None);
                    }
                }
            }
            for column in advance.get(*cut as usize).map_or(&[][..], Vec::as_slice) {
                if let Some(next) = next.get_mut(*column as usize) {
                    *next += 1;
                }
            }
        }
        Ok(builder.finish())
    }

    /// How each kind has the values, and the columns that are looked at value by value.
    fn rules<'d>(
        &'d self,
        described: &'d DescribedTable<'d>,
        name: &str,
        builder: &mut Builder,
    ) -> Result<(Vec<Rule<'d>>, Vec<Wanted>), DecodeError> {
        let (mut rules, mut wanted) = (Vec::with_capacity(self.used.len()), Vec::new());
        for ((cut, _, field), used) in self.map.of(name).zip(&self.used) {
            let rule = match (field, used) {
                (_, false) => Rule::Unknown,
                (None, true) => Rule::Same(builder.list()),
                (Some(field), true) => {
                    let template = described.templates().get(cut as usize).ok_or(NOWHERE)?;
                    rule(template, field, builder, &mut wanted)?
                }
            };
            rules.push(rule);
        }
        Ok((rules, wanted))
    }
}

fn rule<'d>(
    template: &'d Template,
    field: &'d Placed,
    builder: &mut Builder,
    wanted: &mut Vec<Wanted>,
) -> Result<Rule<'d>, DecodeError> {
    let Some(values) = &field.values else { return Ok(Rule::Unknown) };
    let mut pieces = Vec::with_capacity(values.len());
    for value in values {
        match value {
            Value::Span(start, end) => pieces.push(pieces_of(template, *start, *end)?),
            Value::Text(text) => pieces.push(vec![Piece::Constant(text)]),
        }
    }
    match &pieces[..] {
        [value] => match &value[..] {
            [] | [Piece::Constant(_)] => {
                let text =
                    value.first().map_or(&[][..], |piece| if let Piece::Constant(text) = piece { text } else { &[] });
                if !(field.dash && is_dash(text)) {
                    builder.value(text);
                }
                Ok(Rule::Same(builder.list()))
            }
            [Piece::Variable(column, before, part)] => {
                let this = (*column, *part, field.dash);
                let number = wanted.iter().position(|other| *other == this).unwrap_or_else(|| {
                    wanted.push(this);
                    wanted.len() - 1
                });
                Ok(Rule::Column(number, *column, *before))
            }
            _ => Ok(Rule::Pieces(pieces, field.dash)),
        },
        _ => Ok(Rule::Pieces(pieces, field.dash)),
    }
}

/// Makes a row of values that are made of several pieces.
fn put_together(
    values: &[Vec<Piece<'_>>],
    dash: bool,
    texts: &HashMap<u32, Text>,
    next: &[u32],
    builder: &mut Builder,
) -> Result<(), DecodeError> {
    let mut bytes = Vec::new();
    for value in values {
        bytes.clear();
        for piece in value {
            match piece {
                Piece::Constant(text) => bytes.extend_from_slice(text),
                Piece::Variable(column, before, part) => {
                    let at = next.get(*column as usize).ok_or(OVER)? + before;
                    let value = texts.get(column).and_then(|text| text.get(at as usize)).ok_or(OVER)?;
                    bytes.extend_from_slice(part.of(value).ok_or(NOWHERE)?);
                }
            }
        }
        if !(dash && is_dash(&bytes)) {
            builder.value(&bytes);
        }
    }
    builder.row();
    Ok(())
}
