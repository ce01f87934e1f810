//! Files in memory that keep apart what is written from what is durable, and can stop, fill up or fail at any step.
//!
//! After a power failure every write that was not synced is gone, there in part, or there with a hole, and every change of a name that
//! was not synced with its folder may be undone. A process that is killed loses nothing that it has written.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use logguard::archive::{Files, Held, LockKind, OpenFile};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A sector: the unit that a disk writes as a whole.
const SECTOR: usize = 512;

#[derive(Clone)]
pub struct FaultyFiles {
    disk: Arc<Mutex<Disk>>,
}

/// What goes wrong, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing more happens after so many steps.
    StopAfter(u64),
    /// The step of this number fails, later ones go on.
    FailAt(u64),
    /// So many bytes fit.
    Room(u64),
    None,
}

struct Disk {
    names: BTreeMap<String, usize>,
    folders: BTreeSet<String>,
    durable_names: BTreeMap<String, usize>,
    durable_folders: BTreeSet<String>,
    changes: Vec<Change>,
    nodes: Vec<Node>,
    fault: Fault,
    steps: u64,
    stopped: bool,
    random: StdRng,
    /// Who holds which lock: each by its number, and whether alone.
    locks: BTreeMap<String, Vec<(u64, bool)>>,
    lock_number: u64,
}

#[derive(Default, Clone)]
struct Node {
    durable: Vec<u8>,
    now: Vec<u8>,
    writes: Vec<Write>,
}

#[derive(Clone)]
enum Write {
    Append(Vec<u8>),
    Cut(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    Link(String, usize),
    Unlink(String),
    Rename(String, String),
    Folder(String),
}

impl Change {
    fn names(&self) -> Vec<&str> {
        match self {
            Change::Link(name, _) | Change::Unlink(name) | Change::Folder(name) => vec![name],
            Change::Rename(from, to) => vec![from, to],
        }
    }
}

fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn stopped() -> io::Error {
    io::Error::other("the power is gone")
}

impl FaultyFiles {
    pub fn new(seed: u64) -> FaultyFiles {
        let disk = Disk {
            names: BTreeMap::new(),
            folders: BTreeSet::new(),
            durable_names: BTreeMap::new(),
            durable_folders: BTreeSet::new(),
            changes: Vec::new(),
            nodes: Vec::new(),
            fault: Fault::None,
            steps: 0,
            stopped: false,
            random: StdRng::seed_from_u64(seed),
            locks: BTreeMap::new(),
            lock_number: 0,
        };
        FaultyFiles { disk: Arc::new(Mutex::new(disk)) }
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap()
    }

    /// What is to go wrong from now on; steps are counted anew.
    pub fn plan(&self, fault: Fault) {
        let mut disk = self.disk();
        disk.fault = fault;
        disk.steps = 0;
    }

    /// The processes are gone, all that they have written is there.
    pub fn restart(&self) {
        let mut disk = self.disk();
        disk.locks.clear();
        disk.stopped = false;
        disk.fault = Fault::None;
    }

    /// The machine is gone, with everything that was not durable, or a part of it.
    pub fn power_failure(&self) {
        let mut disk = self.disk();
        disk.lose_names();
        disk.lose_bytes();
        disk.locks.clear();
        disk.stopped = false;
        disk.fault = Fault::None;
    }

    /// As where locks do not work.
    pub fn forget_locks(&self) {
        self.disk().locks.clear();
    }

    /// All files by name.
    pub fn all(&self) -> BTreeMap<String, Vec<u8>> {
        let disk = self.disk();
        disk.names.iter().map(|(name, node)| (name.clone(), disk.nodes[*node].now.clone())).collect()
    }

    /// Puts a file there, durably.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        let mut disk = self.disk();
        let node = disk.nodes.len();
        disk.nodes.push(Node { durable: bytes.to_vec(), now: bytes.to_vec(), writes: Vec::new() });
        disk.names.insert(name.to_owned(), node);
        disk.durable_names.insert(name.to_owned(), node);
    }

    /// Changes one byte of a file.
    pub fn flip(&self, name: &str, at: usize, mask: u8) {
        let mut disk = self.disk();
        let node = disk.names[name];
        disk.nodes[node].now[at] ^= mask;
    }

    pub fn steps(&self) -> u64 {
        self.disk().steps
    }
}

impl Disk {
    /// One step more; says whether it may happen.
    fn step(&mut self) -> io::Result<()> {
        if self.stopped {
            return Err(stopped());
        }
        self.steps += 1;
        match self.fault {
            Fault::StopAfter(steps) if self.steps > steps => {
                self.stopped = true;
                Err(stopped())
            }
            Fault::FailAt(step) if self.steps == step => Err(io::Error::other("the disk says no")),
            _ => Ok(()),
        }
    }

    fn node(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn apply(&mut self, change: Change) {
        apply(&change, &mut self.names, &mut self.folders);
        self.changes.push(change);
    }

    fn lose_names(&mut self) {
        let mut lost: BTreeSet<String> = BTreeSet::new();
        for change in std::mem::take(&mut self.changes) {
            // What builds on a change that is lost is lost with it.
            let builds_on_lost =
                change.names().iter().any(|name| lost.contains(*name) || lost.contains(folder_of(name)));
            if builds_on_lost || self.random.random_bool(0.5) {
                lost.extend(change.names().iter().map(|name| (*name).to_owned()));
            } else {
                apply(&change, &mut self.durable_names, &mut self.durable_folders);
            }
        }
        self.names = self.durable_names.clone();
        self.folders = self.durable_folders.clone();
    }

    fn lose_bytes(&mut self) {
        for node in &mut self.nodes {
            let survive = self.random.random_range(0..=node.writes.len());
            let mut bytes = node.durable.clone();
            for (number, write) in node.writes.iter().enumerate().take(survive) {
                match write {
                    Write::Cut(len) => bytes.truncate(*len),
                    Write::Append(more) => {
                        let is_last = number + 1 == survive;
                        let start = bytes.len();
                        let whole = !is_last || self.random.random_bool(0.3);
                        let len = if whole { more.len() } else { self.random.random_range(0..=more.len()) };
                        bytes.extend_from_slice(&more[..len]);
                        if is_last && self.random.random_bool(0.3) && bytes.len() > start {
                            // One sector of what was written never came to the disk.
                            let at = self.random.random_range(start..bytes.len()) / SECTOR * SECTOR;
                            let end = (at + SECTOR).min(bytes.len());
                            bytes[at.max(start)..end].fill(0);
                        }
                    }
                }
            }
            *node = Node { durable: bytes.clone(), now: bytes, writes: Vec::new() };
        }
    }
}

fn apply(change: &Change, names: &mut BTreeMap<String, usize>, folders: &mut BTreeSet<String>) {
    match change {
        Change::Link(name, node) => {
            names.insert(name.clone(), *node);
        }
        Change::Unlink(name) => {
            names.remove(name);
        }
        Change::Rename(from, to) => {
            if let Some(node) = names.remove(from) {
                names.insert(to.clone(), node);
            }
        }
        Change::Folder(name) => {
            folders.insert(name.clone());
        }
    }
}

/// A lock as one process has it.
struct Locked {
    files: FaultyFiles,
    name: String,
    number: u64,
}

impl Drop for Locked {
    fn drop(&mut self) {
        if let Some(holders) = self.files.disk().locks.get_mut(&self.name) {
            holders.retain(|(number, _)| *number != self.number);
        }
    }
}

struct Opened {
    files: FaultyFiles,
    node: usize,
}

impl OpenFile for Opened {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.files.disk();
        let outcome = disk.step();
        let mut len = bytes.len();
        let mut result = Ok(());
        if let Err(cause) = outcome {
            // A write that fails or is interrupted may have written a part.
            len = disk.random.random_range(0..=len);
            result = Err(cause);
        } else if let Fault::Room(room) = disk.fault {
            let fits = len.min(usize::try_from(room).unwrap());
            disk.fault = Fault::Room(room - fits as u64);
            if fits < len {
                len = fits;
                result = Err(io::ErrorKind::StorageFull.into());
            }
        }
        let part = bytes[..len].to_vec();
        disk.nodes[self.node].now.extend_from_slice(&part);
        disk.nodes[self.node].writes.push(Write::Append(part));
        result
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        let mut disk = self.files.disk();
        disk.step()?;
        let len = usize::try_from(len).unwrap();
        disk.nodes[self.node].now.truncate(len);
        disk.nodes[self.node].writes.push(Write::Cut(len));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut disk = self.files.disk();
        disk.step()?;
        let node = &mut disk.nodes[self.node];
        node.durable.clone_from(&node.now);
        node.writes.clear();
        Ok(())
    }
}

impl Files for FaultyFiles {
    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("data").join(name)
    }

    fn make_folder(&self, name: &str) -> io::Result<()> {
        let mut disk = self.disk();
        disk.step()?;
        if !disk.folders.contains(name) {
            disk.apply(Change::Folder(name.to_owned()));
        }
        Ok(())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn OpenFile>> {
        let mut disk = self.disk();
        disk.step()?;
        let folder = folder_of(name);
        assert!(folder.is_empty() || disk.folders.contains(folder), "{name}: its folder was never made");
        let node = disk.nodes.len();
        disk.nodes.push(Node::default());
        disk.apply(Change::Link(name.to_owned(), node));
        Ok(Box::new(Opened { files: self.clone(), node }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn OpenFile>> {
        let known = self.disk().node(name);
        match known {
            Ok(node) => {
                self.disk().step()?;
                Ok(Box::new(Opened { files: self.clone(), node }))
            }
            Err(_) => self.create(name),
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut disk = self.disk();
        disk.step()?;
        disk.node(from)?;
        disk.apply(Change::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut disk = self.disk();
        disk.step()?;
        disk.node(name)?;
        disk.apply(Change::Unlink(name.to_owned()));
        Ok(())
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        let mut disk = self.disk();
        disk.step()?;
        // What a change of this folder builds on becomes durable with it.
        let (mut synced, mut rest, mut needed) = (Vec::new(), Vec::new(), BTreeSet::new());
        for change in std::mem::take(&mut disk.changes).into_iter().rev() {
            if change.names().iter().any(|name| folder_of(name) == folder || needed.contains(*name)) {
                needed.extend(change.names().iter().map(|name| (*name).to_owned()));
                synced.insert(0, change);
            } else {
                rest.insert(0, change);
            }
        }
        for change in synced {
            let Disk { durable_names, durable_folders, .. } = &mut *disk;
            apply(&change, durable_names, durable_folders);
        }
        disk.changes = rest;
        Ok(())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let disk = self.disk();
        if disk.stopped {
            return Err(stopped());
        }
        Ok(disk.nodes[disk.node(name)?].now.clone())
    }

    fn read_at(&self, name: &str, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let disk = self.disk();
        if disk.stopped {
            return Err(stopped());
        }
        let bytes = &disk.nodes[disk.node(name)?].now;
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let part = from.checked_add(len).and_then(|to| bytes.get(from..to));
        part.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        let disk = self.disk();
        Ok(disk.nodes[disk.node(name)?].now.len() as u64)
    }

    fn lock(&self, name: &str, kind: LockKind) -> io::Result<Option<Held>> {
        let mut disk = self.disk();
        if disk.stopped {
            return Err(stopped());
        }
        disk.lock_number += 1;
        let (number, alone) = (disk.lock_number, kind == LockKind::Alone);
        let holders = disk.locks.entry(name.to_owned()).or_default();
        if holders.iter().any(|(_, other)| alone || *other) {
            return Ok(None);
        }
        holders.push((number, alone));
        Ok(Some(Box::new(Locked { files: self.clone(), name: name.to_owned(), number })))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let disk = self.disk();
        if disk.stopped {
            return Err(stopped());
        }
        let within = disk.names.keys().filter(|name| folder_of(name) == folder);
        Ok(within.map(|name| name.rsplit('/').next().unwrap_or_default().to_owned()).collect())
    }
}
