//! `logguard info`: what the store holds.

use comfy_table::{CellAlignment, Table, presets};

use super::Outcome;
use super::args::Info;
use super::outcome::{note, print, print_json};
use crate::report::{bytes, escape, ratio, thousands};

/// Runs the command.
pub fn run(command: &Info) -> anyhow::Result<Outcome> {
    let info = command.store.store().info()?;
    if command.json {
        print_json(&info)?;
        return Ok(if info.unreadable.is_empty() { Outcome::Done } else { Outcome::Failed });
    }
    let span = match (&info.first_time, &info.last_time) {
        (Some(first), Some(last)) => format!("{first} .. {last}"),
        _ => "no record has a time".to_owned(),
    };
    let list = |counts: &std::collections::BTreeMap<String, u64>| {
        let mut counts: Vec<_> = counts.iter().collect();
        counts.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        counts
            .iter()
            .map(|(name, number)| format!("{} {}", escape(name), thousands(**number)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let disk = info.archive_bytes + info.index_bytes;
    for (name, value) in [
        ("inputs", thousands(info.inputs)),
        ("records", thousands(info.records)),
        ("raw", bytes(info.raw_bytes)),
        ("archive", format!("{} ({})", bytes(info.archive_bytes), ratio(info.raw_bytes, info.archive_bytes))),
        ("index", bytes(info.index_bytes)),
        ("on disk", format!("{} ({})", bytes(disk), ratio(info.raw_bytes, disk))),
        ("time", span),
        ("untimed", thousands(info.untimed)),
        ("flagged", thousands(info.flagged)),
        ("scores", scores(info.rescored, info.records)),
        ("levels", list(&info.levels)),
        ("formats", list(&info.formats)),
        ("refused", thousands(info.refused.len() as u64)),
    ] {
        print(&format!("{name:<9}{value}"))?;
    }
    if command.files {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["input", "format", "bytes", "records", "time %", "level %"]);
        for file in &info.files {
            let share = |part: u64| format!("{:.1}", 100.0 * part as f64 / file.records.max(1) as f64);
            table.add_row([
                escape(&file.name).into_owned(),
                format!("{} {:.2}", file.format, file.confidence),
                thousands(file.bytes),
                thousands(file.records),
                share(file.timed),
                share(file.leveled),
            ]);
        }
        for column in table.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        print(&table.to_string())?;
    }
    for part in &info.unreadable {
        note(&format!("unreadable: {part}"));
    }
    Ok(if info.unreadable.is_empty() { Outcome::Done } else { Outcome::Failed })
}

/// Which pass the scores are of.
fn scores(rescored: u64, records: u64) -> String {
    match rescored {
        0 => "of one pass, made as the records came in".to_owned(),
        all if all >= records => "of a second pass over all records".to_owned(),
        some => format!("of a second pass for records below {}, of one pass for the rest", thousands(some)),
    }
}
