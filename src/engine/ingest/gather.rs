//! Blocks -> row groups: hashes every input as its bytes go by, and has full groups encoded on the pool, order kept.

use std::collections::{BTreeMap, BTreeSet};

use crossbeam_channel::{Receiver, Sender, bounded};
use sha2::{Digest, Sha256};

use super::batch::{Block, Flow, Skip};
use super::known::hex_of;
use crate::archive::{Completion, Cursor, CustodyKind, EncodedGroup, GroupBuilder, NewRecord, Skipped};
use crate::index::{BlockWords, FlaggedRecord, WordCollector};
use crate::model::{FieldSet, InputId, Origin};

/// A group is full at this many records.
const GROUP_RECORDS: usize = 8_192;
/// A group is full at this many raw bytes too.
const GROUP_BYTES: usize = 4 << 20;

/// A row group with what the index needs of it.
pub struct Packed {
    /// The group, or why it could not be packed.
    pub group: std::io::Result<EncodedGroup>,
    /// Words of its blocks; `first` counts from the group's first record.
    pub blocks: Vec<BlockWords>,
    /// Its flagged records; `id` counts from the group's first record.
    pub flagged: Vec<FlaggedRecord>,
    /// Canonical field names that occur, sorted.
    pub fields: Vec<String>,
    /// How far its inputs are after it.
    pub cursors: Vec<Cursor>,
}

/// What the last stage receives, in order.
pub enum Kept {
    /// A group that is being packed; the packed one comes through the channel.
    Group(Receiver<Packed>),
    /// For the log of custody.
    Note(Box<CustodyKind>),
    /// Commit now.
    Flush,
}

#[derive(Clone, Default)]
struct Seen {
    hash: Sha256,
    bytes: u64,
    records: u64,
    lines: u64,
    ends_open: bool,
}

impl Seen {
    fn cursor(&self, input: InputId) -> Cursor {
        let lines = self.lines + u64::from(self.ends_open);
        Cursor { input, bytes: self.bytes, records: self.records, lines, sha256: hex_of(&self.hash) }
    }
}

/// The fourth stage.
pub struct Gather {
    out: Sender<Kept>,
    recycle: Sender<Box<Block>>,
    pool: rayon::ThreadPool,
    level: i32,
    inputs: BTreeMap<InputId, Seen>,
    #[allow(clippy::vec_box, reason = "blocks travel between threads and back in their boxes")]
    group: Vec<Box<Block>>,
    touched: BTreeSet<InputId>,
    closing: Vec<(Option<Cursor>, Completion)>,
}

impl Gather {
    /// A stage that packs on `pool` at a zstd level.
    pub fn new(out: Sender<Kept>, recycle: Sender<Box<Block>>, pool: rayon::ThreadPool, level: i32) -> Gather {
        let (inputs, touched) = (BTreeMap::new(), BTreeSet::new());
        Gather { out, recycle, pool, level, inputs, group: Vec::new(), touched, closing: Vec::new() }
    }

    /// Works until the stage before ends; `None` where the next stage is gone.
    pub fn run(mut self, from: &Receiver<Flow>) -> Option<()> {
        for flow in from {
            match flow {
                Flow::Block(mut block) => {
                    self.take_in(&block);
                    for (input, skipped) in block.ends.drain(..) {
                        self.end(input, skipped);
                    }
                    self.group.push(block);
                    let records: usize = self.group.iter().map(|block| block.rows.len()).sum();
                    let bytes: usize = self.group.iter().map(|block| block.bytes.len()).sum();
                    if records >= GROUP_RECORDS || bytes >= GROUP_BYTES {
                        self.pack()?;
                    }
                }
                Flow::Resume { input, hash, bytes, records, lines } => {
                    let seen = Seen { hash: *hash, bytes, records, lines, ends_open: false };
                    self.inputs.insert(input, seen);
                }
                Flow::End { input, skipped } => {
                    self.end(input, skipped);
                    if self.group.is_empty() {
                        self.close()?;
                    }
                }
                Flow::Note(kind) => self.out.send(Kept::Note(kind)).ok()?,
                // Nobody asks for sessions while records are kept: they are found over the archive, when asked for.
                Flow::Sessions(_) => {}
                Flow::Flush => {
                    self.pack()?;
                    self.out.send(Kept::Flush).ok()?;
                }
            }
        }
        self.pack()
    }

    fn take_in(&mut self, block: &Block) {
        let mut rows = block.rows.as_slice();
        while let Some(first) = rows.first() {
            let of_input = rows.iter().take_while(|row| row.input == first.input).count();
            let (run, rest) = rows.split_at(of_input);
            let end = run.last().map_or(first.end, |row| row.end);
            let bytes = block.bytes.get(first.start..end).unwrap_or_default();
            let seen = self.inputs.entry(first.input).or_default();
            seen.hash.update(bytes);
            seen.bytes += bytes.len() as u64;
            seen.records += run.len() as u64;
            seen.lines += memchr::memchr_iter(b'\n', bytes).count() as u64;
            seen.ends_open = bytes.last() != Some(&b'\n');
            self.touched.insert(first.input);
            rows = rest;
        }
    }

    /// The input's last word. It waits for the group with the input's last records: a completion speaks of kept bytes.
    fn end(&mut self, input: InputId, skipped: Skip) {
        let seen = self.inputs.remove(&input).unwrap_or_default();
        let skipped = skipped.map(|(offset, reason)| Skipped { offset, length: None, reason });
        let completion =
            Completion { input, bytes: seen.bytes, sha256: hex_of(&seen.hash), skipped: skipped.into_iter().collect() };
        let cursor = self.touched.remove(&input).then(|| seen.cursor(input));
        self.closing.push((cursor, completion));
    }

    /// Hands on the completions whose records have been handed on.
    fn close(&mut self) -> Option<()> {
        for (_, completion) in self.closing.drain(..) {
            self.out.send(Kept::Note(Box::new(CustodyKind::Complete(completion)))).ok()?;
        }
        Some(())
    }

    fn pack(&mut self) -> Option<()> {
        if self.group.is_empty() {
            return self.close();
        }
        let blocks = std::mem::take(&mut self.group);
        let mut cursors: Vec<Cursor> = self.closing.iter_mut().filter_map(|(cursor, _)| cursor.take()).collect();
        for input in std::mem::take(&mut self.touched) {
            cursors.extend(self.inputs.get(&input).map(|seen| seen.cursor(input)));
        }
        let (sender, receiver) = bounded(1);
        self.out.send(Kept::Group(receiver)).ok()?;
        let (recycle, level) = (self.recycle.clone(), self.level);
        self.pool.spawn(move || {
            let packed = pack_group(&blocks, cursors, level);
            // The receiver is gone only when the run has failed already.
            let _ = sender.send(packed);
            for mut block in blocks {
                block.recycle();
                let _ = recycle.try_send(block);
            }
        });
        self.close()
    }
}

/// Packs the blocks of one group. Runs on any thread; depends on nothing but its arguments.
fn pack_group(blocks: &[Box<Block>], cursors: Vec<Cursor>, level: i32) -> Packed {
    let mut builder = GroupBuilder::default();
    let mut collector = WordCollector::default();
    let mut words = Vec::with_capacity(blocks.len());
    let mut flagged = Vec::new();
    let mut names = FieldNames::default();
    for block in blocks {
        let first = builder.rows() as u64;
        let mut verdicts = block.verdicts.iter().peekable();
        for (number, (row, parsed)) in block.rows.iter().zip(&block.parsed).enumerate() {
            let raw = block.bytes.get(row.start..row.end).unwrap_or_default();
            let verdict = verdicts.next_if(|(of, _)| *of as usize == number).map(|(_, verdict)| verdict);
            if let Some(verdict) = verdict.filter(|verdict| verdict.flagged) {
                flagged.push(FlaggedRecord {
                    id: builder.rows() as u64,
                    score: verdict.score,
                    rules: verdict.rules.clone(),
                    reasons: verdict.reasons.iter().map(|reason| reason.text.clone()).collect(),
                    entity: verdict.entity.clone(),
                });
            }
            collector.add_record(raw);
            for value in parsed.fields.values_of_their_own(raw) {
                collector.add(value);
            }
            names.add(&parsed.fields, raw);
            let (template_hash, template) =
                block.templates.get(row.template as usize).map_or((0, ""), |(hash, text)| (*hash, text.as_str()));
            let Some((_, _, layout)) = block.layouts.get(row.layout as usize) else { continue };
            builder.push(&NewRecord {
                origin: Origin { input: row.input, offset: row.offset, length: raw.len() as u32 },
                raw,
                time: parsed.time,
                time_quality: parsed.quality,
                level: parsed.level,
                layout,
                template_hash,
                template,
                score: row.score,
                novelty: row.novelty,
                verdict,
            });
        }
        let mut block_words = collector.finish();
        block_words.first = first;
        words.push(block_words);
    }
    Packed { group: builder.encode(level), blocks: words, flagged, fields: names.names.into_iter().collect(), cursors }
}

/// Field names that occur; a record whose names are those of the record before costs a comparison only.
#[derive(Default)]
struct FieldNames {
    names: BTreeSet<String>,
    before: Vec<u8>,
    now: Vec<u8>,
}

impl FieldNames {
    fn add(&mut self, fields: &FieldSet, raw: &[u8]) {
        self.now.clear();
        for (name, _) in fields.of(raw).iter() {
            self.now.extend_from_slice(name.as_bytes());
            self.now.push(0);
        }
        if self.now == self.before {
            return;
        }
        for (name, _) in fields.of(raw).iter() {
            if !self.names.contains(name) {
                self.names.insert(name.to_owned());
            }
        }
        std::mem::swap(&mut self.before, &mut self.now);
    }
}
