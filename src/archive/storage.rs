//! The few file operations the archive needs, behind a trait: local files now, a test layer or object storage later.
//!
//! Names are relative to the archive's folder and use `/`. Durability: when `create` or `append` returns, the bytes and the
//! name survive a power failure.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    /// Names in a folder, sorted; empty where there is no such folder.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;
    /// Moves a file within the archive, durably.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
}

/// Files of one local folder.
#[derive(Debug, Clone)]
pub struct DiskStorage {
    root: Arc<PathBuf>,
}

impl DiskStorage {
    /// Storage in `root`; nothing is touched yet.
    pub fn new(root: &Path) -> DiskStorage {
        DiskStorage { root: Arc::new(root.to_owned()) }
    }

    fn parent_synced(path: &Path) -> io::Result<()> {
        match path.parent() {
            Some(parent) => File::open(parent)?.sync_all(),
            None => Ok(()),
        }
    }

    fn make_parent(path: &Path) -> io::Result<()> {
        match path.parent() {
            Some(parent) if !parent.is_dir() => {
                fs::create_dir_all(parent)?;
                Self::parent_synced(parent)
            }
            _ => Ok(()),
        }
    }
}

impl Storage for DiskStorage {
    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn create(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(name);
        Self::make_parent(&path)?;
        let temporary = path.with_extension("tmp");
        let written = (|| {
            let mut file = File::create(&temporary)?;
            file.write_all(bytes)?;
            file.sync_all()
        })();
        if let Err(cause) = written {
            // A half-written file would only take room on a disk that may be full already.
            let _ = fs::remove_file(&temporary);
            return Err(cause);
        }
        fs::rename(&temporary, &path)?;
        Self::parent_synced(&path)
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(name);
        Self::make_parent(&path)?;
        let is_new = !path.exists();
        let mut file = OpenOptions::new().append(true).create(true).open(&path)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        if is_new { Self::parent_synced(&path) } else { Ok(()) }
    }

    fn truncate(&self, name: &str, len: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.path(name))?;
        file.set_len(len)?;
        file.sync_all()
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path(name))
    }

    fn read_at(&self, name: &str, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let file = File::open(self.path(name))?;
        let end = offset.checked_add(len as u64);
        if end.is_none_or(|end| end > file.metadata().map_or(0, |m| m.len())) {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file ends before this part"));
        }
        let mut bytes = vec![0; len];
        read_exact_at(&file, &mut bytes, offset)?;
        Ok(bytes)
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.path(name))?.len())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.path(folder)) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(cause),
        };
        let mut names = Vec::new();
        for entry in entries {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (self.path(from), self.path(to));
        Self::make_parent(&to)?;
        fs::rename(&from, &to)?;
        Self::parent_synced(&from)?;
        Self::parent_synced(&to)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(not(unix))]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = file.try_clone()?;
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(bytes)
}
