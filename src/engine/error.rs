//! Failures of the engine: those of the stages, each with its kind.

use std::path::PathBuf;

use crate::archive::ArchiveError;
use crate::detect::ModelError;
use crate::index::IndexError;
use crate::model::FailureKind;
use crate::parse::ParseError;
use crate::query::{PipeError, QueryError};
use crate::source::ListError;

/// What can go wrong while the stages work together.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The archive failed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The index failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// An argument names nothing that can be read.
    #[error(transparent)]
    List(#[from] ListError),
    /// A format is unknown or its definition broken.
    #[error(transparent)]
    Format(#[from] ParseError),
    /// The query can't be answered.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A pipe of the query can't go on.
    #[error(transparent)]
    Pipe(#[from] PipeError),
    /// A model can't be used.
    #[error("the model {} {cause}", path.display())]
    Model {
        /// Its file.
        path: PathBuf,
        /// Why.
        cause: ModelError,
    },
    /// A model can't be made.
    #[error("{0}")]
    Training(ModelError),
    /// A file outside of the store can't be read or written.
    #[error("{}: {action}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was being done.
        action: &'static str,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// A part of the archive can't be read, and going on without it was not asked for.
    #[error("{cause}; --keep-going writes what is readable of the other {} of {records} records", records.saturating_sub(*missing))]
    Unreadable {
        /// Records in that part.
        missing: u64,
        /// Records in the archive.
        records: u64,
        /// The part and what is wrong with it.
        cause: String,
    },
    /// The caller asked for what can't be.
    #[error("{0}")]
    Usage(String),
    /// A worker ended without saying why: a fault of the program.
    #[error("a worker of the {0} stage ended unexpectedly; what was committed before stays")]
    Worker(&'static str),
    /// The caller stopped the work.
    #[error("interrupted")]
    Interrupted,
}

impl EngineError {
    /// The kind of this failure.
    pub fn kind(&self) -> FailureKind {
        match self {
            EngineError::Archive(cause) => cause.kind(),
            EngineError::Index(cause) => cause.kind(),
            EngineError::List(cause) => cause.kind(),
            EngineError::Format(_) | EngineError::Query(_) | EngineError::Pipe(_) | EngineError::Usage(_) => {
                FailureKind::Usage
            }
            EngineError::Model { cause: ModelError::Version { .. }, .. } => FailureKind::Version,
            EngineError::Model { .. } => FailureKind::Damaged,
            EngineError::Training(_) => FailureKind::Usage,
            EngineError::File { .. } | EngineError::Worker(_) => FailureKind::Io,
            EngineError::Unreadable { .. } => FailureKind::Damaged,
            EngineError::Interrupted => FailureKind::Interrupted,
        }
    }
}
