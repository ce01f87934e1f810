//! Questions the index can answer.

/// A condition on blocks; an answer names every block that may satisfy it, and perhaps some that do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// Any block.
    All,
    /// No block.
    Nothing,
    /// Blocks that satisfy all.
    And(Vec<Lookup>),
    /// Blocks that satisfy one.
    Or(Vec<Lookup>),
    /// Blocks with this word: lower case, whole, cut at [`super::WORD_BYTES`].
    Word(String),
    /// Blocks with an address in this range, both ends included, IPv4 as `::ffff:a.b.c.d`.
    Address {
        /// Lowest address.
        low: u128,
        /// Highest address.
        high: u128,
    },
}
