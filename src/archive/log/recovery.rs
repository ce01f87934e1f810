//! What an earlier run left behind that did not end well: kept in a folder of its own, named in the log, never thrown away. And
//! files of segments that others took the place of: removed when nobody reads them any more.

use std::collections::HashSet;
use std::time::Duration;

use super::{Log, Part, READERS_LOCK, wait_for};
use crate::archive::ArchiveError;
use crate::archive::chain::Tail;
use crate::archive::custody::{CUSTODY, CustodyKind};
use crate::archive::reader::SEGMENTS;
use crate::archive::storage::LockKind;
use crate::archive::tree::Sha;

/// Folder for what recovery found and did not throw away.
const SET_ASIDE: &str = "set-aside";

impl Log {
    /// Keeps the bytes of a write that was cut short, then cuts them off the log.
    pub(super) fn set_tail_aside(&mut self, tail: &Tail) -> Result<CustodyKind, ArchiveError> {
        let path = self.storage.path(CUSTODY);
        if tail.is_damage {
            let what = format!(
                "custody entry {} is not what was written; nothing is added to a damaged log (see 'logguard verify')",
                self.chain.next()
            );
            return Err(ArchiveError::Damaged { path, offset: self.chain.bytes, what });
        }
        let sha256 = Sha::of(&tail.bytes);
        let short: String = sha256.to_string().chars().take(16).collect();
        let file = format!("{SET_ASIDE}/custody-tail-{}-{short}", self.chain.next());
        let written = self.storage.create(&file, &tail.bytes);
        self.or_poison(&file, "setting a torn tail aside", written)?;
        let cut = self.storage.truncate(CUSTODY, self.chain.bytes);
        self.or_poison(CUSTODY, "cutting a torn tail off", cut)?;
        self.recovery.set_aside.push(format!(
            "the last {} bytes of {} were a commit that never finished; they are now in {}",
            tail.bytes.len(),
            path.display(),
            self.storage.path(&file).display()
        ));
        Ok(CustodyKind::SetAside { file, bytes: tail.bytes.len() as u64, sha256 })
    }

    /// Sets strays aside and removes what was replaced: of the own part, and of the other where nobody is at it.
    pub(super) fn tidy(&mut self, events: &mut Vec<CustodyKind>) -> Result<(), ArchiveError> {
        // The readers' lock must be there before the first reader, for none of them makes it.
        let readers = self.storage.lock(READERS_LOCK, LockKind::Alone);
        drop(self.or_poison(READERS_LOCK, "making", readers)?);
        match self.part {
            Part::Segments => {
                self.set_strays_aside(&[Part::Segments], events)?;
                self.remove_replaced(Duration::ZERO)?;
            }
            Part::Records => {
                let other = self.storage.lock(Part::Segments.lock(), LockKind::Alone);
                if let Some(_other) = self.or_poison(Part::Segments.lock(), "locking", other)? {
                    self.set_strays_aside(&[Part::Records, Part::Segments], events)?;
                    self.remove_replaced(Duration::ZERO)?;
                } else {
                    self.set_strays_aside(&[Part::Records], events)?;
                }
            }
        }
        self.name_set_aside(events)
    }

    /// Enters what was set aside by a run that ended before it could say so.
    fn name_set_aside(&mut self, events: &mut Vec<CustodyKind>) -> Result<(), ArchiveError> {
        let named = |log: &Log, file: &String| {
            let is_it = |event: &CustodyKind| matches!(event, CustodyKind::SetAside { file: name, .. } if name == file);
            log.state.set_aside.iter().any(|known| known.file == *file) || events.iter().any(is_it)
        };
        let files = self.list(SET_ASIDE)?.into_iter().map(|name| format!("{SET_ASIDE}/{name}"));
        let unnamed: Vec<String> = files.filter(|file| !named(self, file)).collect();
        for file in unnamed {
            let path = self.storage.path(&file);
            let read = self.storage.read(&file);
            let bytes = read.map_err(|cause| ArchiveError::Io { path: path.clone(), action: "reading", cause })?;
            let what = "was set aside by a run that ended before it could enter it in the log";
            self.recovery.set_aside.push(format!("{} {what}", path.display()));
            events.push(CustodyKind::SetAside { file, bytes: bytes.len() as u64, sha256: Sha::of(&bytes) });
        }
        Ok(())
    }

    /// Removes the files of segments that others took the place of, once nobody reads; gives how many are left. Only for one who
    /// holds the lock of the segments: nobody else may bring such a file back.
    pub fn remove_replaced(&mut self, patience: Duration) -> Result<u64, ArchiveError> {
        let listed = self.list(SEGMENTS)?;
        let replaced: Vec<String> = listed.into_iter().filter(|file| self.state.replaced.contains(file)).collect();
        if replaced.is_empty() {
            return Ok(0);
        }
        let alone = wait_for(&*self.storage, READERS_LOCK, LockKind::Alone, patience);
        let Some(_alone) = self.or_poison(READERS_LOCK, "locking", alone)? else { return Ok(replaced.len() as u64) };
        for file in replaced {
            let name = format!("{SEGMENTS}/{file}");
            let removed = self.storage.remove(&name);
            self.or_poison(&name, "removing", removed)?;
        }
        Ok(0)
    }

    /// Which part of the work a stray is of: new records come behind those of the log, segments written anew do not.
    fn part_of(&self, stray: &str) -> Part {
        let digits = stray.split(|letter: char| !letter.is_ascii_digit()).next().unwrap_or_default();
        match digits.parse::<u64>() {
            Ok(first) if first < self.state.records => Part::Segments,
            _ => Part::Records,
        }
    }

    /// Segments that no commit names were written by a run that ended before its commit.
    fn set_strays_aside(&mut self, of: &[Part], events: &mut Vec<CustodyKind>) -> Result<(), ArchiveError> {
        let committed: HashSet<String> = self.state.segments.values().map(|segment| segment.file.clone()).collect();
        let is_stray = |file: &String| {
            !committed.contains(file) && !self.state.replaced.contains(file) && of.contains(&self.part_of(file))
        };
        let strays: Vec<_> = self.list(SEGMENTS)?.into_iter().filter(is_stray).collect();
        let mut taken: HashSet<String> =
            if strays.is_empty() { HashSet::new() } else { self.list(SET_ASIDE)?.into_iter().collect() };
        for stray in strays {
            // What was set aside before is never written over.
            let mut name = stray.clone();
            for number in 2.. {
                if taken.insert(name.clone()) {
                    break;
                }
                name = format!("{stray}~{number}");
            }
            let (from, file) = (format!("{SEGMENTS}/{stray}"), format!("{SET_ASIDE}/{name}"));
            let read = self.storage.read(&from);
            let path = self.storage.path(&from);
            let bytes = read.map_err(|cause| ArchiveError::Io { path: path.clone(), action: "reading", cause })?;
            let moved = self.storage.rename(&from, &file);
            self.or_poison(&from, "setting aside", moved)?;
            self.recovery.set_aside.push(format!(
                "{} belongs to no commit; it is now {}",
                path.display(),
                self.storage.path(&file).display()
            ));
            events.push(CustodyKind::SetAside { file, bytes: bytes.len() as u64, sha256: Sha::of(&bytes) });
        }
        Ok(())
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, ArchiveError> {
        let listed = self.storage.list(folder);
        listed.map_err(|cause| ArchiveError::Io { path: self.storage.path(folder), action: "listing", cause })
    }
}
