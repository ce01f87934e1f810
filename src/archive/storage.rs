//! The few durable operations the archive needs, behind a trait: local files now, object storage later.
//!
//! Names are relative to the archive's folder and use `/`. Durability: when `create`, `append`, `truncate` or `rename` returns, the
//! bytes and the name survive a power failure. [`FileStorage`] makes them from the primitive steps of [`Files`], which a test can
//! lose, cut short or let fail one by one.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

pub use super::files::{Ends, Held, LockKind};
use super::files::{Files, LocalFiles};

/// Files written once and read many times, and one log that only grows.
pub trait Storage: Send + Sync {
    /// The place of a file, for messages.
    fn path(&self, name: &str) -> PathBuf;
    /// Writes a new file that appears whole or not at all, durably.
    fn create(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Appends to a file, durably; makes it if it is not there.
    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Cuts a file to `len` bytes, durably. Only recovery calls this, after it has set the tail aside.
    fn truncate(&self, name: &str, len: u64) -> io::Result<()>;
    /// All bytes of a file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;
    /// Exactly `len` bytes at `offset`.
    fn read_at(&self, name: &str, offset: u64, len: usize) -> io::Result<Vec<u8>>;
    /// Length of a file in bytes.
    fn len(&self, name: &str) -> io::Result<u64>;
    /// Length of a file, and so many bytes of its beginning and its end, or as many as there are.
    fn ends(&self, name: &str, head: usize, tail: usize) -> io::Result<Ends>;
    /// Names in a folder, sorted; empty where there is no such folder.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;
    /// Moves a file within the archive, durably.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file, durably. Only a segment that the log says was replaced is removed.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Takes the lock of this name, if nobody holds it who excludes that, until what is given is dropped; never waits.
    fn lock(&self, name: &str, kind: LockKind) -> io::Result<Option<Held>>;
}

/// Durable operations made of the steps of plain files.
#[derive(Debug)]
pub struct FileStorage<F> {
    files: F,
    /// Names that this process has made sure are durable: a process that was killed may have left others that are not.
    durable: Mutex<HashSet<String>>,
}

/// Files of one local folder.
pub type DiskStorage = FileStorage<LocalFiles>;

impl DiskStorage {
    /// Storage in `root`; nothing is touched yet.
    pub fn new(root: &Path) -> DiskStorage {
        FileStorage::over(LocalFiles::new(root))
    }
}

impl<F: Files> FileStorage<F> {
    /// Storage made of the steps of `files`.
    pub fn over(files: F) -> FileStorage<F> {
        FileStorage { files, durable: Mutex::default() }
    }

    /// Makes the folder of a file and all above it durable, once a process.
    fn make_folder_of(&self, name: &str) -> io::Result<()> {
        let Some((folder, _)) = name.rsplit_once('/') else { return Ok(()) };
        if self.is_durable(folder) {
            return Ok(());
        }
        self.make_folder_of(folder)?;
        self.files.make_folder(folder)?;
        self.files.sync_folder(folder_of(folder))?;
        self.note_durable(folder);
        Ok(())
    }

    fn is_durable(&self, name: &str) -> bool {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    fn note_durable(&self, name: &str) {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
    }
}

/// The folder of a name, empty for the archive's own.
fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

impl<F: Files> Storage for FileStorage<F> {
    fn path(&self, name: &str) -> PathBuf {
        self.files.path(name)
    }

    fn create(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.make_folder_of(name)?;
        let temporary = format!("{name}.tmp");
        let written = (|| {
            let mut file = self.files.create(&temporary)?;
            file.write(bytes)?;
            // Before it gets its name: a name must never stand for bytes that a power failure can take.
            file.sync()?;
            self.files.rename(&temporary, name)
        })();
        if let Err(cause) = written {
            // A half-written file would only take room on a disk that may be full already.
            let _ = self.files.remove(&temporary);
            return Err(cause);
        }
        self.files.sync_folder(folder_of(name))
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.make_folder_of(name)?;
        let mut file = self.files.open(name)?;
        file.write(bytes)?;
        file.sync()?;
        if !self.is_durable(name) {
            self.files.sync_folder(folder_of(name))?;
            self.note_durable(name);
        }
        Ok(())
    }

    fn truncate(&self, name: &str, len: u64) -> io::Result<()> {
        let mut file = self.files.open(name)?;
        file.cut(len)?;
        file.sync()
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.files.read(name)
    }

    fn read_at(&self, name: &str, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        self.files.read_at(name, offset, len)
    }

    fn ends(&self, name: &str, head: usize, tail: usize) -> io::Result<Ends> {
        self.files.ends(name, head, tail)
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        self.files.len(name)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.files.list(folder)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.make_folder_of(to)?;
        // Its bytes may be those of a process that was killed before it could make them durable.
        self.files.open(from)?.sync()?;
        self.files.rename(from, to)?;
        // The new name first: a failure between the two leaves the file under both rather than under none.
        self.files.sync_folder(folder_of(to))?;
        self.files.sync_folder(folder_of(from))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.files.remove(name)?;
        self.files.sync_folder(folder_of(name))
    }

    fn lock(&self, name: &str, kind: LockKind) -> io::Result<Option<Held>> {
        self.files.lock(name, kind)
    }
}
