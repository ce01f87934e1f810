//! Ingest: the row of stages from files to a committed store, and the report of what became of every input.

mod batch;
mod counters;
mod facts;
mod feed;
mod follow;
mod gather;
mod judge;
mod keep;
mod known;
mod learn;
mod live;
mod permits;
mod run;
mod score;
mod understand;
mod years;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::bounded;

pub use counters::Counters;
pub use facts::file_id;
pub use gather::{GROUP_BYTES, GROUP_RECORDS, STRIPE_BYTES, STRIPE_RECORDS};
pub use judge::Sources;
pub use known::hex_of;
pub use learn::learn;
pub use run::hash_ahead;
pub use score::{LineScore, ScoreOptions, ScoreReport, SessionScore, score};

use self::batch::Block;
use self::feed::Feeder;
use self::gather::Gather;
use self::judge::{Judge, Judging};
use self::keep::Keep;
use self::known::Known;
use self::live::Live;
use self::permits::Permits;
use self::understand::Understand;
use super::EngineError;
use super::models::{ModelFiles, ModelInUse};
use super::store::StoreConfig;
use crate::archive::{LOCKS, Seal, Sha, Snapshot, Writer as ArchiveWriter};
use crate::detect::sigma::RuleSet;
use crate::detect::{DetectConfig, Model, ModelKind};
use crate::index::Writer as IndexWriter;
use crate::model::{Timestamp, Zone};
use crate::parse::Registry;
use crate::source::{self, Caps, Listed};

/// What may wait for the last stage: some hundred bytes each, stripes are counted by themselves.
const NOTES: usize = 256;
/// Name and version of the program, as the log of custody names it.
pub const TOOL: &str = concat!("logguard ", env!("CARGO_PKG_VERSION"));

/// What to ingest and how.
#[derive(Clone)]
pub struct IngestOptions {
    /// The folder of the archive.
    pub data: PathBuf,
    /// The folder of the index.
    pub index: PathBuf,
    /// Files, folders, patterns, `-` for standard input.
    pub paths: Vec<String>,
    /// Go on after the backfill with what is appended.
    pub follow: bool,
    /// Threads that encode; 0: as many as there are cores.
    pub threads: usize,
    /// Memory to stay under, in bytes; at least 128 MiB.
    pub memory: u64,
    /// How records are scored; absent: not at all.
    pub detect: Option<DetectConfig>,
    /// The model that scoring begins with: a file, or the name of one in the store.
    pub model: Option<String>,
    /// Rules from outside to look for on each record; see [`load_rules`](crate::engine::load_rules).
    pub rules: Option<Arc<RuleSet>>,
    /// Read everything as this format.
    pub format: Option<String>,
    /// Zone of times that state none.
    pub zone: Zone,
    /// Year of times that state none.
    pub year: Option<i32>,
    /// The clock; absent: the machine's.
    pub now: Option<Timestamp>,
    /// How far containers are followed.
    pub caps: Caps,
    /// Effort that goes into making segments small.
    pub seal: Seal,
    /// Who runs the program and where, for the log of custody.
    pub operator: String,
    /// The machine's name.
    pub host: String,
    /// The command line, for the log of custody.
    pub command: Vec<String>,
    /// SHA-256 of each file of formats that was added to those of the program.
    pub definitions: Vec<Sha>,
}

impl IngestOptions {
    /// Options with every default, for a store and paths.
    pub fn new(store: &StoreConfig, paths: Vec<String>) -> IngestOptions {
        IngestOptions {
            data: store.data.clone(),
            index: store.index.clone(),
            paths,
            follow: false,
            threads: 0,
            memory: 512 << 20,
            detect: Some(DetectConfig::default()),
            model: None,
            rules: None,
            format: None,
            zone: Zone::UTC,
            year: None,
            now: store.now,
            caps: Caps::default(),
            seal: Seal::default(),
            operator: std::env::var("USER")
                .or_else(|_| std::env::var("LOGNAME"))
                .unwrap_or_else(|_| "unknown".to_owned()),
            host: std::fs::read_to_string("/etc/hostname").map_or("unknown".to_owned(), |name| name.trim().to_owned()),
            command: std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect(),
            definitions: Vec::new(),
        }
    }

    /// Loads the model that is asked for; one of another kind than is asked for is bad usage.
    pub(super) fn load_model(&self) -> Result<Option<(ModelInUse, Arc<Model>)>, EngineError> {
        let Some(wanted) = &self.model else { return Ok(None) };
        Ok(Some(ModelInUse::load(ModelFiles::of(&self.data), wanted)?))
    }

    /// The time now.
    pub(super) fn clock(&self) -> Timestamp {
        self.now.unwrap_or_else(super::store::machine_clock)
    }
}

/// Something that was not taken, or not wholly, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Refused {
    /// Path or member.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// What became of an ingest.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct IngestReport {
    /// Inputs read for the first time.
    pub inputs: u64,
    /// Inputs that had grown since an earlier run.
    pub grown: u64,
    /// Files whose bytes are in the archive already.
    pub unchanged: u64,
    /// Records kept by this run.
    pub records: u64,
    /// Their raw bytes.
    pub raw_bytes: u64,
    /// Bytes of the archive after this run, all inputs of all runs.
    pub archive_bytes: u64,
    /// Bytes of the index after this run.
    pub index_bytes: u64,
    /// Flagged records of this run.
    pub flagged: u64,
    /// What decided flags, in words; absent where nothing was scored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flagging: Option<String>,
    /// How long it took.
    pub seconds: f64,
    /// Highest memory of the process so far, where the system tells.
    pub peak_memory_bytes: Option<u64>,
    /// What was not taken, and why.
    pub refused: Vec<Refused>,
    /// What was read only in part, and why.
    pub incomplete: Vec<Refused>,
    /// Files known under another name: this file, and that input.
    pub duplicates: Vec<(String, String)>,
    /// What was set aside of an earlier run that did not end well.
    pub recovery: Vec<String>,
    /// What else there is to say of the run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Whether a model was asked for and could not be used.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub model_failed: bool,
    /// Whether the caller stopped it before its end.
    pub interrupted: bool,
}

/// Hints that say nothing.
pub fn no_hints() -> crate::parse::Hints {
    crate::parse::Hints { name: String::new(), modified: None, zone: Zone::UTC, year: None, format: None }
}

/// Finds the files of the arguments; the store's own are refused.
pub fn list_inputs(options: &IngestOptions) -> Result<Listed, EngineError> {
    let ours = OwnFiles::of(options);
    Ok(source::list(&options.paths, &|path| ours.contains(path))?)
}

/// Runs an ingest on a store that nobody else writes to.
pub fn ingest(
    options: &IngestOptions,
    listed: Listed,
    registry: &Registry,
    before: Snapshot,
    archive: &mut ArchiveWriter,
    index: &mut IndexWriter,
    counters: &Counters,
) -> Result<IngestReport, EngineError> {
    let started = std::time::Instant::now();
    let total = listed.files.iter().filter_map(|file| file.path.metadata().ok()).map(|data| data.len()).sum();
    counters.set_total(total);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads)
        .thread_name(|number| format!("encode-{number}"))
        .build()
        .map_err(|_| EngineError::Worker("encode"))?;
    let threads = pool.current_num_threads();
    // What is under way at once: chunks and blocks of about 1 MiB (8 MiB where lines are that long) and groups of 4 MiB.
    let depth = (options.memory >> 24).clamp(2, 8) as usize;
    let (fed_in, fed_out) = bounded(depth);
    let (understood_in, understood_out) = bounded(depth);
    let (judged_in, judged_out) = bounded(depth);
    // A stripe is waited for in its turn, others are filled and packed meanwhile. Notes between them take none of their places.
    let (kept_in, kept_out) = bounded(NOTES);
    let unkept = Permits::new(threads + 1);
    let (recycle_in, recycle_out) = bounded::<Box<Block>>(2 * depth);
    let known = Known::of(archive);
    let sources = archive.inputs().iter().map(|input| (input.acquisition.input, input.source)).collect();
    archive.set_seal(options.seal);
    let mut notes = Vec::new();
    let mut judging = Judging { detect: options.detect.clone(), ..Judging::default() };
    match options.load_model() {
        Ok(loaded) => (judging.in_use, judging.model) = loaded.unzip(),
        Err(cause) => {
            // Evidence is not left lying because a model can't be read.
            notes.push(format!("{cause}; records are scored by rules alone, without anything learnt"));
            judging.detect = judging.detect.map(|detect| DetectConfig { kind: ModelKind::Rules, ..detect });
        }
    }
    if !options.follow {
        judging.in_use = None;
    }
    let mut judge = Judge::new(judging);
    judge.live = options.follow.then(|| Live::new(counters));
    let flagging = judge.flagging();
    if let Some(rules) = &options.rules {
        judge.set_rules(rules, threads);
    }
    for input in archive.inputs() {
        let acquisition = &input.acquisition;
        judge.group(acquisition.input, &acquisition.name, &acquisition.format);
    }
    let outcome = std::thread::scope(|scope| {
        let understand = scope.spawn(move || Understand::new(understood_in, recycle_out).run(&fed_out).is_ok());
        let judged = scope.spawn(move || judge.run(&understood_out, judged_in));
        let gather = scope
            .spawn(move || Gather::new(kept_in, unkept, recycle_in, pool, options, sources).run(&judged_out).is_some());
        let keep = scope.spawn(|| {
            let kept = Keep { archive, index, options, counters }.run(&kept_out);
            if kept.is_err() {
                counters.stop();
            }
            // Dropping the receiver ends the stages before, one after the other.
            drop(kept_out);
            kept
        });
        let mut feeder = Feeder::new(options, registry, Some(before), known, counters, fed_in);
        let fed = feeder.run(listed);
        let report = feeder.finish();
        let judged = judged.join();
        let alive =
            [("understand", understand.join().is_ok()), ("judge", judged.is_ok()), ("gather", gather.join().is_ok())];
        let kept = keep.join().map_err(|_| EngineError::Worker("keep"))?;
        kept?;
        if let Some((stage, _)) = alive.iter().find(|(_, alive)| !alive) {
            return Err(EngineError::Worker(stage));
        }
        let said = judged.ok().and_then(Result::ok).map(|judged| judged.notes).unwrap_or_default();
        Ok((report, fed.is_err(), said))
    });
    let (fed, interrupted, said) = outcome?;
    let model_failed = !notes.is_empty();
    notes.extend(said);
    let duplicates = fed.unchanged.iter().filter_map(|(name, under)| Some((name.clone(), under.clone()?))).collect();
    Ok(IngestReport {
        inputs: fed.new,
        grown: fed.grown,
        unchanged: fed.unchanged.len() as u64,
        records: counters.records(),
        raw_bytes: counters.raw_bytes(),
        flagged: counters.flagged(),
        flagging,
        seconds: started.elapsed().as_secs_f64(),
        peak_memory_bytes: peak_memory(),
        refused: fed.refused,
        incomplete: fed.incomplete,
        duplicates,
        interrupted,
        notes,
        model_failed,
        ..IngestReport::default()
    })
}

/// Highest resident memory of this process in bytes, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok()?.checked_mul(1_024)
}

/// The store's own files, which are never its input.
struct OwnFiles {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl OwnFiles {
    fn of(options: &IngestOptions) -> OwnFiles {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let (data, index) = (real(&options.data), real(&options.index));
        let within = |name: &str| data.join(name);
        OwnFiles {
            folders: vec![within("segments"), within("set-aside"), within("models"), index],
            files: LOCKS.into_iter().chain(["custody.jsonl", ".gitkeep"]).map(within).collect(),
        }
    }

    fn contains(&self, path: &Path) -> bool {
        let Ok(real) = path.canonicalize() else { return false };
        self.files.contains(&real) || self.folders.iter().any(|folder| real.starts_with(folder))
    }
}
