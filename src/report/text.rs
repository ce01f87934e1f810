//! A found record as people read it: time, level, source, score, the line with its matches marked, and why it is odd.

use std::fmt::Write;
use std::ops::Range;

use super::sanitise::escape_bytes;
use crate::model::{FoundRecord, Level, Zone};

/// A record's line is shown up to this many bytes; `--raw` and `--json` show all of it.
const LONGEST_SHOWN: usize = 4_096;

/// Colours, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    is_on: bool,
}

impl Theme {
    /// Colours where `is_on`.
    pub fn new(is_on: bool) -> Theme {
        Theme { is_on }
    }

    /// `text` in a style given as the parameters of an SGR sequence.
    pub fn paint(self, style: &str, text: &str) -> String {
        if self.is_on && !text.is_empty() { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Text that steps back.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// A match.
    pub fn hit(self, text: &str) -> String {
        self.paint("1;33", text)
    }

    /// A level in the colour of its severity.
    pub fn level(self, level: Option<Level>) -> String {
        let name = format!("{:<8}", level.map_or("-", Level::name));
        match level {
            Some(level) if level >= Level::Critical => self.paint("1;31", &name),
            Some(Level::Error) => self.paint("31", &name),
            Some(Level::Warn) => self.paint("33", &name),
            Some(Level::Info | Level::Notice) => self.paint("32", &name),
            _ => self.dim(&name),
        }
    }

    fn score(self, record: &FoundRecord) -> String {
        let text = format!("{:.2}{}", record.score, if record.flagged { "!" } else { " " });
        if record.flagged { self.paint("1;35", &text) } else { self.dim(&text) }
    }
}

/// The record in one line, one more for each further line of a multi-line record, and one for the reasons of a flagged one.
/// `marks` are ranges of the line to be marked, in order.
pub fn text_of(record: &FoundRecord, zone: Zone, theme: Theme, marks: &[Range<usize>]) -> String {
    let time = record.time.map_or("-".to_owned(), |time| time.display(zone).to_string());
    let mut out = format!(
        "{} {} {} {} {}  ",
        theme.dim(&format!("{:>8}", record.id.0)),
        theme.paint("36", &format!("{time:<20}")),
        theme.level(record.level),
        theme.score(record),
        theme.dim(&escape_bytes(record.source.as_bytes())),
    );
    let line = record.line();
    let shown = line.get(..LONGEST_SHOWN).unwrap_or(line);
    out.push_str(&marked(shown, marks, theme));
    if shown.len() < line.len() {
        let _ = write!(out, "{}", theme.dim(&format!(" … {} bytes more", line.len() - shown.len())));
    }
    if record.flagged && !record.reasons.is_empty() {
        let reasons: Vec<&str> = record.reasons.iter().map(|reason| reason.text.as_str()).collect();
        let _ = write!(
            out,
            "\n{:>9}{}",
            "",
            theme.paint("35", &format!("^ {}", escape_bytes(reasons.join(" + ").as_bytes())))
        );
    }
    out
}

/// Text with its marked ranges painted; further lines of a record are indented.
fn marked(line: &[u8], marks: &[Range<usize>], theme: Theme) -> String {
    let mut out = String::with_capacity(line.len() + 32);
    let mut at = 0;
    let mut add = |bytes: &[u8], is_hit: bool| {
        for (number, part) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if number > 0 {
                out.push_str("\n          ");
            }
            let text = escape_bytes(part.strip_suffix(b"\r").unwrap_or(part));
            if is_hit { out.push_str(&theme.hit(&text)) } else { out.push_str(&text) }
        }
    };
    for mark in marks {
        let (start, end) = (mark.start.clamp(at, line.len()), mark.end.clamp(at, line.len()));
        add(line.get(at..start).unwrap_or_default(), false);
        add(line.get(start..end).unwrap_or_default(), true);
        at = end.max(start);
    }
    add(line.get(at..).unwrap_or_default(), false);
    out
}

/// Eight heights of a bar, for counts over time.
pub fn sparkline(counts: &[u64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let highest = counts.iter().copied().max().unwrap_or(0).max(1);
    counts
        .iter()
        .map(|count| match count {
            0 => ' ',
            // The exact product can't overflow 128 bits; the least count still shows.
            count => BARS.get((u128::from(*count) * 7 / u128::from(highest)) as usize).copied().unwrap_or('█'),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_are_marked_and_further_lines_indented() {
        let theme = Theme::new(true);
        assert_eq!(marked(b"a failed b", std::slice::from_ref(&(2..8)), theme), "a \x1b[1;33mfailed\x1b[0m b");
        assert_eq!(marked(b"one\n\x1b[2Jtwo", &[], Theme::new(false)), "one\n          \\x1b[2Jtwo");
        assert_eq!(
            marked(b"abc", &[1..9, 0..2], Theme::new(false)),
            "abc",
            "ranges beyond the line or overlapping do no harm"
        );
    }

    #[test]
    fn a_sparkline_has_a_bar_for_every_count() {
        assert_eq!(sparkline(&[0, 1, 50, 100]), " ▁▄█");
        assert_eq!(sparkline(&[u64::MAX, 1]), "█▁");
    }
}
