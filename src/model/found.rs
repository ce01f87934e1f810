//! A record that a question found, on its own: it outlives the archive's buffers.

use super::{Level, Origin, Reason, RecordId, RecordView, TimeQuality, Timestamp};

/// A copy of a record with what was understood of it.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundRecord {
    /// Its number in the archive.
    pub id: RecordId,
    /// Where its bytes come from.
    pub origin: Origin,
    /// Name of its input.
    pub source: String,
    /// Its bytes, terminators included.
    pub raw: Vec<u8>,
    /// Its time in UTC.
    pub time: Option<Timestamp>,
    /// How the time was obtained.
    pub time_quality: TimeQuality,
    /// Its normalised level.
    pub level: Option<Level>,
    /// Its fields in order of appearance; a name may repeat.
    pub fields: Vec<(String, Vec<u8>)>,
    /// Its message with variable parts masked.
    pub template: String,
    /// How odd it is, 0 to 1.
    pub score: f32,
    /// Learned surprise alone, 0 to 1.
    pub novelty: f32,
    /// Whether it passed the threshold in force when it was scored.
    pub flagged: bool,
    /// Rules that fired.
    pub rules: Vec<String>,
    /// Why it is flagged, strongest first.
    pub reasons: Vec<Reason>,
    /// Whom it is about, where it is flagged and that is known.
    pub entity: Option<String>,
    /// Among neighbours that were asked for too: whether it matches by itself.
    pub hit: Option<bool>,
    /// The incident it belongs to, by the number of its first record; known where the question asks for incidents.
    pub incident: Option<u64>,
}

impl FoundRecord {
    /// A copy of what a view shows.
    pub fn of(view: &RecordView<'_>) -> FoundRecord {
        FoundRecord {
            id: view.id,
            origin: view.origin,
            source: view.source.to_owned(),
            raw: view.raw.to_vec(),
            time: view.time,
            time_quality: view.time_quality,
            level: view.level,
            fields: view.fields.iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect(),
            template: view.template.to_owned(),
            score: view.score,
            novelty: view.novelty,
            flagged: view.verdict.is_some_and(|verdict| verdict.flagged),
            rules: view.rules.to_vec(),
            reasons: view.verdict.map(|verdict| verdict.reasons.clone()).unwrap_or_default(),
            entity: view.verdict.and_then(|verdict| verdict.entity.clone()),
            hit: None,
            incident: view.incident,
        }
    }

    /// Its bytes without the terminator of the last line.
    pub fn line(&self) -> &[u8] {
        let line = self.raw.strip_suffix(b"\n").unwrap_or(&self.raw);
        line.strip_suffix(b"\r").unwrap_or(line)
    }
}
