//! `logguard anomalies` and `logguard why`: incidents with what to do about them, and the reasons of one record.

use serde_json::{Value, json};

use super::Outcome;
use super::args::{Anomalies, IncidentsBy, Why};
use super::outcome::{note, print};
use crate::engine::{Anomalies as Found, Incident, IncidentGroup, IncidentOrder};
use crate::model::{Timestamp, Zone};
use crate::report::{count, escape, escape_json, json_of, thousands};

/// Entities named of a group.
const NAMED: usize = 5;

/// Runs `anomalies`.
pub fn run(command: &Anomalies) -> anyhow::Result<Outcome> {
    let order = match command.by {
        IncidentsBy::Time => IncidentOrder::Time,
        IncidentsBy::Weight => IncidentOrder::Weight,
    };
    let limit = match command.limit {
        Some(0) => None,
        Some(limit) => Some(limit),
        None => (!command.json).then_some(20),
    };
    if command.sessions {
        return sessions(command, limit);
    }
    // Groups are made of all incidents; what is cut then is groups.
    let found = command.store.store().anomalies(order, limit.filter(|_| !command.grouped))?;
    let mut told = found.incidents.len() as u64;
    if command.grouped {
        told = 0;
        for group in found.groups.iter().take(limit.unwrap_or(usize::MAX)) {
            told += group.members.len() as u64;
            print(&if command.json { json_of_group(group, &found, command.tz) } else { text_of_group(group, &found) })?;
        }
    } else {
        for incident in &found.incidents {
            print(&if command.json {
                escape_json(&json_of_incident(incident, command.tz).to_string()).into_owned()
            } else {
                text_of_incident(incident, command.tz)
            })?;
        }
    }
    for part in &found.unreadable {
        note(&format!("unreadable: {part}"));
    }
    let of =
        if told < found.total { format!(" ({} told; --limit 0 tells all)", thousands(told)) } else { String::new() };
    note(&format!(
        "{}{of}, {} of {} flagged",
        count(found.total, "incident"),
        thousands(found.flagged),
        count(found.records, "record")
    ));
    Ok(match (found.unreadable.is_empty(), found.total) {
        (false, _) => Outcome::Failed,
        (true, 0) => Outcome::NoneFound,
        (true, _) => Outcome::Done,
    })
}

/// Runs `anomalies --sessions`.
fn sessions(command: &Anomalies, limit: Option<usize>) -> anyhow::Result<Outcome> {
    let found = command.store.store().odd_sessions(command.budget)?;
    for session in found.sessions.iter().take(limit.unwrap_or(usize::MAX)) {
        if command.json {
            print(&escape_json(&serde_json::to_string(session)?))?;
            continue;
        }
        let reasons: Vec<&str> = session.reasons.iter().map(|reason| reason.text.as_str()).collect();
        print(&format!(
            "{:.2}  {}  {}  ids {}..{}\n      why    {}\n      see    {}",
            session.score,
            escape(&session.name),
            count(u64::from(session.records), "record"),
            session.first,
            session.last,
            escape(&reasons.join(" + ")),
            escape(&session.query)
        ))?;
    }
    for part in &found.unreadable {
        note(&format!("unreadable: {part}"));
    }
    note(&format!(
        "{} of {} odd as wholes",
        count(found.sessions.len() as u64, "session"),
        count(found.records, "record")
    ));
    Ok(match (found.unreadable.is_empty(), found.sessions.is_empty()) {
        (false, _) => Outcome::Failed,
        (true, true) => Outcome::NoneFound,
        (true, false) => Outcome::Done,
    })
}

/// Runs `why`.
pub fn why(command: &Why) -> anyhow::Result<Outcome> {
    let search = command.store.store().search()?;
    let Some(why) = search.why(command.id)? else {
        note(&format!(
            "there is no record {}; the store holds {}",
            command.id,
            count(search.snapshot().records(), "record")
        ));
        return Ok(Outcome::NoneFound);
    };
    if command.json {
        let queries: Vec<Value> =
            why.queries.iter().map(|(query, shows)| json!({"query": query, "shows": shows})).collect();
        let object =
            json!({"record": json_of(&why.record, command.tz), "sentences": why.sentences, "queries": queries});
        print(&escape_json(&object.to_string()))?;
        return Ok(Outcome::Done);
    }
    for sentence in &why.sentences {
        print(&escape(sentence))?;
    }
    for (query, shows) in &why.queries {
        print(&format!("  {}   ({shows})", escape(query)))?;
    }
    Ok(Outcome::Done)
}

fn shown(time: Option<Timestamp>, zone: Zone) -> String {
    time.map_or("-".to_owned(), |time| time.display(zone).to_string())
}

fn text_of_incident(incident: &Incident, zone: Zone) -> String {
    let about = about(incident);
    let mut out = format!(
        "{:<8} {:.2}  {}  {} .. {}  {}  ids {}..{}",
        incident.gravity.name(),
        incident.weight,
        escape(about.get(..100).unwrap_or(about)),
        shown(incident.from, zone),
        shown(incident.until, zone),
        count(incident.records, "record"),
        incident.first,
        incident.last,
    );
    out.push_str(&format!("\n         why    {}", reasons_of(incident)));
    out.push_str(&format!("\n         do     {}", incident.recommendation));
    out.push_str(&match incident.stopped {
        true => format!("\n         see    {}", escape(&incident.query)),
        false => format!("\n         see    incident:{}   or  {}", incident.id, escape(&incident.query)),
    });
    out
}

/// Whom or what an incident is about.
fn about(incident: &Incident) -> &str {
    match &incident.entity {
        _ if incident.stopped => &incident.source,
        Some(entity) => entity,
        None => &incident.template,
    }
}

fn reasons_of(incident: &Incident) -> String {
    let reasons = incident.reasons.iter().take(3).map(|(reason, records)| {
        let times = if *records > 1 { format!(" (x{})", thousands(*records)) } else { String::new() };
        format!("{}{times}", escape(&reason.text))
    });
    reasons.collect::<Vec<_>>().join(" + ")
}

fn text_of_group(group: &IncidentGroup, found: &Found) -> String {
    let members: Vec<&Incident> = group.members.iter().filter_map(|at| found.incidents.get(*at)).collect();
    let names: Vec<&str> = members.iter().take(NAMED).map(|one| about(one)).collect();
    let more = members.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let first = members.first();
    format!(
        "{:<8} {:.2}  {}, {}\n         why    {}\n         do     {}\n         who    {}{more}",
        group.gravity.name(),
        group.weight,
        count(group.members.len() as u64, "incident"),
        count(group.records, "record"),
        first.map(|first| reasons_of(first)).unwrap_or_default(),
        first.map_or("", |first| first.recommendation),
        escape(&names.join(", ")),
    )
}

fn json_of_group(group: &IncidentGroup, found: &Found, zone: Zone) -> String {
    let members: Vec<Value> = group
        .members
        .iter()
        .filter_map(|at| found.incidents.get(*at))
        .map(|incident| json_of_incident(incident, zone))
        .collect();
    let object = json!({
        "severity": group.gravity, "weight": rounded(group.weight), "records": group.records, "incidents": members,
    });
    escape_json(&object.to_string()).into_owned()
}

fn json_of_incident(incident: &Incident, zone: Zone) -> Value {
    let reasons: Vec<Value> = incident
        .reasons
        .iter()
        .map(|(reason, records)| json!({"id": reason.id, "text": reason.text, "weight": rounded(reason.weight), "records": records}))
        .collect();
    json!({
        "id": incident.id,
        "entity": incident.entity,
        "template": incident.template,
        "source": incident.source,
        "from": incident.from.map(|time| time.display(zone).to_string()),
        "until": incident.until.map(|time| time.display(zone).to_string()),
        "first_id": incident.first,
        "last_id": incident.last,
        "records": incident.records,
        "stopped": incident.stopped,
        "severity": incident.gravity,
        "weight": rounded(incident.weight),
        "rules": incident.rules,
        "reasons": reasons,
        "recommendation": incident.recommendation,
        "query": incident.query,
    })
}

fn rounded(number: f32) -> f64 {
    (f64::from(number) * 1e4).round() / 1e4
}
