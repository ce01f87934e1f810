//! All candidates of a question, evaluated by stripe: what the groups of a stripe share is read once, by one thread, and what came of
//! groups is taken up in order while others are evaluated.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crossbeam_channel::{Receiver, TryRecvError};
use rayon::Yield;

use super::run::{Evaluated, Evaluating, Run, rows_of};
use super::{EngineError, Search};
use crate::archive::{ArchiveError, GroupRef, GroupStats, Needs};
use crate::model::RecordId;
use crate::query::{Candidate, GroupMatches};

/// Pieces of work a thread that are under way: enough that none waits for another.
const PIECES_EACH: usize = 3;
/// Records of a full group: a piece has as many at least.
const FULL_ROWS: u64 = 8_192;

/// Waits for what a task sends; a thread of the pool does what it finds to do meanwhile, so that none waits for itself.
fn wait_for<T>(outcome: &Receiver<T>) -> Option<T> {
    loop {
        match outcome.try_recv() {
            Ok(found) => return Some(found),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) if rayon::yield_now() == Some(Yield::Executed) => {}
            Err(TryRecvError::Empty) => return outcome.recv().ok(),
        }
    }
}

/// The stripe of a candidate.
fn stripe_of(search: &Search, candidate: &Candidate) -> Option<RecordId> {
    search.snapshot.groups().get(candidate.group).map(GroupRef::stripe)
}

/// Candidates, each piece of them for one thread: whole stripes, small ones together; groups, where there are too few stripes for
/// `least` pieces. Says whether they are whole stripes.
fn pieces<'c>(search: &Search, candidates: &'c [Candidate], least: usize) -> (Vec<&'c [Candidate]>, bool) {
    let mut pieces = Vec::new();
    let (mut from, mut to, mut rows) = (0, 0, 0);
    for stripe in candidates.chunk_by(|one, next| stripe_of(search, one) == stripe_of(search, next)) {
        to += stripe.len();
        rows += rows_of(search, stripe);
        if rows >= FULL_ROWS || to == candidates.len() {
            pieces.extend(candidates.get(from..to));
            (from, rows) = (to, 0);
        }
    }
    match pieces.len() >= least {
        true => (pieces, true),
        false => (candidates.chunks(1).collect(), false),
    }
}

impl Run<'_> {
    /// Candidates by stripe, those first that have the newest records: what the groups of a stripe share is read once.
    pub(super) fn by_stripe(&self, mut candidates: Vec<Candidate>) -> Vec<Candidate> {
        let groups = self.search.snapshot.groups();
        let mut latest: HashMap<RecordId, i64> = HashMap::new();
        for group in candidates.iter().filter_map(|candidate| groups.get(candidate.group)) {
            let of_stripe = latest.entry(group.stripe()).or_insert(i64::MIN);
            *of_stripe = (*of_stripe).max(group.stats.last_time.unwrap_or(i64::MIN));
        }
        candidates.sort_by_key(|candidate| {
            let stripe = groups.get(candidate.group).map(GroupRef::stripe);
            let latest = stripe.and_then(|stripe| latest.get(&stripe)).copied();
            (Reverse(latest), Reverse(stripe), candidate.group)
        });
        candidates
    }

    /// Counts the matches of some candidates.
    pub(super) fn count(&mut self, candidates: Vec<Candidate>) -> Result<(), EngineError> {
        let candidates = self.by_stripe(candidates);
        self.evaluate_all(&candidates, &|_, _| Needs::NOTHING, &|_| Ok(()), |run, evaluated| {
            run.take_stock(evaluated);
            Ok(())
        })
    }

    /// Evaluates candidates side by side and takes from each what `take` does; what came of each is handed to `push` in their order.
    /// `needs` says which columns of a group, whose first record it is given, are wanted where a row matches.
    ///
    /// Past the limit of time it only notes that the others are not covered.
    pub(super) fn evaluate_all<T: Send>(
        &mut self,
        candidates: &[Candidate],
        needs: &(dyn Fn(u64, &GroupStats) -> Needs + Sync),
        take: &(dyn Fn(&mut GroupMatches) -> Result<T, ArchiveError> + Sync),
        mut push: impl FnMut(&mut Self, Evaluated<T>) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let (search, matcher) = (self.search, Arc::clone(&self.matcher));
        let (reading, keeps) = (search.reading(), search.keeps);
        let evaluating = &Evaluating { reading, keeps, matcher: &matcher, needs, take };
        let most = PIECES_EACH * rayon::current_num_threads();
        let (rest, by_stripe) = pieces(search, candidates, most);
        let evaluate = |piece: &[Candidate]| -> Vec<Evaluated<T>> {
            let of_each = piece.iter().map(|candidate| evaluating.one(candidate)).collect();
            if by_stripe && !keeps {
                piece
                    .iter()
                    .filter_map(|candidate| search.snapshot.groups().get(candidate.group))
                    .for_each(|group| search.snapshot.release(group));
            }
            of_each
        };
        let (mut rest, evaluate) = (rest.into_iter(), &evaluate);
        rayon::in_place_scope_fifo(|scope| {
            let mut under_way = VecDeque::new();
            loop {
                while under_way.len() < most
                    && let Some(piece) = rest.next()
                {
                    if self.is_stopped()? {
                        self.leave_out(rows_of(search, piece));
                        continue;
                    }
                    let (done, outcome) = crossbeam_channel::bounded(1);
                    // Nobody waits for it where an error has ended the search.
                    scope.spawn_fifo(move |_| done.send(evaluate(piece)).unwrap_or_default());
                    under_way.push_back(outcome);
                }
                let Some(next) = under_way.pop_front() else { return Ok(()) };
                let of_each = wait_for(&next).ok_or(EngineError::Worker("search"))?;
                of_each.into_iter().try_for_each(|evaluated| push(self, evaluated))?;
            }
        })
    }
}
