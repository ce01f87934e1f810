//! Which records of a chunk hold a text, told from templates and columns without writing a record.
//!
//! The ways in which a needle may lie in the records of each template (`align`) ask questions of single columns. Each is answered
//! once for all values of the column in the chunk, words of dictionaries once for the stripe; then rows take the best of their
//! ways. What can't be told is [`MAYBE`]; a record that holds the text is never [`NO`].

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;

use super::align::{Way, ways};
use super::forms::{Described, DescribedTable, TableForm};
use super::hits::{Hits, Rule};
use super::needle::{Ask, MAYBE, NO, Needle};
use super::outline::stamps_of;
use super::read::Loader;
use super::shape::Shape;
use super::values::{Text, decimal};
use super::{DecodeError, stamps};

/// Needles for which a stripe keeps what it found out.
const KEPT: usize = 8;

/// What a stripe knows of the needles it was asked for last.
#[derive(Debug, Default)]
pub struct Known(Mutex<VecDeque<Arc<Sought>>>);

/// What a stripe knows of a needle.
#[derive(Debug)]
pub struct Sought {
    needle: Needle,
    /// The ways of each template.
    ways: Vec<Vec<Way>>,
    /// Answers of words of dictionaries, by the number of the dictionary.
    words: Mutex<HashMap<(usize, Ask), Arc<Hits>>>,
}

impl Known {
    /// What is known of a needle; the ways are laid out where it is new.
    pub fn of(&self, needle: &Needle, table: &TableForm) -> Arc<Sought> {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = queue.iter().find(|known| known.needle == *needle) {
            return Arc::clone(known);
        }
        let may = |column: u32, ask| {
            table.columns().get(column as usize).is_none_or(|form| Shape::of_form(form).may_hold(needle, ask))
        };
        let of_template = |template| ways(template, needle, needle.ask(), &may);
        let sought = Arc::new(Sought {
            needle: needle.clone(),
            ways: table.templates().iter().map(of_template).collect(),
            words: Mutex::default(),
        });
        queue.push_back(Arc::clone(&sought));
        if queue.len() > KEPT {
            queue.pop_front();
        }
        sought
    }
}

impl Sought {
    /// The answer for each row of a chunk.
    pub fn rows(
        &self,
        loader: &mut Loader<'_, '_>,
        described: &DescribedTable<'_>,
        rows: usize,
    ) -> Result<Hits, DecodeError> {
        self.table(loader, described, rows, &self.ways)
    }

    fn table(
        &self,
        loader: &mut Loader<'_, '_>,
        described: &DescribedTable<'_>,
        rows: usize,
        ways: &[Vec<Way>],
    ) -> Result<Hits, DecodeError> {
        if ways.iter().all(Vec::is_empty) {
            return Ok(Hits::None);
        }
        let ids = loader.ids(described, rows)?;
        let answers = self.answers(loader, described, &ids, ways)?;
        let templates = described.templates();
        let rules: Vec<Rule> =
            templates.iter().zip(ways).map(|(template, ways)| Rule::of(&template.columns, ways, &answers)).collect();
        let mut used = vec![false; described.forms().len()];
        for (column, _) in rules.iter().flat_map(|rule| &rule.ways).flat_map(|way| &way.asks) {
            if let Some(used) = used.get_mut(*column as usize) {
                *used = true;
            }
        }
        if !used.contains(&true) {
            return Ok(Hits::of(
                ids.iter().map(|id| rules.get(*id as usize).map_or(MAYBE, |rule| rule.least)).collect(),
            ));
        }
        let used_by: Vec<Vec<u32>> = templates
            .iter()
            .map(|template| template.columns.iter().copied().filter(|c| used.get(*c as usize) == Some(&true)).collect())
            .collect();
        // The next value of each column.
        let mut next = vec![0usize; used.len()];
        let mut hits = Vec::with_capacity(ids.len());
        for id in ids.iter() {
            let id = *id as usize;
            hits.push(rules.get(id).map_or(MAYBE, |rule| rule.row(&next)));
            for column in used_by.get(id).map_or(&[][..], Vec::as_slice) {
                if let Some(next) = next.get_mut(*column as usize) {
                    *next += 1;
                }
            }
        }
        Ok(Hits::of(hits))
    }

    /// The answers of columns to all that the ways of the templates in use ask of them, as far as a way is still open.
    fn answers(
        &self,
        loader: &mut Loader<'_, '_>,
        described: &DescribedTable<'_>,
        ids: &[u64],
        ways: &[Vec<Way>],
    ) -> Result<HashMap<(u32, Ask), Hits>, DecodeError> {
        let mut in_use = vec![false; described.templates().len()];
        for id in ids {
            *in_use.get_mut(*id as usize).ok_or(DecodeError("a template that is not there"))? = true;
        }
        let counts = described.occurrences(ids)?;
        // What is asked of each column, by whom.
        let mut open: Vec<bool> = Vec::new();
        let mut asked: Vec<(u32, Ask, usize)> = Vec::new();
        for ((template, ways), _) in described.templates().iter().zip(ways).zip(&in_use).filter(|(_, in_use)| **in_use)
        {
            for way in ways {
                for (place, ask) in &way.asks {
                    let column =
                        template.columns.get(*place as usize).ok_or(DecodeError("a column that is not there"))?;
                    asked.push((*column, *ask, open.len()));
                }
                open.push(true);
            }
        }
        asked.sort_by_key(|(column, ..)| *column);
        let mut stamps: Option<Vec<Vec<u64>>> = None;
        let mut answers: HashMap<(u32, Ask), Hits> = HashMap::new();
        for of_column in asked.chunk_by(|(one, ..), (other, ..)| one == other) {
            let Some((column, ..)) = of_column.first() else { continue };
            let mut asks: Vec<Ask> = Vec::new();
            for (_, ask, way) in of_column {
                if open.get(*way) == Some(&true) && !asks.contains(ask) {
                    asks.push(*ask);
                }
            }
            if asks.is_empty() {
                continue;
            }
            let of = &described.column(*column as usize)?;
            let count = counts.get(*column as usize).ok_or(DecodeError("a column that is not there"))?;
            let hits = loader.borrowed(|loader| -> Result<Vec<Hits>, DecodeError> {
                let Described::Stamps { format, .. } = of else { return self.column(loader, of, *count, &asks) };
                let all = match &mut stamps {
                    Some(all) => all,
                    none => none.insert(stamps_of(loader, described, ids)?),
                };
                let values = all.get(*column as usize).map_or(&[][..], Vec::as_slice);
                asks.iter().map(|ask| self.stamps(*format, values, *ask)).collect()
            })?;
            for (ask, hits) in asks.into_iter().zip(hits) {
                answers.insert((*column, ask), hits);
            }
            for (column, ask, way) in of_column {
                if answers.get(&(*column, *ask)) == Some(&Hits::None)
                    && let Some(open) = open.get_mut(*way)
                {
                    *open = false;
                }
            }
        }
        Ok(answers)
    }

    /// The answers of a column that is no column of time stamps.
    fn column(
        &self,
        loader: &mut Loader<'_, '_>,
        described: &Described<'_>,
        count: usize,
        asks: &[Ask],
    ) -> Result<Vec<Hits>, DecodeError> {
        let needle = &self.needle;
        match described {
            Described::Equal(bytes) => Ok(asks.iter().map(|ask| Hits::all(needle.test(*ask, bytes))).collect()),
            Described::Numbers { width, integers } => {
                let values = loader.integers(integers, count)?;
                let mut digits = [0; 20];
                let mut of = |ask: &Ask| {
                    Hits::of(
                        values.iter().map(|value| needle.test(*ask, decimal(*value, *width, &mut digits))).collect(),
                    )
                };
                Ok(asks.iter().map(&mut of).collect())
            }
            Described::Dictionary { number, ids } => {
                let words: Vec<Arc<Hits>> =
                    asks.iter().map(|ask| self.words(loader, *number, *ask)).collect::<Result<_, _>>()?;
                if words.iter().all(|words| **words == Hits::None) {
                    return Ok(vec![Hits::None; asks.len()]);
                }
                let ids = loader.integers(ids, count)?;
                let of = |words: &Arc<Hits>| match **words {
                    Hits::None => Hits::None,
                    _ => Hits::of(ids.iter().map(|id| words.get(*id as usize)).collect()),
                };
                Ok(words.iter().map(of).collect())
            }
            Described::Patterns(table) => asks
                .iter()
                .map(|ask| {
                    let may = |column: u32, ask| {
                        let form = table.forms().get(column as usize);
                        form.is_none_or(|form| Shape::of_form(form).may_hold(needle, ask))
                    };
                    let ways: Vec<Vec<Way>> =
                        table.templates().iter().map(|template| ways(template, needle, *ask, &may)).collect();
                    loader.borrowed(|loader| self.table(loader, table, count, &ways))
                })
                .collect(),
            Described::Hex { .. } | Described::Nibbles { .. } | Described::Lines(_) | Described::Bytes { .. } => {
                let text = loader.flat(described, count)?;
                Ok(asks.iter().map(|ask| in_text(needle, *ask, &text)).collect())
            }
            // Within other columns there is none that a writer makes.
            Described::Stamps { .. } => Ok(vec![Hits::All(MAYBE); asks.len()]),
        }
    }

    fn stamps(&self, format: u8, values: &[u64], ask: Ask) -> Result<Hits, DecodeError> {
        let mut writer = stamps::Writer::new(format).ok_or(DecodeError("no such form of time"))?;
        let mut test =
            |value: &u64| Ok(self.needle.test(ask, writer.write(*value).ok_or(DecodeError("no such time"))?));
        Ok(Hits::of(values.iter().map(&mut test).collect::<Result<_, _>>()?))
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
