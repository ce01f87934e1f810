//! The parser of one input: frames its lines into records and reads them, with a state that runs forward only.

use crate::model::{FieldSet, Layout, Level, TimeQuality, Timestamp, Zone};

use super::calendar::Calendar;
use super::cursor::Cursor;
use super::detect::{self, Decision, Detection};
use super::draft::Draft;
use super::error::{ParseError, nearest};
use super::format::{self, FORMATS};
use super::frame::Framer;
use super::registry::{Engine, Registry};
use super::{generic, table};

/// What is known of an input beside its bytes.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// Name of the input; for messages only.
    pub name: String,
    /// When the input was last written to; years and dates that stamps leave out follow from it.
    pub modified: Option<Timestamp>,
    /// Zone of stamps that state none.
    pub zone: Zone,
    /// Year of the first record, where its stamp has none; see [`YearScan`](super::YearScan). Without it the first record is
    /// put into the last year that `modified` allows, which is right for inputs that do not cross that day of the year.
    pub year: Option<i32>,
    /// Name of the format to use instead of the one found.
    pub format: Option<String>,
}

/// What a record says.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// Its time in UTC.
    pub time: Option<Timestamp>,
    /// How the time was obtained.
    pub quality: TimeQuality,
    /// Its level.
    pub level: Option<Level>,
    /// Its fields without time and level; `message` is always among them.
    pub fields: FieldSet,
    /// Number of its layout in [`Parser::layouts`].
    pub layout: u32,
}

impl Default for Parsed {
    fn default() -> Self {
        Parsed { time: None, quality: TimeQuality::Missing, level: None, fields: FieldSet::default(), layout: 0 }
    }
}

/// Reads one input from its head to its end.
#[derive(Debug)]
pub struct Parser {
    registry: Registry,
    detection: Detection,
    layouts: Vec<Layout>,
    engines: Vec<Engine>,
    /// Number of the layout that is tried first.
    primary: usize,
    /// The header line of a CSV.
    header: Option<Vec<u8>>,
    framer: Framer,
    calendar: Calendar,
    draft: Draft,
}

impl Parser {
    /// A parser for the input whose head is `sample` (the first up to 256 KiB). Fails only where `hints` ask for a format that
    /// does not exist.
    pub fn new(registry: &Registry, hints: Hints, sample: &[u8]) -> Result<Parser, ParseError> {
        let decision = match &hints.format {
            Some(name) => detect::forced(registry, name, sample).ok_or_else(|| {
                let known = registry.names();
                ParseError::UnknownFormat { name: name.clone(), nearest: nearest(name, &known), known }
            })?,
            None => detect::decide(registry, sample),
        };
        Ok(Parser::with(registry, hints, decision, sample, None))
    }

    /// A parser that goes on in the middle of an input: `last` is the layout of the last record before, `time` the last time,
    /// `sample` the input's head. The next line may continue the record before.
    pub fn resume(
        registry: &Registry,
        hints: Hints,
        last: Option<&Layout>,
        time: Option<Timestamp>,
        sample: &[u8],
    ) -> Result<Parser, ParseError> {
        let mut parser = Parser::new(registry, hints.clone(), sample)?;
        parser.calendar = Calendar::new(hints.zone, hints.modified, hints.year, time);
        parser.framer.resumed();
        if let Some(last) = last.filter(|last| format::is_table(&last.format)) {
            parser.primary = parser.layout(last.clone());
        }
        Ok(parser)
    }

    fn with(registry: &Registry, hints: Hints, decision: Decision, sample: &[u8], last: Option<Timestamp>) -> Parser {
        let Decision { detection, layout, frame, header } = decision;
        let engine = registry.engine(&layout);
        Parser {
            registry: registry.clone(),
            detection,
            layouts: vec![layout],
            engines: vec![engine],
            primary: 0,
            header,
            framer: Framer::new(frame, sample),
            calendar: Calendar::new(hints.zone, hints.modified, hints.year, last),
            draft: Draft::default(),
        }
    }

    /// Says that the input was written to again: what comes from now on may be as late as `at`.
    pub fn set_modified(&mut self, at: Timestamp) {
        self.calendar.set_modified(at);
    }

    /// The format found, or the one asked for.
    pub fn detection(&self) -> &Detection {
        &self.detection
    }

    /// The layouts met so far; grows, never changes.
    pub fn layouts(&self) -> &[Layout] {
        &self.layouts
    }

    /// Appends the offsets within `line` at which records begin: `[0]` where the line begins one, none where it continues the
    /// one before, several where it holds the elements of an array. `line` has its terminator; lines come in order.
    pub fn line(&mut self, line: &[u8], cuts: &mut Vec<usize>) {
        if let Some(layout) = self.layouts.get(self.primary) {
            self.framer.line(line, layout, cuts);
        }
    }

    /// Reads one whole record, terminators included. Records come in order.
    pub fn parse(&mut self, raw: &[u8], out: &mut Parsed) {
        std::mem::swap(&mut self.draft.fields, &mut out.fields);
        let layout = self.read(raw);
        std::mem::swap(&mut self.draft.fields, &mut out.fields);
        (out.time, out.quality) = match self.draft.stamp {
            Some(stamp) => self.calendar.resolve(stamp),
            None => (None, TimeQuality::Missing),
        };
        out.level = self.draft.level;
        out.layout = u32::try_from(layout).unwrap_or(u32::MAX);
    }

    /// Reads the record into the draft by the best layout; the number of that layout.
    fn read(&mut self, raw: &[u8]) -> usize {
        if let Some(layout) = self.header_line(raw) {
            return layout;
        }
        let lax = self.layouts.get(self.primary).is_some_and(|layout| format::is_lax(&layout.format));
        if !lax && self.cut(self.primary, raw) {
            return self.primary;
        }
        for user in self.registry.clone().user() {
            if Engine::User(user.clone()).cut(&Layout::default(), raw, &mut self.draft) {
                return self.layout(user.layout());
            }
        }
        let empty = Layout::default();
        for known in FORMATS {
            if Engine::Builtin(known.cut).cut(&empty, raw, &mut self.draft) {
                if known.name == format::UNKNOWN {
                    generic::colored(raw, &mut self.draft);
                }
                return self.builtin(known.name);
            }
        }
        self.builtin(format::UNKNOWN)
    }

    fn cut(&mut self, number: usize, raw: &[u8]) -> bool {
        match (self.engines.get(number), self.layouts.get(number)) {
            (Some(engine), Some(layout)) => engine.cut(layout, raw, &mut self.draft),
            _ => false,
        }
    }

    /// Header and comment lines of tables: records of their own without fields but the message.
    fn header_line(&mut self, raw: &[u8]) -> Option<usize> {
        let cursor = Cursor::new(raw);
        let comment = cursor.peek() == b'#';
        if !comment && self.header.is_none() {
            return None;
        }
        if comment {
            let table =
                self.layouts.get(self.primary).is_some_and(|layout| matches!(layout.format.as_str(), "zeek" | "w3c"));
            match table::directive(raw) {
                Some(layout) => self.primary = self.layout(layout),
                None if !table => return None,
                None => {}
            }
        } else if self.header.as_deref() != Some(cursor.rest()) {
            return None;
        }
        let header = self.builtin(format::HEADER);
        self.cut(header, raw).then_some(header)
    }

    fn builtin(&mut self, name: &str) -> usize {
        match self.layouts.iter().position(|layout| layout.format == name && layout.columns.is_empty()) {
            Some(number) => number,
            None => self.layout(Layout { format: name.to_owned(), ..Layout::default() }),
        }
    }

    /// The number of a layout, which is added if it is new.
    fn layout(&mut self, layout: Layout) -> usize {
        if let Some(number) = self.layouts.iter().position(|known| *known == layout) {
            return number;
        }
        self.engines.push(self.registry.engine(&layout));
        self.layouts.push(layout);
        self.layouts.len() - 1
    }
}
