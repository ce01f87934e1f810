//! What the records of a cut have in common: they vote for where each value stands, then each is tested.

use hashbrown::HashMap;

use super::noted::{self, Noted};
use super::record::Record;
use super::{CutFields, FieldMap, Pieces, Placed, Value};

/// Of fewer records of a cut nothing is said, since that takes some ten bytes, nor of fewer than one in so many of the stripe.
pub const LEAST: (usize, usize) = (16, 2_048);
/// The same where each byte counts.
pub const LEAST_SMALL: (usize, usize) = (40, 512);
/// One record in so many may have a field elsewhere than the others: it is cut by itself.
const EXCEPT: usize = 200;
/// Records with more different lists of names have nothing in common.
const MOST_SHAPES: usize = 64;

/// A value as it may be said, in ways that are left, and how many more records it was right for than wrong.
#[derive(Debug, Default)]
struct Ways {
    ways: Vec<Value>,
    votes: u32,
}

impl Ways {
    fn replace(&mut self, record: &Record<'_>, noted: &noted::Value<'_>) {
        self.ways.clear();
        self.votes = 1;
        record.ways(noted, &mut self.ways);
    }

    /// Keeps the ways that are right for a record; `false` where none is, and then all stay.
    fn keep(&mut self, record: &Record<'_>, noted: &noted::Value<'_>) -> bool {
        match &self.ways[..] {
            [one] => record.is(one, noted),
            ways if !ways.iter().any(|way| record.is(way, noted)) => false,
            _ => {
                self.ways.retain(|way| record.is(way, noted));
                true
            }
        }
    }

    fn vote(&mut self, record: &Record<'_>, noted: &noted::Value<'_>) {
        if self.keep(record, noted) {
            self.votes += 1;
        } else if self.votes > 0 {
            self.votes -= 1;
        } else {
            self.replace(record, noted);
        }
    }

    fn is_dash(&self, record: &Record<'_>) -> bool {
        self.ways.first().is_some_and(|value| record.is_dash(value))
    }
}

/// A field while its records are looked at.
#[derive(Debug)]
struct Field {
    name: u32,
    values: Vec<Ways>,
    /// Records that have a dash and not the field, less those that have a dash for its value.
    dashes: i64,
    /// Records that have it elsewhere.
    others: Vec<u32>,
    is_out: bool,
}

/// A list of names: how many records have it, of each name its field and which of that field's values it is, and the fields that
/// have no such name.
#[derive(Debug, Default)]
struct Shape {
    number: u32,
    rows: usize,
    places: Vec<Option<(u32, u32)>>,
    absent: Vec<u32>,
}

/// What is known of the records of a cut and a layout.
#[derive(Debug, Default)]
struct Candidate {
    cut: u32,
    layout: u32,
    rows: usize,
    fields: Vec<Field>,
    shapes: Vec<Shape>,
    /// Nothing can be said.
    unknown: bool,
}

/// The records of a stripe and their pieces.
struct Lines<'a> {
    raw: &'a [u8],
    lengths: &'a [u32],
    pieces: &'a Pieces,
}

/// Finds in which pieces the fields stand of records that were cut alike, of which there are `least` or more, and as many as the stripe
/// has for each `share`. `layouts` are those of all records.
pub fn learn(
    noted: &Noted,
    revision: u64,
    layouts: &[u32],
    raw: &[u8],
    lengths: &[u32],
    pieces: &Pieces,
    (least, share): (usize, usize),
) -> FieldMap {
    let lines = Lines { raw, lengths, pieces };
    let (mut candidates, of_row) = candidates(noted, layouts, pieces);
    let least = least.max(lengths.len() / share);
    for candidate in &mut candidates {
        candidate.unknown |= candidate.rows < least;
        candidate.lay_out(noted);
    }
    lines.each(&mut candidates, &of_row, |candidate, row, record| candidate.vote(noted, row, record));
    lines.each(&mut candidates, &of_row, |candidate, row, record| candidate.test(noted, row, record));
    let mut except = Vec::new();
    let is_known: Vec<bool> = candidates.iter().map(|candidate| !candidate.unknown).collect();
    let mut cuts: Vec<CutFields> =
        candidates.into_iter().filter_map(|candidate| candidate.finish(&mut except)).collect();
    cuts.sort_by_key(|fields| (fields.cut, fields.layout));
    except.sort_unstable();
    except.dedup();
    let mut names: Vec<(String, bool)> = noted.names().iter().map(|name| (name.clone(), false)).collect();
    let mut any = false;
    let mut excepted = except.iter().peekable();
    for (row, candidate) in of_row.iter().enumerate() {
        let is_excepted = excepted.next_if(|excepted| **excepted as usize == row).is_some();
        if !is_excepted && is_known.get(*candidate as usize) == Some(&true) {
            continue;
        }
        let Some(shape) = noted.shape_of(row) else {
            any = true;
            continue;
        };
        for name in noted.names_of(shape) {
            if let Some((_, elsewhere)) = names.get_mut(*name as usize) {
                *elsewhere = true;
            }
        }
    }
    FieldMap { revision, names, any, cuts, except }
}

/// Sorts the records by cut and layout; gives the number of each record's candidate too.
fn candidates(noted: &Noted, layouts: &[u32], pieces: &Pieces) -> (Vec<Candidate>, Vec<u32>) {
    let mut known: Vec<Vec<(u32, u32)>> = vec![Vec::new(); pieces.ends.len()];
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut of_row = Vec::with_capacity(pieces.cuts.len());
    for (row, (cut, layout)) in pieces.cuts.iter().zip(layouts).enumerate() {
        let Some(known) = known.get_mut(*cut as usize) else { continue };
        let number = match known.iter().find(|(other, _)| other == layout) {
            Some((_, number)) => *number,
            None => {
                candidates.push(Candidate { cut: *cut, layout: *layout, ..Candidate::default() });
                known.push((*layout, candidates.len() as u32 - 1));
                candidates.len() as u32 - 1
            }
        };
        of_row.push(number);
        if let Some(candidate) = candidates.get_mut(number as usize) {
            candidate.meet(noted.shape_of(row));
        }
    }
    (candidates, of_row)
}

impl Lines<'_> {
    fn each(&self, candidates: &mut [Candidate], of_row: &[u32], take: impl Fn(&mut Candidate, usize, Record<'_>)) {
        let (mut start, mut sum) = (0usize, 0usize);
        let rows = self.lengths.iter().zip(&self.pieces.cuts).zip(of_row).enumerate();
        for (row, ((length, cut), candidate)) in rows {
            let ends = self.pieces.ends.get(*cut as usize).map_or(&[][..], Vec::as_slice);
            let end = start + *length as usize;
            let record = Record {
                raw: self.raw.get(start..end).unwrap_or_default(),
                ends,
                sums: self.pieces.sums.get(sum..sum + ends.len()).unwrap_or_default(),
            };
            (start, sum) = (end, sum + ends.len());
            match candidates.get_mut(*candidate as usize) {
                Some(candidate) if !candidate.unknown => take(candidate, row, record),
                _ => {}
            }
        }
    }
}

impl Candidate {
    /// Counts a record and its list of names.
    fn meet(&mut self, shape: Option<u32>) {
        self.rows += 1;
        let Some(number) = shape else {
            self.unknown = true;
            return;
        };
        if let Some(shape) = self.shapes.iter_mut().find(|shape| shape.number == number) {
            shape.rows += 1;
        } else if self.shapes.len() < MOST_SHAPES {
            self.shapes.push(Shape { number, rows: 1, ..Shape::default() });
        } else {
            self.unknown = true;
        }
    }

    /// Lays the lists of names out: a field has as many values as in the most usual list that has it.
    fn lay_out(&mut self, noted: &Noted) {
        if self.unknown {
            return;
        }
        self.shapes.sort_by_key(|shape| std::cmp::Reverse(shape.rows));
        let mut field_of: HashMap<u32, u32> = HashMap::new();
        for shape in &self.shapes {
            let known = self.fields.len();
            for name in noted.names_of(shape.number) {
                let next = self.fields.len() as u32;
                let at = *field_of.entry(*name).or_insert(next);
                if at == next {
                    let (name, values) = (*name, Vec::new());
                    self.fields.push(Field { name, values, dashes: 0, others: Vec::new(), is_out: false });
                }
                if at as usize >= known
                    && let Some(field) = self.fields.get_mut(at as usize)
                {
                    field.values.push(Ways::default());
                }
            }
        }
        for shape in &mut self.shapes {
            let mut counts = vec![0u32; self.fields.len()];
            for name in noted.names_of(shape.number) {
                let place = field_of.get(name).and_then(|at| Some((*at, counts.get_mut(*at as usize)?)));
                shape.places.push(place.map(|(at, count)| {
                    *count += 1;
                    (at, *count - 1)
                }));
            }
            let is_other = |at: &u32| match (counts.get(*at as usize), self.fields.get(*at as usize)) {
                (Some(count), Some(field)) => *count as usize != field.values.len(),
                _ => false,
            };
            let others: Vec<u32> = (0..counts.len() as u32).filter(is_other).collect();
            // A list that has another number of a field's values does not say which is which.
            shape.places.iter_mut().for_each(|place| *place = place.filter(|(at, _)| !others.contains(at)));
            shape.absent = others;
        }
    }

    /// Says where the values of a record stand.
    fn vote(&mut self, noted: &Noted, row: usize, record: Record<'_>) {
        let shape = noted.shape_of(row);
        let Some(shape) = self.shapes.iter().find(|other| Some(other.number) == shape) else { return };
        for (place, noted) in shape.places.iter().zip(noted.values(row)) {
            let Some((at, number)) = place else { continue };
            let Some(field) = self.fields.get_mut(*at as usize) else { continue };
            let Some(ways) = field.values.get_mut(*number as usize) else { continue };
            ways.vote(&record, &noted);
            field.dashes -= i64::from(noted.is_dash(record.raw));
        }
        for at in &shape.absent {
            let Some(field) = self.fields.get_mut(*at as usize) else { continue };
            if let [ways] = &field.values[..] {
                field.dashes += i64::from(ways.is_dash(&record));
            }
        }
    }

    /// Tests whether the fields of a record stand where they stand in most.
    fn test(&mut self, noted: &Noted, row: usize, record: Record<'_>) {
        let shape = noted.shape_of(row);
        let most = self.rows / EXCEPT;
        let Some(shape) = self.shapes.iter().find(|other| Some(other.number) == shape) else { return };
        for (place, noted) in shape.places.iter().zip(noted.values(row)) {
            let Some((at, number)) = place else { continue };
            let Some(field) = self.fields.get_mut(*at as usize).filter(|field| !field.is_out) else { continue };
            let is_none = field.is_dash_none() && noted.is_dash(record.raw);
            let is_same = field.values.get_mut(*number as usize).is_some_and(|ways| ways.keep(&record, &noted));
            if !is_same || is_none {
                field.except(row, most);
            }
        }
        for at in &shape.absent {
            let Some(field) = self.fields.get_mut(*at as usize).filter(|field| !field.is_out) else { continue };
            let is_none = match &field.values[..] {
                // Its list of names may have the field more often.
                [ways] => field.is_dash_none() && ways.is_dash(&record) && !shape.names_it(noted, field.name),
                _ => false,
            };
            if !is_none {
                field.except(row, most);
            }
        }
    }

    fn finish(self, except: &mut Vec<u32>) -> Option<CutFields> {
        if self.unknown {
            return None;
        }
        let mut placed = |field: Field| {
            let dash = field.is_dash_none();
            let values = field.values.into_iter().map(|ways| ways.ways.into_iter().next());
            let values: Option<Vec<Value>> = if field.is_out { None } else { values.collect() };
            if values.is_some() {
                except.extend(field.others);
            }
            Placed { name: field.name, dash: dash && values.is_some(), values }
        };
        let fields = self.fields.into_iter().map(&mut placed).collect();
        Some(CutFields { cut: self.cut, layout: self.layout, fields })
    }
}

impl Shape {
    fn names_it(&self, noted: &Noted, name: u32) -> bool {
        noted.names_of(self.number).contains(&name)
    }
}

impl Field {
    /// Whether a dash means that a record does not have it.
    fn is_dash_none(&self) -> bool {
        self.values.len() == 1 && self.dashes > 0
    }

    /// Notes a record that has it elsewhere; with too many, nothing is said of the field.
    fn except(&mut self, row: usize, most: usize) {
        if self.others.last() != Some(&(row as u32)) {
            self.others.push(row as u32);
        }
        if self.others.len() > most {
            self.is_out = true;
            self.others = Vec::new();
        }
    }
}
