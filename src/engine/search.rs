//! Questions to a store: plan, evaluate on all cores, hand out in one total order, say what was covered.

mod aggregate;
mod grammar;
mod kept;
mod near;
mod ordered;
mod rules;
mod run;
mod span;
mod stripes;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use self::kept::{Kept, Wanted};
use self::ordered::Extent;
use self::run::Run;
use super::incidents::{Unread, incidents_of};
use super::{EngineError, Store};
use crate::archive::Snapshot;
use crate::index::Reader as IndexReader;
use crate::model::{FoundRecord, Incidents, Timestamp, Zone};
use crate::parse::Registry;
use crate::query::{Cache, Limits, Matcher, Output, Pipeline, Query, QueryContext, Reading, Shown, Table};

pub use grammar::Grammar;

/// How a question is asked.
#[derive(Debug, Clone, Copy)]
pub struct SearchOptions {
    /// Records wanted, newest first; `None`: all.
    pub limit: Option<u64>,
    /// Whether all matches are counted where fewer are wanted; otherwise the search ends once those wanted are known.
    pub count_all: bool,
    /// Whether the times of the oldest and the newest match are told of a whole answer; without, columns of times stay unread.
    pub tell_span: bool,
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
    /// Everything, counted, with its span, by the index, with known fields only, in UTC, however long it takes.
    fn default() -> SearchOptions {
        SearchOptions {
            limit: None,
            count_all: true,
            tell_span: true,
            scan: false,
            lenient: false,
            zone: Zone::UTC,
            time_limit: None,
        }
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
    /// Whether these are all that match. Otherwise no more were wanted and the search ended there: at least so many match, and
    /// the times are those of the newest so many.
    pub counted: bool,
    /// Records or rows of the whole answer, behind pipes, whatever the limit of records handed out; where not
    /// all were counted, of what was.
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

/// The incidents of a snapshot.
pub(super) struct KnownIncidents {
    pub(super) of_records: Arc<Incidents>,
    unread: Unread,
}

/// A store opened for questions: one snapshot of archive and index.
pub struct Search {
    store: Store,
    registry: Registry,
    snapshot: Snapshot,
    index: Option<IndexReader>,
    index_note: Option<String>,
    span: (Option<Timestamp>, Option<Timestamp>),
    cache: Cache,
    /// Whether what is read is kept for the next question.
    keeps: bool,
    /// Derived when the first question asks for incidents.
    incidents: OnceLock<KnownIncidents>,
}

impl Search {
    /// Opens archive and index; an index that can't be used is noted, and everything is read from the archive.
    pub(super) fn open(store: &Store) -> Result<Search, EngineError> {
        let (snapshot, index) = rayon::join(|| store.snapshot(), || IndexReader::load(&store.config().index));
        let snapshot = snapshot?;
        let (index, index_note) = match index.and_then(|index| index.of(snapshot.identity())) {
            Ok(index) => (Some(index), None),
            Err(cause) => (None, Some(cause.to_string())),
        };
        let span = span_of(&snapshot);
        let (store, registry) = (store.clone(), store.registry().clone());
        let (cache, incidents) = (Cache::default(), OnceLock::new());
        Ok(Search { store, registry, snapshot, index, index_note, span, cache, keeps: true, incidents })
    }

    /// The same for one question: nothing is kept for a next one, which may still be asked.
    #[must_use]
    pub fn for_one_question(self) -> Search {
        Search { keeps: false, ..self }
    }

    /// Takes up what was committed since it was opened.
    pub fn refresh(&mut self) -> Result<(), EngineError> {
        let snapshot = self.snapshot.refreshed()?;
        if snapshot.commits() != self.snapshot.commits() {
            *self = Search { span: span_of(&snapshot), keeps: self.keeps, ..Search::open(&self.store)? };
        } else {
            self.snapshot = snapshot;
        }
        Ok(())
    }

    /// What groups are read with.
    fn reading(&self) -> Reading<'_> {
        Reading { snapshot: &self.snapshot, cache: &self.cache, interpret: &self.registry }
    }

    /// The store it was opened from.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Lets go of files that others replace; [`Search::refresh`] is due before the next question.
    pub fn rest(&mut self) {
        self.snapshot = self.snapshot.resting();
    }

    /// The archive it looks at.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The incidents of its records; derived once, unless `stop` ends it with [`EngineError::Interrupted`].
    pub(super) fn incidents(&self, stop: &AtomicBool) -> Result<&KnownIncidents, EngineError> {
        if let Some(known) = self.incidents.get() {
            return Ok(known);
        }
        let (of_records, unread) = incidents_of(&self.snapshot, stop)?;
        Ok(self.incidents.get_or_init(|| KnownIncidents { of_records: Arc::new(of_records), unread }))
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

    /// Answers a query: `found` receives the records in order, each as soon as nothing newer can be found, until it says `false` or
    /// the limit is reached. With pipes that make a table, it receives nothing: that is in the summary. `stop` ends the work early
    /// with [`EngineError::Interrupted`].
    ///
    /// Where pipes begin with `head`, the search ends once its records are known, and so with a limit unless
    /// [`SearchOptions::count_all`].
    pub fn run(
        &self,
        query: &Query,
        options: &SearchOptions,
        stop: &AtomicBool,
        mut found: impl FnMut(FoundRecord) -> bool,
    ) -> Result<SearchSummary, EngineError> {
        let mut run = Run::plan(self, query, options, stop)?;
        let limits = Limits { zone: options.zone, ..Limits::default() };
        let mut pipeline = Pipeline::new(&query.pipes, limits)?;
        if pipeline.passes_on() {
            self.stream(&mut run, pipeline, options, found)?;
            return Ok(run.finish());
        }
        if pipeline.needs_order() {
            let wanted =
                Wanted { needs: pipeline.needs(), lines: pipeline.needs_lines(), fields: pipeline.needs_fields() };
            let extent = pipeline.first().map_or(Extent::ALL, |count| Extent::first(count, count));
            run.in_order(extent, wanted, |view| {
                pipeline.push(view)?;
                Ok(true)
            })?;
        } else {
            run.aggregate(&mut pipeline)?;
        }
        let wanted = options.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        match pipeline.finish()? {
            Output::Table(table) => {
                run.summary.given = table.rows.len() as u64;
                run.summary.table = Some(table);
            }
            Output::Records { rows, shown } => {
                run.summary.given = rows.len() as u64;
                let mut kept = Kept::knowing(run.matcher.incidents());
                let wanted = rows.len().min(wanted);
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
                let is_hit: HashSet<u64> = hits.iter().map(|hit| hit.0).collect();
                let mut found = |record: FoundRecord| {
                    let hit = Some(is_hit.contains(&record.id.0));
                    found(FoundRecord { hit, ..record })
                };
                let left = self.hand_out(near.iter().take(wanted), &|| run.is_stopped(), &mut found)?;
                let lost = if near.is_empty() { hits.len() as u64 } else { left };
                if lost > 0 {
                    run.leave_out(lost);
                }
            }
        }
        Ok(run.finish())
    }

    /// Hands out records as they come, where pipes do no more than choose the first of them and what is shown.
    fn stream(
        &self,
        run: &mut Run<'_>,
        mut pipeline: Pipeline,
        options: &SearchOptions,
        mut found: impl FnMut(FoundRecord) -> bool,
    ) -> Result<(), EngineError> {
        let (first, limit) = (pipeline.first().unwrap_or(u64::MAX), options.limit.unwrap_or(u64::MAX));
        let extent = match first.min(limit) {
            // With no record wanted, the number is.
            _ if options.count_all || limit == 0 => Extent::first(first, limit),
            wanted => Extent::first(wanted, wanted),
        };
        run.in_order(extent, Wanted::ALL, |view| {
            pipeline.push(view)?;
            for row in pipeline.passed_on() {
                let mut record = FoundRecord::of(view);
                record.fields.extend(row.extracted);
                show(&mut record, pipeline.shown());
                if !found(record) {
                    return Ok(false);
                }
            }
            Ok(true)
        })?;
        run.summary.given = run.summary.matched.min(first);
        Ok(())
    }

    /// The number of records that match.
    pub fn count(
        &self,
        query: &Query,
        options: &SearchOptions,
        stop: &AtomicBool,
    ) -> Result<SearchSummary, EngineError> {
        let mut run = Run::plan(self, query, options, stop)?;
        run.count(run.plan.candidates.clone())?;
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
