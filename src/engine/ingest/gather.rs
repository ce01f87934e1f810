//! Blocks -> stripes of row groups: hashes every input as its bytes go by, and has stripes filled and encoded on the pool, order kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;

use crossbeam_channel::{Receiver, Sender, bounded};
use sha2::{Digest, Sha256};

use super::IngestOptions;
use super::batch::{Block, Ended, Flow};
use super::known::hex_of;
use super::permits::{Permit, Permits};
use crate::archive::{
    Completion, Cursor, CustodyKind, EncodedStripe, NewRecord, Seal, Sha, Skipped, StripeBuilder, record_leaf,
};
use crate::index::{FlaggedRecord, GroupWords, WordCollector};
use crate::model::{InputId, Origin};
use crate::parse::REVISION;

/// A group is full at this many records.
pub const GROUP_RECORDS: usize = 8_192;
/// A group is full at this many raw bytes too.
pub const GROUP_BYTES: u64 = 4 << 20;
/// A stripe is full at this many records.
pub const STRIPE_RECORDS: usize = 8 * GROUP_RECORDS;
/// A stripe is full at this many raw bytes too; where memory is short, at a 32nd of it.
pub const STRIPE_BYTES: usize = 16 << 20;

/// A stripe of row groups with what the index needs of it.
pub struct Packed {
    /// The stripe, or why it could not be packed.
    pub stripe: io::Result<EncodedStripe>,
    /// Hashes of its records' leaves in the record tree.
    pub leaves: Vec<Sha>,
    /// Words of its groups; `first` counts from the stripe's first record.
    pub words: Vec<GroupWords>,
    /// Its flagged records; `id` counts from the stripe's first record.
    pub flagged: Vec<FlaggedRecord>,
    /// Canonical field names that occur, sorted.
    pub fields: Vec<String>,
    /// How far its inputs are after it.
    pub cursors: Vec<Cursor>,
}

/// What the last stage receives, in order.
pub enum Kept {
    /// A stripe that is being packed; the packed one comes through the channel. Its place is free again once it is kept.
    Stripe(Receiver<Packed>, Permit),
    /// For the log of custody.
    Note(Box<CustodyKind>),
    /// Commit now.
    Flush,
}

/// What a stripe is made of, in order. It is sent as it comes, so that no more than a few blocks wait for the whole.
enum Part {
    /// The hash of the acquisition of an input that later blocks have records of.
    Source(InputId, Sha),
    Block(Box<Block>),
    /// There is no more of it; how far its inputs are.
    End(Vec<Cursor>),
}

/// Blocks that may wait to be taken into a stripe.
const WAITING: usize = 2;

/// The stripe that is gathered.
struct Open {
    parts: Sender<Part>,
    packed: Receiver<Packed>,
    records: usize,
    bytes: usize,
    /// The inputs whose sources were sent.
    sources: BTreeSet<InputId>,
}

#[derive(Clone, Default)]
struct Seen {
    hash: Sha256,
    bytes: u64,
    records: u64,
    line_feeds: u64,
    ends_open: bool,
}

impl Seen {
    fn cursor(&self, input: InputId) -> Cursor {
        let (bytes, records, open) = (self.bytes, self.records, self.ends_open);
        Cursor { input, bytes, records, lines: self.line_feeds + u64::from(open), open, sha256: hex_of(&self.hash) }
    }
}

/// The fourth stage.
pub struct Gather {
    out: Sender<Kept>,
    unkept: Permits,
    recycle: Sender<Box<Block>>,
    pool: rayon::ThreadPool,
    seal: Seal,
    stripe_bytes: usize,
    inputs: BTreeMap<InputId, Seen>,
    open: Option<Open>,
    touched: BTreeSet<InputId>,
    closing: Vec<(Option<Cursor>, Completion)>,
    /// Hashes of the acquisition records, by input.
    sources: HashMap<InputId, Sha>,
    /// Hash of this run's record.
    run: Sha,
}

impl Gather {
    /// A stage that packs on `pool` with the effort and memory of the options; `sources` are the acquisition hashes of the inputs known before.
    pub fn new(
        out: Sender<Kept>,
        unkept: Permits,
        recycle: Sender<Box<Block>>,
        pool: rayon::ThreadPool,
        options: &IngestOptions,
        sources: HashMap<InputId, Sha>,
    ) -> Gather {
        let most = usize::try_from(options.memory / 32).unwrap_or(STRIPE_BYTES);
        Gather {
            out,
            unkept,
            recycle,
            pool,
            seal: options.seal,
            stripe_bytes: most.clamp(GROUP_BYTES as usize, STRIPE_BYTES),
            inputs: BTreeMap::new(),
            open: None,
            touched: BTreeSet::new(),
            closing: Vec::new(),
            sources,
            run: Sha::default(),
        }
    }

    /// Works until the stage before ends; `None` where the next stage is gone.
    pub fn run(mut self, from: &Receiver<Flow>) -> Option<()> {
        for flow in from {
            match flow {
                Flow::Block(mut block) => {
                    let mut open = match self.open.take() {
                        Some(open) => open,
                        None => self.begin(),
                    };
                    self.take_in(&block, &mut open)?;
                    for (input, ended) in block.ends.drain(..) {
                        self.end(input, ended);
                    }
                    open.records += block.rows.len();
                    open.bytes += block.bytes.len();
                    let is_full = open.records >= STRIPE_RECORDS || open.bytes >= self.stripe_bytes;
                    open.parts.send(Part::Block(block)).ok()?;
                    self.open = Some(open);
                    if is_full {
                        self.pack()?;
                    }
                }
                Flow::Resume { known, hash } => {
                    let (bytes, records, line_feeds) = (known.bytes, known.records, known.line_feeds());
                    let seen = Seen { hash: *hash, bytes, records, line_feeds, ends_open: known.open };
                    self.inputs.insert(known.input, seen);
                }
                Flow::End { input, ended } => {
                    self.end(input, ended);
                    if self.open.is_none() {
                        self.close()?;
                    }
                }
                Flow::Note(kind) => {
                    self.note_source(&kind);
                    self.out.send(Kept::Note(kind)).ok()?;
                }
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

    /// Learns the hashes that the leaves of later records hold.
    fn note_source(&mut self, kind: &CustodyKind) {
        match kind {
            CustodyKind::Run(run) => self.run = run.hash().unwrap_or_default(),
            CustodyKind::Acquire(acquisition) => {
                if let Ok(hash) = acquisition.hash(&self.run) {
                    self.sources.insert(acquisition.input, hash);
                }
            }
            _ => {}
        }
    }

    fn take_in(&mut self, block: &Block, open: &mut Open) -> Option<()> {
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
            seen.line_feeds += memchr::memchr_iter(b'\n', bytes).count() as u64;
            seen.ends_open = bytes.last() != Some(&b'\n');
            self.touched.insert(first.input);
            if let Some(source) = self.sources.get(&first.input)
                && open.sources.insert(first.input)
            {
                open.parts.send(Part::Source(first.input, *source)).ok()?;
            }
            rows = rest;
        }
        Some(())
    }

    /// The input's last word. It waits for the group with the input's last records: a completion speaks of kept bytes.
    fn end(&mut self, input: InputId, ended: Ended) {
        let seen = self.inputs.remove(&input).unwrap_or_default();
        let skipped = ended.skipped.map(|(offset, reason)| Skipped { offset, length: None, reason });
        let (read, line_feeds) = (ended.read, ended.line_feeds);
        let completion = Completion { input, read, line_feeds, skipped: skipped.into_iter().collect() };
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

    /// Begins a stripe: it is filled and then packed by a thread of the pool, as soon as there is one.
    fn begin(&self) -> Open {
        let (parts, from) = bounded(WAITING);
        let (to, packed) = bounded(1);
        let (recycle, level, bytes) = (self.recycle.clone(), self.seal.level(), self.stripe_bytes);
        self.pool.spawn(move || {
            let mut packing = Packing::new(bytes);
            for part in from {
                match part {
                    Part::Source(input, source) => {
                        packing.sources.insert(input, source);
                    }
                    Part::Block(mut block) => {
                        packing.take(&block);
                        // What is still to be done, and takes longest, needs the block no more.
                        block.recycle();
                        let _ = recycle.try_send(block);
                    }
                    // The receiver is gone only when the run has failed already.
                    Part::End(cursors) => return drop(to.send(packing.finish(cursors, level))),
                }
            }
        });
        Open { parts, packed, records: 0, bytes: 0, sources: BTreeSet::new() }
    }

    /// Ends the stripe, if there is one, and hands it on.
    fn pack(&mut self) -> Option<()> {
        let Some(open) = self.open.take() else { return self.close() };
        let mut cursors: Vec<Cursor> = self.closing.iter_mut().filter_map(|(cursor, _)| cursor.take()).collect();
        for input in std::mem::take(&mut self.touched) {
            cursors.extend(self.inputs.get(&input).map(|seen| seen.cursor(input)));
        }
        open.parts.send(Part::End(cursors)).ok()?;
        self.out.send(Kept::Stripe(open.packed, self.unkept.take())).ok()?;
        self.close()
    }
}

/// The blocks of one stripe on their way into it. Runs on any thread; depends on nothing but what it is given.
struct Packing {
    /// Hashes of the acquisitions of its inputs.
    sources: BTreeMap<InputId, Sha>,
    builder: StripeBuilder,
    collector: WordCollector,
    words: Vec<GroupWords>,
    flagged: Vec<FlaggedRecord>,
    leaves: Vec<Sha>,
    failure: Option<io::Error>,
}

impl Packing {
    /// One of about so many raw bytes.
    fn new(bytes: usize) -> Packing {
        let mut builder = StripeBuilder::with_fields(REVISION);
        builder.reserve(STRIPE_RECORDS + GROUP_RECORDS, bytes + GROUP_BYTES as usize);
        Packing {
            sources: BTreeMap::new(),
            builder,
            collector: WordCollector::default(),
            words: Vec::new(),
            flagged: Vec::new(),
            leaves: Vec::new(),
            failure: None,
        }
    }

    fn take(&mut self, block: &Block) {
        let mut verdicts = block.verdicts.iter().peekable();
        for (number, (row, parsed)) in block.rows.iter().zip(&block.parsed).enumerate() {
            let raw = block.bytes.get(row.start..row.end).unwrap_or_default();
            let verdict = verdicts.next_if(|(of, _)| *of as usize == number).map(|(_, verdict)| verdict);
            if let Some(verdict) = verdict.filter(|verdict| verdict.flagged) {
                self.flagged.push(FlaggedRecord {
                    id: self.builder.rows() as u64,
                    score: verdict.score,
                    rules: verdict.rules.clone(),
                    reasons: verdict.reasons.iter().map(|reason| reason.text.clone()).collect(),
                    entity: verdict.entity.clone(),
                });
            }
            self.collector.add_record(raw);
            for value in parsed.fields.values_of_their_own(raw) {
                self.collector.add(value);
            }
            self.leaf(row.input, row.offset, raw);
            let (template_hash, template) =
                block.templates.get(row.template as usize).map_or((0, ""), |(hash, text)| (*hash, text.as_str()));
            let Some((_, _, layout)) = block.layouts.get(row.layout as usize) else { continue };
            self.builder.push(&NewRecord {
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
                fields: Some(parsed.fields.of(raw)),
            });
        }
        // Between blocks, so that a group is one for index and archive alike.
        if self.builder.group_rows() >= GROUP_RECORDS || self.builder.group_bytes() >= GROUP_BYTES {
            self.close_group();
        }
    }

    /// Hashes the leaf of a record in the record tree.
    fn leaf(&mut self, input: InputId, offset: u64, raw: &[u8]) {
        let leaf = match self.sources.get(&input) {
            Some(source) => record_leaf(source, offset, raw).ok_or("a record is longer than 4 GiB"),
            None => Err("a record came before its acquisition"),
        };
        match leaf {
            Ok(leaf) => self.leaves.push(leaf),
            Err(what) => self.failure = Some(io::Error::new(io::ErrorKind::InvalidData, what)),
        }
    }

    fn close_group(&mut self) {
        if self.builder.group_rows() > 0 {
            self.builder.close_group();
            self.words.push(self.collector.finish());
        }
    }

    fn finish(mut self, cursors: Vec<Cursor>, level: i32) -> Packed {
        self.close_group();
        let mut first = 0;
        for group in &mut self.words {
            group.first = first;
            first += group.count;
        }
        let mut fields = self.builder.field_names().to_vec();
        fields.sort_unstable();
        let stripe = match self.failure {
            Some(failure) => Err(failure),
            None => self.builder.encode(level),
        };
        Packed { stripe, leaves: self.leaves, words: self.words, flagged: self.flagged, fields, cursors }
    }
}
