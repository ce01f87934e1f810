//! Matches in the order of answers: newest first, records without a time last, then the later record first.

use std::collections::{BinaryHeap, HashMap};
use std::sync::atomic::Ordering::Relaxed;

use super::EngineError;
use super::kept::{Kept, Wanted};
use super::run::Run;
use crate::archive::{GroupStats, Needs};
use crate::model::{Interpret, RecordId, RecordView, Timestamp};
use crate::query::{Candidate, GroupMatches};

/// Where a part of a group is handed out that is no more than one in so many of its records, no more of its lines is unpacked.
const FEW: usize = 32;
/// Unless as many parts of it were handed out before: then all are.
const PARTS: u32 = 4;

/// How many of the newest matches are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    /// So many are handed out.
    pub(super) hand: u64,
    /// Where so many match there is no more to be known, and nothing more is looked at; `u64::MAX`: all are counted.
    pub(super) count: u64,
}

impl Extent {
    /// Everything.
    pub(super) const ALL: Extent = Extent { hand: u64::MAX, count: u64::MAX };

    /// The first `count` matches and no others, of which `hand` are handed out.
    pub(super) fn first(count: u64, hand: u64) -> Extent {
        // None at all say nothing of whether any match.
        Extent { hand: hand.min(count), count: if count == 0 { u64::MAX } else { count } }
    }

    /// Matches whose places in the order must be known.
    fn placed(self) -> u64 {
        if self.count == u64::MAX { self.hand } else { self.count }
    }
}

/// A match's place in the order of answers: newest first, records without a time last, then the later record first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    time: i64,
    id: u64,
}

impl Place {
    /// What no record of a group comes before, as far as is known without reading it.
    fn newest_of(first: u64, stats: &GroupStats) -> Place {
        Place {
            time: stats.last_time.unwrap_or(i64::MIN),
            id: first.saturating_add(u64::from(stats.rows).saturating_sub(1)),
        }
    }
}

/// Matches whose turn has not come: older ones may still be found to be newer. As many as are wanted, and some more.
struct Waiting {
    places: BinaryHeap<Place>,
    /// Matches that are still wanted, those that wait included.
    wanted: usize,
    /// So many wait that are no older than this, and no more are wanted.
    floor: Option<Place>,
}

impl Waiting {
    fn new(wanted: u64) -> Waiting {
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        Waiting { places: BinaryHeap::new(), wanted, floor: None }
    }

    /// Whether a group whose newest place this is may hold what is wanted.
    fn wants(&self, newest: Place) -> bool {
        self.wanted > 0 && self.floor.is_none_or(|floor| newest > floor)
    }

    fn add(&mut self, places: impl Iterator<Item = Place>) {
        let floor = self.floor;
        self.places.extend(places.filter(|place| floor.is_none_or(|floor| *place > floor)));
        // Not each time: what is put in order again is a part of what came.
        if self.places.len() > self.wanted.saturating_add(self.wanted / 2) {
            let mut all = std::mem::take(&mut self.places).into_vec();
            if let Some(last) = self.wanted.checked_sub(1) {
                let (_, floor, _) = all.select_nth_unstable_by(last, |one, other| other.cmp(one));
                self.floor = Some(*floor);
            }
            all.truncate(self.wanted);
            self.places = all.into();
        }
    }

    /// Those that come before all that is still to come, in order.
    fn certain(&mut self, to_come: Option<Place>) -> Vec<Place> {
        let mut certain = Vec::new();
        while self.wanted > 0
            && let Some(place) = self.places.peek().copied().filter(|place| to_come.is_none_or(|next| *place > next))
        {
            self.places.pop();
            self.wanted -= 1;
            certain.push(place);
        }
        if self.wanted == 0 {
            self.places.clear();
        }
        certain
    }
}

/// An answer that is being handed out.
struct Handing<F> {
    extent: Extent,
    wanted: Wanted,
    waiting: Waiting,
    kept: Kept,
    /// How many parts of each group were handed out.
    parts: HashMap<usize, u32>,
    /// Matches whose place is known so far.
    placed: u64,
    /// Times of the newest and the oldest of them.
    span: (Option<Timestamp>, Option<Timestamp>),
    found: F,
}

/// What is left to do.
#[derive(PartialEq, Eq)]
enum Left {
    /// Matches are wanted.
    Matches,
    /// Their number is.
    Count,
    /// Nothing.
    Nothing,
}

impl Run<'_> {
    /// Hands out the newest matches in order, each as soon as nothing newer can be found any more, for as long as `found` wants more.
    /// Groups are taken stock of one after the other, whoever evaluated them: the outcome is the same for any number of threads.
    pub(super) fn in_order(
        &mut self,
        extent: Extent,
        wanted: Wanted,
        found: impl FnMut(&RecordView<'_>) -> Result<bool, EngineError>,
    ) -> Result<(), EngineError> {
        let candidates = self.ordered_candidates();
        let waiting = Waiting::new(extent.placed());
        let kept = Kept::knowing(self.matcher.incidents());
        let (parts, span) = (HashMap::new(), (None, None));
        let mut handing = Handing { extent, wanted, waiting, kept, parts, placed: 0, span, found };
        let mut left = if handing.waiting.wanted > 0 { Left::Matches } else { Left::Count };
        // Small parts first: what is newest is shown before much of the rest is looked at.
        let threads = rayon::current_num_threads();
        let (mut rest, mut size) = (candidates.as_slice(), threads);
        while !rest.is_empty() && left == Left::Matches {
            let part = rest.get(..size).unwrap_or(rest);
            size = (2 * size).min(4 * threads);
            let waiting = &handing.waiting;
            let needs = |first: u64, stats: &GroupStats| {
                if waiting.wants(Place::newest_of(first, stats)) { Needs::TIMES } else { Needs::NOTHING }
            };
            let evaluated = self.evaluate(part, &needs, &|_| Ok(()))?;
            let after = rest.get(part.len()..).unwrap_or_default();
            for evaluated in evaluated {
                rest = rest.get(1..).unwrap_or_default();
                if let Some((number, group, ())) = self.take_stock(evaluated) {
                    handing.add(self, number, group);
                }
                if left == Left::Matches {
                    left = handing.hand_out(self, rest.first())?;
                    if left == Left::Nothing {
                        return Ok(());
                    }
                }
            }
            // Past the limit of time nothing of it was evaluated.
            rest = after;
        }
        self.count(rest.to_vec())
    }

    /// What no record of a group comes before, as far as is known without reading it.
    fn newest_of(&self, candidate: &Candidate) -> Option<Place> {
        let group = self.search.snapshot.groups().get(candidate.group)?;
        Some(Place::newest_of(group.first.0, &group.stats))
    }

    /// Nothing more is looked at: what is told is told of the newest matches alone.
    fn end_with(&mut self, matched: u64, (last, first): (Option<Timestamp>, Option<Timestamp>)) {
        let summary = &mut self.summary;
        (summary.matched, summary.counted) = (matched, false);
        (summary.first, summary.last) = (first, last);
    }
}

impl<F: FnMut(&RecordView<'_>) -> Result<bool, EngineError>> Handing<F> {
    /// Takes the matches of a group.
    fn add(&mut self, run: &Run<'_>, number: usize, group: GroupMatches) {
        let Some(of) = run.search.snapshot.groups().get(number) else { return };
        let is_wanted = self.waiting.wants(Place::newest_of(of.first.0, &of.stats));
        if group.rows.is_empty() || !is_wanted {
            return;
        }
        let columns = group.decoded.columns();
        self.waiting.add(group.rows.iter().map(|row| Place {
            time: columns.time(*row as usize).map_or(i64::MIN, |time| time.0),
            id: of.first.0 + u64::from(*row),
        }));
        self.kept.add(number, group.decoded);
    }

    /// Hands out what comes before everything in the candidates that are left, the first of which is `next`.
    fn hand_out(&mut self, run: &mut Run<'_>, next: Option<&Candidate>) -> Result<Left, EngineError> {
        let certain = self.waiting.certain(next.and_then(|next| run.newest_of(next)));
        let to_hand = usize::try_from(self.extent.hand.saturating_sub(self.placed)).unwrap_or(usize::MAX);
        let rows = self.rows_of(run, certain.get(..to_hand).unwrap_or(&certain));
        for (number, place) in certain.iter().enumerate() {
            if place.time != i64::MIN {
                self.span = (self.span.0.or(Some(Timestamp(place.time))), Some(Timestamp(place.time)));
            }
            self.placed += 1;
            if self.placed > self.extent.hand {
                continue;
            }
            if run.is_late() {
                run.leave_out((certain.len() - number + self.waiting.places.len()) as u64);
                return Ok(Left::Count);
            }
            if !self.one(run, *place, &rows)? {
                run.end_with(self.placed, self.span);
                return Ok(Left::Nothing);
            }
        }
        if self.waiting.wanted > 0 {
            return Ok(Left::Matches);
        }
        if self.extent.count == u64::MAX || next.is_none() {
            return Ok(Left::Count);
        }
        run.end_with(self.placed, self.span);
        Ok(Left::Nothing)
    }

    /// The rows of each group that are about to be handed out, ascending.
    fn rows_of(&mut self, run: &Run<'_>, places: &[Place]) -> HashMap<usize, Vec<u32>> {
        let mut rows: HashMap<usize, Vec<u32>> = HashMap::new();
        let groups = run.search.snapshot.groups();
        for place in places {
            if let Some(number) = run.search.snapshot.group_of(RecordId(place.id))
                && let Some(group) = groups.get(number)
            {
                rows.entry(number).or_default().push(place.id.saturating_sub(group.first.0) as u32);
            }
        }
        for (number, rows) in &mut rows {
            rows.sort_unstable();
            *self.parts.entry(*number).or_default() += 1;
        }
        rows
    }

    /// Hands out one match; whether more are wanted. `rows` are all that are about to be.
    fn one(&mut self, run: &Run<'_>, place: Place, rows: &HashMap<usize, Vec<u32>>) -> Result<bool, EngineError> {
        if run.stop.load(Relaxed) {
            return Err(EngineError::Interrupted);
        }
        let search = run.search;
        let Some(number) = search.snapshot.group_of(RecordId(place.id)) else { return Ok(true) };
        let Some(group) = search.snapshot.groups().get(number) else { return Ok(true) };
        let row = place.id.saturating_sub(group.first.0) as usize;
        let is_seldom = self.parts.get(&number).is_none_or(|parts| *parts <= PARTS);
        let is_few = |rows: &&Vec<u32>| is_seldom && rows.len() * FEW <= group.stats.rows as usize;
        let alone = rows.get(&number).filter(is_few).map(Vec::as_slice);
        let (decoded, fields) = self.kept.group(number, self.wanted, alone, &search.snapshot)?;
        decoded.cut(row, self.wanted.fields.then_some(&search.registry as &dyn Interpret), fields);
        (self.found)(&decoded.view(&search.snapshot, row, fields))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the groups hold and however they overlap, what goes out is the sorted whole, or its beginning.
        #[test]
        fn places_go_out_in_order_and_none_too_early(
            groups in proptest::collection::vec(proptest::collection::vec(prop_oneof![Just(i64::MIN), 0..6_i64], 1..9), 0..9),
            wanted in prop_oneof![0..40_u64, Just(u64::MAX)],
        ) {
            let mut id = 0;
            let mut of: Vec<(Place, Vec<Place>)> = Vec::new();
            for times in &groups {
                let places: Vec<Place> = times.iter().map(|time| { id += 1; Place { time: *time, id: id - 1 } }).collect();
                let newest = Place { time: times.iter().copied().max().unwrap_or(i64::MIN), id: id - 1 };
                of.push((newest, places));
            }
            of.sort_by_key(|(newest, _)| std::cmp::Reverse(*newest));
            let mut waiting = Waiting::new(wanted);
            let mut given = Vec::new();
            for (number, (newest, places)) in of.iter().enumerate() {
                if waiting.wants(*newest) {
                    waiting.add(places.iter().copied());
                }
                given.extend(waiting.certain(of.get(number + 1).map(|(newest, _)| *newest)));
            }
            let mut all: Vec<Place> = of.into_iter().flat_map(|(_, places)| places).collect();
            all.sort_by_key(|place| std::cmp::Reverse(*place));
            all.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
            prop_assert_eq!(given, all);
        }
    }
}
