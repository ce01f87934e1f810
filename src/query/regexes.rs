//! Builds the linear-time regular expressions of queries with bounded memory.

use regex::bytes::{Regex, RegexBuilder};

/// Most bytes a compiled expression may take; its lazy automaton may take as many again.
const SIZE_LIMIT: usize = 8 << 20;

/// Compiles an expression over bytes; Unicode where the bytes are valid UTF-8.
pub(crate) fn build(pattern: &str, ignore_case: bool) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern)
        .case_insensitive(ignore_case)
        .size_limit(SIZE_LIMIT)
        .dfa_size_limit(SIZE_LIMIT)
        .nest_limit(100)
        .build()
}
