//! One record in full: every field, and why it is odd.

use crate::model::{FoundRecord, Zone};
use crate::report::{Theme, escape, escape_bytes, json_of, text_of};

/// A line for each thing known of a record, then one for each of its fields.
pub fn fields(record: &FoundRecord, zone: Zone) -> Vec<String> {
    let value = json_of(record, zone);
    let known = value.as_object().into_iter().flatten();
    let known = known.filter(|(name, _)| !matches!(name.as_str(), "fields" | "raw_base64")).map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{name:<14}{}", escape(&text))
    });
    let cut = record.fields.iter().map(|(name, value)| format!("  {:<20} {}", escape(name), escape_bytes(value)));
    known.chain(cut).collect()
}

/// The record, its score, and the reasons with their weights.
pub fn reasons(record: &FoundRecord, zone: Zone, theme: Theme) -> Vec<String> {
    let state = if record.flagged { "flagged" } else { "not flagged" };
    let mut lines = vec![
        text_of(record, zone, theme, &[]),
        format!("score {:.3}, novelty {:.3}, {state}", record.score, record.novelty),
    ];
    for reason in &record.reasons {
        lines.push(format!("  {:>6.2}  {:<18} {}", reason.weight, escape(&reason.id), escape(&reason.text)));
    }
    if !record.rules.is_empty() {
        lines.push(format!("rules: {}", escape(&record.rules.join(", "))));
    }
    lines.extend(record.entity.as_ref().map(|entity| format!("about: {}", escape(entity))));
    lines
}
