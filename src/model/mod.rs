//! Ground floor: the plain words every stage speaks (record, origin, time, level, fields, query tree, failure kind).
//!
//! Nothing here does I/O, starts a thread or reads a clock; every stage may know this module and it knows nobody.

mod address;
mod caseless;
mod failure;
mod fields;
mod found;
mod incidents;
mod layout;
mod level;
mod name;
mod origin;
pub mod query;
mod record;
mod template;
mod time;
mod verdict;

pub use address::{Addresses, addresses};
pub use caseless::Caseless;
pub use failure::FailureKind;
pub use fields::{FieldSet, Fields};
pub use found::FoundRecord;
pub use incidents::Incidents;
pub use layout::Layout;
pub use level::Level;
pub use name::{COMMON_FIELDS, canonical_name};
pub use origin::{InputId, Origin, RecordId};
pub use record::{Interpret, RecordView};
pub use template::{Cut, Slot, SlotKind};
pub use time::{TimeQuality, TimeRange, Timestamp, Zone, lasting};
pub use verdict::{Reason, Verdict};
