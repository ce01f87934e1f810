//! One record in full: every field, and why it is odd.

use crate::engine::Why;
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
pub fn reasons(why: &Why, zone: Zone, theme: Theme) -> Vec<String> {
    let mut lines = vec![text_of(&why.record, zone, theme, &[])];
    lines.extend(why.sentences.iter().map(|sentence| escape(sentence).into_owned()));
    lines.extend(why.queries.iter().map(|(query, shows)| format!("  {}   ({shows})", escape(query))));
    lines
}
