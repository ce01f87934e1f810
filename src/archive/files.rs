//! The primitive file operations that durable storage is made of. None of them is durable by itself: bytes survive a power failure
//! after [`OpenFile::sync`], names after [`Files::sync_folder`] of their folder.
//!
//! Names are relative to the archive's folder and use `/`; the empty name is the folder itself.

use std::any::Any;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Whether others may hold a lock too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockKind {
    /// Nobody else may. The lock's file is made where it is not there.
    Alone,
    /// Others may that say the same. Nothing is made: one who reads writes nothing.
    Shared,
}

/// A lock that is held until this is dropped.
pub type Held = Box<dyn Any + Send + Sync>;

/// Plain files in folders.
pub trait Files: Send + Sync {
    /// The place of a file, for messages.
    fn path(&self, name: &str) -> PathBuf;
    /// Makes a folder; no failure where there is one.
    fn make_folder(&self, name: &str) -> io::Result<()>;
    /// Makes a file, empty; one of that name loses its bytes.
    fn create(&self, name: &str) -> io::Result<Box<dyn OpenFile>>;
    /// Opens a file to write at its end; makes it if it is not there.
    fn open(&self, name: &str) -> io::Result<Box<dyn OpenFile>>;
    /// Gives a file another name, in place of whatever has it; one step, whole or not at all.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_folder(&self, name: &str) -> io::Result<()>;
    /// All bytes of a file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;
    /// Exactly `len` bytes at `offset`.
    fn read_at(&self, name: &str, offset: u64, len: usize) -> io::Result<Vec<u8>>;
    /// Length of a file in bytes.
    fn len(&self, name: &str) -> io::Result<u64>;
    /// Length of a file, and so many bytes of its beginning and its end, or as many as there are.
    fn ends(&self, name: &str, head: usize, tail: usize) -> io::Result<Ends> {
        let len = self.len(name)?;
        let (head, tail) = Ends::within(len, head, tail);
        Ok(Ends { len, head: self.read_at(name, 0, head)?, tail: self.read_at(name, len - tail as u64, tail)? })
    }
    /// Names in a folder, sorted; empty where there is no such folder.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;
    /// Takes a lock between processes, if it is free; it ends with its process.
    fn lock(&self, name: &str, kind: LockKind) -> io::Result<Option<Held>>;
}

/// The two ends of a file.
#[derive(Debug, Clone, Default)]
pub struct Ends {
    /// Bytes of the file.
    pub len: u64,
    /// Its first bytes.
    pub head: Vec<u8>,
    /// Its last bytes.
    pub tail: Vec<u8>,
}

impl Ends {
    /// As many bytes of both ends as a file of a length has.
    fn within(len: u64, head: usize, tail: usize) -> (usize, usize) {
        let most = usize::try_from(len).unwrap_or(usize::MAX);
        (head.min(most), tail.min(most))
    }

    /// Some bytes of the file, where they lie within one of its ends.
    pub fn get(&self, at: u64, len: usize) -> Option<&[u8]> {
        let of = |bytes: &'_ [u8], at: u64| -> Option<std::ops::Range<usize>> {
            let at = usize::try_from(at).ok()?;
            let range = at..at.checked_add(len)?;
            (range.end <= bytes.len()).then_some(range)
        };
        if let Some(range) = of(&self.head, at) {
            return self.head.get(range);
        }
        let ahead = at.checked_sub(self.len.checked_sub(self.tail.len() as u64)?)?;
        of(&self.tail, ahead).and_then(|range| self.tail.get(range))
    }
}

/// A file being written.
pub trait OpenFile {
    /// Writes at its end. After a failure a part of the bytes may be there.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Cuts it.
    fn cut(&mut self, len: u64) -> io::Result<()>;
    /// Makes its bytes and its length durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// Files below one local folder.
#[derive(Debug, Clone)]
pub struct LocalFiles {
    root: PathBuf,
}

impl LocalFiles {
    /// Files below `root`; nothing is touched yet.
    pub fn new(root: &Path) -> LocalFiles {
        LocalFiles { root: root.to_owned() }
    }

    /// Makes the archive's own folder, durably.
    fn make_root(&self) -> io::Result<()> {
        if self.root.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(&self.root)?;
        let above = self.root.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync_folder(above)
    }
}

impl OpenFile for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

impl Files for LocalFiles {
    fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.root.clone() } else { self.root.join(name) }
    }

    fn make_folder(&self, name: &str) -> io::Result<()> {
        fs::create_dir_all(self.path(name))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn OpenFile>> {
        Ok(Box::new(File::create(self.path(name))?))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn OpenFile>> {
        Ok(Box::new(OpenOptions::new().append(true).create(true).open(self.path(name))?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn sync_folder(&self, name: &str) -> io::Result<()> {
        sync_folder(&self.path(name))
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

    fn ends(&self, name: &str, head: usize, tail: usize) -> io::Result<Ends> {
        // Of many small files most of the time goes into opening them.
        let file = File::open(self.path(name))?;
        let len = file.metadata()?.len();
        let (head, tail) = Ends::within(len, head, tail);
        let mut ends = Ends { len, head: vec![0; head], tail: vec![0; tail] };
        read_exact_at(&file, &mut ends.head, 0)?;
        read_exact_at(&file, &mut ends.tail, len - tail as u64)?;
        Ok(ends)
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

    fn lock(&self, name: &str, kind: LockKind) -> io::Result<Option<Held>> {
        let path = self.path(name);
        let (file, taken) = match kind {
            LockKind::Alone => {
                self.make_root()?;
                let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
                let taken = file.try_lock();
                (file, taken)
            }
            LockKind::Shared => {
                let file = File::open(path)?;
                let taken = file.try_lock_shared();
                (file, taken)
            }
        };
        match taken {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(cause)) => Err(cause),
        }
    }
}

/// Makes the names in a folder durable, where the system can.
#[cfg(unix)]
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Makes the names in a folder durable, where the system can.
#[cfg(not(unix))]
pub fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
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
