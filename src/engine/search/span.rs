//! The earliest and the latest time of all matches, for which the times of few groups are read.
//!
//! Of a group it is known between which moments its records lie. So most groups are known to hold neither end before a time of theirs is
//! read, and those that may are read when all others are known.

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::model::Timestamp;

/// So many groups wait at most.
const MOST: usize = 128;

/// An end of a span that is known, or both.
pub(super) type Ends = (Option<Timestamp>, Option<Timestamp>);

/// Matches of a group whose times were not read.
#[derive(Debug)]
pub(super) struct Unread {
    /// The group.
    pub(super) group: usize,
    /// The rows that match.
    pub(super) rows: Vec<u32>,
    /// Between these moments lie the times of the group.
    first: Timestamp,
    last: Timestamp,
}

/// The span of the matches so far.
#[derive(Debug, Default)]
pub(super) struct Span {
    /// What is known of it.
    known: Ends,
    /// Some match is no later than the first, and some no earlier than the last of these.
    sure: Ends,
    unread: Vec<Unread>,
}

impl Span {
    /// Adds times of matches.
    pub(super) fn add(&mut self, (first, last): Ends) {
        let earliest = |one: Option<Timestamp>| [one, first].into_iter().flatten().min();
        let latest = |one: Option<Timestamp>| [one, last].into_iter().flatten().max();
        self.known = (earliest(self.known.0), latest(self.known.1));
        self.sure = (earliest(self.sure.0), latest(self.sure.1));
    }

    /// Adds matches of a group, one at least, whose times were not read. `within` is the span of the group, `all_timed` whether each of
    /// its records has a time.
    pub(super) fn add_unread(&mut self, group: usize, within: Ends, all_timed: bool, rows: &[u32]) {
        let (Some(first), Some(last)) = within else { return };
        if all_timed {
            self.sure.0 = [self.sure.0, Some(last)].into_iter().flatten().min();
            self.sure.1 = [self.sure.1, Some(first)].into_iter().flatten().max();
        }
        if self.may_widen(first, last) {
            self.unread.push(Unread { group, rows: rows.to_vec(), first, last });
        }
        if self.unread.len() > MOST {
            let mut unread = std::mem::take(&mut self.unread);
            unread.retain(|unread| self.may_widen(unread.first, unread.last));
            self.unread = unread;
        }
    }

    /// Whether more groups wait than should.
    pub(super) fn is_full(&self) -> bool {
        self.unread.len() > MOST
    }

    /// Whether times between two moments may be an end that is not known.
    fn may_widen(&self, first: Timestamp, last: Timestamp) -> bool {
        let (known, sure) = (self.known, self.sure);
        known.0.is_none_or(|known| first < known) && sure.0.is_none_or(|sure| first <= sure)
            || known.1.is_none_or(|known| last > known) && sure.1.is_none_or(|sure| last >= sure)
    }

    /// Has the times of matches read as far as they may be an end, and gives the span; of what can't be read, `failed` is told.
    pub(super) fn settle<E: Send>(
        &mut self,
        read: impl Fn(&Unread) -> Result<Ends, E> + Sync,
        mut failed: impl FnMut(usize, E),
    ) -> Ends {
        let side_by_side = rayon::current_num_threads();
        for is_first in [true, false] {
            let mut unread = std::mem::take(&mut self.unread);
            match is_first {
                // What comes last is read next.
                true => unread.sort_by_key(|unread| std::cmp::Reverse(unread.first)),
                false => unread.sort_by_key(|unread| unread.last),
            }
            loop {
                let (first, last) = self.known;
                let may_hold = |unread: &&Unread| match is_first {
                    true => first.is_none_or(|first| unread.first < first),
                    false => last.is_none_or(|last| unread.last > last),
                };
                let count = unread.iter().rev().take(side_by_side).take_while(may_hold).count();
                if count == 0 {
                    break;
                }
                let next = unread.split_off(unread.len() - count);
                let found: Vec<_> = next.par_iter().map(|unread| (unread.group, read(unread))).collect();
                for (group, found) in found {
                    match found {
                        Ok(ends) => self.add(ends),
                        Err(cause) => failed(group, cause),
                    }
                }
            }
            self.unread = unread;
        }
        self.unread.clear();
        self.known
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn within(times: &[Option<i64>]) -> Ends {
        let known = || times.iter().flatten().copied().map(Timestamp);
        (known().min(), known().max())
    }

    proptest! {
        /// Groups of times, those of matches among them, some of them read before.
        #[test]
        fn the_span_is_that_of_all_matches(
            groups in proptest::collection::vec(
                (proptest::collection::vec((proptest::option::of(0i64..9), any::<bool>()), 1..6), any::<bool>()),
                0..9,
            ),
        ) {
            let of = |group: usize, rows: &[u32]| -> Vec<Timestamp> {
                rows.iter().filter_map(|row| groups[group].0[*row as usize].0.map(Timestamp)).collect()
            };
            let ends = |times: &[Timestamp]| (times.iter().min().copied(), times.iter().max().copied());
            let (mut span, mut all) = (Span::default(), Vec::new());
            for (number, (records, is_read)) in groups.iter().enumerate() {
                let times: Vec<Option<i64>> = records.iter().map(|(time, _)| *time).collect();
                let rows: Vec<u32> = (0..).zip(records).filter(|(_, (_, matches))| *matches).map(|(row, _)| row).collect();
                if rows.is_empty() {
                    continue;
                }
                all.extend(of(number, &rows));
                match is_read {
                    true => span.add(ends(&of(number, &rows))),
                    false => span.add_unread(number, within(&times), times.iter().all(Option::is_some), &rows),
                }
            }
            let settled = span.settle(|unread| Ok::<Ends, ()>(ends(&of(unread.group, &unread.rows))), |_, ()| {});
            prop_assert_eq!(settled, ends(&all));
        }
    }

    #[test]
    fn of_many_groups_few_are_read() {
        let mut span = Span::default();
        for number in 0..1_000 {
            let from = i64::try_from(number).unwrap() * 10;
            span.add_unread(number, within(&[Some(from), Some(from + 9)]), true, &[1]);
            assert!(!span.is_full());
        }
        let read = std::sync::Mutex::new(Vec::new());
        let settled = span.settle(
            |unread| {
                read.lock().unwrap().push(unread.group);
                let time = Timestamp(i64::try_from(unread.group).unwrap() * 10 + 5);
                Ok::<Ends, ()>((Some(time), Some(time)))
            },
            |_, ()| {},
        );
        assert_eq!(settled, (Some(Timestamp(5)), Some(Timestamp(9_995))));
        assert!(read.into_inner().unwrap().len() <= 4 * rayon::current_num_threads());
    }
}
