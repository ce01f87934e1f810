//! What a line measures, before it is compared with the past of its source.

use super::Event;
use super::feature::Feature;
use super::model::Row;
use super::rules::Hits;
use crate::model::Level;

/// What a line measured, before it is compared with the past.
#[derive(Debug, Clone, Default)]
pub(super) struct Measure {
    /// The raw value of every feature.
    pub values: Row,
    /// Lines of the source so far (faded), and how many of them had this template.
    pub lines: f32,
    /// How often the template was seen (faded).
    pub copies: f32,
    /// Which slot was the most surprising value, which the most surprising number.
    pub odd_slot: Option<usize>,
    /// Which slot was the number furthest out of its range.
    pub odd_number: Option<usize>,
    /// The rarest constant word as a range of the message.
    pub odd_word: (u32, u32),
    /// The part of a request's path that is rarer than every word, as a range of the target.
    pub odd_part: Option<std::ops::Range<usize>>,
    /// Where the spelling was strangest, as an offset into the text that was measured.
    pub odd_spelling: usize,
    /// Key of the session the line belongs to (of requests: of the client).
    pub session: Option<u64>,
    /// Level of the line.
    pub level: Option<Level>,
    /// Rules that need counting over lines.
    pub windowed: Hits,
}

impl Measure {
    /// Sets the raw value of a feature.
    pub fn set(&mut self, feature: Feature, value: f32) {
        if let Some(slot) = self.values.get_mut(feature as usize) {
            *slot = value;
        }
    }
}

/// Words of a message among which a level is looked for.
const EARLY: usize = 8;

/// The level of a line; where no parser found one, the first of its early words that is a level in capitals.
pub(super) fn severity(event: &Event<'_>) -> Option<Level> {
    event.level.or_else(|| {
        event.template.words.iter().take(EARLY).find_map(|&(start, end)| {
            let word = event.message.get(start as usize..end as usize)?;
            let loud = word.len() >= 4 && word.iter().all(u8::is_ascii_uppercase);
            if loud { Level::from_word(word) } else { None }
        })
    })
}
