//! What a store holds: counts, bytes, time span, formats, levels, inputs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{EngineError, Refused};
use crate::archive::{GroupColumns, Needs, Snapshot};
use crate::model::{Level, TimeQuality, Timestamp};

/// One input.
#[derive(Debug, Clone, Serialize)]
pub struct InputInfo {
    /// Its name.
    pub name: String,
    /// Its format, as detected when it was opened.
    pub format: String,
    /// Share of sample lines the format explains, 0 to 1.
    pub confidence: f32,
    /// Raw bytes in the archive.
    pub bytes: u64,
    /// Records.
    pub records: u64,
    /// Lines.
    pub lines: u64,
    /// Records with a time.
    pub timed: u64,
    /// Records with a level.
    pub leveled: u64,
    /// SHA-256 of its bytes in the archive.
    pub sha256: String,
    /// Whether it was read to its end.
    pub complete: bool,
}

/// What a store holds.
#[derive(Debug, Clone, Serialize)]
pub struct Info {
    /// Number of inputs.
    pub inputs: u64,
    /// Records.
    pub records: u64,
    /// Raw bytes of all records.
    pub raw_bytes: u64,
    /// Bytes of the archive on disk.
    pub archive_bytes: u64,
    /// Bytes of the index on disk.
    pub index_bytes: u64,
    /// Raw bytes for each byte of archive and index.
    pub ratio: f64,
    /// Flagged records.
    pub flagged: u64,
    /// How long it took to find this out.
    pub seconds: f64,
    /// What was refused, over all runs, and why.
    pub refused: Vec<Refused>,
    /// Earliest time, RFC 3339.
    pub first_time: Option<String>,
    /// Latest time, RFC 3339.
    pub last_time: Option<String>,
    /// Records without a time.
    pub untimed: u64,
    /// Records whose scores are of a second pass over all of them; those that follow were scored as they came in.
    pub rescored: u64,
    /// Records by level; `none` for records without.
    pub levels: BTreeMap<String, u64>,
    /// Records by format, as each record was read.
    pub formats: BTreeMap<String, u64>,
    /// Parts of the archive that can't be read.
    pub unreadable: Vec<String>,
    /// All inputs.
    pub files: Vec<InputInfo>,
}

impl Info {
    /// Counts over the columns of a snapshot; no line is unpacked.
    pub fn of(snapshot: &Snapshot, index_bytes: u64) -> Result<Info, EngineError> {
        let started = std::time::Instant::now();
        let mut levels: BTreeMap<String, u64> = BTreeMap::new();
        let mut formats: BTreeMap<String, u64> = BTreeMap::new();
        let mut timed = vec![0u64; snapshot.inputs().len()];
        let mut leveled = vec![0u64; snapshot.inputs().len()];
        let (mut first, mut last, mut untimed, mut flagged) = (None, None, 0u64, 0u64);
        let mut unreadable = snapshot.unreadable().to_vec();
        for group in snapshot.groups() {
            let stats = &group.stats;
            first = [first, stats.first_time].into_iter().flatten().min();
            last = [last, stats.last_time].into_iter().flatten().max();
            untimed += u64::from(stats.untimed);
            flagged += u64::from(stats.flagged);
            let columns = match snapshot.columns_of(group, Needs::LAYOUTS, GroupColumns::default()) {
                Ok(columns) => columns,
                Err(cause) => {
                    unreadable.push(cause.to_string());
                    continue;
                }
            };
            for row in 0..columns.rows() {
                let level = columns.level(row);
                let input = columns.input(row).map_or(usize::MAX, |input| input.0 as usize);
                if let (Some(count), true) = (timed.get_mut(input), columns.time_quality(row) != TimeQuality::Missing) {
                    *count += 1;
                }
                if let (Some(count), true) = (leveled.get_mut(input), level.is_some()) {
                    *count += 1;
                }
                add(&mut levels, level.map_or("none", Level::name));
                add(&mut formats, columns.layout(row).map_or("unknown", |layout| layout.format.as_str()));
            }
        }
        let files =
            snapshot.inputs().iter().zip(timed.iter().zip(&leveled)).map(|(input, (timed, leveled))| InputInfo {
                name: input.acquisition.name.clone(),
                format: input.acquisition.format.clone(),
                confidence: input.acquisition.confidence,
                bytes: input.cursor.bytes,
                records: input.cursor.records,
                lines: input.cursor.lines,
                timed: *timed,
                leveled: *leveled,
                sha256: input.sha256(),
                complete: input.completion.as_ref().is_some_and(|end| end.skipped.is_empty()),
            });
        let (raw_bytes, archive_bytes) = (snapshot.raw_bytes(), snapshot.archive_bytes());
        Ok(Info {
            inputs: snapshot.inputs().len() as u64,
            records: snapshot.records(),
            raw_bytes,
            archive_bytes,
            index_bytes,
            ratio: raw_bytes as f64 / (archive_bytes + index_bytes).max(1) as f64,
            flagged,
            rescored: snapshot.rescored(),
            refused: snapshot
                .refused()
                .iter()
                .map(|(name, reason)| Refused { name: name.clone(), reason: reason.clone() })
                .collect(),
            first_time: first.map(|time| Timestamp(time).to_string()),
            last_time: last.map(|time| Timestamp(time).to_string()),
            untimed,
            levels,
            formats,
            unreadable,
            files: files.collect(),
            seconds: started.elapsed().as_secs_f64(),
        })
    }
}

fn add(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => {
            counts.insert(name.to_owned(), 1);
        }
    }
}
