//! Where the pieces of a stripe are written: a shared part, and a part for each chunk of consecutive rows.
//!
//! The shared part holds the tree (templates and forms of columns) and the dictionaries; the parts of chunks hold the values of
//! their rows. So a dictionary is stored once for all chunks, and one chunk is read without the others.

use std::collections::VecDeque;

use super::pack::{Blobs, Compressors};
use super::relate::Relations;
use super::{Span, Stripe, columns, integers};
use crate::archive::column::write_varint;
use crate::archive::frame::Words;

/// Descriptions of values and the blobs they refer to.
#[derive(Debug, Default)]
pub struct Part {
    /// The descriptions, in the order of the tree.
    pub meta: Vec<u8>,
    /// The blobs.
    pub blobs: Blobs,
}

/// Where the values of a column belong.
#[derive(Debug, Clone)]
pub enum Scope {
    /// To the shared part: entries of dictionaries.
    Shared,
    /// To the chunks: for each, how many values there are up to its end.
    Chunks(Vec<usize>),
    /// The same, of a column of the lines, by its number.
    Column(u32, Vec<usize>),
}

/// All parts of a stripe being written.
#[derive(Debug, Default)]
pub struct Parts {
    /// Templates and forms of columns.
    pub tree: Vec<u8>,
    shared: Part,
    chunks: Vec<Part>,
    /// Entries of dictionaries still to be written, and the depth at which they lie.
    waiting: VecDeque<(Vec<Span>, u8)>,
    dictionaries: u64,
    /// What columns of the lines may follow.
    relations: Option<Relations>,
}

impl Parts {
    /// For so many chunks.
    pub fn new(chunks: usize) -> Parts {
        Parts { chunks: (0..chunks).map(|_| Part::default()).collect(), ..Parts::default() }
    }

    /// Hands the values of a column to the parts they belong to.
    pub fn each<T>(&mut self, scope: &Scope, values: &[T], mut write: impl FnMut(&mut Part, &[T])) {
        match scope {
            Scope::Shared => write(&mut self.shared, values),
            Scope::Chunks(ends) | Scope::Column(_, ends) => {
                let mut start = 0;
                for (part, end) in self.chunks.iter_mut().zip(ends) {
                    write(part, values.get(start..*end).unwrap_or_default());
                    start = *end;
                }
            }
        }
    }

    /// From now on columns of the lines are written in the order of what they follow from.
    pub fn relate(&mut self, relations: Relations) {
        self.relations = Some(relations);
    }

    /// Writes a column of integers: its form to the tree, its values in the best order.
    pub fn integers(&mut self, form: &[u8], values: &[u64], scope: &Scope) -> std::io::Result<()> {
        let mut ordered = None;
        if let (Scope::Column(number, ends), Some(relations)) = (scope, &mut self.relations)
            && let Some((keys, values)) = relations.order(*number, values, ends)?
        {
            self.tree.push(columns::ORDERED);
            write_varint(&mut self.tree, keys.map_or(0, |column| u64::from(column) + 1));
            ordered = Some(values);
        }
        self.tree.extend_from_slice(form);
        self.each(scope, ordered.as_deref().unwrap_or(values), integers::write);
        Ok(())
    }

    /// Takes up the entries of a dictionary, to be written after the columns; gives its number.
    pub fn dictionary(&mut self, entries: Vec<Span>, depth: u8) -> u64 {
        self.waiting.push_back((entries, depth));
        self.dictionaries += 1;
        self.dictionaries - 1
    }

    /// Writes the dictionaries, then compresses all: the shared part, and each chunk with `rows` of it.
    pub fn finish(
        mut self,
        raw: &[u8],
        rows: &[usize],
        compressor: &mut Compressors,
    ) -> std::io::Result<(Vec<u8>, Vec<Vec<u8>>)> {
        let mut tree = std::mem::take(&mut self.tree);
        // Entries may have dictionaries of their own, which come after them.
        while let Some((entries, depth)) = self.waiting.pop_front() {
            write_varint(&mut self.tree, entries.len() as u64);
            columns::write(&mut self, raw, &entries, &Scope::Shared, depth)?;
        }
        let mut head = Vec::with_capacity(tree.len() + self.tree.len() + 16);
        write_varint(&mut head, self.dictionaries);
        write_varint(&mut head, (tree.len() + self.tree.len()) as u64);
        tree.append(&mut self.tree);
        head.append(&mut tree);
        let shared = self.shared.finish(head, compressor, None)?;
        let lexicon = if compressor.uses_words() { lexicon_of(&shared, raw, compressor.level())? } else { None };
        let mut chunks = Vec::with_capacity(self.chunks.len());
        for (part, rows) in self.chunks.into_iter().zip(rows) {
            let mut head = Vec::new();
            write_varint(&mut head, *rows as u64);
            chunks.push(part.finish(head, compressor, lexicon.as_ref())?);
        }
        Ok((shared, chunks))
    }
}

/// What a reader has of the shared part; nothing where it can't be read, which is found when the stripe is decoded.
fn lexicon_of(shared: &[u8], raw: &[u8], level: i32) -> std::io::Result<Option<Words>> {
    let text = Stripe::open(shared, raw.len() as u64).and_then(|stripe| stripe.lexicon().text());
    text.ok().filter(|text| !text.is_empty()).map(|text| Words::new(&text, level)).transpose()
}

impl Part {
    /// Length of the description and of its stored bytes, the description, the packs.
    fn finish(
        self,
        mut head: Vec<u8>,
        compressor: &mut Compressors,
        lexicon: Option<&Words>,
    ) -> std::io::Result<Vec<u8>> {
        let (table, packs) = self.blobs.finish(compressor, lexicon)?;
        head.extend_from_slice(&table);
        head.extend_from_slice(&self.meta);
        let packed = compressor.describe(&head)?;
        let mut out = Vec::with_capacity(packed.len() + packs.len() + 8);
        write_varint(&mut out, head.len() as u64);
        write_varint(&mut out, packed.len() as u64);
        out.extend_from_slice(&packed);
        out.extend_from_slice(&packs);
        Ok(out)
    }
}
