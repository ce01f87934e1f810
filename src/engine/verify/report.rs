//! What verification found.

use std::path::Path;

use serde::Serialize;

use super::{Head, Originals};
use crate::archive::{ArchiveError, Snapshot};

/// Failures beyond this many are counted, not kept.
const FAILURES_KEPT: usize = 1_000;

/// Something that is not as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The whole sentence, with the file.
    pub what: String,
    /// Offset in the file, where the failure has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Number of the row group in its segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<usize>,
    /// First and last record that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<(u64, u64)>,
}

impl Failure {
    /// A failure with nothing but its sentence.
    pub fn of(what: String) -> Failure {
        Failure { what, offset: None, group: None, records: None }
    }

    /// A failure of the archive.
    pub fn from_cause(cause: &ArchiveError) -> Failure {
        let offset = match cause {
            ArchiveError::Damaged { offset, .. } => Some(*offset),
            _ => None,
        };
        Failure { offset, ..Failure::of(cause.to_string()) }
    }
}

/// How a verification ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Something is not as it was recorded.
    #[default]
    Broken,
    /// Everything agrees with itself; whoever holds the archive could have rebuilt it.
    SelfConsistent,
    /// Everything agrees with itself and continues a head that was kept elsewhere.
    Verified,
}

/// What verification found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct VerifyReport {
    /// How it ended.
    pub result: Verdict,
    /// Name of the archive: SHA-256 of the first entry of its log.
    pub archive: String,
    /// What to keep elsewhere, and to give to a later verification.
    pub head: Option<Head>,
    /// When the last entry was written, RFC 3339.
    pub last_commit: String,
    /// Entries of the log, all chained.
    pub entries: u64,
    /// Segment files.
    pub segments: u64,
    /// Those that do not have their SHA-256.
    pub bad_segments: u64,
    /// Row groups that were read.
    pub groups: u64,
    /// Those that can't be.
    pub bad_groups: u64,
    /// Records that the log says the archive has.
    pub records: u64,
    /// Records read and hashed.
    pub hashed: u64,
    /// Recorded roots of blocks of 4,096 records.
    pub blocks: u64,
    /// Those that the re-hashed records have.
    pub good_blocks: u64,
    /// Commits.
    pub commits: u64,
    /// Those whose root the re-hashed records have.
    pub good_commits: u64,
    /// Inputs.
    pub inputs: u64,
    /// Those whose bytes are not what the log says.
    pub bad_inputs: u64,
    /// The original files, where they were to be compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub originals: Option<Originals>,
    /// The head that was kept elsewhere, where one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Head>,
    /// Segment files that no entry names: they are not covered.
    pub strays: Vec<String>,
    /// Parts of the archive that can't be read, in words.
    pub unreadable: Vec<String>,
    /// The first row group that can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_bad_group: Option<Failure>,
    /// What is not as it was recorded; the first 1,000.
    pub failures: Vec<Failure>,
    /// Number of all of them.
    pub failed: u64,
    /// How long it took.
    pub seconds: f64,
}

impl VerifyReport {
    /// A report with the numbers that are known before anything is read.
    pub(super) fn of(snapshot: &Snapshot) -> VerifyReport {
        VerifyReport {
            archive: snapshot.identity().to_owned(),
            head: Some(Head::of(snapshot)),
            last_commit: snapshot.last_commit_at().to_owned(),
            entries: snapshot.commits(),
            segments: snapshot.segments().count() as u64,
            groups: snapshot.groups().len() as u64,
            records: snapshot.records(),
            blocks: snapshot.blocks().len() as u64,
            commits: snapshot.commit_marks().len() as u64,
            inputs: snapshot.inputs().len() as u64,
            ..VerifyReport::default()
        }
    }

    /// The report of an archive whose log can't be read.
    pub fn unopened(cause: &ArchiveError) -> VerifyReport {
        let mut report = VerifyReport::default();
        report.failed(cause);
        report
    }

    /// The verdict as a sentence.
    pub fn sentence(&self) -> String {
        match self.result {
            Verdict::Verified => {
                "VERIFIED against an earlier head: what it covers is unchanged, and only appended to".to_owned()
            }
            Verdict::SelfConsistent => {
                "SELF-CONSISTENT ONLY: no earlier head was given, and whoever holds the archive could \
                 have rebuilt it; keep the pin elsewhere and give it with --head next time"
                    .to_owned()
            }
            Verdict::Broken => format!("BROKEN: {} failure{}", self.failed, if self.failed == 1 { "" } else { "s" }),
        }
    }

    pub(super) fn add(&mut self, failure: Failure) {
        self.failed += 1;
        if failure.group.is_some() && self.first_bad_group.is_none() {
            self.first_bad_group = Some(failure.clone());
        }
        if self.failures.len() < FAILURES_KEPT {
            self.failures.push(failure);
        }
    }

    pub(super) fn fail(&mut self, path: &Path, what: String) {
        self.add(Failure::of(format!("{}: {what}", path.display())));
    }

    pub(super) fn failed(&mut self, cause: &ArchiveError) {
        self.add(Failure::from_cause(cause));
    }

    /// Counts that must be whole whatever failed, then the result.
    pub(super) fn conclude(&mut self, has_head: bool) {
        if self.hashed != self.records && self.failed == 0 {
            let what = format!("{} of {} records could be read", self.hashed, self.records);
            self.add(Failure::of(what));
        }
        let is_whole = self.good_blocks == self.blocks && self.good_commits == self.commits;
        if !is_whole && self.failed == 0 {
            self.add(Failure::of("not every recorded root could be compared".to_owned()));
        }
        self.result = match (self.failed, has_head) {
            (0, true) => Verdict::Verified,
            (0, false) => Verdict::SelfConsistent,
            _ => Verdict::Broken,
        };
    }
}
