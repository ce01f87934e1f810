//! The account of every input: what was read of it, what is in the archive, what was skipped and why, and what is not there yet.

use std::collections::HashMap;

use rayon::prelude::*;
use serde::Serialize;

use super::verify::originals::path_of;
use super::{EngineError, Refused};
use crate::archive::{InputState, Skipped, Snapshot};
use crate::model::InputId;

/// The account of one input. Bytes and lines are of the unpacked input.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InputAccount {
    /// Its name.
    pub name: String,
    /// The file it was read from.
    pub path: String,
    /// How it was unpacked, outermost first.
    pub unpacked: Vec<String>,
    /// Whether it was read to its end.
    pub complete: bool,
    /// Bytes that the reading stage counted; absent where the input was never read to an end.
    pub read_bytes: Option<u64>,
    /// Lines that the reading stage counted.
    pub read_lines: Option<u64>,
    /// Bytes in the archive, added up from its records.
    pub sealed_bytes: u64,
    /// Records in the archive, counted.
    pub records: u64,
    /// Lines in the archive, as the log says.
    pub sealed_lines: u64,
    /// What was not taken, where and why; a length only where it is known.
    pub skipped: Vec<Skipped>,
    /// Bytes that the file has now beyond those in the archive; absent where it is packed, gone or another file.
    pub not_yet: Option<u64>,
    /// What does not add up; absent where all does.
    pub disagreement: Option<String>,
}

/// The account of an archive.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Account {
    /// Inputs in order of acquisition.
    pub inputs: Vec<InputAccount>,
    /// What was refused as a whole, over all runs.
    pub refused: Vec<Refused>,
    /// Parts of the archive that can't be read.
    pub unreadable: Vec<String>,
}

impl Account {
    /// Whether all sums agree and everything could be read.
    pub fn agrees(&self) -> bool {
        self.unreadable.is_empty() && self.inputs.iter().all(|input| input.disagreement.is_none())
    }

    /// Draws up the account of a snapshot; the lines of all groups are unpacked once.
    pub fn of(snapshot: &Snapshot) -> Result<Account, EngineError> {
        let mut account = Account { unreadable: snapshot.unreadable().to_vec(), ..Account::default() };
        let mut sealed: HashMap<InputId, (u64, u64)> = HashMap::new();
        let counted: Vec<_> = snapshot.groups().par_iter().map(|group| snapshot.lines(group)).map(count).collect();
        for counts in counted {
            match counts {
                Ok(counts) => {
                    for (input, (bytes, records)) in counts {
                        let sum = sealed.entry(input).or_default();
                        sum.0 += bytes;
                        sum.1 += records;
                    }
                }
                Err(cause) => account.unreadable.push(cause.to_string()),
            }
        }
        // A file that was replaced is several inputs: what it has now beyond the archive is the account of the last of them.
        let last_of: HashMap<&str, InputId> =
            snapshot.inputs().iter().map(|input| (input.acquisition.path.as_str(), input.acquisition.input)).collect();
        let of = |input: &InputState| {
            let (path, number) = (input.acquisition.path.as_str(), input.acquisition.input);
            let (bytes, records) = sealed.get(&number).copied().unwrap_or_default();
            let not_yet = (last_of.get(path) == Some(&number)).then(|| not_yet(input)).flatten();
            InputAccount { not_yet, ..of_input(input, bytes, records) }
        };
        account.inputs = snapshot.inputs().iter().map(of).collect();
        let refused = snapshot.refused().iter();
        account.refused =
            refused.map(|(name, reason)| Refused { name: name.clone(), reason: reason.clone() }).collect();
        Ok(account)
    }
}

type Counts = HashMap<InputId, (u64, u64)>;

/// Bytes and records of a group by input.
fn count(
    lines: Result<crate::archive::GroupLines, crate::archive::ArchiveError>,
) -> Result<Counts, crate::archive::ArchiveError> {
    let lines = lines?;
    let mut counts = Counts::new();
    for origin in (0..lines.rows()).filter_map(|row| lines.origin(row)) {
        let sum = counts.entry(origin.input).or_default();
        sum.0 += u64::from(origin.length);
        sum.1 += 1;
    }
    Ok(counts)
}

fn of_input(input: &InputState, sealed_bytes: u64, records: u64) -> InputAccount {
    let (acquisition, cursor) = (&input.acquisition, &input.cursor);
    let end = input.completion.as_ref();
    let mut skipped = end.map(|end| end.skipped.clone()).unwrap_or_default();
    if acquisition.unpacked.is_empty() {
        for part in &mut skipped {
            // Of a plain file it is known how much lies behind the place where reading failed.
            part.length = part.length.or(acquisition.size.and_then(|size| size.checked_sub(part.offset)));
        }
    }
    let last_line = u64::from(cursor.open);
    InputAccount {
        name: acquisition.name.clone(),
        path: acquisition.path.clone(),
        unpacked: acquisition.unpacked.clone(),
        complete: end.is_some_and(|end| end.skipped.is_empty()),
        read_bytes: end.map(|end| end.read),
        read_lines: end.map(|end| end.line_feeds + last_line),
        sealed_bytes,
        records,
        sealed_lines: cursor.lines,
        not_yet: None,
        disagreement: disagreement(input, sealed_bytes, records, &skipped),
        skipped,
    }
}

fn disagreement(input: &InputState, bytes: u64, records: u64, skipped: &[Skipped]) -> Option<String> {
    let cursor = &input.cursor;
    if (bytes, records) != (cursor.bytes, cursor.records) {
        return Some(format!(
            "the records have {bytes} bytes in {records} records, the log says {} in {}",
            cursor.bytes, cursor.records
        ));
    }
    let end = input.completion.as_ref()?;
    if (end.read, end.line_feeds) != (cursor.bytes, cursor.line_feeds()) {
        return Some(format!(
            "{} bytes and {} line feeds were read, {} and {} are in the archive",
            end.read,
            end.line_feeds,
            cursor.bytes,
            cursor.line_feeds()
        ));
    }
    // What was skipped lies behind what is sealed: the archive has the input from its first byte without a hole.
    let early = skipped.iter().find(|part| part.offset < cursor.bytes)?;
    Some(format!("bytes from {} on were skipped, but {} are in the archive", early.offset, cursor.bytes))
}

/// Bytes of the file on disk beyond those in the archive, where it is still the same file.
fn not_yet(input: &InputState) -> Option<u64> {
    let acquisition = &input.acquisition;
    if !acquisition.unpacked.is_empty() || acquisition.path == "-" {
        return None;
    }
    let data = std::fs::metadata(path_of(acquisition)).ok().filter(std::fs::Metadata::is_file)?;
    let known = acquisition.device.zip(acquisition.inode);
    if known.is_some() && known != super::ingest::file_id(&data) {
        return None;
    }
    data.len().checked_sub(input.cursor.bytes)
}
