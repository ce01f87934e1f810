//! Arguments of the commands about what is odd: `anomalies`, `why`, `train`, `score`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::StoreArguments;
use super::judging::{Judging, Kind};
use super::reading::Reading;
use super::values::{share, zone};
use crate::model::Zone;

pub(super) const ANOMALIES_EXAMPLES: &str = "Examples:
  logguard anomalies                             the gravest first
  logguard anomalies --by time --limit 0         all, newest first
  logguard anomalies --grouped                   alike ones together

An incident is what one entity did within ten minutes (without an entity: one kind of line). Exit codes: 0 some, 1 none, 2 failed.";

pub(super) const TRAIN_EXAMPLES: &str = "Examples:
  logguard train /var/log/auth.log                          data/models/default-HASH.lgm
  logguard train --from-archive --name web --kind autoencoder --hidden 16,6,16 --epochs 50
  logguard train --column log export.csv                    the lines are a column of a CSV file
  logguard process --model default /var/log/auth.log.1      begins with what was learnt, and goes on learning

Files are read as `process` reads them, JSON lines among them. The same training gives the same bytes.";

pub(super) const SCORE_EXAMPLES: &str = "Examples:
  logguard score access.log                      score TAB novelty TAB flag, one line for each line of the file
  logguard score --json auth.log                 with rules and reasons
  logguard score --sessions 'blk_-?[0-9]+' hdfs.log     key TAB score TAB flag for each session
  logguard score --labels truth.txt auth.log     precision, recall, ROC AUC, average precision on labels of your own
  zcat old.gz | logguard score -

A line that continues a record has the record's values; a line that holds several has those of the oddest.";

/// `rescore`
#[derive(Debug, Args)]
pub struct Rescore {
    #[command(flatten)]
    pub store: StoreArguments,
    #[command(flatten)]
    pub judging: Judging,
    /// Look for the Sigma rules of this file or folder anew (without it what they found before stays)
    #[arg(long, value_name = "PATH")]
    pub sigma: Vec<PathBuf>,
    /// One JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// `anomalies`
#[derive(Debug, Args)]
pub struct Anomalies {
    #[command(flatten)]
    pub store: StoreArguments,
    /// Order
    #[arg(long, value_enum, default_value = "weight")]
    pub by: IncidentsBy,
    /// Put incidents with like reasons together
    #[arg(long)]
    pub grouped: bool,
    /// Tell sessions (what shares an identifier) that are odd as wholes; goes through all records twice
    #[arg(long, conflicts_with_all = ["grouped", "by"])]
    pub sessions: bool,
    /// Share of the sessions that may be told as odd; 0.03 without it
    #[arg(long, value_name = "SHARE", value_parser = share, requires = "sessions")]
    pub budget: Option<f64>,
    /// Incidents (or groups) to tell; without it 20, and all with --json; 0: all
    #[arg(short = 'n', long, value_name = "N")]
    pub limit: Option<usize>,
    /// One JSON object an incident (or a group)
    #[arg(long)]
    pub json: bool,
    /// Zone of times in the output
    #[arg(long, value_name = "OFFSET", value_parser = zone, default_value = "UTC", allow_hyphen_values = true)]
    pub tz: Zone,
}

/// Orders of incidents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IncidentsBy {
    /// Newest first
    Time,
    /// Gravest first
    Weight,
}

/// `why`
#[derive(Debug, Args)]
pub struct Why {
    /// Number of the record
    #[arg(value_name = "ID")]
    pub id: u64,
    #[command(flatten)]
    pub store: StoreArguments,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
    /// Zone of times in the output
    #[arg(long, value_name = "OFFSET", value_parser = zone, default_value = "UTC", allow_hyphen_values = true)]
    pub tz: Zone,
}

/// `train`
#[derive(Debug, Args)]
pub struct Train {
    /// Files, folders, patterns, `-` for standard input
    #[arg(value_name = "PATH", required_unless_present = "from_archive", conflicts_with = "from_archive")]
    pub paths: Vec<String>,
    #[command(flatten)]
    pub store: StoreArguments,
    /// Learn from the records of the archive
    #[arg(long)]
    pub from_archive: bool,
    /// What the model is called
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub name: String,
    /// Settings of detection, in TOML (README, "Settings"); arguments come before them
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What judges a line as a whole; isolation-forest without it
    #[arg(long, value_enum, value_name = "KIND")]
    pub kind: Option<Kind>,
    /// Files are CSV and this column holds the lines (without it: the column `log` of files that end in .csv)
    #[arg(long, value_name = "COLUMN")]
    pub column: Option<String>,
    /// Trees of the forest, 1 to 1000
    #[arg(long, value_name = "N")]
    pub trees: Option<usize>,
    /// Lines each tree is grown from, 8 to 256
    #[arg(long, value_name = "N")]
    pub sample: Option<usize>,
    /// Principal components that lines are written down in, with --kind pca, 1 to 21
    #[arg(long, value_name = "N")]
    pub components: Option<usize>,
    /// Share of the lines that are taken to be odd and not learnt from by the model, 0 to 0.5
    #[arg(long, value_name = "SHARE")]
    pub contamination: Option<f64>,
    /// Units of the hidden layers of the autoencoder
    #[arg(long, value_name = "N,N,..", value_delimiter = ',')]
    pub hidden: Option<Vec<usize>>,
    /// How often the autoencoder goes through its rows
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// Learning rate of the autoencoder
    #[arg(long, value_name = "RATE")]
    pub learning_rate: Option<f32>,
    /// Share of the lines that runs with the model may flag, where they state neither budget nor threshold
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub alert_budget: Option<f64>,
    /// Score from which runs with the model flag, likewise
    #[arg(long, value_name = "SCORE", value_parser = share, conflicts_with = "alert_budget")]
    pub threshold: Option<f64>,
    /// Same seed, same model
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub reading: Reading,
    /// Print what was made as one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// `score`
#[derive(Debug, Args)]
pub struct Score {
    /// File to score; `-` for standard input
    #[arg(value_name = "FILE")]
    pub path: String,
    /// Tell sessions instead of lines: a regular expression that finds the key of a line (its first group, or the match)
    #[arg(long, value_name = "REGEX")]
    pub sessions: Option<String>,
    /// Begin with this model: a file, or the name of one that `train` made
    #[arg(long, value_name = "MODEL", conflicts_with = "model_kind")]
    pub model: Option<String>,
    #[command(flatten)]
    pub judging: Judging,
    /// Folder of the archive that has the model
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// Go through the file this often; the scores are those of the last time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=9))]
    pub passes: u32,
    /// A fourth column: 1 where an incident begins, at most this share of the lines
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub incidents: Option<f64>,
    /// Tell how well scores and flags agree with labels instead: a file with 1 (odd), 0 (ordinary) or -1 (not judged) for each line
    #[arg(long, value_name = "FILE", conflicts_with_all = ["sessions", "incidents"])]
    pub labels: Option<PathBuf>,
    /// One JSON object a line, with rules and reasons
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub reading: Reading,
}
