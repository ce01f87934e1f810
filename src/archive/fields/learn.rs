//! What all records of a cut have in common: first every field that one of them has, then a test of each record.

use super::noted::{self, Noted};
use super::{CutFields, Edge, FieldMap, Pieces, Placed, Value, is_dash, nth};

/// Fewer records are cut one by one: what is said of a cut takes some ten bytes.
const LEAST_ROWS: usize = 16;
/// The same, of a stripe of so many records for each.
const LEAST_SHARE: usize = 1_024;

/// The pieces of a record.
#[derive(Clone, Copy)]
struct Record<'a> {
    raw: &'a [u8],
    /// Where the constant texts of its cut end.
    ends: &'a [u32],
    /// Bytes in the first n variables.
    sums: &'a [u32],
}

/// Which edge of a value.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Start,
    End,
}

impl Record<'_> {
    /// Where a variable lies, and its bytes.
    fn variable(&self, number: u32) -> Option<(u32, &[u8])> {
        let (sum, after) = (self.sums.get(number as usize)?, self.sums.get(number as usize + 1)?);
        let before = self.ends.get(number as usize)?;
        Some((sum + before, self.raw.get((sum + before) as usize..(after + before) as usize)?))
    }

    /// Where an edge lies in this record.
    #[inline]
    fn offset(&self, edge: Edge, side: Side) -> Option<u32> {
        match edge {
            Edge::Between { variables, constant } => Some(self.sums.get(variables as usize)? + constant),
            Edge::Within { variable, byte, nth: number } => {
                let (start, bytes) = self.variable(variable)?;
                Some(start + nth(bytes, byte, number)? as u32 + u32::from(side == Side::Start))
            }
        }
    }

    /// What may be said of an offset; around an empty variable a start is before it, an end behind it. Within a variable there
    /// are two ways, by number from its start and from its end.
    fn edges(&self, offset: u32, side: Side) -> (Option<Edge>, Option<Edge>) {
        let mut found = None;
        let mut before = 0;
        for (variables, (sum, end)) in self.sums.iter().zip(self.ends).enumerate() {
            if offset < sum + before {
                break;
            }
            if offset <= sum + end && (side == Side::End || found.is_none()) {
                found = Some(Edge::Between { variables: variables as u32, constant: offset - sum });
            }
            before = *end;
        }
        if found.is_some() {
            return (found, None);
        }
        let number = self.sums.iter().zip(self.ends).take_while(|(sum, end)| *sum + *end < offset).count();
        match number.checked_sub(1).and_then(|number| self.within(number as u32, offset, side)) {
            Some((one, other)) => (Some(one), Some(other)),
            None => (None, None),
        }
    }

    fn within(&self, variable: u32, offset: u32, side: Side) -> Option<(Edge, Edge)> {
        let (start, bytes) = self.variable(variable)?;
        let at = (offset.checked_sub(start)? as usize).checked_sub(usize::from(side == Side::Start))?;
        let byte = *bytes.get(at)?;
        let count = |bytes: &[u8]| memchr::memchr_iter(byte, bytes).count() as i32;
        let of = |nth| Edge::Within { variable, byte, nth };
        Some((of(count(bytes.get(..=at)?)), of(-count(bytes.get(at..)?))))
    }

    #[inline]
    fn is(&self, value: &Value, noted: &noted::Value<'_>) -> bool {
        match (value, noted) {
            (Value::Span(start, end), noted::Value::At(range)) => {
                self.offset(*start, Side::Start) == Some(range.start) && self.offset(*end, Side::End) == Some(range.end)
            }
            (Value::Text(text), noted::Value::Of(noted)) => text == noted,
            _ => false,
        }
    }

    fn is_dash(&self, value: &Value) -> bool {
        let Value::Span(start, end) = value else { return false };
        let (start, end) = (self.offset(*start, Side::Start), self.offset(*end, Side::End));
        let bytes = start.zip(end).and_then(|(start, end)| self.raw.get(start as usize..end as usize));
        bytes.is_some_and(is_dash)
    }
}

/// A value as it may be said, in ways that are left.
#[derive(Debug)]
struct Ways(Vec<Value>);

impl Ways {
    fn of(record: &Record<'_>, noted: &noted::Value<'_>) -> Ways {
        let range = match noted {
            noted::Value::At(range) => range,
            noted::Value::Of(text) => return Ways(vec![Value::Text(text.to_vec())]),
        };
        let (starts, ends) = (record.edges(range.start, Side::Start), record.edges(range.end, Side::End));
        let pair = |start: Option<Edge>, end: Option<Edge>| Some(Value::Span(start?, end?));
        let all = [pair(starts.0, ends.0), pair(starts.0, ends.1), pair(starts.1, ends.0), pair(starts.1, ends.1)];
        Ways(all.into_iter().flatten().collect())
    }
}

/// A field while its records are tested; without values once one is otherwise.
#[derive(Debug)]
struct Field {
    name: u32,
    values: Vec<Ways>,
    /// Some records do not have it: their value must be a dash, and that of others must not.
    dash: bool,
}

/// For a list of names: of each name its field and which of that field's values it is; and the fields that have no such name.
type Layed = (u32, Vec<(u32, u32)>, Vec<u32>);

/// What is known of the records of a cut and a layout.
#[derive(Debug, Default)]
struct Candidate {
    cut: u32,
    layout: u32,
    rows: usize,
    fields: Vec<Field>,
    /// Lists of names that were met.
    shapes: Vec<Layed>,
    /// Some record was not noted: nothing can be said.
    unknown: bool,
}

/// Finds in which pieces the fields stand. `layouts` are those of all records.
pub fn learn(noted: &Noted, revision: u64, layouts: &[u32], raw: &[u8], lengths: &[u32], pieces: &Pieces) -> FieldMap {
    let mut known: Vec<Vec<(u32, u32)>> = vec![Vec::new(); pieces.ends.len()];
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut of_row = Vec::with_capacity(lengths.len());
    each(raw, lengths, pieces, |row, cut, record| {
        let layout = layouts.get(row).copied().unwrap_or(u32::MAX);
        let Some(known) = known.get_mut(cut as usize) else { return };
        let number = match known.iter().find(|(other, _)| *other == layout) {
            Some((_, number)) => *number,
            None => {
                candidates.push(Candidate { cut, layout, ..Candidate::default() });
                known.push((layout, candidates.len() as u32 - 1));
                candidates.len() as u32 - 1
            }
        };
        of_row.push(number);
        if let Some(candidate) = candidates.get_mut(number as usize) {
            candidate.meet(noted, row, record);
        }
    });
    let least = LEAST_ROWS.max(lengths.len() / LEAST_SHARE);
    for candidate in &mut candidates {
        candidate.unknown |= candidate.rows < least;
        candidate.lay_out(noted);
    }
    each(raw, lengths, pieces, |row, _, record| {
        if let Some(candidate) = of_row.get(row).and_then(|number| candidates.get_mut(*number as usize)) {
            candidate.test(noted, row, record);
        }
    });
    let mut cuts: Vec<CutFields> = candidates.into_iter().filter_map(Candidate::finish).collect();
    cuts.sort_by_key(|fields| (fields.cut, fields.layout));
    FieldMap { revision, names: noted.names().to_vec(), cuts }
}

fn each<'a>(raw: &'a [u8], lengths: &[u32], pieces: &'a Pieces, mut take: impl FnMut(usize, u32, Record<'a>)) {
    let (mut start, mut sum) = (0usize, 0usize);
    for (row, (length, cut)) in lengths.iter().zip(&pieces.cuts).enumerate() {
        let ends = pieces.ends.get(*cut as usize).map_or(&[][..], Vec::as_slice);
        let end = start + *length as usize;
        let record = Record {
            raw: raw.get(start..end).unwrap_or_default(),
            ends,
            sums: pieces.sums.get(sum..sum + ends.len()).unwrap_or_default(),
        };
        take(row, *cut, record);
        (start, sum) = (end, sum + ends.len());
    }
}

impl Candidate {
    /// Takes up the fields that no record before had.
    fn meet(&mut self, noted: &Noted, row: usize, record: Record<'_>) {
        self.rows += 1;
        let Some(shape) = noted.shape_of(row) else {
            self.unknown = true;
            return;
        };
        if self.shapes.iter().any(|(known, ..)| *known == shape) {
            return;
        }
        self.shapes.push((shape, Vec::new(), Vec::new()));
        let known = self.fields.len();
        for (name, value) in noted.names_of(shape).iter().zip(noted.values(row)) {
            match self.fields.iter_mut().enumerate().find(|(_, field)| field.name == *name) {
                Some((at, _)) if at < known => {}
                Some((_, field)) => field.values.push(Ways::of(&record, &value)),
                None => {
                    let values = vec![Ways::of(&record, &value)];
                    self.fields.push(Field { name: *name, values, dash: false });
                }
            }
        }
    }

    /// Lays the lists of names out for the test; a field that is there in different numbers is out.
    fn lay_out(&mut self, noted: &Noted) {
        if self.unknown {
            return;
        }
        for (shape, places, absent) in &mut self.shapes {
            let mut counts = vec![0u32; self.fields.len()];
            for name in noted.names_of(*shape) {
                let Some(at) = self.fields.iter().position(|field| field.name == *name) else { continue };
                let Some(count) = counts.get_mut(at) else { continue };
                places.push((at as u32, *count));
                *count += 1;
            }
            for (at, (field, count)) in self.fields.iter_mut().zip(counts).enumerate() {
                if count as usize == field.values.len() {
                    continue;
                }
                if count == 0 && field.values.len() == 1 {
                    absent.push(at as u32);
                    field.dash = true;
                } else {
                    field.values.clear();
                }
            }
        }
    }

    /// Tests whether all fields stand in this record as they do in the one from which they were taken up.
    fn test(&mut self, noted: &Noted, row: usize, record: Record<'_>) {
        let shape = noted.shape_of(row);
        let Candidate { shapes, fields, unknown: false, .. } = self else { return };
        let Some((_, places, absent)) = shapes.iter().find(|(known, ..)| Some(*known) == shape) else { return };
        for ((field, number), noted) in places.iter().zip(noted.values(row)) {
            let Some(field) = fields.get_mut(*field as usize) else { continue };
            let dash = field.dash;
            let Some(Ways(ways)) = field.values.get_mut(*number as usize) else { continue };
            let is_same = |value: &Value| record.is(value, &noted) && !(dash && record.is_dash(value));
            match &ways[..] {
                [one] if is_same(one) => {}
                _ => ways.retain(is_same),
            }
            if ways.is_empty() {
                field.values.clear();
            }
        }
        for field in absent {
            let Some(field) = fields.get_mut(*field as usize) else { continue };
            if let Some(Ways(ways)) = field.values.first_mut() {
                ways.retain(|value| record.is_dash(value));
                if ways.is_empty() {
                    field.values.clear();
                }
            }
        }
    }

    fn finish(self) -> Option<CutFields> {
        let placed = |field: Field| {
            let values: Option<Vec<Value>> = field.values.into_iter().map(|Ways(ways)| ways.into_iter().next()).collect();
            let values = values.filter(|values| !values.is_empty());
            Placed { name: field.name, dash: field.dash && values.is_some(), values }
        };
        let fields = self.fields.into_iter().map(placed).collect();
        (!self.unknown).then_some(CutFields { cut: self.cut, layout: self.layout, fields })
    }
}
