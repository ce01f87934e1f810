//! The archive against a plain model while records are added, segments are sealed again and scores are made anew, in any order and
//! into each other, with the power going or the disk failing at any step.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use logguard::archive::{
    ArchiveError, CustodyKind, FileStorage, NewRecord, Rewriter, SCORE_STEPS, SegmentEntry, Snapshot, Storage,
    StripeBuilder, Writer, record_leaf,
};
use logguard::engine::{Counters, DetectConfig, Seal, Verdict, VerifyOptions, compact, rescore, verify};
use logguard::model::{FieldSet, InputId, Interpret, Layout};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::crash_safety::{Growing, acquisition, model, record, run_record};
use super::faulty_files::{Fault, FaultyFiles};

const CRASH_POINTS: u64 = 500;
pub const NOW: &str = "2026-11-20T12:00:00Z";

/// Fields play no part here.
struct NoFields;

impl Interpret for NoFields {
    fn interpret(&self, _: &Layout, _: &[u8], fields: &mut FieldSet) {
        fields.clear();
    }

    fn revision(&self) -> u64 {
        0
    }
}

/// What the archive must say of a record, at its id.
#[derive(Debug, Clone, PartialEq)]
struct Known {
    raw: Vec<u8>,
    score: f32,
}

pub struct Driver {
    pub files: FaultyFiles,
    model: Vec<Vec<Vec<u8>>>,
    random: StdRng,
    pub writer: Option<Writer>,
    inputs: Vec<Growing>,
    /// The number of the writer's run.
    run: u32,
    /// All records that were seen committed, by id.
    known: Vec<Known>,
    /// Records of commits that were acknowledged.
    acknowledged: u64,
    /// Scores of second passes over the first so many records: the last that was acknowledged, and those that may have been done.
    passes: Vec<Vec<f32>>,
    /// The one that was last seen.
    current: Vec<f32>,
    made: bool,
    /// Appended, sealed all again, sealed some again, scored anew, scores that were others then.
    done: [u32; 5],
}

pub type Outcome = Result<(), String>;

fn said<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, String> {
    result.map_err(|cause| cause.to_string())
}

/// The score that a record comes in with, one that is kept as it is: ordinary ones stand in steps twice as wide.
fn first_score(raw: &[u8]) -> f32 {
    (raw.iter().map(|byte| u32::from(*byte)).sum::<u32>() % 25 * 2) as f32 / SCORE_STEPS
}

/// Records and scores of an archive by id.
fn read(snapshot: &Snapshot) -> Result<Vec<Known>, ArchiveError> {
    let mut records = Vec::new();
    for group in snapshot.groups() {
        assert_eq!(group.first.0, records.len() as u64);
        let (columns, lines) = (snapshot.columns(group)?, snapshot.lines(group)?);
        let row = |row| Known { raw: lines.raw(row).to_vec(), score: columns.score(row) };
        records.extend((0..columns.rows()).map(row));
    }
    Ok(records)
}

pub fn storage(files: &FaultyFiles) -> Arc<dyn Storage> {
    Arc::new(FileStorage::over(files.clone()))
}

/// A second pass over everything; each has a budget of its own, so that its scores are.
fn second_pass(files: &FaultyFiles, budget: f64) -> Outcome {
    let mut rewriter = said(Rewriter::open(storage(files), NOW, "test"))?;
    let snapshot = said(Snapshot::open(storage(files)))?.resting();
    let config = DetectConfig { alert_budget: budget, ..DetectConfig::default() };
    said(rescore(&snapshot, &mut rewriter, &NoFields, config, None, NOW, &Counters::default()))?;
    said(rewriter.finish()).map(|_| ())
}

impl Driver {
    pub fn new(seed: u64) -> Driver {
        Driver {
            files: FaultyFiles::new(seed),
            model: model(),
            random: StdRng::seed_from_u64(seed),
            writer: None,
            inputs: Vec::new(),
            run: 0,
            known: Vec::new(),
            acknowledged: 0,
            passes: vec![Vec::new()],
            current: Vec::new(),
            made: false,
            done: [0; 5],
        }
    }

    pub fn snapshot(&self) -> Result<Snapshot, String> {
        said(Snapshot::open(storage(&self.files)))
    }

    /// Does one thing after the other until all records are in the archive or something fails.
    fn run(&mut self) -> Outcome {
        self.open()?;
        while self.is_more() {
            match self.random.random_range(0..12) {
                0..=5 => self.append()?,
                6 | 7 => self.commit()?,
                8 => self.compact_all()?,
                9 | 10 => self.compact_some()?,
                _ => self.rescore()?,
            }
        }
        self.commit()?;
        self.compact_some()?;
        self.close();
        // Both parts tidy up what is theirs.
        self.open()?;
        self.close();
        let rewriter = said(Rewriter::open(storage(&self.files), NOW, "test"))?;
        assert_eq!(said(rewriter.finish())?, 0, "nobody reads");
        Ok(())
    }

    fn is_more(&self) -> bool {
        (0..self.model.len()).any(|at| self.inputs.get(at).is_none_or(|input| input.records < self.model[at].len()))
    }

    pub fn open(&mut self) -> Outcome {
        let mut writer = said(Writer::open(storage(&self.files), NOW, "test"))?;
        self.made = true;
        self.run = writer.next_run();
        writer.note(CustodyKind::Run(run_record()));
        let known = |input: &logguard::archive::InputState| Growing::known(input.source, &input.cursor, &self.model);
        self.inputs = writer.inputs().iter().map(known).collect();
        self.writer = Some(writer);
        Ok(())
    }

    /// The process that adds ends; what it did not commit is gone.
    pub fn close(&mut self) {
        self.writer = None;
    }

    pub fn append(&mut self) -> Outcome {
        if !self.is_more() {
            return Ok(());
        }
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let open: Vec<usize> = (0..self.model.len())
            .filter(|at| self.inputs.get(*at).is_none_or(|input| input.records < self.model[*at].len()))
            .collect();
        // Inputs are acquired in order.
        let at = open[self.random.random_range(0..open.len())].min(self.inputs.len());
        if at == self.inputs.len() {
            let acquisition = acquisition(writer.next_input(), self.run);
            self.inputs.push(Growing::new(acquisition.hash(&run_record().hash().unwrap()).unwrap()));
            writer.note(CustodyKind::Acquire(acquisition));
        }
        let input = &mut self.inputs[at];
        let take = self.random.random_range(1..=9).min(self.model[at].len() - input.records);
        let id = InputId(at as u32);
        let (mut builder, mut leaves) = (StripeBuilder::default(), Vec::new());
        for raw in &self.model[at][input.records..input.records + take] {
            builder.push(&NewRecord { score: first_score(raw), ..record(id, input.bytes, raw) });
            leaves.push(record_leaf(&input.source, input.bytes, raw).unwrap());
            input.take(raw);
        }
        said(writer.append(builder.encode(1).unwrap(), &leaves, &[], vec![input.cursor(id)]))?;
        self.done[0] += 1;
        Ok(())
    }

    pub fn commit(&mut self) -> Outcome {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        said(writer.commit(NOW))?;
        if writer.committed() > self.acknowledged {
            // With its entry those before it are durable.
            self.acknowledged = writer.committed();
            self.passes = vec![self.current.clone()];
        }
        Ok(())
    }

    /// What the one who adds does while another is at work.
    fn meanwhile(&mut self) -> Outcome {
        while self.random.random_bool(0.6) {
            if self.random.random_bool(0.5) { self.append()? } else { self.commit()? }
        }
        Ok(())
    }

    /// All that the program's own sealing again does, with commits between its work and its entry.
    fn compact_all(&mut self) -> Outcome {
        let mut rewriter = said(Rewriter::open(storage(&self.files), NOW, "test"))?;
        self.meanwhile()?;
        let snapshot = self.snapshot()?.resting();
        let seal = if self.random.random_bool(0.5) { Seal::Balanced } else { Seal::Small };
        let driver = RefCell::new((&mut *self, Ok(())));
        let now = || {
            let (driver, outcome) = &mut *driver.borrow_mut();
            *outcome = driver.meanwhile();
            NOW.to_owned()
        };
        let report = said(compact(&snapshot, &NoFields, &mut rewriter, seal, &now, &Counters::default()));
        let (driver, outcome) = driver.into_inner();
        outcome?;
        driver.done[1] += u32::from(report?.records > 0);
        said(rewriter.finish()).map(|_| ())
    }

    /// Some consecutive segments become one, with commits before, between and after the steps.
    fn compact_some(&mut self) -> Outcome {
        let mut rewriter = said(Rewriter::open(storage(&self.files), NOW, "test"))?;
        let snapshot = self.snapshot()?.resting();
        let all: Vec<SegmentEntry> = snapshot.segments().cloned().collect();
        if all.is_empty() {
            return Ok(());
        }
        let from = self.random.random_range(0..all.len());
        let old = all[from..self.random.random_range(from + 1..=all.len())].to_vec();
        let (first, records) = (old[0].first, old.iter().map(|entry| entry.records).sum::<u64>());
        let mut rewrite = said(rewriter.rewrite(old, Vec::new()))?;
        for group in snapshot.groups().iter().filter(|group| (first..first + records).contains(&group.first.0)) {
            let (columns, lines) = (said(snapshot.columns(group))?, said(snapshot.lines(group))?);
            let mut builder = StripeBuilder::default();
            for row in 0..columns.rows() {
                let origin = lines.origin(row).unwrap();
                let (score, verdict) = (columns.score(row), columns.verdict(row));
                builder.push(&NewRecord { score, verdict, ..record(origin.input, origin.offset, lines.raw(row)) });
            }
            said(rewrite.push(builder.encode(3).unwrap(), Seal::Small))?;
            self.meanwhile()?;
        }
        if self.random.random_bool(0.2) {
            // It is given up; its files are strays.
            return Ok(());
        }
        said(rewrite.finish(Vec::new(), NOW))?;
        self.done[2] += 1;
        self.meanwhile()
    }

    /// Scores of a second pass, which nobody adds to.
    fn rescore(&mut self) -> Outcome {
        self.commit()?;
        // A pass over nothing is none.
        if self.acknowledged == 0 {
            return Ok(());
        }
        let budget = [0.001, 0.01, 0.1][self.random.random_range(0..3)];
        // What comes of it, seen on a copy that nothing disturbs.
        let copy = FaultyFiles::new(1);
        self.files.all().iter().for_each(|(name, bytes)| copy.put(name, bytes));
        second_pass(&copy, budget).unwrap();
        let after = read(&Snapshot::open(storage(&copy)).unwrap()).unwrap();
        let after: Vec<f32> = after.into_iter().map(|record| record.score).collect();
        let before = read(&self.snapshot()?).unwrap();
        self.done[4] += before.iter().zip(&after).filter(|(before, after)| before.score != **after).count() as u32;
        self.passes.push(after.clone());
        second_pass(&self.files, budget)?;
        self.passes = vec![after];
        self.look("after a second pass");
        self.done[3] += 1;
        Ok(())
    }

    /// Compares what a reader sees with what is known, and takes up what was committed since.
    pub fn look(&mut self, what: &str) {
        let snapshot = match Snapshot::open(storage(&self.files)) {
            Ok(snapshot) => snapshot,
            Err(cause) => return assert!(!self.made, "{what}: {cause}"),
        };
        if snapshot.commits() == 0 {
            return assert!(!self.made, "{what}: the log is empty");
        }
        assert!(
            snapshot.unreadable().len() == usize::from(snapshot.tail().is_some()),
            "{what}: {:?}",
            snapshot.unreadable()
        );
        let found = read(&snapshot).unwrap_or_else(|cause| panic!("{what}: {cause}"));
        assert_eq!(found.len() as u64, snapshot.records(), "{what}");
        assert!(found.len() as u64 >= self.acknowledged, "{what}: acknowledged records are gone");
        // What was written but not synced may have been seen and be gone.
        self.known.truncate(found.len());
        let scores = |passed: &Vec<f32>, id: usize| passed.get(id).copied().unwrap_or(first_score(&found[id].raw));
        let is_whole = |passed: &&Vec<f32>| {
            passed.len() as u64 == snapshot.rescored()
                && (0..found.len()).all(|id| found[id].score == scores(passed, id))
        };
        let passed = self.passes.iter().rev().find(is_whole);
        let passed = passed.unwrap_or_else(|| panic!("{what}: scores are those of no pass as a whole"));
        self.current = passed.clone();
        for (id, (found, known)) in found.iter().zip(&self.known).enumerate() {
            assert_eq!(found.raw, known.raw, "{what}: record {id}");
        }
        self.known = found;
        let mut inputs = vec![Vec::new(); self.model.len()];
        for record in &self.known {
            let input = record.raw.iter().find(|byte| byte.is_ascii_digit()).map(|digit| usize::from(digit - b'0'));
            inputs[input.unwrap()].push(record.raw.clone());
        }
        for (input, records) in inputs.iter().enumerate() {
            assert_eq!(records[..], self.model[input][..records.len()], "{what}: input {input}");
        }
        let report = verify(&snapshot, &VerifyOptions::default(), &Counters::default()).unwrap();
        if snapshot.tail().is_none() {
            assert_eq!(report.result, Verdict::SelfConsistent, "{what}: {:?}", report.failures);
        } else {
            assert_eq!(report.failed, 1, "{what}: the tail alone: {:?}", report.failures);
        }
    }

    /// At the end everything is there, and every file is one that the log names.
    fn check_end(&mut self, what: &str) {
        self.look(what);
        let snapshot = self.snapshot().unwrap();
        let all: usize = self.model.iter().map(Vec::len).sum();
        assert_eq!(snapshot.records(), all as u64, "{what}");
        assert!(snapshot.tail().is_none() && snapshot.strays().unwrap().is_empty(), "{what}");
        let mut named: BTreeSet<String> = snapshot.segments().map(|entry| format!("segments/{}", entry.file)).collect();
        named.extend(snapshot.set_aside().iter().map(|kept| kept.file.clone()));
        named.insert("custody.jsonl".to_owned());
        let there: BTreeSet<String> = self.files.all().into_keys().collect();
        assert_eq!(there, named, "{what}");
    }
}

/// How many steps a run takes that nothing disturbs.
fn steps() -> u64 {
    let mut driver = Driver::new(7);
    driver.run().unwrap();
    driver.check_end("undisturbed");
    driver.files.steps()
}

#[test]
fn the_power_may_go_at_any_step_of_sealing_again_and_scoring_anew() {
    let most = steps();
    let (mut crashes, mut seed, mut done) = (0, 1_000, [0; 5]);
    while crashes < CRASH_POINTS {
        seed += 1;
        let mut driver = Driver::new(seed);
        loop {
            let stop = driver.random.random_range(0..most);
            driver.files.plan(Fault::StopAfter(stop));
            if driver.run().is_ok() {
                break;
            }
            crashes += 1;
            driver.close();
            if driver.random.random_bool(0.8) {
                driver.files.power_failure()
            } else {
                driver.files.restart()
            }
            driver.look(&format!("seed {seed}, stopped after {stop} steps"));
        }
        driver.files.power_failure();
        driver.files.plan(Fault::None);
        driver.run().unwrap_or_else(|cause| panic!("seed {seed}: {cause}"));
        driver.check_end(&format!("seed {seed}"));
        done.iter_mut().zip(driver.done).for_each(|(sum, more)| *sum += more);
    }
    assert!(done.iter().all(|done| *done > 50), "{done:?}");
}

#[test]
fn a_failing_disk_stops_one_of_them_and_a_later_run_goes_on() {
    let most = steps();
    for seed in 0..100 {
        let mut driver = Driver::new(seed);
        let fault = match seed % 2 {
            0 => Fault::Room(driver.random.random_range(0..60_000)),
            _ => Fault::FailAt(driver.random.random_range(1..most)),
        };
        driver.files.plan(fault);
        let outcome = driver.run();
        driver.close();
        driver.files.restart();
        if outcome.is_err() {
            driver.look(&format!("seed {seed}, {fault:?}"));
        }
        driver.files.plan(Fault::None);
        driver.run().unwrap_or_else(|cause| panic!("seed {seed}, {fault:?}: {cause}"));
        driver.check_end(&format!("seed {seed}, {fault:?}"));
    }
}
