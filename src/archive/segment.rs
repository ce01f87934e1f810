//! A segment file: stripes of row groups one after the other, then a directory of them, then where the directory lies.
//!
//! Form, all numbers little endian:
//!
//! ```text
//! "LGSEG\r\n\0"  version u16  flags u16  0 u32                        16 bytes
//! stripe bytes ...
//! directory: zstd frame of a JSON object {"stripes": [...], "fields": [...]}
//! directory offset u64  directory length u64  XXH3-64 of directory u64  "LGSEGEND"     32 bytes
//! ```

use std::path::Path;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::ArchiveError;
use super::frame::unpack_stated;
use super::group::{EncodedStripe, PlacedStripe, StripeStats};

/// First bytes of a segment; the line ends tell a transfer that changed them.
const MAGIC: &[u8; 8] = b"LGSEG\r\n\0";
/// Last bytes of a segment.
const END: &[u8; 8] = b"LGSEGEND";
/// Version of everything under `data/`.
pub const FORMAT_VERSION: u16 = 4;
/// The oldest version that is read; what a store is made of tells which forms it has.
pub const OLDEST_VERSION: u16 = 2;
/// Bytes before the first stripe.
pub const HEADER: u64 = 16;
/// Bytes after the directory.
pub const TRAILER: u64 = 32;
/// No directory is larger; a larger number is damage.
const LARGEST_DIRECTORY: u64 = 64 << 20;
/// No directory is larger once it is unpacked.
const MOST_GROWN: usize = 1 << 30;
/// So many bytes at the end of a file are read at once: most directories lie in them.
pub const END_BYTES: u64 = 16 << 10;

/// A stripe in the directory of its segment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "PlacedStripe")]
pub struct StripeEntry {
    /// Offset of the stripe's first byte in the file.
    pub at: u64,
    /// What is known of it.
    #[serde(flatten)]
    pub stats: StripeStats,
}

impl From<PlacedStripe> for StripeEntry {
    fn from(placed: PlacedStripe) -> StripeEntry {
        StripeEntry { at: placed.at, stats: placed.into() }
    }
}

/// The directory of a segment.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Directory {
    /// Its stripes in record order.
    pub stripes: Vec<StripeEntry>,
    /// Canonical names of all fields that occur in its records, sorted.
    pub fields: Vec<String>,
}

/// Collects encoded stripes into the bytes of one segment.
#[derive(Debug, Default)]
pub struct SegmentBuilder {
    bytes: Vec<u8>,
    directory: Directory,
    raw_bytes: u64,
    rows: u64,
}

impl SegmentBuilder {
    /// Takes up a stripe; stripes come in record order.
    pub fn push(&mut self, stripe: EncodedStripe, fields: &[String]) {
        if self.bytes.is_empty() {
            self.bytes.extend_from_slice(MAGIC);
            self.bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
            self.bytes.extend_from_slice(&[0; 6]);
        }
        self.raw_bytes += stripe.stats.raw_bytes().unwrap_or(u64::MAX);
        self.rows += stripe.stats.rows();
        self.directory.stripes.push(StripeEntry { at: self.bytes.len() as u64, stats: stripe.stats });
        self.bytes.extend_from_slice(&stripe.bytes);
        for field in fields {
            if let Err(at) = self.directory.fields.binary_search(field) {
                self.directory.fields.insert(at, field.clone());
            }
        }
    }

    /// Records so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Raw bytes so far.
    pub fn raw_bytes(&self) -> u64 {
        self.raw_bytes
    }

    /// Bytes to be written so far.
    pub fn stored_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes of the file and its directory.
    pub fn finish(mut self) -> std::io::Result<(Vec<u8>, Directory)> {
        let directory = zstd::bulk::compress(&serde_json::to_vec(&self.directory)?, 3)?;
        let at = self.bytes.len() as u64;
        self.bytes.extend_from_slice(&directory);
        self.bytes.extend_from_slice(&at.to_le_bytes());
        self.bytes.extend_from_slice(&(directory.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(&xxh3_64(&directory).to_le_bytes());
        self.bytes.extend_from_slice(END);
        Ok((self.bytes, self.directory))
    }
}

/// Reads the directory of a segment of `len` bytes; `read` gives bytes by offset and length.
pub fn read_directory<R>(path: &Path, len: u64, mut read: R) -> Result<Directory, ArchiveError>
where
    R: FnMut(u64, usize) -> Result<Vec<u8>, ArchiveError>,
{
    let damaged =
        |offset, what: &str| ArchiveError::Damaged { path: path.to_owned(), offset, what: format!("segment {what}") };
    if len < HEADER + TRAILER {
        return Err(damaged(0, "is too short to be one"));
    }
    let header = read(0, HEADER as usize)?;
    let Some((magic, rest)) = header.split_first_chunk::<8>() else { return Err(damaged(0, "header is short")) };
    if magic != MAGIC {
        return Err(damaged(0, "does not begin as one"));
    }
    match rest.split_first_chunk::<2>() {
        Some((version, flags)) if (OLDEST_VERSION..=FORMAT_VERSION).contains(&u16::from_le_bytes(*version)) => {
            if flags.iter().any(|byte| *byte != 0) {
                return Err(damaged(10, "states features this version does not know"));
            }
        }
        Some((version, _)) => {
            return Err(ArchiveError::Version {
                path: path.to_owned(),
                found: u64::from(u16::from_le_bytes(*version)),
                known: u64::from(FORMAT_VERSION),
            });
        }
        None => return Err(damaged(8, "header is short")),
    }
    let last = read(len.saturating_sub(END_BYTES).max(HEADER), (len - HEADER).min(END_BYTES) as usize)?;
    let (before, trailer) = last.split_at(last.len().saturating_sub(TRAILER as usize));
    let words: Vec<u64> =
        trailer.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap_or_default())).collect();
    let [at, directory_len, sum, end] = words[..] else { return Err(damaged(len - TRAILER, "trailer is short")) };
    if end != u64::from_le_bytes(*END) {
        return Err(damaged(len - 8, "does not end as one"));
    }
    if directory_len > LARGEST_DIRECTORY || at.checked_add(directory_len) != Some(len - TRAILER) {
        return Err(damaged(len - TRAILER, "trailer points outside of the file"));
    }
    let packed = match before.len().checked_sub(directory_len as usize).and_then(|start| before.get(start..)) {
        Some(packed) => packed.to_vec(),
        None => read(at, directory_len as usize)?,
    };
    if xxh3_64(&packed) != sum {
        return Err(damaged(at, "directory does not have the checksum it was written with"));
    }
    let decoded = unpack_stated(&packed, MOST_GROWN).map_err(|_| damaged(at, "directory can't be unpacked"))?;
    let directory: Directory =
        serde_json::from_slice(&decoded).map_err(|_| damaged(at, "directory is not what was written"))?;
    for stripe in &directory.stripes {
        let end = stripe.stats.stored_bytes().and_then(|stored| stripe.at.checked_add(stored));
        if stripe.at < HEADER || end.is_none_or(|end| end > at) {
            return Err(damaged(stripe.at, "directory names a stripe outside of the file"));
        }
    }
    Ok(directory)
}
