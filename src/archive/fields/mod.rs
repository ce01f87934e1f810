//! In which pieces of a cut the fields of its records stand, where that is the same for all of them.
//!
//! A stripe's records are cut into constant text and variables ([`lines`](super::lines)); the stages before say which bytes of each
//! record are the value of which field ([`Noted`]). Where a field of the records that were cut alike, by one layout, lies in the
//! same pieces, which is tested on each of them ([`learn`]; the few that are otherwise are named), the stripe says so ([`FieldMap`]): its values are read as columns, and no
//! record is written out and cut again. Nothing is assumed of how a format writes its values.

mod learn;
mod noted;
mod record;
mod stored;

pub use self::learn::{LEAST, LEAST_SMALL, learn};
pub use self::noted::Noted;

/// Where a value begins or ends in the records of a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Edge {
    /// Behind so many variables and so many bytes of constant text.
    Between {
        /// Variables before it.
        variables: u32,
        /// Bytes of constant text before it.
        constant: u32,
    },
    /// Within a variable: a value begins behind the n-th of some byte, or ends before it.
    Within {
        /// The variable, from 0.
        variable: u32,
        /// The byte.
        byte: u8,
        /// Its number in the variable, from 1; below 0 from the variable's end.
        nth: i32,
    },
}

/// A value of a field in all records of a cut.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// The bytes from one place to another.
    Span(Edge, Edge),
    /// Always the same text, which does not stand in the record.
    Text(Vec<u8>),
}

/// A field of the records of a cut.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Placed {
    /// Number of its name.
    pub name: u32,
    /// Its values in order of appearance; `None` where they must be cut from each record.
    pub values: Option<Vec<Value>>,
    /// Where its one value is empty or a dash, the record does not have the field.
    pub dash: bool,
}

/// The fields of the records of a cut that were read by one layout. A field that is not there is in none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutFields {
    /// The cut.
    pub cut: u32,
    /// The layout, by its number in the stripe.
    pub layout: u32,
    /// Fields by order of first appearance.
    pub fields: Vec<Placed>,
}

/// Where the fields of the records of a stripe stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldMap {
    /// How records were cut into fields ([`Interpret::revision`](crate::model::Interpret::revision)).
    pub revision: u64,
    /// Names of the fields of the stripe, and whether some record that must be cut may have it.
    pub names: Vec<(String, bool)>,
    /// Such a record may have a field that is not named.
    pub any: bool,
    /// By cut and layout, ascending. Records of others must be cut one by one.
    pub cuts: Vec<CutFields>,
    /// Rows of the stripe that have some field elsewhere, ascending: they too must be cut one by one.
    pub except: Vec<u32>,
}

/// How the records of a stripe were cut.
#[derive(Debug, Default)]
pub struct Pieces {
    /// Of each cut, where each of its constant texts ends: one more than it has variables.
    pub ends: Vec<Vec<u32>>,
    /// The cut of each record.
    pub cuts: Vec<u32>,
    /// Bytes in the first n variables of each record, n from 0 to all of them, record after record.
    pub sums: Vec<u32>,
}

/// Whether a value stands for nothing.
pub fn is_dash(value: &[u8]) -> bool {
    matches!(value, b"" | b"-")
}

/// Offset of the n-th of a byte; below 0 it counts from the end.
pub fn nth(bytes: &[u8], byte: u8, nth: i32) -> Option<usize> {
    let skipped = (nth.unsigned_abs() as usize).checked_sub(1)?;
    if nth > 0 { memchr::memchr_iter(byte, bytes).nth(skipped) } else { memchr::memrchr_iter(byte, bytes).nth(skipped) }
}

#[cfg(test)]
mod tests;
