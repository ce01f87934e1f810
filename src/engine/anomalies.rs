//! The flagged records of a store as incidents: what one entity did within ten minutes, weighed, with what to do about it.
//!
//! Only columns are read, no line is unpacked. Memory is bounded: at most [`MOST_INCIDENTS`] are kept, the lightest go first.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicBool;

use super::EngineError;
use super::incidents::{FlaggedRow, Spans, each_flagged};
use super::silences::{Stopped, stopped};
use crate::archive::Snapshot;
use crate::detect::{Gravity, alike, is_rule, recommendation};
use crate::model::{Reason, Timestamp};

/// Incidents kept at once.
pub const MOST_INCIDENTS: usize = 32_768;
/// Reasons kept of one incident.
const REASONS: usize = 16;
/// Scores that weigh: the mean of so many highest.
const HEAVIEST: usize = 3;
/// How far apart the reasons of incidents of one kind may lie (unit vectors of reason weights).
const WITHIN: f64 = 0.35;

/// In which order incidents are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncidentOrder {
    /// Newest first.
    Time,
    /// Heaviest first.
    Weight,
}

/// One incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Its id, by which questions find its records (`incident:ID`): the number of its first record.
    pub id: u64,
    /// Whom it is about, where that is known.
    pub entity: Option<String>,
    /// The template of its oddest record.
    pub template: String,
    /// The input of its first record.
    pub source: String,
    /// Number of its first record.
    pub first: u64,
    /// Number of its last record.
    pub last: u64,
    /// Earliest time of its records.
    pub from: Option<Timestamp>,
    /// Latest time of its records.
    pub until: Option<Timestamp>,
    /// Flagged records; of a source that stopped its last.
    pub records: u64,
    /// Whether it is about what did not come: none of its records is flagged for it.
    pub stopped: bool,
    /// Mean of its three highest scores, 0 to 1.
    pub weight: f32,
    /// How grave it is.
    pub gravity: Gravity,
    /// Ids of the rules that fired, with the number of records.
    pub rules: BTreeMap<String, u64>,
    /// Its reasons, heaviest first, with the number of records.
    pub reasons: Vec<(Reason, u64)>,
    /// What to do about it.
    pub recommendation: &'static str,
    /// The query that finds its records.
    pub query: String,
    top: Vec<f32>,
}

/// Incidents that are alike.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentGroup {
    /// Positions in [`Anomalies::incidents`], in their order.
    pub members: Vec<usize>,
    /// Flagged records of all.
    pub records: u64,
    /// The gravest.
    pub gravity: Gravity,
    /// The heaviest.
    pub weight: f32,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Anomalies {
    /// The incidents in the order asked for.
    pub incidents: Vec<Incident>,
    /// Groups of alike ones, in the order of their first members.
    pub groups: Vec<IncidentGroup>,
    /// All incidents, told or not.
    pub total: u64,
    /// Flagged records.
    pub flagged: u64,
    /// Records looked at.
    pub records: u64,
    /// What could not be read.
    pub unreadable: Vec<String>,
}

/// Finds the incidents of a snapshot; `limit` cuts after ordering.
pub fn anomalies(snapshot: &Snapshot, order: IncidentOrder, limit: Option<usize>) -> Result<Anomalies, EngineError> {
    let mut found = Anomalies::default();
    let mut making = Making::default();
    found.records = snapshot.groups().iter().map(|group| u64::from(group.stats.rows)).sum();
    let stop = AtomicBool::new(false);
    found.unreadable = each_flagged(snapshot, &stop, |row| {
        found.flagged += 1;
        making.add(&row);
    })?
    .causes;
    let (silent, unread) = stopped(snapshot, &stop)?;
    found.unreadable.extend(unread.causes);
    found.unreadable.sort_unstable();
    found.unreadable.dedup();
    found.total = making.spans.begun() + silent.len() as u64;
    silent.iter().for_each(|silent| making.add_stopped(silent));
    found.incidents = making.finish(order);
    found.incidents.truncate(limit.unwrap_or(usize::MAX));
    found.groups = groups_of(&found.incidents);
    Ok(found)
}

/// Incidents in the making.
#[derive(Default)]
struct Making {
    spans: Spans,
    incidents: Vec<Incident>,
    /// Where the incident of an id stands.
    at: HashMap<u64, usize>,
}

impl Making {
    fn add(&mut self, row: &FlaggedRow<'_>) {
        let id = self.spans.take(row);
        if let Some(incident) = self.at.get(&id).and_then(|at| self.incidents.get_mut(*at)) {
            incident.add(row);
            return;
        }
        self.make_room();
        self.at.insert(id, self.incidents.len());
        self.incidents.push(Incident::of(id, row));
    }

    /// A source that stopped is an incident of its own, whatever else its last record belongs to.
    fn add_stopped(&mut self, silent: &Stopped) {
        self.make_room();
        self.incidents.push(Incident { stopped: true, ..Incident::of(silent.last, &silent.row()) });
    }

    fn make_room(&mut self) {
        if self.incidents.len() >= MOST_INCIDENTS {
            self.forget();
        }
    }

    /// Lets the lighter half go; one of these that goes on is told with what comes then.
    fn forget(&mut self) {
        self.incidents.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.first.cmp(&b.first)));
        self.incidents.truncate(MOST_INCIDENTS / 2);
        let known = self.incidents.iter().enumerate().filter(|(_, incident)| !incident.stopped);
        self.at = known.map(|(at, incident)| (incident.id, at)).collect();
    }

    fn finish(mut self, order: IncidentOrder) -> Vec<Incident> {
        self.incidents.iter_mut().for_each(Incident::finish);
        self.incidents.sort_by(|a, b| match order {
            IncidentOrder::Time => b.until.cmp(&a.until).then(b.last.cmp(&a.last)),
            IncidentOrder::Weight => {
                b.gravity.cmp(&a.gravity).then(b.weight.total_cmp(&a.weight)).then(a.first.cmp(&b.first))
            }
        });
        self.incidents
    }
}

impl Incident {
    /// An incident that begins with a record.
    fn of(id: u64, row: &FlaggedRow<'_>) -> Incident {
        let mut incident = Incident {
            id,
            entity: row.verdict.entity.clone(),
            template: String::new(),
            source: row.source.to_owned(),
            first: row.id,
            last: row.id,
            from: row.time,
            until: row.time,
            records: 0,
            stopped: false,
            weight: 0.0,
            gravity: Gravity::Low,
            rules: BTreeMap::new(),
            reasons: Vec::new(),
            recommendation: "",
            query: String::new(),
            top: Vec::new(),
        };
        incident.add(row);
        incident
    }

    fn add(&mut self, row: &FlaggedRow<'_>) {
        let verdict = row.verdict;
        self.last = self.last.max(row.id);
        self.records += 1;
        self.from = [self.from, row.time].into_iter().flatten().min();
        self.until = [self.until, row.time].into_iter().flatten().max();
        if self.top.iter().all(|score| verdict.score > *score) {
            self.template = row.template.to_owned();
        }
        self.top.push(verdict.score);
        self.top.sort_by(|a, b| b.total_cmp(a));
        self.top.truncate(HEAVIEST);
        self.weight = self.top.iter().sum::<f32>() / self.top.len().max(1) as f32;
        for rule in &verdict.rules {
            *self.rules.entry(rule.clone()).or_insert(0) += 1;
        }
        let room = self.reasons.len() < REASONS;
        for reason in &verdict.reasons {
            match self.reasons.iter_mut().find(|(known, _)| known.id == reason.id) {
                Some((known, count)) => {
                    *count += 1;
                    if reason.weight > known.weight {
                        known.clone_from(reason);
                    }
                }
                None if room => self.reasons.push((reason.clone(), 1)),
                None => {}
            }
        }
    }

    fn finish(&mut self) {
        self.reasons.sort_by(|(a, _), (b, _)| b.weight.total_cmp(&a.weight).then_with(|| a.id.cmp(&b.id)));
        let top = self.top.first().copied().unwrap_or(0.0);
        self.gravity = Gravity::of(top, self.rules.keys().map(String::as_str));
        // A rule says what is to be done more plainly than a measure, wherever it stands.
        let by_rule = self.reasons.iter().find(|(reason, _)| is_rule(&reason.id));
        let id = by_rule.or_else(|| self.reasons.first()).map_or("", |(reason, _)| reason.id.as_str());
        self.recommendation = recommendation(id);
        self.query = self.evidence();
    }

    fn evidence(&self) -> String {
        if let Some(until) = self.until.filter(|_| self.stopped) {
            return format!("source={} time>={until}", quoted(&self.source));
        }
        let about = match &self.entity {
            Some(entity) => format!("entity={}", quoted(entity)),
            None => format!("anomaly:true template={}", quoted(&self.template)),
        };
        match (self.from, self.until) {
            (Some(from), Some(until)) => format!("{about} time:[{from} TO {until}]"),
            _ => about,
        }
    }
}

/// A text as a query takes it literally.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Groups of incidents with like reasons.
fn groups_of(incidents: &[Incident]) -> Vec<IncidentGroup> {
    let mut ids: Vec<&str> =
        incidents.iter().flat_map(|incident| &incident.reasons).map(|(r, _)| r.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let vectors: Vec<Vec<f32>> = incidents.iter().map(|incident| direction(incident, &ids)).collect();
    let mut groups: Vec<IncidentGroup> = Vec::new();
    for (at, (incident, group)) in incidents.iter().zip(alike(&vectors, WITHIN)).enumerate() {
        if groups.len() <= group {
            let empty = IncidentGroup { members: Vec::new(), records: 0, gravity: Gravity::Low, weight: 0.0 };
            groups.resize(group + 1, empty);
        }
        let Some(group) = groups.get_mut(group) else { continue };
        group.members.push(at);
        group.records += incident.records;
        group.gravity = group.gravity.max(incident.gravity);
        group.weight = group.weight.max(incident.weight);
    }
    groups
}

/// The weights of an incident's reasons as a vector of length one.
fn direction(incident: &Incident, ids: &[&str]) -> Vec<f32> {
    let weight = |id: &&str| {
        let found = incident.reasons.iter().find(|(reason, _)| reason.id == **id);
        found.map_or(0.0, |(reason, _)| reason.weight.max(0.0))
    };
    let weights: Vec<f32> = ids.iter().map(weight).collect();
    let length = weights.iter().map(|weight| weight * weight).sum::<f32>().sqrt();
    weights.into_iter().map(|weight| if length > 0.0 { weight / length } else { 0.0 }).collect()
}
