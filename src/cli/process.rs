//! `logguard process`: a run of ingest with a progress bar and a summary.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::Outcome;
use super::args::Process;
use super::outcome::{note, print_json};
use super::rules;
use crate::engine::{Caps, Counters, IngestReport};
use crate::report::{bytes, count, escape, ratio, seconds, thousands};

/// Runs the command.
pub fn run(command: &Process) -> anyhow::Result<Outcome> {
    let mut store = command.store.store();
    command.reading.add_formats(&mut store)?;
    let mut options = command.reading.options(&store, command.paths.clone());
    options.follow = command.follow;
    options.threads = command.threads;
    options.memory = command.memory;
    options.seal = command.seal;
    options.caps = Caps { ratio: command.max_ratio, depth: command.max_depth, ..Caps::default() };
    options.model.clone_from(&command.model);
    options.detect = if command.no_detect { None } else { Some(command.judging.settings(false)?) };
    // Evidence is not left lying because a rule can't be read.
    let (rules, unusable) = match rules::load(&command.sigma)? {
        Ok(rules) => (rules, None),
        Err(why) => (None, Some(format!("{why}; records are archived and scored without them"))),
    };
    options.rules = rules.as_ref().map(|(set, _)| Arc::clone(set));
    let counters = Arc::new(Counters::default());
    stop_on_interrupt(&counters);
    let started = Instant::now();
    let shown = Shown::start(&counters, command.follow);
    let report = store.ingest(&options, &counters);
    shown.finish();
    let report = report?;
    if command.json {
        let mut whole = serde_json::to_value(&report)?;
        if let (Some(object), Some((_, loaded))) = (whole.as_object_mut(), &rules) {
            object.insert("sigma".to_owned(), serde_json::to_value(loaded)?);
        }
        print_json(&whole)?;
    }
    if let Some((_, loaded)) = &rules {
        note(&rules::summary(loaded));
    }
    unusable.iter().for_each(|why| note(why));
    summarise(&report, started.elapsed());
    // Ended by Ctrl-C while following is how following ends; in the midst of the backfill it is incomplete.
    let is_incomplete = unusable.is_some()
        || report.model_failed
        || !report.refused.is_empty()
        || !report.incomplete.is_empty()
        || report.interrupted;
    Ok(if is_incomplete { Outcome::Failed } else { Outcome::Done })
}

pub(super) fn stop_on_interrupt(counters: &Arc<Counters>) {
    let counters = Arc::clone(counters);
    // A second interrupt ends the process at once; what is committed stays.
    let handler = ctrlc::set_handler(move || {
        if counters.is_stopped() {
            #[allow(clippy::exit, reason = "asked twice to end at once")]
            std::process::exit(2);
        }
        counters.stop();
    });
    if handler.is_err() {
        note("logguard: Ctrl-C will end the program at once, without a summary");
    }
}

/// The progress bar, on a terminal only.
pub(super) struct Shown {
    done: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

impl Shown {
    pub(super) fn start(counters: &Arc<Counters>, follow: bool) -> Shown {
        let done = Arc::new(AtomicBool::new(false));
        let (finished, counters) = (Arc::clone(&done), Arc::clone(counters));
        let thread = std::thread::spawn(move || show(&counters, &finished, follow));
        Shown { done, thread }
    }

    pub(super) fn finish(self) {
        self.done.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        // A bar that failed to draw is no failure of the run.
        let _ = self.thread.join();
    }
}

fn show(counters: &Counters, done: &AtomicBool, follow: bool) {
    let is_terminal = std::io::stderr().is_terminal();
    let bar = if is_terminal { ProgressBar::new(0) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:32} {bytes}/{total_bytes}  {bytes_per_sec}  {msg}  ETA {eta}")
    {
        bar.set_style(style);
    }
    let started = Instant::now();
    let mut announced = false;
    while !done.load(Ordering::Relaxed) {
        if follow && counters.is_waiting() && !announced {
            announced = true;
            bar.finish_and_clear();
            note(&format!("{} processed; waiting for new logs (Ctrl-C ends)", count(counters.records(), "record")));
        }
        counters.take_said().iter().for_each(|said| note(&escape(said)));
        if !announced {
            bar.set_length(counters.total());
            bar.set_position(counters.read());
            if counters.records() > 0 {
                let rate = counters.records() as f64 / started.elapsed().as_secs_f64().max(0.001);
                bar.set_message(format!("{} records/s", thousands(rate as u64)));
            }
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    bar.finish_and_clear();
    counters.take_said().iter().for_each(|said| note(&escape(said)));
}

fn summarise(report: &IngestReport, uptime: Duration) {
    for recovered in &report.recovery {
        note(&format!("recovered: {recovered}"));
    }
    for said in &report.notes {
        note(said);
    }
    for refused in &report.refused {
        note(&format!("refused: {}: {}", refused.name, refused.reason));
    }
    for incomplete in &report.incomplete {
        note(&format!("incomplete: {}: {}", incomplete.name, incomplete.reason));
    }
    for (file, under) in &report.duplicates {
        note(&format!("already archived: {file} has the bytes of '{under}'"));
    }
    let rate = report.raw_bytes as f64 / report.seconds.max(0.001);
    note(&format!(
        "{} from {} ({}) in {}: {}/s, {} records/s{}",
        count(report.records, "record"),
        count(report.inputs + report.grown, "input"),
        bytes(report.raw_bytes),
        seconds(report.seconds),
        bytes(rate as u64),
        thousands((report.records as f64 / report.seconds.max(0.001)) as u64),
        if report.interrupted { "; interrupted" } else { "" }
    ));
    if report.unchanged > 0 {
        note(&format!("{} already archived and skipped", count(report.unchanged, "file")));
    }
    let share = 100.0 * report.flagged as f64 / report.records.max(1) as f64;
    let memory = report.peak_memory_bytes.map_or(String::new(), |peak| format!(", peak memory {}", bytes(peak)));
    let by = report.flagging.as_ref().map_or(String::new(), |by| format!(": {by}"));
    note(&format!(
        "{} flagged ({share:.2} %){by}{memory}, up {}",
        thousands(report.flagged),
        seconds(uptime.as_secs_f64())
    ));
    note(&format!(
        "the store now takes {} of archive and {} of index{}",
        bytes(report.archive_bytes),
        bytes(report.index_bytes),
        if report.unchanged + report.grown == 0 && report.records > 0 {
            format!(
                " ({} of this run's bytes to all of these)",
                ratio(report.raw_bytes, report.archive_bytes + report.index_bytes)
            )
        } else {
            String::new()
        }
    ));
}
