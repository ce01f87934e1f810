//! What other tools take for the same logs: ripgrep on the raw text, zstd into ripgrep, clp-s for objects.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Failure, ask, median, stores};

/// Texts that are questions to a store too.
const TEXTS: [&str; 5] = ["blk_-1541612089083514964", "zzqqxx", "ocke", "failed login", "404"];

/// Questions to objects: as clp-s takes them, as we do.
const OBJECTS: [(&str, &str); 4] = [
    ("qtype_name: \"PTR\"", "qtype_name:PTR"),
    ("eventid: \"cowrie.login.failed\"", "eventid:cowrie.login.failed"),
    ("query: *google*", "query:*google*"),
    ("query: zzqqxx", "query:zzqqxx"),
];

/// Searches of text: ripgrep on the files, and on what zstd unpacks of them.
pub fn text(input: &Path, folder: &Path) -> Result<(), Failure> {
    if !is_there("rg") {
        println!("\nripgrep is not there: no comparison with it");
        return Ok(());
    }
    let packed = folder.join("packed");
    std::fs::create_dir_all(&packed)?;
    let has_zstd = is_there("zstd");
    for entry in std::fs::read_dir(input)?.filter(|_| has_zstd) {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let out = std::fs::File::create(packed.join(format!("{name}.zst")))?;
        zstd::stream::copy_encode(std::fs::File::open(&path)?, out, 3)?;
    }
    println!("\n| text, any case | ripgrep on raw ms | zstd -dc into ripgrep ms | lines |");
    println!("|---|---:|---:|---:|");
    for text in TEXTS {
        let (plain, lines) = median(|| {
            let out = Command::new("rg").args(["-icF", "--no-filename", "--", text]).arg(input).output()?;
            let counts = String::from_utf8(out.stdout)?;
            Ok(counts.lines().filter_map(|line| line.parse::<u64>().ok()).sum::<u64>())
        })?;
        let unpacked = match has_zstd {
            true => format!("{:.0}", median(|| through_zstd(&packed, text))?.0.as_secs_f64() * 1e3),
            false => "-".to_owned(),
        };
        println!("| `{text}` | {:.0} | {unpacked} | {lines} |", plain.as_secs_f64() * 1e3);
    }
    std::fs::remove_dir_all(&packed)?;
    Ok(())
}

fn through_zstd(packed: &Path, text: &str) -> Result<(), Failure> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(packed)? {
        files.push(entry?.path());
    }
    let mut unpack = Command::new("zstd").arg("-dcq").args(&files).stdout(Stdio::piped()).spawn()?;
    let Some(stream) = unpack.stdout.take() else { return Err("zstd has no output".into()) };
    // It ends with 1 where there is nothing.
    Command::new("rg").args(["-icF", "--", text]).stdin(stream).stdout(Stdio::null()).status()?;
    unpack.wait()?;
    Ok(())
}

/// Searches of fields of objects: clp-s on the JSON files, and a store of these alone.
pub fn objects(files: &[PathBuf], folder: &Path) -> Result<(), Failure> {
    let Some(clp) = std::env::var_os("CLP_S").map(PathBuf::from).filter(|clp| clp.is_file()) else {
        println!("\nCLP_S names no clp-s: no comparison with it");
        return Ok(());
    };
    let is_object = |file: &&PathBuf| file.to_string_lossy().contains("json");
    let files: Vec<PathBuf> = files.iter().filter(is_object).cloned().collect();
    let archives = folder.join("clp");
    let status = Command::new(&clp).arg("c").arg(&archives).args(&files).stdout(Stdio::null()).status()?;
    if !status.success() {
        println!("\nclp-s does not take the files: {status}");
        return Ok(());
    }
    let store = stores::of(&folder.join("objects"), &[files])?;
    let search = store.search()?;
    println!("\n| fields of JSON | clp-s ms | first ms | again ms | clp-s matches | matches |");
    println!("|---|---:|---:|---:|---:|---:|");
    for (theirs, ours) in OBJECTS {
        let (rival, lines) = median(|| {
            let out = Command::new(&clp).arg("s").arg(&archives).arg(theirs).stderr(Stdio::null()).output()?;
            Ok(memchr::memchr_iter(b'\n', &out.stdout).count())
        })?;
        let fresh = || Ok(store.search()?);
        let (first, _) = super::median_of(fresh, |search| super::timed(search, ours, false, 0))?;
        let (again, matched) = median(|| ask(&search, ours, false, 0))?;
        let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3;
        println!("| `{ours}` | {:.1} | {:.1} | {:.1} | {lines} | {matched} |", ms(rival), ms(first), ms(again));
    }
    Ok(())
}

/// Whether a program can be started.
fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}
