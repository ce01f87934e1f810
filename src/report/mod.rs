//! Stage 8: hits go in; what people and programs read comes out, with nothing raw from a log in it.

mod answer;
mod number;
mod record;
mod sanitise;
mod table;
mod text;

pub use answer::{Answer, Form, Style, pointed_at, progress};
pub use number::{bytes, count, ratio, seconds, thousands};
pub use record::{CSV_HEADER, cell, csv_of, json_of, value_of};
pub use sanitise::{escape, escape_bytes, escape_json};
pub use table::{csv_rows, json_rows, summary_line, table_of};
pub use text::{Theme, sparkline, text_of};
