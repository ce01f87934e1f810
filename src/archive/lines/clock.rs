//! Whether time stamps hold a text, told from the parts they are made of: what stands in the date is told once a minute, digits of the
//! fraction by arithmetic. Only where it may lie across parts stamps are written out.

use std::ops::Range;

use super::DecodeError;
use super::digits::Digits;
use super::needle::{Ask, Beyond, NO, Needle};
use super::shape::places_in_stamps;
use super::stamps::{Parts, Writer};

const NO_TIME: DecodeError = DecodeError("no such time");

/// A question asked of time stamps of a format.
pub struct Clock<'a> {
    needle: &'a Needle,
    ask: Ask,
    writer: Writer,
    parts: Parts,
    /// Places at which it may stand among bytes that are the same for a minute.
    of_minute: Vec<usize>,
    /// Numbers that the seconds since 1970, hour, minute and second, and the fraction are, where it may stand in them alone.
    seconds: Option<Digits<'a>>,
    clock: Option<Digits<'a>>,
    fraction: Option<Digits<'a>>,
    /// Whether it may stand elsewhere.
    is_elsewhere: bool,
    /// Values of the minute that was told last, and the answer.
    known: Option<(Range<u64>, u8)>,
    /// The value that was told last, and the answer: many follow one another within a second.
    last: Option<(u64, u8)>,
}

impl<'a> Clock<'a> {
    /// For a format.
    pub fn new(needle: &'a Needle, ask: Ask, format: u8) -> Result<Clock<'a>, DecodeError> {
        let writer = Writer::new(format).ok_or(DecodeError("no such form of time"))?;
        let parts = writer.parts();
        let mut clock = Clock {
            needle,
            ask,
            writer,
            parts,
            of_minute: Vec::new(),
            seconds: None,
            clock: None,
            fraction: None,
            is_elsewhere: false,
            known: None,
            last: None,
        };
        let len = needle.of(ask).len();
        let places = places_in_stamps(format, needle.of(ask), ask).ok_or(DecodeError("no such form of time"))?;
        for at in places {
            if at + len <= parts.minute {
                clock.of_minute.push(at);
            } else if at + len <= parts.seconds {
                let end = if parts.digits > 0 { ask.end.beside(Beyond::Other) } else { ask.end };
                clock.seconds = Digits::of(needle, Ask { end, ..ask }, parts.seconds);
                clock.is_elsewhere |= clock.seconds.is_none();
            } else if at >= parts.clock && at + len <= parts.len {
                // A space stands before it, and no format that has it has a fraction.
                let start = ask.start.beside(Beyond::Other);
                clock.clock = Digits::of(needle, Ask { start, ..ask }, parts.len - parts.clock);
                clock.is_elsewhere |= clock.clock.is_none();
            } else if parts.digits > 0 && at > parts.len {
                let start = ask.start.beside(Beyond::Other);
                clock.fraction = Digits::of(needle, Ask { start, ..ask }, parts.digits);
                clock.is_elsewhere |= clock.fraction.is_none();
            } else {
                clock.is_elsewhere = true;
            }
        }
        Ok(clock)
    }

    /// The answer for a stamp, as [`Needle::test`] gives it for its bytes.
    #[inline]
    pub fn test(&mut self, value: u64) -> Result<u8, DecodeError> {
        match self.last {
            Some((last, answer)) if last == value => Ok(answer),
            _ => {
                let answer = self.tell(value)?;
                self.last = Some((value, answer));
                Ok(answer)
            }
        }
    }

    fn tell(&mut self, value: u64) -> Result<u8, DecodeError> {
        if self.is_elsewhere {
            return Ok(self.needle.test(self.ask, self.writer.write(value).ok_or(NO_TIME)?));
        }
        let mut best = NO;
        if let Some(clock) = &self.clock {
            let second = value % 86_400;
            best = clock.test(second / 3_600 * 10_000 + second / 60 % 60 * 100 + second % 60);
        }
        if let Some(fraction) = &self.fraction {
            best = best.max(fraction.test(value % self.parts.power));
        }
        if let Some(seconds) = &self.seconds {
            best = best.max(seconds.test(value / self.parts.power));
        }
        if !self.of_minute.is_empty() {
            best = best.max(match &self.known {
                Some((values, answer)) if values.contains(&value) => *answer,
                _ => self.minute(value)?,
            });
        }
        Ok(best)
    }

    /// The answer for all stamps of the minute of this one.
    fn minute(&mut self, value: u64) -> Result<u8, DecodeError> {
        let text = self.writer.write(value).ok_or(NO_TIME)?;
        let part = self.needle.of(self.ask);
        let mut answer = NO;
        for at in &self.of_minute {
            let end = at + part.len();
            if text.get(*at..end).is_some_and(|bytes| bytes.eq_ignore_ascii_case(part)) {
                answer = answer.max(self.ask.start.before(text, *at).min(self.ask.end.after(text, end)));
            }
        }
        let units = self.parts.power.saturating_mul(60);
        let start = value / units * units;
        self.known = Some((start..start.saturating_add(units), answer));
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::archive::lines::needle::Side;

    const SIDES: [Side; 5] =
        [Side::Bound, Side::Free, Side::Edge(Beyond::Word), Side::Edge(Beyond::Other), Side::Edge(Beyond::Unknown)];

    /// Each format that there is.
    fn formats() -> Vec<u8> {
        (0..=u8::MAX).filter(|format| Writer::new(*format).is_some()).collect()
    }

    /// Asks stamps of a format for parts of the stamps themselves, and for some that are their like.
    fn are_told_alike(format: u8, values: &[u64], from: usize, len: usize) {
        let mut writer = Writer::new(format).unwrap();
        let texts: Vec<Vec<u8>> = values.iter().filter_map(|value| writer.write(*value).map(<[u8]>::to_vec)).collect();
        for text in &texts {
            let from = from % text.len();
            let part = &text[from..text.len().min(from + len)];
            let needle = Needle::new(part, (false, false)).unwrap();
            for (start, end) in SIDES.into_iter().flat_map(|start| SIDES.map(|end| (start, end))) {
                let ask = Ask { from: 0, to: part.len() as u16, start, end };
                let mut clock = Clock::new(&needle, ask, format).unwrap();
                for (value, text) in values.iter().zip(&texts) {
                    let text_of = |bytes: &[u8]| bytes.escape_ascii().to_string();
                    assert_eq!(
                        clock.test(*value).unwrap(),
                        needle.test(ask, text),
                        "{} in {}: {ask:?}",
                        text_of(part),
                        text_of(text)
                    );
                }
            }
        }
    }

    #[test]
    fn texts_are_found_in_stamps_as_in_what_they_are_written_as() {
        for format in formats() {
            let power = Writer::new(format).unwrap().parts().power;
            // 2012-03-16 10:20:12 and what comes before and behind it, by parts of seconds, seconds, minutes, days.
            let middle = 1_331_893_212 * power + 404_040_404 % power;
            let steps = [1, power, 12 * power, 60 * power, 86_400 * power];
            let values: Vec<u64> = steps.iter().flat_map(|step| [middle - step, middle + step]).collect();
            // One or more places further in each format, so that all of them are met.
            let first = usize::from(format) % 3;
            (first..30).step_by(3).for_each(|from| are_told_alike(format, &values, from, 1 + from % 4));
        }
    }

    proptest! {
        #[test]
        fn any_part_is_found_in_any_stamp(
            format in proptest::sample::select(formats()),
            seconds in proptest::collection::vec(0u64..10_000_000_000, 1..6),
            near in proptest::collection::vec(0u64..200_000, 1..6),
            fraction: u32,
            from in 0usize..30,
            len in 1usize..9,
        ) {
            let power = Writer::new(format).unwrap().parts().power;
            let of = |seconds: u64| seconds * power + u64::from(fraction) % power;
            let near = near.iter().map(|near| of(seconds[0] + near));
            let values: Vec<u64> = seconds.iter().map(|seconds| of(*seconds)).chain(near).collect();
            let mut writer = Writer::new(format).unwrap();
            let values: Vec<u64> = values.into_iter().filter(|value| writer.write(*value).is_some()).collect();
            are_told_alike(format, &values, from, len);
        }
    }
}
