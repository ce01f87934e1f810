//! Why a record is odd: sentences, and the questions that show the evidence.

use std::sync::atomic::AtomicBool;

use super::anomalies::quoted;
use super::{EngineError, Search};
use crate::detect::{is_rule, meaning, recommendation};
use crate::model::FoundRecord;

/// How far around the record the evidence is looked for.
const AROUND: &str = "10m";

/// What there is to say of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Why {
    /// The record.
    pub record: FoundRecord,
    /// Why it is odd or is not, one sentence each.
    pub sentences: Vec<String>,
    /// Queries that show the evidence, the closest first, each with what it shows.
    pub queries: Vec<(String, String)>,
}

impl Search {
    /// Why a record is odd; `None` where there is no such record.
    pub fn why(&self, id: u64) -> Result<Option<Why>, EngineError> {
        let Some(mut record) = self.record(id)? else { return Ok(None) };
        let mut sentences = sentences(&record);
        if record.flagged {
            let known = self.incidents(&AtomicBool::new(false))?;
            record.incident = known.of_records.of(id);
            sentences.extend(record.incident.map(|incident| belongs(incident, known.of_records.count(incident))));
        }
        let queries = queries(&record);
        Ok(Some(Why { record, sentences, queries }))
    }
}

fn sentences(record: &FoundRecord) -> Vec<String> {
    let state = if record.flagged { "is flagged" } else { "is not flagged" };
    let mut sentences = vec![format!(
        "Record {} {state}: its score is {:.3}, and {:.3} by what was learnt alone (0 is ordinary, 1 the most).",
        record.id.0, record.score, record.novelty
    )];
    for reason in &record.reasons {
        let text = capital(&reason.text);
        sentences.push(format!("{text}: {} (weight {:.2}).", meaning(&reason.id), reason.weight));
    }
    for rule in record.rules.iter().filter(|rule| record.reasons.iter().all(|reason| reason.id != **rule)) {
        sentences.push(format!("The rule {rule} fired: {}.", meaning(rule)));
    }
    if let Some(entity) = &record.entity {
        sentences.push(format!("It is about {entity}."));
    }
    let by_rule = record.reasons.iter().find(|reason| is_rule(&reason.id));
    if let Some(reason) = by_rule.or_else(|| record.reasons.first()) {
        sentences.push(recommendation(&reason.id).to_owned());
    } else if record.rules.is_empty() {
        sentences.push("Nothing about it was odd enough to be noted.".to_owned());
    }
    sentences
}

fn queries(record: &FoundRecord) -> Vec<(String, String)> {
    let mut queries: Vec<(String, String)> = Vec::new();
    if let Some(incident) = record.incident {
        queries.push((format!("incident:{incident}"), "the flagged records of its incident".to_owned()));
    }
    let around = record.time.map(|time| format!(" around:{time}~{AROUND}")).unwrap_or_default();
    if let Some(time) = record.time.filter(|_| record.rules.iter().any(|rule| rule == "silence")) {
        let query = format!("source={} time<={time} | head 2", quoted(&record.source));
        queries.push((query, "this record and the one before the silence".to_owned()));
    }
    if let Some(entity) = &record.entity {
        queries.push((format!("{}{around}", quoted(entity)), "all lines that name it, around this time".to_owned()));
    }
    if let Some(rule) = record.rules.iter().find(|rule| is_rule(rule)) {
        queries.push((format!("rule:{rule}"), "every record on which this rule fired".to_owned()));
    }
    if !record.template.is_empty() {
        queries.push((format!("template={}", quoted(&record.template)), "every line of this kind".to_owned()));
    }
    if !around.is_empty() {
        let source = quoted(&record.source);
        queries.push((format!("source={source}{around}"), "the lines around it in its source".to_owned()));
    }
    queries
}

fn belongs(incident: u64, records: u64) -> String {
    match records {
        1 => format!("It is the only record of incident {incident}."),
        _ => format!("It belongs to incident {incident}, with {records} records."),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
