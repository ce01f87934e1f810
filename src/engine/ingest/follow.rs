//! The run of the feed: the backfill of all files, and after it, where asked for, what is appended to them.
//!
//! Followed files are looked at four times a second and new ones are searched for once a second: looking works on every file
//! system, where notifications do not. A file that was renamed stays open until nothing more comes, and what took its
//! name is a new input; one that was cut is read anew from its first byte, as an input of its own.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use super::batch::Ended;
use super::facts::{file_id, modified};
use super::feed::{Fed, FeedReport, Feeder};
use super::known::{FileState, KnownInput};
use super::{OwnFiles, Refused};
use crate::model::InputId;
use crate::source::{self, Followed, Growth, Listed, Member, SourceFile, Stop, grown};

/// Time between two looks at the followed files.
const LOOK: Duration = Duration::from_millis(250);
/// Time between two searches for new files.
const SEARCH: Duration = Duration::from_secs(1);
/// A renamed or removed file is let go when nothing came for this long.
const PATIENCE: Duration = Duration::from_secs(10);

struct Open {
    file: SourceFile,
    followed: Followed,
    input: Option<InputId>,
    /// Known bytes behind which it goes on, until its first lines.
    known: Option<(KnownInput, Box<sha2::Sha256>)>,
    last_growth: Instant,
    /// Line feeds read, those of known bytes among them.
    line_feeds: u64,
}

impl Open {
    fn ended(&self, read: u64) -> Ended {
        Ended { read, line_feeds: self.line_feeds, skipped: None }
    }
}

impl Feeder<'_> {
    /// Reads all files, then follows them where asked for. `Err` where the run was stopped before its end.
    pub fn run(&mut self, listed: Listed) -> Result<(), Stop> {
        for (name, reason) in listed.refused {
            self.refuse(&name, &reason)?;
        }
        let mut open = Vec::new();
        for file in &listed.files {
            if self.options.follow && is_plain(&file.path) {
                open.extend(self.open_followed(file)?);
            } else {
                self.file(file)?;
            }
        }
        if !self.options.follow {
            return Ok(());
        }
        self.look_at(&mut open)?;
        self.counters.set_waiting();
        self.send(Fed::Flush)?;
        let outcome = self.follow(&listed.files, &mut open);
        // The wish to stop is how following ends: what was read is committed like any other.
        for opened in open {
            if let Some(input) = opened.input {
                self.close(input, opened.ended(opened.followed.bytes))?;
            }
        }
        match outcome {
            Err(Stop) if self.counters.is_stopped() => Ok(()),
            other => other,
        }
    }

    /// Ends the stage and gives its report.
    pub fn finish(self) -> FeedReport {
        self.report
    }

    fn follow(&mut self, first: &[SourceFile], open: &mut Vec<Open>) -> Result<(), Stop> {
        let mut seen: std::collections::HashSet<_> = first
            .iter()
            .filter_map(|file| std::fs::metadata(&file.path).ok().and_then(|data| file_id(&data)))
            .collect();
        let mut searched = Instant::now();
        while !self.counters.is_stopped() {
            std::thread::sleep(LOOK);
            if self.look_at(open)? {
                self.send(Fed::Flush)?;
            }
            if searched.elapsed() >= SEARCH {
                searched = Instant::now();
                let before = (open.len(), self.report.new);
                self.search(open, &mut seen)?;
                if (open.len(), self.report.new) != before {
                    self.look_at(open)?;
                    self.send(Fed::Flush)?;
                }
            }
        }
        Ok(())
    }

    /// Takes up what was appended; says whether anything was.
    fn look_at(&mut self, open: &mut Vec<Open>) -> Result<bool, Stop> {
        let mut any = false;
        let mut gone = Vec::new();
        for (at, opened) in open.iter_mut().enumerate() {
            let before = opened.followed.bytes;
            let mut input = opened.input;
            let mut known = opened.known.take();
            let member = member_of(&opened.file, &opened.followed.file);
            let mut line_feeds = opened.line_feeds;
            let growth = grown(&mut opened.followed, |lines| {
                let to = match (input, known.take()) {
                    (Some(input), _) => input,
                    (None, Some((known, hash))) => self.go_on(&member, &head_of(&opened.file.path), known, hash)?,
                    (None, None) => self.open(&member, lines.get(..source::SAMPLE_BYTES).unwrap_or(&lines))?.0,
                };
                input = Some(to);
                line_feeds += memchr::memchr_iter(b'\n', &lines).count() as u64;
                self.counters.add_read(lines.len() as u64);
                self.send(Fed::Lines(to, lines))
            })?;
            opened.input = input;
            opened.known = known;
            opened.line_feeds = line_feeds;
            if opened.followed.bytes > before {
                any = true;
                opened.last_growth = Instant::now();
            }
            match growth {
                Ok(Growth::Cut { length }) => {
                    let reason = format!(
                        "was cut to {length} bytes after {before} had been read; it is read anew as another input"
                    );
                    self.report.incomplete.push(Refused { name: opened.file.path.display().to_string(), reason });
                    if let Some(input) = opened.input.take() {
                        self.close(input, opened.ended(before))?;
                    }
                    opened.known = None;
                    opened.line_feeds = 0;
                    opened.followed.bytes = 0;
                }
                Ok(_) => {
                    let is_elsewhere = std::fs::metadata(&opened.followed.path)
                        .map_or(true, |data| file_id(&data) != opened.followed.file_id);
                    if is_elsewhere && opened.last_growth.elapsed() > PATIENCE {
                        gone.push(at);
                    }
                }
                Err(cause) => {
                    let reason = format!("can't be read any more: {cause}");
                    self.report.incomplete.push(Refused { name: opened.file.path.display().to_string(), reason });
                    gone.push(at);
                }
            }
        }
        for at in gone.into_iter().rev() {
            let opened = open.remove(at);
            if let Some(input) = opened.input {
                self.close(input, opened.ended(opened.followed.bytes))?;
            }
        }
        Ok(any)
    }

    /// Looks for files that were not there before, by identity: a renamed file is the same file.
    fn search(&mut self, open: &mut Vec<Open>, seen: &mut std::collections::HashSet<(u64, u64)>) -> Result<(), Stop> {
        let ours = OwnFiles::of(self.options);
        for argument in &self.options.paths {
            // A pattern or file that matches nothing at the moment may do so again.
            let Ok(listed) = source::list(std::slice::from_ref(argument), &|path| ours.contains(path)) else {
                continue;
            };
            for file in listed.files {
                let id = std::fs::metadata(&file.path).ok().and_then(|data| file_id(&data));
                let Some(id) = id else { continue };
                if !seen.insert(id) {
                    continue;
                }
                if is_plain(&file.path) {
                    open.extend(self.open_followed(&file)?);
                } else {
                    self.file(&file)?;
                }
            }
        }
        Ok(())
    }

    fn open_followed(&mut self, file: &SourceFile) -> Result<Option<Open>, Stop> {
        let shown = file.path.display().to_string();
        let opened = File::open(&file.path).and_then(|handle| Ok((handle.metadata()?, handle)));
        let (data, handle) = match opened {
            Ok(opened) => opened,
            Err(cause) => {
                self.refuse(&shown, &format!("can't be read: {cause}"))?;
                return Ok(None);
            }
        };
        let stop = || self.counters.is_stopped();
        let state = self.known.look(&file.path, data.len(), file_id(&data), &stop);
        let mut known = None;
        let (mut bytes, mut line_feeds) = (0, 0);
        match state {
            Ok(FileState::New) => {}
            Ok(FileState::Copy(under)) => {
                self.report.unchanged.push((shown, under));
                self.counters.add_read(data.len());
                bytes = data.len();
            }
            Ok(FileState::Grown(input, hash) | FileState::Same(input, hash)) => {
                bytes = input.cursor.bytes;
                line_feeds = input.cursor.line_feeds();
                if bytes == data.len() {
                    self.report.unchanged.push((shown, None));
                }
                self.counters.add_read(bytes);
                known = Some((input, hash));
            }
            Err(cause) => {
                self.refuse(&shown, &format!("can't be read: {cause}"))?;
                return Ok(None);
            }
        }
        let followed = Followed { path: file.path.clone(), file_id: file_id(&data), file: handle, bytes };
        Ok(Some(Open { file: file.clone(), followed, input: None, known, last_growth: Instant::now(), line_feeds }))
    }

    /// Ends an input also when the run was asked to stop.
    fn close(&self, input: InputId, ended: Ended) -> Result<(), Stop> {
        self.out.send(Fed::End(input, ended)).map_err(|_| Stop)
    }
}

fn is_plain(path: &Path) -> bool {
    path.is_file() && !source::is_container(&head_of(path))
}

fn head_of(path: &Path) -> Vec<u8> {
    let mut head = Vec::new();
    if let Ok(file) = File::open(path) {
        // A file that can't be read shows this to whoever reads it next.
        let _ = file.take(source::SAMPLE_BYTES as u64).read_to_end(&mut head);
    }
    head
}

fn member_of(file: &SourceFile, handle: &File) -> Member {
    let data = handle.metadata().ok();
    Member {
        name: file.name.clone(),
        path: file.path.clone(),
        unpacked: Vec::new(),
        size: data.as_ref().map(std::fs::Metadata::len),
        modified: data.as_ref().and_then(modified),
        file_id: data.as_ref().and_then(file_id),
    }
}
