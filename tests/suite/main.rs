//! All tests from outside, in one binary, so that tantivy links once.

mod architecture;
mod query_language;
mod query_properties;
