//! What the archive has already: which files need not be read, which go on where they ended, and which names are taken.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::archive::{Cursor, InputState, Writer};
use crate::model::InputId;
use crate::source::Member;

/// How an input is in the archive.
#[derive(Debug, Clone)]
pub struct KnownInput {
    /// How far.
    pub cursor: Cursor,
    /// Whether it was read to its end.
    pub is_complete: bool,
}

impl KnownInput {
    /// Whether something is known of it: bytes, or that it has none.
    fn has_something(&self) -> bool {
        self.cursor.bytes > 0 || self.is_complete
    }
}

/// The inputs of the archive by what identifies them.
#[derive(Default)]
pub struct Known {
    by_place: HashMap<(String, Vec<String>), KnownInput>,
    by_file_id: HashMap<(u64, u64), (String, KnownInput)>,
    by_content: HashMap<String, String>,
    sizes: HashSet<u64>,
    containers: BTreeSet<(u64, String)>,
    names: HashSet<String>,
    next: u32,
    run: u32,
}

/// What is to be done with a file on disk.
#[derive(Debug)]
pub enum FileState {
    /// Read it.
    New,
    /// All its bytes are in the archive as itself; they are hashed.
    Same(KnownInput, Box<Sha256>),
    /// All its bytes are in the archive: as another input, where that is named, or as the members of a packed file.
    Copy(Option<String>),
    /// It has grown since: its known bytes, hashed.
    Grown(KnownInput, Box<Sha256>),
}

impl Known {
    /// Takes stock of an archive.
    pub fn of(writer: &Writer) -> Known {
        let containers = writer.containers().iter().map(|packed| (packed.size, packed.sha256.clone())).collect();
        let mut known = Known { next: writer.next_input().0, run: writer.next_run(), containers, ..Known::default() };
        for input in writer.inputs() {
            known.add(input);
        }
        known
    }

    fn add(&mut self, input: &InputState) {
        let acquisition = &input.acquisition;
        let mut state = KnownInput { cursor: input.cursor.clone(), is_complete: input.completion.is_some() };
        state.cursor.sha256 = input.sha256();
        self.names.insert(acquisition.name.clone());
        if let Some(completion) = &input.completion
            && completion.skipped.is_empty()
            && input.cursor.bytes > 0
        {
            self.by_content.insert(input.cursor.sha256.clone(), acquisition.name.clone());
            self.sizes.insert(input.cursor.bytes);
        }
        if let (Some(device), Some(inode), true) =
            (acquisition.device, acquisition.inode, acquisition.unpacked.is_empty())
        {
            self.by_file_id.insert((device, inode), (acquisition.path.clone(), state.clone()));
        }
        self.by_place.insert((acquisition.path.clone(), acquisition.unpacked.clone()), state);
    }

    /// Number of the run that takes stock.
    pub fn run(&self) -> u32 {
        self.run
    }

    /// The number and the name of a new input; a name that is taken gets `~2`, `~3` and so on behind it.
    pub fn admit(&mut self, name: &str) -> (InputId, String) {
        let input = InputId(self.next);
        self.next += 1;
        let mut free = name.to_owned();
        let mut number = 2u32;
        while !self.names.insert(free.clone()) {
            free = format!("{name}~{number}");
            number += 1;
        }
        (input, free)
    }

    /// What is known of a member of a container by where it was found.
    pub fn member(&self, member: &Member) -> Option<&KnownInput> {
        let known = self.by_place.get(&(member.path.display().to_string(), member.unpacked.clone()));
        known.filter(|known| known.has_something())
    }

    /// Looks at a regular file, by content: names and times alone decide nothing. `stop` ends a long look early.
    pub fn look(
        &self,
        path: &Path,
        size: u64,
        file_id: Option<(u64, u64)>,
        stop: &dyn Fn() -> bool,
    ) -> io::Result<FileState> {
        let place = (path.display().to_string(), Vec::new());
        let by_id = file_id.and_then(|id| self.by_file_id.get(&id)).map(|(_, known)| known);
        let as_itself =
            self.by_place.get(&place).or(by_id).filter(|known| known.cursor.bytes <= size && known.has_something());
        let might_be_other = self.sizes.contains(&size) || self.containers.iter().any(|(other, _)| *other == size);
        if as_itself.is_none() && !might_be_other {
            return Ok(FileState::New);
        }
        let mut file = File::open(path)?;
        let mut hash = Sha256::new();
        let prefix = as_itself.map_or(0, |known| known.cursor.bytes);
        take_in(&mut file, prefix, &mut hash, stop)?;
        if let Some(known) = as_itself
            && hex_of(&hash) == known.cursor.sha256
        {
            return Ok(if size > known.cursor.bytes {
                FileState::Grown(known.clone(), Box::new(hash))
            } else {
                FileState::Same(known.clone(), Box::new(hash))
            });
        }
        if !might_be_other {
            return Ok(FileState::New);
        }
        take_in(&mut file, size - prefix, &mut hash, stop)?;
        let sha256 = hex_of(&hash);
        if self.containers.contains(&(size, sha256.clone())) {
            return Ok(FileState::Copy(None));
        }
        Ok(match self.by_content.get(&sha256) {
            Some(name) => FileState::Copy(Some(name.clone())),
            None => FileState::New,
        })
    }
}

fn take_in(file: &mut File, bytes: u64, hash: &mut Sha256, stop: &dyn Fn() -> bool) -> io::Result<()> {
    let mut part = file.take(bytes);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = part.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        if stop() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        hash.update(buffer.get(..read).unwrap_or_default());
    }
}

/// The hash so far, hexadecimal; the hash itself can go on.
pub fn hex_of(hash: &Sha256) -> String {
    hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
