//! Stage 6: words of blocks of records go in; the blocks that may hold a word come out. A filter, never the truth.
//!
//! One tantivy document per block of up to 1,024 consecutive records holds the set of words and addresses that occur in it,
//! and one document per flagged record its score, rules, reasons and entity. Nothing here decides an answer: whoever asks
//! reads the archive for the blocks named, and for every record beyond [`Reader::covered`]. Deleting the folder loses nothing.
//!
//! Costs: 1 to 10 % of the raw bytes on disk; a look-up of a word takes microseconds to a millisecond.

mod error;
mod lookup;
mod reader;
mod schema;
mod words;
mod writer;

pub use error::IndexError;
pub use lookup::Lookup;
pub use reader::Reader;
pub use words::{BlockWords, WORD_BYTES, WordCollector};
pub use writer::{FlaggedRecord, Writer};
