//! Sections: the smallest of some forms, compressed and checksummed; and back, checked.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::archive::frame::{pack, unpack};
use crate::archive::lines::{self, EncodedLines, Stripe};

/// The section is stored as it is.
const STORED: u8 = 0;
/// The section is one frame ([`crate::archive::frame`]).
const PACKED: u8 = 1;
/// The section is a part of lines in columns ([`lines`]), which nobody unpacks without the others.
pub const COLUMNAR: u8 = 2;
/// The section is so many lines in columns, shared part and only chunk: length of the first u32, the first, the second.
const COLUMNAR_ALONE: u8 = 3;

/// The section is one zstd frame that was compressed with the constant text of the stripe's lines as a dictionary.
const ZSTD_BY_LINES: u8 = 4;
/// The section is one frame of edits by which texts follow from records ([`super::edits`]).
const EDITS: u8 = 5;

/// No section of an honest stripe is larger: one long line or joined record beyond a full group.
const LARGEST: u64 = 256 << 20;

/// Where a section lies and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// What it is.
    pub kind: u8,
    /// How it is stored.
    pub codec: u8,
    /// Offset from the stripe's first byte.
    pub at: u64,
    /// Stored bytes.
    pub len: u64,
    /// Bytes once unpacked.
    pub raw: u64,
    /// Lines of a section that is kept in columns.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    rows: Option<u32>,
    /// XXH3-64 of the stored bytes, in JSON as 16 hexadecimal digits.
    #[serde(with = "digits")]
    sum: u64,
}

/// Checksums as JSON has them.
mod digits {
    use serde::de::{Deserializer, Error, Unexpected, Visitor};

    pub fn serialize<S: serde::Serializer>(sum: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{sum:016x}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        struct Digits;
        impl Visitor<'_> for Digits {
            type Value = u64;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("16 hexadecimal digits")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
                let is_digits = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                let sum = u64::from_str_radix(text, 16).ok().filter(|_| is_digits);
                sum.ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        from.deserialize_str(Digits)
    }
}

/// What texts may have in common with the lines of their stripe.
#[derive(Debug, Default)]
pub struct Related<'a> {
    /// The constant text of the lines.
    pub constants: Option<&'a [u8]>,
    /// How the texts follow from lines ([`super::edits`]).
    pub edits: Option<Vec<u8>>,
}

/// Sections being written, one after the other.
#[derive(Debug, Default)]
pub struct SectionWriter {
    /// Their stored bytes.
    pub bytes: Vec<u8>,
    sections: Vec<Section>,
}

impl SectionWriter {
    /// What was written since this was last asked.
    pub fn take(&mut self) -> Vec<Section> {
        std::mem::take(&mut self.sections)
    }

    /// Adds a section.
    pub fn add(&mut self, kind: u8, raw: &[u8], level: i32) -> std::io::Result<()> {
        self.add_smallest(kind, &[raw], level)
    }

    /// Adds the form that takes the fewest bytes.
    pub fn add_smallest<F: AsRef<[u8]>>(&mut self, kind: u8, forms: &[F], level: i32) -> std::io::Result<()> {
        let mut smallest: Option<(u8, Vec<u8>, usize)> = None;
        for form in forms {
            let raw = form.as_ref();
            let packed = pack(raw, level)?;
            let (codec, stored) = if packed.len() < raw.len() { (PACKED, packed) } else { (STORED, raw.to_vec()) };
            if smallest.as_ref().is_none_or(|(_, known, _)| stored.len() < known.len()) {
                smallest = Some((codec, stored, raw.len()));
            }
        }
        if let Some((codec, stored, raw)) = smallest {
            self.store(kind, codec, &stored, raw as u64, None);
        }
        Ok(())
    }

    /// Adds a part of lines in columns.
    pub fn add_columnar(&mut self, kind: u8, part: &[u8], raw: u64) {
        self.store(kind, COLUMNAR, part, raw, None);
    }

    /// Adds texts, one JSON text a line: in columns, as plain text, or as what they have in common with the stripe's lines, whichever
    /// is smallest.
    pub fn add_texts<T: Serialize>(
        &mut self,
        kind: u8,
        texts: &[T],
        related: Related<'_>,
        level: i32,
    ) -> std::io::Result<()> {
        let mut raw = Vec::new();
        let mut lengths = Vec::with_capacity(texts.len());
        for text in texts {
            let start = raw.len();
            serde_json::to_writer(&mut raw, text)?;
            raw.push(b'\n');
            lengths.push((raw.len() - start) as u32);
        }
        let whole = raw.len();
        let mut forms = vec![(STORED, None, raw.clone(), whole), (PACKED, None, pack(&raw, level)?, whole)];
        if let Some(constants) = related.constants {
            let packed = zstd::bulk::Compressor::with_dictionary(level, constants)?.compress(&raw)?;
            forms.push((ZSTD_BY_LINES, None, packed, whole));
        }
        if let Some(edits) = related.edits {
            forms.push((EDITS, None, pack(&edits, level)?, edits.len()));
        }
        if let Some(EncodedLines { shared, chunks }) = lines::encode(&raw, &lengths, &[lengths.len()], level)? {
            let mut stored = (shared.len() as u32).to_le_bytes().to_vec();
            stored.extend_from_slice(&shared);
            chunks.iter().for_each(|chunk| stored.extend_from_slice(chunk));
            forms.push((COLUMNAR_ALONE, Some(lengths.len() as u32), stored, whole));
        }
        if let Some((codec, rows, stored, raw)) = forms.into_iter().min_by_key(|(_, _, stored, _)| stored.len()) {
            self.store(kind, codec, &stored, raw as u64, rows);
        }
        Ok(())
    }

    fn store(&mut self, kind: u8, codec: u8, stored: &[u8], raw: u64, rows: Option<u32>) {
        self.sections.push(Section {
            kind,
            codec,
            at: self.bytes.len() as u64,
            len: stored.len() as u64,
            raw,
            rows,
            sum: xxh3_64(stored),
        });
        self.bytes.extend_from_slice(stored);
    }
}

/// Why a section can't be used.
#[derive(Debug)]
pub struct SectionError {
    /// Offset of the section from the stripe's first byte.
    pub at: u64,
    /// What is wrong, or what the operating system said.
    pub what: Result<String, std::io::Error>,
}

/// Gives the stored bytes of a stripe by offset and length.
pub type ReadAt<'a> = dyn Fn(u64, usize) -> std::io::Result<Vec<u8>> + 'a;

/// Finds a section by its kind; `name` is the plural that messages use.
pub fn find<'a>(sections: &'a [Section], kind: u8, name: &str) -> Result<&'a Section, SectionError> {
    let section = sections.iter().find(|section| section.kind == kind);
    section.ok_or_else(|| SectionError { at: 0, what: Ok(format!("the {name} are missing")) })
}

impl Section {
    /// The error that says what is wrong with this section.
    pub fn damaged(&self, name: &str, what: &str) -> SectionError {
        SectionError { at: self.at, what: Ok(format!("the {name} {what}")) }
    }

    /// Its stored bytes, checked.
    pub fn stored(&self, name: &str, read: &ReadAt<'_>) -> Result<Vec<u8>, SectionError> {
        if self.len > LARGEST || self.raw > LARGEST {
            return Err(self.damaged(name, "are larger than they can be"));
        }
        let stored =
            read(self.at, self.len as usize).map_err(|cause| SectionError { at: self.at, what: Err(cause) })?;
        if xxh3_64(&stored) != self.sum {
            return Err(self.damaged(name, "do not have the checksum they were written with"));
        }
        Ok(stored)
    }

    /// Whether it is unpacked with the constant text of the stripe's lines.
    pub fn needs_lines(&self) -> bool {
        self.codec == ZSTD_BY_LINES
    }

    /// Whether it holds edits of records, from which its texts follow.
    pub fn is_edits(&self) -> bool {
        self.codec == EDITS
    }

    /// Its bytes, checked and unpacked.
    pub fn unpack(&self, name: &str, read: &ReadAt<'_>) -> Result<Vec<u8>, SectionError> {
        self.unpack_with(name, &[], read)
    }

    fn unpack_with(&self, name: &str, constants: &[u8], read: &ReadAt<'_>) -> Result<Vec<u8>, SectionError> {
        let stored = self.stored(name, read)?;
        let broken = || self.damaged(name, "can't be unpacked");
        let raw = match (self.codec, self.rows) {
            (STORED, _) => stored,
            (PACKED | EDITS, _) => unpack(&stored, self.raw as usize).map_err(|_| broken())?,
            (ZSTD_BY_LINES, _) => zstd::bulk::Decompressor::with_dictionary(constants)
                .and_then(|mut decompressor| decompressor.decompress(&stored, self.raw as usize))
                .map_err(|_| broken())?,
            (COLUMNAR_ALONE, Some(rows)) => {
                let (length, parts) = stored.split_first_chunk::<4>().ok_or_else(broken)?;
                let parts = parts.split_at_checked(u32::from_le_bytes(*length) as usize);
                let (shared, chunk) = parts.ok_or_else(broken)?;
                let stripe = Stripe::open(shared, self.raw).map_err(|_| broken())?;
                stripe.decode(chunk, rows, self.raw).map_err(|_| broken())?.0
            }
            _ => return Err(self.damaged(name, "use a codec this version does not know")),
        };
        if raw.len() as u64 != self.raw {
            return Err(self.damaged(name, "unpack to another length"));
        }
        Ok(raw)
    }

    /// One JSON text a line; `constants` are those of the stripe's lines where it needs them.
    pub fn texts<T>(&self, name: &str, constants: &[u8], read: &ReadAt<'_>) -> Result<Vec<T>, SectionError>
    where
        T: serde::de::DeserializeOwned,
    {
        let bytes = self.unpack_with(name, constants, read)?;
        let texts = serde_json::Deserializer::from_slice(&bytes).into_iter::<T>().collect::<Result<Vec<T>, _>>();
        texts.map_err(|_| self.damaged(name, "are not what was written"))
    }
}
