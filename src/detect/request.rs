//! The parts of an HTTP request that detection reads, where a line is about one.

use super::counts::pair;
use super::rules::decode::decode_twice;
use crate::model::Fields;
use std::ops::Range;

/// Marks that queries of attacks are full of.
const MARKS: &[u8] = b"<>'\"();|`$\\{}*#";

/// A request as the fields of a line tell it; empty parts where the line is about something else.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Request<'a> {
    /// The method.
    pub method: &'a [u8],
    /// Path and query as they stand in the line.
    pub target: &'a [u8],
    /// The query, decoded twice.
    pub query: &'a [u8],
    /// The status.
    pub status: &'a [u8],
    /// The name of the client program.
    pub agent: &'a [u8],
    /// The page the request came from.
    pub referer: &'a [u8],
}

impl<'a> Request<'a> {
    /// Reads the request out of the fields; `buffer` is memory to decode the query into.
    pub fn read(fields: &Fields<'a>, buffer: &'a mut Vec<u8>) -> Self {
        let mut request = Request::default();
        let mut query: &'a [u8] = b"";
        for (name, value) in fields.iter() {
            match name {
                "method" => request.method = value,
                "path" | "url" | "uri" | "request_uri" if request.target.is_empty() => request.target = value,
                "query" | "query_string" => query = value,
                "status" => request.status = value,
                "user_agent" => request.agent = value,
                "referer" | "referrer" | "http_referer" => request.referer = value,
                _ => {}
            }
        }
        if request.method.is_empty() {
            return Request::default();
        }
        if let Some(mark) = memchr::memchr(b'?', request.target) {
            query = request.target.get(mark + 1..).unwrap_or_default();
        }
        request.query = if decode_twice(query, buffer, true) { buffer } else { query };
        request
    }

    /// Whether the line is about a request.
    pub fn is_request(&self) -> bool {
        !self.method.is_empty()
    }

    /// Whether the request was refused or failed: status 400 to 599.
    pub fn failed(&self) -> bool {
        self.status.len() == 3 && matches!(self.status.first(), Some(b'4' | b'5'))
    }

    /// The parts of the path between slashes as ranges of the target, without the query.
    pub fn path_parts(&self) -> impl Iterator<Item = Range<usize>> + use<'a> {
        let path = self.path();
        let mut at = 0;
        path.split(|byte| *byte == b'/')
            .map(move |part| {
                let start = at;
                at += part.len() + 1;
                start..start + part.len()
            })
            .filter(|range| !range.is_empty())
            .take(12)
    }

    /// The names of the query's parameters.
    pub fn parameters(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let query = self.target.get(self.path().len()..).unwrap_or_default();
        let name = |pair: &'a [u8]| pair.split(|byte| *byte == b'=').next().filter(|name| !name.is_empty());
        query.get(1..).unwrap_or_default().split(|byte| *byte == b'&').filter_map(name).take(8)
    }

    /// What was asked for and how it went: method, path with all digits alike, class of the status.
    pub fn kind(&self) -> u64 {
        // FNV-1a.
        let mut hash = 0xcbf2_9ce4_8422_2325u64;
        let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        self.method.iter().chain(self.status.first()).for_each(|byte| add(*byte));
        let mut before = 0;
        for &byte in self.path().iter().take(512) {
            let byte = if byte.is_ascii_digit() { b'0' } else { byte };
            if byte != b'0' || before != b'0' {
                add(byte);
            }
            before = byte;
        }
        pair(hash, 1)
    }

    fn path(&self) -> &'a [u8] {
        let end = memchr::memchr2(b'?', b'#', self.target).unwrap_or(self.target.len());
        self.target.get(..end).unwrap_or_default()
    }

    /// Distinct marks of attack in the query.
    pub fn marks(&self) -> f32 {
        MARKS.iter().filter(|mark| memchr::memchr(**mark, self.query).is_some()).count() as f32
    }
}
