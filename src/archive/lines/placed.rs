//! The values of a field in the records of a chunk, read from the columns in which they stand.
//!
//! Of each cut the map of fields says which variables, or parts of them, a value is made of. Where it is (part of) one variable, what
//! is in the column is looked at once a value, of dictionaries once a word, and records take the number of what they have there. Only
//! values that are made of several pieces are put together record by record.

use hashbrown::HashMap;

use super::forms::{Described, DescribedTable};
use super::outline::stamps_of;
use super::read::Loader;
use super::template::Template;
use super::values::{Text, decimal};
use super::{DecodeError, stamps};
use crate::archive::fields::{Edge, FieldMap, Placed, Value, is_dash, nth};
use crate::archive::values::{Builder, UNKNOWN, ValueColumn};

const NOWHERE: DecodeError = DecodeError("a field that stands nowhere");
const OVER: DecodeError = DecodeError("a column is at its end");

/// Integers within so many of each other are looked up in a table.
const DENSE: u64 = 1 << 14;

/// The records of a chunk by cut and layout.
pub struct Kinds<'a> {
    map: &'a FieldMap,
    /// The cut of each record.
    cuts: Vec<u64>,
    /// Its place in the map, or one that is not there.
    kinds: Vec<u32>,
    /// Whether some record is of it.
    used: Vec<bool>,
}

/// The part of a variable that is (part of) a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Part {
    from: Option<(u8, i32)>,
    to: Option<(u8, i32)>,
}

impl Part {
    /// `None` for a value that has no such part: of other records that share the column.
    fn of(self, bytes: &[u8]) -> Option<&[u8]> {
        let start = self.from.map_or(Some(0), |(byte, number)| Some(nth(bytes, byte, number)? + 1))?;
        let end = self.to.map_or(Some(bytes.len()), |(byte, number)| nth(bytes, byte, number))?;
        bytes.get(start..end)
    }
}

/// A piece of a value.
#[derive(Debug, Clone, PartialEq)]
enum Piece<'a> {
    Constant(&'a [u8]),
    /// A column, how many of its values the record has before this one, and the part of it.
    Variable(u32, u32, Part),
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
        described: &DescribedTable,
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
        let mut used = vec![false; map.cuts.len()];
        let mut kinds = Vec::with_capacity(cuts.len());
        for (cut, layout) in cuts.iter().zip(layouts) {
            let (from, to) = *ranges.get(*cut as usize).ok_or(NOWHERE)?;
            let is_its = |at: &u32| map.cuts.get(*at as usize).is_some_and(|of| of.layout == *layout);
            let kind = (from..to).find(is_its).unwrap_or(u32::MAX);
            if let Some(used) = used.get_mut(kind as usize) {
                *used = true;
            }
            kinds.push(kind);
        }
        let from = map.except.partition_point(|row| *row < first_row);
        for row in map.except.get(from..).unwrap_or_default() {
            match kinds.get_mut((row - first_row) as usize) {
                Some(kind) => *kind = u32::MAX,
                None => break,
            }
        }
        Ok(Kinds { map, cuts, kinds, used })
    }

    /// The values of a field; `None` where too many differ.
    pub fn values(
        &self,
        loader: &mut Loader<'_, '_>,
        described: &DescribedTable,
        name: &str,
    ) -> Result<Option<ValueColumn>, DecodeError> {
        let mut builder = Builder::default();
        let (rules, wanted) = self.rules(described, name, &mut builder)?;
        let counts = described.occurrences(&self.cuts)?;
        let mut columns = Columns { described, cuts: &self.cuts, counts: &counts, stamps: None };
        let mut lists = Vec::with_capacity(wanted.len());
        for (column, part, dash) in &wanted {
            lists.push(loader.borrowed(|loader| columns.lists(loader, *column, *part, *dash, &mut builder))?);
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
        let mut is_needed = vec![false; described.columns().len()];
        for column in wanted.iter().map(|(column, ..)| *column).chain(texts.keys().copied()) {
            *is_needed.get_mut(column as usize).ok_or(NOWHERE)? = true;
        }
        let needed = |column: &u32| is_needed.get(*column as usize) == Some(&true);
        let of_cut = |template: &Template| template.columns.iter().copied().filter(needed).collect();
        let advance: Vec<Vec<u32>> = described.templates().iter().map(of_cut).collect();
        // Of records that must be cut.
        let others = if self.map.may_be_elsewhere(name) { UNKNOWN } else { builder.list() };
        let mut next = vec![0u32; is_needed.len()];
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
                Some(Rule::Pieces(values, dash)) => put_together(values, *dash, &texts, &next, &mut builder)?,
            }
            for column in advance.get(*cut as usize).map_or(&[][..], Vec::as_slice) {
                if let Some(next) = next.get_mut(*column as usize) {
                    *next += 1;
                }
            }
            if builder.is_over() {
                return Ok(None);
            }
        }
        Ok(builder.finish())
    }

    /// How each kind has the values, and the columns that are looked at value by value.
    fn rules<'d>(
        &'d self,
        described: &'d DescribedTable,
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

/// The pieces between two edges, none of them an empty text.
fn pieces_of(template: &Template, start: Edge, end: Edge) -> Result<Vec<Piece<'_>>, DecodeError> {
    let end_of = |constant: u32| template.ends.get(constant as usize).copied().ok_or(NOWHERE);
    // The constant text number `variables` goes from the end of the one before to its own.
    let is_within = |variables: u32, constant: u32| -> Result<bool, DecodeError> {
        let before = variables.checked_sub(1).map_or(Ok(0), end_of)?;
        Ok((before..=end_of(variables)?).contains(&constant))
    };
    let variable = |number: u32, part: Part| -> Result<Piece<'_>, DecodeError> {
        let column = template.columns.get(number as usize).ok_or(NOWHERE)?;
        let before = template.columns.iter().take(number as usize).filter(|other| *other == column).count();
        Ok(Piece::Variable(*column, before as u32, part))
    };
    let (last, to) = match end {
        Edge::Between { variables, constant } if is_within(variables, constant)? => (variables, None),
        Edge::Within { variable, byte, nth } => (variable, Some((byte, nth))),
        Edge::Between { .. } => return Err(NOWHERE),
    };
    let mut pieces = Vec::new();
    let (mut number, mut constant) = match start {
        Edge::Between { variables, constant } if is_within(variables, constant)? => (variables, constant),
        Edge::Within { variable: number, byte, nth } => {
            let from = Some((byte, nth));
            if number == last && to.is_some() {
                return Ok(vec![variable(number, Part { from, to })?]);
            }
            pieces.push(variable(number, Part { from, to: None })?);
            (number.checked_add(1).ok_or(NOWHERE)?, end_of(number)?)
        }
        Edge::Between { .. } => return Err(NOWHERE),
    };
    if number > last {
        return Err(NOWHERE);
    }
    loop {
        let stop = match end {
            Edge::Between { constant, .. } if number == last => constant,
            _ => end_of(number)?,
        };
        let text = template.text.get(constant as usize..stop as usize).ok_or(NOWHERE)?;
        if !text.is_empty() {
            pieces.push(Piece::Constant(text));
        }
        constant = stop;
        if number == last {
            if to.is_some() {
                pieces.push(variable(number, Part { from: None, to })?);
            }
            return Ok(pieces);
        }
        pieces.push(variable(number, Part::default())?);
        number += 1;
    }
}

impl Piece<'_> {
    fn column(&self) -> Option<u32> {
        if let Piece::Variable(column, ..) = self { Some(*column) } else { None }
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

/// The columns of a chunk.
struct Columns<'a> {
    described: &'a DescribedTable,
    cuts: &'a [u64],
    counts: &'a [usize],
    /// Time stamps of all columns of such, once they are read.
    stamps: Option<Vec<Vec<u64>>>,
}

impl<'a> Columns<'a> {
    /// The list of each value of a column.
    fn lists(
        &mut self,
        loader: &mut Loader<'_, '_>,
        column: u32,
        part: Part,
        dash: bool,
        builder: &mut Builder,
    ) -> Result<Vec<u16>, DecodeError> {
        let (of, count) = self.column(column)?;
        let mut list = |value: &[u8]| -> Result<u16, DecodeError> {
            let Some(value) = part.of(value) else { return Ok(UNKNOWN) };
            if !(dash && is_dash(value)) {
                builder.value(value);
            }
            Ok(builder.list())
        };
        match of {
            Described::Equal(bytes) => Ok(vec![list(bytes)?; count]),
            Described::Dictionary { number, ids } => {
                let words = loader.dictionaries().get(*number, None)?;
                let ids = loader.integers(ids, count)?;
                each_once(&ids, words.len(), |id| list(words.get(id as usize).ok_or(OVER)?))
            }
            Described::Numbers { width, integers } => {
                let values = loader.integers(integers, count)?;
                let (least, most) = values.iter().fold((u64::MAX, 0), |(least, most), v| (least.min(*v), most.max(*v)));
                let mut digits = [0; 20];
                let mut list = |value: u64| list(decimal(value, *width, &mut digits));
                match most.wrapping_sub(least) {
                    apart if apart < DENSE => {
                        let apart: Vec<u64> = values.iter().map(|value| value.wrapping_sub(least)).collect();
                        each_once(&apart, DENSE as usize, |value| list(value.wrapping_add(least)))
                    }
                    _ => values.into_iter().map(&mut list).collect(),
                }
            }
            _ => {
                let text = self.text(loader, column)?;
                (0..count).map(|at| list(text.get(at).ok_or(OVER)?)).collect()
            }
        }
    }

    /// The values of a column as bytes.
    fn text(&mut self, loader: &mut Loader<'_, '_>, column: u32) -> Result<Text, DecodeError> {
        let (of, count) = self.column(column)?;
        let Described::Stamps { format, .. } = of else { return loader.text(of, count) };
        let stamps = match &self.stamps {
            Some(stamps) => stamps,
            None => self.stamps.insert(stamps_of(loader, self.described, self.cuts)?),
        };
        let mut writer = stamps::Writer::new(*format).ok_or(DecodeError("no such form of time"))?;
        let (mut bytes, mut starts) = (Vec::new(), vec![0]);
        for value in stamps.get(column as usize).ok_or(NOWHERE)? {
            bytes.extend_from_slice(writer.write(*value).ok_or(DecodeError("no such time"))?);
            starts.push(bytes.len() as u32);
        }
        Ok(Text { bytes, starts, gap: 0 })
    }

    fn column(&self, column: u32) -> Result<(&'a Described, usize), DecodeError> {
        let of = self.described.columns().get(column as usize);
        of.zip(self.counts.get(column as usize).copied()).ok_or(NOWHERE)
    }
}

/// What `list` gives for each number, asked once for each different one; they are below `most`.
fn each_once(
    numbers: &[u64],
    most: usize,
    mut list: impl FnMut(u64) -> Result<u16, DecodeError>,
) -> Result<Vec<u16>, DecodeError> {
    let mut known: Vec<Option<u16>> = vec![None; most];
    let mut lists = Vec::with_capacity(numbers.len());
    for number in numbers {
        let known = known.get_mut(*number as usize).ok_or(OVER)?;
        let of = match known {
            Some(of) => *of,
            None => *known.insert(list(*number)?),
        };
        lists.push(of);
    }
    Ok(lists)
}
