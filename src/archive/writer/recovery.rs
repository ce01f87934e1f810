//! What an earlier run left behind that did not end well: kept in a folder of its own, named in the log, never thrown away.

use std::collections::HashSet;

use super::{Recovery, Writer};
use crate::archive::ArchiveError;
use crate::archive::chain::Tail;
use crate::archive::custody::{CUSTODY, CustodyKind};
use crate::archive::reader::SEGMENTS;
use crate::archive::tree::Sha;

/// Folder for what recovery found and did not throw away.
const SET_ASIDE: &str = "set-aside";

impl Writer {
    /// Keeps the bytes of a write that was cut short, then cuts them off the log.
    pub(super) fn set_tail_aside(&mut self, tail: &Tail, recovery: &mut Recovery) -> Result<CustodyKind, ArchiveError> {
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
        recovery.set_aside.push(format!(
            "the last {} bytes of {} were a commit that never finished; they are now in {}",
            tail.bytes.len(),
            path.display(),
            self.storage.path(&file).display()
        ));
        Ok(CustodyKind::SetAside { file, bytes: tail.bytes.len() as u64, sha256 })
    }

    /// Segments that no commit names were written by a run that ended before its commit.
    pub(super) fn set_strays_aside(
        &mut self,
        events: &mut Vec<CustodyKind>,
        recovery: &mut Recovery,
    ) -> Result<(), ArchiveError> {
        let committed: HashSet<String> = self.state.segments.values().map(|segment| segment.file.clone()).collect();
        let strays: Vec<_> = self.list(SEGMENTS)?.into_iter().filter(|file| !committed.contains(file)).collect();
        let mut taken: HashSet<String> =
            if strays.is_empty() { HashSet::new() } else { self.list(SET_ASIDE)?.into_iter().collect() };
        for stray in strays {
            // A segment that another took the place of, by a run that ended before it could remove it.
            if self.state.replaced.contains(&stray) {
                let name = format!("{SEGMENTS}/{stray}");
                let removed = self.storage.remove(&name);
                self.or_poison(&name, "removing", removed)?;
                continue;
            }
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
            recovery.set_aside.push(format!(
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
