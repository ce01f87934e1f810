//! Reads the files of the arguments, decides what is new, and feeds it to the row of stages.

use crossbeam_channel::Sender;
use sha2::Sha256;

use super::batch::Ended;
use super::facts::{file_id, path_hex};
use super::known::{FileState, Known, KnownInput};
use super::run::run_record;
use super::years::Years;
use super::{Counters, IngestOptions, Refused};
use crate::archive::{Acquisition, CustodyKind, GroupRef, Resumption, Run, Snapshot};
use crate::model::{InputId, Layout, Timestamp};
use crate::parse::{Hints, Parser, Registry, YearScan};
use crate::source::{self, Decision, Member, MemberEnd, Sink, SourceFile, Stop};

/// What the first stage hands to the second.
pub enum Fed {
    /// Lines of this input follow.
    Begin {
        /// The input.
        input: InputId,
        /// Reads its lines.
        parser: Box<Parser>,
        /// Bytes, records and lines known already, and their hash.
        known: Option<(KnownInput, Box<Sha256>)>,
    },
    /// Whole lines.
    Lines(InputId, Vec<u8>),
    /// The input ended.
    End(InputId, Ended),
    /// For the log of custody.
    Note(Box<CustodyKind>),
    /// Commit what there is.
    Flush,
}

/// What became of the files, for the report.
#[derive(Debug, Default)]
pub struct FeedReport {
    /// Inputs read for the first time.
    pub new: u64,
    /// Inputs that had grown.
    pub grown: u64,
    /// Files whose bytes are in the archive already; the second part names the input that has them, where it is another.
    pub unchanged: Vec<(String, Option<String>)>,
    /// What was not taken, and why.
    pub refused: Vec<Refused>,
    /// What was read only in part, and why.
    pub incomplete: Vec<Refused>,
}

/// The first stage.
pub struct Feeder<'a> {
    pub(super) options: &'a IngestOptions,
    pub(super) registry: &'a Registry,
    /// The archive before this run, for the state of inputs that go on; absent where nothing is kept.
    before: Option<Snapshot>,
    pub(super) known: Known,
    pub(super) counters: &'a Counters,
    pub(super) out: Sender<Fed>,
    pub(super) report: FeedReport,
    /// The plain file being read is known: go on behind these bytes.
    going_on: Option<(KnownInput, Box<Sha256>)>,
    /// The member being read, once something of it was handed on.
    current: Option<Current>,
    sample: Vec<u8>,
    /// Years of the members of the file being read.
    years: Years,
    /// Whether the log knows of this run.
    is_noted: bool,
}

struct Current {
    input: Option<InputId>,
    name: String,
    member: Member,
    resumed: Option<(KnownInput, Box<Sha256>)>,
    /// Line feeds read, those of known bytes among them.
    line_feeds: u64,
}

impl<'a> Feeder<'a> {
    /// A feeder that knows what the archive has.
    pub fn new(
        options: &'a IngestOptions,
        registry: &'a Registry,
        before: Option<Snapshot>,
        known: Known,
        counters: &'a Counters,
        out: Sender<Fed>,
    ) -> Self {
        let report = FeedReport::default();
        Feeder {
            options,
            registry,
            before,
            known,
            counters,
            out,
            report,
            going_on: None,
            current: None,
            sample: Vec::new(),
            years: Years::default(),
            is_noted: false,
        }
    }

    /// Reads one file; what can't be read is noted, not fatal.
    pub fn file(&mut self, file: &SourceFile) -> Result<(), Stop> {
        if file.path.as_os_str() == "-" {
            let stream = Box::new(std::io::stdin());
            let outcome = source::read_stream(stream, &file.name, self.options.caps, self)?;
            return outcome.map_or_else(|cause| self.refuse("-", &cause.to_string()), |_| Ok(()));
        }
        let shown = file.path.display().to_string();
        let data = match std::fs::metadata(&file.path) {
            Ok(data) => data,
            Err(cause) => return self.refuse(&shown, &format!("can't be read: {cause}")),
        };
        self.going_on = None;
        if data.is_file() {
            let stop = || self.counters.is_stopped();
            match self.known.look(&file.path, data.len(), file_id(&data), &stop) {
                Ok(FileState::New) => {}
                Ok(FileState::Same(known, _)) if known.is_complete => {
                    self.report.unchanged.push((shown, None));
                    self.counters.add_read(data.len());
                    return Ok(());
                }
                Ok(FileState::Copy(under)) => {
                    self.report.unchanged.push((shown, under));
                    self.counters.add_read(data.len());
                    return Ok(());
                }
                Ok(FileState::Grown(known, hash) | FileState::Same(known, hash)) => self.going_on = Some((known, hash)),
                Err(_) if self.counters.is_stopped() => return Err(Stop),
                Err(cause) => return self.refuse(&shown, &format!("can't be read: {cause}")),
            }
        }
        match source::read_file(&file.path, &file.name, self.options.caps, self)? {
            Ok(end) => {
                if let (true, Some(sha256)) = (end.is_container, end.sha256) {
                    let kind = CustodyKind::Container { path: shown, size: data.len(), sha256 };
                    self.note(kind)?;
                }
                Ok(())
            }
            Err(cause) => self.refuse(&shown, &format!("can't be read: {cause}")),
        }
    }

    /// Notes that something was not taken.
    pub fn refuse(&mut self, name: &str, reason: &str) -> Result<(), Stop> {
        self.report.refused.push(Refused { name: name.to_owned(), reason: reason.to_owned() });
        self.note(CustodyKind::Refuse { name: name.to_owned(), reason: reason.to_owned() })
    }

    /// Hands something on to the log of custody; the run comes first, and leaves no trace where nothing else does.
    fn note(&mut self, kind: CustodyKind) -> Result<(), Stop> {
        if !self.is_noted {
            self.is_noted = true;
            self.send(Fed::Note(Box::new(CustodyKind::Run(run_record(self.options)))))?;
        }
        self.send(Fed::Note(Box::new(kind)))
    }

    /// Announces an input that is read from its first byte.
    pub(super) fn open(&mut self, member: &Member, head: &[u8]) -> Result<(InputId, String), Stop> {
        let (input, name) = self.known.admit(&member.name);
        let year = self.year_of(member, head);
        let parser = self.parser(member, head, year)?;
        let detection = parser.detection();
        let acquisition = Acquisition {
            input,
            name: name.clone(),
            path: member.path.display().to_string(),
            path_hex: path_hex(&member.path),
            unpacked: member.unpacked.clone(),
            size: member.size,
            modified: member.modified.map(|time| time.0),
            device: member.file_id.map(|(device, _)| device),
            inode: member.file_id.map(|(_, inode)| inode),
            read_at: self.options.clock().to_string(),
            format: detection.format.clone(),
            confidence: (detection.confidence * 1_000.0).round() / 1_000.0,
            run: self.known.run(),
        };
        self.report.new += 1;
        self.note(CustodyKind::Acquire(acquisition))?;
        self.send(Fed::Begin { input, parser: Box::new(parser), known: None })?;
        Ok((input, name))
    }

    /// Announces an input that goes on behind known bytes.
    pub(super) fn go_on(
        &mut self,
        member: &Member,
        head: &[u8],
        known: KnownInput,
        hash: Box<Sha256>,
    ) -> Result<InputId, Stop> {
        let input = known.cursor.input;
        let (layout, time) = self.last_of(input).unzip();
        let resumed = Parser::resume(self.registry, self.hints(member), layout.as_ref(), time.flatten(), head);
        let parser = resumed.or_else(|_| self.parser(member, head, self.options.year))?;
        self.report.grown += 1;
        self.note(CustodyKind::Resume(Resumption {
            input,
            from: known.cursor.bytes,
            size: member.size,
            modified: member.modified.map(|time| time.0),
            read_at: self.options.clock().to_string(),
            run: self.known.run(),
        }))?;
        self.send(Fed::Begin { input, parser: Box::new(parser), known: Some((known, hash)) })?;
        Ok(input)
    }

    /// Layout and time of the last archived record of an input.
    fn last_of(&self, input: InputId) -> Option<(Layout, Option<Timestamp>)> {
        let of_input = |run: &Run| run.input == input;
        let before = self.before.as_ref()?;
        // Its segments may have been replaced since; what this run added is not of before.
        let (records, now) = (before.records(), before.refreshed().ok()?);
        let is_older = |group: &&GroupRef| group.first.0 < records && group.stats.runs.iter().any(of_input);
        now.groups().iter().rev().filter(is_older).find_map(|group| {
            let columns = now.columns(group).ok()?;
            let rows = columns.rows().min((records - group.first.0) as usize);
            let row = (0..rows).rev().find(|row| columns.input(*row) == Some(input))?;
            Some((columns.layout(row)?.clone(), columns.time(row)))
        })
    }

    fn hints(&self, member: &Member) -> Hints {
        Hints {
            name: member.name.clone(),
            modified: member.modified.or(Some(self.options.clock())),
            zone: self.options.zone,
            year: self.options.year,
            format: self.options.format.clone(),
        }
    }

    /// The year of the first record where stamps leave it out: such an input is read twice, for its first year follows from
    /// its end. A stream that can't be read twice begins in the year in which it ends.
    fn year_of(&mut self, member: &Member, head: &[u8]) -> Option<i32> {
        if self.options.year.is_some() {
            return self.options.year;
        }
        let modified = member.modified?;
        let mut scan = YearScan::default();
        head.split_inclusive(|byte| *byte == b'\n').take(1_000).for_each(|line| scan.line(line));
        scan.year(modified)?;
        if member.path.as_os_str() == "-" {
            return None;
        }
        if self.years.path != member.path {
            self.years = Years::of(&member.path, self.options.caps);
        }
        self.years.scans.get(&member.unpacked).and_then(|scan| scan.year(modified))
    }

    fn parser(&mut self, member: &Member, head: &[u8], year: Option<i32>) -> Result<Parser, Stop> {
        let hints = Hints { year, ..self.hints(member) };
        match Parser::new(self.registry, hints.clone(), head) {
            Ok(parser) => Ok(parser),
            // The forced format was checked before the first file; a parser without it always exists.
            Err(_) => Parser::new(self.registry, Hints { format: None, ..hints }, head).map_err(|_| Stop),
        }
    }

    pub(super) fn send(&self, fed: Fed) -> Result<(), Stop> {
        if self.counters.is_stopped() {
            return Err(Stop);
        }
        self.out.send(fed).map_err(|_| Stop)
    }

    /// The input of the member being read; it is announced with its first lines, so that an unchanged one leaves no trace.
    fn announced(&mut self) -> Result<InputId, Stop> {
        let Some(mut current) = self.current.take() else { return Err(Stop) };
        let input = match (current.input, current.resumed.take()) {
            (Some(input), _) => input,
            (None, Some((known, hash))) => {
                let head = std::mem::take(&mut self.sample);
                self.go_on(&current.member, &head, known, hash)?
            }
            (None, None) => {
                let head = std::mem::take(&mut self.sample);
                let (input, name) = self.open(&current.member, &head)?;
                current.name = name;
                input
            }
        };
        current.input = Some(input);
        self.current = Some(current);
        Ok(input)
    }
}

impl Sink for Feeder<'_> {
    fn begin(&mut self, member: &Member, head: &[u8]) -> Result<Decision, Stop> {
        self.sample.clear();
        self.sample.extend_from_slice(head);
        let mut current =
            Current { input: None, name: member.name.clone(), member: member.clone(), resumed: None, line_feeds: 0 };
        let decision = if member.unpacked.is_empty() {
            match self.going_on.take() {
                Some((known, hash)) => {
                    let bytes = known.cursor.bytes;
                    current.line_feeds = known.cursor.line_feeds();
                    current.resumed = Some((known, hash));
                    Decision::After(bytes)
                }
                None => Decision::Take,
            }
        } else {
            match self.known.member(member) {
                Some(known) => Decision::Resume { bytes: known.cursor.bytes, sha256: known.cursor.sha256.clone() },
                None => Decision::Take,
            }
        };
        let is_new = decision == Decision::Take;
        self.current = Some(current);
        if is_new {
            // Announced at once: an empty file is an input too.
            self.announced()?;
        }
        Ok(decision)
    }

    fn resumed(&mut self, hash: &Sha256) -> Result<(), Stop> {
        if let Some(current) = &mut self.current
            && let Some(known) = self.known.member(&current.member)
        {
            current.line_feeds = known.cursor.line_feeds();
            current.resumed = Some((known.clone(), Box::new(hash.clone())));
        }
        Ok(())
    }

    fn restarted(&mut self, _: &Member) -> Result<(), Stop> {
        self.announced().map(|_| ())
    }

    fn chunk(&mut self, bytes: Vec<u8>) -> Result<(), Stop> {
        let input = self.announced()?;
        if let Some(current) = &mut self.current {
            current.line_feeds += memchr::memchr_iter(b'\n', &bytes).count() as u64;
        }
        self.send(Fed::Lines(input, bytes))
    }

    fn end(&mut self, end: MemberEnd) -> Result<(), Stop> {
        let Some(current) = self.current.take() else { return Ok(()) };
        let skipped = end.skipped.map(|skipped| (skipped.offset, skipped.reason));
        if let Some((offset, reason)) = &skipped {
            let reason = format!("read up to byte {offset}: {reason}");
            self.report.incomplete.push(Refused { name: current.name.clone(), reason });
        }
        let ended = Ended { read: end.bytes, line_feeds: current.line_feeds, skipped };
        let is_complete = self.known.member(&current.member).is_some_and(|known| known.is_complete);
        match (current.input, current.resumed) {
            (Some(input), _) => self.send(Fed::End(input, ended)),
            // All its bytes were known, but an earlier run ended before it could say that these were all.
            (None, Some((known, hash))) if !is_complete => {
                let input = self.go_on(&current.member, &[], known, hash)?;
                self.send(Fed::End(input, ended))
            }
            _ => {
                self.report.unchanged.push((current.name, None));
                Ok(())
            }
        }
    }

    fn refused(&mut self, name: &str, reason: &str) -> Result<(), Stop> {
        self.refuse(name, reason)
    }

    fn progress(&mut self, bytes: u64) {
        self.counters.add_read(bytes);
    }
}
