//! How a file would be read: its format and the first records, without keeping anything.

use std::path::Path;

use sha2::Sha256;

use super::EngineError;
use crate::model::{FoundRecord, InputId, Origin, RecordId, Zone};
use crate::parse::{Hints, Parsed, Parser, Registry};
use crate::source::{self, Caps, Decision, Member, MemberEnd, Sink, Stop};

/// How one member of a file would be read.
#[derive(Debug, Clone)]
pub struct FormatLook {
    /// Name of the member.
    pub name: String,
    /// Its format.
    pub format: String,
    /// Share of sample lines that it explains, 0 to 1.
    pub confidence: f32,
    /// Other formats that explain some.
    pub runners_up: Vec<(String, f32)>,
    /// The first records.
    pub records: Vec<FoundRecord>,
}

/// Looks at the head of every member of a file.
pub fn look(
    registry: &Registry,
    path: &Path,
    format: Option<&str>,
    zone: Zone,
    year: Option<i32>,
    limit: usize,
) -> Result<Vec<FormatLook>, EngineError> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let hints = Hints { name: String::new(), modified: None, zone, year, format: format.map(str::to_owned) };
    Parser::new(registry, hints.clone(), b"")?;
    let mut looker = Looker { registry, hints, limit, looks: Vec::new() };
    let outcome = source::read_file(path, &name, Caps::default(), &mut looker);
    let failed = |cause| EngineError::File { path: path.to_owned(), action: "reading", cause };
    match outcome {
        Ok(read) => read.map(|_| ()).map_err(failed)?,
        // The looker stops the reading of a member by skipping it, never by this.
        Err(Stop) => return Err(EngineError::Interrupted),
    }
    Ok(looker.looks)
}

struct Looker<'a> {
    registry: &'a Registry,
    hints: Hints,
    limit: usize,
    looks: Vec<FormatLook>,
}

impl Looker<'_> {
    fn look(&mut self, member: &Member, head: &[u8]) -> Result<(), crate::parse::ParseError> {
        let hints = Hints { name: member.name.clone(), modified: member.modified, ..self.hints.clone() };
        let mut parser = Parser::new(self.registry, hints, head)?;
        let mut look = FormatLook {
            name: member.name.clone(),
            format: parser.detection().format.clone(),
            confidence: parser.detection().confidence,
            runners_up: parser.detection().runners_up.clone(),
            records: Vec::new(),
        };
        let (mut starts, mut cuts, mut at) = (Vec::new(), Vec::new(), 0);
        for line in head.split_inclusive(|byte| *byte == b'\n') {
            cuts.clear();
            parser.line(line, &mut cuts);
            starts.extend(cuts.iter().map(|cut| at + cut));
            at += line.len();
        }
        starts.push(at);
        let mut parsed = Parsed::default();
        for (number, ends) in starts.windows(2).take(self.limit).enumerate() {
            let [start, end] = *ends else { continue };
            let raw = head.get(start..end).unwrap_or_default();
            parser.parse(raw, &mut parsed);
            look.records.push(FoundRecord {
                id: RecordId(number as u64),
                origin: Origin { input: InputId(0), offset: start as u64, length: raw.len() as u32 },
                source: member.name.clone(),
                raw: raw.to_vec(),
                time: parsed.time,
                time_quality: parsed.quality,
                level: parsed.level,
                fields: parsed.fields.of(raw).iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect(),
                template: String::new(),
                score: 0.0,
                novelty: 0.0,
                flagged: false,
                rules: Vec::new(),
                reasons: Vec::new(),
                entity: None,
                hit: None,
                incident: None,
            });
        }
        self.looks.push(look);
        Ok(())
    }
}

impl Sink for Looker<'_> {
    fn begin(&mut self, member: &Member, head: &[u8]) -> Result<Decision, Stop> {
        self.look(member, head).map_err(|_| Stop)?;
        Ok(Decision::Skip)
    }

    fn resumed(&mut self, _: &Sha256) -> Result<(), Stop> {
        Ok(())
    }

    fn restarted(&mut self, _: &Member) -> Result<(), Stop> {
        Ok(())
    }

    fn chunk(&mut self, _: Vec<u8>) -> Result<(), Stop> {
        Ok(())
    }

    fn end(&mut self, _: MemberEnd) -> Result<(), Stop> {
        Ok(())
    }

    fn refused(&mut self, name: &str, reason: &str) -> Result<(), Stop> {
        self.looks.push(FormatLook {
            name: name.to_owned(),
            format: format!("refused: {reason}"),
            confidence: 0.0,
            runners_up: Vec::new(),
            records: Vec::new(),
        });
        Ok(())
    }

    fn progress(&mut self, _: u64) {}
}
