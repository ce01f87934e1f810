//! A file that appears whole or not at all: written beside its place, synced, then renamed.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::EngineError;

/// A file being written. Dropped before [`Target::keep`], it leaves nothing behind.
pub struct Target {
    path: PathBuf,
    replaces: bool,
    out: BufWriter<NamedTempFile>,
}

impl Target {
    /// Begins a file at `path`; what is there already is replaced, at the end, only where `replaces` says so.
    ///
    /// # Errors
    /// [`EngineError::Usage`] for a file that is there already, [`EngineError::File`] for a folder that can't be written to.
    pub fn create(path: &Path, replaces: bool) -> Result<Target, EngineError> {
        if path.is_dir() || path.file_name().is_none() {
            return Err(EngineError::Usage(format!("{}: this is a folder; name a file in it", path.display())));
        }
        if !replaces && path.symlink_metadata().is_ok() {
            return Err(EngineError::Usage(format!("{}: is there already; --force overwrites it", path.display())));
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".logguard-").suffix(".tmp");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any new file: the umask takes away what the user does not want.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(folder_of(path)).map_err(|cause| failure(path, "can't be begun", cause))?;
        Ok(Target { path: path.to_owned(), replaces, out: BufWriter::with_capacity(1 << 16, file) })
    }

    /// Gives the file its name, and says it.
    pub fn keep(self) -> Result<PathBuf, EngineError> {
        let path = self.path.clone();
        self.name(path)
    }

    /// Gives the file its name with `.partial` behind it, and says it: an answer that is incomplete must not pass for a whole one.
    pub fn keep_partial(self) -> Result<PathBuf, EngineError> {
        let mut path = self.path.clone().into_os_string();
        path.push(".partial");
        self.name(PathBuf::from(path))
    }

    fn name(self, path: PathBuf) -> Result<PathBuf, EngineError> {
        let failed = |cause| failure(&path, "can't be written", cause);
        let file = self.out.into_inner().map_err(|cause| failed(cause.into_error()))?;
        file.as_file().sync_all().map_err(failed)?;
        let named = if self.replaces { file.persist(&path) } else { file.persist_noclobber(&path) };
        named.map_err(|cause| failed(cause.error))?;
        File::open(folder_of(&path)).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(path)
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn failure(path: &Path, action: &'static str, cause: io::Error) -> EngineError {
    EngineError::File { path: path.to_owned(), action, cause }
}
