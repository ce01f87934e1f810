//! Matches in the order of answers: newest first, records without a time last, then the later record first.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::atomic::Ordering::Relaxed;

use super::EngineError;
use super::kept::{Kept, Wanted};
use super::run::Run;
use crate::archive::{GroupStats, Needs};
use crate::model::{FieldSet, FoundRecord, Interpret, RecordId, RecordView};
use crate::query::Decoded;

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

impl Run<'_> {
    /// The newest `limit` records of all matches; all matches are counted.
    pub(super) fn newest(&mut self, limit: u64) -> Result<Vec<FoundRecord>, EngineError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let candidates = self.ordered_candidates();
        let mut best: BinaryHeap<Ranked> = BinaryHeap::new();
        let mut fields = FieldSet::default();
        for part in self.parts(&candidates) {
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
