//! Blobs of column data, packed together by kind before they are compressed, and the cursor over descriptions.
//!
//! A blob of [`ALONE`] bytes or more is compressed by itself, so that it can be read without the rest; smaller ones share packs
//! with others of their kind, so that each pack has one statistic. Equal blobs are stored once.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;
use zstd::bulk::Compressor;

use super::DecodeError;
use super::lexicon::Lexicon;
use crate::archive::column::{read_varint, write_varint};
use crate::archive::frame::{Packer, Words, is_stepwise, needs_words, unpack, unpack_until, unpack_with};

/// Compressors of a stripe.
pub struct Compressors {
    text: Packer,
    rest: Compressor<'static>,
    level: i32,
}

/// Text is what is left when all that repeats is taken out: little, and worth more effort than the rest.
const TEXT_LEVEL: i32 = 7;
/// From this level of zstd on, text of chunks is packed with the lexicon of its stripe, which one who reads a record has to load.
const WORDS_LEVEL: i32 = 7;
/// Shorter texts have too little that others have as well.
const LEAST_WITH_WORDS: usize = 256;
/// Descriptions are read before anything else of a part: longer ones must be read fast.
const LONGEST_HEAD: usize = 64 << 10;

impl Compressors {
    /// For a zstd level.
    pub fn new(level: i32) -> std::io::Result<Compressors> {
        Ok(Compressors { text: Packer::new(level.max(TEXT_LEVEL))?, rest: Compressor::new(level)?, level })
    }

    /// The zstd level.
    pub fn level(&self) -> i32 {
        self.level
    }

    /// Whether packs of chunks may be made with a lexicon.
    pub fn uses_words(&self) -> bool {
        self.level >= WORDS_LEVEL
    }

    /// Compresses a pack of blobs of a kind.
    pub fn pack(&mut self, kind: Kind, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        match kind {
            Kind::Text => self.text.pack(bytes),
            Kind::High | Kind::Low => self.rest.compress(bytes),
        }
    }

    /// The same for a pack of a chunk, with the lexicon of its stripe where that is smaller, or as small as what is slower to read.
    fn pack_of_chunk(&mut self, kind: Kind, bytes: &[u8], lexicon: &Words) -> std::io::Result<Vec<u8>> {
        let packed = self.pack(kind, bytes)?;
        if !matches!(kind, Kind::Text) || bytes.len() < LEAST_WITH_WORDS {
            return Ok(packed);
        }
        let with_words = lexicon.pack(bytes)?;
        Ok(if with_words.len() <= packed.len() { with_words } else { packed })
    }

    /// Compresses a description.
    pub fn describe(&mut self, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        self.text.pack_head(bytes, LONGEST_HEAD)
    }
}

/// What is in a blob; blobs of one kind share packs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bytes of values.
    Text,
    /// A high plane of integers: mostly equal bytes.
    High,
    /// The lowest plane of integers.
    Low,
}

const KINDS: u64 = 3;
/// Blobs of this size and more are not packed with others.
pub const ALONE: usize = 2_048;
/// From this size on a blob is unpacked in steps where its first bytes may do.
const LONG: usize = 96 << 10;
/// A pack is closed once it holds as much.
const FULL: usize = 64 << 10;

/// The blobs of a part being written.
#[derive(Debug, Default)]
pub struct Blobs {
    blobs: Vec<(Kind, Vec<u8>)>,
    known: HashTable<(u64, u32)>,
}

impl Blobs {
    /// Takes up a blob and writes a reference to it: 0 for a new one, else one plus its number.
    pub fn add(&mut self, meta: &mut Vec<u8>, kind: Kind, bytes: Vec<u8>) {
        let hash = xxh3_64(&bytes);
        let blobs = &self.blobs;
        let same = |index: u32| blobs.get(index as usize).is_some_and(|(_, known)| *known == bytes);
        if let Some((_, index)) = self.known.find(hash, |(known, index)| *known == hash && same(*index)) {
            write_varint(meta, u64::from(*index) + 1);
            return;
        }
        write_varint(meta, 0);
        let index = self.blobs.len() as u32;
        self.known.insert_unique(hash, (hash, index), |(hash, _)| *hash);
        self.blobs.push((kind, bytes));
    }

    /// The blobs that are not equal to one before them, in order.
    pub fn into_blobs(self) -> Vec<(Kind, Vec<u8>)> {
        self.blobs
    }

    /// Compresses all; gives the table of blobs and packs, and the packs one after the other. Of a chunk, with the lexicon of its stripe.
    pub fn finish(self, compressor: &mut Compressors, lexicon: Option<&Words>) -> std::io::Result<(Vec<u8>, Vec<u8>)> {
        let mut table = Vec::new();
        write_varint(&mut table, self.blobs.len() as u64);
        let mut layout = Layout::default();
        let mut packs: Vec<(Kind, Vec<u8>)> = Vec::new();
        for (kind, bytes) in self.blobs {
            write_varint(&mut table, bytes.len() as u64 * KINDS + kind as u64);
            let (pack, _) = layout.place(kind as u64, bytes.len());
            match packs.get_mut(pack) {
                Some((_, pack)) => pack.extend_from_slice(&bytes),
                None => packs.push((kind, bytes)),
            }
        }
        let mut out = Vec::new();
        for (kind, pack) in packs {
            let packed = match lexicon {
                Some(lexicon) => compressor.pack_of_chunk(kind, &pack, lexicon)?,
                None => compressor.pack(kind, &pack)?,
            };
            let stored = if packed.len() < pack.len() { packed } else { pack };
            write_varint(&mut table, stored.len() as u64);
            out.extend_from_slice(&stored);
        }
        Ok((table, out))
    }
}

/// Puts blobs into packs; writer and reader follow the same rule, so places are not stored.
#[derive(Debug, Default)]
struct Layout {
    /// Bytes in each pack.
    sizes: Vec<usize>,
    /// The pack that takes more blobs of each kind.
    open: [Option<usize>; KINDS as usize],
}

impl Layout {
    /// Pack of the next blob and its offset there.
    fn place(&mut self, kind: u64, len: usize) -> (usize, usize) {
        let open = self.open.get_mut(kind as usize);
        if len < ALONE
            && let Some(pack) = open.as_ref().and_then(|open| **open)
            && let Some(size) = self.sizes.get_mut(pack)
        {
            let at = *size;
            *size += len;
            if *size >= FULL
                && let Some(open) = open
            {
                *open = None;
            }
            return (pack, at);
        }
        let pack = self.sizes.len();
        self.sizes.push(len);
        if len < ALONE
            && let Some(open) = open
        {
            *open = Some(pack);
        }
        (pack, 0)
    }
}

/// The blobs of a part being read; packs are unpacked when first asked for.
pub struct Packs<'a> {
    /// Pack, offset and length of each blob.
    places: Vec<(usize, usize, usize)>,
    sizes: Vec<usize>,
    bytes: Cow<'a, [u8]>,
    /// Where each pack lies in the bytes.
    stored: Vec<Range<usize>>,
    unpacked: Vec<Option<Arc<Vec<u8>>>>,
    /// What the packs of a chunk may be made with.
    lexicon: Option<Lexicon<'a>>,
}

impl<'a> Packs<'a> {
    /// Reads the table; `bytes` are the packs. Blobs may add up to `most` bytes. Those of a chunk have a lexicon.
    pub fn read(
        meta: &mut Meta<'_>,
        bytes: Cow<'a, [u8]>,
        most: usize,
        lexicon: Option<Lexicon<'a>>,
    ) -> Result<Packs<'a>, DecodeError> {
        let count = meta.size()?;
        let mut layout = Layout::default();
        let mut places = Vec::new();
        let mut total = 0usize;
        for _ in 0..count {
            let entry = meta.number()?;
            let len = usize::try_from(entry / KINDS).unwrap_or(usize::MAX);
            total = total.checked_add(len).filter(|total| *total <= most).ok_or(DecodeError("too many bytes"))?;
            let (pack, at) = layout.place(entry % KINDS, len);
            places.push((pack, at, len));
        }
        let mut stored = Vec::new();
        let mut end = 0usize;
        for _ in &layout.sizes {
            let len = usize::try_from(meta.number()?).unwrap_or(usize::MAX);
            let pack_end = end.checked_add(len).filter(|end| *end <= bytes.len());
            let pack_end = pack_end.ok_or(DecodeError("a pack is cut off"))?;
            stored.push(end..pack_end);
            end = pack_end;
        }
        if end != bytes.len() {
            return Err(DecodeError("bytes after the last pack"));
        }
        let unpacked = vec![None; stored.len()];
        Ok(Packs { places, sizes: layout.sizes, bytes, stored, unpacked, lexicon })
    }

    /// A blob that is unpacked no further than it is asked for, where it is long enough for that to pay.
    fn packed(&mut self, index: u32) -> Result<Packed<'_>, DecodeError> {
        // Asked twice: what is lent can't be given back.
        if self.long(index).is_some() {
            let (frame, size) = self.long(index).unwrap_or_default();
            return Ok(Packed::Frame(frame, size));
        }
        self.blob(index).map(|(pack, range)| Packed::Open(pack.get(range).unwrap_or_default()))
    }

    /// The frame and length of a blob that can be unpacked in steps, has a pack for itself and was not unpacked yet.
    fn long(&self, index: u32) -> Option<(&[u8], usize)> {
        let (pack, _, len) = *self.places.get(index as usize)?;
        let stored = self.stored.get(pack).and_then(|range| self.bytes.get(range.clone()))?;
        let is_alone = len >= LONG && self.sizes.get(pack) == Some(&len);
        let is_closed = self.unpacked.get(pack).is_some_and(Option::is_none);
        (is_alone && is_closed && stored.len() != len && is_stepwise(stored)).then_some((stored, len))
    }

    /// The bytes of a blob: those of its pack, and where it lies in them.
    pub fn blob(&mut self, index: u32) -> Result<(&Arc<Vec<u8>>, Range<usize>), DecodeError> {
        const MISSING: DecodeError = DecodeError("a blob that is not there");
        let (pack, at, len) = *self.places.get(index as usize).ok_or(MISSING)?;
        let slot = self.unpacked.get_mut(pack).ok_or(MISSING)?;
        if slot.is_none() {
            let stored = self.stored.get(pack).and_then(|range| self.bytes.get(range.clone())).ok_or(MISSING)?;
            let size = *self.sizes.get(pack).ok_or(MISSING)?;
            let bytes = if stored.len() == size {
                stored.to_vec()
            } else {
                const BROKEN: DecodeError = DecodeError("a pack can't be unpacked");
                match &self.lexicon {
                    Some(lexicon) if needs_words(stored) => {
                        unpack_with(stored, size, &lexicon.text()?).map_err(|_| BROKEN)?
                    }
                    _ => unpack(stored, size).map_err(|_| BROKEN)?,
                }
            };
            if bytes.len() != size {
                return Err(DecodeError("a pack unpacks to another length"));
            }
            *slot = Some(Arc::new(bytes));
        }
        slot.as_ref().filter(|bytes| at + len <= bytes.len()).map(|bytes| (bytes, at..at + len)).ok_or(MISSING)
    }
}

/// A blob that may be unpacked no further than it is needed.
pub enum Packed<'a> {
    /// Its bytes: it is unpacked, or too short for less to pay.
    Open(&'a [u8]),
    /// Its frame and length.
    Frame(&'a [u8], usize),
}

impl Packed<'_> {
    /// Hands over its bytes from the start, piece by piece, as long as `take` wants more.
    pub fn each(&self, mut take: impl FnMut(&[u8]) -> Result<bool, DecodeError>) -> Result<(), DecodeError> {
        match self {
            Packed::Open(bytes) => take(bytes).map(|_| ()),
            Packed::Frame(frame, size) => {
                let mut taken = Ok(true);
                let unpacked = unpack_until(frame, *size, |bytes| {
                    taken = take(bytes);
                    taken == Ok(true)
                });
                unpacked.map_err(|_| DecodeError("a pack can't be unpacked"))?;
                taken.map(|_| ())
            }
        }
    }
}

/// Gives blobs to whoever loads columns: those of a chunk, or those of the shared part, which chunks read side by side.
pub enum BlobsOf<'a, 'b> {
    /// Of a chunk.
    Chunk(&'b mut Packs<'a>),
    /// Of the shared part.
    Shared(&'b Mutex<Packs<'static>>),
}

impl BlobsOf<'_, '_> {
    /// Hands a blob to `take`.
    pub fn with<R>(&mut self, blob: u32, take: impl FnOnce(&[u8]) -> Result<R, DecodeError>) -> Result<R, DecodeError> {
        self.of(blob, |pack, range| take(pack.get(range).unwrap_or_default()))
    }

    /// Hands a blob to `take`, which may need but its first bytes.
    pub fn packed<R>(
        &mut self,
        blob: u32,
        take: impl FnOnce(Packed<'_>) -> Result<R, DecodeError>,
    ) -> Result<R, DecodeError> {
        match self {
            BlobsOf::Chunk(packs) => take(packs.packed(blob)?),
            BlobsOf::Shared(packs) => take(packs.lock().unwrap_or_else(PoisonError::into_inner).packed(blob)?),
        }
    }

    /// A blob that outlives its part.
    pub fn shared(&mut self, blob: u32) -> Result<Shared, DecodeError> {
        self.of(blob, |pack, range| Ok(Shared { pack: Arc::clone(pack), range }))
    }

    fn of<R>(
        &mut self,
        blob: u32,
        take: impl FnOnce(&Arc<Vec<u8>>, Range<usize>) -> Result<R, DecodeError>,
    ) -> Result<R, DecodeError> {
        match self {
            BlobsOf::Chunk(packs) => packs.blob(blob).and_then(|(pack, range)| take(pack, range)),
            BlobsOf::Shared(packs) => {
                let mut packs = packs.lock().unwrap_or_else(PoisonError::into_inner);
                packs.blob(blob).and_then(|(pack, range)| take(pack, range))
            }
        }
    }
}

/// Bytes that lie in a pack.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    pack: Arc<Vec<u8>>,
    range: Range<usize>,
}

impl Shared {
    /// The bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.pack.get(self.range.clone()).unwrap_or_default()
    }
}

impl From<Vec<u8>> for Shared {
    fn from(bytes: Vec<u8>) -> Shared {
        let range = 0..bytes.len();
        Shared { pack: Arc::new(bytes), range }
    }
}

/// A cursor over descriptions.
#[derive(Debug, Clone)]
pub struct Meta<'a> {
    rest: &'a [u8],
    /// Blobs referred to so far.
    next_blob: u32,
}

impl<'a> Meta<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Meta<'a> {
        Meta { rest: bytes, next_blob: 0 }
    }

    /// Starts at a place that [`Meta::place`] told of the same bytes.
    pub fn at(bytes: &'a [u8], (place, next_blob): (usize, u32)) -> Meta<'a> {
        Meta { rest: bytes.get(place..).unwrap_or_default(), next_blob }
    }

    /// The place in `bytes`, whose end is that of the description, and the number of blobs referred to before it.
    pub fn place(&self, bytes: &[u8]) -> (usize, u32) {
        (bytes.len().saturating_sub(self.rest.len()), self.next_blob)
    }

    /// The next byte.
    pub fn byte(&mut self) -> Result<u8, DecodeError> {
        let (byte, rest) = self.rest.split_first().ok_or(DecodeError("the description is cut off"))?;
        self.rest = rest;
        Ok(*byte)
    }

    /// Whether the next byte is this one; it is passed then.
    pub fn next_is(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((next, rest)) if *next == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// The next number.
    pub fn number(&mut self) -> Result<u64, DecodeError> {
        let (value, rest) = read_varint(self.rest).ok_or(DecodeError("the description is cut off"))?;
        self.rest = rest;
        Ok(value)
    }

    /// The next number, as a count of things each of which takes a byte of the description at least.
    pub fn size(&mut self) -> Result<usize, DecodeError> {
        let value = self.number()?;
        usize::try_from(value)
            .ok()
            .filter(|size| *size <= self.rest.len())
            .ok_or(DecodeError("a count beyond the description"))
    }

    /// The next `len` bytes.
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(DecodeError("the description is cut off"))?;
        self.rest = rest;
        Ok(bytes)
    }

    /// The bytes up to the next that is not above `most`.
    pub fn above(&mut self, most: u8) -> &'a [u8] {
        let at = self.rest.iter().position(|byte| *byte <= most).unwrap_or(self.rest.len());
        let (bytes, rest) = self.rest.split_at(at);
        self.rest = rest;
        bytes
    }

    /// The next reference to a blob, as [`Blobs::add`] wrote it.
    pub fn blob(&mut self) -> Result<u32, DecodeError> {
        match self.number()? {
            0 => {
                self.next_blob += 1;
                Ok(self.next_blob - 1)
            }
            known if known <= u64::from(self.next_blob) => Ok(known as u32 - 1),
            _ => Err(DecodeError("a blob that is not there")),
        }
    }

    /// Whether all is read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}
