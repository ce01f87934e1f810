//! The record tree, computed anew from re-hashed leaves and compared with every root that the log has.

use crate::archive::{BLOCK_LEAVES, CommitMark, Frontier, Sha, Snapshot};

/// A root that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Differs {
    /// The root of a block: its first record, and one past its last.
    Block(u64, u64),
    /// The root of a commit: the number of its entry, and the records it covers.
    Commit(u64, u64),
}

/// Takes the leaves in record order. A block with records that can't be read or differ is replaced by its recorded root, so that
/// all others can still be checked.
pub struct TreeCheck<'a> {
    blocks: &'a [Sha],
    commits: &'a [CommitMark],
    /// Root at an earlier size, as somebody kept it.
    pin: Option<(u64, Sha)>,
    /// The recorded roots of the blocks gone by.
    outer: Frontier,
    /// The leaves of the block being read.
    inner: Frontier,
    /// Records of the block being read, readable or not.
    in_block: u64,
    /// Whether a record of the block being read is missing.
    has_gap: bool,
    next_block: usize,
    next_commit: usize,
    /// Blocks whose root is the recorded one.
    pub good_blocks: u64,
    /// Commits whose root is the recorded one.
    pub good_commits: u64,
    /// Whether the tree had the pinned root at the pinned size; absent until that size.
    pub pinned: Option<bool>,
    /// What differs.
    pub differs: Vec<Differs>,
}

impl<'a> TreeCheck<'a> {
    /// A check against the roots of a snapshot, and one that was kept elsewhere.
    pub fn new(snapshot: &'a Snapshot, pin: Option<(u64, Sha)>) -> TreeCheck<'a> {
        let mut check = TreeCheck {
            blocks: snapshot.blocks(),
            commits: snapshot.commit_marks(),
            pin,
            outer: Frontier::default(),
            inner: Frontier::default(),
            in_block: 0,
            has_gap: false,
            next_block: 0,
            next_commit: 0,
            good_blocks: 0,
            good_commits: 0,
            pinned: None,
            differs: Vec::new(),
        };
        check.compare();
        check
    }

    fn size(&self) -> u64 {
        self.outer.size() + self.in_block
    }

    /// The next record, by the hash of its leaf.
    pub fn leaf(&mut self, leaf: Sha) {
        self.inner.push(leaf);
        self.step();
    }

    /// Records that can't be read.
    pub fn skip(&mut self, records: u64) {
        for _ in 0..records {
            self.has_gap = true;
            self.step();
        }
    }

    fn step(&mut self) {
        self.in_block += 1;
        if self.in_block == BLOCK_LEAVES {
            self.end_block();
        }
        self.compare();
    }

    fn end_block(&mut self) {
        let first = self.outer.size();
        let recorded = self.blocks.get(self.next_block).copied();
        let found = (!self.has_gap).then(|| self.inner.root());
        match (recorded, found) {
            (Some(recorded), Some(found)) if recorded == found => self.good_blocks += 1,
            (_, Some(_)) => self.differs.push(Differs::Block(first, first + BLOCK_LEAVES)),
            _ => {}
        }
        self.outer.push_block(recorded.or(found).unwrap_or_default());
        self.next_block += 1;
        self.inner = Frontier::default();
        self.in_block = 0;
        self.has_gap = false;
    }

    /// Compares the roots of what ends at this size.
    fn compare(&mut self) {
        let size = self.size();
        let is_due = self.commits.get(self.next_commit).is_some_and(|commit| commit.records <= size);
        let is_pinned = self.pin.is_some_and(|(pinned, _)| pinned == size) && self.pinned.is_none();
        if !is_due && !is_pinned {
            return;
        }
        let root = (!self.has_gap).then(|| self.outer.root_with(&self.inner));
        while let Some(commit) = self.commits.get(self.next_commit).filter(|commit| commit.records <= size) {
            match root {
                Some(root) if commit.records == size && commit.root == root => self.good_commits += 1,
                Some(_) => self.differs.push(Differs::Commit(commit.entry, commit.records)),
                None => {}
            }
            self.next_commit += 1;
        }
        if let Some((_, pinned)) = self.pin.filter(|_| is_pinned) {
            self.pinned = Some(root == Some(pinned));
        }
    }
}
