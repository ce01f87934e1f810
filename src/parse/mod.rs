//! Stage 2: raw records go in; time, level and fields come out. Never refuses a line: unknown is a format.
//!
//! A [`Parser`] is the state of one input: its format (found from a sample), its header, the year its stamps leave out, the
//! record its lines are in. A format itself is stateless: the same bytes under the same [`Layout`](crate::model::Layout) give
//! the same fields always, which is how archived records are cut again ([`Registry`] implements
//! [`Interpret`](crate::model::Interpret)). A record that its input's format does not explain is tried against all others.
//! A file whose stamps have no year is scanned by [`YearScan`] first, where it can be read twice.
//! Costs: no allocation per record once buffers have grown; one pass over the bytes and one over the message.

mod access;
mod address;
mod alias;
mod calendar;
mod cluster;
mod cursor;
mod daemon;
mod detect;
mod device;
mod draft;
mod error;
mod event_format;
mod format;
mod frame;
mod generic;
mod grok;
mod json;
mod leveled;
mod message;
mod pairs;
mod parser;
mod postgres;
mod registry;
mod syslog;
mod table;
mod timestamp;
mod user;
mod web_error;
mod year;

pub use detect::Detection;
pub use error::ParseError;
pub use parser::{Hints, Parsed, Parser};
pub use registry::{REVISION, Registry};
pub use year::YearScan;
