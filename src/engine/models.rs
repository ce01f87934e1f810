//! Models on disk: below `data/models`, one file each, named by what they are called and by their hash.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::EngineError;
use crate::detect::{LONGEST_MODEL, Model};

/// Folder of the models in the archive's folder.
const FOLDER: &str = "models";
/// Ending of their names.
const ENDING: &str = ".lgm";
/// Digits of the hash in a name.
const DIGITS: usize = 12;
/// Time between two looks whether a model was replaced.
const LOOK: Duration = Duration::from_secs(1);

/// The models of a store.
#[derive(Debug, Clone)]
pub struct ModelFiles {
    folder: PathBuf,
}

impl ModelFiles {
    /// Those of the archive in a folder.
    pub fn of(data: &Path) -> ModelFiles {
        ModelFiles { folder: data.join(FOLDER) }
    }

    /// Whether a model can be called so: letters, digits, `_`, `-` and `.`, no `.` first, at most 64.
    pub fn check_name(name: &str) -> Result<(), EngineError> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.');
        if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.chars().all(is_plain) {
            let sentence = format!("'{name}' is no name for a model; use up to 64 letters, digits, '_', '-' and '.'");
            return Err(EngineError::Usage(sentence));
        }
        Ok(())
    }

    /// Writes a model to a file of its own in one step; a file of the same name has the same bytes already.
    pub fn save(&self, model: &Model) -> Result<PathBuf, EngineError> {
        ModelFiles::check_name(model.name())?;
        let (bytes, hash) = model.to_bytes().map_err(EngineError::Training)?;
        let path = self.folder.join(format!("{}-{}{ENDING}", model.name(), hash.get(..DIGITS).unwrap_or(&hash)));
        let failed = |cause| EngineError::File { path: path.clone(), action: "writing the model", cause };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(failed)?;
        file.write_all(&bytes).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        file.persist(&path).map_err(|cause| failed(cause.error))?;
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(path)
    }

    /// The file that is meant: a path, or the newest model called so.
    pub fn find(&self, wanted: &str) -> Result<PathBuf, EngineError> {
        let path = Path::new(wanted);
        if path.is_file() {
            return Ok(path.to_owned());
        }
        let mut found: Vec<(SystemTime, PathBuf)> = Vec::new();
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let file = entry.file_name().to_string_lossy().into_owned();
            let Some((name, _)) = file.strip_suffix(ENDING).and_then(|stem| stem.rsplit_once('-')) else { continue };
            if name == wanted {
                let modified = entry.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
                found.push((modified, entry.path()));
            }
            names.push(name.to_owned());
        }
        names.sort();
        names.dedup();
        found.into_iter().max().map(|(_, path)| path).ok_or_else(|| {
            let known = if names.is_empty() { "no model".to_owned() } else { names.join(", ") };
            EngineError::Usage(format!(
                "'{wanted}' is no model: there is no such file, and {} has {known}; make one with 'logguard train'",
                self.folder.display()
            ))
        })
    }

    /// Reads the model in a file.
    pub fn load(path: &Path) -> Result<Model, EngineError> {
        let failed = |cause| EngineError::File { path: path.to_owned(), action: "reading the model", cause };
        let told = |cause| EngineError::Model { path: path.to_owned(), cause };
        if fs::metadata(path).map_err(failed)?.len() > LONGEST_MODEL as u64 {
            return Err(told(crate::detect::ModelError::Other));
        }
        Model::from_bytes(&fs::read(path).map_err(failed)?).map_err(told)
    }
}

/// A model in use: loaded once, and again when its file is another.
#[derive(Debug)]
pub struct ModelInUse {
    files: ModelFiles,
    wanted: String,
    seen: Option<(PathBuf, SystemTime, u64)>,
    looked: Instant,
}

impl ModelInUse {
    /// Loads the model that is meant.
    pub fn load(files: ModelFiles, wanted: &str) -> Result<(ModelInUse, Arc<Model>), EngineError> {
        let path = files.find(wanted)?;
        let model = ModelFiles::load(&path)?;
        let seen = identity(&path);
        Ok((ModelInUse { files, wanted: wanted.to_owned(), seen, looked: Instant::now() }, Arc::new(model)))
    }

    /// The model anew, where its file was replaced since the last look; looks at most once a second.
    pub fn replaced(&mut self) -> Option<Result<Arc<Model>, EngineError>> {
        if self.looked.elapsed() < LOOK {
            return None;
        }
        self.looked = Instant::now();
        let path = self.files.find(&self.wanted).ok()?;
        let now = identity(&path);
        if now == self.seen {
            return None;
        }
        self.seen = now;
        Some(ModelFiles::load(&path).map(Arc::new))
    }
}

fn identity(path: &Path) -> Option<(PathBuf, SystemTime, u64)> {
    let data = fs::metadata(path).ok()?;
    Some((path.to_owned(), data.modified().ok()?, data.len()))
}
