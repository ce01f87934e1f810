//! All tests from outside, in one binary, so that tantivy links once.

mod architecture;
mod detection;
mod formats;
mod hostile_formats;
mod real_formats;
