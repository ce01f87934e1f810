//! Verification: everything that one committed head covers is read and hashed again, and compared with what was recorded.
//!
//! Reads the log once and judges only what its whole entries name, so that a writer at work is no failure. Finds every change after
//! the fact, by whomever, against a head kept elsewhere; without one, only that the archive agrees with itself.

mod head;
pub(super) mod originals;
mod report;
mod streams;
mod tree;

use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;

pub use head::Head;
pub use originals::Originals;
pub use report::{Failure, Verdict, VerifyReport};

use self::streams::Streams;
use self::tree::{Differs, TreeCheck};
use super::{Counters, EngineError};
use crate::archive::{ArchiveError, GroupRef, HashedGroup, Snapshot, Storage};

/// Groups under way at once hold at most about this many raw bytes, beyond one.
const WINDOW_BYTES: u64 = 32 << 20;
/// What is being written right now is looked at this often before it counts as left behind.
const LOOKS: u32 = 5;
/// Time between two looks.
const PATIENCE: Duration = Duration::from_millis(100);

/// What to verify beyond the archive itself.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// Compare the original files that are still there.
    pub inputs: bool,
    /// A head of this archive that was kept elsewhere.
    pub head: Option<Head>,
}

/// Opens one committed head of an archive. What follows its last whole entry is given a moment to become whole: a writer may be at it.
pub fn open(storage: &Arc<dyn Storage>) -> Result<Snapshot, EngineError> {
    let mut snapshot = Snapshot::open(Arc::clone(storage))?;
    for _ in 0..LOOKS {
        if snapshot.tail().is_none() {
            break;
        }
        std::thread::sleep(PATIENCE);
        snapshot = Snapshot::open(Arc::clone(storage))?;
    }
    Ok(snapshot)
}

/// Verifies everything that a snapshot covers. `Err` only where the caller stopped it: what is wrong with the archive is in the report.
pub fn verify(snapshot: &Snapshot, options: &VerifyOptions, counters: &Counters) -> Result<VerifyReport, EngineError> {
    let started = std::time::Instant::now();
    counters.set_total(snapshot.stored_bytes().saturating_add(snapshot.raw_bytes()));
    let mut report = VerifyReport::of(snapshot);
    log(snapshot, options, &mut report);
    segments(snapshot, counters, &mut report);
    let mut tree = TreeCheck::new(snapshot, options.head.map(|head| (head.records, head.root)));
    let mut streams = Streams::default();
    groups(snapshot, counters, &mut report, &mut tree, &mut streams)?;
    roots(snapshot, &tree, &mut report);
    for (input, what) in streams.compare(snapshot) {
        report.bad_inputs += 1;
        report.fail(&snapshot.log_path(), format!("input '{}': {what}", snapshot.input_name(input)));
    }
    if let Some(head) = &options.head {
        since(snapshot, head, tree.pinned, &mut report);
    }
    if options.inputs {
        let originals = originals::compare(snapshot);
        for changed in &originals.changed {
            report.add(Failure::of(changed.clone()));
        }
        report.originals = Some(originals);
    }
    report.conclude(options.head.is_some());
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

/// The log itself: its chain was checked when it was read; what is left is what lies behind it and beside it.
fn log(snapshot: &Snapshot, options: &VerifyOptions, report: &mut VerifyReport) {
    if snapshot.commits() == 0 {
        report.fail(&snapshot.log_path(), "holds no whole entry".to_owned());
    }
    if let Some((path, bytes, is_damage)) = snapshot.tail() {
        let why = if is_damage {
            "the last entry was changed after it was written"
        } else {
            "a commit that never finished, which the next 'process' sets aside, or damage to the last entry"
        };
        report.fail(&path, format!("its last {bytes} bytes are no whole entry: {why}"));
    }
    for part in snapshot.set_aside() {
        if let Err(cause) = snapshot.check_set_aside(part) {
            report.failed(&cause);
        }
    }
    match snapshot.strays() {
        Ok(strays) => report.strays = strays,
        Err(cause) => report.failed(&cause),
    }
    if let Some((entries, hash)) = options.head.and_then(|head| head.log)
        && let Some(found) = entries.checked_sub(1).and_then(|last| snapshot.entry_hash(last))
        && found != hash
    {
        let what = format!("your head has another entry {}: this log is not a continuation of it", entries - 1);
        report.fail(&snapshot.log_path(), what);
    }
}

/// Every segment file against its SHA-256.
fn segments(snapshot: &Snapshot, counters: &Counters, report: &mut VerifyReport) {
    let entries: Vec<_> = snapshot.segments().collect();
    let checked: Vec<Result<(), ArchiveError>> = entries
        .par_iter()
        .map(|entry| match counters.is_stopped() {
            true => Ok(()),
            false => snapshot.check_segment(entry, &|bytes| counters.add_read(bytes)),
        })
        .collect();
    for failure in checked.into_iter().filter_map(Result::err) {
        report.bad_segments += 1;
        report.failed(&failure);
    }
}

/// Every record: read, hashed, and put into its place in the tree and in the stream of its input. While one window of groups is
/// decoded on all cores, the one before is taken in, in order.
fn groups(
    snapshot: &Snapshot,
    counters: &Counters,
    report: &mut VerifyReport,
    tree: &mut TreeCheck<'_>,
    streams: &mut Streams,
) -> Result<(), EngineError> {
    let mut next = 0;
    let mut rest = snapshot.groups();
    let mut decoded: Vec<(&GroupRef, Result<HashedGroup, ArchiveError>)> = Vec::new();
    loop {
        if counters.is_stopped() {
            return Err(EngineError::Interrupted);
        }
        let (window, after) = rest.split_at(window_of(rest));
        let before = std::mem::take(&mut decoded);
        if window.is_empty() && before.is_empty() {
            break;
        }
        let ((), now) = rayon::join(
            || {
                for (group, hashed) in before {
                    tree.skip(group.first.0.saturating_sub(next));
                    next = group.end();
                    take_group(group, hashed, report, tree, streams);
                }
            },
            || {
                let hash = |group| {
                    let hashed = snapshot.hash_group(group);
                    counters.add_read(group.stats.raw_bytes);
                    (group, hashed)
                };
                window.par_iter().map(hash).collect::<Vec<_>>()
            },
        );
        decoded = now;
        rest = after;
    }
    tree.skip(snapshot.records().saturating_sub(next));
    // Segments whose directory can't be read have no groups to fail: they are named here, and their file failed above.
    report.unreadable = snapshot.unreadable().to_vec();
    Ok(())
}

fn window_of(groups: &[GroupRef]) -> usize {
    let mut bytes = 0u64;
    let most = 4 * rayon::current_num_threads();
    let fitting = groups.iter().take(most).take_while(|group| {
        bytes = bytes.saturating_add(group.stats.raw_bytes);
        bytes <= WINDOW_BYTES
    });
    fitting.count().max(1).min(groups.len())
}

fn take_group(
    group: &GroupRef,
    hashed: Result<HashedGroup, ArchiveError>,
    report: &mut VerifyReport,
    tree: &mut TreeCheck<'_>,
    streams: &mut Streams,
) {
    match hashed {
        Ok(hashed) => {
            report.hashed += hashed.leaves.len() as u64;
            hashed.leaves.iter().for_each(|leaf| tree.leaf(*leaf));
            streams.take(&hashed);
        }
        Err(cause) => {
            tree.skip(u64::from(group.stats.rows));
            report.bad_groups += 1;
            let records = (group.first.0, group.end().saturating_sub(1));
            report.add(Failure { group: Some(group.number()), records: Some(records), ..Failure::from_cause(&cause) });
        }
    }
}

fn roots(snapshot: &Snapshot, tree: &TreeCheck<'_>, report: &mut VerifyReport) {
    report.good_blocks = tree.good_blocks;
    report.good_commits = tree.good_commits;
    for differs in &tree.differs {
        match differs {
            Differs::Block(from, to) => {
                let path = snapshot.path_of(*from);
                let what = format!("records {from}..={}: their root is not the one recorded", to - 1);
                let failure = Failure::of(format!("{}: {what}", path.display()));
                report.add(Failure { records: Some((*from, to - 1)), ..failure });
            }
            Differs::Commit(entry, records) => report.fail(
                &snapshot.log_path(),
                format!("entry {entry}: the root over the first {records} records is not the one recorded"),
            ),
        }
    }
}

/// Is the archive a continuation of the head that was kept elsewhere?
fn since(snapshot: &Snapshot, head: &Head, pinned: Option<bool>, report: &mut VerifyReport) {
    let path = snapshot.log_path();
    if head.records > snapshot.records() {
        let what =
            format!("ROLLBACK: your head has {} records, this archive only {}", head.records, snapshot.records());
        report.fail(&path, what);
    } else if pinned != Some(true) {
        let what =
            format!("the root over the first {} records is not that of your head: they were changed", head.records);
        report.fail(&path, what);
    }
    if let Some((entries, _)) = head.log.filter(|(entries, _)| *entries > snapshot.commits()) {
        let what = format!("ROLLBACK: your head has {entries} entries, this archive only {}", snapshot.commits());
        report.fail(&path, what);
    }
    report.since = Some(*head);
}
