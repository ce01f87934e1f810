//! Which column another follows from best, so that its values are written in that order ([`super::order`]).
//!
//! A pair is judged by how often a value differs from the last one with the same key, on part of a chunk; the best two pairs are
//! then packed, and the order is taken only where that is smaller.

use hashbrown::HashSet;
use xxhash_rust::xxh3::xxh3_64;
use zstd::bulk::Compressor;

use super::integers;
use super::order;
use super::pack::{ALONE, Kind};
use super::parts::Part;
use crate::archive::column::places;

/// Values of a chunk that are looked at in each pair.
const LOOK: usize = 4_096;
/// Values looked at for one column in all its pairs.
const LOOK_ALL: usize = 1 << 16;
/// Columns of fewer values in a chunk have nothing to gain.
const LEAST: usize = 32;
/// Keys lie as near together, in a chunk.
const KEYS: u64 = 1 << 16;
/// Values kept for later columns to be judged by, in all.
const KEPT: usize = 4 << 20;
/// Bytes of small blobs among which another is tried.
const NEAR: usize = 16 << 10;
/// An order must save so many bytes of the chunk it is tried on, and one in so many of all.
const SAVES: usize = 16;
const SAVES_OF: usize = 24;
/// What is tried is packed no harder: the choice would be the same.
const HARDEST: i32 = 12;

/// What was written of the columns of a table, for later ones to follow.
pub struct Relations {
    /// The row at which each chunk ends.
    cuts: Vec<usize>,
    /// The template of each row.
    ids: Vec<u32>,
    /// The columns of each template.
    columns_of: Vec<Vec<u32>>,
    /// The templates of each column; of one that occurs twice in a template none.
    templates_of: Vec<Vec<u32>>,
    kept: Vec<Option<Kept>>,
    room: usize,
    /// The chunk whose packs are followed, and what lies in these.
    chunk: usize,
    neighbours: Neighbours,
}

/// The values of a column, in row order.
struct Kept {
    values: Vec<u64>,
    /// How many values there are at the end of each chunk.
    ends: Vec<usize>,
    /// How many columns it follows, one from the other.
    depth: u8,
}

/// A column that gives keys: its number, none for the template.
type Keys = Option<u32>;

impl std::fmt::Debug for Relations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relations").field("columns", &self.kept.len()).finish_non_exhaustive()
    }
}

impl Relations {
    /// Of a table of so many columns: `ids` is the template of each row, `columns_of` the columns of each template. What is tried
    /// is packed at about `level`.
    pub fn new(
        cuts: &[usize],
        ids: &[u64],
        columns_of: Vec<Vec<u32>>,
        columns: usize,
        level: i32,
    ) -> std::io::Result<Relations> {
        let mut templates_of: Vec<Vec<u32>> = vec![Vec::new(); columns];
        let mut twice = vec![false; columns];
        for (template, of_template) in columns_of.iter().enumerate() {
            for column in of_template {
                let (Some(templates), Some(twice)) =
                    (templates_of.get_mut(*column as usize), twice.get_mut(*column as usize))
                else {
                    continue;
                };
                *twice |= templates.last() == Some(&(template as u32));
                templates.push(template as u32);
            }
        }
        for (templates, twice) in templates_of.iter_mut().zip(twice) {
            if twice {
                templates.clear();
            }
        }
        Ok(Relations {
            cuts: cuts.to_vec(),
            ids: ids.iter().map(|id| *id as u32).collect(),
            columns_of,
            templates_of,
            kept: (0..columns).map(|_| None).collect(),
            room: KEPT,
            chunk: longest(cuts).map_or(0, |(chunk, ..)| chunk),
            neighbours: Neighbours::new(level.min(HARDEST))?,
        })
    }

    /// The keys by which the values of a column are best ordered, and the values so ordered, chunk by chunk. The values are kept
    /// for later columns.
    pub fn order(&mut self, column: u32, values: &[u64], ends: &[usize]) -> std::io::Result<Option<(Keys, Vec<u64>)>> {
        let best = self.best(column, values, ends)?;
        let ordered = best.map(|keys| (keys, self.ordered(column, keys, values, ends)));
        let depth = best.map_or(0, |keys| 1 + self.depth(keys));
        if values.len() <= self.room
            && let Some(kept) = self.kept.get_mut(column as usize)
        {
            self.room -= values.len();
            *kept = Some(Kept { values: values.to_vec(), ends: ends.to_vec(), depth });
        }
        Ok(ordered)
    }

    /// The chunk by which a column is judged: the one whose packs are known, if there are values enough.
    fn shown(&self, ends: &[usize]) -> Option<(usize, usize, usize)> {
        let start = self.chunk.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
        let end = ends.get(self.chunk).copied().unwrap_or(start);
        if end.saturating_sub(start) >= LEAST { Some((self.chunk, start, end)) } else { longest(ends) }
    }

    fn depth(&self, keys: Keys) -> u8 {
        let kept = keys.and_then(|column| self.kept.get(column as usize)).and_then(Option::as_ref);
        kept.map_or(0, |kept| kept.depth)
    }

    fn best(&mut self, column: u32, values: &[u64], ends: &[usize]) -> std::io::Result<Option<Keys>> {
        let Some((chunk, start, end)) = self.shown(ends) else { return Ok(None) };
        let of_chunk = values.get(start..end).unwrap_or_default();
        if of_chunk.len() < LEAST {
            return Ok(None);
        }
        let look = of_chunk.get(..LOOK).unwrap_or(of_chunk);
        let natural = look.windows(2).filter(|pair| pair.first() != pair.last()).count();
        let mut tried: Vec<(usize, Keys, Vec<u64>)> = Vec::new();
        for keys in self.candidates(column).take(LOOK_ALL / look.len()) {
            let of_keys = self.keys(column, keys, chunk);
            if of_keys.len() != of_chunk.len() {
                continue;
            }
            if let Some(breaks) = breaks(look, &of_keys).filter(|breaks| *breaks < natural) {
                tried.push((breaks, keys, of_keys));
            }
        }
        if tried.is_empty() {
            if chunk == self.chunk {
                self.neighbours.push(blobs(of_chunk));
            }
            return Ok(None);
        }
        tried.sort_by_key(|(breaks, ..)| *breaks);
        let mut best = (self.neighbours.cost(&blobs(of_chunk))?, None);
        // What is won must be worth a form of its own.
        best.0 = best.0.saturating_sub(SAVES.max(best.0 / SAVES_OF));
        for (_, keys, of_keys) in tried.iter().take(2) {
            let size = self.neighbours.cost(&blobs(&sorted(of_chunk, of_keys)))?;
            if size < best.0 {
                best = (size, Some(*keys));
            }
        }
        let chosen = tried.iter().find(|(_, keys, _)| best.1 == Some(*keys));
        let written = chosen.map_or_else(|| of_chunk.to_vec(), |(.., of_keys)| sorted(of_chunk, of_keys));
        if chunk == self.chunk {
            self.neighbours.push(blobs(&written));
        }
        Ok(best.1)
    }

    /// What a column may follow: columns before it that all its templates have, the nearest first, and the template.
    fn candidates(&self, column: u32) -> impl Iterator<Item = Keys> + '_ {
        let templates = self.templates_of.get(column as usize).map_or(&[][..], Vec::as_slice);
        let first = templates.first().and_then(|template| self.columns_of.get(*template as usize));
        let fits = move |other: &u32| {
            let kept = self.kept.get(*other as usize).and_then(Option::as_ref);
            let of_other = self.templates_of.get(*other as usize).map_or(&[][..], Vec::as_slice);
            *other < column
                && kept.is_some_and(|kept| kept.depth < order::DEEPEST)
                && templates.iter().all(|template| of_other.binary_search(template).is_ok())
        };
        let columns = first.map_or(&[][..], Vec::as_slice).iter().rev().copied().filter(fits).map(Some);
        (templates.len() > 1).then_some(None).into_iter().chain(columns)
    }

    /// The keys of the values of a column in a chunk.
    fn keys(&self, column: u32, keys: Keys, chunk: usize) -> Vec<u64> {
        let start = chunk.checked_sub(1).and_then(|before| self.cuts.get(before)).copied().unwrap_or(0);
        let end = self.cuts.get(chunk).copied().unwrap_or(0);
        let ids = self.ids.get(start..end).unwrap_or_default();
        let of_column = self.templates_of.get(column as usize).map_or(&[][..], Vec::as_slice);
        let Some(keys) = keys else {
            return ids.iter().filter(|id| of_column.binary_search(id).is_ok()).map(|id| u64::from(*id)).collect();
        };
        let Some(kept) = self.kept.get(keys as usize).and_then(Option::as_ref) else { return Vec::new() };
        let first = chunk.checked_sub(1).and_then(|before| kept.ends.get(before)).copied().unwrap_or(0);
        let last = kept.ends.get(chunk).copied().unwrap_or(0);
        let values = kept.values.get(first..last).unwrap_or_default();
        let of_keys = self.templates_of.get(keys as usize).map_or(&[][..], Vec::as_slice);
        if of_keys == of_column {
            return values.to_vec();
        }
        let mut uses = vec![(false, false); self.columns_of.len()];
        let has = |templates: &[u32], template: usize| templates.binary_search(&(template as u32)).is_ok();
        for (template, uses) in uses.iter_mut().enumerate() {
            *uses = (has(of_column, template), has(of_keys, template));
        }
        let mut values = values.iter();
        let mut result = Vec::new();
        for id in ids {
            let (has_column, has_key) = uses.get(*id as usize).copied().unwrap_or_default();
            let key = if has_key { values.next() } else { None };
            if has_column {
                result.extend(key);
            }
        }
        result
    }

    fn ordered(&self, column: u32, keys: Keys, values: &[u64], ends: &[usize]) -> Vec<u64> {
        let mut ordered = Vec::with_capacity(values.len());
        let mut start = 0;
        for (chunk, end) in ends.iter().enumerate() {
            let of_chunk = values.get(start..*end).unwrap_or_default();
            ordered.extend(sorted(of_chunk, &self.keys(column, keys, chunk)));
            start = *end;
        }
        ordered
    }
}

/// The blobs in which values are written.
fn blobs(values: &[u64]) -> Vec<(Kind, Vec<u8>)> {
    let mut part = Part::default();
    integers::write(&mut part, values);
    part.blobs.into_blobs()
}

/// The last small blobs, among which a new one would be packed, and the hashes of all.
struct Neighbours {
    high: Vec<u8>,
    low: Vec<u8>,
    /// What these take.
    taken: [Option<usize>; 2],
    known: HashSet<u64>,
    compressor: Compressor<'static>,
}

impl Neighbours {
    fn new(level: i32) -> std::io::Result<Neighbours> {
        Ok(Neighbours {
            high: Vec::new(),
            low: Vec::new(),
            taken: [None, None],
            known: HashSet::new(),
            compressor: Compressor::new(level)?,
        })
    }

    /// Bytes that blobs would add.
    fn cost(&mut self, blobs: &[(Kind, Vec<u8>)]) -> std::io::Result<usize> {
        let mut cost = 0;
        for (kind, bytes) in blobs {
            if self.known.contains(&xxh3_64(bytes)) {
                continue;
            }
            if bytes.len() >= ALONE {
                cost += self.compressor.compress(bytes)?.len();
                continue;
            }
            let (before, taken) = match kind {
                Kind::High => (&mut self.high, 0),
                Kind::Low | Kind::Text => (&mut self.low, 1),
            };
            let taken = match self.taken.get(taken).copied().flatten() {
                Some(taken) => taken,
                None => {
                    let size = self.compressor.compress(before)?.len();
                    if let Some(slot) = self.taken.get_mut(taken) {
                        *slot = Some(size);
                    }
                    size
                }
            };
            let len = before.len();
            before.extend_from_slice(bytes);
            cost += self.compressor.compress(before)?.len().saturating_sub(taken);
            before.truncate(len);
        }
        Ok(cost)
    }

    fn push(&mut self, blobs: Vec<(Kind, Vec<u8>)>) {
        for (kind, bytes) in blobs {
            if !self.known.insert(xxh3_64(&bytes)) || bytes.len() >= ALONE {
                continue;
            }
            let before = if kind == Kind::High { &mut self.high } else { &mut self.low };
            before.extend_from_slice(&bytes);
            before.drain(..before.len().saturating_sub(NEAR));
            self.taken = [None, None];
        }
    }
}

/// The chunk with the most values, its first and the one after its last.
fn longest(ends: &[usize]) -> Option<(usize, usize, usize)> {
    let mut start = 0;
    let ranges = ends.iter().enumerate().map(|(chunk, end)| (chunk, std::mem::replace(&mut start, *end), *end));
    ranges.max_by_key(|(_, start, end)| end.saturating_sub(*start))
}

fn sorted(values: &[u64], keys: &[u64]) -> Vec<u64> {
    places(keys).into_iter().filter_map(|place| values.get(place as usize).copied()).collect()
}

/// How often a value differs from the last one of the same key; `None` where the keys lie too far apart, or nearly all differ.
fn breaks(values: &[u64], keys: &[u64]) -> Option<usize> {
    let keys = keys.get(..values.len())?;
    let least = keys.iter().copied().min()?;
    let most = keys.iter().copied().max()?;
    if most - least >= KEYS || most == least {
        return None;
    }
    let mut last: Vec<Option<u64>> = vec![None; (most - least) as usize + 1];
    let mut breaks = 0;
    for (value, key) in values.iter().zip(keys) {
        let last = last.get_mut((key - least) as usize)?;
        breaks += usize::from(*last != Some(*value));
        *last = Some(*value);
    }
    Some(breaks)
}
