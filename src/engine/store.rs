//! A store: the archive and its index, opened for one act at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ingest::{
    Counters, IngestOptions, IngestReport, LineScore, ScoreOptions, ScoreReport, TOOL, hash_ahead, ingest, list_inputs,
    no_hints, score,
};
use super::reindex::{ReindexReport, catch_up};
use super::{
    Account, Anomalies, CompactReport, EngineError, FormatLook, IncidentOrder, Info, OddSessions, RescoreReport,
    RestoreReport, Search, TrainOptions, TrainReport, VerifyOptions, VerifyReport,
};
use crate::archive::{DiskStorage, Rewriter, Seal, Sha, Snapshot, Storage, Writer as ArchiveWriter};
use crate::detect::DetectConfig;
use crate::detect::sigma::RuleSet;
use crate::index::{Reader as IndexReader, Writer as IndexWriter};
use crate::model::{FailureKind, Timestamp, Zone};
use crate::parse::Registry;

/// Where a store lies, and its clock.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// Folder of the archive.
    pub data: PathBuf,
    /// Folder of the index.
    pub index: PathBuf,
    /// The clock; absent: the machine's.
    pub now: Option<Timestamp>,
}

impl Default for StoreConfig {
    fn default() -> StoreConfig {
        StoreConfig { data: "data".into(), index: "index".into(), now: None }
    }
}

/// A store on disk. Opening it touches nothing; every act opens what it needs and takes the lock only to write.
#[derive(Clone)]
pub struct Store {
    config: StoreConfig,
    registry: Registry,
    definitions: Vec<Sha>,
}

impl Store {
    /// The store of two folders, with the formats that come with the program.
    pub fn new(config: StoreConfig) -> Store {
        Store { config, registry: Registry::builtin(), definitions: Vec::new() }
    }

    /// The store in `data` and `index`, which need not exist yet.
    pub fn open(data: impl AsRef<Path>, index: impl AsRef<Path>) -> Store {
        Store::new(StoreConfig { data: data.as_ref().to_owned(), index: index.as_ref().to_owned(), now: None })
    }

    /// Where it lies.
    pub fn config(&self) -> &StoreConfig {
        &self.config
    }

    /// The formats it reads.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Adds the formats of a definition file and says how many; its samples are checked.
    pub fn add_formats(&mut self, file: &Path) -> Result<usize, EngineError> {
        let text = std::fs::read_to_string(file).map_err(|cause| EngineError::File {
            path: file.to_owned(),
            action: "reading formats",
            cause,
        })?;
        let added = self.registry.add_toml(&text, &file.display().to_string())?;
        self.definitions.push(Sha::of(text.as_bytes()));
        Ok(added)
    }

    /// The time now.
    pub fn clock(&self) -> Timestamp {
        self.config.now.unwrap_or_else(machine_clock)
    }

    /// The archive as of its last commit.
    pub fn snapshot(&self) -> Result<Snapshot, EngineError> {
        Ok(Snapshot::open(self.storage())?)
    }

    /// Options with every default for ingesting `paths` into this store.
    pub fn ingest_options(&self, paths: Vec<String>) -> IngestOptions {
        IngestOptions { definitions: self.definitions.clone(), ..IngestOptions::new(&self.config, paths) }
    }

    /// Archives, parses, scores and indexes; takes the lock, sets a torn tail aside, brings the index up to date.
    pub fn ingest(&self, options: &IngestOptions, counters: &Counters) -> Result<IngestReport, EngineError> {
        self.check_format(options.format.as_ref())?;
        if let Some(detect) = &options.detect {
            detect.check().map_err(EngineError::Usage)?;
        }
        // Before anything is made: a mistyped path must leave no empty store behind.
        let listed = list_inputs(options)?;
        hash_ahead();
        let mut archive = ArchiveWriter::open(self.storage(), &self.clock().to_string(), TOOL)?;
        let snapshot = self.snapshot()?;
        let mut index = IndexWriter::open(&self.config.index, archive.identity())?;
        catch_up(&snapshot, &mut index, &self.registry, counters)?;
        // Following may go on for weeks: it must not keep the files of segments that are replaced meanwhile.
        let before = snapshot.resting();
        drop(snapshot);
        let mut report = ingest(options, listed, &self.registry, before, &mut archive, &mut index, counters)?;
        index.close()?;
        report.recovery.clone_from(&archive.recovery().set_aside);
        report.archive_bytes = self.snapshot()?.archive_bytes();
        report.index_bytes = IndexReader::bytes(&self.config.index);
        Ok(report)
    }

    /// Scores the lines of files as `ingest` would and keeps nothing; `line` receives them in input order.
    pub fn score(
        &self,
        options: &ScoreOptions,
        mut line: impl FnMut(&LineScore<'_>) -> std::io::Result<()>,
    ) -> Result<ScoreReport, EngineError> {
        self.check_format(options.input.format.as_ref())?;
        options.detect.check().map_err(EngineError::Usage)?;
        score(options, &self.registry, &mut line)
    }

    /// Whether a format that is asked for exists.
    fn check_format(&self, format: Option<&String>) -> Result<(), EngineError> {
        if let Some(name) = format.filter(|name| !self.registry.names().contains(name)) {
            let hints = crate::parse::Hints { format: Some(name.clone()), ..no_hints() };
            crate::parse::Parser::new(&self.registry, hints, b"")?;
        }
        Ok(())
    }

    /// Builds the index anew from the archive.
    pub fn reindex(&self, counters: &Counters) -> Result<ReindexReport, EngineError> {
        // The lock keeps an ingest from adding to an index that is thrown away.
        let archive = ArchiveWriter::open(self.storage(), &self.clock().to_string(), TOOL)?;
        let snapshot = self.snapshot()?;
        let mut index = IndexWriter::create(&self.config.index, archive.identity())?;
        let report = catch_up(&snapshot, &mut index, &self.registry, counters)?;
        index.close()?;
        Ok(ReindexReport { index_bytes: IndexReader::bytes(&self.config.index), ..report })
    }

    /// Writes older segments anew with at least this effort, and joins small ones. Questions and an ingest go on beside it; what
    /// that adds meanwhile is left to the next run.
    pub fn compact(&self, seal: Seal, counters: &Counters) -> Result<CompactReport, EngineError> {
        // Before anything is made: a lock in a mistyped folder would be one thing too much.
        drop(self.snapshot()?);
        let mut rewriter = Rewriter::open(self.storage(), &self.clock().to_string(), TOOL)?;
        // Its segments are replaced by nobody but this one.
        let snapshot = self.snapshot()?.resting();
        let mut report = super::compact::compact(
            &snapshot,
            &self.registry,
            &mut rewriter,
            seal,
            &|| self.clock().to_string(),
            counters,
        )?;
        report.recovery.clone_from(&rewriter.recovery().set_aside);
        report.still_read = rewriter.finish()?;
        Ok(report)
    }

    /// Scores all records anew, knowing all of them, and replaces their scores in one step; then the index is built anew. `rules` are
    /// looked for too; without any, what rules from outside found before stays.
    pub fn rescore(
        &self,
        config: DetectConfig,
        rules: Option<&Arc<RuleSet>>,
        counters: &Counters,
    ) -> Result<RescoreReport, EngineError> {
        config.check().map_err(EngineError::Usage)?;
        let now = self.clock().to_string();
        // Before anything is made: a mistyped folder must not become an archive.
        drop(self.snapshot()?);
        // No record may come meanwhile, and no segment be sealed again.
        let archive = ArchiveWriter::open(self.storage(), &now, TOOL)?;
        let mut rewriter = Rewriter::open(self.storage(), &now, TOOL)?;
        let snapshot = self.snapshot()?.resting();
        let report = super::rescore::rescore(&snapshot, &mut rewriter, &self.registry, config, rules, &now, counters)?;
        // Flagged records have documents of their own there.
        let mut index = IndexWriter::create(&self.config.index, archive.identity())?;
        catch_up(&snapshot.refreshed()?, &mut index, &self.registry, counters)?;
        index.close()?;
        rewriter.finish()?;
        Ok(report)
    }

    /// Writes every input back, unpacked, under its relative name.
    pub fn restore(&self, out: &Path, keep_going: bool) -> Result<RestoreReport, EngineError> {
        super::restore::restore(&self.snapshot()?, out, keep_going)
    }

    /// Reads and hashes everything that the archive holds and compares it with what was recorded. An archive that is damaged is no
    /// error: the report says what is wrong. `Err` where there is none, or where it was stopped.
    pub fn verify(&self, options: &VerifyOptions, counters: &Counters) -> Result<VerifyReport, EngineError> {
        match super::verify::open(&self.storage()) {
            Ok(snapshot) => super::verify::verify(&snapshot, options, counters),
            Err(EngineError::Archive(cause)) if cause.kind() == FailureKind::Damaged => {
                Ok(VerifyReport::unopened(&cause))
            }
            Err(other) => Err(other),
        }
    }

    /// What became of every byte of every input.
    pub fn account(&self) -> Result<Account, EngineError> {
        Account::of(&self.snapshot()?)
    }

    /// How a file would be read: format and first records of each member.
    pub fn look_at_format(
        &self,
        file: &Path,
        format: Option<&str>,
        zone: Zone,
        year: Option<i32>,
        limit: usize,
    ) -> Result<Vec<FormatLook>, EngineError> {
        super::look::look(&self.registry, file, format, zone, year, limit)
    }

    /// What the store holds.
    pub fn info(&self) -> Result<Info, EngineError> {
        let snapshot = self.snapshot()?;
        Info::of(&snapshot, IndexReader::bytes(&self.config.index))
    }

    /// Makes a model of what is ordinary and stores it.
    pub fn train(&self, options: TrainOptions) -> Result<TrainReport, EngineError> {
        self.check_format(options.files.as_ref().and_then(|files| files.format.as_ref()))?;
        super::train::train(self, options)
    }

    /// The incidents of all flagged records; at most `limit` of them.
    pub fn anomalies(&self, order: IncidentOrder, limit: Option<usize>) -> Result<Anomalies, EngineError> {
        super::anomalies::anomalies(&self.snapshot()?, order, limit)
    }

    /// The sessions that are odd as wholes, found in two passes over all records; `budget` is the share that may be.
    pub fn odd_sessions(&self, budget: Option<f64>) -> Result<OddSessions, EngineError> {
        let usual = DetectConfig::default();
        let session_budget = budget.unwrap_or(usual.session_budget);
        super::sessions::odd_sessions(self, DetectConfig { session_budget, ..usual })
    }

    /// Opens the store for questions. A missing or damaged index is no failure: questions read the archive instead.
    pub fn search(&self) -> Result<Search, EngineError> {
        Search::open(self)
    }

    pub(super) fn storage(&self) -> Arc<dyn Storage> {
        Arc::new(DiskStorage::new(&self.config.data))
    }
}

/// The machine's clock; 1970 where it is set before.
pub fn machine_clock() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
