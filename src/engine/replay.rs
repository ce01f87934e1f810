//! Archived records -> a detector, in record order: what an ingest does, from the archive instead of from files.

use super::EngineError;
use super::ingest::Sources;
use crate::archive::Snapshot;
use crate::detect::{Detector, Event, SessionKey};
use crate::model::{FieldSet, Interpret, Layout, Verdict};
use crate::template::Templater;

/// Scores all readable records; `each` receives a record's number and verdict. Gives what could not be read, in words.
pub fn replay(
    snapshot: &Snapshot,
    interpret: &dyn Interpret,
    detector: &mut Detector,
    mut each: impl FnMut(u64, &Verdict),
) -> Result<Vec<String>, EngineError> {
    let mut sources = Sources::default();
    for input in snapshot.inputs() {
        let acquisition = &input.acquisition;
        sources.add(acquisition.input, &acquisition.name, &acquisition.format, Some(detector));
    }
    let (mut templater, mut fields, mut verdict) = (Templater::new(), FieldSet::default(), Verdict::default());
    let no_layout = Layout::default();
    let mut unreadable = snapshot.unreadable().to_vec();
    for group in snapshot.groups() {
        let read = snapshot.columns(group).and_then(|columns| Ok((columns, snapshot.lines(group)?)));
        let (columns, lines) = match read {
            Ok(read) => read,
            Err(cause) => {
                unreadable.push(cause.to_string());
                continue;
            }
        };
        for row in 0..columns.rows() {
            let raw = lines.raw(row);
            interpret.interpret(columns.layout(row).unwrap_or(&no_layout), raw, &mut fields);
            let of_record = fields.of(raw);
            let message = of_record.first("message").unwrap_or(raw);
            let event = Event {
                source: columns.input(row).map_or(u32::MAX, |input| sources.of(input)),
                raw,
                message,
                fields: of_record,
                time: columns.time(row),
                level: columns.level(row),
                template: templater.cut(message),
                session: SessionKey::Found,
            };
            detector.score(&event, &mut verdict);
            each(group.first.0 + row as u64, &verdict);
        }
    }
    Ok(unreadable)
}
