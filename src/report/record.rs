//! A found record as JSON and as a CSV row.

use base64::Engine;
use serde_json::{Map, Value, json};

use super::sanitise::escape_bytes;
use crate::model::{FoundRecord, Level, Zone};

/// The record as one JSON object, as `search --json` prints it.
///
/// `id, time, time_quality, level, source, offset, length, score, flag, reasons, fields, raw` always, in this order; `time` and
/// `level` are null where there is none; `fields` maps names to text, or to a list where a name repeats; `raw` is the record
/// without its last line ending, and `raw_base64`, all of its bytes, stands beside it where these are not UTF-8. Behind
/// these: `novelty, rules, entity, template`, of an answer with neighbours `hit` (whether the record matches by itself), and `incident`
/// where the question asks for incidents and the record belongs to one.
pub fn json_of(record: &FoundRecord, zone: Zone) -> Value {
    let mut fields: Map<String, Value> = Map::new();
    for (name, value) in &record.fields {
        let value = Value::String(String::from_utf8_lossy(value).into_owned());
        match fields.get_mut(name) {
            None => {
                fields.insert(name.clone(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    let mut object = Map::new();
    object.insert("id".into(), json!(record.id.0));
    object.insert("time".into(), json!(record.time.map(|time| time.display(zone).to_string())));
    object.insert("time_quality".into(), json!(record.time_quality.name()));
    object.insert("level".into(), json!(record.level.map(Level::name)));
    object.insert("source".into(), json!(record.source));
    object.insert("offset".into(), json!(record.origin.offset));
    object.insert("length".into(), json!(record.origin.length));
    object.insert("score".into(), json!(rounded(record.score)));
    object.insert("flag".into(), json!(record.flagged));
    object.insert("reasons".into(), json!(record.reasons.iter().map(|reason| &reason.text).collect::<Vec<_>>()));
    object.insert("fields".into(), Value::Object(fields));
    object.insert("raw".into(), json!(String::from_utf8_lossy(record.line())));
    if std::str::from_utf8(&record.raw).is_err() {
        object.insert("raw_base64".into(), json!(base64::engine::general_purpose::STANDARD.encode(&record.raw)));
    }
    object.insert("novelty".into(), json!(rounded(record.novelty)));
    object.insert("rules".into(), json!(record.rules));
    object.insert("entity".into(), json!(record.entity));
    object.insert("template".into(), json!(record.template));
    if let Some(hit) = record.hit {
        object.insert("hit".into(), json!(hit));
    }
    if let Some(incident) = record.incident {
        object.insert("incident".into(), json!(incident));
    }
    Value::Object(object)
}

/// The names of the columns of [`csv_of`].
pub const CSV_HEADER: &str = "id,time,time_quality,level,source,offset,length,score,flag,reasons,raw";

/// The record as one CSV row without line end: RFC 4180, and no cell that a spreadsheet would run as a formula.
pub fn csv_of(record: &FoundRecord, zone: Zone) -> String {
    let reasons: Vec<&str> = record.reasons.iter().map(|reason| reason.text.as_str()).collect();
    let cells = [
        record.id.0.to_string(),
        record.time.map(|time| time.display(zone).to_string()).unwrap_or_default(),
        record.time_quality.name().to_owned(),
        record.level.map_or("", Level::name).to_owned(),
        cell(record.source.as_bytes()),
        record.origin.offset.to_string(),
        record.origin.length.to_string(),
        format!("{:.3}", record.score),
        record.flagged.to_string(),
        cell(reasons.join(" + ").as_bytes()),
        cell(record.line()),
    ];
    cells.join(",")
}

/// One cell: control characters escaped, a leading `'` before what would be a formula, quoted where it must be.
pub fn cell(bytes: &[u8]) -> String {
    let text = escape_bytes(bytes);
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '＝', '＋', '－', '＠']) && text.parse::<f64>().is_err()
    {
        "'"
    } else {
        ""
    };
    if text.contains(['"', ',', '\n', '\t']) || !guard.is_empty() {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        text.into_owned()
    }
}

/// The value of a field of a record by the name that queries use: those of columns, then those cut from it, of which several
/// stand with a space between them; `None` where the record has none.
pub fn value_of(record: &FoundRecord, name: &str, zone: Zone) -> Option<Vec<u8>> {
    let text = |text: &str| Some(text.as_bytes().to_vec());
    let some = |text: &str| (!text.is_empty()).then(|| text.as_bytes().to_vec());
    match name {
        "time" => text(&record.time?.display(zone).to_string()),
        "time.quality" => text(record.time_quality.name()),
        "level" => text(record.level?.name()),
        "source" => text(&record.source),
        "raw" => Some(record.line().to_vec()),
        "id" => text(&record.id.0.to_string()),
        "offset" => text(&record.origin.offset.to_string()),
        "score" => text(&rounded(record.score).to_string()),
        "novelty" => text(&rounded(record.novelty).to_string()),
        "anomaly" => text(if record.flagged { "true" } else { "false" }),
        "template" => some(&record.template),
        "entity" => text(record.entity.as_deref()?),
        "incident" => text(&record.incident?.to_string()),
        "rule" => some(&record.rules.join(" ")),
        "reason" => some(&record.reasons.iter().map(|reason| reason.text.as_str()).collect::<Vec<_>>().join(" + ")),
        name => {
            let values = record.fields.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_slice());
            let values: Vec<&[u8]> = values.collect();
            (!values.is_empty()).then(|| values.join(&b' '))
        }
    }
}

fn rounded(score: f32) -> f64 {
    (f64::from(score) * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{InputId, Origin, RecordId, TimeQuality, Timestamp};

    fn record(raw: &[u8]) -> FoundRecord {
        FoundRecord {
            id: RecordId(7),
            origin: Origin { input: InputId(0), offset: 12, length: raw.len() as u32 },
            source: "a.log".to_owned(),
            raw: raw.to_vec(),
            time: Some(Timestamp(0)),
            time_quality: TimeQuality::Exact,
            level: None,
            fields: vec![("a".into(), b"1".to_vec()), ("b".into(), b"x".to_vec()), ("a".into(), b"2".to_vec())],
            template: String::new(),
            score: 0.5,
            novelty: 0.25,
            flagged: false,
            rules: Vec::new(),
            reasons: Vec::new(),
            entity: None,
            hit: None,
            incident: None,
        }
    }

    #[test]
    fn json_keeps_its_names_and_bytes_that_are_no_text() {
        let object = json_of(&record(b"a\xff\n"), Zone::UTC);
        assert_eq!(object["fields"], json!({"a": ["1", "2"], "b": "x"}));
        assert_eq!(object["raw_base64"], json!("Yf8K"));
        assert_eq!(object["level"], Value::Null);
        assert_eq!(object["time"], json!("1970-01-01T00:00:00Z"));
        assert!(json_of(&record(b"text\n"), Zone::UTC).get("raw_base64").is_none());
    }

    #[test]
    fn no_cell_is_a_formula_or_drives_a_terminal() {
        assert_eq!(cell(b"=cmd|' /C calc'!A0"), "\"'=cmd|' /C calc'!A0\"");
        assert_eq!(cell(b"-1.5"), "-1.5");
        assert_eq!(cell(b"a\"b,c"), "\"a\"\"b,c\"");
        assert_eq!(cell(b"\x1b[2J"), "\\x1b[2J");
        assert!(csv_of(&record(b"@SUM(A1)\n"), Zone::UTC).ends_with(",\"'@SUM(A1)\""));
    }
}
