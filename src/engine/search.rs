//! Questions to a store: plan, evaluate on all cores, hand out in one total order, say what was covered.

mod aggregate;
mod grammar;
mod near;

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::{EngineError, Store};
use crate::archive::{ArchiveError, GroupStats, Needs, Snapshot};
use crate::index::Reader as IndexReader;
use crate::model::{FieldSet, FoundRecord, Interpret, RecordId, RecordView, Timestamp, Zone};
use crate::parse::Registry;
use crate::query::{
    Candidate, Decoded, GroupMatches, Limits, Matcher, Output, Pipeline, Plan, Query, QueryContext, Shown, Table,
    evaluate, filter, plan,
};

/// Decoded groups are kept for handing out up to this many bytes; more are read again.
const KEPT_BYTES: usize = 192 << 20;
/// Up to this many wanted records are held while all matches are counted; more are handed out as they come.
const HELD: u64 = 10_000;

/// So few lines of a group are unpacked one by one.
const FEW: usize = 4;

pub use grammar::Grammar;

/// How a question is asked.
#[derive(Debug, Clone, Copy)]
pub struct SearchOptions {
    /// Records wanted, newest first; `None`: all.
    pub limit: Option<u64>,
    /// Use no index.
    pub scan: bool,
    /// An unknown field is no error.
    pub lenient: bool,
    /// Zone of times that the query states without one.
    pub zone: Zone,
    /// Time after which the answer ends with what was looked at so far; `None`: none.
    pub time_limit: Option<Duration>,
}

impl Default for SearchOptions {
    /// Everything, by the index, with known fields only, in UTC, however long it takes.
    fn default() -> SearchOptions {
        SearchOptions { limit: None, scan: false, lenient: false, zone: Zone::UTC, time_limit: None }
    }
}

/// What an answer speaks of.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// Records in the archive.
    pub records: u64,
    /// Records that the answer speaks of; fewer only where something could not be read.
    pub covered: u64,
    /// Row groups that were not read because they can't hold a match.
    pub pruned: u64,
    /// Row groups of the archive.
    pub groups: u64,
    /// Records that were looked at.
    pub looked_at: u64,
    /// The limit of time that was reached, where that is why not all records are covered.
    pub late: Option<Duration>,
    /// What could not be read, and why.
    pub unreadable: Vec<String>,
    /// Why no index was used, where that was not the caller's wish.
    pub index: Option<String>,
}

/// What is left to say when all records were handed out.
#[derive(Debug, Clone, Default)]
pub struct SearchSummary {
    /// Records that match, before pipes.
    pub matched: u64,
    /// Records or rows of the whole answer, behind pipes, whatever the limit of records handed out.
    pub given: u64,
    /// Earliest time among them.
    pub first: Option<Timestamp>,
    /// Latest time among them.
    pub last: Option<Timestamp>,
    /// What the answer speaks of.
    pub coverage: Coverage,
    /// What the pipes gave, where that is a table.
    pub table: Option<Table>,
    /// What the caller should know of how the query was read.
    pub hints: Vec<String>,
    /// Seconds from question to answer.
    pub seconds: f64,
    /// How the query was read and what was done, for `explain`.
    pub explain: Vec<String>,
}

impl SearchSummary {
    /// Whether the answer speaks of every record of the archive.
    pub fn is_complete(&self) -> bool {
        self.coverage.covered >= self.coverage.records
    }

    /// What is not as the caller may think: what the answer leaves out, and why.
    pub fn warnings(&self) -> Vec<String> {
        let coverage = &self.coverage;
        let mut lines: Vec<String> = coverage.unreadable.iter().map(|part| format!("unreadable: {part}")).collect();
        if let Some(limit) = coverage.late {
            let (covered, records) = (coverage.covered, coverage.records);
            lines.push(format!("incomplete: time limit of {limit:?} reached; {covered} of {records} records covered"));
        }
        lines.extend(coverage.index.iter().map(|cause| format!("no index used: {cause}")));
        lines
    }
}

/// Finds what is to be marked in the lines of an answer.
#[derive(Default)]
pub struct Marker(Option<Matcher>);

impl Marker {
    /// Marks what the free text of a query matches.
    pub fn of(query: &Query) -> Marker {
        Marker(Matcher::compile(&query.tree).ok())
    }

    /// Fills `marks` with the ranges to be marked, in order, not overlapping.
    pub fn marks(&self, line: &[u8], marks: &mut Vec<std::ops::Range<usize>>) {
        marks.clear();
        if let Some(matcher) = &self.0 {
            matcher.highlights(line, marks);
        }
    }
}

/// A store opened for questions: one snapshot of archive and index.
pub struct Search {
    store: Store,
    registry: Registry,
    snapshot: Snapshot,
    index: Option<IndexReader>,
    index_note: Option<String>,
    span: (Option<Timestamp>, Option<Timestamp>),
}

/// What becomes of the matches behind the one just handed out.
enum Flow {
    /// They are handed out.
    More,
    /// They are counted.
    Count,
    /// Nothing: nobody listens.
    Stop,
}

/// A match's place in the order of answers: newest first, records without a time last, then the later record first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    time: i64,
    id: u64,
}

struct Ranked(Place, FoundRecord);

impl PartialEq for Ranked {
    fn eq(&self, other: &Ranked) -> bool {
        self.0 == other.0
    }
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Ranked) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Ranked) -> Ordering {
        // The least wanted record is on top of the heap.
        other.0.cmp(&self.0)
    }
}

impl Search {
    /// Opens archive and index; an index that can't be used is noted, and everything is read from the archive.
    pub(super) fn open(store: &Store) -> Result<Search, EngineError> {
        let snapshot = store.snapshot()?;
        let (index, index_note) = match IndexReader::open(&store.config().index, snapshot.identity()) {
            Ok(index) => (Some(index), None),
            Err(cause) => (None, Some(cause.to_string())),
        };
        let span = span_of(&snapshot);
        Ok(Search { store: store.clone(), registry: store.registry().clone(), snapshot, index, index_note, span })
    }

    /// Takes up what was committed since it was opened.
    pub fn refresh(&mut self) -> Result<(), EngineError> {
        let snapshot = self.snapshot.refreshed()?;
        if snapshot.commits() != self.snapshot.commits() {
            *self = Search { span: span_of(&snapshot), ..Search::open(&self.store)? };
        }
        Ok(())
    }

    /// The archive it looks at.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Times of the oldest and the newest record.
    pub fn span(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        self.span
    }

    /// Reads a query in the context of this store.
    pub fn parse(&self, text: &str, options: &SearchOptions) -> Result<Query, EngineError> {
        let context = QueryContext {
            now: self.store.clock(),
            start: self.span.0,
            end: self.span.1,
            zone: options.zone,
            known_fields: self.snapshot.fields(),
            lenient: options.lenient,
        };
        Ok(Query::parse(text, &context)?)
    }

    /// Answers a query: `found` receives the records in order until it says `false` or the limit is reached. With pipes, it
    /// receives nothing: their output is in the summary. `stop` ends the work early with [`EngineError::Interrupted`].
    pub fn run(
        &self,
        query: &Query,
        options: &SearchOptions,
        stop: &AtomicBool,
        mut found: impl FnMut(FoundRecord) -> bool,
    ) -> Result<SearchSummary, EngineError> {
        let mut run = Run::plan(self, query, options, stop)?;
        if query.pipes.is_empty() {
            match options.limit.unwrap_or(u64::MAX) {
                limit @ ..=HELD => {
                    for record in run.newest(limit)? {
                        if !found(record) {
                            break;
                        }
                    }
                }
                mut left => run.in_order(Wanted::ALL, |view| {
                    left -= 1;
                    Ok(match found(FoundRecord::of(view)) {
                        true if left == 0 => Flow::Count,
                        true => Flow::More,
                        false => Flow::Stop,
                    })
                })?,
            }
        } else {
            let limits = Limits { zone: options.zone, ..Limits::default() };
            let mut pipeline = Pipeline::new(&query.pipes, limits)?;
            let wanted =
                Wanted { needs: pipeline.needs(), lines: pipeline.needs_lines(), fields: pipeline.needs_fields() };
            if pipeline.needs_order() {
                run.in_order(wanted, |view| {
                    pipeline.push(view)?;
                    Ok(if pipeline.done() { Flow::Count } else { Flow::More })
                })?;
            } else {
                run.aggregate(&mut pipeline)?;
            }
            match pipeline.finish()? {
                Output::Table(table) => {
                    run.summary.given = table.rows.len() as u64;
                    run.summary.table = Some(table);
                }
                Output::Records { rows, shown } => {
                    run.summary.given = rows.len() as u64;
                    let mut kept = Kept::default();
                    let wanted = rows.len().min(options.limit.map_or(usize::MAX, |limit| limit as usize));
                    for (number, row) in rows.iter().take(wanted).enumerate() {
                        if run.is_late() {
                            run.leave_out((wanted - number) as u64);
                            break;
                        }
                        if stop.load(Relaxed) {
                            return Err(EngineError::Interrupted);
                        }
                        let Some(mut record) = kept.record(row.id, self)? else { continue };
                        record.fields.extend(row.extracted.iter().cloned());
                        show(&mut record, &shown);
                        if !found(record) {
                            break;
                        }
                    }
                }
                Output::Context { count, hits } => {
                    let near = self.near(count as u64, &hits, &|| run.is_stopped())?;
                    run.summary.given = near.len() as u64;
                    let limit = options.limit.map_or(usize::MAX, |limit| limit as usize);
                    let left = self.hand_out(near.iter().take(limit), &|| run.is_stopped(), &mut found)?;
                    let lost = if near.is_empty() { hits.len() as u64 } else { left };
                    if lost > 0 {
                        run.leave_out(lost);
                    }
                }
            }
        }
        if query.pipes.is_empty() {
            run.summary.given = run.summary.matched;
        }
        Ok(run.finish())
    }

    /// The number of records that match.
    pub fn count(
        &self,
        query: &Query,
        options: &SearchOptions,
        stop: &AtomicBool,
    ) -> Result<SearchSummary, EngineError> {
        let mut run = Run::plan(self, query, options, stop)?;
        run.newest(0)?;
        Ok(run.finish())
    }
}

/// Leaves the fields that are to be shown, in the order asked for.
fn show(record: &mut FoundRecord, shown: &Shown) {
    record.fields.retain(|(name, _)| !shown.drop.contains(name));
    if !shown.keep.is_empty() {
        let place = |name: &String| shown.keep.iter().position(|kept| kept == name);
        record.fields.retain(|(name, _)| place(name).is_some());
        record.fields.sort_by_key(|(name, _)| place(name));
    }
}

/// Names of the fields that every record has or may have, whatever its format.
pub fn built_in_fields() -> &'static [&'static str] {
    crate::query::BUILT_IN_FIELDS
}

/// A moment as people type it in a query; `now` is what relative ones refer to.
pub fn parse_time(text: &str) -> Option<Timestamp> {
    crate::query::moment(text)
}

fn span_of(snapshot: &Snapshot) -> (Option<Timestamp>, Option<Timestamp>) {
    let first = snapshot.groups().iter().filter_map(|group| group.stats.first_time).min();
    let last = snapshot.groups().iter().filter_map(|group| group.stats.last_time).max();
    (first.map(Timestamp), last.map(Timestamp))
}

/// Whether all times of a group lie within a span.
fn is_within(stats: &GroupStats, span: (Option<Timestamp>, Option<Timestamp>)) -> bool {
    match (stats.first_time, stats.last_time, span) {
        (None, None, _) => true,
        (Some(first), Some(last), (Some(from), Some(to))) => from.0 <= first && last <= to.0,
        _ => false,
    }
}

/// One question being answered.
struct Run<'a> {
    search: &'a Search,
    matcher: Matcher,
    plan: Plan,
    stop: &'a AtomicBool,
    started: Instant,
    time_limit: Option<Duration>,
    summary: SearchSummary,
}

impl<'a> Run<'a> {
    fn plan(
        search: &'a Search,
        query: &Query,
        options: &SearchOptions,
        stop: &'a AtomicBool,
    ) -> Result<Run<'a>, EngineError> {
        let started = Instant::now();
        let matcher = Matcher::compile(&query.tree)?;
        let filter = filter(&query.tree);
        let index = search.index.as_ref().filter(|_| !options.scan);
        let mut index_note = search.index_note.clone().filter(|_| !options.scan);
        let planned = match plan(&filter, &search.snapshot, index) {
            Ok(planned) => planned,
            Err(cause) => {
                index_note = Some(cause.to_string());
                plan(&filter, &search.snapshot, None)?
            }
        };
        let mut summary = SearchSummary { hints: query.hints.clone(), ..SearchSummary::default() };
        let rescored = search.snapshot.rescored();
        if rescored > 0 && matcher.needs().meets(Needs::SCORES | Needs::VERDICTS | Needs::RULES) {
            summary.hints.push(match rescored >= search.snapshot.records() {
                true => "scores are of a second pass over all records ('logguard rescore')".to_owned(),
                false => format!("scores of records below {rescored} are of a second pass, later ones of the first"),
            });
        }
        summary.coverage = Coverage {
            records: search.snapshot.records(),
            groups: planned.groups,
            pruned: planned.pruned_by_columns + planned.pruned_by_index,
            index: index_note,
            unreadable: search.snapshot.unreadable().to_vec(),
            ..Coverage::default()
        };
        let readable: u64 = search.snapshot.groups().iter().map(|group| u64::from(group.stats.rows)).sum();
        summary.coverage.covered = readable;
        summary.explain = vec![
            format!("read as  {}", query.tree),
            match (&planned.lookup, options.scan) {
                (Some(lookup), _) => format!("index    {lookup:?}"),
                (None, true) => "index    not used (--scan)".to_owned(),
                (None, false) => "index    nothing to ask it".to_owned(),
            },
            format!(
                "plan     {} of {} row groups to read, {} records; {} ruled out by columns, {} by the index, {} records not indexed yet",
                planned.candidates.len(),
                planned.groups,
                planned.records,
                planned.pruned_by_columns,
                planned.pruned_by_index,
                planned.not_indexed
            ),
            format!("planned  in {:.1} ms", started.elapsed().as_secs_f64() * 1_000.0),
        ];
        Ok(Run { search, matcher, plan: planned, stop, started, time_limit: options.time_limit, summary })
    }

    fn finish(mut self) -> SearchSummary {
        self.summary.seconds = self.started.elapsed().as_secs_f64();
        self.summary.explain.push(format!(
            "matched  {} of {} records looked at, in {:.1} ms",
            self.summary.matched,
            self.summary.coverage.looked_at,
            self.summary.seconds * 1_000.0
        ));
        self.summary
    }

    /// Candidates in order of their latest time, newest first.
    fn ordered_candidates(&self) -> Vec<Candidate> {
        let mut candidates = self.plan.candidates.clone();
        let groups = self.search.snapshot.groups();
        let latest = |candidate: &Candidate| {
            groups.get(candidate.group).and_then(|group| group.stats.last_time).unwrap_or(i64::MIN)
        };
        candidates.sort_by_key(|candidate| (std::cmp::Reverse(latest(candidate)), std::cmp::Reverse(candidate.group)));
        candidates
    }

    /// Evaluates some candidates side by side, takes from each what `take` does, and takes stock of them. `needs` says which columns
    /// of a group are wanted where a row matches.
    ///
    /// Past the limit of time it only notes that they are not covered.
    fn evaluate<T: Send>(
        &mut self,
        candidates: &[Candidate],
        needs: &(dyn Fn(&GroupStats) -> Needs + Sync),
        take: &(dyn Fn(&mut GroupMatches) -> Result<T, ArchiveError> + Sync),
    ) -> Result<Vec<(usize, GroupMatches, T)>, EngineError> {
        if self.stop.load(Relaxed) {
            return Err(EngineError::Interrupted);
        }
        let (snapshot, registry, matcher) = (&self.search.snapshot, &self.search.registry, &self.matcher);
        if self.is_late() {
            let groups = candidates.iter().filter_map(|candidate| snapshot.groups().get(candidate.group));
            let rows = groups.map(|group| u64::from(group.stats.rows)).sum();
            self.leave_out(rows);
            return Ok(Vec::new());
        }
        let span = (self.summary.first, self.summary.last);
        let one = |candidate: &Candidate| {
            let stats = &snapshot.group(candidate.group)?.stats;
            let mut group = evaluate(snapshot, candidate, matcher, needs(stats), registry)?;
            // The span of all matches is told without times where all rows match, or none can widen what is known.
            let is_whole = group.rows.is_empty() || group.rows.len() == stats.rows as usize;
            if !is_whole && !is_within(stats, span) {
                group.decoded.need(snapshot, Needs::TIMES)?;
            }
            let taken = take(&mut group)?;
            Ok((group, taken))
        };
        let evaluated: Vec<(usize, Result<_, ArchiveError>)> =
            candidates.par_iter().map(|candidate| (candidate.group, one(candidate))).collect();
        let mut matches = Vec::with_capacity(evaluated.len());
        for (number, outcome) in evaluated {
            match outcome {
                Ok((group, taken)) => {
                    self.summary.matched += group.rows.len() as u64;
                    self.summary.coverage.looked_at += group.looked_at;
                    let stats = snapshot.groups().get(number).map(|group| &group.stats);
                    if let Some(stats) = stats.filter(|stats| stats.rows as usize == group.rows.len()) {
                        // All of them match: their span is known without a time.
                        self.summary.first =
                            [self.summary.first, stats.first_time.map(Timestamp)].into_iter().flatten().min();
                        self.summary.last =
                            [self.summary.last, stats.last_time.map(Timestamp)].into_iter().flatten().max();
                        matches.push((number, group, taken));
                        continue;
                    }
                    let is_timed = group.decoded.columns().loaded().contains(Needs::TIMES);
                    for row in group.rows.iter().filter(|_| is_timed) {
                        let Some(time) = group.decoded.columns().time(*row as usize) else { continue };
                        self.summary.first = Some(self.summary.first.map_or(time, |first| first.min(time)));
                        self.summary.last = Some(self.summary.last.map_or(time, |last| last.max(time)));
                    }
                    matches.push((number, group, taken));
                }
                Err(cause) => {
                    let rows = snapshot.groups().get(number).map_or(0, |group| u64::from(group.stats.rows));
                    self.summary.coverage.covered = self.summary.coverage.covered.saturating_sub(rows);
                    self.summary.coverage.unreadable.push(cause.to_string());
                }
            }
        }
        Ok(matches)
    }

    /// The newest `limit` records of all matches; all matches are counted.
    fn newest(&mut self, limit: u64) -> Result<Vec<FoundRecord>, EngineError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let candidates = self.ordered_candidates();
        let mut best: BinaryHeap<Ranked> = BinaryHeap::new();
        let mut fields = FieldSet::default();
        for part in candidates.chunks(4 * rayon::current_num_threads()) {
            let worst = best.peek().filter(|_| best.len() >= limit).map_or(i64::MIN, |Ranked(worst, _)| worst.time);
            // Of a group that is older than all that is wanted, matches are only counted.
            let is_wanted = |stats: &GroupStats| limit > 0 && stats.last_time.unwrap_or(i64::MIN) >= worst;
            let needs = |stats: &GroupStats| if is_wanted(stats) { Needs::TIMES } else { Needs::NOTHING };
            for (number, mut group, ()) in self.evaluate(part, &needs, &|_| Ok(()))? {
                if !self.search.snapshot.groups().get(number).is_some_and(|group| is_wanted(&group.stats)) {
                    continue;
                }
                let mut wanted: Vec<Place> =
                    group.rows.iter().map(|row| self.place(number, &group.decoded, *row)).collect();
                wanted.sort_unstable_by(|a, b| b.cmp(a));
                wanted.truncate(limit);
                if best.len() >= limit
                    && let Some(Ranked(worst, _)) = best.peek()
                {
                    wanted.retain(|place| place > worst);
                }
                let are_few = wanted.len() <= FEW;
                for place in wanted {
                    if best.len() >= limit && best.peek().is_some_and(|Ranked(worst, _)| *worst >= place) {
                        break;
                    }
                    let row = self.row_of(number, place.id);
                    match are_few {
                        true => group.decoded.unpack_one(&self.search.snapshot, row as u32)?,
                        false => group.decoded.unpack(&self.search.snapshot)?,
                    }
                    group.decoded.need(&self.search.snapshot, Needs::ALL)?;
                    group.decoded.cut(row, Some(&self.search.registry), &mut fields);
                    let view = group.decoded.view(&self.search.snapshot, row, &fields);
                    best.push(Ranked(place, FoundRecord::of(&view)));
                    if best.len() > limit {
                        best.pop();
                    }
                }
            }
        }
        Ok(best.into_sorted_vec().into_iter().map(|Ranked(_, record)| record).collect())
    }

    /// Hands out all matches in order for as long as `found` wants more.
    fn in_order(
        &mut self,
        wanted: Wanted,
        mut found: impl FnMut(&RecordView<'_>) -> Result<Flow, EngineError>,
    ) -> Result<(), EngineError> {
        let mut is_wanted = true;
        let candidates = self.ordered_candidates();
        let groups = self.search.snapshot.groups();
        let mut pending: BinaryHeap<Place> = BinaryHeap::new();
        let mut kept = Kept::default();
        let mut parts = candidates.chunks(2 * rayon::current_num_threads()).peekable();
        while let Some(part) = parts.next() {
            for (number, group, ()) in self.evaluate(part, &|_| Needs::TIMES, &|_| Ok(()))? {
                if !is_wanted {
                    continue;
                }
                pending.extend(group.rows.iter().map(|row| self.place(number, &group.decoded, *row)));
                if !group.rows.is_empty() {
                    kept.add(number, group.decoded);
                }
            }
            // What is newer than anything still to come can go out.
            let to_come = parts.peek().and_then(|part| part.first()).and_then(|next| groups.get(next.group));
            let horizon = match to_come {
                Some(group) => group.stats.last_time.unwrap_or(i64::MIN),
                None => i64::MIN,
            };
            let is_last = to_come.is_none();
            while let Some(place) = pending.peek().copied().filter(|place| is_last || place.time > horizon) {
                pending.pop();
                if self.is_late() {
                    self.leave_out(pending.len() as u64 + 1);
                    (pending, is_wanted) = (BinaryHeap::new(), false);
                    break;
                }
                match self.hand_out(place, wanted, &mut kept, &mut found)? {
                    Flow::More => {}
                    Flow::Count => {
                        (pending, is_wanted) = (BinaryHeap::new(), false);
                        break;
                    }
                    Flow::Stop => return Ok(()),
                }
            }
        }
        Ok(())
    }

    fn hand_out(
        &mut self,
        place: Place,
        wanted: Wanted,
        kept: &mut Kept,
        found: &mut impl FnMut(&RecordView<'_>) -> Result<Flow, EngineError>,
    ) -> Result<Flow, EngineError> {
        if self.stop.load(Relaxed) {
            return Err(EngineError::Interrupted);
        }
        let snapshot = &self.search.snapshot;
        let Some(number) = snapshot.group_of(RecordId(place.id)) else { return Ok(Flow::More) };
        let row = self.row_of(number, place.id);
        let (decoded, fields) = kept.group(number, wanted, snapshot)?;
        decoded.cut(row, wanted.fields.then_some(&self.search.registry as &dyn Interpret), fields);
        found(&decoded.view(snapshot, row, fields))
    }

    /// Whether no more is to be handed out: time is up, or, as an error, the caller asked to stop.
    fn is_stopped(&self) -> Result<bool, EngineError> {
        if self.stop.load(Relaxed) { Err(EngineError::Interrupted) } else { Ok(self.is_late()) }
    }

    fn is_late(&self) -> bool {
        self.time_limit.is_some_and(|limit| self.started.elapsed() >= limit)
    }

    /// Notes records that the answer does not speak of because time is up.
    fn leave_out(&mut self, records: u64) {
        self.summary.coverage.covered = self.summary.coverage.covered.saturating_sub(records);
        self.summary.coverage.late = self.time_limit;
    }

    fn place(&self, number: usize, decoded: &Decoded, row: u32) -> Place {
        let first = self.search.snapshot.groups().get(number).map_or(0, |group| group.first.0);
        let time = decoded.columns().time(row as usize).map_or(i64::MIN, |time| time.0);
        Place { time, id: first + u64::from(row) }
    }

    fn row_of(&self, number: usize, id: u64) -> usize {
        let first = self.search.snapshot.groups().get(number).map_or(0, |group| group.first.0);
        id.saturating_sub(first) as usize
    }
}

/// What of a record is looked at by whoever it is handed to.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    needs: Needs,
    lines: bool,
    fields: bool,
}

impl Wanted {
    const ALL: Wanted = Wanted { needs: Needs::ALL, lines: true, fields: true };
}

/// Decoded groups whose records wait to be handed out; the least recently used go first when there are too many.
#[derive(Default)]
struct Kept {
    groups: HashMap<usize, (u64, Decoded)>,
    bytes: usize,
    clock: u64,
    fields: FieldSet,
}

impl Kept {
    fn add(&mut self, number: usize, decoded: Decoded) {
        self.bytes += decoded.bytes();
        self.clock += 1;
        self.groups.insert(number, (self.clock, decoded));
        while self.bytes > KEPT_BYTES && self.groups.len() > 1 {
            let oldest = self.groups.iter().min_by_key(|(_, (used, _))| *used).map(|(number, _)| *number);
            let Some((_, gone)) = oldest.and_then(|number| self.groups.remove(&number)) else { return };
            self.bytes = self.bytes.saturating_sub(gone.bytes());
        }
    }

    fn group(
        &mut self,
        number: usize,
        wanted: Wanted,
        snapshot: &Snapshot,
    ) -> Result<(&Decoded, &mut FieldSet), EngineError> {
        if !self.groups.contains_key(&number) {
            let decoded = Decoded::open(snapshot, number, wanted.needs)?;
            self.add(number, decoded);
        }
        self.clock += 1;
        let Some((used, decoded)) = self.groups.get_mut(&number) else { return Err(EngineError::Worker("search")) };
        *used = self.clock;
        let before = decoded.bytes();
        if wanted.lines {
            decoded.unpack(snapshot)?;
        }
        decoded.need(snapshot, wanted.needs)?;
        self.bytes += decoded.bytes().saturating_sub(before);
        Ok((decoded, &mut self.fields))
    }

    /// One record by its number, from groups that were decoded before where it can be.
    fn record(&mut self, id: RecordId, search: &Search) -> Result<Option<FoundRecord>, EngineError> {
        let Some(number) = search.snapshot.group_of(id) else { return Ok(None) };
        let Some(first) = search.snapshot.groups().get(number).map(|group| group.first.0) else { return Ok(None) };
        let row = id.0.saturating_sub(first) as usize;
        let (decoded, fields) = self.group(number, Wanted::ALL, &search.snapshot)?;
        decoded.cut(row, Some(&search.registry as &dyn Interpret), fields);
        Ok(Some(FoundRecord::of(&decoded.view(&search.snapshot, row, fields))))
    }
}
