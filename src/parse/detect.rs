//! Which format an input is in, judged by a sample of its head.

use crate::model::Layout;

use super::cursor::Cursor;
use super::draft::Draft;
use super::format::{self, FORMATS, Frame};
use super::registry::{Engine, Registry};
use super::{generic, json, table};

/// Most lines of the sample that are looked at.
const LINES: usize = 400;

/// Longest part of a line that is looked at.
const LINE: usize = 64 << 10;

/// Share of the stamped lines that a format must explain to be preferred to the generic reading.
const SHARE: f32 = 0.5;

/// How much more a later format in the table must explain than an earlier one.
const LAX: f32 = 1.2;

/// The format found for an input.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// Name of the format.
    pub format: String,
    /// Share of the sample's lines that it explains, 0 to 1.
    pub confidence: f32,
    /// Other formats that explain something, best first, at most three.
    pub runners_up: Vec<(String, f32)>,
}

/// What detection decided on.
pub(super) struct Decision {
    pub detection: Detection,
    pub layout: Layout,
    pub frame: Frame,
    /// The header line of a CSV, which is a record without fields.
    pub header: Option<Vec<u8>>,
}

/// Judges the sample.
pub(super) fn decide(registry: &Registry, sample: &[u8]) -> Decision {
    let lines = sample_lines(sample);
    if let Some(decision) = tables(&lines).or_else(|| document(sample)) {
        return decision;
    }
    let relevant: Vec<&[u8]> = lines.iter().copied().filter(|line| !generic::continues(line)).collect();
    let total = relevant.len().max(1) as f32;
    let mut draft = Draft::default();
    let fronts = relevant.iter().filter(|line| super::frame::block_begins(line)).count() as f32;
    let mut count = |engine: &Engine, layout: &Layout| {
        relevant.iter().filter(|line| engine.cut(layout, line, &mut draft)).count() as f32
    };
    let mut scores: Vec<(Layout, Frame, f32)> = Vec::new();
    for user in registry.user() {
        let layout = user.layout();
        let share = count(&Engine::User(user.clone()), &layout) / total;
        scores.push((layout, user.frame(), share));
    }
    for known in FORMATS.iter().filter(|known| !format::is_table(known.name)) {
        if matches!(known.name, format::UNKNOWN | format::HEADER) {
            continue;
        }
        let layout = Layout { format: known.name.to_owned(), ..Layout::default() };
        let share = count(&Engine::Builtin(known.cut), &layout) / total;
        scores.push((layout, known.frame, share));
    }
    let begins_stamped = relevant.first().is_some_and(|line| super::frame::block_begins(line));
    if begins_stamped && scores.iter().all(|(.., share)| *share < SHARE) {
        // Long stack traces: most lines are continuations, which formats of several lines explain too.
        for (_, _, share) in scores.iter_mut().filter(|(_, frame, _)| *frame == Frame::Block) {
            *share = (*share * total / fronts.max(1.0)).min(1.0);
        }
    }
    choose(scores, fronts / total)
}

/// The best of the special formats if it explains enough of what is stamped, else the generic one, else unknown.
fn choose(scores: Vec<(Layout, Frame, f32)>, fronts: f32) -> Decision {
    let generic = scores.iter().find(|(layout, ..)| layout.format == format::GENERIC).map_or(0.0, |(.., share)| *share);
    let mut best: Option<usize> = None;
    for (number, (layout, _, share)) in scores.iter().enumerate() {
        let special = layout.format != format::GENERIC && *share > 0.05 && *share >= generic * SHARE;
        // Strict formats come first; a lax one must explain clearly more.
        let better = best.and_then(|held| scores.get(held)).is_none_or(|(.., held)| *share > *held * LAX);
        if special && better {
            best = Some(number);
        }
    }
    let chosen = best.and_then(|number| scores.get(number)).cloned();
    let (layout, frame, confidence) = match chosen {
        Some(chosen) => chosen,
        None if generic > 0.05 => {
            // Where most lines begin with a stamp, the others belong to them.
            let frame = if fronts >= 0.5 { Frame::Block } else { Frame::Line };
            (named(format::GENERIC), frame, generic)
        }
        None => (named(format::UNKNOWN), Frame::Line, 0.0),
    };
    let mut runners_up: Vec<(String, f32)> = scores
        .into_iter()
        .filter(|(other, _, share)| other.format != layout.format && *share > 0.0)
        .map(|(other, _, share)| (other.format, share))
        .collect();
    runners_up.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    runners_up.truncate(3);
    let detection = Detection { format: layout.format.clone(), confidence, runners_up };
    Decision { detection, layout, frame, header: None }
}

fn named(name: &str) -> Layout {
    Layout { format: name.to_owned(), ..Layout::default() }
}

/// The decision for a format asked for by name; a table still takes its columns from the sample.
pub(super) fn forced(registry: &Registry, name: &str, sample: &[u8]) -> Option<Decision> {
    let lines = sample_lines(sample);
    if let Some(decision) = tables(&lines).filter(|decision| decision.layout.format == name) {
        return Some(decision);
    }
    let user = registry.user().iter().find(|user| user.name == name).map(|user| (user.layout(), user.frame()));
    let builtin = || format::named(name).map(|known| (named(name), known.frame));
    let (layout, frame) = user.or_else(builtin)?;
    let engine = registry.engine(&layout);
    let mut draft = Draft::default();
    let explained = lines.iter().filter(|line| engine.cut(&layout, line, &mut draft)).count();
    let confidence = explained as f32 / lines.len().max(1) as f32;
    Some(Decision {
        detection: Detection { format: name.to_owned(), confidence, runners_up: Vec::new() },
        layout,
        frame,
        header: None,
    })
}

/// The lines of the sample that are not blank; the last one only if it is whole.
fn sample_lines(sample: &[u8]) -> Vec<&[u8]> {
    let whole = memchr::memrchr(b'\n', sample).filter(|_| sample.len() >= 4_096).map_or(sample.len(), |at| at + 1);
    let lines = sample.get(..whole).unwrap_or_default().split_inclusive(|byte| *byte == b'\n');
    let lines = lines.filter(|line| !line.trim_ascii().is_empty()).take(LINES);
    lines.map(|line| line.get(..LINE).unwrap_or(line)).collect()
}

/// Zeek and W3C by their directives, CSV by its header.
fn tables(lines: &[&[u8]]) -> Option<Decision> {
    if lines.first().is_some_and(|line| Cursor::new(line).peek() == b'#') {
        let layout = lines.iter().take(64).find_map(|line| table::directive(line))?;
        let detection = Detection { format: layout.format.clone(), confidence: 1.0, runners_up: Vec::new() };
        return Some(Decision { detection, layout, frame: Frame::Row, header: None });
    }
    let (first, rows) = lines.split_first()?;
    let rows = rows.get(..rows.len().min(50)).unwrap_or_default();
    if json::opens(first) {
        return None;
    }
    let layout = table::header(first, rows)?;
    if rows.is_empty() && !layout.columns.iter().any(|name| name == "time") {
        return None;
    }
    let detection = Detection { format: "csv".to_owned(), confidence: 1.0, runners_up: Vec::new() };
    let header = Cursor::new(first).rest().to_vec();
    Some(Decision { detection, layout, frame: Frame::Row, header: Some(header) })
}

/// JSON that does not end with the line: an array, or an object over several lines.
fn document(sample: &[u8]) -> Option<Decision> {
    let text = Cursor::new(sample).rest();
    let first = text.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let text = text.get(first..)?;
    if !matches!(text.first(), Some(b'{' | b'[')) {
        return None;
    }
    let mut draft = Draft::default();
    let layout = named("json");
    let line = text.get(..memchr::memchr(b'\n', text).unwrap_or(text.len()))?;
    let begins = json::opens(line)
        && json::cut(&layout, text, &mut draft)
        && draft.fields.len() + usize::from(draft.stamp.is_some()) > 1;
    let lines = line.starts_with(b"{") && line.trim_ascii_end().ends_with(b"}");
    let detection = Detection { format: "json".to_owned(), confidence: 1.0, runners_up: Vec::new() };
    (begins && !lines).then_some(Decision { detection, layout, frame: Frame::Json, header: None })
}
