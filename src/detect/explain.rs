//! Why a line scored as it did, in words: the terms of the sum themselves, the strongest first.

use super::Event;
use super::feature::Feature;
use super::judge::{JOINT, LEARNED};
use super::measure::Measure;
use super::model::Row;
use super::request::Request;
use super::rhythm::Silence;
use super::rules::{Hits, RULES, Rule};
use crate::model::{Reason, Verdict};
use std::collections::BTreeMap;

/// What a verdict says where the source has changed for good.
pub(super) const SHIFT: &str = "shift";
/// Reasons told.
const TOLD: usize = 3;
/// Longest value quoted in a reason, in bytes.
const QUOTED: usize = 60;

/// The terms of one score, in decades.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    /// Rarity of every feature, before its weight.
    pub rarity: Row,
    /// What the forest says, before its weight.
    pub joint: f32,
    /// What each rule adds.
    pub priors: [f32; RULES],
    /// What rules from outside add.
    pub outside: f32,
    /// The silence before the record, where it is told.
    pub silence: Option<Silence>,
}

/// Fills reasons and rules of `verdict`.
pub(super) fn explain(
    event: &Event<'_>,
    request: &Request<'_>,
    measure: &Measure,
    terms: &Terms,
    hits: Hits,
    shifted: bool,
    verdict: &mut Verdict,
) {
    // Features of one family are one reason: together they weigh, the strongest speaks.
    let mut families: BTreeMap<&str, (f32, f32, Feature)> = BTreeMap::new();
    for (feature, rarity) in Feature::ALL.into_iter().zip(terms.rarity) {
        let family = families.entry(feature.family()).or_insert((0.0, 0.0, feature));
        family.0 += rarity * rarity * LEARNED;
        if rarity > family.1 {
            (family.1, family.2) = (rarity, feature);
        }
    }
    let mut reasons: Vec<Reason> = families
        .into_iter()
        .filter(|(_, (weight, _, _))| *weight >= 0.1)
        .map(|(id, (weight, _, feature))| Reason {
            id: id.to_owned(),
            text: in_words(feature, event, request, measure),
            weight,
        })
        .collect();
    reasons.extend(known(hits, terms));
    reasons.sort_by(|a, b| b.weight.total_cmp(&a.weight).then_with(|| a.id.cmp(&b.id)));
    if terms.joint > 0.0 && reasons.len() < TOLD {
        // The forest sees the same measures together: it names no cause, so it speaks last.
        let text = "unusual combination of measures".to_owned();
        reasons.push(Reason { id: "combination".to_owned(), text, weight: terms.joint * JOINT });
    }
    reasons.truncate(TOLD);
    if shifted {
        let text = "the source has changed: its lines are odd as a whole since some hundred lines".to_owned();
        reasons.insert(0, Reason { id: SHIFT.to_owned(), text, weight: 0.0 });
    }
    verdict.reasons = reasons;
    verdict.rules.extend(hits.iter().filter(|rule| rule.is_told()).map(|rule| rule.id().to_owned()));
    if shifted {
        verdict.rules.push(SHIFT.to_owned());
    }
    verdict.rules.sort_unstable();
}

/// The reasons of rules. What says the same twice is told once: a failed login is a failure, and whose it was belongs to it.
fn known(hits: Hits, terms: &Terms) -> Vec<Reason> {
    let weight = |rule: Rule| terms.priors.get(rule as usize).copied().unwrap_or(0.0);
    let is_login = weight(Rule::AuthFailure) > 0.0;
    let is_part = |rule: &Rule| is_login && matches!(rule, Rule::FaultWord | Rule::PrivilegedAccount);
    let parts: f32 = hits.iter().filter(is_part).map(weight).sum();
    let reason = |rule: Rule| match rule {
        Rule::AuthFailure if weight(Rule::PrivilegedAccount) > 0.0 => {
            (rule, "failed login of a privileged account".to_owned(), weight(rule) + parts)
        }
        Rule::AuthFailure => (rule, rule.text().to_owned(), weight(rule) + parts),
        Rule::Silence => (rule, terms.silence.map_or_else(|| rule.text().to_owned(), Silence::before), weight(rule)),
        _ => (rule, rule.text().to_owned(), weight(rule)),
    };
    hits.iter()
        .filter(|rule| weight(*rule) > 0.0 && !is_part(rule))
        .map(reason)
        .map(|(rule, text, weight)| Reason { id: rule.id().to_owned(), text, weight })
        .collect()
}

/// What one feature found, in words.
fn in_words(feature: Feature, event: &Event<'_>, request: &Request<'_>, measure: &Measure) -> String {
    let slot = |index: Option<usize>| {
        let slot = index.and_then(|index| event.template.slots.get(index));
        quote(slot.map(|slot| slot.of(event.message)).unwrap_or_default())
    };
    let value = measure.values.get(feature as usize).copied().unwrap_or(0.0);
    match feature {
        Feature::Template | Feature::New => {
            let kind = if request.is_request() { "request" } else { "template" };
            match measure.copies < 1.0 {
                true => format!("{kind} never seen in {} lines", thousands(measure.lines)),
                false => format!("rare {kind} (1 in {})", thousands(measure.lines / measure.copies.max(1.0))),
            }
        }
        Feature::Words | Feature::RarestWord if measure.odd_part.is_some() => {
            let part = measure.odd_part.clone().and_then(|range| request.target.get(range)).unwrap_or_default();
            format!("rare part of a path {}", quote(part))
        }
        Feature::Words | Feature::RarestWord if measure.odd_word.1 > 0 => {
            let (start, end) = measure.odd_word;
            format!("rare word {}", quote(event.message.get(start as usize..end as usize).unwrap_or_default()))
        }
        Feature::Words | Feature::RarestWord => "rare words".to_owned(),
        Feature::Values | Feature::OddestValue => format!("unusual value {}", slot(measure.odd_slot)),
        Feature::Number => format!("number out of its range {}", slot(measure.odd_number)),
        Feature::Spelling | Feature::OddestSpelling => {
            let text = if request.is_request() { request.target } else { event.message };
            let from = measure.odd_spelling;
            format!("unusual text {}", quote(text.get(from..(from + 24).min(text.len())).unwrap_or_default()))
        }
        Feature::QuerySpelling => "unusual query".to_owned(),
        Feature::QueryMarks => format!("{value:.0} kinds of special marks in the query"),
        Feature::Shape => "unusual length or share of marks and digits".to_owned(),
        Feature::Order | Feature::OddOrder => "unusual order of events".to_owned(),
        Feature::Burst => "burst of this template within a minute".to_owned(),
        Feature::Crowd => "many lines of this template in a row".to_owned(),
        Feature::Repeat => "the same message again and again".to_owned(),
        Feature::EntityRate => "burst of lines of this entity".to_owned(),
        Feature::EntityFailures => "burst of failures of this entity".to_owned(),
        Feature::EntitySpread => format!("failures of this entity at {:.0} targets", value.exp()),
        Feature::Status if request.failed() => {
            let kind = if request.status.first() == Some(&b'4') { "client error (4xx)" } else { "server error (5xx)" };
            format!("{kind} {}", String::from_utf8_lossy(request.status))
        }
        Feature::Status => format!("unusual status {}", quote(request.status)),
        Feature::Level if request.is_request() => format!("unusual method {}", quote(request.method)),
        Feature::Level => format!("unusual level {}", measure.level.map_or("none", |level| level.name())),
    }
}

/// A value as it can be shown: quoted, short, without control characters.
fn quote(value: &[u8]) -> String {
    let short = value.get(..QUOTED).unwrap_or(value);
    let shown: String =
        String::from_utf8_lossy(short).chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    let more = if short.len() < value.len() { "…" } else { "" };
    format!("\"{shown}{more}\"")
}

/// A count with commas between thousands.
pub(super) fn thousands(count: f32) -> String {
    let digits = format!("{:.0}", count.max(1.0));
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
