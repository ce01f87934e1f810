//! The lines of a row group as templates and typed columns, smaller than any general compressor makes them.
//!
//! A record is cut into constant text and variables by byte classes (`tokens`, `stamps`); equal constant text is one template
//! (`template`). The variables are columns (`columns`, `integers`, `dictionary`, `patterns`), their bytes blobs that are
//! packed by kind and compressed with zstd (`pack`). Reading is `read` and `values`. The idea is that of CLP (Rodrigues et al.,
//! OSDI 2021) and LogGrep (Wei et al., EuroSys 2023); every byte comes back, whatever it is.
//!
//! Form of a block: varint length of the description and of its stored bytes; the description (zstd): number of rows, table of blobs
//! and packs, templates, template of each record, columns, the dictionary that columns share; then the packs.

mod columns;
mod dictionary;
mod integers;
mod outline;
mod pack;
mod patterns;
mod read;
mod stamps;
mod template;
mod tokens;
mod values;
mod write;

use std::hash::{BuildHasherDefault, Hasher};

use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_64;
use zstd::bulk::Decompressor;

pub use self::outline::{MOST_STAMPS, Outline, outline};
use self::pack::{Compressors, Meta, Packs};
use self::read::{Described, DescribedTable, Loader};
use super::column::read_varint;

/// Fewer records have nothing in common that is worth a template.
const LEAST_ROWS: usize = 8;
/// More records than any group has.
const MOST_ROWS: usize = 1 << 17;
/// More bytes than any group has: 4 MiB and one record of 16 MiB.
const MOST_RAW: usize = 24 << 20;
/// Records of the sample by which the way of cutting is chosen.
const SAMPLE_ROWS: usize = 384;
/// Bytes of that sample.
const SAMPLE_BYTES: usize = 192 << 10;

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

/// Encodes the records of a group, compressed at a zstd level; `None` where the result is not smaller than the raw bytes in one
/// zstd frame of that level. `raw` holds the records one after the other, `lengths` their lengths. What is given back was
/// decoded and compared. The same input gives the same bytes.
pub fn encode(raw: &[u8], lengths: &[u32], level: i32) -> std::io::Result<Option<Vec<u8>>> {
    let Some(records) = spans(raw, lengths) else { return Ok(None) };
    let Some(quoted) = way(raw, &records, level)? else { return Ok(None) };
    let mut compressor = Compressors::new(level)?;
    let Some(block) = write::block(raw, &records, quoted, &mut compressor)? else { return Ok(None) };
    if !pays(raw, block.len(), level)? {
        return Ok(None);
    }
    let same = decode(&block, lengths.len() as u32, raw.len() as u64)
        .is_ok_and(|(bytes, read)| bytes == raw && read == lengths);
    Ok(same.then_some(block))
}

/// Where each record lies, if they are a group that can be encoded.
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
        Ok(write::block(&sample, &sampled, quoted, &mut compressor)?.map_or(usize::MAX, |block| block.len()))
    };
    let cut = size(false)?;
    let quoted = size(true)?;
    // Columns gain with length, so the sample only has to come near.
    let plain = zstd::bulk::compress(&sample, level.min(3))?.len();
    let best = cut.min(quoted);
    Ok((best <= plain.saturating_add(plain / 2)).then_some(quoted < cut))
}

/// Whether a block is smaller than zstd makes the raw bytes. The fastest level of zstd is never twice as large as the wanted
/// one on text, so most groups are decided by it.
fn pays(raw: &[u8], block: usize, level: i32) -> std::io::Result<bool> {
    if zstd::bulk::compress(raw, 1)?.len() / 2 >= block {
        return Ok(true);
    }
    Ok(block < zstd::bulk::compress(raw, level)?.len())
}

/// Gives back the bytes of all records and the length of each: exactly what [`encode`] was given, an error for bytes that are
/// no block of so many rows and raw bytes. Memory is bounded by a multiple of `raw_bytes`, which may be 24 MiB at most.
pub fn decode(bytes: &[u8], rows: u32, raw_bytes: u64) -> Result<(Vec<u8>, Vec<u32>), DecodeError> {
    let (mut loader, described, raw_bytes) = open(bytes, rows, raw_bytes)?;
    let mut table = loader.table(&described, rows as usize, None)?;
    let mut sink = Sink::new(raw_bytes, raw_bytes);
    let mut lengths = Vec::with_capacity(rows as usize);
    for row in 0..rows as usize {
        let start = sink.bytes.len();
        table.write(row, &mut sink, &mut None)?;
        lengths.push((sink.bytes.len() - start) as u32);
    }
    if sink.bytes.len() != raw_bytes {
        return Err(DecodeError("fewer bytes than the group has"));
    }
    Ok((sink.bytes, lengths))
}

/// Gives back one record. Only the columns of its template are unpacked.
pub fn decode_row(bytes: &[u8], rows: u32, raw_bytes: u64, row: u32) -> Result<Vec<u8>, DecodeError> {
    if row >= rows {
        return Err(DecodeError("no such row"));
    }
    let (mut loader, described, raw_bytes) = open(bytes, rows, raw_bytes)?;
    let mut table = loader.table(&described, rows as usize, Some(row as usize))?;
    let mut sink = Sink::new(0, raw_bytes);
    table.write(row as usize, &mut sink, &mut None)?;
    Ok(sink.bytes)
}

/// Reads the description of a block.
fn open(bytes: &[u8], rows: u32, raw_bytes: u64) -> Result<(Loader<'_>, DescribedTable, usize), DecodeError> {
    const CUT: DecodeError = DecodeError("the block is cut off");
    let raw = usize::try_from(raw_bytes).ok().filter(|raw| *raw <= MOST_RAW).ok_or(DecodeError("too many bytes"))?;
    if rows as usize > MOST_ROWS {
        return Err(DecodeError("too many rows"));
    }
    let most = 4 * raw + (64 << 10);
    let (len, rest) = read_varint(bytes).ok_or(CUT)?;
    let (stored, rest) = read_varint(rest).ok_or(CUT)?;
    let (stored, packs) = rest.split_at_checked(usize::try_from(stored).unwrap_or(usize::MAX)).ok_or(CUT)?;
    // A description is read into structures many times its size; an honest one is a small part of the lines.
    let longest = raw / 2 + (64 << 10);
    let len = usize::try_from(len).ok().filter(|len| *len <= longest).ok_or(DecodeError("too long a description"))?;
    let mut decompressor = Decompressor::new().map_err(|_| DecodeError("can't be unpacked"))?;
    let description = decompressor.decompress(stored, len).map_err(|_| DecodeError("can't be unpacked"))?;
    let mut meta = Meta::new(&description);
    if meta.number()? != u64::from(rows) {
        return Err(DecodeError("another number of rows"));
    }
    let packs = Packs::read(&mut meta, packs, most, decompressor)?;
    let described = DescribedTable::read(&mut meta, 0)?;
    let count = usize::try_from(meta.number()?).unwrap_or(usize::MAX);
    let mut loader = Loader::new(packs, raw, 16 * raw + (1 << 20));
    if count > 0 {
        let entries = Described::read(&mut meta, 1)?;
        loader.share(&entries, count)?;
    }
    if !meta.is_empty() {
        return Err(DecodeError("bytes after the description"));
    }
    Ok((loader, described, raw))
}

#[cfg(test)]
mod tests;
