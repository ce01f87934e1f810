//! Arguments -> files: folders are walked in name order, patterns expanded, links refused.

use std::fs;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use crate::model::FailureKind;

/// A file to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it lies; `-` is standard input.
    pub path: PathBuf,
    /// Its name relative to the argument it was found under (`logs/web/access.log` for the folder `/srv/logs`).
    pub name: String,
}

/// What the arguments stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Files in order of arguments, within a folder in order of names.
    pub files: Vec<SourceFile>,
    /// What was found and not taken, and why.
    pub refused: Vec<(String, String)>,
}

/// An argument that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Nothing is there.
    #[error("{0}: no such file or folder")]
    Missing(String),
    /// A pattern matches nothing.
    #[error("{0}: no file matches this pattern")]
    NoMatch(String),
    /// The pattern is malformed.
    #[error("{0}: {1}")]
    Pattern(String, String),
    /// The operating system refused.
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
}

impl ListError {
    /// The kind of this failure.
    pub fn kind(&self) -> FailureKind {
        match self {
            ListError::Missing(_) | ListError::NoMatch(_) => FailureKind::Missing,
            ListError::Pattern(..) => FailureKind::Usage,
            ListError::Io(..) => FailureKind::Io,
        }
    }
}

/// Finds the files of `arguments`. Files for which `is_ours` says yes (the store's own) are refused.
pub fn list(arguments: &[String], is_ours: &dyn Fn(&Path) -> bool) -> Result<Listed, ListError> {
    let mut listed = Listed::default();
    for argument in arguments {
        let path = Path::new(argument);
        if argument == "-" {
            listed.files.push(SourceFile { path: path.to_owned(), name: "stdin".to_owned() });
        } else if path.is_dir() {
            walk(path, &folder_name(path), is_ours, None, &mut listed)?;
        } else if path.exists() {
            let name = path.file_name().map_or(argument.clone(), |name| name.to_string_lossy().into_owned());
            take(path, name, is_ours, &mut listed);
        } else if argument.contains(['*', '?', '[', '{']) {
            expand(argument, is_ours, &mut listed)?;
        } else {
            return Err(ListError::Missing(argument.clone()));
        }
    }
    // The same file named twice is read once.
    let mut seen = std::collections::HashSet::new();
    listed.files.retain(|file| seen.insert(file.path.clone()));
    Ok(listed)
}

/// The name of a folder as others see it, also for `.` and `..`.
fn folder_name(path: &Path) -> String {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn take(path: &Path, name: String, is_ours: &dyn Fn(&Path) -> bool, listed: &mut Listed) {
    let refused = match fs::metadata(path) {
        Ok(_) if is_ours(path) => Some("belongs to the store itself"),
        Ok(data) if data.is_file() || is_stream(&data) => None,
        Ok(_) => Some("is no regular file"),
        Err(_) => Some("can't be looked at"),
    };
    match refused {
        Some(reason) => listed.refused.push((path.display().to_string(), reason.to_owned())),
        None => listed.files.push(SourceFile { path: path.to_owned(), name }),
    }
}

/// A named pipe or character device that the user named on purpose (`<(command)`, `/dev/stdin`).
#[cfg(unix)]
fn is_stream(data: &fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    data.file_type().is_fifo() || data.file_type().is_char_device()
}

#[cfg(not(unix))]
fn is_stream(_: &fs::Metadata) -> bool {
    false
}

fn walk(
    folder: &Path,
    name: &str,
    is_ours: &dyn Fn(&Path) -> bool,
    pattern: Option<&GlobMatcher>,
    listed: &mut Listed,
) -> Result<(), ListError> {
    // An explicit stack, children pushed in reverse: folders may be nested deeper than a call stack.
    let mut stack = vec![(folder.to_owned(), name.to_owned())];
    while let Some((path, name)) = stack.pop() {
        let io = |cause| ListError::Io(path.display().to_string(), cause);
        let kind = fs::symlink_metadata(&path);
        let is_root = path == folder;
        match kind {
            Ok(data) if data.file_type().is_symlink() && !is_root => {
                listed
                    .refused
                    .push((path.display().to_string(), "is a symbolic link (name its target instead)".to_owned()));
            }
            Ok(data) if data.is_dir() || is_root && path.is_dir() => {
                if is_ours(&path) {
                    continue;
                }
                let entries = match fs::read_dir(&path) {
                    Ok(entries) => entries,
                    Err(cause) if is_root => return Err(io(cause)),
                    Err(cause) => {
                        listed.refused.push((path.display().to_string(), format!("can't be listed: {cause}")));
                        continue;
                    }
                };
                let mut children = Vec::new();
                for entry in entries {
                    children.push(entry.map_err(io)?.path());
                }
                children.sort();
                for child in children.into_iter().rev() {
                    let leaf = child.file_name().map(|leaf| leaf.to_string_lossy().into_owned()).unwrap_or_default();
                    let child_name = if name.is_empty() { leaf } else { format!("{name}/{leaf}") };
                    stack.push((child, child_name));
                }
            }
            Ok(data) if data.is_file() => {
                if !is_ours(&path) && pattern.is_none_or(|pattern| pattern.is_match(&path)) {
                    listed.files.push(SourceFile { path, name });
                }
            }
            Ok(_) => listed.refused.push((path.display().to_string(), "is no regular file".to_owned())),
            Err(cause) => listed.refused.push((path.display().to_string(), format!("can't be looked at: {cause}"))),
        }
    }
    Ok(())
}

/// Walks the folder before the first wildcard and takes what the whole pattern matches.
fn expand(argument: &str, is_ours: &dyn Fn(&Path) -> bool, listed: &mut Listed) -> Result<(), ListError> {
    let pattern = GlobBuilder::new(argument).literal_separator(true).build();
    let pattern =
        pattern.map_err(|cause| ListError::Pattern(argument.to_owned(), cause.to_string()))?.compile_matcher();
    let has_wildcard = |part: &Component<'_>| part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']);
    let root: PathBuf = Path::new(argument).components().take_while(|part| !has_wildcard(part)).collect();
    let (folder, prefix) = if root.as_os_str().is_empty() { (PathBuf::from("."), true) } else { (root, false) };
    if !folder.is_dir() {
        return Err(ListError::NoMatch(argument.to_owned()));
    }
    let before = listed.files.len();
    let mut found = Listed::default();
    // Without a folder in the pattern, paths are `./x` on the walk and `x` in the pattern.
    walk(&folder, "", is_ours, (!prefix).then_some(&pattern), &mut found)?;
    for file in found.files {
        let path = file.path.strip_prefix(".").map(Path::to_owned).unwrap_or(file.path);
        if pattern.is_match(&path) {
            listed.files.push(SourceFile { path, name: file.name });
        }
    }
    if listed.files.len() == before { Err(ListError::NoMatch(argument.to_owned())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(listed: &Listed) -> Vec<&str> {
        listed.files.iter().map(|file| file.name.as_str()).collect()
    }

    #[test]
    fn folders_patterns_and_links() {
        let root = tempfile::tempdir().unwrap();
        let logs = root.path().join("logs");
        fs::create_dir_all(logs.join("web")).unwrap();
        for name in ["b.log", "a.log", "web/access.log", "web/x.txt"] {
            fs::write(logs.join(name), "x\n").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/passwd", logs.join("link.log")).unwrap();
        let of = |argument: String| list(&[argument], &|_| false);
        let listed = of(logs.display().to_string()).unwrap();
        assert_eq!(names(&listed), ["logs/a.log", "logs/b.log", "logs/web/access.log", "logs/web/x.txt"]);
        #[cfg(unix)]
        assert!(listed.refused[0].0.ends_with("link.log"), "{:?}", listed.refused);
        assert_eq!(names(&of(format!("{}/*.log", logs.display())).unwrap()), ["a.log", "b.log"]);
        assert_eq!(names(&of(format!("{}/**/*.log", logs.display())).unwrap()), ["a.log", "b.log", "web/access.log"]);
        assert!(matches!(of(format!("{}/*.gz", logs.display())), Err(ListError::NoMatch(_))));
        assert!(matches!(of(format!("{}/none", logs.display())), Err(ListError::Missing(_))));
    }
}
