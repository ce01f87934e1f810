//! How a line is worded: rarity of its words, its spelling, its make-up.

use super::counts::Counts;
use super::feature::Feature;
use super::letters::{self, Letters, Spelling};
use super::measure::Measure;
use super::numbers::{Spread, ln, signed_log};
use super::profile::Sibling;
use super::{Event, request::Request};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Words kept.
const WORDS: usize = 1 << 15;

/// What is known of the wording of a source; at most 1.5 MiB.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct Wording {
    words: Counts,
    letters: Letters,
    query_letters: Option<Box<Letters>>,
    shape: [Spread; 6],
}

impl Wording {
    /// Nothing known.
    pub fn new() -> Self {
        Wording {
            words: Counts::new(WORDS),
            letters: Letters::of_text(),
            query_letters: None,
            shape: [Spread::default(); 6],
        }
    }

    /// Measures the wording of a line of this kind after so many `lines`, and learns it. Where it is measured like a sibling,
    /// the word that stands for a value is spelled like the one that usually stands there, and as rare.
    pub fn observe(
        &mut self,
        event: &Event<'_>,
        request: &Request<'_>,
        sibling: Option<&Sibling>,
        (kind, lines): (u64, f32),
        measure: &mut Measure,
    ) {
        self.words(event, request, sibling, (kind, lines), measure);
        let own = if request.is_request() { request.target } else { event.message };
        let like = sibling.filter(|sibling| sibling.is_spelt).and_then(|sibling| replace(own, sibling));
        if let Some(like) = &like {
            self.spelling(like, request, measure);
            self.shape(like, measure);
            // Learnt as it stands, so that it is known when it is measured by itself.
            let mut rest = Measure::default();
            self.spelling(own, request, &mut rest);
            self.shape(own, &mut rest);
        } else {
            self.spelling(own, request, measure);
            self.shape(own, measure);
        }
    }

    /// Rarity of the constant words, those of a request's path among them.
    fn words(
        &mut self,
        event: &Event<'_>,
        request: &Request<'_>,
        sibling: Option<&Sibling>,
        (kind, lines): (u64, f32),
        measure: &mut Measure,
    ) {
        let (mut sum, mut most, mut number) = (0.0f32, 0.0f32, 0.0f32);
        for &(start, end) in event.template.words {
            let word = event.message.get(start as usize..end as usize).unwrap_or_default();
            let mut copies = self.words.add(xxh3_64(word));
            if let Some(sibling) = sibling.filter(|sibling| sibling.word == (start, end)) {
                copies = copies.max(self.words.get(xxh3_64(&sibling.usual)));
            }
            let rarity = -ln((copies + 0.5) / (lines + 1.0));
            sum += rarity.max(0.0);
            number += 1.0;
            if rarity > most {
                most = rarity;
                measure.odd_word = (start, end);
            }
        }
        for range in request.path_parts() {
            let part = request.target.get(range.clone()).unwrap_or_default();
            let rarity = -ln((self.words.add(xxh3_64_with_seed(part, 1)) + 0.5) / (lines + 1.0));
            sum += rarity.max(0.0);
            number += 1.0;
            if rarity > most {
                most = rarity;
                measure.odd_part = Some(range);
            }
        }
        for name in request.parameters() {
            // A parameter is a word of the resource it is asked of.
            let rarity = -ln((self.words.add(xxh3_64_with_seed(name, kind)) + 0.5) / (lines + 1.0));
            most = most.max(rarity);
        }
        measure.set(Feature::Words, if number > 0.0 { sum / number } else { 0.0 });
        measure.set(Feature::RarestWord, most);
    }

    /// How the message is spelled, and of a request the make-up of its query.
    fn spelling(&mut self, text: &[u8], request: &Request<'_>, measure: &mut Measure) {
        let Spelling { mean, worst, at } = self.letters.observe(text);
        measure.set(Feature::Spelling, mean * 4.0);
        measure.set(Feature::OddestSpelling, worst * 4.0);
        measure.odd_spelling = at;
        if request.is_request() && !request.query.is_empty() {
            let letters = self.query_letters.get_or_insert_with(|| Box::new(Letters::of_shape()));
            measure.set(Feature::QuerySpelling, letters.observe(request.query).mean * 4.0);
            measure.set(Feature::QueryMarks, request.marks());
        }
    }

    /// Length, marks, words, digits and capitals against their usual spread.
    fn shape(&mut self, text: &[u8], measure: &mut Measure) {
        let (mut marks, mut digits, mut capitals, mut blanks) = (0u32, 0u32, 0u32, 0u32);
        for &byte in text.get(..letters::REACH).unwrap_or(text) {
            marks += u32::from(byte.is_ascii_punctuation());
            digits += u32::from(byte.is_ascii_digit());
            capitals += u32::from(byte.is_ascii_uppercase());
            blanks += u32::from(byte == b' ');
        }
        let length = text.len() as f64;
        let numbers = [
            signed_log(length),
            signed_log(f64::from(marks)),
            signed_log(f64::from(blanks)),
            signed_log(f64::from(digits)),
            signed_log(f64::from(capitals)),
            f64::from(marks) as f32 / (length as f32 + 1.0) * 4.0,
        ];
        let most =
            self.shape.iter_mut().zip(numbers).map(|(spread, number)| spread.observe(number)).fold(0.0, f32::max);
        measure.set(Feature::Shape, most);
    }

    /// Halves everything counted.
    pub fn halve(&mut self) {
        self.words.halve();
        self.letters.halve();
        if let Some(letters) = &mut self.query_letters {
            letters.halve();
        }
    }

    /// Whether it is one that can have been learnt.
    pub fn is_sound(&self) -> bool {
        self.words.is_sound(WORDS)
            && self.letters.is_sound()
            && self.query_letters.as_ref().is_none_or(|letters| letters.is_sound())
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        let query = self.query_letters.as_ref().map_or(0, |letters| letters.bytes());
        self.words.bytes() + self.letters.bytes() + query
    }
}

/// The message with the word that usually stands where it has another; as far as spelling is measured.
fn replace(message: &[u8], sibling: &Sibling) -> Option<Vec<u8>> {
    let (start, end) = (sibling.word.0 as usize, sibling.word.1 as usize);
    let (before, after) = (message.get(..start)?, message.get(end..)?);
    let after = after.get(..letters::REACH).unwrap_or(after);
    Some([before, &sibling.usual, after].concat())
}
