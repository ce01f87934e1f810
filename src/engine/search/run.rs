//! One question being answered: candidates are evaluated on all cores, matches handed out in one total order.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::kept::{Kept, Wanted};
use super::{Coverage, EngineError, Search, SearchOptions, SearchSummary};
use crate::archive::{ArchiveError, GroupStats, Needs};
use crate::model::{FieldSet, FoundRecord, Interpret, RecordId, RecordView, Timestamp};
use crate::query::{Candidate, Decoded, GroupMatches, Matcher, Plan, Query, evaluate, filter, plan};

/// So few lines of a group are unpacked one by one.
const FEW: usize = 4;

/// What becomes of the matches behind the one just handed out.
pub(super) enum Flow {
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

/// Whether all times of a group lie within a span.
fn is_within(stats: &GroupStats, span: (Option<Timestamp>, Option<Timestamp>)) -> bool {
    match (stats.first_time, stats.last_time, span) {
        (None, None, _) => true,
        (Some(first), Some(last), (Some(from), Some(to))) => from.0 <= first && last <= to.0,
        _ => false,
    }
}

/// One question being answered.
pub(super) struct Run<'a> {
    pub(super) search: &'a Search,
    pub(super) matcher: Matcher,
    plan: Plan,
    stop: &'a AtomicBool,
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
        let mut summary = SearchSummary { hints: query.hints.clone(), ..SearchSummary::default() };
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
            "matched  {} of {} records looked at, in {:.1} ms",
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

    /// Evaluates some candidates side by side, takes from each what `take` does, and takes stock of them. `needs` says which columns
    /// of a group are wanted where a row matches.
    ///
    /// Past the limit of time it only notes that they are not covered.
    pub(super) fn evaluate<T: Send>(
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
    pub(super) fn newest(&mut self, limit: u64) -> Result<Vec<FoundRecord>, EngineError> {
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
    pub(super) fn in_order(
        &mut self,
        wanted: Wanted,
        mut found: impl FnMut(&RecordView<'_>) -> Result<Flow, EngineError>,
    ) -> Result<(), EngineError> {
        let mut is_wanted = true;
        let candidates = self.ordered_candidates();
        let groups = self.search.snapshot.groups();
        let mut pending: BinaryHeap<Place> = BinaryHeap::new();
        let mut kept = Kept::knowing(self.matcher.incidents());
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
