//! `:verify`: the whole archive read and hashed from the prompt, with progress, until Ctrl-C.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use crate::engine::{Counters, EngineError, Store, VerifyOptions, VerifyReport};
use crate::report::{bytes, count, progress, seconds, thousands};

/// Failures that are printed; `logguard verify --json` has the first 1,000.
const PRINTED: usize = 5;
/// Time between two looks at how far it is, and at the wish to stop.
const STEP: Duration = Duration::from_millis(50);

/// Verifies what a store holds now; `stop` ends it with [`EngineError::Interrupted`].
pub fn verify(store: &Store, stop: &AtomicBool) -> Result<VerifyReport, EngineError> {
    let (counters, done) = (Counters::default(), AtomicBool::new(false));
    let is_watched = std::io::stderr().is_terminal();
    if stop.load(Relaxed) {
        counters.stop();
    }
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !done.load(Relaxed) {
                if stop.load(Relaxed) {
                    counters.stop();
                }
                let (read, total) = (counters.read(), counters.total());
                if is_watched && total > 0 {
                    progress(&format!("verifying: {} of {}, Ctrl-C stops it", bytes(read.min(total)), bytes(total)));
                }
                std::thread::park_timeout(STEP);
            }
            if is_watched {
                progress("");
            }
        });
        let report = store.verify(&VerifyOptions::default(), &counters);
        done.store(true, Relaxed);
        watcher.thread().unpark();
        // What shows progress has no failure of its own that matters.
        let _ = watcher.join();
        report
    })
}

/// What was found, in a few lines: what was read, the first failures, the pin, the verdict.
pub fn lines_of(report: &VerifyReport) -> Vec<String> {
    let of = |good: u64, all: u64| format!("{} of {}", thousands(good), thousands(all));
    let mut lines = vec![format!(
        "{} segments with their SHA-256, {} records re-hashed, {} inputs as they were read, in {}",
        of(report.segments.saturating_sub(report.bad_segments), report.segments),
        of(report.hashed, report.records),
        of(report.inputs.saturating_sub(report.bad_inputs), report.inputs),
        seconds(report.seconds)
    )];
    lines.extend(report.failures.iter().take(PRINTED).map(|failure| format!("FAIL {}", failure.what)));
    let more = report.failed.saturating_sub(PRINTED as u64);
    if more > 0 {
        lines.push(format!("{} more; 'logguard verify' lists them", count(more, "failure")));
    }
    lines.extend(report.head.as_ref().map(|head| format!("pin  {head}")));
    lines.push(report.sentence());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wish_to_stop_ends_it_and_the_next_one_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("a.log");
        std::fs::write(&input, "2026-11-20T10:00:00Z app: started\n").unwrap();
        let store = Store::open(folder.path().join("data"), folder.path().join("index"));
        let options = store.ingest_options(vec![input.display().to_string()]);
        store.ingest(&options, &Counters::default()).unwrap();
        let stop = AtomicBool::new(true);
        assert!(matches!(verify(&store, &stop), Err(EngineError::Interrupted)));
        stop.store(false, Relaxed);
        let lines = lines_of(&verify(&store, &stop).unwrap());
        assert!(lines.iter().any(|line| line.starts_with("SELF-CONSISTENT")), "{lines:?}");
    }
}
