//! The command line: arguments -> engine call -> report printer. Holds no rule about logs.

mod account;
mod anomalies;
mod args;
mod compact;
mod demo;
mod formats;
mod generate;
mod info;
mod outcome;
mod process;
mod rescore;
mod restore;
mod rules;
mod score;
mod search;
mod train;
mod verify;

use std::ffi::OsString;

use clap::Parser as _;

pub use outcome::Outcome;

use self::args::{Arguments, Command};

/// Runs the program for its arguments (the first is its name) and says how it ended.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Outcome {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(usage) => return outcome::usage(&usage),
    };
    let result = match arguments.command {
        Command::Process(command) => process::run(&command),
        Command::Anomalies(command) => anomalies::run(&command),
        Command::Why(command) => anomalies::why(&command),
        Command::Train(command) => train::run(&command),
        Command::Score(command) => score::run(&command),
        Command::Generate(command) => generate::run(&command),
        Command::Formats(command) => formats::run(&command),
        Command::Rules(command) => rules::run(&command),
        Command::Info(command) => info::run(&command),
        Command::Restore(command) => restore::run(&command),
        Command::Compact(command) => compact::run(&command),
        Command::Rescore(command) => rescore::run(&command),
        Command::Reindex(command) => restore::reindex(&command),
        Command::Search(command) => search::run(&command),
        Command::Verify(command) => verify::run(&command),
        Command::Account(command) => account::run(&command),
        Command::Demo(command) => demo::run(&command),
    };
    result.unwrap_or_else(|failure| outcome::failed(&failure))
}
