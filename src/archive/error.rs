//! What can go wrong with the archive, with the file and the place in it.

use std::io;
use std::path::PathBuf;

use crate::model::FailureKind;

/// A failure of the archive; each names the file it is about.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The operating system refused.
    #[error("{}: {action}: {cause}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was being done, in two or three words.
        action: &'static str,
        /// What the operating system said.
        cause: io::Error,
    },
    /// Another process does what only one may do at a time.
    #[error("{}: another logguard {who}; wait for it or stop it", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// What it does.
        who: &'static str,
    },
    /// Another process added records although this one holds the lock: locks do not work where the archive lies.
    #[error("{}: another process added records to this archive in spite of its lock; nothing more is added, run it again", path.display())]
    Overtaken {
        /// The log of custody.
        path: PathBuf,
    },
    /// There is no archive in the folder.
    #[error("{}: no archive here; run 'logguard process PATH' first or name its folder with --data", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// The archive was written in another version of the format.
    #[error("{}: format version {found}, this logguard reads versions 2 to {known}", path.display())]
    Version {
        /// The file that says so.
        path: PathBuf,
        /// The version it states.
        found: u64,
        /// The version this program knows.
        known: u64,
    },
    /// Stored bytes are not what was written.
    #[error("{}: damaged at offset {offset}: {what}", path.display())]
    Damaged {
        /// The damaged file.
        path: PathBuf,
        /// Offset in it of the part that is damaged.
        offset: u64,
        /// The part and how it differs.
        what: String,
    },
    /// A write failed before; nothing more is written, so that no later commit can hide the gap.
    #[error("{}: writing stopped after an earlier failure", path.display())]
    Poisoned {
        /// The folder of the archive.
        path: PathBuf,
    },
}

impl ArchiveError {
    /// The kind of this failure.
    pub fn kind(&self) -> FailureKind {
        match self {
            ArchiveError::Io { .. } | ArchiveError::Poisoned { .. } => FailureKind::Io,
            ArchiveError::Locked { .. } | ArchiveError::Overtaken { .. } => FailureKind::Locked,
            ArchiveError::Missing { .. } => FailureKind::Missing,
            ArchiveError::Version { .. } => FailureKind::Version,
            ArchiveError::Damaged { .. } => FailureKind::Damaged,
        }
    }
}
