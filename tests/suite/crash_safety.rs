//! The archive against a plain model, with the power going, the disk filling up or failing at random steps.

use std::collections::BTreeMap;
use std::sync::Arc;

use logguard::archive::{
    Acquisition, Completion, Cursor, CustodyKind, FileStorage, NewRecord, RunRecord, Sha, Snapshot, Storage,
    StripeBuilder, Writer, record_leaf,
};
use logguard::engine::{Counters, Verdict, VerifyOptions, verify};
use logguard::model::{InputId, Layout, Origin, TimeQuality};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sha2::{Digest, Sha256};

use super::faulty_files::{Fault, FaultyFiles};

const CRASH_POINTS: u64 = 600;
const INPUTS: usize = 3;

/// The records of the model: what must be in the archive at the end, once each, in this order by input.
pub fn model() -> Vec<Vec<Vec<u8>>> {
    let record = |input: usize, number: usize| {
        let more = "x".repeat(number * 37 % 400);
        format!("input {input} record {number} {more}\n").into_bytes()
    };
    (0..INPUTS).map(|input| (0..25 + 10 * input).map(|number| record(input, number)).collect()).collect()
}

struct Driver {
    files: FaultyFiles,
    model: Vec<Vec<Vec<u8>>>,
    random: StdRng,
    /// Records of commits that were acknowledged.
    acknowledged: u64,
    /// Whether the archive's making was acknowledged.
    made: bool,
    recovered: usize,
}

impl Driver {
    fn new(seed: u64) -> Driver {
        let random = StdRng::seed_from_u64(seed);
        Driver { files: FaultyFiles::new(seed), model: model(), random, acknowledged: 0, made: false, recovered: 0 }
    }

    fn storage(&self) -> Arc<dyn Storage> {
        Arc::new(FileStorage::over(self.files.clone()))
    }

    /// Goes on where the archive ends until all is in it or something fails; says whether all is.
    fn run(&mut self) -> Result<(), String> {
        let tail = self.tail();
        let opened = Writer::open(self.storage(), "2026-11-20T12:00:00Z", "test");
        let mut writer = opened.map_err(|cause| cause.to_string())?;
        self.made = true;
        self.recovered += writer.recovery().set_aside.len();
        if let Some(tail) = tail {
            let kept = self.files.all();
            let is_kept = |(name, bytes): (&String, &Vec<u8>)| name.starts_with("set-aside/") && *bytes == tail;
            assert!(kept.iter().any(is_kept), "a torn tail is not in set-aside");
        }
        let run = run_record();
        let number = writer.next_run();
        writer.note(CustodyKind::Run(run.clone()));
        let mut inputs: Vec<Growing> =
            writer.inputs().iter().map(|input| Growing::known(input.source, &input.cursor, &self.model)).collect();
        loop {
            let open: Vec<usize> = (0..INPUTS)
                .filter(|at| inputs.get(*at).is_none_or(|input| input.records < self.model[*at].len()))
                .collect();
            let Some(&at) = open.get(self.random.random_range(0..open.len().max(1))) else { break };
            // Inputs are acquired in order.
            let at = at.min(inputs.len());
            if at == inputs.len() {
                let acquisition = acquisition(writer.next_input(), number);
                inputs.push(Growing::new(acquisition.hash(&run.hash().unwrap()).unwrap()));
                writer.note(CustodyKind::Acquire(acquisition));
            }
            let left = self.model[at].len() - inputs[at].records;
            let take = self.random.random_range(1..=12).min(left);
            let input = &mut inputs[at];
            let id = InputId(at as u32);
            let mut builder = StripeBuilder::default();
            let mut leaves = Vec::new();
            for raw in &self.model[at][input.records..input.records + take] {
                builder.push(&record(id, input.bytes, raw));
                leaves.push(record_leaf(&input.source, input.bytes, raw).unwrap());
                input.take(raw);
            }
            let group = builder.encode(1).unwrap();
            writer.append(group, &leaves, &[], vec![input.cursor(id)]).map_err(|cause| cause.to_string())?;
            if input.records == self.model[at].len() {
                let (read, line_feeds) = (input.bytes, input.records as u64);
                writer.note(CustodyKind::Complete(Completion { input: id, read, line_feeds, skipped: Vec::new() }));
            }
            if self.random.random_bool(0.4) {
                self.commit(&mut writer)?;
            }
        }
        self.commit(&mut writer)
    }

    /// The bytes behind the last whole entry of the log.
    fn tail(&self) -> Option<Vec<u8>> {
        let (_, len, _) = Snapshot::open(self.storage()).ok()?.tail()?;
        let log = self.files.all().remove("custody.jsonl").unwrap();
        Some(log[log.len() - len as usize..].to_vec())
    }

    fn commit(&mut self, writer: &mut Writer) -> Result<(), String> {
        if let Err(cause) = writer.commit("2026-11-20T12:00:01Z") {
            // After one failure nothing more is written, whatever the disk says now.
            self.files.plan(Fault::None);
            assert!(writer.commit("2026-11-20T12:00:02Z").is_err());
            return Err(cause.to_string());
        }
        self.acknowledged = writer.committed();
        Ok(())
    }

    /// What a reader sees: a prefix of each input of the model, each record once, all that was acknowledged.
    fn check(&self, what: &str) {
        let snapshot = match Snapshot::open(self.storage()) {
            Ok(snapshot) => snapshot,
            Err(cause) => {
                assert!(!self.made, "{what}: {cause}");
                return;
            }
        };
        assert!(snapshot.records() >= self.acknowledged, "{what}: acknowledged records are gone");
        let mut found: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
        let mut records = 0;
        for group in snapshot.groups() {
            let hashed = snapshot.hash_group(group).unwrap_or_else(|cause| panic!("{what}: {cause}"));
            records += hashed.leaves.len() as u64;
            for part in hashed.parts {
                found.entry(part.input.0).or_default().extend_from_slice(&hashed.lines.bytes()[part.bytes]);
            }
        }
        assert_eq!(records, snapshot.records(), "{what}");
        for (input, bytes) in found {
            let all = self.model[input as usize].concat();
            assert!(all.starts_with(&bytes), "{what}: input {input} is not a prefix of what was given");
        }
        let report = verify(&snapshot, &VerifyOptions::default(), &Counters::default()).unwrap();
        if snapshot.commits() == 0 {
            assert!(!self.made, "{what}: the creation is gone");
            assert_eq!(report.result, Verdict::Broken, "{what}: an archive that was never made is none");
        } else if snapshot.tail().is_none() {
            assert_eq!(report.result, Verdict::SelfConsistent, "{what}: {:?}", report.failures);
        } else {
            assert_eq!(report.failed, 1, "{what}: the tail alone: {:?}", report.failures);
        }
    }

    /// At the end everything is there, and what recovery found is kept and named.
    fn check_end(&self, what: &str) {
        self.check(what);
        let snapshot = Snapshot::open(self.storage()).unwrap();
        let all: usize = self.model.iter().map(Vec::len).sum();
        assert_eq!(snapshot.records(), all as u64, "{what}");
        assert!(snapshot.strays().unwrap().is_empty(), "{what}");
        assert!(snapshot.inputs().iter().all(|input| input.completion.is_some()), "{what}");
        let kept = self.files.all().keys().filter(|name| name.starts_with("set-aside/")).count();
        assert!(kept >= snapshot.set_aside().len(), "{what}");
    }
}

/// An input, as far as it was read.
pub struct Growing {
    pub source: Sha,
    hash: Sha256,
    pub bytes: u64,
    pub records: usize,
}

impl Growing {
    pub fn new(source: Sha) -> Growing {
        Growing { source, hash: Sha256::new(), bytes: 0, records: 0 }
    }

    pub fn known(source: Sha, cursor: &Cursor, model: &[Vec<Vec<u8>>]) -> Growing {
        let mut growing = Growing::new(source);
        for raw in &model[cursor.input.0 as usize][..cursor.records as usize] {
            growing.take(raw);
        }
        assert_eq!(growing.bytes, cursor.bytes);
        growing
    }

    pub fn take(&mut self, raw: &[u8]) {
        self.hash.update(raw);
        self.bytes += raw.len() as u64;
        self.records += 1;
    }

    pub fn cursor(&self, input: InputId) -> Cursor {
        let sha256 = self.hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let records = self.records as u64;
        Cursor { input, bytes: self.bytes, records, lines: records, open: false, sha256 }
    }
}

pub fn run_record() -> RunRecord {
    RunRecord {
        operator: "tester".to_owned(),
        host: "host".to_owned(),
        tool: "test".to_owned(),
        binary: None,
        folder: "/".to_owned(),
        command: Vec::new(),
        settings: Sha::default(),
    }
}

pub fn acquisition(input: InputId, run: u32) -> Acquisition {
    Acquisition {
        input,
        name: format!("in{}", input.0),
        path: "-".to_owned(),
        path_hex: None,
        unpacked: Vec::new(),
        size: None,
        modified: None,
        device: None,
        inode: None,
        read_at: "2026-11-20T12:00:00Z".to_owned(),
        format: "plain".to_owned(),
        confidence: 0.5,
        run,
    }
}

pub fn record(input: InputId, offset: u64, raw: &[u8]) -> NewRecord<'_> {
    static LAYOUT: std::sync::LazyLock<Layout> = std::sync::LazyLock::new(Layout::default);
    NewRecord {
        origin: Origin { input, offset, length: raw.len() as u32 },
        raw,
        time: None,
        time_quality: TimeQuality::Missing,
        level: None,
        layout: &LAYOUT,
        template_hash: 1,
        template: "t",
        score: 0.0,
        novelty: 0.0,
        verdict: None,
        fields: None,
    }
}

/// How many steps a run takes that nothing disturbs.
fn steps() -> u64 {
    let mut driver = Driver::new(7);
    driver.files.plan(Fault::None);
    driver.run().unwrap();
    driver.check_end("undisturbed");
    driver.files.steps()
}

#[test]
fn the_power_may_go_at_any_step() {
    let most = steps();
    let (mut crashes, mut recovered) = (0, 0);
    let mut seed = 0;
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
            let what = format!("seed {seed}, stopped after {stop} steps");
            if driver.random.random_bool(0.8) {
                driver.files.power_failure();
            } else {
                driver.files.restart();
            }
            driver.check(&what);
        }
        driver.files.power_failure();
        driver.files.plan(Fault::None);
        driver.run().unwrap_or_else(|cause| panic!("seed {seed}: {cause}"));
        driver.check_end(&format!("seed {seed}"));
        recovered += driver.recovered;
    }
    assert!(recovered > 50, "only {recovered} tails and strays were seen: the model loses nothing");
}

/// An input that was opened and has no record yet leaves no trace: the next run opens it under its own name.
#[test]
fn an_input_without_a_record_is_not_in_the_log_yet() {
    let mut driver = Driver::new(3);
    let open = |driver: &Driver| {
        // It only looks how the log is found by the next.
        driver.files.forget_locks();
        Writer::open(driver.storage(), "2026-11-20T12:00:00Z", "test").unwrap()
    };
    let mut writer = open(&driver);
    let run = run_record();
    writer.note(CustodyKind::Run(run.clone()));
    let first = acquisition(writer.next_input(), 0);
    let source = first.hash(&run.hash().unwrap()).unwrap();
    writer.note(CustodyKind::Acquire(first));
    driver.commit(&mut writer).unwrap();
    assert_eq!(open(&driver).next_input(), InputId(0), "nothing of it is committed");
    let mut input = Growing::new(source);
    let mut builder = StripeBuilder::default();
    let raw = driver.model[0][0].clone();
    builder.push(&record(InputId(0), 0, &raw));
    input.take(&raw);
    let leaf = record_leaf(&source, 0, &raw).unwrap();
    writer.append(builder.encode(1).unwrap(), &[leaf], &[], vec![input.cursor(InputId(0))]).unwrap();
    writer.note(CustodyKind::Acquire(acquisition(writer.next_input(), 0)));
    driver.commit(&mut writer).unwrap();
    assert_eq!(writer.next_input(), InputId(2));
    assert_eq!(open(&driver).next_input(), InputId(1), "the first is in the log, the second is not");
    let read = Completion { input: InputId(1), read: 0, line_feeds: 0, skipped: Vec::new() };
    writer.note(CustodyKind::Complete(read));
    driver.commit(&mut writer).unwrap();
    assert_eq!(open(&driver).next_input(), InputId(2), "an empty input is one once it was read to its end");
    driver.check("three commits");
}

#[test]
fn a_full_or_failing_disk_stops_the_writer_and_a_later_run_goes_on() {
    let most = steps();
    for seed in 0..150 {
        let mut driver = Driver::new(seed);
        let fault = match seed % 2 {
            0 => Fault::Room(driver.random.random_range(0..20_000)),
            _ => Fault::FailAt(driver.random.random_range(1..most)),
        };
        driver.files.plan(fault);
        let outcome = driver.run();
        driver.files.restart();
        if outcome.is_err() {
            driver.check(&format!("seed {seed}, {fault:?}"));
        }
        driver.files.plan(Fault::None);
        driver.run().unwrap_or_else(|cause| panic!("seed {seed}, {fault:?}: {cause}"));
        driver.check_end(&format!("seed {seed}, {fault:?}"));
    }
}
