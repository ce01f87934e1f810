//! Lines -> records: each parser says where records begin, and what time, level and fields they have.

use std::collections::HashMap;

use crossbeam_channel::{Receiver, SendError, Sender};

use super::batch::{Block, Flow, Row};
use super::feed::Fed;
use crate::model::InputId;
use crate::parse::{Parsed, Parser};

/// A record is not continued beyond this many bytes: what follows is a record of its own.
const LONGEST_RECORD: usize = 1 << 20;

struct OpenInput {
    parser: Box<Parser>,
    /// Offset in the input of the next byte.
    offset: u64,
}

/// The second stage.
pub struct Understand {
    out: Sender<Flow>,
    recycled: Receiver<Box<Block>>,
    open: HashMap<InputId, OpenInput>,
    block: Box<Block>,
    /// The record in the making: its input, where it starts in the block, its offset.
    current: Option<(InputId, usize, u64)>,
    cuts: Vec<usize>,
}

impl Understand {
    /// A stage that hands blocks to `out` and takes used ones back.
    pub fn new(out: Sender<Flow>, recycled: Receiver<Box<Block>>) -> Understand {
        let block = Box::default();
        Understand { out, recycled, open: HashMap::new(), block, current: None, cuts: Vec::new() }
    }

    /// Works until the feed ends.
    pub fn run(mut self, feed: &Receiver<Fed>) -> Result<(), SendError<Flow>> {
        for fed in feed {
            match fed {
                Fed::Begin { input, parser, known } => {
                    let mut offset = 0;
                    if let Some((known, hash)) = known {
                        offset = known.cursor.bytes;
                        self.pass(Flow::Resume { known: known.cursor, hash })?;
                    }
                    self.open.insert(input, OpenInput { parser, offset });
                }
                Fed::Lines(input, bytes) => self.lines(input, &bytes)?,
                Fed::End(input, ended) => {
                    self.finish_record()?;
                    self.open.remove(&input);
                    // Behind its records, without cutting the block short: small inputs share blocks.
                    if self.block.rows.is_empty() {
                        self.out.send(Flow::End { input, ended })?;
                    } else {
                        self.block.ends.push((input, ended));
                    }
                }
                Fed::Note(kind) => self.pass(Flow::Note(kind))?,
                Fed::Flush => self.pass(Flow::Flush)?,
            }
        }
        self.finish_record()?;
        self.send_block()
    }

    /// Hands something on behind all records so far. Notes may overtake: they say nothing of records.
    fn pass(&mut self, flow: Flow) -> Result<(), SendError<Flow>> {
        if !matches!(flow, Flow::Note(_)) {
            self.finish_record()?;
            self.send_block()?;
        }
        self.out.send(flow)
    }

    fn lines(&mut self, input: InputId, bytes: &[u8]) -> Result<(), SendError<Flow>> {
        if self.current.is_some_and(|(other, ..)| other != input) {
            self.finish_record()?;
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (line, after) = rest.split_at(end);
            self.line(input, line)?;
            rest = after;
        }
        Ok(())
    }

    fn line(&mut self, input: InputId, line: &[u8]) -> Result<(), SendError<Flow>> {
        let mut cuts = std::mem::take(&mut self.cuts);
        cuts.clear();
        if let Some(open) = self.open.get_mut(&input) {
            open.parser.line(line, &mut cuts);
        }
        let is_too_long =
            self.current.is_some_and(|(_, start, _)| self.block.bytes.len() - start + line.len() > LONGEST_RECORD);
        if cuts.first() != Some(&0) && (self.current.is_none() || is_too_long) {
            cuts.insert(0, 0);
        }
        let mut from = 0;
        for cut in &cuts {
            let cut = (*cut).clamp(from, line.len());
            self.append(input, line.get(from..cut).unwrap_or_default());
            from = cut;
            self.finish_record()?;
            self.begin_record(input);
        }
        self.append(input, line.get(from..).unwrap_or_default());
        self.cuts = cuts;
        Ok(())
    }

    fn begin_record(&mut self, input: InputId) {
        let offset = self.open.get(&input).map_or(0, |open| open.offset);
        self.current = Some((input, self.block.bytes.len(), offset));
    }

    fn append(&mut self, input: InputId, bytes: &[u8]) {
        self.block.bytes.extend_from_slice(bytes);
        if let Some(open) = self.open.get_mut(&input) {
            open.offset += bytes.len() as u64;
        }
    }

    /// Parses the record in the making and makes it a row; a full block is handed on.
    fn finish_record(&mut self) -> Result<(), SendError<Flow>> {
        let Some((input, start, offset)) = self.current.take() else { return Ok(()) };
        let end = self.block.bytes.len();
        let Some(open) = self.open.get_mut(&input) else { return Ok(()) };
        if end == start {
            return Ok(());
        }
        let block = &mut *self.block;
        let row = block.rows.len();
        if block.parsed.len() <= row {
            block.parsed.push(Parsed::default());
        }
        let (Some(raw), Some(parsed)) = (block.bytes.get(start..end), block.parsed.get_mut(row)) else { return Ok(()) };
        open.parser.parse(raw, parsed);
        let number = parsed.layout;
        let known = block.layouts.iter().rposition(|(of, layout, _)| (*of, *layout) == (input, number));
        let layout = known.unwrap_or_else(|| {
            let layout = open.parser.layouts().get(number as usize).cloned().unwrap_or_default();
            block.layouts.push((input, number, layout));
            block.layouts.len() - 1
        }) as u32;
        block.rows.push(Row {
            input,
            offset,
            start,
            end,
            layout,
            template: 0,
            score: 0.0,
            novelty: 0.0,
            raised: false,
        });
        if block.is_full() { self.send_block() } else { Ok(()) }
    }

    fn send_block(&mut self) -> Result<(), SendError<Flow>> {
        if self.block.rows.is_empty() {
            return Ok(());
        }
        let next = self.recycled.try_recv().unwrap_or_default();
        self.out.send(Flow::Block(std::mem::replace(&mut self.block, next)))
    }
}
