//! Queries kept by name in the user's state folder: a TOML table of names and queries, whatever store they are asked of.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::engine::Target;

/// Most queries kept.
const MOST: usize = 1_000;
/// Most bytes of the file that are read.
const LARGEST: u64 = 4 << 20;
/// Longest name.
const LONGEST_NAME: usize = 64;

/// The folder of history and saved queries: `$XDG_STATE_HOME/logguard`, else `~/.local/state/logguard`; made where it is not
/// there. `None` where there is no home.
pub fn state_folder() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state"));
    let folder = state.or_else(home)?.join("logguard");
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        // What was asked in a case is nobody else's business.
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    }
    builder.create(&folder).ok()?;
    Some(folder)
}

/// Whether a query can be kept under this name: a letter or digit, then letters, digits, `-` and `_`.
pub fn is_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
}

/// The file of saved queries. It is read anew each time, so that two prompts see each other's.
#[derive(Debug, Clone)]
pub struct Saved {
    file: Option<PathBuf>,
}

impl Saved {
    /// The file in a folder; without one nothing can be saved.
    pub fn in_folder(folder: Option<&Path>) -> Saved {
        Saved { file: folder.map(|folder| folder.join("queries.toml")) }
    }

    /// All names with their queries, in order of name.
    pub fn all(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let Some(file) = &self.file else { return Ok(BTreeMap::new()) };
        let size = match std::fs::metadata(file) {
            Ok(about) => about.len(),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(cause) => return Err(cause).with_context(|| format!("{}: can't be read", file.display())),
        };
        if size > LARGEST {
            bail!("{}: larger than {LARGEST} bytes, which no saved queries are", file.display());
        }
        let text = std::fs::read_to_string(file).with_context(|| format!("{}: can't be read", file.display()))?;
        toml::from_str(&text).with_context(|| format!("{}: must hold lines such as name = \"query\"", file.display()))
    }

    /// The query of a name.
    pub fn get(&self, name: &str) -> anyhow::Result<Option<String>> {
        Ok(self.all()?.remove(name))
    }

    /// Keeps a query under a name; says whether another one had it.
    pub fn put(&self, name: &str, query: &str) -> anyhow::Result<bool> {
        let mut all = self.all()?;
        let is_replaced = all.insert(name.to_owned(), query.to_owned()).is_some();
        if all.len() > MOST {
            bail!("there are {MOST} saved queries already; :forget NAME makes room");
        }
        self.write(&all)?;
        Ok(is_replaced)
    }

    /// Forgets a name; says whether it was there.
    pub fn remove(&self, name: &str) -> anyhow::Result<bool> {
        let mut all = self.all()?;
        let was_there = all.remove(name).is_some();
        if was_there {
            self.write(&all)?;
        }
        Ok(was_there)
    }

    fn write(&self, all: &BTreeMap<String, String>) -> anyhow::Result<()> {
        let file = self.file.as_ref().context("there is no home folder to keep queries in; set XDG_STATE_HOME")?;
        let mut target = Target::create(file, true)?;
        target.write_all(toml::to_string(all)?.as_bytes())?;
        target.keep()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_kept_by_name_whatever_is_in_them() {
        let folder = tempfile::tempdir().unwrap();
        let saved = Saved::in_folder(Some(folder.path()));
        let query = "a = \"\\ b\" 'c' | extract /\\d\u{1b}é/";
        assert!(!saved.put("odd-1", query).unwrap());
        assert!(saved.put("odd-1", query).unwrap());
        assert_eq!(saved.get("odd-1").unwrap().as_deref(), Some(query));
        assert!(saved.remove("odd-1").unwrap() && !saved.remove("odd-1").unwrap());
        assert!(Saved::in_folder(None).put("a", "b").is_err());
    }

    #[test]
    fn a_file_that_somebody_broke_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("queries.toml"), "not toml").unwrap();
        let saved = Saved::in_folder(Some(folder.path()));
        assert!(saved.put("a", "b").unwrap_err().to_string().contains("queries.toml"));
        assert_eq!(std::fs::read_to_string(folder.path().join("queries.toml")).unwrap(), "not toml");
    }

    #[test]
    fn names_are_words() {
        assert!(is_name("night-logins_2"));
        for name in ["", "-a", "a b", "../a", "a=b", "é", &"x".repeat(65)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
