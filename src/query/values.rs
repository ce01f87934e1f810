//! What columns of values are made of ([`ValueColumn`]): what is asked of a value is decided once for each different list, and records
//! are counted by number.

use std::net::IpAddr;

pub use crate::archive::values::{Builder, ValueColumn};
use crate::model::{RecordView, addresses};

/// What the values are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Of {
    /// All values of a field, in order of appearance.
    Field(String),
    /// The addresses in the line; see [`address_of`].
    Addresses,
}

impl Of {
    /// The name of the field; empty for addresses.
    pub fn name(&self) -> &str {
        match self {
            Of::Field(name) => name,
            Of::Addresses => "",
        }
    }

    /// Hands over the values of a record; for [`Of::Field`] its fields must be cut.
    pub(super) fn fill(&self, record: &RecordView<'_>, builder: &mut Builder) {
        match self {
            Of::Field(name) => record.fields.all(name).for_each(|value| builder.value(value)),
            Of::Addresses => addresses(record.line()).for_each(|address| match address {
                IpAddr::V4(address) => builder.value(&address.octets()),
                IpAddr::V6(address) => builder.value(&address.octets()),
            }),
        }
    }
}

/// An address from its 4 or 16 bytes.
pub(super) fn address_of(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    v4.or_else(|| <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from))
}
