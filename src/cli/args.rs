//! The commands and their arguments, as typed by people.

mod detection;
mod judging;
mod reading;
mod search;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use self::detection::{ANOMALIES_EXAMPLES, SCORE_EXAMPLES, TRAIN_EXAMPLES};
pub use self::detection::{Anomalies, IncidentsBy, Rescore, Score, Train, Why};
pub use self::judging::Judging;
pub use self::reading::Reading;
use self::search::SEARCH_EXAMPLES;
pub use self::search::Search;
use self::values::{duration, rate, seal, share, size, time};
use crate::engine::{Seal, Store, StoreConfig};
use crate::model::Timestamp;

/// LogGuard: a forensic log archive and search engine.
#[derive(Debug, Parser)]
#[command(name = "logguard", version, about, max_term_width = 110, after_help = EXAMPLES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Examples:
  logguard demo                                  generate, process and open the prompt
  logguard generate                              50,000 lines with injected attacks to data/system_logs.log
  logguard process /var/log                      archive, parse, score and index everything below /var/log
  logguard process --follow /var/log/auth.log    go on with what is appended
  logguard search                                the prompt
  logguard search 'level>=error source_ip:10.0.0.0/8'

Exit codes: 0 done or found, 1 nothing found, 2 failed or incomplete.";

const PROCESS_EXAMPLES: &str = "Examples:
  logguard process /var/log 'backup/**/*.gz'     folders and patterns; containers are told by content
  zcat old.gz | logguard process -               standard input
  logguard process --follow /var/log             backfill, then whatever is appended, until Ctrl-C
  logguard process --sigma rules /var/log        Sigma rules too; then search for 'rule:sigma'
  logguard process --year 2019 --tz +02:00 f     for times that state no year or zone

What is archived already is skipped, by content. What is refused or read only in part is named, and the exit code is 2.";

const VERIFY_HELP: &str = "Examples:
  logguard verify                       is the archive what was written? prints a pin of its head
  logguard verify --head 27000:5dc9..   and does it continue the archive that had this pin?
  logguard verify --head pin.txt        the same, from a file
  logguard verify --inputs              do the files that were read still hold the bytes read?

The archive is tamper-evident: against a pin kept elsewhere every later change is found. Without a pin the result is
SELF-CONSISTENT ONLY: whoever can write to the archive can also rebuild it as a whole.

Exit codes: 0 consistent, 2 broken, or nothing could be verified.";

const RULES_HELP: &str = "Examples:
  logguard rules sigma/rules                     names each file that can't be used, and why
  logguard rules sigma/rules --json              the same as one JSON object
  logguard process --sigma sigma/rules /var/log  looks for them; then search for 'rule:sigma' or 'rule:NAME'

Exit codes: 0 all rules can be used, 2 some can't.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write synthetic logs with injected attacks and a file of truth
    Generate(Generate),
    /// Archive, parse, score and index logs
    #[command(after_help = PROCESS_EXAMPLES)]
    Process(Process),
    /// Ask questions: at a prompt, or one on the command line
    #[command(after_help = SEARCH_EXAMPLES)]
    Search(Search),
    /// List incidents: who, when, how grave, why, and what to do
    #[command(after_help = ANOMALIES_EXAMPLES)]
    Anomalies(Anomalies),
    /// Say why a record is odd, and how to see the evidence
    Why(Why),
    /// Learn what is ordinary and store it as a model
    #[command(after_help = TRAIN_EXAMPLES)]
    Train(Train),
    /// Score the lines of a file and keep nothing: score, novelty and flag a line
    #[command(after_help = SCORE_EXAMPLES)]
    Score(Score),
    /// Show how files are read: format, confidence, and the fields of sample lines
    Formats(Formats),
    /// Check Sigma rules: how many can be used, and why the others can't
    #[command(after_help = RULES_HELP)]
    Rules(Rules),
    /// Show what the store holds
    Info(Info),
    /// Write every input back, byte for byte
    Restore(Restore),
    /// Read and hash everything in the archive again and compare it with what was recorded
    #[command(after_help = VERIFY_HELP)]
    Verify(Verify),
    /// Show what became of every byte of every input: read, sealed, skipped, not yet taken
    #[command(after_help = "Exit codes: 0 all sums agree, 2 they do not, or parts of the archive can't be read.")]
    Account(Account),
    /// Seal older segments again with more effort, and join small ones
    Compact(Compact),
    /// Score every record anew, knowing the whole archive, and replace the scores
    Rescore(Rescore),
    /// Build the index anew from the archive
    Reindex(Reindex),
    /// Generate, process and search in one go
    Demo(Demo),
}

/// Where the store lies.
#[derive(Debug, Clone, Args)]
pub struct StoreArguments {
    /// Folder of the archive
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// Folder of the index
    #[arg(long, value_name = "DIR", default_value = "index")]
    pub index: PathBuf,
    /// Fix the clock, for relative times and repeatable runs
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub now: Option<Timestamp>,
}

impl StoreArguments {
    /// The store named.
    pub fn store(&self) -> Store {
        Store::new(StoreConfig { data: self.data.clone(), index: self.index.clone(), now: self.now })
    }
}

/// `generate`
#[derive(Debug, Args)]
pub struct Generate {
    /// File to write; `-` is standard output
    #[arg(short, long, value_name = "FILE", default_value = "data/system_logs.log")]
    pub output: PathBuf,
    /// Form of the lines
    #[arg(long, value_enum, default_value = "csv")]
    pub format: GenerateFormat,
    /// Number of lines
    #[arg(long, value_name = "N", default_value_t = 50_000)]
    pub lines: u64,
    /// Share of lines that belong to an injected scenario
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, value_parser = share)]
    pub anomaly_rate: f64,
    /// Same seed, same bytes
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub seed: u64,
    /// Time of the first line
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub start: Option<Timestamp>,
    /// Lines per second of log time
    #[arg(long, value_name = "N", value_parser = rate)]
    pub rate: Option<f64>,
    /// Go on in real time until interrupted
    #[arg(long)]
    pub forever: bool,
    /// Time between two lines with --forever, such as 500ms or 2s
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = duration)]
    pub interval: std::time::Duration,
    /// More anomalies, for tests
    #[arg(long)]
    pub test_mode: bool,
    /// Write line number, label and scenario of each line to this file
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
}

/// Forms of generated lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GenerateFormat {
    /// timestamp,level,event_type,source_ip,target_resource,status,message
    Csv,
    /// Web server access log
    Combined,
    /// RFC 3164
    Syslog,
    /// JSON lines
    Json,
}

/// `process`
#[derive(Debug, Args)]
pub struct Process {
    /// Files, folders, patterns, `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<String>,
    #[command(flatten)]
    pub store: StoreArguments,
    /// Go on after the backfill with what is appended, until interrupted
    #[arg(short, long)]
    pub follow: bool,
    /// Threads that compress; 0: as many as there are cores
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// Memory to stay under, such as 512MiB
    #[arg(long, value_name = "SIZE", default_value = "512MiB", value_parser = size)]
    pub memory: u64,
    /// Do not score
    #[arg(long, conflicts_with_all = ["model", "model_kind", "alert_budget", "threshold", "config"])]
    pub no_detect: bool,
    /// Begin with this model: a file, or the name of one that `train` made
    #[arg(long, value_name = "MODEL", conflicts_with = "model_kind")]
    pub model: Option<String>,
    #[command(flatten)]
    pub judging: Judging,
    /// Look for the Sigma rules of this file or folder too (see `logguard rules`)
    #[arg(long, value_name = "PATH", conflicts_with = "no_detect")]
    pub sigma: Vec<PathBuf>,
    #[command(flatten)]
    pub reading: Reading,
    /// Refuse what unpacks to more than this many times its size (beyond 64 MiB)
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub max_ratio: u64,
    /// Follow containers within containers this deep
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub max_depth: u32,
    /// Effort that goes into making it small: fast, balanced or small (see also 'logguard compact')
    #[arg(long, value_name = "EFFORT", value_parser = seal, default_value = "balanced")]
    pub seal: Seal,
    /// Print the summary as one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// `formats`
#[derive(Debug, Args)]
pub struct Formats {
    /// Files to look at
    #[arg(value_name = "FILE", required_unless_present = "list")]
    pub files: Vec<PathBuf>,
    /// List the formats known
    #[arg(long)]
    pub list: bool,
    /// Records to show of each file
    #[arg(short = 'n', long, value_name = "N", default_value_t = 3)]
    pub limit: usize,
    #[command(flatten)]
    pub reading: Reading,
    /// One JSON object a file
    #[arg(long)]
    pub json: bool,
}

/// `info`
#[derive(Debug, Args)]
pub struct Info {
    #[command(flatten)]
    pub store: StoreArguments,
    /// List every input
    #[arg(long)]
    pub files: bool,
    /// One JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// `restore`
#[derive(Debug, Args)]
pub struct Restore {
    /// Folder to write to; must be empty or not there
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    #[command(flatten)]
    pub store: StoreArguments,
    /// Go on behind damaged parts; what is missing is named
    #[arg(long)]
    pub keep_going: bool,
    /// Print what was restored as one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// `verify`
#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    pub store: StoreArguments,
    /// A pin that an earlier verify has printed, or a file with it
    #[arg(long, value_name = "PIN")]
    pub head: Option<String>,
    /// Compare the original files that are still where they were
    #[arg(long)]
    pub inputs: bool,
    /// One JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// `account`
#[derive(Debug, Args)]
pub struct Account {
    #[command(flatten)]
    pub store: StoreArguments,
    /// One JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// `compact`
#[derive(Debug, Args)]
pub struct Compact {
    #[command(flatten)]
    pub store: StoreArguments,
    /// Effort: fast, balanced or small (questions take a few times as long then); what was sealed with less is written anew
    #[arg(long, value_name = "EFFORT", value_parser = seal, default_value = "small")]
    pub seal: Seal,
    /// One JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// `rules`
#[derive(Debug, Args)]
pub struct Rules {
    /// Files and folders of Sigma rules (*.yml, *.yaml)
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Print the names of the rules that can be used
    #[arg(long, conflicts_with = "json")]
    pub list: bool,
    /// One JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// `reindex`
#[derive(Debug, Args)]
pub struct Reindex {
    #[command(flatten)]
    pub store: StoreArguments,
}

/// `demo`
#[derive(Debug, Args)]
pub struct Demo {
    #[command(flatten)]
    pub store: StoreArguments,
    /// Number of lines to generate
    #[arg(long, value_name = "N", default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub lines: u64,
}
