//! Writing a block: records are cut, their pieces gathered into columns, the columns written.

use hashbrown::HashMap;

use super::pack::{Blobs, Compressors, Kind};
use super::template::{Grouping, Template, WHOLE, chain, write_templates};
use super::tokens::Words;
use super::{Span, columns, dictionary, integers, slice, stamps};
use crate::archive::column::{write_varint, zigzag};

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
    /// Format, values and, where the first stamp of the record is of the same format, differences to it.
    stamps: Option<Stamps>,
}

#[derive(Debug, Default)]
struct Stamps {
    format: u8,
    values: Vec<u64>,
    relative: Option<Vec<u64>>,
}

/// Writes the block; `None` where most of the records have no template, or the columns are too many to pay.
pub fn block(
    raw: &[u8],
    records: &[Span],
    quoted: bool,
    compressor: &mut Compressors,
) -> std::io::Result<Option<Vec<u8>>> {
    let words = Words::learn(raw, records, records.len().div_ceil(LEARNT_FROM));
    let Some(mut grouping) = Grouping::of(raw, records, &words, quoted) else { return Ok(None) };
    let whole: u64 =
        rows(&grouping, records).filter(|(id, _, _)| *id == WHOLE).map(|(_, record, _)| u64::from(record.len)).sum();
    if whole * 10 > raw.len() as u64 * 9 {
        return Ok(None);
    }
    let (templates, ids, gathered) = gather(raw, records, &mut grouping);
    if gathered.len() > FREE_COLUMNS + raw.len() / BYTES_PER_COLUMN {
        return Ok(None);
    }
    let mut meta = Vec::new();
    let mut blobs = Blobs::default();
    write_templates(&mut meta, &templates);
    integers::write(&mut meta, &mut blobs, &ids);
    let texts: Vec<&[Span]> = gathered.iter().map(|column| column.values.as_slice()).collect();
    let is_shared = dictionary::shared_columns(raw, &texts);
    let shared: Vec<&[Span]> =
        texts.iter().zip(&is_shared).filter(|(_, shared)| **shared).map(|(values, _)| *values).collect();
    let (entries, shared_ids) = dictionary::of_columns(raw, &shared);
    let mut shared_ids = shared_ids.into_iter();
    for (column, is_shared) in gathered.iter().zip(&is_shared) {
        match &column.stamps {
            Some(stamps) => {
                columns::write_stamps(&mut meta, &mut blobs, stamps.format, &stamps.values, stamps.relative.as_deref());
            }
            None if *is_shared => {
                columns::write_shared(&mut meta, &mut blobs, &shared_ids.next().unwrap_or_default());
            }
            None => columns::write(&mut meta, &mut blobs, raw, &column.values, 0),
        }
    }
    write_varint(&mut meta, entries.len() as u64);
    if !entries.is_empty() {
        columns::write(&mut meta, &mut blobs, raw, &entries, 1);
    }
    let (table, packs) = blobs.finish(compressor)?;
    // The table comes first, so that a reader knows all blobs when it meets the first reference.
    let mut description = Vec::with_capacity(table.len() + meta.len() + 4);
    write_varint(&mut description, records.len() as u64);
    description.extend_from_slice(&table);
    description.extend_from_slice(&meta);
    let packed = compressor.of(Kind::Text).compress(&description)?;
    let mut out = Vec::with_capacity(packed.len() + packs.len() + 8);
    write_varint(&mut out, description.len() as u64);
    write_varint(&mut out, packed.len() as u64);
    out.extend_from_slice(&packed);
    out.extend_from_slice(&packs);
    Ok(Some(out))
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
fn gather(raw: &[u8], records: &[Span], grouping: &mut Grouping) -> (Vec<Template>, Vec<u64>, Vec<Gathered>) {
    let mut templates: Vec<Template> = Vec::new();
    let mut known: Vec<Option<u32>> = vec![None; grouping.templates.len() + 1];
    let mut keys: HashMap<Key, u32> = HashMap::new();
    let mut gathered: Vec<Gathered> = Vec::new();
    let mut ids = Vec::with_capacity(records.len());
    for (id, record, first_piece) in rows(grouping, records) {
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
                    let value = rest.and_then(stamps::find).map_or(0, |stamp| stamp.value);
                    stamps.values.push(value);
                    if let (Some(relative), Some(first)) = (&mut stamps.relative, first) {
                        relative.push(zigzag(value.wrapping_sub(first) as i64));
                    }
                    first.get_or_insert(value);
                }
            }
        }
    }
    (templates, ids, gathered)
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
