//! The words of dictionaries, read when they are first asked for: a few of them, or all.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};

use super::DecodeError;
use super::forms::{Described, Form};
use super::pack::{Meta, Packs};
use super::read::Loader;
use super::values::Text;

/// The dictionaries of a stripe, each loaded when it is first needed.
pub struct Dictionaries {
    entries: Vec<Entries>,
    /// What the shared part says of them.
    description: Vec<u8>,
    packs: Mutex<Packs<'static>>,
    /// Bytes that the entries of one dictionary may add up to.
    most: usize,
}

/// The entries of a dictionary.
pub struct Entries {
    pub form: Form,
    pub count: usize,
    /// Where the description says what their values are, and the number of blobs referred to before.
    pub at: (usize, u32),
    pub loaded: OnceLock<Arc<Text>>,
    /// Whether somebody asked for some of them: who asks again gets all, read once.
    pub asked: AtomicBool,
}

impl Dictionaries {
    /// Dictionaries as described in the shared part, whose blobs are in `packs`.
    pub fn new(entries: Vec<Entries>, description: Vec<u8>, packs: Packs<'static>, most: usize) -> Dictionaries {
        Dictionaries { entries, description, packs: Mutex::new(packs), most }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The words of a dictionary; one that asks for it must come before it, so that none waits for itself.
    pub fn get(&self, number: usize, after: Option<usize>) -> Result<Arc<Text>, DecodeError> {
        let entries = self.entries(number, after)?;
        if let Some(text) = entries.loaded.get() {
            return Ok(Arc::clone(text));
        }
        let text = self.load(number, entries, |loader, described| loader.text(described, entries.count))?;
        Ok(Arc::clone(entries.loaded.get_or_init(|| Arc::new(text))))
    }

    /// The same of a few words alone, by their ascending ids, and whether all were read after all.
    pub fn some(&self, number: usize, after: Option<usize>, ids: &[u64]) -> Result<(Arc<Text>, bool), DecodeError> {
        let entries = self.entries(number, after)?;
        if entries.loaded.get().is_some() || entries.asked.swap(true, Relaxed) {
            return Ok((self.get(number, after)?, true));
        }
        let wanted: Vec<usize> = ids.iter().map(|id| *id as usize).collect();
        if wanted.last().is_some_and(|last| *last >= entries.count) {
            return Err(DecodeError("no such word in a dictionary"));
        }
        let text = self.load(number, entries, |loader, described| loader.words(described, entries.count, &wanted))?;
        Ok((Arc::new(text), false))
    }

    fn entries(&self, number: usize, after: Option<usize>) -> Result<&Entries, DecodeError> {
        let entries = self.entries.get(number).filter(|_| after.is_none_or(|after| number > after));
        entries.ok_or(DecodeError("a dictionary that is not there"))
    }

    fn load(
        &self,
        number: usize,
        entries: &Entries,
        take: impl FnOnce(&mut Loader<'_, '_>, &Described<'_>) -> Result<Text, DecodeError>,
    ) -> Result<Text, DecodeError> {
        let mut loader = Loader::of_dictionary(number, &self.packs, self, self.most);
        let described = entries.form.describe(&mut Meta::at(&self.description, entries.at))?;
        take(&mut loader, &described)
    }
}
