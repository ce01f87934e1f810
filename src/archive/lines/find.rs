//! Which records of a chunk hold a text, told from templates and columns without writing a record.
//!
//! The ways in which a needle may lie in the records of each template (`align`) ask questions of single columns. Each is answered
//! once for all values of the column in the chunk, words of dictionaries once for the stripe; then rows take the best of their
//! ways. What can't be told is [`MAYBE`]; a record that holds the text is never `NO`.

mod columns;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;

use super::DecodeError;
use super::align::{Way, ways};
use super::forms::{Described, DescribedTable, TableForm, occurrences_in, rows_of};
use super::hits::{Hits, Rule};
use super::needle::{Ask, NO, Needle};
use super::outline::stamps_of;
use super::read::Loader;
use super::shape::Shape;

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

/// What rows of a template are worth, and which columns they take a value of.
struct Rows<'a> {
    least: u8,
    /// Only where values matter.
    rule: Option<&'a Rule<'a>>,
    /// Of columns that were asked value by value.
    columns: Vec<u32>,
}

/// A column that was asked value by value.
struct Turn<'a> {
    /// Its next value.
    next: usize,
    /// The next value, from there on, of which an answer is not no; most rows have none.
    met: usize,
    /// Its answers, each once, and where each is next not no.
    hits: Vec<(&'a Hits, usize)>,
}

impl Default for Turn<'_> {
    fn default() -> Self {
        Turn { next: 0, met: usize::MAX, hits: Vec::new() }
    }
}

impl<'a> Turn<'a> {
    /// Many templates ask a column the same.
    fn add(&mut self, hits: &'a Hits) {
        if self.hits.iter().all(|(known, _)| !std::ptr::eq(*known, hits)) {
            let met = hits.next(0).unwrap_or(usize::MAX);
            self.met = self.met.min(met);
            self.hits.push((hits, met));
        }
    }

    /// Finds what is met next, once the last is behind.
    fn go_on(&mut self) {
        if self.met < self.next {
            self.met = usize::MAX;
            for (hits, met) in &mut self.hits {
                if *met < self.next {
                    *met = hits.next(self.next).unwrap_or(usize::MAX);
                }
                self.met = self.met.min(*met);
            }
        }
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
        if rules.iter().all(Rule::is_never) {
            return Ok(Hits::None);
        }
        let mut turns: Vec<Turn<'_>> = Vec::new();
        turns.resize_with(described.forms().len(), Turn::default);
        for (column, hits) in rules.iter().flat_map(|rule| &rule.ways).flat_map(|way| &way.asks) {
            if let Some(turn) = turns.get_mut(*column as usize) {
                turn.add(hits);
            }
        }
        let is_used = |column: &&u32| turns.get(**column as usize).is_some_and(|turn| !turn.hits.is_empty());
        let rows_of: Vec<Rows> = templates
            .iter()
            .zip(&rules)
            .map(|(template, rule)| Rows {
                least: rule.least,
                rule: Some(rule).filter(|rule| !rule.ways.is_empty()),
                columns: template.columns.iter().filter(is_used).copied().collect(),
            })
            .collect();
        let mut hits = vec![NO; ids.len()];
        let mut best = NO;
        for (id, hit) in ids.iter().zip(&mut hits) {
            // A template that is not there was told before.
            let Some(rows) = rows_of.get(*id as usize) else { continue };
            *hit = rows.least;
            let mut is_met = false;
            for column in &rows.columns {
                if let Some(turn) = turns.get_mut(*column as usize) {
                    is_met |= turn.next == turn.met;
                    turn.next += 1;
                }
            }
            if is_met {
                let value = |column: u32| turns.get(column as usize).and_then(|turn| turn.next.checked_sub(1));
                *hit = rows.rule.map_or(rows.least, |rule| rule.row(value));
                rows.columns
                    .iter()
                    .for_each(|column| turns.get_mut(*column as usize).into_iter().for_each(Turn::go_on));
            }
            best = best.max(*hit);
        }
        Ok(if best == NO { Hits::None } else { Hits::Each(hits) })
    }

    /// The answers of columns to all that the ways of the templates in use ask of them, as far as a way is still open.
    fn answers(
        &self,
        loader: &mut Loader<'_, '_>,
        described: &DescribedTable<'_>,
        ids: &[u64],
        ways: &[Vec<Way>],
    ) -> Result<HashMap<(u32, Ask), Hits>, DecodeError> {
        let rows_of = rows_of(described.templates(), ids)?;
        let counts = occurrences_in(described.templates(), &rows_of, described.forms().len())?;
        // What is asked of each column, by whom.
        let mut open: Vec<bool> = Vec::new();
        let mut asked: Vec<(u32, Ask, usize)> = Vec::new();
        for ((template, ways), _) in described.templates().iter().zip(ways).zip(&rows_of).filter(|(_, rows)| **rows > 0)
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
                let Described::Stamps { format, relative: true, .. } = of else {
                    return self.column(loader, of, *count, &asks);
                };
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
}
