//! Scores of the lines of a file: the stages of an ingest without its end, so nothing is kept.
//!
//! One result a line of input, in input order, however lines and records lie: a line that continues a record has the
//! values of that record, a line that holds several records has those of the highest score among them.

use std::collections::HashMap;

use crossbeam_channel::{Receiver, bounded};
use regex::bytes::Regex;

use super::batch::{Block, Flow};
use super::feed::{FeedReport, Feeder};
use super::judge::{Judge, Judging};
use super::known::Known;
use super::understand::Understand;
use super::{Counters, IngestOptions, Refused, list_inputs};
use crate::detect::{DetectConfig, Detector, SessionVerdict};
use crate::engine::EngineError;
use crate::model::{InputId, Verdict};
use crate::parse::Registry;
use crate::source::Stop;

/// Blocks under way between two stages.
const DEPTH: usize = 4;
/// Sessions whose scores are kept; further ones are counted, not told.
const SESSIONS: usize = 4 << 20;

/// What to score and how.
#[derive(Clone)]
pub struct ScoreOptions {
    /// Where lines come from and how they are read; its store is not touched.
    pub input: IngestOptions,
    /// How they are scored.
    pub detect: DetectConfig,
    /// Tell sessions: a regex that finds a record's key (its first group, or all of the match).
    pub sessions: Option<String>,
    /// How often the input is gone through; scores are those of the last time. More than one needs files.
    pub passes: u32,
    /// Share of the lines that may raise an incident; absent: none is raised.
    pub incidents: Option<f64>,
}

/// What is said of one line.
#[derive(Debug, Clone, Copy)]
pub struct LineScore<'a> {
    /// How odd, 0 to 1.
    pub score: f32,
    /// Learnt surprise alone, 0 to 1.
    pub novelty: f32,
    /// Whether its record is flagged.
    pub flagged: bool,
    /// Whether an incident begins with its record.
    pub raised: bool,
    /// More of it, where the record is flagged or a rule fired.
    pub verdict: Option<&'a Verdict>,
}

/// What is said of one session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionScore {
    /// What its records share, at most 40 bytes of it.
    pub name: String,
    /// How odd, 0 to 1; of a session that went on after it seemed to have ended, the highest.
    pub score: f32,
    /// Whether it is flagged.
    pub flagged: bool,
    /// Its records.
    pub records: u64,
    /// Why, strongest first; where it is flagged.
    pub reasons: Vec<crate::model::Reason>,
}

/// What became of the scoring.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScoreReport {
    /// Lines, as told.
    pub lines: u64,
    /// Records.
    pub records: u64,
    /// Flagged records.
    pub flagged: u64,
    /// What decided flags, in words.
    pub flagging: String,
    /// Sessions in the order in which they first ended, where they were asked for.
    pub sessions: Vec<SessionScore>,
    /// Sessions beyond what is kept.
    pub sessions_left_out: u64,
    /// Bytes of all that was learnt.
    pub state_bytes: u64,
    /// What was not taken, and why.
    pub refused: Vec<Refused>,
    /// What was read only in part, and why.
    pub incomplete: Vec<Refused>,
}

/// Scores the lines of all inputs; `line` receives them in order and stops the work by a failure.
pub fn score(
    options: &ScoreOptions,
    registry: &Registry,
    line: &mut dyn FnMut(&LineScore<'_>) -> std::io::Result<()>,
) -> Result<ScoreReport, EngineError> {
    let passes = options.passes.max(1);
    if passes > 1 && options.input.paths.iter().any(|path| path == "-") {
        return Err(EngineError::Usage(
            "standard input can be read once only; give a file, or ask for one pass".to_owned(),
        ));
    }
    let mut known: Option<Detector> = None;
    for _ in 1..passes {
        let listed = list_inputs(&options.input)?;
        known = one_pass(options, registry, known, &mut |_| Ok(()), |feeder| feeder.run(listed))?.1;
    }
    let listed = list_inputs(&options.input)?;
    Ok(one_pass(options, registry, known, line, |feeder| feeder.run(listed))?.0)
}

/// Goes through the inputs once: `feed` hands them to the feeder. Gives the detector with all that it has learnt.
pub(super) fn one_pass(
    options: &ScoreOptions,
    registry: &Registry,
    known: Option<Detector>,
    line: &mut dyn FnMut(&LineScore<'_>) -> std::io::Result<()>,
    feed: impl FnOnce(&mut Feeder<'_>) -> Result<(), Stop> + Send,
) -> Result<(ScoreReport, Option<Detector>), EngineError> {
    let session_key = options.sessions.as_deref().map(|pattern| {
        Regex::new(pattern)
            .map_err(|cause| EngineError::Usage(format!("'{pattern}' is no regular expression: {cause}")))
    });
    let detect = DetectConfig { all_sessions: options.sessions.is_some(), ..options.detect.clone() };
    let mut judge = Judge::new(Judging {
        detect: Some(detect),
        session_key: session_key.transpose()?,
        tell_sessions: options.sessions.is_some(),
        incidents: options.incidents,
        model: options.input.load_model()?.map(|(_, model)| model),
        in_use: None,
    });
    if let Some(detector) = known {
        judge.go_on_with(detector);
    }
    let counters = Counters::default();
    let (fed_in, fed_out) = bounded(DEPTH);
    let (understood_in, understood_out) = bounded(DEPTH);
    let (judged_in, judged_out) = bounded(DEPTH);
    let (recycle_in, recycle_out) = bounded::<Box<Block>>(2 * DEPTH);
    let mut lines = Lines { line, report: ScoreReport::default(), open: None, input: None, sessions: HashMap::new() };
    let (fed, detector) = std::thread::scope(|scope| {
        let (input, counters_of) = (&options.input, &counters);
        let feed = scope.spawn(move || {
            let mut feeder = Feeder::new(input, registry, None, Known::default(), counters_of, fed_in);
            // The wish to stop comes from the end of the row: its failure is the one to be told.
            let _ = feed(&mut feeder);
            feeder.finish()
        });
        let understand = scope.spawn(move || Understand::new(understood_in, recycle_out).run(&fed_out).is_ok());
        let judged = scope.spawn(move || judge.run(&understood_out, judged_in));
        let outcome = lines.run(&judged_out, |mut block| {
            block.recycle();
            // A full channel means that there are blocks enough.
            let _ = recycle_in.try_send(block);
        });
        counters.stop();
        drop(judged_out);
        let fed: FeedReport = feed.join().map_err(|_| EngineError::Worker("feed"))?;
        understand.join().map_err(|_| EngineError::Worker("understand"))?;
        let judged = judged.join().map_err(|_| EngineError::Worker("judge"))?;
        outcome.map_err(|cause| EngineError::File { path: "-".into(), action: "writing scores", cause })?;
        Ok::<_, EngineError>((fed, judged.ok().and_then(|judged| judged.detector)))
    })?;
    let mut report = lines.report;
    report.flagging = detector.as_ref().map_or_else(String::new, Detector::flagging);
    report.state_bytes = detector.as_ref().map_or(0, |detector| detector.bytes() as u64);
    (report.refused, report.incomplete) = (fed.refused, fed.incomplete);
    Ok((report, detector))
}

/// A line whose end has not come: the values of the record with the highest score so far.
#[derive(Debug, Clone, Default)]
struct OpenLine {
    score: f32,
    novelty: f32,
    flagged: bool,
    raised: bool,
    verdict: Option<Verdict>,
}

/// Makes lines of records.
struct Lines<'a> {
    line: &'a mut dyn FnMut(&LineScore<'_>) -> std::io::Result<()>,
    report: ScoreReport,
    open: Option<OpenLine>,
    /// The input of the last record.
    input: Option<InputId>,
    sessions: HashMap<String, usize>,
}

impl Lines<'_> {
    fn run(&mut self, from: &Receiver<Flow>, mut done: impl FnMut(Box<Block>)) -> std::io::Result<()> {
        for flow in from {
            match flow {
                Flow::Block(block) => {
                    self.block(&block)?;
                    done(block);
                }
                Flow::Sessions(ended) => ended.into_iter().for_each(|session| self.session(session)),
                Flow::End { .. } => self.close()?,
                _ => {}
            }
        }
        self.close()
    }

    fn block(&mut self, block: &Block) -> std::io::Result<()> {
        let mut verdicts = block.verdicts.iter().peekable();
        for (number, row) in block.rows.iter().enumerate() {
            if self.input.replace(row.input) != Some(row.input) {
                // The input before ended, perhaps without a line feed.
                self.close()?;
            }
            let verdict = verdicts.next_if(|(of, _)| *of as usize == number).map(|(_, verdict)| verdict);
            let flagged = verdict.is_some_and(|verdict| verdict.flagged);
            self.report.records += 1;
            self.report.flagged += u64::from(flagged);
            let own = LineScore { score: row.score, novelty: row.novelty, flagged, raised: row.raised, verdict };
            let bytes = block.bytes.get(row.start..row.end).unwrap_or_default();
            let ends = memchr::memchr_iter(b'\n', bytes).count();
            let is_open = bytes.last() != Some(&b'\n');
            for _ in 0..ends {
                self.add(&own);
                self.close()?;
            }
            if is_open && !bytes.is_empty() {
                self.add(&own);
            }
        }
        Ok(())
    }

    /// Adds a record to the open line.
    fn add(&mut self, own: &LineScore<'_>) {
        let open = self.open.get_or_insert_default();
        if own.score >= open.score {
            (open.score, open.novelty) = (own.score, own.novelty);
            open.verdict = own.verdict.cloned();
        }
        open.flagged |= own.flagged;
        open.raised |= own.raised;
    }

    /// Tells the open line, if there is one.
    fn close(&mut self) -> std::io::Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        self.report.lines += 1;
        let OpenLine { score, novelty, flagged, raised, verdict } = &open;
        (self.line)(&LineScore {
            score: *score,
            novelty: *novelty,
            flagged: *flagged,
            raised: *raised,
            verdict: verdict.as_ref(),
        })
    }

    fn session(&mut self, ended: SessionVerdict) {
        if let Some(known) = self.sessions.get(&ended.name).and_then(|at| self.report.sessions.get_mut(*at)) {
            known.records += u64::from(ended.lines);
            known.flagged |= ended.flagged;
            if ended.score > known.score {
                (known.score, known.reasons) = (ended.score, ended.reasons);
            }
        } else if self.report.sessions.len() < SESSIONS {
            self.sessions.insert(ended.name.clone(), self.report.sessions.len());
            self.report.sessions.push(SessionScore {
                name: ended.name,
                score: ended.score,
                flagged: ended.flagged,
                records: u64::from(ended.lines),
                reasons: ended.reasons,
            });
        } else {
            self.report.sessions_left_out += 1;
        }
    }
}
