//! A head of an archive as somebody keeps it elsewhere: `RECORDS:ROOT`, or `RECORDS:ROOT:ENTRIES:HASH`.

use std::fmt;
use std::path::Path;

use crate::archive::{Sha, Snapshot};
use crate::engine::EngineError;

/// What pins an archive down: nothing that it covers can change without another head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Number of records.
    pub records: u64,
    /// Root of the record tree over them.
    pub root: Sha,
    /// Number of entries of the log, and the SHA-256 of the last of them.
    pub log: Option<(u64, Sha)>,
}

impl Head {
    /// The head of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Head {
        let entries = snapshot.commits();
        let last = entries.checked_sub(1).and_then(|last| snapshot.entry_hash(last));
        Head { records: snapshot.records(), root: snapshot.root(), log: last.map(|last| (entries, last)) }
    }

    /// Reads a head as it is printed, or the first line of a file that holds one.
    pub fn read(text: &str) -> Result<Head, EngineError> {
        if let Some(head) = Head::parse(text) {
            return Ok(head);
        }
        let line = std::fs::read_to_string(Path::new(text));
        let head = line.ok().and_then(|line| Head::parse(line.lines().next().unwrap_or_default()));
        head.ok_or_else(|| {
            EngineError::Usage(format!(
                "'{text}' is no head and no file with one; give --head RECORDS:ROOT as an earlier verify has printed it"
            ))
        })
    }

    fn parse(text: &str) -> Option<Head> {
        let parts: Vec<&str> = text.trim().split(':').collect();
        let (records, root, log) = match parts[..] {
            [records, root] => (records, root, None),
            [records, root, entries, hash] => (records, root, Some((entries.parse().ok()?, Sha::parse(hash)?))),
            _ => return None,
        };
        Some(Head { records: records.parse().ok()?, root: Sha::parse(root)?, log })
    }
}

impl fmt::Display for Head {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.records, self.root)?;
        match self.log {
            Some((entries, hash)) => write!(out, ":{entries}:{hash}"),
            None => Ok(()),
        }
    }
}

impl serde::Serialize for Head {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_printed() {
        let (root, hash) = (Sha::of(b"root"), Sha::of(b"entry"));
        for head in [Head { records: 7, root, log: None }, Head { records: 0, root, log: Some((3, hash)) }] {
            assert_eq!(Head::read(&head.to_string()).unwrap(), head);
        }
        for bad in ["", "7", "7:abc", "x:y", "7:00:1", "/no/such/file"] {
            assert!(Head::read(bad).is_err(), "{bad}");
        }
    }
}
