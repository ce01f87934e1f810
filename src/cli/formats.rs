//! `logguard formats`: how a file would be read, field by field.

use anyhow::bail;
use serde_json::{Value, json};

use super::Outcome;
use super::args::Formats;
use super::outcome::{note, print};
use crate::engine::{FormatLook, Store, StoreConfig};
use crate::model::{Level, Zone};
use crate::report::{escape, escape_bytes, escape_json, json_of};

/// Runs the command.
pub fn run(command: &Formats) -> anyhow::Result<Outcome> {
    let mut store = Store::new(StoreConfig::default());
    command.reading.add_formats(&mut store)?;
    let reading = &command.reading;
    if command.list {
        for name in store.registry().names() {
            print(&escape(&name))?;
        }
        return Ok(Outcome::Done);
    }
    let mut failed = 0;
    for file in &command.files {
        let looked = store.look_at_format(file, reading.format.as_deref(), reading.tz, reading.year, command.limit);
        match looked {
            Ok(looks) => {
                looks.iter().try_for_each(|look| if command.json { print_json(look) } else { print_text(look) })?
            }
            Err(failure) if command.files.len() == 1 => bail!(failure),
            Err(failure) => {
                failed += 1;
                note(&format!("logguard: {failure}"));
            }
        }
    }
    Ok(if failed == 0 { Outcome::Done } else { Outcome::Failed })
}

fn print_text(look: &FormatLook) -> anyhow::Result<()> {
    print(&format!(
        "{}: {} (explains {:.0} % of the sample)",
        escape(&look.name),
        look.format,
        100.0 * look.confidence
    ))?;
    for (format, share) in look.runners_up.iter().take(3) {
        print(&format!("  or {format} ({:.0} %)", 100.0 * share))?;
    }
    for record in &look.records {
        print(&format!("  | {}", escape_bytes(record.line().get(..200).unwrap_or(record.line()))))?;
        let time = record.time.map_or("none".to_owned(), |time| time.to_string());
        print(&format!("    {:<16} {time} ({})", "time", record.time_quality.name()))?;
        print(&format!("    {:<16} {}", "level", record.level.map_or("none", Level::name)))?;
        for (name, value) in &record.fields {
            print(&format!("    {:<16} {}", escape(name), escape_bytes(value)))?;
        }
    }
    Ok(())
}

fn print_json(look: &FormatLook) -> anyhow::Result<()> {
    let records: Vec<Value> = look.records.iter().map(|record| json_of(record, Zone::UTC)).collect();
    let line = json!({"name": look.name, "format": look.format, "confidence": look.confidence, "runners_up": look.runners_up, "records": records}).to_string();
    print(&escape_json(&line))
}
