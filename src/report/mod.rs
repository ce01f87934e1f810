//! Stage 8: hits go in; what people and programs read comes out, with nothing raw from a log in it.

mod number;
mod sanitise;

pub use number::{bytes, count, ratio, seconds, thousands};
pub use sanitise::{escape, escape_bytes};
