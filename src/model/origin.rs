//! Where a record comes from and what it is called in the archive.

use serde::{Deserialize, Serialize};

/// Number of a record in the archive: dense, from 0, in ingest order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordId(pub u64);

/// Number of an input (a file, an archive member, a stream) in the archive: dense, from 0, in order of acquisition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InputId(pub u32);

/// The place of a record's bytes in its input, after unpacking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The input the bytes were read from.
    pub input: InputId,
    /// Offset of the first byte in the unpacked input.
    pub offset: u64,
    /// Number of bytes, terminators included.
    pub length: u32,
}
