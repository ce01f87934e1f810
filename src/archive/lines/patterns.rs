//! Values as patterns of digit runs: `blk_-123`, `10.0.0.1`, `part-00012` become few patterns and a column for each run.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use super::parts::{Parts, Scope};
use super::template::{Template, write_templates};
use super::tokens::{DIGIT, class};
use super::{Span, columns, integers, slice};

/// Patterns of a column at most.
const MOST_PATTERNS: usize = 200;
/// Runs of a value at most; a value with more counts as one that has no pattern.
const MOST_RUNS: usize = 32;
/// A column is given up where, after as many values, each second one has a pattern of its own.
const PROBE: usize = 256;

#[derive(Default)]
struct Patterns {
    found: HashTable<(u64, u32)>,
    keys: Vec<Vec<u8>>,
    templates: Vec<Template>,
    ids: Vec<u32>,
    runs: Vec<Span>,
}

/// Writes the column so and gives `true`, or writes nothing where patterns cover less than 80 % of the values.
pub fn write(parts: &mut Parts, raw: &[u8], values: &[Span], scope: &Scope, depth: u8) -> std::io::Result<bool> {
    let most = MOST_PATTERNS.min(values.len() / 8);
    let mut patterns = Patterns::default();
    let mut without = 0usize;
    let mut key = Vec::new();
    let mut runs = Vec::new();
    for (index, value) in values.iter().enumerate() {
        let id = if take_apart(raw, *value, &mut key, &mut runs) { patterns.find(&key, most) } else { None };
        match id {
            Some(id) => {
                patterns.ids.push(id);
                patterns.runs.extend_from_slice(&runs);
            }
            None => {
                without += 1;
                patterns.ids.push(u32::MAX);
                patterns.runs.push(*value);
            }
        }
        if index + 1 == PROBE && patterns.keys.len() + without > PROBE / 2 || without * 5 > values.len() {
            return Ok(false);
        }
    }
    if patterns.keys.is_empty() {
        return Ok(false);
    }
    patterns.write(parts, raw, scope, depth)?;
    Ok(true)
}

/// The pattern of a value, 0 standing for a run of digits, and its runs; `false` where it can't be written so.
fn take_apart(raw: &[u8], value: Span, key: &mut Vec<u8>, runs: &mut Vec<Span>) -> bool {
    key.clear();
    runs.clear();
    let mut run: Option<Span> = None;
    for (at, byte) in slice(raw, value).iter().enumerate() {
        if class(*byte) & DIGIT != 0 {
            match &mut run {
                Some(run) => run.len += 1,
                None => {
                    key.push(0);
                    run = Some(value.part(at, 1));
                }
            }
        } else {
            if *byte == 0 {
                return false;
            }
            runs.extend(run.take());
            key.push(*byte);
        }
    }
    runs.extend(run);
    runs.len() <= MOST_RUNS
}

impl Patterns {
    fn find(&mut self, key: &[u8], most: usize) -> Option<u32> {
        let hash = xxh3_64(key);
        let keys = &self.keys;
        let same = |index: u32| keys.get(index as usize).is_some_and(|known| known == key);
        if let Some((_, index)) = self.found.find(hash, |(known, index)| *known == hash && same(*index)) {
            return Some(*index);
        }
        if self.keys.len() >= most {
            return None;
        }
        let index = self.keys.len() as u32;
        self.found.insert_unique(hash, (hash, index), |(hash, _)| *hash);
        self.keys.push(key.to_vec());
        let mut template = Template::default();
        for byte in key {
            match byte {
                0 => template.ends.push(template.text.len() as u32),
                _ => template.text.push(*byte),
            }
        }
        template.ends.push(template.text.len() as u32);
        self.templates.push(template);
        Some(index)
    }

    fn write(mut self, parts: &mut Parts, raw: &[u8], scope: &Scope, depth: u8) -> std::io::Result<()> {
        // Values without a pattern have one that is nothing but a variable.
        let whole = self.templates.len() as u32;
        let has_whole = self.ids.contains(&u32::MAX);
        if has_whole {
            self.templates.push(Template { ends: vec![0, 0], ..Template::default() });
        }
        let mut next = 0u32;
        for template in &mut self.templates {
            template.columns = (1..template.ends.len()).map(|_| 0).collect();
            for column in &mut template.columns {
                *column = next;
                next += 1;
            }
        }
        let ids: Vec<u64> = self.ids.iter().map(|id| u64::from((*id).min(whole))).collect();
        let mut runs = self.runs.iter();
        let mut sub_columns: Vec<Vec<Span>> = vec![Vec::new(); next as usize];
        // For each sub-column, how many values it has at the end of each chunk.
        let mut ends: Vec<Vec<usize>> = vec![Vec::new(); next as usize];
        parts.each(scope, &ids, |_, ids| {
            for id in ids {
                let columns = self.templates.get(*id as usize).map_or(&[][..], |template| &template.columns);
                for (column, run) in columns.iter().zip(&mut runs) {
                    if let Some(column) = sub_columns.get_mut(*column as usize) {
                        column.push(*run);
                    }
                }
            }
            ends.iter_mut().zip(&sub_columns).for_each(|(ends, column)| ends.push(column.len()));
        });
        parts.tree.push(columns::PATTERNS);
        write_templates(&mut parts.tree, &self.templates);
        parts.each(scope, &ids, integers::write);
        for (index, (values, ends)) in sub_columns.iter().zip(ends).enumerate() {
            let scope = match scope {
                Scope::Shared => Scope::Shared,
                Scope::Chunks(_) | Scope::Column(..) => Scope::Chunks(ends),
            };
            // The values without a pattern would only be tried for patterns again.
            let last = has_whole && index + 1 == sub_columns.len();
            columns::write(parts, raw, values, &scope, if last { columns::DEEPEST } else { depth + 1 })?;
        }
        Ok(())
    }
}
