//! What a stripe shares with the text of its chunks: the constant text of its templates and the words of its dictionaries.
//!
//! Records that are kept whole are made of the words and phrases of all others. With these as zstd's dictionary their text takes up to a
//! sixth less, most where it comes in small packs.

use std::sync::{Arc, OnceLock};

use super::DecodeError;
use super::forms::TableForm;
use super::words::Dictionaries;

/// Bytes that are shared at most: what is behind them is left out.
const MOST: usize = 1 << 20;

/// The shared text, put together when it is first needed.
#[derive(Clone, Copy)]
pub struct Lexicon<'a> {
    pub table: &'a TableForm,
    pub dictionaries: &'a Dictionaries,
    pub text: &'a OnceLock<Arc<Vec<u8>>>,
}

impl Lexicon<'_> {
    /// The constant text of each template, then each word of each dictionary, all ended by a line feed.
    pub fn text(&self) -> Result<Arc<Vec<u8>>, DecodeError> {
        if let Some(text) = self.text.get() {
            return Ok(Arc::clone(text));
        }
        let constants = self.table.constants();
        let (mut size, mut all) = (constants.len(), Vec::new());
        for number in 0..self.dictionaries.len() {
            if size >= MOST {
                break;
            }
            let words = self.dictionaries.get(number, None)?;
            size += words.lines_len();
            all.push(words);
        }
        let mut text = constants;
        text.reserve_exact(size.saturating_sub(text.len()));
        all.iter().for_each(|words| words.lines_into(&mut text));
        text.truncate(MOST);
        Ok(Arc::clone(self.text.get_or_init(|| Arc::new(text))))
    }
}
