//! How the bytes of a record are cut into fields: enough to cut them again without the rest of the input.

use serde::{Deserialize, Serialize};

/// A format with the facts its input stated once (a header line, a user's pattern).
///
/// Stored beside the records, so that fields are cut again from archived bytes whenever they are asked for. Two records of
/// the same layout are cut by the same rules, whatever came before them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Layout {
    /// Name of the format, as `logguard formats` prints it.
    pub format: String,
    /// Column names of a format with a header (CSV, Zeek, W3C), canonical names already; empty for others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// The byte between columns where the format leaves it open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<u8>,
    /// The regular expression of a user-defined format, with named groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
}
