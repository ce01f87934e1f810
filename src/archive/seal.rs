//! How much effort goes into making segments small.

use serde::{Deserialize, Serialize};

/// Effort of compression; a later one is slower to write and smaller. The last is slower to read too: its text is unpacked at some
/// 10 to 20 MB/s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Seal {
    /// For logs that come faster than they can be packed well.
    Fast,
    /// For everyday work.
    #[default]
    Balanced,
    /// As small as it gets, for what is kept for long and asked seldom.
    Small,
}

impl Seal {
    /// All, least effort first.
    pub const ALL: [Seal; 3] = [Seal::Fast, Seal::Balanced, Seal::Small];

    /// The level of zstd.
    pub fn level(self) -> i32 {
        match self {
            Seal::Fast => 3,
            Seal::Balanced => 7,
            Seal::Small => 19,
        }
    }

    /// The name in commands and in the log.
    pub fn name(self) -> &'static str {
        match self {
            Seal::Fast => "fast",
            Seal::Balanced => "balanced",
            Seal::Small => "small",
        }
    }
}
