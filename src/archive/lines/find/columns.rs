//! What single columns answer: whether each of their values holds a text, or its part.

use std::sync::{Arc, PoisonError};

use super::Sought;
use crate::archive::lines::DecodeError;
use crate::archive::lines::align::ways;
use crate::archive::lines::clock::Clock;
use crate::archive::lines::digits::Digits;
use crate::archive::lines::forms::Described;
use crate::archive::lines::hits::Hits;
use crate::archive::lines::integers::Integers;
use crate::archive::lines::needle::{Ask, MAYBE, NO, Needle};
use crate::archive::lines::read::Loader;
use crate::archive::lines::shape::Shape;
use crate::archive::lines::values::{Text, decimal};

impl Sought {
    /// The answers of a column that is no column of time stamps relative to others.
    pub(super) fn column(
        &self,
        loader: &mut Loader<'_, '_>,
        described: &Described<'_>,
        count: usize,
        asks: &[Ask],
    ) -> Result<Vec<Hits>, DecodeError> {
        let needle = &self.needle;
        match described {
            Described::Equal(bytes) => Ok(asks.iter().map(|ask| Hits::all(needle.test(*ask, bytes))).collect()),
            Described::Numbers { width, integers } => self.numbers(loader, *width, integers, count, asks),
            Described::Dictionary { number, ids } => self.ids(loader, *number, ids, count, asks),
            Described::Patterns(table) => asks
                .iter()
                .map(|ask| {
                    let may = |column: u32, ask| {
                        let form = table.forms().get(column as usize);
                        form.is_none_or(|form| Shape::of_form(form).may_hold(needle, ask))
                    };
                    let ways: Vec<_> =
                        table.templates().iter().map(|template| ways(template, needle, *ask, &may)).collect();
                    loader.borrowed(|loader| self.table(loader, table, count, &ways))
                })
                .collect(),
            Described::Lines(blob) | Described::Bytes { blob, .. }
                if asks.iter().all(|ask| ask.is_anywhere()) && !loader.blob_holds(*blob, needle)? =>
            {
                Ok(vec![Hits::None; asks.len()])
            }
            Described::Hex { .. } | Described::Nibbles { .. } | Described::Lines(_) | Described::Bytes { .. } => {
                let text = loader.flat(described, count)?;
                Ok(asks.iter().map(|ask| in_text(needle, *ask, &text)).collect())
            }
            Described::Stamps { format, relative: false, integers } => {
                let values = loader.integers(integers, count)?;
                asks.iter().map(|ask| self.stamps(*format, &values, *ask)).collect()
            }
            // Within other columns there is none that a writer makes.
            Described::Stamps { .. } => Ok(vec![Hits::All(MAYBE); asks.len()]),
        }
    }

    fn numbers(
        &self,
        loader: &mut Loader<'_, '_>,
        width: usize,
        integers: &Integers,
        count: usize,
        asks: &[Ask],
    ) -> Result<Vec<Hits>, DecodeError> {
        let needle = &self.needle;
        let range = integers.range();
        let told: Vec<Told> = asks.iter().map(|ask| Told::of(needle, *ask, width, range)).collect();
        if told.iter().all(|told| matches!(told, Told::Never)) {
            return Ok(vec![Hits::None; asks.len()]);
        }
        let values = loader.integers_as_they_stand(integers, count)?;
        let of = |(told, ask): (Told<'_>, &Ask)| {
            let hits = match told {
                Told::Never => Hits::None,
                Told::Digits(digits) => Hits::each(&values, |value| digits.test(value)),
                Told::Written => {
                    let mut digits = [0; 20];
                    Hits::each(&values, |value| needle.test(*ask, decimal(value, width, &mut digits)))
                }
            };
            in_row_order(loader, integers, hits)
        };
        told.into_iter().zip(asks).map(of).collect()
    }

    /// The answers of a column of words.
    fn ids(
        &self,
        loader: &mut Loader<'_, '_>,
        number: usize,
        ids: &Integers,
        count: usize,
        asks: &[Ask],
    ) -> Result<Vec<Hits>, DecodeError> {
        let words: Vec<Arc<Hits>> =
            asks.iter().map(|ask| self.words(loader, number, *ask)).collect::<Result<_, _>>()?;
        let range = ids.range();
        let is_open: Vec<bool> = words.iter().map(|words| words.is_any_in(range)).collect();
        if !is_open.contains(&true) {
            return Ok(vec![Hits::None; asks.len()]);
        }
        let values = loader.integers_as_they_stand(ids, count)?;
        let of = |(words, is_open): (&Arc<Hits>, &bool)| match is_open {
            true => in_row_order(loader, ids, Hits::each(&values, |id| words.get(id as usize))),
            false => Ok(Hits::None),
        };
        words.iter().zip(&is_open).map(of).collect()
    }

    /// The answers of time stamps.
    pub(super) fn stamps(&self, format: u8, values: &[u64], ask: Ask) -> Result<Hits, DecodeError> {
        let mut clock = Clock::new(&self.needle, ask, format)?;
        Hits::try_each(values, |value| clock.test(value))
    }

    /// The answers of the words of a dictionary.
    fn words(&self, loader: &Loader<'_, '_>, number: usize, ask: Ask) -> Result<Arc<Hits>, DecodeError> {
        let known = || self.words.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hits) = known().get(&(number, ask)) {
            return Ok(Arc::clone(hits));
        }
        let entries = loader.dictionaries().get(number, None)?;
        let hits = Arc::new(in_text(&self.needle, ask, &entries));
        known().insert((number, ask), Arc::clone(&hits));
        Ok(hits)
    }
}

/// How a column of numbers is told.
enum Told<'a> {
    /// No number of its range passes.
    Never,
    Digits(Digits<'a>),
    /// Each number is written out.
    Written,
}

impl<'a> Told<'a> {
    fn of(needle: &'a Needle, ask: Ask, width: usize, range: Option<(u64, u64)>) -> Told<'a> {
        match Digits::of(needle, ask, width) {
            Some(digits) if range.is_none_or(|(low, high)| digits.may_be_in(low, high)) => Told::Digits(digits),
            Some(_) => Told::Never,
            None => Told::Written,
        }
    }
}

/// Answers of values as they stand, put into the order of their rows.
fn in_row_order(loader: &mut Loader<'_, '_>, integers: &Integers, hits: Hits) -> Result<Hits, DecodeError> {
    match (integers.order(), hits) {
        (Some(order), Hits::Each(values)) => Ok(Hits::Each(order.undo(loader, &values)?)),
        (_, hits) => Ok(hits),
    }
}

/// The answers of values that are bytes: one search over all of them where the needle may stand anywhere.
fn in_text(needle: &Needle, ask: Ask, text: &Text) -> Hits {
    if !ask.is_anywhere() {
        return Hits::of(
            (0..text.len()).map(|at| text.get(at).map_or(MAYBE, |value| needle.test(ask, value))).collect(),
        );
    }
    let mut hits = Vec::new();
    let mut from = 0;
    while let Some(found) = needle.find(text.bytes.bytes(), from) {
        from = found + 1;
        // The value in which it begins; empty ones before it begin at the same place.
        let at = text.starts.partition_point(|start| *start as usize <= found).saturating_sub(1);
        let answer = text.get(at).map_or(NO, |value| needle.test(ask, value));
        if answer == NO {
            continue;
        }
        if hits.is_empty() {
            hits = vec![NO; text.len()];
        }
        if let Some(hit) = hits.get_mut(at) {
            *hit = answer;
        }
        if let Some(next) = text.starts.get(at + 1) {
            from = from.max(*next as usize);
        }
    }
    if hits.is_empty() { Hits::None } else { Hits::Each(hits) }
}
