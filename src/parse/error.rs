//! What can be wrong with a request to parse: never a line, only a format's name or definition.

use crate::model::FailureKind;

/// A request that can't be met.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// A format that does not exist was asked for by name.
    #[error("unknown format '{name}'{}; known formats: {}", suggest(.nearest), .known.join(", "))]
    UnknownFormat {
        /// The name asked for.
        name: String,
        /// The known name that is closest, if one is close.
        nearest: Option<String>,
        /// All known names.
        known: Vec<String>,
    },
    /// A file of formats can't be read as such.
    #[error("{file}: {reason}")]
    File {
        /// The file.
        file: String,
        /// What is wrong, with the line where it is known.
        reason: String,
    },
    /// A format in a file is broken.
    #[error("{file}: format '{format}': {reason}")]
    Format {
        /// The file.
        file: String,
        /// The format's name.
        format: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A sample does not give what its format says.
    #[error("{file}: format '{format}', sample {sample}: {reason}")]
    Sample {
        /// The file.
        file: String,
        /// The format's name.
        format: String,
        /// Number of the sample, from 1.
        sample: usize,
        /// What is different.
        reason: String,
    },
}

impl ParseError {
    /// The kind of failure: a caller's mistake, always.
    pub fn kind(&self) -> FailureKind {
        FailureKind::Usage
    }
}

fn suggest(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or(String::new(), |name| format!(", did you mean '{name}'?"))
}

/// The known name with the fewest edits to `name`, if that is at most a third of its letters.
pub(super) fn nearest(name: &str, known: &[String]) -> Option<String> {
    let distances = known.iter().map(|other| (distance(name.as_bytes(), other.as_bytes()), other));
    let (edits, other) = distances.min()?;
    (edits <= name.len().div_ceil(3)).then(|| other.clone())
}

/// Levenshtein's distance, in one row.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b) {
            let next = (diagonal + usize::from(x != y)).min(*cell + 1).min(left + 1);
            diagonal = std::mem::replace(cell, next);
            left = next;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}
