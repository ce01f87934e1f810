//! Dictionaries: the distinct values of a column, or of many columns together, in order of first appearance.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use super::{ByHash, Span, slice};

/// A dictionary is given up where as many of the first values differ.
const PROBE: usize = 4_096;
const PROBE_DISTINCT: usize = 3_500;

/// Columns share a dictionary from this mean length of their values, where so many of a hundred values occur again.
const SHARED_LENGTH: usize = 10;
const SHARED_REPEATS: usize = 60;
/// So many of a hundred values must occur in another column.
const SHARED_ELSEWHERE: usize = 30;

/// Distinct values and, for each value, which one it is.
#[derive(Debug, Default)]
pub struct Dictionary {
    /// The distinct values in order of first appearance.
    pub entries: Vec<Span>,
    /// For each value its entry.
    pub ids: Vec<u64>,
}

/// The dictionary of a column; `None` where more than half of the values differ.
pub fn of_column(raw: &[u8], values: &[Span]) -> Option<Dictionary> {
    let most = values.len() / 2;
    let mut found: HashTable<(u64, u32)> = HashTable::new();
    let mut dictionary = Dictionary { entries: Vec::new(), ids: Vec::with_capacity(values.len()) };
    for (index, value) in values.iter().enumerate() {
        let entry = enter(raw, &mut found, &mut dictionary.entries, *value);
        dictionary.ids.push(u64::from(entry));
        let distinct = dictionary.entries.len();
        if distinct > most || index + 1 == PROBE && distinct > PROBE_DISTINCT {
            return None;
        }
    }
    Some(dictionary)
}

fn enter(raw: &[u8], found: &mut HashTable<(u64, u32)>, entries: &mut Vec<Span>, value: Span) -> u32 {
    let bytes = slice(raw, value);
    let hash = xxh3_64(bytes);
    let same = |index: u32| entries.get(index as usize).is_some_and(|entry| slice(raw, *entry) == bytes);
    if let Some((_, index)) = found.find(hash, |(known, index)| *known == hash && same(*index)) {
        return *index;
    }
    let index = entries.len() as u32;
    entries.push(value);
    found.insert_unique(hash, (hash, index), |(hash, _)| *hash);
    index
}

/// Where a value was met.
#[derive(Debug, Clone, Copy)]
struct Met {
    column: usize,
    times: u32,
    /// In another column as well.
    elsewhere: bool,
}

/// Which columns share a dictionary: those of long values most of which occur again somewhere in the group. A column that has
/// hardly a value in common with others keeps a dictionary of its own, whose entries are more alike.
pub fn shared_columns(raw: &[u8], columns: &[&[Span]]) -> Vec<bool> {
    let mut met: ByHash<Met> = ByHash::default();
    let mut hashes: Vec<Vec<u64>> = Vec::with_capacity(columns.len());
    for (column, values) in columns.iter().enumerate() {
        let values = if is_long(values) { *values } else { &[] };
        let mut of_column = Vec::with_capacity(values.len());
        for value in values {
            let hash = xxh3_64(slice(raw, *value));
            let met = met.entry(hash).or_insert(Met { column, times: 0, elsewhere: false });
            met.times += 1;
            met.elsewhere |= met.column != column;
            of_column.push(hash);
        }
        hashes.push(of_column);
    }
    let shares = |hashes: &Vec<u64>| {
        let (mut again, mut elsewhere) = (0usize, 0usize);
        for met in hashes.iter().filter_map(|hash| met.get(hash)) {
            again += usize::from(met.times > 1);
            elsewhere += usize::from(met.elsewhere);
        }
        let repeats = again * 100 >= hashes.len() * SHARED_REPEATS;
        !hashes.is_empty() && repeats && elsewhere * 100 >= hashes.len() * SHARED_ELSEWHERE
    };
    hashes.iter().map(shares).collect()
}

fn is_long(values: &[Span]) -> bool {
    let bytes: usize = values.iter().map(|value| value.len as usize).sum();
    !values.is_empty() && bytes >= SHARED_LENGTH * values.len()
}

/// One dictionary of several columns, entries in the order in which they first appear in the group; gives it and the ids of
/// each column.
pub fn of_columns(raw: &[u8], columns: &[&[Span]]) -> (Vec<Span>, Vec<Vec<u64>>) {
    let mut found = HashTable::new();
    let mut entries: Vec<Span> = Vec::new();
    let mut first: Vec<u32> = Vec::new();
    let mut ids: Vec<Vec<u64>> = Vec::with_capacity(columns.len());
    for values in columns {
        let mut of_column = Vec::with_capacity(values.len());
        for value in *values {
            let id = enter(raw, &mut found, &mut entries, *value);
            match first.get_mut(id as usize) {
                Some(first) => *first = value.start.min(*first),
                None => first.push(value.start),
            }
            of_column.push(u64::from(id));
        }
        ids.push(of_column);
    }
    // Places in the raw bytes grow with the rows, so ids by place grow with time: that makes their differences small.
    let mut order: Vec<u32> = (0..entries.len() as u32).collect();
    order.sort_unstable_by_key(|id| first.get(*id as usize).copied());
    let mut rank = vec![0u64; entries.len()];
    for (place, id) in order.iter().enumerate() {
        if let Some(rank) = rank.get_mut(*id as usize) {
            *rank = place as u64;
        }
    }
    for id in ids.iter_mut().flatten() {
        *id = rank.get(*id as usize).copied().unwrap_or(0);
    }
    let sorted = order.iter().filter_map(|id| entries.get(*id as usize).copied()).collect();
    (sorted, ids)
}
