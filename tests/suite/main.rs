//! All tests from outside, in one binary, so that tantivy links once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that can't go on fails"
)]

mod anomalies;
mod architecture;
mod compact;
mod compact_beside;
mod crash_rewrites;
mod crash_safety;
mod detection;
mod evidence;
mod faulty_files;
mod formats;
mod hostile_formats;
mod index_and_scan;
mod models;
mod old_formats;
mod placed_fields;
mod process;
mod query_columns;
mod query_corpus;
mod query_language;
mod query_pipes;
mod query_properties;
mod query_random;
mod real_formats;
mod real_logs;
mod rescore;
mod score;
mod search;
mod search_answers;
mod search_prompt;
mod search_streams;
mod search_terminal;
mod settings;
mod sigma;
mod sigma_public;
mod silence;
mod two_writers;
mod world;
