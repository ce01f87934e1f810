//! Stage 6: words of blocks of records go in; the blocks that may hold a word come out. A filter, never the truth.
//!
//! One tantivy document per row group names its addresses and its filter of words; one per block of up to 1,024 records the
//! words that stand in most blocks of their group; one per flagged record its score, rules, reasons and entity. Words that
//! are rare within their group cost 11.5 bits in the filter instead of some ten bytes of dictionary and postings. Nothing here
//! decides an answer: whoever asks reads the archive for the records named, and for every record beyond [`Reader::covered`].
//! Deleting the folder loses nothing.

mod error;
mod filter;
mod lookup;
mod reader;
mod schema;
mod words;
mod writer;

pub use error::IndexError;
pub use lookup::Lookup;
pub use reader::Reader;
pub use words::{BlockWords, GroupWords, WORD_BYTES, WordCollector};
pub use writer::{FlaggedRecord, Writer};
