//! One question being answered: candidates are evaluated on all cores, matches handed out in one total order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::{Coverage, EngineError, Search, SearchOptions, SearchSummary};
use crate::archive::{ArchiveError, GroupRef, GroupStats, Needs};
use crate::model::Timestamp;
use crate::query::{Candidate, GroupMatches, Matcher, Plan, Query, evaluate, filter, plan};

/// What a full group has, in records and raw bytes.
const FULL_ROWS: u64 = 8_192;
const FULL_BYTES: u64 = 2 << 20;

/// Whether all times of a group lie within a span.
fn is_within(stats: &GroupStats, span: (Option<Timestamp>, Option<Timestamp>)) -> bool {
    match (stats.first_time, stats.last_time, span) {
        (None, None, _) => true,
        (Some(first), Some(last), (Some(from), Some(to))) => from.0 <= first && last <= to.0,
        _ => false,
    }
}

/// What came of evaluating a candidate.
pub(super) struct Evaluated<T> {
    number: usize,
    outcome: Result<(GroupMatches, T), ArchiveError>,
}

/// One question being answered.
pub(super) struct Run<'a> {
    pub(super) search: &'a Search,
    pub(super) matcher: Matcher,
    plan: Plan,
    pub(super) stop: &'a AtomicBool,
    started: Instant,
    time_limit: Option<Duration>,
    pub(super) summary: SearchSummary,
}

impl<'a> Run<'a> {
    pub(super) fn plan(
        search: &'a Search,
        query: &Query,
        options: &SearchOptions,
        stop: &'a AtomicBool,
    ) -> Result<Run<'a>, EngineError> {
        let started = Instant::now();
        search.cache.begin();
        let incidents = if query.names_incidents { Some(search.incidents(stop)?) } else { None };
        let matcher = Matcher::compile(&query.tree)?.knowing(incidents.map(|known| Arc::clone(&known.of_records)));
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
        let mut summary = SearchSummary { hints: query.hints.clone(), counted: true, ..SearchSummary::default() };
        let rescored = search.snapshot.rescored();
        let is_about_scores = matcher.needs().meets(Needs::SCORES | Needs::VERDICTS | Needs::RULES);
        if rescored > 0 && (is_about_scores || query.names_incidents) {
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
            unreadable: incidents.map_or_else(|| search.snapshot.unreadable(), |known| &known.unread.causes).to_vec(),
            ..Coverage::default()
        };
        let readable: u64 = search.snapshot.groups().iter().map(|group| u64::from(group.stats.rows)).sum();
        // A record whose verdict can't be read is in no incident that is known.
        summary.coverage.covered = readable.saturating_sub(incidents.map_or(0, |known| known.unread.records));
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

    pub(super) fn finish(mut self) -> SearchSummary {
        self.summary.seconds = self.started.elapsed().as_secs_f64();
        self.summary.explain.push(format!(
            "matched  {}{} of {} records looked at, in {:.1} ms",
            if self.summary.counted { "" } else { "at least " },
            self.summary.matched,
            self.summary.coverage.looked_at,
            self.summary.seconds * 1_000.0
        ));
        self.summary
    }

    /// Candidates in order of their latest time, newest first.
    pub(super) fn ordered_candidates(&self) -> Vec<Candidate> {
        let mut candidates = self.plan.candidates.clone();
        let groups = self.search.snapshot.groups();
        let latest = |candidate: &Candidate| {
            groups.get(candidate.group).and_then(|group| group.stats.last_time).unwrap_or(i64::MIN)
        };
        candidates.sort_by_key(|candidate| (std::cmp::Reverse(latest(candidate)), std::cmp::Reverse(candidate.group)));
        candidates
    }

    /// The first of some candidates, so many that are evaluated side by side: small groups in greater number, so that threads seldom
    /// wait.
    pub(super) fn part<'c>(&self, candidates: &'c [Candidate]) -> &'c [Candidate] {
        let groups = self.search.snapshot.groups();
        let least = 4 * rayon::current_num_threads();
        let (mut rows, mut bytes) = (0u64, 0u64);
        let is_within = |candidate: &&Candidate| {
            let stats = groups.get(candidate.group).map(|group| &group.stats);
            rows += stats.map_or(0, |stats| u64::from(stats.rows));
            bytes += stats.map_or(0, |stats| stats.raw_bytes);
            rows <= least as u64 * FULL_ROWS && bytes <= least as u64 * FULL_BYTES
        };
        let fitting = candidates.iter().take_while(is_within).count().max(least);
        candidates.get(..fitting).unwrap_or(candidates)
    }

    /// Evaluates some candidates side by side and takes from each what `take` does; gives what came of each, in order, for
    /// [`Run::take_stock`]. `needs` says which columns of a group, whose first record it is given, are wanted where a row matches.
    ///
    /// Past the limit of time it only notes that they are not covered, and gives nothing.
    pub(super) fn evaluate<T: Send>(
        &mut self,
        candidates: &[Candidate],
        needs: &(dyn Fn(u64, &GroupStats) -> Needs + Sync),
        take: &(dyn Fn(&mut GroupMatches) -> Result<T, ArchiveError> + Sync),
    ) -> Result<Vec<Evaluated<T>>, EngineError> {
        if self.stop.load(Relaxed) {
            return Err(EngineError::Interrupted);
        }
        let (reading, matcher) = (self.search.reading(), &self.matcher);
        let snapshot = reading.snapshot;
        if self.is_late() {
            let groups = candidates.iter().filter_map(|candidate| snapshot.groups().get(candidate.group));
            let rows = groups.map(|group| u64::from(group.stats.rows)).sum();
            self.leave_out(rows);
            return Ok(Vec::new());
        }
        let span = (self.summary.first, self.summary.last);
        let one = |candidate: &Candidate| {
            let GroupRef { first, stats, .. } = snapshot.group(candidate.group)?;
            let mut group = evaluate(reading, candidate, matcher, needs(first.0, stats))?;
            // The span of all matches is told without times where all rows match, or none can widen what is known.
            let is_whole = group.rows.is_empty() || group.rows.len() == stats.rows as usize;
            if !is_whole && !is_within(stats, span) {
                group.decoded.need(snapshot, Needs::TIMES)?;
            }
            let taken = take(&mut group)?;
            group.decoded.keep(reading.cache);
            Ok((group, taken))
        };
        Ok(candidates
            .par_iter()
            .map(|candidate| Evaluated { number: candidate.group, outcome: one(candidate) })
            .collect())
    }

    /// Adds what came of a candidate to what is told of the answer; gives its matches where it could be read.
    pub(super) fn take_stock<T>(&mut self, evaluated: Evaluated<T>) -> Option<(usize, GroupMatches, T)> {
        let Evaluated { number, outcome } = evaluated;
        let stats = self.search.snapshot.groups().get(number).map(|group| &group.stats);
        let (coverage, rows) = (&mut self.summary.coverage, stats.map_or(0, |stats| u64::from(stats.rows)));
        let (group, taken) = match outcome {
            Ok(taken) => taken,
            Err(cause) => {
                coverage.covered = coverage.covered.saturating_sub(rows);
                coverage.unreadable.push(cause.to_string());
                return None;
            }
        };
        coverage.looked_at += group.looked_at;
        self.summary.matched += group.rows.len() as u64;
        if let Some(stats) = stats.filter(|stats| stats.rows as usize == group.rows.len()) {
            // All of them match: their span is known without a time.
            self.widen(stats.first_time.map(Timestamp), stats.last_time.map(Timestamp));
        } else if group.decoded.columns().loaded().contains(Needs::TIMES) {
            let times = || group.rows.iter().filter_map(|row| group.decoded.columns().time(*row as usize));
            self.widen(times().min(), times().max());
        }
        Some((number, group, taken))
    }

    fn widen(&mut self, first: Option<Timestamp>, last: Option<Timestamp>) {
        self.summary.first = [self.summary.first, first].into_iter().flatten().min();
        self.summary.last = [self.summary.last, last].into_iter().flatten().max();
    }

    /// Whether no more is to be handed out: time is up, or, as an error, the caller asked to stop.
    pub(super) fn is_stopped(&self) -> Result<bool, EngineError> {
        if self.stop.load(Relaxed) { Err(EngineError::Interrupted) } else { Ok(self.is_late()) }
    }

    pub(super) fn is_late(&self) -> bool {
        self.time_limit.is_some_and(|limit| self.started.elapsed() >= limit)
    }

    /// Notes records that the answer does not speak of because time is up.
    pub(super) fn leave_out(&mut self, records: u64) {
        self.summary.coverage.covered = self.summary.coverage.covered.saturating_sub(records);
        self.summary.coverage.late = self.time_limit;
    }
}
