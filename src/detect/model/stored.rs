//! A model as bytes: all that scoring needs of what was learnt, with its own hash.
//!
//! ```text
//! "LGMODL\r\n"  length of the header u32  header: JSON {"version", "kind", "sha256", "bytes"}  payload (postcard)
//! ```
//!
//! The hash is that of the payload, which holds name, configuration and state. Nothing in it is bound to a time or a
//! machine: the same training gives the same bytes.

use super::{FEWEST_LINES, ModelKind};
use crate::detect::config::DetectConfig;
use crate::detect::judge::Judge;
use crate::detect::rhythm::Rhythm;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// First bytes of a model; the line ends tell a transfer that changed them.
const MAGIC: &[u8; 8] = b"LGMODL\r\n";
/// Version of the form and of the state in it; state of another version can't be gone on with.
const VERSION: u32 = 3;
/// No header is longer.
const LONGEST_HEADER: usize = 4_096;
/// No model is longer: sixteen sources of at most 12 MiB, and room.
pub const LONGEST: usize = 256 << 20;

/// What was learnt of one source.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::detect) struct SourceModel {
    /// Name of its inputs without numbers.
    pub stem: String,
    /// Their format.
    pub format: String,
    /// Lines it was learnt from.
    pub lines: u64,
    /// The state.
    pub judge: Judge,
    /// How long it is silent between its records: lengths of time, none bound to one.
    pub rhythm: Rhythm,
}

/// What a detector has learnt, to begin with elsewhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Model {
    pub(in crate::detect) name: String,
    pub(in crate::detect) config: DetectConfig,
    pub(in crate::detect) sources: Vec<SourceModel>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    kind: ModelKind,
    sha256: String,
    bytes: u64,
}

/// Why bytes are no model that can be used, or why there is none to store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// They are something else.
    #[error("is no LogGuard model")]
    Other,
    /// They are a model of another version.
    #[error("is a model of version {found}, this logguard uses version {VERSION}; train it anew with 'logguard train'")]
    Version {
        /// The version it states.
        found: u32,
    },
    /// They are not what was written.
    #[error("is damaged: {0}")]
    Damaged(&'static str),
    /// Too little was learnt.
    #[error("too few lines: {lines} were read, a model needs {FEWEST_LINES} of one source")]
    TooFew {
        /// Lines of the longest source.
        lines: u64,
    },
}

impl Model {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it was made.
    pub fn config(&self) -> &DetectConfig {
        &self.config
    }

    /// Lines it was learnt from.
    pub fn lines(&self) -> u64 {
        self.sources.iter().map(|source| source.lines).sum()
    }

    /// What it was learnt of: names without numbers, formats, lines.
    pub fn sources(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.sources.iter().map(|source| (source.stem.as_str(), source.format.as_str(), source.lines))
    }

    /// The model as bytes, and its hash in hexadecimal.
    pub fn to_bytes(&self) -> Result<(Vec<u8>, String), ModelError> {
        let payload = postcard::to_stdvec(self).map_err(|_| ModelError::Damaged("its state can't be written"))?;
        let sha256 = hex(&Sha256::digest(&payload));
        let kind = self.config.kind;
        let header = Header { version: VERSION, kind, sha256: sha256.clone(), bytes: payload.len() as u64 };
        let header = serde_json::to_vec(&header).map_err(|_| ModelError::Damaged("its header can't be written"))?;
        let mut bytes = Vec::with_capacity(MAGIC.len() + 4 + header.len() + payload.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(&payload);
        Ok((bytes, sha256))
    }

    /// Reads what [`Model::to_bytes`] wrote; anything else is told, and hurts nothing.
    pub fn from_bytes(bytes: &[u8]) -> Result<Model, ModelError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(ModelError::Other)?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(ModelError::Damaged("it is cut short"))?;
        let length = u32::from_le_bytes(*length) as usize;
        if length > LONGEST_HEADER {
            return Err(ModelError::Damaged("its header is not what was written"));
        }
        let (header, payload) = rest.split_at_checked(length).ok_or(ModelError::Damaged("it is cut short"))?;
        let value: serde_json::Value =
            serde_json::from_slice(header).map_err(|_| ModelError::Damaged("its header is not what was written"))?;
        let found = value.get("version").and_then(serde_json::Value::as_u64).unwrap_or(0);
        if found != u64::from(VERSION) {
            return Err(ModelError::Version { found: u32::try_from(found).unwrap_or(u32::MAX) });
        }
        let header: Header =
            serde_json::from_value(value).map_err(|_| ModelError::Damaged("its header is not what was written"))?;
        if header.bytes != payload.len() as u64 {
            return Err(ModelError::Damaged("it is cut short or something was added"));
        }
        if hex(&Sha256::digest(payload)) != header.sha256 {
            return Err(ModelError::Damaged("it does not have the hash that it was written with"));
        }
        let model: Model = postcard::from_bytes(payload).map_err(|_| ModelError::Damaged("its state can't be read"))?;
        let is_sound = model.config.kind == header.kind
            && model.config.check().is_ok()
            && model.sources.iter().all(|source| source.judge.is_sound(&model.config) && source.rhythm.is_sound());
        if is_sound { Ok(model) } else { Err(ModelError::Damaged("its state contradicts itself")) }
    }

    /// What was learnt of a source that is like this one: of the same name and format, else of the same format, the most
    /// lines first; where the model knows one source only, that.
    pub(in crate::detect) fn for_source(&self, stem: &str, format: &str) -> Option<&SourceModel> {
        let rank = |source: &&SourceModel| (source.format == format, source.stem == stem, source.lines);
        let best = self.sources.iter().max_by_key(rank)?;
        (best.format == format || self.sources.len() == 1).then_some(best)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a string never fails.
        let _ = write!(out, "{byte:02x}");
        out
    })
}
