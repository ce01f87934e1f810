//! Who may write to an archive beside whom, and what comes of it where locks do not work.

use logguard::archive::{ArchiveError, Rewriter, Writer};
use logguard::engine::{Counters, Seal, compact};
use logguard::parse::Registry;

use super::crash_rewrites::{Driver, NOW, storage};
use super::faulty_files::FaultyFiles;

#[test]
fn one_of_a_kind_at_a_time() {
    let mut driver = Driver::new(5);
    driver.open().unwrap();
    let is_locked = |outcome: Result<(), ArchiveError>| matches!(outcome, Err(ArchiveError::Locked { .. }));
    assert!(is_locked(Writer::open(storage(&driver.files), NOW, "test").map(|_| ())));
    let rewriter = Rewriter::open(storage(&driver.files), NOW, "test").unwrap();
    assert!(is_locked(Rewriter::open(storage(&driver.files), NOW, "test").map(|_| ())));
    drop(rewriter);
    Rewriter::open(storage(&driver.files), NOW, "test").unwrap();
}

/// Where locks do not work (some network file systems), the log still never forks.
#[test]
fn a_writer_that_was_overtaken_adds_nothing() {
    let mut driver = Driver::new(5);
    driver.open().unwrap();
    driver.append().unwrap();
    driver.commit().unwrap();
    driver.append().unwrap();
    let first = driver.writer.take().unwrap();
    driver.files.forget_locks();
    driver.open().unwrap();
    driver.append().unwrap();
    driver.commit().unwrap();
    let second = driver.writer.replace(first);
    let log = driver.files.all().remove("custody.jsonl");
    let refused = driver.commit().unwrap_err();
    assert!(refused.contains("another process added records"), "{refused}");
    assert!(driver.commit().is_err(), "and nothing after that");
    assert_eq!(driver.files.all().remove("custody.jsonl"), log);
    driver.writer = second;
    driver.append().unwrap();
    driver.commit().unwrap();
    driver.look("after one was refused");
}

/// Two that replace the same segments where locks do not work: the second finds others in their place.
#[test]
fn a_segment_that_was_replaced_is_not_replaced_again() {
    let mut driver = Driver::new(5);
    driver.open().unwrap();
    for _ in 0..3 {
        driver.append().unwrap();
        driver.commit().unwrap();
    }
    driver.look("three segments");
    let mut first = Rewriter::open(storage(&driver.files), NOW, "test").unwrap();
    let before = driver.snapshot().unwrap().resting();
    driver.files.forget_locks();
    let mut second = Rewriter::open(storage(&driver.files), NOW, "test").unwrap();
    let now = || {
        let report = compact(
            &before,
            &Registry::builtin(),
            &mut first_of(&driver.files),
            Seal::Balanced,
            &|| NOW.to_owned(),
            &Counters::default(),
        );
        assert!(report.unwrap().records > 0);
        NOW.to_owned()
    };
    let refused = compact(&before, &Registry::builtin(), &mut second, Seal::Small, &now, &Counters::default())
        .unwrap_err()
        .to_string();
    assert!(refused.contains("other segments are in the place"), "{refused}");
    drop(second);
    assert!(
        compact(&before, &Registry::builtin(), &mut first, Seal::Small, &|| NOW.to_owned(), &Counters::default())
            .is_err()
    );
    drop(first);
    driver.files.forget_locks();
    driver.look("after one was refused");
}

fn first_of(files: &FaultyFiles) -> Rewriter {
    files.forget_locks();
    Rewriter::open(storage(files), NOW, "test").unwrap()
}

#[test]
fn strays_are_set_aside_by_the_one_whose_they_are() {
    let mut driver = Driver::new(5);
    driver.open().unwrap();
    driver.append().unwrap();
    driver.commit().unwrap();
    driver.close();
    // New records come behind those of the log, what is sealed again does not.
    let (added, sealed) = ("segments/000000000900-00.seg", "segments/000000000000-00.seg.tmp");
    let put = || [added, sealed].iter().for_each(|name| driver.files.put(name, b"not committed"));
    let there = || [added, sealed].map(|name| driver.files.all().contains_key(name));
    put();
    let rewriter = Rewriter::open(storage(&driver.files), NOW, "test").unwrap();
    assert_eq!(there(), [true, false], "one who adds may be about to commit it");
    put();
    let writer = Writer::open(storage(&driver.files), NOW, "test").unwrap();
    assert_eq!(there(), [false, true], "one who seals again may be about to commit it");
    drop((writer, rewriter));
    put();
    drop(Writer::open(storage(&driver.files), NOW, "test").unwrap());
    assert_eq!(there(), [false, false], "nobody is at work");
    driver.look("with what was set aside");
}
