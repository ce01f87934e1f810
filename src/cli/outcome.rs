//! How a run of the program ended, as an exit code, and the one place that writes to the standard streams.

use std::io::{self, Write};

use crate::report::{escape, escape_json};

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did what was asked, or found something.
    Done,
    /// It searched and found nothing.
    NoneFound,
    /// It failed, or what it did is incomplete.
    Failed,
}

impl Outcome {
    /// The exit code: 0, 1 or 2.
    pub fn code(self) -> u8 {
        match self {
            Outcome::Done => 0,
            Outcome::NoneFound => 1,
            Outcome::Failed => 2,
        }
    }
}

/// Prints a failure as one sentence on standard error.
pub fn failed(failure: &anyhow::Error) -> Outcome {
    if is_closed_pipe(failure) {
        // Whoever read the output has seen enough (`| head`).
        return Outcome::Done;
    }
    note(&format!("logguard: {failure:#}"));
    Outcome::Failed
}

/// Prints what clap has to say: help and version on standard output, everything else as bad usage.
pub fn usage(message: &clap::Error) -> Outcome {
    // Nothing can be done where even this can't be printed.
    let _ = message.print();
    if message.use_stderr() { Outcome::Failed } else { Outcome::Done }
}

/// Writes a line to standard error; control characters are escaped, whoever wrote them.
pub fn note(line: &str) {
    let mut stderr = io::stderr().lock();
    let _ = writeln!(stderr, "{}", escape(line));
}

/// Writes a line to standard output as it is: the caller has escaped what came from logs.
pub fn print(line: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes())?;
    stdout.write_all(b"\n")?;
    Ok(())
}

/// Writes a value to standard output as one JSON object, indented.
pub fn print_json<T: serde::Serialize>(value: &T) -> anyhow::Result<()> {
    print(&escape_json(&serde_json::to_string_pretty(value)?))
}

fn is_closed_pipe(failure: &anyhow::Error) -> bool {
    failure
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe))
}
