//! Hands the arguments to the command line and turns the outcome into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(logguard::cli::run(std::env::args_os()).code())
}
