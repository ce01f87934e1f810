//! The detector as a whole, behind the templater.

use logguard::detect::{Alert, DetectConfig, Detector, Event, Incidents, SessionKey};
use logguard::model::{FieldSet, TimeQuality, Timestamp, Verdict};
use logguard::template::Templater;

/// A detector fed with messages, one a second.
struct Bench {
    detector: Detector,
    templater: Templater,
    fields: FieldSet,
    second: i64,
    source: u32,
}

impl Bench {
    fn new() -> Self {
        let detector = Detector::new(DetectConfig::default());
        Bench { detector, templater: Templater::new(), fields: FieldSet::default(), second: 0, source: 0 }
    }

    fn score(&mut self, message: &[u8]) -> Verdict {
        self.second += 1;
        let mut verdict = Verdict::default();
        let event = Event {
            source: self.source,
            input: self.source,
            raw: message,
            message,
            fields: self.fields.of(message),
            time: Timestamp::from_seconds(1_700_000_000 + self.second, 0),
            quality: TimeQuality::Exact,
            level: None,
            template: self.templater.cut(message),
            session: SessionKey::Found,
        };
        self.detector.score(&event, &mut verdict);
        verdict
    }
}

fn login(number: u64) -> String {
    let user = ["alice", "bob", "carol", "admin"].get((number * 7 % 4) as usize).copied().unwrap_or("dave");
    format!("User {user} logged in from 10.0.{}.{}", number % 3, number * 13 % 200)
}

#[test]
fn an_attack_is_flagged_early_and_late_and_a_login_is_not() {
    for training in [30, 200, 2_000] {
        let mut bench = Bench::new();
        let flags = (0..training).filter(|n| bench.score(login(*n).as_bytes()).flagged).count();
        assert!(flags as u64 <= training / 50, "{training}: {flags}");
        let failed = bench.score(b"Failed login for root from 203.0.113.5");
        assert!(failed.flagged && failed.rules.contains(&"auth-failure".to_owned()), "{training}: {failed:?}");
        assert_eq!(failed.entity.as_deref(), Some("203.0.113.5"));
        let removed = bench.score(b"rm -rf / --no-preserve-root");
        assert!(removed.flagged && removed.rules == ["destructive-command"], "{training}: {removed:?}");
        assert!(removed.score > 0.5 && !removed.reasons.is_empty());
        let ordinary = bench.score(b"User admin logged in from 10.0.1.26");
        assert!(!ordinary.flagged && ordinary.score < 0.3, "{training}: {ordinary:?}");
    }
}

#[test]
fn the_same_records_give_the_same_verdicts() {
    let (mut one, mut two) = (Bench::new(), Bench::new());
    for number in 0..3_000u64 {
        let message = if number % 97 == 0 { format!("disk {number} failed: {}", number * 31) } else { login(number) };
        assert_eq!(one.score(message.as_bytes()), two.score(message.as_bytes()));
    }
}

#[test]
fn state_is_bounded_whatever_comes() {
    let mut bench = Bench::new();
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state >> 33
    };
    for number in 0..24_000u64 {
        // A template, words, an address, a session and two dozen values that nobody has seen before.
        let mut message =
            format!("w{} of {:x}q from 10.{}.{}.1 blk_{number}777777", next(), next(), number / 251, number % 251);
        (0..22).for_each(|_| message += &format!(" {}", next()));
        message.extend((0..number % 40).map(|_| char::from(33 + (next() % 90) as u8)));
        bench.score(message.as_bytes());
    }
    let of_one = bench.detector.bytes();
    assert!(of_one < 12 << 20, "{of_one}");
    for source in 1..40 {
        bench.source = source;
        (0..120).for_each(|number| {
            bench.score(format!("line {number} of {source}").as_bytes());
        });
    }
    let own = DetectConfig::default().max_sources;
    assert!(bench.detector.bytes() < of_one + own * (2 << 20), "only {own} sources have a state of their own");
}

#[test]
fn a_burst_of_failed_logins_is_brute_force() {
    let mut bench = Bench::new();
    for number in 0..600 {
        bench.score(login(number).as_bytes());
    }
    let verdicts: Vec<_> = (0..12)
        .map(|n| bench.score(format!("Failed password for bob from 198.51.100.7 port {}", 4_000 + n).as_bytes()))
        .collect();
    assert!(verdicts.iter().any(|verdict| verdict.rules.contains(&"brute-force".to_owned())));
    assert!(verdicts.iter().any(|verdict| verdict.flagged));
}

#[test]
fn access_that_is_denied_again_and_again_is_no_brute_force() {
    let mut bench = Bench::new();
    for number in 0..600 {
        bench.score(login(number).as_bytes());
    }
    for number in 0..40 {
        let line = format!("Unauthorized access attempt to sensitive file by user{} from 198.51.100.7", number % 20);
        let verdict = bench.score(line.as_bytes());
        assert!(verdict.rules.contains(&"access-denied".to_owned()), "{verdict:?}");
        for rule in ["auth-failure", "brute-force", "password-spraying"] {
            assert!(!verdict.rules.contains(&rule.to_owned()), "{number}: {verdict:?}");
        }
    }
}

#[test]
fn reasons_name_the_cause() {
    let mut bench = Bench::new();
    for number in 0..3_000u64 {
        bench.score(format!("request took {} ms for shop", 20 + number % 9).as_bytes());
    }
    let slow = bench.score(b"request took 986543 ms for shop");
    assert!(slow.flagged && slow.reasons.iter().any(|reason| reason.id == "number"), "{slow:?}");
    let strange = bench.score(b"kernel panic in module zfs");
    assert!(strange.reasons.iter().any(|reason| reason.id == "template"), "{strange:?}");
}

#[test]
fn a_scan_is_one_incident_and_the_budget_is_kept() {
    let (mut incidents, mut templater, fields) = (Incidents::new(0.001), Templater::new(), FieldSet::default());
    let mut alerts = Vec::new();
    for number in 0..6_000u64 {
        let scan = (3_000..3_200).contains(&number);
        let message = match scan {
            true => "probe from 198.51.100.7".to_owned(),
            false => format!("visit from 10.0.{}.{}", number % 7, number % 200),
        };
        let message = message.as_bytes();
        let score = if scan { 0.9 } else { (number * 7_919 % 1_000) as f32 / 2_000.0 };
        let event = Event {
            source: 0,
            input: 0,
            raw: message,
            message,
            fields: fields.of(message),
            time: Timestamp::from_seconds(1_700_000_000 + number as i64, 0),
            quality: TimeQuality::Exact,
            level: None,
            template: templater.cut(message),
            session: SessionKey::Found,
        };
        alerts.push(incidents.observe(&event, &Verdict { score, ..Verdict::default() }));
    }
    assert_eq!(alerts.get(3_000), Some(&Alert::Raised));
    assert!(alerts[3_001..3_200].iter().all(|alert| *alert == Alert::Continued));
    assert!(alerts.iter().filter(|alert| **alert == Alert::Raised).count() <= 9);
}

#[test]
fn a_change_for_good_is_told_once_and_learnt() {
    let mut bench = Bench::new();
    let mut told = Vec::new();
    let mut flagged_late = 0;
    let mut state = 7u64;
    for number in 0..12_000u64 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let message = match number < 6_000 {
            true => format!("worker {} took {} ms for job {}", state >> 60, 20 + (state >> 40) % 9, number),
            // The new release words everything anew.
            false => format!(
                "<v2> op={} stage{}/{} [cost {}]",
                (state >> 61),
                state >> 62,
                (state >> 45) % 7,
                900 + (state >> 40) % 9_000
            ),
        };
        let verdict = bench.score(message.as_bytes());
        if verdict.rules.contains(&"shift".to_owned()) {
            assert!(verdict.flagged && verdict.reasons[0].id == "shift", "{verdict:?}");
            told.push(number);
        }
        flagged_late += usize::from(verdict.flagged && number >= 8_000);
    }
    assert_eq!(told.len(), 1, "{told:?}");
    assert!((6_000..7_500).contains(&told[0]), "{told:?}");
    assert!(flagged_late <= 60, "the new lines are ordinary soon: {flagged_late}");
}
