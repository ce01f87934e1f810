//! The fields of an index document and the tokenizer that takes ready-made words apart.

use serde::{Deserialize, Serialize};
use tantivy::schema::{BytesOptions, FAST, Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// Version of the schema; another one means: rebuild.
pub const SCHEMA_VERSION: u32 = 2;
/// The file of the filters of words.
pub const FILTERS: &str = "words.filters";
/// Name under which the tokenizer is registered.
pub const LINES: &str = "lines";
/// The fields by name.
#[derive(Debug, Clone, Copy)]
pub struct Fields {
    /// Id of the first record of a block or group; of a flagged record its id.
    pub first: Field,
    /// Number of records of a block or group; 0 for a flagged record's document.
    pub count: Field,
    /// Usual words of a block, lower case, one a line.
    pub word: Field,
    /// Addresses in a group as 16 bytes (IPv4 as `::ffff:a.b.c.d`).
    pub address: Field,
    /// Of a group, where its filter of words begins in the file of filters.
    pub filter_at: Field,
    /// Of a group, the length of that filter; 0: the group may hold any word and any address.
    pub filter_len: Field,
    /// Of a group, XXH3-64 of that filter.
    pub filter_sum: Field,
    /// Score of a flagged record.
    pub score: Field,
    /// Rules of a flagged record.
    pub rule: Field,
    /// Words of the reasons of a flagged record.
    pub reason: Field,
    /// Entity of a flagged record.
    pub entity: Field,
}

/// The schema of the index.
pub fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let lines = || {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(LINES)
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::Basic);
        TextOptions::default().set_indexing_options(indexing)
    };
    let fields = Fields {
        first: builder.add_u64_field("first", FAST),
        count: builder.add_u64_field("count", FAST),
        word: builder.add_text_field("word", lines()),
        address: builder.add_bytes_field("address", BytesOptions::default().set_indexed()),
        filter_at: builder.add_u64_field("filter_at", FAST),
        filter_len: builder.add_u64_field("filter_len", FAST),
        filter_sum: builder.add_u64_field("filter_sum", FAST),
        score: builder.add_f64_field("score", FAST),
        rule: builder.add_text_field("rule", lines()),
        reason: builder.add_text_field("reason", lines()),
        entity: builder.add_text_field("entity", lines()),
    };
    (builder.build(), fields)
}

/// What a commit of the index says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// See [`SCHEMA_VERSION`].
    pub schema: u32,
    /// Identity of the archive that the records are of.
    pub archive: String,
    /// Records covered: all with a smaller id are in the index.
    pub records: u64,
}

/// Takes a text apart at line feeds.
#[derive(Debug, Clone, Default)]
pub struct LineTokenizer {
    token: Token,
}

/// The lines of one text.
#[derive(Debug)]
pub struct LineTokens<'a> {
    rest: Option<&'a str>,
    token: &'a mut Token,
}

impl Tokenizer for LineTokenizer {
    type TokenStream<'a> = LineTokens<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> LineTokens<'a> {
        self.token.reset();
        LineTokens { rest: (!text.is_empty()).then_some(text), token: &mut self.token }
    }
}

impl TokenStream for LineTokens<'_> {
    fn advance(&mut self) -> bool {
        let Some(rest) = self.rest else { return false };
        let (line, after) = match rest.split_once('\n') {
            Some((line, after)) => (line, (!after.is_empty()).then_some(after)),
            None => (rest, None),
        };
        self.rest = after;
        self.token.text.clear();
        self.token.text.push_str(line);
        self.token.position = self.token.position.wrapping_add(1);
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
