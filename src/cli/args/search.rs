//! Arguments of `search`.

use std::path::PathBuf;

use clap::Args;

use super::StoreArguments;
use super::values::{duration, zone};
use crate::model::Zone;

pub(super) const SEARCH_EXAMPLES: &str = "Examples:
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

/// `search`
#[derive(Debug, Args)]
pub struct Search {
    /// The question; without one the prompt opens
    #[arg(value_name = "QUERY", conflicts_with = "queries")]
    pub query: Option<String>,
    #[command(flatten)]
    pub store: StoreArguments,
    /// Records to show, newest first; without it 20, and all with --json, --csv and --raw; 0: all. All that match are counted, but with -q
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
