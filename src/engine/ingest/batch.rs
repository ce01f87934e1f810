//! What flows between the stages: a block of up to 1,024 records in columns, reused when it has gone through.

use crate::archive::{Cursor, CustodyKind};
use crate::detect::SessionVerdict;
use crate::model::{InputId, Layout, Verdict};
use crate::parse::Parsed;

/// Records of one block: the unit of the index.
const BLOCK_RECORDS: usize = 1_024;
/// A block is full at this many raw bytes too.
pub const BLOCK_BYTES: usize = 1 << 20;

/// One record of a block.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its input.
    pub input: InputId,
    /// Offset of its first byte in the input.
    pub offset: u64,
    /// Its range in the block's bytes.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// Position of its layout in the block's list.
    pub layout: u32,
    /// Position of its template in the block's list.
    pub template: u32,
    /// Score and novelty, 0 to 1.
    pub score: f32,
    /// Learned surprise alone.
    pub novelty: f32,
    /// Whether an incident begins with it, where incidents are asked for.
    pub raised: bool,
}

/// A block of consecutive records.
#[derive(Default)]
pub struct Block {
    /// Raw bytes, record after record.
    pub bytes: Vec<u8>,
    /// Its records.
    pub rows: Vec<Row>,
    /// What the parsers made of them, one each; longer than `rows` where an earlier use had more.
    pub parsed: Vec<Parsed>,
    /// Distinct layouts, with the input and the parser's number they stand for.
    pub layouts: Vec<(InputId, u32, Layout)>,
    /// Distinct templates.
    pub templates: Vec<(u64, String)>,
    /// Verdicts worth keeping, by row.
    pub verdicts: Vec<(u32, Verdict)>,
    /// Inputs that ended with records of this block.
    pub ends: Vec<(InputId, Ended)>,
}

/// How an input ended, by the count of the stage that reads.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    /// Bytes read of it, from its first.
    pub read: u64,
    /// Line feeds among them.
    pub line_feeds: u64,
    /// Offset from which it could not be read, and why.
    pub skipped: Option<(u64, String)>,
}

impl Block {
    /// Empties the block and keeps its memory, unless one huge record made it huge.
    pub fn recycle(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(2 * BLOCK_BYTES);
        self.rows.clear();
        self.layouts.clear();
        self.templates.clear();
        self.verdicts.clear();
        self.ends.clear();
    }

    /// Whether it has room for no more records.
    pub fn is_full(&self) -> bool {
        self.rows.len() >= BLOCK_RECORDS || self.bytes.len() >= BLOCK_BYTES
    }
}

/// What a stage hands to the next, in order.
pub enum Flow {
    /// Records.
    Block(Box<Block>),
    /// The input goes on behind known bytes.
    Resume {
        /// What is known.
        known: Cursor,
        /// The hash that has taken the known bytes in.
        hash: Box<sha2::Sha256>,
    },
    /// The input was read to its end.
    End {
        /// The input.
        input: InputId,
        /// How.
        ended: Ended,
    },
    /// Something to be noted in the log of custody.
    Note(Box<CustodyKind>),
    /// Sessions that have ended, where they are asked for.
    Sessions(Vec<SessionVerdict>),
    /// Everything so far is to be committed now.
    Flush,
}
