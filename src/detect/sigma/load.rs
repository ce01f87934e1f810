//! Reads rules from files and folders, and reports what became of each.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::rule::{Fault, rule};
use super::set::{RuleSet, Slots};
use super::yaml;

/// Largest file of rules, in bytes.
const FILE_BYTES: u64 = 1 << 20;
/// Most files.
const FILES: usize = 100_000;
/// Deepest folder.
const DEPTH: usize = 32;
/// Longest name of a rule.
const NAME: usize = 100;

/// A document or file that gave no rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotLoaded {
    /// The file.
    pub file: String,
    /// Which document of the file, from 1.
    pub document: usize,
    /// Why, in one sentence.
    pub reason: String,
}

/// What became of rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LoadReport {
    /// Files read.
    pub files: usize,
    /// Rules that are in force.
    pub loaded: usize,
    /// Rules among them by level, from informational to critical.
    pub by_level: [usize; 5],
    /// Documents that correlate other rules: not supported; each is in `not_loaded` too.
    pub correlations: usize,
    /// What is not in force, and why.
    pub not_loaded: Vec<NotLoaded>,
}

/// A path that can't be read at all.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", path.display())]
pub struct LoadError {
    /// The path.
    pub path: PathBuf,
    /// Why.
    pub cause: std::io::Error,
}

/// Reads all rules (`*.yml`, `*.yaml`) of files and folders. A bad rule is reported; a path that is not there is an error.
pub fn load(paths: &[PathBuf]) -> Result<(RuleSet, LoadReport), LoadError> {
    let mut loader = Loader {
        report: LoadReport::default(),
        slots: Slots::new(),
        rules: Vec::new(),
        names: HashMap::new(),
        hash: Sha256::new(),
    };
    for path in paths {
        let fails = |cause| LoadError { path: path.clone(), cause };
        let mut files = Vec::new();
        if fs::metadata(path).map_err(fails)?.is_dir() {
            walk(path, 0, &mut files).map_err(fails)?;
        } else {
            files.push(path.clone());
        }
        for file in files {
            loader.file(&file, path);
        }
    }
    let Loader { mut report, slots, rules, hash, .. } = loader;
    report.loaded = rules.len();
    for (_, rule) in &rules {
        if let Some(count) = report.by_level.get_mut(rule.level as usize) {
            *count += 1;
        }
    }
    let set = RuleSet::compile(rules, slots, hash.finalize().into()).unwrap_or_else(|reason| {
        report.not_loaded.push(NotLoaded { file: "all rules".to_owned(), document: 1, reason });
        report.loaded = 0;
        RuleSet::default()
    });
    Ok((set, report))
}

/// The files of rules below a folder, in order of name; links to folders are not followed.
fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if depth > DEPTH {
        return Err(std::io::Error::other(format!("folders are nested deeper than {DEPTH}")));
    }
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            walk(&path, depth + 1, files)?;
        } else if path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml") {
            files.push(path);
            if files.len() > FILES {
                return Err(std::io::Error::other(format!("there are more than {FILES} files of rules")));
            }
        }
    }
    Ok(())
}

struct Loader {
    report: LoadReport,
    slots: Slots,
    rules: Vec<(String, super::rule::Rule)>,
    names: HashMap<String, u32>,
    hash: Sha256,
}

impl Loader {
    fn file(&mut self, file: &Path, root: &Path) {
        self.report.files += 1;
        let text = match read(file) {
            Ok(text) => text,
            Err(reason) => return self.refuse(file, 1, reason),
        };
        let name = file.strip_prefix(root).unwrap_or(file).display().to_string();
        self.hash.update(format!("{} {} {name}\n", text.len(), name.len()));
        self.hash.update(&text);
        let documents = match yaml::documents(&text) {
            Ok(documents) => documents,
            Err(reason) => return self.refuse(file, 1, format!("it is no YAML that can be read: {reason}")),
        };
        if documents.is_empty() {
            self.refuse(file, 1, "it is empty".to_owned());
        }
        for (number, document) in documents.iter().enumerate() {
            let slots = &mut self.slots;
            match rule(document, &mut |name| slots.number(name)) {
                Ok(rule) => {
                    let name = self.name(file);
                    self.rules.push((name, rule));
                }
                Err(Fault::Correlation) => {
                    self.report.correlations += 1;
                    self.refuse(file, number + 1, "correlation rules are not supported".to_owned());
                }
                Err(Fault::Other(reason)) => self.refuse(file, number + 1, reason),
            }
        }
    }

    fn refuse(&mut self, file: &Path, document: usize, reason: String) {
        self.report.not_loaded.push(NotLoaded { file: file.display().to_string(), document, reason });
    }

    /// The name of a rule: that of its file as it can be typed, with a number where it is taken.
    fn name(&mut self, file: &Path) -> String {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
        let typed: String = stem
            .chars()
            .map(
                |letter| if letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.') { letter } else { '_' },
            )
            .take(NAME)
            .collect();
        let taken = self.names.entry(typed.clone()).or_default();
        *taken += 1;
        match *taken {
            1 => typed,
            number => {
                let name = format!("{typed}-{number}");
                self.names.insert(name.clone(), 1);
                name
            }
        }
    }
}

fn read(file: &Path) -> Result<String, String> {
    let opened = fs::File::open(file).map_err(|cause| format!("it can't be read: {cause}"))?;
    let mut bytes = Vec::new();
    opened.take(FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|cause| format!("it can't be read: {cause}"))?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(format!("it is larger than {} KiB", FILE_BYTES >> 10));
    }
    String::from_utf8(bytes).map_err(|_| "it is no UTF-8".to_owned())
}
