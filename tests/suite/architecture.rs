//! Holds the source to the module map: who may know whom, and which package may be
//! named where. Inside one crate the compiler checks neither.
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module with the modules it may name, lowest floor first.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("source", &["model"]),
    ("parse", &["model"]),
    ("template", &["model"]),
    ("detect", &["model"]),
    ("generate", &["model"]),
    ("archive", &["model", "template"]),
    ("index", &["model"]),
    ("query", &["model", "archive", "index"]),
    ("report", &["model", "query"]),
    ("engine", &["model", "source", "parse", "template", "detect", "archive", "index", "query"]),
    ("cli", &["model", "report", "engine", "generate", "repl"]),
    ("repl", &["model", "report", "engine"]),
];

/// Packages with the only modules that may name them.
const LIVES_IN: &[(&str, &[&str])] = &[
    ("tantivy", &["index"]),
    ("zstd", &["source", "archive"]),
    ("flate2", &["source"]),
    ("smartcore", &["detect"]),
    ("rustyline", &["repl"]),
    ("saphyr_parser", &["detect"]),
];

#[test]
fn modules_know_only_whom_the_map_allows() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut edges_seen = 0;
    let mut breaches = Vec::new();
    for (module, allowed) in MAY_KNOW {
        let files = rust_files(&src.join(module));
        assert!(!files.is_empty(), "the map names {module}, but it has no file");
        for file in files {
            let code = code_of(&file);
            for known in modules_named(&code) {
                if known == *module {
                    continue;
                }
                edges_seen += 1;
                if !allowed.contains(&known.as_str()) {
                    breaches.push(format!("{}: {module} must not know {known}", file.display()));
                }
            }
            if code.contains("super::super::") {
                breaches.push(format!("{}: name other modules by crate::", file.display()));
            }
            for (package, homes) in LIVES_IN {
                let named = code.contains(&format!("{package}::")) || code.contains(&format!("use {package} as"));
                if named && !homes.contains(module) {
                    breaches.push(format!("{}: {package} lives in {homes:?}", file.display()));
                }
            }
        }
    }
    for entry in fs::read_dir(&src).expect("src is readable") {
        let name = entry.expect("entry is readable").file_name().into_string().expect("UTF-8 name");
        let on_the_map = MAY_KNOW.iter().any(|(module, _)| *module == name);
        if !on_the_map && name != "lib.rs" && name != "main.rs" {
            breaches.push(format!("src/{name} is not on the map"));
        }
    }
    assert!(edges_seen > 0, "no edge seen: the check is not reading the source");
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

/// The modules of the map that `code` names by `crate::`, brace lists included.
fn modules_named(code: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for tail in code.split("crate::").skip(1) {
        let paths: Vec<&str> = match tail.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default().split(',').collect(),
            None => vec![tail],
        };
        for path in paths {
            let first: String = path.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if MAY_KNOW.iter().any(|(module, _)| *module == first) {
                named.insert(first);
            }
        }
    }
    named
}

/// The text of a source file without its comment lines.
fn code_of(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("source is readable UTF-8");
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("folder of the map is readable") {
        let path = entry.expect("entry is readable").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
