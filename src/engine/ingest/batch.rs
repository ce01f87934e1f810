//! What flows between the stages: a block of up to 1,024 records in columns, reused when it has gone through.

use crate::archive::CustodyKind;
use crate::detect::SessionVerdict;
use crate::model::{InputId, Layout, Verdict};
use crate::parse::Parsed;

/// Records of one block: the unit of the index.
pub const BLOCK_RECORDS: usize = 1_024;
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
    /// Inputs that ended with records of this block: offset and reason of what could not be read.
    pub ends: Vec<(InputId, Skip)>,
}

/// Offset from which an input could not be read, and why.
pub type Skip = Option<(u64, String)>;

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
    /// The input goes on behind known bytes: the hash that has taken them in, and how many records and lines they are.
    Resume {
        /// The input.
        input: InputId,
        /// Hash of the known bytes.
        hash: Box<sha2::Sha256>,
        /// Known bytes.
        bytes: u64,
        /// Known records.
        records: u64,
        /// Known lines.
        lines: u64,
    },
    /// The input was read to its end.
    End {
        /// The input.
        input: InputId,
        /// What could not be read of it: offset and reason.
        skipped: Skip,
    },
    /// Something to be noted in the log of custody.
    Note(Box<CustodyKind>),
    /// Sessions that have ended, where they are asked for.
    Sessions(Vec<SessionVerdict>),
    /// Everything so far is to be committed now.
    Flush,
}
