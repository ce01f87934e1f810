//! What can go wrong with the index; none of it loses evidence, all of it is mended by `logguard reindex`.

use std::path::PathBuf;

use crate::model::FailureKind;

/// A failure of the index; each names the folder.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// There is no index in the folder.
    #[error("{}: no index here", folder.display())]
    Missing {
        /// The folder.
        folder: PathBuf,
    },
    /// The index belongs to another archive or was written in another form.
    #[error("{}: this index is not of this archive; run 'logguard reindex'", folder.display())]
    Foreign {
        /// The folder.
        folder: PathBuf,
    },
    /// The files of the index are damaged or can't be read.
    #[error("{}: {what}; run 'logguard reindex'", folder.display())]
    Damaged {
        /// The folder.
        folder: PathBuf,
        /// What was found.
        what: String,
    },
    /// Writing failed.
    #[error("{}: writing the index: {cause}", folder.display())]
    Write {
        /// The folder.
        folder: PathBuf,
        /// What was found.
        cause: String,
    },
}

impl IndexError {
    /// The kind of this failure.
    pub fn kind(&self) -> FailureKind {
        match self {
            IndexError::Missing { .. } => FailureKind::Missing,
            IndexError::Foreign { .. } => FailureKind::Version,
            IndexError::Damaged { .. } => FailureKind::Damaged,
            IndexError::Write { .. } => FailureKind::Io,
        }
    }
}
