//! The kinds of failure a caller can tell apart; two tables (exit codes, HTTP statuses) hang on them.

/// What kind of thing went wrong, independent of the stage in which it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The caller asked for something that can't be: a bad query, flag, format file or value.
    Usage,
    /// A named file, record or store does not exist.
    Missing,
    /// The operating system refused: permission, full disk, broken pipe.
    Io,
    /// Another process holds the store.
    Locked,
    /// The store was written by another version of the format.
    Version,
    /// Stored bytes are not what was written.
    Damaged,
    /// A stated limit (memory, time, depth, count) was reached.
    Limit,
    /// The caller interrupted the work.
    Interrupted,
}

impl FailureKind {
    /// The exit code of the program for this kind; everything that failed or stayed incomplete is 2.
    pub fn exit_code(self) -> u8 {
        2
    }
}
