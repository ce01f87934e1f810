//! Writes one answer, record by record, in the form asked for.

use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;

use super::record::{CSV_HEADER, cell, csv_of, json_of, value_of};
use super::sanitise::{escape, escape_bytes, escape_json};
use super::table::{csv_rows, json_rows, table_of};
use super::text::{Theme, text_of};
use crate::model::{FoundRecord, Zone};
use crate::query::Table;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON object a record or row.
    Json,
    /// One CSV row a record or row, names first.
    Csv,
    /// The exact bytes of the records.
    Raw,
}

impl Form {
    /// The form that the name of a file asks for: `.json`, `.jsonl`, `.ndjson`; `.csv`; `.log`, `.raw`; `.txt`.
    pub fn of_name(path: &Path) -> Option<Form> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" | "jsonl" | "ndjson" => Some(Form::Json),
            "csv" => Some(Form::Csv),
            "log" | "raw" => Some(Form::Raw),
            "txt" => Some(Form::Text),
            _ => None,
        }
    }
}

/// How an answer is written.
#[derive(Debug, Clone)]
pub struct Style {
    /// The form.
    pub form: Form,
    /// Zone of times.
    pub zone: Zone,
    /// Colours of text for people.
    pub theme: Theme,
    /// The fields shown of each record, in order; none: the form's own.
    pub columns: Vec<String>,
}

/// An answer being written.
pub struct Answer<W: Write> {
    out: W,
    style: Style,
    has_header: bool,
}

impl<W: Write> Answer<W> {
    /// Begins an answer.
    pub fn new(out: W, style: Style) -> Answer<W> {
        Answer { out, style, has_header: false }
    }

    /// Writes a record; `marks` are ranges of its line to be marked in text for people.
    pub fn record(&mut self, record: &FoundRecord, marks: &[Range<usize>]) -> io::Result<()> {
        let zone = self.style.zone;
        match self.style.form {
            Form::Raw => self.out.write_all(&record.raw),
            Form::Json => writeln!(self.out, "{}", escape_json(&json_of(record, zone).to_string())),
            Form::Csv => {
                self.header()?;
                if self.style.columns.is_empty() {
                    return writeln!(self.out, "{}", csv_of(record, zone));
                }
                let value = |name: &String| value_of(record, name, zone).map(|value| cell(&value)).unwrap_or_default();
                writeln!(self.out, "{}", self.style.columns.iter().map(value).collect::<Vec<_>>().join(","))
            }
            Form::Text if self.style.columns.is_empty() => {
                writeln!(self.out, "{}", text_of(record, zone, self.style.theme, marks))
            }
            Form::Text => {
                let theme = self.style.theme;
                write!(self.out, "{}", theme.dim(&format!("{:>8}", record.id.0)))?;
                for name in &self.style.columns {
                    let value = value_of(record, name, zone).unwrap_or_else(|| b"-".to_vec());
                    write!(self.out, "  {}{}", theme.paint("36", &format!("{}=", escape(name))), escape_bytes(&value))?;
                }
                writeln!(self.out)
            }
        }
    }

    /// Writes a table as the form has it; a table has no raw bytes and is then text.
    pub fn table(&mut self, table: &Table) -> io::Result<()> {
        let rows = match self.style.form {
            Form::Json => json_rows(table),
            Form::Csv => csv_rows(table),
            Form::Text | Form::Raw => vec![table_of(table, self.style.theme)],
        };
        self.has_header = true;
        rows.iter().try_for_each(|row| writeln!(self.out, "{row}"))
    }

    /// Gives what was written so far to its reader.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Ends the answer: an answer without records still has its header. Gives back what was written to.
    pub fn finish(mut self) -> io::Result<W> {
        if self.style.form == Form::Csv {
            self.header()?;
        }
        self.out.flush()?;
        Ok(self.out)
    }

    fn header(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.has_header, true) {
            return Ok(());
        }
        if self.style.columns.is_empty() {
            return writeln!(self.out, "{CSV_HEADER}");
        }
        let names: Vec<String> = self.style.columns.iter().map(|name| cell(name.as_bytes())).collect();
        writeln!(self.out, "{}", names.join(","))
    }
}

/// Shows how far something is, in place of what was shown before, on standard error; nothing takes it away.
pub fn progress(text: &str) {
    let mut stderr = io::stderr().lock();
    // Progress that can't be shown is no failure.
    let _ = write!(stderr, "\r\x1b[K{}", escape(text));
    let _ = stderr.flush();
}

/// A query and a mark below the character at `column` (from 1), both indented by two; of a long query the part around it.
pub fn pointed_at(query: &str, column: usize) -> [String; 2] {
    const BEFORE: usize = 60;
    const SHOWN: usize = 100;
    let skipped = column.saturating_sub(1).saturating_sub(BEFORE);
    let letters = || query.chars().skip(skipped);
    let dots = if skipped > 0 { "…" } else { "" };
    let before: String = letters().take(column.saturating_sub(1 + skipped)).collect();
    let shown: String = letters().take(SHOWN).collect();
    let indent = escape(&before).chars().count() + dots.chars().count();
    [format!("  {dots}{}", escape(&shown)), format!("  {}^", " ".repeat(indent))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_stands_below_its_character_whatever_is_escaped_before_it() {
        assert_eq!(pointed_at("ab:c", 3), ["  ab:c", "    ^"]);
        assert_eq!(pointed_at("\x1bx", 2), ["  \\x1bx", "      ^"]);
        let long = pointed_at(&"x".repeat(500), 400);
        assert_eq!(long[1].chars().count(), 2 + 1 + 60 + 1);
        assert!(long[0].chars().count() < 110);
    }

    #[test]
    fn the_name_of_a_file_says_its_form() {
        assert_eq!(Form::of_name(Path::new("a.JSONL")), Some(Form::Json));
        assert_eq!(Form::of_name(Path::new("a.csv")), Some(Form::Csv));
        assert_eq!(Form::of_name(Path::new("csv")), None);
    }
}
