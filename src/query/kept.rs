//! What questions read of row groups, kept for the next question within a bound of memory: columns, values cut from records, and
//! which records hold a text: who narrows a question down asks for the same again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;

use super::values::{Of, ValueColumn};
use crate::archive::GroupColumns;
use crate::archive::lines::{Hits, Needle};

/// Bytes that a cache takes at most, where its owner has no other wish.
const MOST: usize = 192 << 20;
/// Bytes that are counted for each thing kept, beside its own.
const EACH: usize = 128;
/// Different values that are remembered to have been asked for.
const MOST_ASKED: usize = 1_000;

/// Columns and values of the groups of one snapshot. What the question under way has used is not put out for more of it: a question
/// about more than fits finds again what fitted.
#[derive(Debug)]
pub struct Cache {
    most: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: HashMap<(u64, What), Entry>,
    bytes: usize,
    question: u64,
    /// The question in which nothing was left to be put out.
    full_in: Option<u64>,
    /// The question in which values were first asked for.
    asked: HashMap<Of, u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum What {
    Columns,
    Values(Of),
    Hits(Needle),
}

#[derive(Debug)]
struct Entry {
    thing: Thing,
    bytes: usize,
    used: u64,
}

#[derive(Debug, Clone)]
enum Thing {
    Columns(GroupColumns),
    /// Nothing where a group has too many different values to keep them.
    Values(Option<Arc<ValueColumn>>),
    Hits(Arc<Hits>),
}

impl Default for Cache {
    fn default() -> Cache {
        Cache::new(MOST)
    }
}

impl Cache {
    /// An empty one that takes at most so many bytes, roughly.
    pub fn new(most: usize) -> Cache {
        Cache { most, inner: Mutex::default() }
    }

    /// Another question begins.
    pub fn begin(&self) {
        self.inner().question += 1;
    }

    /// The columns of the group whose first record is `first`, as far as they were read.
    pub(super) fn columns(&self, first: u64) -> GroupColumns {
        match self.inner().get(&(first, What::Columns)) {
            Some(Thing::Columns(columns)) => columns,
            _ => GroupColumns::default(),
        }
    }

    /// Keeps columns of a group.
    pub(super) fn keep_columns(&self, first: u64, columns: &GroupColumns) {
        let bytes = columns.memory() + EACH;
        self.put((first, What::Columns), Thing::Columns(columns.clone()), bytes);
    }

    /// Values of a group, where they were cut before: `Some(None)` where there are too many to be kept.
    pub(super) fn values(&self, first: u64, of: &Of) -> Option<Option<Arc<ValueColumn>>> {
        match self.inner().get(&(first, What::Values(of.clone()))) {
            Some(Thing::Values(values)) => Some(values),
            _ => None,
        }
    }

    /// Whether an earlier question asked for these values and there is room for them; notes that this one does.
    pub(super) fn is_asked_again(&self, of: &Of) -> bool {
        let mut inner = self.inner();
        let question = inner.question;
        let first = match inner.asked.get(of) {
            Some(first) => *first,
            None => {
                if inner.asked.len() >= MOST_ASKED {
                    inner.asked.clear();
                }
                inner.asked.insert(of.clone(), question);
                question
            }
        };
        first < question && inner.full_in != Some(question)
    }

    /// Keeps values of a group.
    pub(super) fn keep_values(&self, first: u64, of: &Of, values: Option<Arc<ValueColumn>>) {
        let bytes = values.as_ref().map_or(0, |values| values.memory()) + of.name().len() + EACH;
        self.put((first, What::Values(of.clone())), Thing::Values(values), bytes);
    }

    /// Which records of a group hold a text, where that was looked up before.
    pub(super) fn hits(&self, first: u64, needle: &Needle) -> Option<Arc<Hits>> {
        match self.inner().get(&(first, What::Hits(needle.clone()))) {
            Some(Thing::Hits(hits)) => Some(hits),
            _ => None,
        }
    }

    /// Keeps which records of a group hold a text.
    pub(super) fn keep_hits(&self, first: u64, needle: &Needle, hits: &Arc<Hits>) {
        self.put((first, What::Hits(needle.clone())), Thing::Hits(Arc::clone(hits)), hits.memory() + EACH);
    }

    /// Lets go of all that is kept of a group.
    pub fn forget(&self, first: u64) {
        let mut inner = self.inner();
        let mut bytes = 0;
        inner.entries.retain(|(group, _), entry| {
            bytes += if *group == first { entry.bytes } else { 0 };
            *group != first
        });
        inner.bytes = inner.bytes.saturating_sub(bytes);
    }

    fn put(&self, key: (u64, What), thing: Thing, bytes: usize) {
        let mut inner = self.inner();
        let before = inner.entries.get(&key).map_or(0, |entry| entry.bytes);
        if before == bytes || !inner.has_room(bytes.saturating_sub(before), self.most) {
            return;
        }
        let used = inner.question;
        if let Some(old) = inner.entries.insert(key, Entry { thing, bytes, used }) {
            inner.bytes = inner.bytes.saturating_sub(old.bytes);
        }
        inner.bytes += bytes;
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn get(&mut self, key: &(u64, What)) -> Option<Thing> {
        let question = self.question;
        let entry = self.entries.get_mut(key)?;
        entry.used = question;
        Some(entry.thing.clone())
    }

    /// Makes room by what earlier questions used, the longest unused first.
    fn has_room(&mut self, bytes: usize, most: usize) -> bool {
        if self.bytes.saturating_add(bytes) <= most {
            return true;
        }
        if self.full_in == Some(self.question) {
            return false;
        }
        let question = self.question;
        let mut older: Vec<_> = self.entries.iter().filter(|(_, entry)| entry.used < question).collect();
        older.sort_by_key(|(_, entry)| entry.used);
        let (mut free, mut gone) = (most.saturating_sub(self.bytes), Vec::new());
        // More than is wanted now, so that it is not looked for at each step.
        let wanted = bytes.max(most / 16);
        for (key, entry) in older {
            if free >= wanted {
                break;
            }
            free += entry.bytes;
            gone.push(key.clone());
        }
        for key in gone {
            if let Some(entry) = self.entries.remove(&key) {
                self.bytes = self.bytes.saturating_sub(entry.bytes);
            }
        }
        let has_room = self.bytes.saturating_add(bytes) <= most;
        if !has_room {
            self.full_in = Some(question);
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Option<Arc<ValueColumn>> {
        let mut builder = crate::query::values::Builder::default();
        builder.value(text.as_bytes());
        builder.row();
        builder.finish().map(Arc::new)
    }

    #[test]
    fn what_earlier_questions_used_makes_room_and_what_this_one_used_stays() {
        let one = values("a").unwrap().memory() + "user".len() + EACH;
        let cache = Cache::new(2 * one);
        let user = Of::Field("user".to_owned());
        cache.begin();
        (0..3).for_each(|group| cache.keep_values(group, &user, values("a")));
        let held = |group| cache.values(group, &user).is_some();
        assert!(held(0) && held(1) && !held(2), "full, and all of it is of this question");
        cache.begin();
        assert!(held(1));
        cache.keep_values(3, &user, values("b"));
        assert!(held(1) && held(3) && !held(0));
    }
}
