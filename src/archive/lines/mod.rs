//! Lines as templates and typed columns, smaller than any general compressor makes them.
//!
//! A record is cut into constant text and variables by byte classes (`tokens`, `stamps`); equal constant text is one template
//! (`template`). The variables are columns (`columns`, `integers`, `dictionary`, `patterns`), their bytes blobs that are
//! packed by kind and compressed (`pack`). Some consecutive chunks of rows are encoded together as a stripe: templates, forms of
//! columns and dictionaries are stored once, the values chunk by chunk (`parts`), integers in the order of what they follow from
//! (`relate`, `order`). Reading is `forms`, `read`, `words` and `values`, that of single
//! fields `placed`, that of single records `tree` and `some`. The idea is that of CLP (Rodrigues et al., OSDI 2021) and LogGrep
//! (Wei et al., EuroSys 2023); every byte comes back, whatever it is.
//!
//! Form of a part: varint length of its description and of the stored bytes of that, the description (a frame), the packs. The
//! description of the shared part: varint number of dictionaries, varint length of the tree, the tree (templates, forms of
//! columns, then for each dictionary the number and form of its entries), table of blobs and packs, descriptions of entries.
//! That of a chunk: varint number of rows, table of blobs and packs, template of each row, descriptions of columns.

mod align;
mod clock;
mod columns;
mod dictionary;
mod digits;
mod find;
mod forms;
mod hits;
mod integers;
mod lexicon;
mod needle;
mod order;
mod outline;
mod pack;
mod parts;
mod patterns;
mod placed;
mod read;
mod relate;
mod shape;
mod some;
mod stamps;
mod template;
mod tokens;
mod tree;
mod values;
mod words;
mod write;

use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_64;

use self::forms::{DescribedTable, Form};
pub use self::hits::Hits;
use self::lexicon::Lexicon;
pub use self::needle::Needle;
pub use self::outline::{MOST_STAMPS, Outline, Outlined};
use self::pack::{Compressors, Meta, Packs};
use self::read::{Loader, Table};
use self::tree::Tree;
use self::words::{Dictionaries, Entries};
use super::column::read_varint;
use super::fields::{FieldMap, Pieces};
use super::frame::unpack;
use super::values::ValueColumn;

/// Fewer records have nothing in common that is worth a template.
const LEAST_ROWS: usize = 8;
/// More records than any stripe has.
const MOST_ROWS: usize = 1 << 17;
/// More bytes than any stripe has: 16 MiB and one record of 16 MiB.
const MOST_RAW: usize = 32 << 20;
/// Records of the sample by which the way of cutting is chosen.
const SAMPLE_ROWS: usize = 384;
/// Bytes of that sample.
const SAMPLE_BYTES: usize = 192 << 10;
/// Whether columns pay is told from pieces of so many bytes, each eighth.
const PAYS_SAMPLE: usize = 64 << 10;
const PAYS_STEP: usize = 8;

/// Why bytes are no block of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(&'static str);

/// A range of the raw bytes of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// A range within this one.
    fn part(self, at: usize, len: usize) -> Span {
        Span { start: self.start.saturating_add(at as u32), len: len as u32 }
    }
}

/// The bytes of a range.
#[inline]
fn slice(raw: &[u8], span: Span) -> &[u8] {
    let start = span.start as usize;
    raw.get(start..start + span.len as usize).unwrap_or_default()
}

/// Hashes what is a hash already by itself.
#[derive(Debug, Clone, Copy, Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// A map by the hash of something.
type ByHash<V> = HashMap<u64, V, BuildHasherDefault<Identity>>;

/// Takes bytes up to a limit.
struct Sink {
    bytes: Vec<u8>,
    limit: usize,
}

impl Sink {
    fn new(capacity: usize, limit: usize) -> Sink {
        Sink { bytes: Vec::with_capacity(capacity), limit }
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        if bytes.len() > self.limit - self.bytes.len() {
            return Err(DecodeError("more bytes than the group has"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

/// Encoded lines: what all chunks share, and the chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedLines {
    /// For [`Stripe::open`].
    pub shared: Vec<u8>,
    /// For [`Stripe::decode`], in order.
    pub chunks: Vec<Vec<u8>>,
}

impl EncodedLines {
    /// Bytes of all parts.
    pub fn len(&self) -> usize {
        self.shared.len() + self.chunks.iter().map(Vec::len).sum::<usize>()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Encodes records, compressed at a zstd level; `None` where the result is not smaller than the raw bytes of each chunk in one
/// zstd frame of that level. `raw` holds the records one after the other, `lengths` their lengths; each chunk ends at the row
/// that `cuts` says, the last at the last row. What is given back was decoded and compared. The same input gives the same
/// bytes.
pub fn encode(raw: &[u8], lengths: &[u32], cuts: &[usize], level: i32) -> std::io::Result<Option<EncodedLines>> {
    encode_noting(raw, lengths, cuts, level, None)
}

/// The same, and notes how each record was cut.
pub fn encode_noting(
    raw: &[u8],
    lengths: &[u32],
    cuts: &[usize],
    level: i32,
    pieces: Option<&mut Pieces>,
) -> std::io::Result<Option<EncodedLines>> {
    let Some(records) = spans(raw, lengths) else { return Ok(None) };
    if !cuts.is_sorted() || cuts.last() != Some(&records.len()) {
        return Ok(None);
    }
    let Some(quoted) = way(raw, &records, level)? else { return Ok(None) };
    let mut compressor = Compressors::new(level)?;
    let Some(stripe) = write::stripe(raw, &records, cuts, quoted, &mut compressor)? else { return Ok(None) };
    if !pays(raw, &records, cuts, stripe.len(), level)? {
        return Ok(None);
    }
    Ok(comes_back(raw, lengths, cuts, &stripe, pieces).then_some(stripe))
}

/// Whether a stripe decodes to what it was made of; notes how each record was cut, as readers find it.
fn comes_back(
    raw: &[u8],
    lengths: &[u32],
    cuts: &[usize],
    stripe: &EncodedLines,
    mut pieces: Option<&mut Pieces>,
) -> bool {
    let Ok(opened) = Stripe::open(&stripe.shared, raw.len() as u64) else { return false };
    if let Some(pieces) = pieces.as_deref_mut() {
        let Ok(table) = opened.tree.table() else { return false };
        pieces.ends = table.templates().iter().map(|template| template.ends.clone()).collect();
    }
    let (mut row, mut start) = (0, 0);
    for (chunk, cut) in stripe.chunks.iter().zip(cuts) {
        let Some(wanted) = lengths.get(row..*cut) else { return false };
        let size: u64 = wanted.iter().map(|length| u64::from(*length)).sum();
        let rows = wanted.len() as u32;
        let Ok((bytes, read)) = opened.decode_noting(chunk, rows, size, pieces.as_deref_mut()) else { return false };
        if read != wanted || raw.get(start..start + bytes.len()) != Some(&bytes) {
            return false;
        }
        (row, start) = (*cut, start + bytes.len());
    }
    start == raw.len()
}

/// Where each record lies, if they can be encoded.
fn spans(raw: &[u8], lengths: &[u32]) -> Option<Vec<Span>> {
    if raw.len() > MOST_RAW || !(LEAST_ROWS..=MOST_ROWS).contains(&lengths.len()) {
        return None;
    }
    let mut start = 0u32;
    let mut spans = Vec::with_capacity(lengths.len());
    for len in lengths {
        spans.push(Span { start, len: *len });
        start = start.checked_add(*len)?;
    }
    (start as usize == raw.len()).then_some(spans)
}

/// Whether quoted strings are cut (`false`) or kept in one piece, by what is smaller on a sample; `None` where neither is near
/// to what zstd makes of the sample. Where few are quoted there is no choice, and no sample.
fn way(raw: &[u8], records: &[Span], level: i32) -> std::io::Result<Option<bool>> {
    if memchr::memchr_iter(b'"', raw).count() < records.len() {
        return Ok(Some(false));
    }
    let (mut sample, mut sampled) = (Vec::new(), Vec::new());
    // From the middle and in one piece: what repeats does so among neighbours.
    for record in records.iter().skip(records.len().saturating_sub(SAMPLE_ROWS) / 2).take(SAMPLE_ROWS) {
        let bytes = slice(raw, *record);
        if sample.len() + bytes.len() > SAMPLE_BYTES {
            continue;
        }
        sampled.push(Span { start: sample.len() as u32, len: record.len });
        sample.extend_from_slice(bytes);
    }
    let mut compressor = Compressors::new(level.min(3))?;
    let mut size = |quoted| -> std::io::Result<usize> {
        let stripe = write::stripe(&sample, &sampled, &[sampled.len()], quoted, &mut compressor)?;
        Ok(stripe.map_or(usize::MAX, |stripe| stripe.len()))
    };
    let cut = size(false)?;
    let quoted = size(true)?;
    // Columns gain with length, so the sample only has to come near.
    let plain = zstd::bulk::compress(&sample, level.min(3))?.len();
    let best = cut.min(quoted);
    Ok((best <= plain.saturating_add(plain / 2)).then_some(quoted < cut))
}

/// Whether a stripe is smaller than zstd makes its chunks, each for itself. The fastest level of zstd is never twice as large
/// as the wanted one on text, so a sample at that level decides most.
fn pays(raw: &[u8], records: &[Span], cuts: &[usize], size: usize, level: i32) -> std::io::Result<bool> {
    let mut fast = Compressors::new(1)?;
    let (mut sampled, mut packed) = (0usize, 0usize);
    for piece in raw.chunks(PAYS_SAMPLE).step_by(PAYS_STEP) {
        sampled += piece.len();
        packed += fast.pack(pack::Kind::Low, piece)?.len();
    }
    // All of it would be at most a quarter smaller than its pieces by themselves.
    let estimate = packed as u64 * raw.len() as u64 / sampled.max(1) as u64;
    if estimate / 8 * 3 >= size as u64 {
        return Ok(true);
    }
    let mut plain = 0;
    let mut row = 0;
    for cut in cuts {
        let start = records.get(row).map_or(raw.len(), |record| record.start as usize);
        let end = records.get(*cut).map_or(raw.len(), |record| record.start as usize);
        plain += zstd::bulk::compress(raw.get(start..end).unwrap_or_default(), level)?.len();
        row = *cut;
    }
    Ok(size < plain)
}

/// A stripe whose shared part is read; chunks are decoded with it, on any thread.
pub struct Stripe {
    tree: Tree,
    dictionaries: Dictionaries,
    memory: usize,
    sought: find::Known,
    lexicon: OnceLock<Arc<Vec<u8>>>,
}

impl std::fmt::Debug for Stripe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stripe").field("memory", &self.memory).finish_non_exhaustive()
    }
}

const CUT: DecodeError = DecodeError("the part is cut off");

impl Stripe {
    /// Reads the shared part of a stripe of so many raw bytes in all its chunks.
    pub fn open(shared: &[u8], raw_bytes: u64) -> Result<Stripe, DecodeError> {
        let raw = raw_size(raw_bytes)?;
        let (description, packs) = description(shared, raw)?;
        let mut head = Meta::new(&description);
        let dictionaries = head.size()?;
        let tree_len = head.size()?;
        let tree = head.bytes(tree_len)?;
        let packs = Packs::read(&mut head, packs.to_vec().into(), 4 * raw + (64 << 10), None)?;
        let (table, mut tree) = Tree::read(tree)?;
        let mut entries = Vec::with_capacity(dictionaries);
        for _ in 0..dictionaries {
            let count = usize::try_from(tree.number()?).unwrap_or(usize::MAX);
            let form = Form::read(&mut tree, 1)?;
            let at = head.place(&description);
            form.pass(&mut head)?;
            entries.push(Entries { form, count, at, loaded: OnceLock::new(), asked: AtomicBool::default() });
        }
        if !tree.is_empty() || !head.is_empty() {
            return Err(OVERLONG);
        }
        let memory = description.len() * 4 + shared.len() * 8;
        Ok(Stripe {
            tree: table,
            dictionaries: Dictionaries::new(entries, description, packs, raw),
            memory,
            sought: find::Known::default(),
            lexicon: OnceLock::new(),
        })
    }

    /// Bytes of memory it takes once its dictionaries are loaded, roughly.
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// What text of its chunks may be packed with.
    fn lexicon(&self) -> Lexicon<'_> {
        Lexicon { tree: &self.tree, dictionaries: &self.dictionaries, text: &self.lexicon }
    }

    /// The constant text of all templates, each ended by a line feed.
    pub fn constants(&self) -> Vec<u8> {
        self.tree.constants().unwrap_or_default()
    }

    /// Gives back the bytes of all records of a chunk and the length of each: exactly what [`encode`] was given, an error for
    /// bytes that are no chunk of so many rows and raw bytes. Memory is bounded by a multiple of `raw_bytes`.
    pub fn decode(&self, chunk: &[u8], rows: u32, raw_bytes: u64) -> Result<(Vec<u8>, Vec<u32>), DecodeError> {
        self.decode_noting(chunk, rows, raw_bytes, None)
    }

    fn decode_noting(
        &self,
        chunk: &[u8],
        rows: u32,
        raw_bytes: u64,
        mut pieces: Option<&mut Pieces>,
    ) -> Result<(Vec<u8>, Vec<u32>), DecodeError> {
        let raw = raw_size(raw_bytes)?;
        self.chunk(chunk, rows, raw, |described, loader| {
            let mut table = loader.table(described, rows as usize)?;
            let mut sink = Sink::new(raw, raw);
            let mut lengths = Vec::with_capacity(rows as usize);
            for row in 0..rows as usize {
                let start = sink.bytes.len();
                match pieces.as_deref_mut() {
                    Some(pieces) => table.write_noting(row, &mut sink, pieces)?,
                    None => table.write(row, &mut sink, &mut None)?,
                }
                lengths.push((sink.bytes.len() - start) as u32);
            }
            if sink.bytes.len() != raw {
                return Err(DecodeError("fewer bytes than the group has"));
            }
            Ok((sink.bytes, lengths))
        })
    }

    /// Gives back some consecutive records of a chunk, one after the other, and their lengths. Only the columns of their templates
    /// are unpacked.
    pub fn decode_rows(
        &self,
        chunk: &[u8],
        rows: u32,
        raw_bytes: u64,
        wanted: Range<u32>,
    ) -> Result<(Vec<u8>, Vec<u32>), DecodeError> {
        if wanted.start > wanted.end || wanted.end > rows {
            return Err(DecodeError("no such row"));
        }
        let raw = raw_size(raw_bytes)?;
        let wanted: Vec<usize> = (wanted.start as usize..wanted.end as usize).collect();
        self.some_of(chunk, rows, raw, &wanted, |mut table| {
            let mut sink = Sink::new(0, raw);
            let mut lengths = Vec::with_capacity(wanted.len());
            for row in 0..wanted.len() {
                let start = sink.bytes.len();
                table.write(row, &mut sink, &mut None)?;
                lengths.push((sink.bytes.len() - start) as u32);
            }
            Ok((sink.bytes, lengths))
        })
    }

    /// Gives back some ascending records of a chunk, one after the other, and the lengths of all: 0 for those not wanted. Only their
    /// values are read of columns.
    pub fn decode_some(
        &self,
        chunk: &[u8],
        rows: u32,
        raw_bytes: u64,
        wanted: &[u32],
    ) -> Result<(Vec<u8>, Vec<u32>), DecodeError> {
        let raw = raw_size(raw_bytes)?;
        let places: Vec<usize> = wanted.iter().map(|row| *row as usize).collect();
        self.some_of(chunk, rows, raw, &places, |mut table| {
            let mut sink = Sink::new(0, raw);
            let mut lengths = vec![0; rows as usize];
            for (at, row) in wanted.iter().enumerate() {
                let start = sink.bytes.len();
                table.write(at, &mut sink, &mut None)?;
                *lengths.get_mut(*row as usize).ok_or(DecodeError("no such row"))? = (sink.bytes.len() - start) as u32;
            }
            Ok((sink.bytes, lengths))
        })
    }

    /// What other columns follow from, without reading a line.
    pub fn outline(&self, chunk: &[u8], rows: u32, raw_bytes: u64, wanted: Outlined) -> Result<Outline, DecodeError> {
        self.chunk(chunk, rows, raw_size(raw_bytes)?, |described, loader| {
            outline::of_chunk(loader, described, rows as usize, wanted)
        })
    }

    /// The template of each record of a chunk.
    pub fn cuts(&self, chunk: &[u8], rows: u32, raw_bytes: u64) -> Result<Vec<u64>, DecodeError> {
        self.chunk(chunk, rows, raw_size(raw_bytes)?, |described, loader| {
            loader.integers(described.ids(), rows as usize)
        })
    }

    /// For each needle, which records of a chunk hold it, without reading a line.
    pub fn find(&self, chunk: &[u8], rows: u32, raw_bytes: u64, needles: &[Needle]) -> Result<Vec<Hits>, DecodeError> {
        let table = self.tree.table()?;
        let sought: Vec<_> = needles.iter().map(|needle| self.sought.of(needle, table)).collect();
        self.chunk(chunk, rows, raw_size(raw_bytes)?, |described, loader| {
            let mut find =
                |sought: &Arc<find::Sought>| loader.borrowed(|loader| sought.rows(loader, described, rows as usize));
            sought.iter().map(&mut find).collect()
        })
    }

    /// The values of some fields, without writing a record; those of records whose cut the map does not know are unknown. `layouts` are
    /// those of all records, `first_row` is the row of the first in the stripe. A field has no column where too many of its values differ.
    pub fn values(
        &self,
        chunk: &[u8],
        raw_bytes: u64,
        layouts: &[u32],
        first_row: u32,
        map: &FieldMap,
        names: &[&str],
    ) -> Result<Vec<Option<ValueColumn>>, DecodeError> {
        self.chunk(chunk, layouts.len() as u32, raw_size(raw_bytes)?, |described, loader| {
            let kinds = placed::Kinds::of(loader, described, layouts, first_row, map)?;
            let mut values = |name: &&str| loader.borrowed(|loader| kinds.values(loader, described, name));
            names.iter().map(&mut values).collect()
        })
    }

    /// Loads some ascending rows of a chunk; of a stripe that nobody asked before with what they need of its tree alone.
    fn some_of<R>(
        &self,
        chunk: &[u8],
        rows: u32,
        raw: usize,
        wanted: &[usize],
        take: impl FnOnce(Table) -> Result<R, DecodeError>,
    ) -> Result<R, DecodeError> {
        let Some(index) = self.tree.index() else {
            return self.chunk(chunk, rows, raw, |described, loader| {
                let needed = loader.needs(described, rows as usize, wanted)?;
                take(loader.table_of(described, needed)?)
            });
        };
        let (description, packs) = description(chunk, raw)?;
        let (mut meta, mut packs) = self.opened(&description, packs, rows, raw)?;
        let mut loader = Loader::new(&mut packs, &self.dictionaries, raw);
        take(index.rows(self.tree.bytes(), &mut meta, &mut loader, rows as usize, wanted)?)
    }

    /// Reads the description of a chunk.
    fn chunk<R>(
        &self,
        chunk: &[u8],
        rows: u32,
        raw: usize,
        take: impl FnOnce(&DescribedTable<'_>, &mut Loader<'_, '_>) -> Result<R, DecodeError>,
    ) -> Result<R, DecodeError> {
        let (description, packs) = description(chunk, raw)?;
        let (mut meta, mut packs) = self.opened(&description, packs, rows, raw)?;
        let described = self.tree.table()?.describe(&mut meta, rows as usize)?;
        if !meta.is_empty() {
            return Err(OVERLONG);
        }
        take(&described, &mut Loader::new(&mut packs, &self.dictionaries, raw))
    }

    /// What the description of a chunk of so many rows says of its values, and the packs of these.
    fn opened<'a>(
        &'a self,
        description: &'a [u8],
        packs: &'a [u8],
        rows: u32,
        raw: usize,
    ) -> Result<(Meta<'a>, Packs<'a>), DecodeError> {
        if rows as usize > MOST_ROWS {
            return Err(DecodeError("too many rows"));
        }
        let mut meta = Meta::new(description);
        if meta.number()? != u64::from(rows) {
            return Err(DecodeError("another number of rows"));
        }
        let packs = Packs::read(&mut meta, packs.into(), 4 * raw + (64 << 10), Some(self.lexicon()))?;
        Ok((meta, packs))
    }
}

const OVERLONG: DecodeError = DecodeError("bytes after the description");

fn raw_size(raw_bytes: u64) -> Result<usize, DecodeError> {
    usize::try_from(raw_bytes).ok().filter(|raw| *raw <= MOST_RAW).ok_or(DecodeError("too many bytes"))
}

/// Unpacks the description of a part; gives it and the packs after it.
fn description(bytes: &[u8], raw: usize) -> Result<(Vec<u8>, &[u8]), DecodeError> {
    let (len, rest) = read_varint(bytes).ok_or(CUT)?;
    let (stored, rest) = read_varint(rest).ok_or(CUT)?;
    let (stored, packs) = rest.split_at_checked(usize::try_from(stored).unwrap_or(usize::MAX)).ok_or(CUT)?;
    // A description is read into structures many times its size; an honest one is a small part of the lines.
    let longest = raw / 2 + (64 << 10);
    let len = usize::try_from(len).ok().filter(|len| *len <= longest).ok_or(DecodeError("too long a description"))?;
    let description = unpack(stored, len).map_err(|_| DecodeError("can't be unpacked"))?;
    Ok((description, packs))
}

#[cfg(test)]
mod tests;
