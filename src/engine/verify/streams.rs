//! The stream of every input, put together again from its records and compared with what the log says of it.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::archive::{HashedGroup, Sha, Snapshot};
use crate::engine::ingest::hex_of;
use crate::model::InputId;

#[derive(Default)]
struct Stream {
    hash: Sha256,
    bytes: u64,
    records: u64,
    line_feeds: u64,
    /// First byte that is missing or comes in the wrong place.
    gap: Option<u64>,
}

/// The streams of all inputs.
#[derive(Default)]
pub struct Streams {
    streams: HashMap<InputId, Stream>,
}

impl Streams {
    /// Takes up the records of a group; groups come in record order.
    pub fn take(&mut self, group: &HashedGroup) {
        for part in &group.parts {
            let stream = self.streams.entry(part.input).or_default();
            let bytes = group.lines.bytes().get(part.bytes.clone()).unwrap_or_default();
            if part.offset != stream.bytes && stream.gap.is_none() {
                stream.gap = Some(stream.bytes);
            }
            stream.hash.update(bytes);
            stream.bytes += bytes.len() as u64;
            stream.records += part.records;
            stream.line_feeds += memchr::memchr_iter(b'\n', bytes).count() as u64;
        }
    }

    /// What differs, by number of the input and in words.
    pub fn compare(&self, snapshot: &Snapshot) -> Vec<(InputId, String)> {
        let nothing = Stream::default();
        let mut differs = Vec::new();
        for state in snapshot.inputs() {
            let (input, cursor) = (state.acquisition.input, &state.cursor);
            let stream = self.streams.get(&input).unwrap_or(&nothing);
            let counts = [
                ("bytes", stream.bytes, cursor.bytes),
                ("records", stream.records, cursor.records),
                ("line feeds", stream.line_feeds, cursor.line_feeds()),
            ];
            let what = if let Some(at) = stream.gap {
                Some(format!("its records do not follow one another from byte {at} on"))
            } else if let Some((what, found, said)) = counts.into_iter().find(|(_, found, said)| found != said) {
                Some(format!("its records have {found} {what}, the log says {said}"))
            } else if hex_of(&stream.hash) != state.sha256() {
                Some("its records do not have the SHA-256 that the log says".to_owned())
            } else {
                let read = state.completion.as_ref().map(|end| (end.read, end.line_feeds));
                read.filter(|(read, line_feeds)| (*read, *line_feeds) != (stream.bytes, stream.line_feeds)).map(
                    |(read, line_feeds)| {
                        format!(
                            "{read} bytes and {line_feeds} line feeds were read of it, its records have {} and {}",
                            stream.bytes, stream.line_feeds
                        )
                    },
                )
            };
            differs.extend(what.map(|what| (input, what)));
        }
        differs
    }
}

/// SHA-256 of the first `bytes` bytes of a file; `None` where it has fewer.
pub fn hash_prefix(file: &mut dyn std::io::Read, bytes: u64) -> std::io::Result<Option<Sha>> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut left = bytes;
    while left > 0 {
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(part) = buffer.get_mut(..want) else { break };
        let read = file.read(part)?;
        if read == 0 {
            return Ok(None);
        }
        hash.update(part.get(..read).unwrap_or_default());
        left -= read as u64;
    }
    Ok(Some(Sha(hash.finalize().into())))
}
