//! The commands and their arguments, as typed by people.

mod detection;
mod judging;
mod reading;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use self::detection::{ANOMALIES_EXAMPLES, SCORE_EXAMPLES, TRAIN_EXAMPLES};
pub use self::detection::{Anomalies, IncidentsBy, Rescore, Score, Train, Why};
pub use self::judging::Judging;
pub use self::reading::Reading;
use crate::engine::{Seal, Store, StoreConfig};
use crate::model::{Timestamp, Zone};

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

const SEARCH_EXAMPLES: &str = "Examples:
  logguard search                                       the prompt; :help lists what can be typed
  logguard search 'failed password -root'               words, without one
  logguard search 'level>=error source_ip:10.0.0.0/8' --json
  logguard search --count 'status:[500 TO 599]'
  logguard search 'level>=warn | top 5 source_ip' --csv
  logguard search 'app:sshd | fields time, user, source_ip' -o logins.csv
  logguard search --queries cases.txt --json            one question a line; - is standard input
  logguard search 'level>=error | compare 1h before 24h' --limit-time 5s
  logguard search -- '-level:info'                      -- before a question that begins with -

Exit codes: 0 found, 1 nothing found, 2 failed or not everything could be read.";

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

/// `search`
#[derive(Debug, Args)]
pub struct Search {
    /// The question; without one the prompt opens
    #[arg(value_name = "QUERY", conflicts_with = "queries")]
    pub query: Option<String>,
    #[command(flatten)]
    pub store: StoreArguments,
    /// Records to show, newest first; without it 20, and all with --json, --csv and --raw; 0: all
    #[arg(short = 'n', long, value_name = "N")]
    pub limit: Option<u64>,
    /// Answer the questions of a file, one a line; `-` is standard input, `#` begins a comment
    #[arg(long, value_name = "FILE", conflicts_with = "raw")]
    pub queries: Option<PathBuf>,
    /// Write the answer to a file, whole or not at all; its name says the form where no flag does
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite the file of -o
    #[arg(long, requires = "output")]
    pub force: bool,
    /// End the answer after this time with what was covered, and exit code 2, such as 5s
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub limit_time: Option<std::time::Duration>,
    /// No line of counts and no hints on standard error; mistakes and what is incomplete are still said
    #[arg(short, long)]
    pub quiet: bool,
    /// One JSON object a record
    #[arg(long, group = "form")]
    pub json: bool,
    /// One CSV row a record
    #[arg(long, group = "form")]
    pub csv: bool,
    /// The exact bytes of the records and nothing else; not to a terminal
    #[arg(long, group = "form")]
    pub raw: bool,
    /// The number of records alone
    #[arg(short, long, group = "form")]
    pub count: bool,
    /// Show how the query was read and what was looked at
    #[arg(long)]
    pub explain: bool,
    /// Use no index
    #[arg(long)]
    pub scan: bool,
    /// A field that no record has is no error
    #[arg(long)]
    pub lenient: bool,
    /// Zone of times in the query and in the output
    #[arg(long, value_name = "OFFSET", value_parser = zone, default_value = "UTC", allow_hyphen_values = true)]
    pub tz: Zone,
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
    /// Effort: fast, balanced or small; what was sealed with less is written anew
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

fn time(text: &str) -> Result<Timestamp, String> {
    crate::engine::parse_time(text).ok_or_else(|| format!("'{text}' is no time; write it as 2026-11-20T12:00:00Z"))
}

fn seal(text: &str) -> Result<Seal, String> {
    let known = Seal::ALL.into_iter().find(|seal| seal.name() == text);
    known.ok_or_else(|| format!("'{text}' is no effort; write fast, balanced or small"))
}

fn zone(text: &str) -> Result<Zone, String> {
    Zone::parse(text).ok_or_else(|| format!("'{text}' is no offset; write it as +02:00 or UTC"))
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("must be a number from 0 to 1".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(rate),
        _ => Err("must be a number above 0".to_owned()),
    }
}

fn duration(text: &str) -> Result<std::time::Duration, String> {
    let (number, unit) =
        text.split_at(text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len()));
    let scale = match unit {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" => 60.0,
        _ => return Err("must be a number with ms, s or m behind it".to_owned()),
    };
    match number.parse::<f64>() {
        Ok(number) if number * scale <= 86_400.0 => Ok(std::time::Duration::from_secs_f64(number * scale)),
        _ => Err("must be a number with ms, s or m behind it, a day at most".to_owned()),
    }
}

fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()));
    let scale: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err("must be a number with KiB, MiB or GiB behind it".to_owned()),
    };
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(scale)) {
        Some(size) if size >= 128 << 20 => Ok(size),
        Some(_) => Err("must be 128MiB or more".to_owned()),
        None => Err("must be a number with KiB, MiB or GiB behind it".to_owned()),
    }
}
