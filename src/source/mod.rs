//! Stage 1: where bytes come from. Paths, streams and containers go in; chunks of whole lines with their origin come out.
//!
//! [`list`] turns arguments (files, folders, patterns, `-`) into a sorted list of files. [`read_file`] unpacks one of them by
//! content, not by name, as deep as [`Caps`] allow, and hands every member to a [`Sink`] as chunks that end at line ends.
//! What can't or must not be read is refused by name, never passed over in silence.
//!
//! Memory: one chunk (1 MiB) and one unfinished line (at most 8 MiB; a longer line is handed on in pieces).

mod follow;
mod frame;
mod list;
mod unpack;

pub use follow::{Followed, Growth, grown};
pub use frame::LONGEST_LINE;
pub use list::{ListError, Listed, SourceFile, list};
pub use unpack::{
    Caps, Decision, FileEnd, Member, MemberEnd, SAMPLE_BYTES, Sink, SkippedBytes, Stop, is_container, read_file,
    read_stream,
};
