//! Writing a stripe: records are cut, their pieces gathered into columns, the columns written.

use hashbrown::HashMap;

use super::pack::Compressors;
use super::parts::{Parts, Scope};
use super::relate::Relations;
use super::template::{Grouping, Template, WHOLE, chain, write_templates};
use super::tokens::Words;
use super::{EncodedLines, Span, columns, dictionary, integers, slice, stamps};
use crate::archive::column::zigzag;

/// The first variables of a record, its header, share columns with all records that start alike.
const HEADER: usize = 4;
/// Records from which constant words are learnt.
const LEARNT_FROM: usize = 1_024;

/// Each column costs time and bytes of its own: more than so many do not pay.
const FREE_COLUMNS: usize = 256;
const BYTES_PER_COLUMN: usize = 96;

/// What a column is known by while records are gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    /// A header variable, by the hash of all before it.
    Header(u64),
    /// The n-th time stamp, by its format and that of the first.
    Stamp(u8, u8, u8),
}

/// A column being gathered.
#[derive(Debug, Default)]
struct Gathered {
    values: Vec<Span>,
    /// How many values there are at the end of each chunk.
    ends: Vec<usize>,
    /// Format, values and, where the first stamp of the record is of the same format, differences to it.
    stamps: Option<Stamps>,
}

#[derive(Debug, Default)]
struct Stamps {
    format: u8,
    values: Vec<u64>,
    relative: Option<Vec<u64>>,
}

/// Writes the stripe: the shared part and the chunks, of which each ends at the row that `cuts` says. `None` where most of the
/// records have no template, or the columns are too many to pay.
pub fn stripe(
    raw: &[u8],
    records: &[Span],
    cuts: &[usize],
    quoted: bool,
    compressor: &mut Compressors,
) -> std::io::Result<Option<EncodedLines>> {
    let words = Words::learn(raw, records, records.len().div_ceil(LEARNT_FROM));
    let Some(mut grouping) = Grouping::of(raw, records, &words, quoted) else { return Ok(None) };
    let whole: u64 =
        rows(&grouping, records).filter(|(id, _, _)| *id == WHOLE).map(|(_, record, _)| u64::from(record.len)).sum();
    if whole * 10 > raw.len() as u64 * 9 {
        return Ok(None);
    }
    let (templates, ids, mut gathered) = gather(raw, records, cuts, &mut grouping);
    // As large as the lines, and all of it is gathered now.
    drop((grouping, words));
    if gathered.len() > FREE_COLUMNS + raw.len() / BYTES_PER_COLUMN {
        return Ok(None);
    }
    let mut parts = Parts::new(cuts.len());
    write_templates(&mut parts.tree, &templates);
    parts.each(&Scope::Chunks(cuts.to_vec()), &ids, integers::write);
    let columns_of = templates.iter().map(|template| template.columns.clone()).collect();
    parts.relate(Relations::new(cuts, &ids, columns_of, gathered.len(), compressor.level())?);
    let texts: Vec<&[Span]> = gathered.iter().map(|column| column.values.as_slice()).collect();
    let is_shared = dictionary::shared_columns(raw, &texts);
    let shared: Vec<&[Span]> =
        texts.iter().zip(&is_shared).filter(|(_, shared)| **shared).map(|(values, _)| *values).collect();
    let (entries, shared_ids) = dictionary::of_columns(raw, &shared);
    let common = (!entries.is_empty()).then(|| parts.dictionary(entries, 1));
    let mut shared_ids = shared_ids.into_iter();
    for (number, (column, is_shared)) in gathered.iter_mut().zip(&is_shared).enumerate() {
        let scope = Scope::Column(number as u32, std::mem::take(&mut column.ends));
        match (&column.stamps, common) {
            (Some(stamps), _) => {
                columns::write_stamps(&mut parts, stamps.format, &stamps.values, stamps.relative.as_deref(), &scope);
            }
            (None, Some(common)) if *is_shared => {
                columns::write_ids(&mut parts, common, &shared_ids.next().unwrap_or_default(), &scope)?;
            }
            (None, _) => columns::write(&mut parts, raw, &column.values, &scope, 0)?,
        }
    }
    let mut before = 0;
    let rows: Vec<usize> = cuts.iter().map(|cut| cut - std::mem::replace(&mut before, *cut)).collect();
    let (shared, chunks) = parts.finish(raw, &rows, compressor)?;
    Ok(Some(EncodedLines { shared, chunks }))
}

/// Template, bytes and first piece of each record.
fn rows<'a>(grouping: &'a Grouping, records: &'a [Span]) -> impl Iterator<Item = (u32, Span, u32)> + 'a {
    grouping
        .template_of
        .iter()
        .zip(records)
        .zip(&grouping.first_piece)
        .map(|((id, record), first)| (*id, *record, *first))
}

/// Gives the templates in use their columns and fills these, in record order.
fn gather(
    raw: &[u8],
    records: &[Span],
    cuts: &[usize],
    grouping: &mut Grouping,
) -> (Vec<Template>, Vec<u64>, Vec<Gathered>) {
    let mut templates: Vec<Template> = Vec::new();
    let mut known: Vec<Option<u32>> = vec![None; grouping.templates.len() + 1];
    let mut keys: HashMap<Key, u32> = HashMap::new();
    let mut gathered: Vec<Gathered> = Vec::new();
    let mut ids = Vec::with_capacity(records.len());
    let mut chunks = 0;
    let mut cuts = cuts.iter().peekable();
    for (row, (id, record, first_piece)) in rows(grouping, records).enumerate() {
        while cuts.next_if(|cut| **cut <= row).is_some() {
            end_chunk(&mut gathered, &mut chunks);
        }
        let slot = known.get_mut((id as usize).min(grouping.templates.len()));
        let place = match slot.as_ref().and_then(|slot| **slot) {
            Some(place) => place,
            None => {
                let place = templates.len() as u32;
                templates.push(with_columns(grouping, id, &mut keys, &mut gathered));
                if let Some(slot) = slot {
                    *slot = Some(place);
                }
                place
            }
        };
        ids.push(u64::from(place));
        let columns = templates.get(place as usize).map_or(&[][..], |template| &template.columns);
        if id == WHOLE {
            if let Some(column) = columns.first().and_then(|column| gathered.get_mut(*column as usize)) {
                column.values.push(record);
            }
            continue;
        }
        let mut first: Option<u64> = None;
        for (piece, column) in grouping.pieces.get(first_piece as usize..).unwrap_or_default().iter().zip(columns) {
            let Some(column) = gathered.get_mut(*column as usize) else { continue };
            match &mut column.stamps {
                None => column.values.push(piece.span),
                Some(stamps) => {
                    // It was found there when the record was cut, so it is found again.
                    let rest = raw.get(piece.span.start as usize..(record.start + record.len) as usize);
                    let starts = piece.span.start == record.start;
                    let value = rest.and_then(|rest| stamps::find(rest, starts)).map_or(0, |stamp| stamp.value);
                    stamps.values.push(value);
                    if let (Some(relative), Some(first)) = (&mut stamps.relative, first) {
                        relative.push(zigzag(value.wrapping_sub(first) as i64));
                    }
                    first.get_or_insert(value);
                }
            }
        }
    }
    for _ in cuts {
        end_chunk(&mut gathered, &mut chunks);
    }
    (templates, ids, gathered)
}

/// Notes how many values each column has at the end of a chunk; one that was not there before had none until then.
fn end_chunk(gathered: &mut [Gathered], chunks: &mut usize) {
    for column in gathered {
        let values = column.stamps.as_ref().map_or(column.values.len(), |stamps| stamps.values.len());
        column.ends.resize(*chunks, 0);
        column.ends.push(values);
    }
    *chunks += 1;
}

/// A template with the columns of its variables; new columns are added.
fn with_columns(grouping: &Grouping, id: u32, keys: &mut HashMap<Key, u32>, gathered: &mut Vec<Gathered>) -> Template {
    let mut add = |column: Gathered| {
        gathered.push(column);
        gathered.len() as u32 - 1
    };
    let (Some(template), Some(stamps)) = (grouping.templates.get(id as usize), grouping.stamps.get(id as usize)) else {
        return Template { text: Vec::new(), ends: vec![0, 0], columns: vec![add(Gathered::default())] };
    };
    let mut template = template.clone();
    let (mut start, mut hash, mut first, mut nth) = (0u32, 0u64, 0u8, 0u8);
    let mut columns = Vec::with_capacity(stamps.len());
    for (index, (end, stamp)) in template.ends.iter().zip(stamps).enumerate() {
        hash = chain(hash, slice(&template.text, Span { start, len: end - start }), *stamp);
        start = *end;
        if *stamp != 0 {
            let key = Key::Stamp(nth, *stamp, first);
            let relative = (first == *stamp).then(Vec::new);
            let column = Gathered {
                stamps: Some(Stamps { format: *stamp, relative, ..Stamps::default() }),
                ..Gathered::default()
            };
            columns.push(*keys.entry(key).or_insert_with(|| add(column)));
            nth += 1;
            first = if first == 0 { *stamp } else { first };
        } else if index < HEADER {
            columns.push(*keys.entry(Key::Header(hash)).or_insert_with(|| add(Gathered::default())));
        } else {
            columns.push(add(Gathered::default()));
        }
    }
    template.columns = columns;
    template
}
