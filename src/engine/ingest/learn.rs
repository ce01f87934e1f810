//! Lines of files -> a detector that has learnt them; nothing is kept of the lines.
//!
//! With a column, files are CSV tables and the values of that column are the lines.

use std::path::{Path, PathBuf};

use super::feed::Feeder;
use super::score::{ScoreOptions, ScoreReport, one_pass};
use super::{IngestOptions, list_inputs};
use crate::detect::{DetectConfig, Detector};
use crate::engine::EngineError;
use crate::model::Timestamp;
use crate::parse::Registry;
use crate::source::{Decision, Member, MemberEnd, SAMPLE_BYTES, Sink, SourceFile, Stop};

/// The column that a CSV file of log lines has.
const USUAL_COLUMN: &str = "log";
/// Lines are handed on in chunks of so many bytes.
const CHUNK: usize = 1 << 20;

/// Learns the lines of all inputs, as an ingest would read them.
pub fn learn(
    input: IngestOptions,
    detect: DetectConfig,
    column: Option<&str>,
    registry: &Registry,
) -> Result<(Detector, ScoreReport), EngineError> {
    let listed = list_inputs(&input)?;
    let mut tables = Vec::new();
    for file in &listed.files {
        tables.push(column_of(file, column)?);
    }
    let options = ScoreOptions { input, detect, sessions: None, passes: 1, incidents: None };
    let feed = |feeder: &mut Feeder<'_>| {
        listed.refused.iter().try_for_each(|(name, reason)| feeder.refuse(name, reason))?;
        listed.files.iter().zip(&tables).try_for_each(|(file, column)| match column {
            Some(column) => table(feeder, file, *column),
            None => feeder.file(file),
        })
    };
    let (report, detector) = one_pass(&options, registry, None, &mut |_| Ok(()), feed)?;
    Ok((detector.ok_or(EngineError::Worker("judge"))?, report))
}

/// The number of the column to read of a file, where it is a table.
fn column_of(file: &SourceFile, column: Option<&str>) -> Result<Option<usize>, EngineError> {
    let is_table = file.path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    if column.is_none() && !is_table {
        return Ok(None);
    }
    let mut reader = reader_of(&file.path)?;
    let wanted = column.unwrap_or(USUAL_COLUMN);
    let header = reader.byte_headers().map_err(|cause| bad_table(&file.path, &cause))?;
    let names: Vec<String> = header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
    let found = names.iter().position(|name| name == wanted);
    match (found, column) {
        (None, Some(_)) => Err(EngineError::Usage(format!(
            "{} has no column '{wanted}'; its columns are: {}",
            file.path.display(),
            names.iter().take(20).map(|name| name.chars().take(40).collect()).collect::<Vec<String>>().join(", ")
        ))),
        (found, _) => Ok(found),
    }
}

fn reader_of(path: &Path) -> Result<csv::Reader<std::fs::File>, EngineError> {
    let file = std::fs::File::open(path).map_err(|cause| EngineError::File {
        path: path.to_owned(),
        action: "reading",
        cause,
    })?;
    Ok(csv::ReaderBuilder::new().flexible(true).from_reader(file))
}

fn bad_table(path: &Path, cause: &csv::Error) -> EngineError {
    EngineError::Usage(format!("{} can't be read as CSV: {cause}", path.display()))
}

/// Feeds the values of a column as the lines of an input.
fn table(feeder: &mut Feeder<'_>, file: &SourceFile, column: usize) -> Result<(), Stop> {
    let Ok(mut reader) = reader_of(&file.path) else {
        return feeder.refuse(&file.name, "can't be read any more");
    };
    let modified = std::fs::metadata(&file.path).ok().and_then(|data| super::facts::modified(&data));
    let mut lines = Lines { feeder, member: member_of(&file.name, modified), chunk: Vec::new(), begun: false };
    let mut row = csv::ByteRecord::new();
    let mut skipped = None;
    loop {
        match reader.read_byte_record(&mut row) {
            Ok(true) => {
                if let Some(value) = row.get(column) {
                    lines.chunk.extend_from_slice(value);
                    lines.chunk.push(b'\n');
                }
                if lines.chunk.len() >= CHUNK {
                    lines.flush()?;
                }
            }
            Ok(false) => break,
            Err(cause) => {
                skipped = Some(cause.to_string());
                break;
            }
        }
    }
    lines.flush()?;
    let Lines { feeder, begun, .. } = lines;
    if begun {
        feeder.end(MemberEnd { bytes: 0, skipped: None })?;
    }
    match skipped {
        Some(reason) => feeder.refuse(&file.name, &reason),
        None => Ok(()),
    }
}

/// The column as an input of its own; it can't be read a second time.
fn member_of(name: &str, modified: Option<Timestamp>) -> Member {
    Member {
        name: name.to_owned(),
        path: PathBuf::from("-"),
        unpacked: Vec::new(),
        size: None,
        modified,
        file_id: None,
    }
}

struct Lines<'a, 'b> {
    feeder: &'a mut Feeder<'b>,
    member: Member,
    chunk: Vec<u8>,
    begun: bool,
}

impl Lines<'_, '_> {
    fn flush(&mut self) -> Result<(), Stop> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        if !self.begun {
            let head = self.chunk.get(..SAMPLE_BYTES).unwrap_or(&self.chunk);
            // A name that no input has is taken from its first byte.
            let _: Decision = self.feeder.begin(&self.member, head)?;
            self.begun = true;
        }
        self.feeder.chunk(std::mem::take(&mut self.chunk))
    }
}
