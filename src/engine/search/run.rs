//! One question being answered: candidates are evaluated on all cores, matches handed out in one total order.

use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::span::{Ends, Span, Unread};
use super::{Coverage, EngineError, Search, SearchOptions, SearchSummary};
use crate::archive::{ArchiveError, GroupRef, GroupStats, Needs};
use crate::model::Timestamp;
use crate::query::{Candidate, Decoded, GroupMatches, Matcher, Plan, Query, Reading, evaluate, filter, plan};

/// The earliest and the latest time of a group.
fn ends_within(stats: &GroupStats) -> Ends {
    (stats.first_time.map(Timestamp), stats.last_time.map(Timestamp))
}

/// The earliest and the latest time of some rows of a group whose times are there.
fn ends_of(decoded: &Decoded, rows: &[u32]) -> Ends {
    let times = || rows.iter().filter_map(|row| decoded.columns().time(*row as usize));
    (times().min(), times().max())
}

/// What came of evaluating a candidate.
pub(super) struct Evaluated<T> {
    number: usize,
    outcome: Result<(GroupMatches, T), ArchiveError>,
}

/// How candidates are evaluated, on any thread.
pub(super) struct Evaluating<'e, T> {
    pub(super) reading: Reading<'e>,
    /// Whether what was read is kept for the next question.
    pub(super) keeps: bool,
    pub(super) matcher: &'e Matcher,
    pub(super) needs: &'e (dyn Fn(u64, &GroupStats) -> Needs + Sync),
    pub(super) take: &'e (dyn Fn(&mut GroupMatches) -> Result<T, ArchiveError> + Sync),
}

impl<T> Evaluating<'_, T> {
    pub(super) fn one(&self, candidate: &Candidate) -> Evaluated<T> {
        Evaluated { number: candidate.group, outcome: self.outcome(candidate) }
    }

    fn outcome(&self, candidate: &Candidate) -> Result<(GroupMatches, T), ArchiveError> {
        let GroupRef { first, stats, .. } = self.reading.snapshot.group(candidate.group)?;
        let mut group = evaluate(self.reading, candidate, self.matcher, (self.needs)(first.0, stats))?;
        let taken = (self.take)(&mut group)?;
        match self.keeps {
            true => group.decoded.keep(self.reading.cache),
            false => self.reading.cache.forget(first.0),
        }
        Ok((group, taken))
    }
}

/// Records of the groups of some candidates.
pub(super) fn rows_of(search: &Search, candidates: &[Candidate]) -> u64 {
    let groups = candidates.iter().filter_map(|candidate| search.snapshot.groups().get(candidate.group));
    groups.map(|group| u64::from(group.stats.rows)).sum()
}

/// One question being answered.
pub(super) struct Run<'a> {
    pub(super) search: &'a Search,
    pub(super) matcher: Arc<Matcher>,
    pub(super) plan: Plan,
    pub(super) stop: &'a AtomicBool,
    started: Instant,
    time_limit: Option<Duration>,
    /// That of the matches; where it is not told, times that were not read are not added.
    span: Span,
    tells_span: bool,
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
        let matcher = Arc::new(matcher);
        Ok(Run {
            search,
            matcher,
            plan: planned,
            stop,
            started,
            time_limit: options.time_limit,
            span: Span::default(),
            tells_span: options.tell_span,
            summary,
        })
    }

    pub(super) fn finish(mut self) -> SearchSummary {
        if self.summary.counted && self.tells_span {
            (self.summary.first, self.summary.last) = self.settle_span();
        }
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
        candidates.sort_by_key(|candidate| (Reverse(latest(candidate)), Reverse(candidate.group)));
        candidates
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
        if self.is_stopped()? {
            self.leave_out(rows_of(self.search, candidates));
            return Ok(Vec::new());
        }
        let (reading, keeps) = (self.search.reading(), self.search.keeps);
        let evaluating = Evaluating { reading, keeps, matcher: &self.matcher, needs, take };
        Ok(candidates.par_iter().map(|candidate| evaluating.one(candidate)).collect())
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
            self.span.add(ends_within(stats));
        } else if group.decoded.columns().loaded().contains(Needs::TIMES) {
            self.span.add(ends_of(&group.decoded, &group.rows));
        } else if let Some(stats) = stats.filter(|_| self.tells_span && !group.rows.is_empty()) {
            self.span.add_unread(number, ends_within(stats), stats.untimed == 0, &group.rows);
        }
        if self.span.is_full() {
            self.settle_span();
        }
        Some((number, group, taken))
    }

    /// The span of all matches so far. Where times can't be read that may be an end of it, their group counts as not covered.
    fn settle_span(&mut self) -> Ends {
        let snapshot = self.search.reading().snapshot;
        let read = |unread: &Unread| -> Result<Ends, ArchiveError> {
            let decoded = Decoded::open(snapshot, unread.group, Needs::TIMES)?;
            Ok(ends_of(&decoded, &unread.rows))
        };
        let coverage = &mut self.summary.coverage;
        self.span.settle(read, |group, cause| {
            let rows = snapshot.groups().get(group).map_or(0, |group| u64::from(group.stats.rows));
            coverage.covered = coverage.covered.saturating_sub(rows);
            coverage.unreadable.push(cause.to_string());
        })
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
