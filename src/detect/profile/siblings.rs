//! Templates that are known but for one word, at a place where words vary: names of users, hosts, jobs are values, though they
//! are spelled like words.
//!
//! A frame is a template with one place left open. It is learnt when a template is first seen, so an ordinary line costs
//! nothing. A template that is new, in a frame that was filled by several words already, is measured like the others of the frame.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::detect::Event;
use crate::detect::counts::pair;
use crate::detect::entity::{ByHash, in_order};
use crate::model::SlotKind;

/// Frames kept of a source, each of about 100 bytes.
const FRAMES: usize = 8_192;
/// Places of a template that are left open, from the first.
const PLACES: usize = 24;
/// Different words that make a place one of values.
const VARIED: u32 = 3;
/// Constant words that must stand beside the open place.
const FEWEST_WORDS: usize = 2;
/// Templates remembered of a frame, the last.
const KNOWN: usize = 4;
/// Longest word kept as an example.
const LONGEST: usize = 32;
/// Stands for the open place.
const OPEN: u64 = 0x6f70_656e;

/// A template with an open place.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Frame {
    /// Which words filled it, by linear counting on 64 bits.
    words: u64,
    /// Whether values of a slot filled it.
    is_slot: bool,
    /// Templates that it is the frame of, each with the word that fills it.
    known: Vec<(u64, Vec<u8>)>,
}

/// All frames of a source.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Frames {
    #[serde(with = "in_order")]
    of: ByHash<Frame>,
}

/// A known template that a line has but for one word.
#[derive(Debug, Clone)]
pub(in crate::detect) struct Sibling {
    /// Hash of the template.
    pub template: u64,
    /// The word of the line that stands for a value, as a range of the message.
    pub word: (u32, u32),
    /// What stands there in the known template.
    pub usual: Vec<u8>,
    /// Whether the line is spelled like it too.
    pub is_spelt: bool,
}

impl Frames {
    /// The known template that is most frequent by `count` of those that the line has but for one word, at a place where words vary.
    pub fn find(&self, event: &Event<'_>, program: u64, count: impl Fn(u64) -> f32) -> Option<Sibling> {
        let mut best: Option<(Reverse<u32>, f32, Sibling)> = None;
        let mut sought = |place: &Place, key: u64| {
            let (Some(frame), Filled::Word(word)) = (self.of.get(&key), place.filled) else { return };
            let words = if frame.is_slot { u64::BITS } else { frame.words.count_ones() };
            if words < VARIED {
                return;
            }
            for (template, usual) in &frame.known {
                let rank = (Reverse(words), count(*template));
                if *template != event.template.hash
                    && best
                        .as_ref()
                        .is_none_or(|(most, often, _)| rank.0 < *most || (rank.0 == *most && rank.1 > *often))
                {
                    let usual = usual.clone();
                    best = Some((rank.0, rank.1, Sibling { template: *template, word, usual, is_spelt: true }));
                }
            }
        };
        each_frame(event, program, &mut sought);
        best.map(|(_, _, sibling)| sibling)
    }

    /// Learns the frames of a line whose template is new.
    pub fn learn(&mut self, event: &Event<'_>, program: u64) {
        if self.of.len() + PLACES > FRAMES {
            self.forget();
        }
        each_frame(event, program, &mut |place, key| {
            let value = event.message.get(place.start as usize..place.end as usize).unwrap_or_default();
            let frame = self.of.entry(key).or_default();
            match place.filled {
                Filled::Word(_) => frame.words |= 1 << (xxh3_64(value) >> 58),
                Filled::Value => frame.is_slot = true,
                Filled::Measure => {}
            }
            if frame.known.iter().all(|(template, _)| *template != event.template.hash) {
                if frame.known.len() >= KNOWN {
                    frame.known.remove(0);
                }
                frame.known.push((event.template.hash, value.get(..LONGEST).unwrap_or(value).to_vec()));
            }
        });
    }

    /// Frames that one word fills make room; where all others are too many, all do.
    fn forget(&mut self) {
        self.of.retain(|_, frame| frame.is_slot || frame.words.count_ones() >= VARIED);
        if self.of.len() + PLACES > FRAMES / 2 {
            self.of.clear();
        }
    }

    /// Whether they are some that can have been learnt.
    pub fn is_sound(&self) -> bool {
        self.of.len() <= FRAMES
            && self
                .of
                .values()
                .all(|frame| frame.known.len() <= KNOWN && frame.known.iter().all(|(_, word)| word.len() <= LONGEST))
    }

    /// Bytes held, within a tenth.
    pub fn bytes(&self) -> usize {
        let known: usize =
            self.of.values().map(|frame| frame.known.capacity() * (size_of::<(u64, Vec<u8>)>() + 12)).sum();
        self.of.capacity() * (size_of::<Frame>() + 9) + known
    }
}

/// What fills a place of a template.
#[derive(Debug, Clone, Copy)]
enum Filled {
    /// A constant word, as a range of the message.
    Word((u32, u32)),
    /// A value that could as well be spelled as a word.
    Value,
    /// A number, a time, an address: no word stands for it.
    Measure,
}

/// One place of a template.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: u32,
    end: u32,
    filled: Filled,
    /// What it adds to the sum that stands for the template.
    part: u64,
}

/// Calls `visit` with each place of a line's template that can be open, and the key of the frame that this makes.
fn each_frame(event: &Event<'_>, program: u64, visit: &mut impl FnMut(&Place, u64)) {
    let (words, slots) = (event.template.words, event.template.slots);
    if words.len() < FEWEST_WORDS {
        return;
    }
    let (mut words_left, mut slots_left) = (words.iter().peekable(), slots.iter().peekable());
    let (mut sum, mut number) = (program, 0u64);
    let mut places: Vec<Place> = Vec::with_capacity(PLACES);
    loop {
        let is_word = match (words_left.peek(), slots_left.peek()) {
            (Some((start, _)), Some(slot)) => *start < slot.start,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => break,
        };
        let (range, filled, token) = if is_word {
            let Some(&(start, end)) = words_left.next() else { break };
            let word = event.message.get(start as usize..end as usize).unwrap_or_default();
            ((start, end), Filled::Word((start, end)), xxh3_64(word))
        } else {
            let Some(slot) = slots_left.next() else { break };
            let filled = match slot.kind {
                SlotKind::Number | SlotKind::Time | SlotKind::Ip => Filled::Measure,
                _ => Filled::Value,
            };
            ((slot.start, slot.end), filled, slot.kind as u64)
        };
        let part = pair(token, number);
        sum = sum.wrapping_add(part);
        if places.len() < PLACES {
            places.push(Place { start: range.0, end: range.1, filled, part });
        }
        number += 1;
    }
    for (number, place) in places.iter().enumerate() {
        let beside = words.len() - usize::from(matches!(place.filled, Filled::Word(_)));
        if beside >= FEWEST_WORDS && !matches!(place.filled, Filled::Measure) {
            visit(place, sum.wrapping_sub(place.part).wrapping_add(pair(OPEN, number as u64)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::SessionKey;
    use crate::model::{Cut, FieldSet, Slot, TimeQuality};

    /// A message cut at blanks; what has a digit is a value.
    fn with<T>(message: &str, each: impl FnOnce(&Event<'_>) -> T) -> T {
        let (mut words, mut slots, mut text, mut at) = (Vec::new(), Vec::new(), String::new(), 0u32);
        for word in message.split(' ') {
            let (start, end) = (at, at + word.len() as u32);
            at = end + 1;
            let kind = SlotKind::Id;
            if word.bytes().any(|byte| byte.is_ascii_digit()) {
                slots.push(Slot { start, end, kind });
                text += kind.mask();
            } else {
                words.push((start, end));
                text += word;
            }
            text += " ";
        }
        let (fields, raw) = (FieldSet::default(), message.as_bytes());
        each(&Event {
            source: 0,
            input: 0,
            raw,
            message: raw,
            fields: fields.of(raw),
            time: None,
            quality: TimeQuality::Missing,
            level: None,
            template: Cut { hash: xxh3_64(text.as_bytes()), text: &text, slots: &slots, words: &words },
            session: SessionKey::Found,
        })
    }

    fn usual(frames: &Frames, message: &str) -> Option<String> {
        let found = with(message, |event| frames.find(event, 0, |_| 1.0));
        found.map(|sibling| String::from_utf8(sibling.usual).unwrap())
    }

    #[test]
    fn a_word_where_words_vary_is_a_value_and_one_where_they_do_not_is_none() {
        let mut frames = Frames::default();
        for user in ["alice", "bob", "carol"] {
            for message in [format!("User {user} logged in"), format!("session opened for user {user}")] {
                with(&message, |event| frames.learn(event, 0));
            }
        }
        with("job nr4711 was done", |event| frames.learn(event, 0));
        assert_eq!(usual(&frames, "User admin logged in").as_deref(), Some("alice"));
        assert_eq!(usual(&frames, "User bob logged in").as_deref(), Some("alice"), "another than itself");
        assert_eq!(usual(&frames, "job backup was done").as_deref(), Some("nr4711"), "a slot is a place of values");
        for other in ["User alice logged off", "session hijacked for user alice", "User admin logged in twice", "bob"] {
            assert_eq!(usual(&frames, other), None, "{other}");
        }
        assert!(with("User admin logged in", |event| frames.find(event, 7, |_| 1.0)).is_none(), "another program");
    }

    #[test]
    fn any_number_of_templates_is_held_in_bounds() {
        let mut frames = Frames::default();
        let word = |number: u32| -> String {
            number.to_string().bytes().map(|digit| char::from(b'a' + (digit - b'0'))).collect()
        };
        for number in 0..20_000 {
            let message = format!("one {} of {} words came", word(number), word(number.wrapping_mul(7_919) % 997));
            with(&message, |event| frames.learn(event, 0));
        }
        assert!(frames.is_sound() && frames.bytes() < 3 << 20, "{}", frames.bytes());
    }
}
