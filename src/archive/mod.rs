//! Stage 5: the evidence. Records go in; immutable segment files and the log of custody come out.
//!
//! In: blocks of records in ingest order ([`GroupBuilder`] encodes up to 8,192 of them into one row group, on any thread),
//! appended in order by the one [`Writer`]; a [`Rewriter`] may seal segments again beside it. Out: a [`Snapshot`] of whole commits, from which row groups are read column by
//! column, each column checked against its checksum before a byte of it is used.
//!
//! Costs: a row group is decoded as a whole (4 MiB of raw bytes, a few milliseconds); columns other than the lines take
//! microseconds. Memory: one row group per reader, one segment (64 MiB raw, compressed) per writer.

mod chain;
mod check;
mod column;
mod custody;
mod error;
mod fields;
mod files;
mod frame;
mod group;
pub mod lines;
mod log;
mod reader;
mod rewriter;
mod seal;
mod segment;
mod state;
mod storage;
mod tree;
pub mod values;
mod writer;

pub use check::{HashedGroup, InputPart};
pub use custody::{
    Acquisition, Completion, Cursor, CustodyEntry, CustodyKind, Resumption, RunRecord, SegmentEntry, Skipped,
};
pub use error::ArchiveError;
pub use files::{Files, LocalFiles, OpenFile};
pub use group::{
    EncodedStripe, GroupColumns, GroupLines, GroupStats, Needs, NewRecord, Run, SCORE_STEPS, StripeBuilder,
};
pub use log::{LOCKS, Recovery};
pub use reader::{GroupRef, Snapshot};
pub use rewriter::{Rewrite, Rewriter};
pub use seal::Seal;
pub use segment::FORMAT_VERSION;
pub use state::{CommitMark, ContainerState, InputState, SetAsideState};
pub use storage::{DiskStorage, FileStorage, Held, LockKind, Storage};
pub use tree::{BLOCK_LEAVES, Frontier, Sha, TreeHead, record_leaf};
pub use writer::{SEGMENT_RAW_BYTES, Writer};
