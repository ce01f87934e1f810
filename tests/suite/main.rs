//! All tests from outside, in one binary, so that tantivy links once.

mod architecture;
mod detection;
mod formats;
mod hostile_formats;
mod process;
mod query_language;
mod query_properties;
mod real_formats;
mod world;
