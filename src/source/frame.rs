//! Bytes -> chunks that end at line ends, with one unfinished line kept between reads.

use std::io::{self, Read};

/// Bytes read at a time.
const CHUNK: usize = 1 << 20;
/// A longer line is cut: at a space near its end if there is one, so that few words are torn.
pub const LONGEST_LINE: usize = 8 << 20;
/// How far from the cut a space is looked for.
const CUT_SEARCH: usize = 64 << 10;

/// Reads whole lines from a reader.
pub struct Framer<R> {
    reader: R,
    pending: Vec<u8>,
    at_end: bool,
}

impl<R: Read> Framer<R> {
    /// Frames what `reader` gives after the bytes already read from it.
    pub fn new(reader: R, already: Vec<u8>) -> Framer<R> {
        Framer { reader, pending: already, at_end: false }
    }

    /// The next chunk: one or more whole lines, or the last line without an end, or a piece of a line that is longer than
    /// [`LONGEST_LINE`]. Empty at the end. What was read before a failure comes first, the failure with the next call.
    pub fn next(&mut self) -> io::Result<Vec<u8>> {
        let mut searched = 0;
        loop {
            let unsearched = self.pending.get(searched..).unwrap_or_default();
            if (self.pending.len() >= CHUNK || self.at_end)
                && let Some(at) = memchr::memrchr(b'\n', unsearched)
            {
                return Ok(self.take(searched + at + 1));
            }
            if self.pending.len() >= LONGEST_LINE {
                return Ok(self.take(self.cut_of_long_line()));
            }
            if self.at_end {
                return Ok(std::mem::take(&mut self.pending));
            }
            // A line end can only be in what is read next, unless the pending bytes are still short of a chunk.
            searched = if self.pending.len() >= CHUNK { self.pending.len() } else { 0 };
            self.fill()?;
        }
    }

    /// What is left after a failure: whole and unfinished lines read before it.
    pub fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.pending)
    }

    fn fill(&mut self) -> io::Result<()> {
        let before = self.pending.len();
        let want = CHUNK.saturating_sub(before).max(CHUNK / 4);
        // `read_to_end` on a limited reader grows the buffer without zeroing it first.
        let read = self.reader.by_ref().take(want as u64).read_to_end(&mut self.pending)?;
        self.at_end = read < want;
        Ok(())
    }

    fn take(&mut self, at: usize) -> Vec<u8> {
        let (_, behind) = self.pending.split_at(at.min(self.pending.len()));
        // With room for what is read next: growing to it would copy the bytes again and again.
        let mut rest = Vec::with_capacity(behind.len() + CHUNK);
        rest.extend_from_slice(behind);
        self.pending.truncate(at);
        std::mem::replace(&mut self.pending, rest)
    }

    fn cut_of_long_line(&self) -> usize {
        let end = LONGEST_LINE.min(self.pending.len());
        let near = self.pending.get(end.saturating_sub(CUT_SEARCH)..end).unwrap_or_default();
        match near.iter().rposition(u8::is_ascii_whitespace) {
            Some(at) => end - near.len() + at + 1,
            None => end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut framer = Framer::new(bytes, Vec::new());
        let mut chunks = Vec::new();
        loop {
            let chunk = framer.next().unwrap();
            if chunk.is_empty() {
                return chunks;
            }
            chunks.push(chunk);
        }
    }

    #[test]
    fn chunks_end_at_line_ends_and_add_up() {
        let mut text = Vec::new();
        for number in 0..400_000 {
            text.extend_from_slice(format!("line {number}\n").as_bytes());
        }
        text.extend_from_slice(b"no end");
        let chunks = chunks(&text);
        assert!(chunks.len() > 3);
        assert_eq!(chunks.concat(), text);
        assert_eq!(chunks.last().unwrap(), b"no end");
        for chunk in &chunks[..chunks.len() - 1] {
            assert_eq!(chunk.last(), Some(&b'\n'));
        }
    }

    #[test]
    fn a_line_beyond_the_limit_comes_in_pieces_cut_at_a_space() {
        let mut text = vec![b'x'; LONGEST_LINE - 10];
        text.push(b' ');
        text.extend(vec![b'y'; 100]);
        text.extend_from_slice(b"\nnext\n");
        let chunks = chunks(&text);
        assert_eq!(chunks[0].len(), LONGEST_LINE - 9);
        assert_eq!(chunks.concat(), text);
    }
}
