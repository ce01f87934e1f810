//! Tables that pipes make, as people and programs read them, and the line with which every answer ends.

use comfy_table::{CellAlignment, Table as Drawn, presets};
use serde_json::{Map, Value, json};

use super::number::{count, seconds, thousands};
use super::record::cell;
use super::sanitise::{escape, escape_json};
use super::text::{Theme, sparkline};
use crate::model::{Timestamp, Zone};
use crate::query::{Cell, Series, Table};

/// Bars of a chart are this many characters long at most.
const BAR: usize = 40;
/// Text in a cell is shown up to this many characters; JSON and CSV have all of it.
const WIDEST: usize = 110;
/// Names before small charts are this many characters long at most.
const NAME: usize = 24;

/// A table drawn with aligned columns; a column of times with a column of counts gets bars and a sparkline.
pub fn table_of(table: &Table, theme: Theme) -> String {
    let counts = counts_of(table);
    let mut drawn = Drawn::new();
    drawn.load_style(presets::NOTHING);
    let mut header: Vec<String> = table.columns.iter().map(|name| escape(name).into_owned()).collect();
    if counts.is_some() {
        header.push(String::new());
    }
    drawn.set_header(header);
    let highest = counts.as_ref().and_then(|counts| counts.iter().copied().max()).unwrap_or(0).max(1);
    for (number, row) in table.rows.iter().enumerate() {
        let mut cells: Vec<String> = row.iter().zip(&table.columns).map(|(cell, name)| of_column(cell, name)).collect();
        if let Some(value) = counts.as_ref().and_then(|counts| counts.get(number)) {
            let length = (u128::from(*value) * BAR as u128).div_ceil(u128::from(highest)) as usize;
            cells.push(theme.paint("36", &"█".repeat(length)));
        }
        drawn.add_row(cells);
    }
    for (number, column) in drawn.column_iter_mut().enumerate() {
        let is_number = |row: &Vec<Cell>| matches!(row.get(number), Some(Cell::Int(_) | Cell::Float(_)));
        if !table.rows.is_empty() && table.rows.iter().all(is_number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    // Colours come last: the drawing measures what it is given.
    let drawn = drawn.trim_fmt();
    let (header, rows) = drawn.split_once('\n').unwrap_or((&drawn, ""));
    let mut text = theme.paint("1", header);
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(rows);
    }
    text.push_str(&charts(table, theme));
    if table.rows.is_empty() {
        text.push_str(&theme.dim("\n(no rows)"));
    }
    text
}

/// A small chart for each series that is long enough to show something; empty spans are gaps.
fn charts(table: &Table, theme: Theme) -> String {
    let shown: Vec<(String, &Series)> = table
        .series
        .iter()
        .filter(|series| series.counts.len() > 2)
        .map(|series| (series.name.as_ref().map(text_of_cell).unwrap_or_default(), series))
        .collect();
    let width = shown.iter().map(|(name, _)| name.chars().count().min(NAME)).max().unwrap_or(0);
    let line = |(name, series): &(String, &Series)| {
        let name: String = name.chars().take(NAME).collect();
        let space = if width > 0 { "  " } else { "" };
        format!("\n{name:<width$}{space}{}", theme.paint("36", &sparkline(&series.counts)))
    };
    shown.iter().map(line).collect()
}

/// The counts of a time chart without groups: its first column is `time`, its second and last is `count`.
fn counts_of(table: &Table) -> Option<Vec<u64>> {
    let is_chart = matches!(table.columns.iter().map(String::as_str).collect::<Vec<_>>()[..], ["time", "count"]);
    let count = |row: &Vec<Cell>| match row.get(1) {
        Some(Cell::Int(value)) => u64::try_from(*value).ok(),
        _ => None,
    };
    is_chart.then(|| table.rows.iter().map(count).collect::<Option<Vec<u64>>>()).flatten()
}

/// A cell as people read it: numbers of records as they are typed in commands, long text cut.
fn of_column(cell: &Cell, name: &str) -> String {
    match cell {
        Cell::Int(id) if matches!(name, "first" | "from" | "to" | "id") => id.to_string(),
        cell => {
            let text = text_of_cell(cell);
            match text.char_indices().nth(WIDEST) {
                Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
                None => text,
            }
        }
    }
}

fn text_of_cell(cell: &Cell) -> String {
    match cell {
        Cell::Null => "-".to_owned(),
        Cell::Text(text) => escape(text).into_owned(),
        Cell::Int(value) if *value >= 0 => thousands(value.unsigned_abs()),
        Cell::Int(value) => value.to_string(),
        Cell::Float(value) => format!("{value:.3}"),
    }
}

/// Each row as one JSON object whose names are the columns.
pub fn json_rows(table: &Table) -> Vec<String> {
    let value_of = |cell: &Cell| match cell {
        Cell::Null => Value::Null,
        Cell::Text(text) => json!(text),
        Cell::Int(value) => json!(value),
        Cell::Float(value) => json!(value),
    };
    let row_of = |row: &Vec<Cell>| {
        let object: Map<String, Value> = table.columns.iter().cloned().zip(row.iter().map(value_of)).collect();
        escape_json(&Value::Object(object).to_string()).into_owned()
    };
    table.rows.iter().map(row_of).collect()
}

/// The names of the columns, then each row, as CSV that no spreadsheet runs.
pub fn csv_rows(table: &Table) -> Vec<String> {
    let header: Vec<String> = table.columns.iter().map(|name| cell(name.as_bytes())).collect();
    let text_of = |value: &Cell| match value {
        Cell::Null => String::new(),
        Cell::Text(text) => cell(text.as_bytes()),
        Cell::Int(value) => value.to_string(),
        Cell::Float(value) => value.to_string(),
    };
    let row_of = |row: &Vec<Cell>| row.iter().map(text_of).collect::<Vec<_>>().join(",");
    std::iter::once(header.join(",")).chain(table.rows.iter().map(row_of)).collect()
}

/// The line every answer ends with: how many match, over which time, and what the answer speaks of. Of matches that were not all
/// counted it says so.
pub fn summary_line(
    (matched, counted): (u64, bool),
    records: u64,
    span: (Option<Timestamp>, Option<Timestamp>),
    zone: Zone,
    (covered, pruned): (u64, u64),
    took: f64,
) -> String {
    let span = match span {
        (Some(first), Some(last)) => format!("  time {} .. {}", first.display(zone), last.display(zone)),
        _ => String::new(),
    };
    let verb = if matched == 1 { "matches" } else { "match" };
    let (least, end) = if counted { ("", "") } else { ("at least ", "; counting stopped there") };
    format!(
        "{least}{} of {} {verb}{end}{span}  covered {}/{}, pruned {}, {}",
        thousands(matched),
        count(records, "record"),
        thousands(covered),
        thousands(records),
        count(pruned, "row group"),
        seconds(took)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> Table {
        let row = |time: &str, count| vec![Cell::Text(time.to_owned()), Cell::Int(count)];
        let rows = vec![row("a", 1), row("b", 40), row("c", 0)];
        let series = vec![Series { name: None, counts: vec![1, 40, 0] }];
        Table { columns: vec!["time".into(), "count".into()], rows, series }
    }

    #[test]
    fn a_time_chart_has_bars_and_a_sparkline() {
        let text = table_of(&chart(), Theme::new(false));
        assert!(text.contains(&"█".repeat(40)) && text.ends_with("▁█ "), "{text}");
    }

    #[test]
    fn rows_are_json_objects_and_safe_csv() {
        assert_eq!(json_rows(&chart())[1], r#"{"time":"b","count":40}"#);
        let table = Table::new(vec!["x".into()], vec![vec![Cell::Text("=1+1".into())], vec![Cell::Null]]);
        assert_eq!(csv_rows(&table), ["x", "\"'=1+1\"", ""]);
    }

    #[test]
    fn the_last_line_says_what_was_covered() {
        let span = (Some(Timestamp(0)), Some(Timestamp(1_000_000_000)));
        assert_eq!(
            summary_line((8, true), 24, span, Zone::UTC, (24, 0), 0.003),
            "8 of 24 records match  time 1970-01-01T00:00:00Z .. 1970-01-01T00:00:01Z  covered 24/24, pruned 0 row groups, 3 ms"
        );
        assert_eq!(
            summary_line((1, false), 24, (None, None), Zone::UTC, (24, 0), 0.003),
            "at least 1 of 24 records matches; counting stopped there  covered 24/24, pruned 0 row groups, 3 ms"
        );
    }
}
