//! Sessions of the archive (blocks, requests, jobs: what shares an identifier) that are odd as wholes.
//!
//! Found when asked for, in two passes over all records: the first learns what is usual in the whole archive, the second judges.
//! Nothing is stored.

use super::anomalies::quoted;
use super::replay::replay;
use super::{EngineError, Store};
use crate::detect::{DetectConfig, Detector};
use crate::model::Reason;

/// A session that is flagged.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct OddSession {
    /// What its records share, at most 40 bytes of it.
    pub name: String,
    /// Number of its first record.
    pub first: u64,
    /// Number of its last record.
    pub last: u64,
    /// Its records.
    pub records: u32,
    /// How odd, 0 to 1.
    pub score: f32,
    /// Why, strongest first.
    pub reasons: Vec<Reason>,
    /// The query that finds its records.
    pub query: String,
}

/// The odd sessions of an archive.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OddSessions {
    /// The sessions, oddest first; at most the 65,536 that ended last.
    pub sessions: Vec<OddSession>,
    /// Records looked at.
    pub records: u64,
    /// What could not be read.
    pub unreadable: Vec<String>,
}

/// Finds the odd sessions of a store.
pub fn odd_sessions(store: &Store, config: DetectConfig) -> Result<OddSessions, EngineError> {
    let snapshot = store.snapshot()?;
    let mut detector = Detector::new(DetectConfig { all_sessions: false, ..config });
    let mut learnt = 0u64;
    replay(&snapshot, store.registry(), &mut detector, None, |_, _| learnt += 1)?;
    detector.finish();
    detector.take_sessions();
    // A call of the detector is a record; numbers jump where a row group can't be read.
    let (mut calls, mut jumps) = (learnt, Vec::<(u64, u64)>::new());
    let unreadable = replay(&snapshot, store.registry(), &mut detector, None, |id, _| {
        if jumps.last().is_none_or(|(call, first)| first + (calls - call) != id) {
            jumps.push((calls, id));
        }
        calls += 1;
    })?;
    detector.finish();
    let id_of = |call: u64| {
        let at = jumps.partition_point(|(from, _)| *from <= call);
        at.checked_sub(1).and_then(|at| jumps.get(at)).map_or(0, |(from, first)| first + (call - from))
    };
    let mut sessions: Vec<OddSession> = detector
        .take_sessions()
        .into_iter()
        .map(|session| OddSession {
            query: quoted(&session.name),
            first: id_of(session.first),
            last: id_of(session.last),
            records: session.lines,
            score: session.score,
            reasons: session.reasons,
            name: session.name,
        })
        .collect();
    sessions.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.first.cmp(&b.first)));
    Ok(OddSessions { sessions, records: calls - learnt, unreadable })
}
