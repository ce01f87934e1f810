//! Pipes whose outcome does not depend on order: groups are taken as they come, their values cut out on all cores.

use std::sync::Arc;

use super::{EngineError, Pipeline, run::Run};
use crate::archive::{ArchiveError, GroupStats, Needs};
use crate::model::{FieldSet, Interpret, Timestamp};
use crate::query::{Alike, GroupMatches, Of, Reading, Taken, Taker, ValueColumn};

/// Where one in so many records of a group is to be cut, all are, and what was cut is kept.
const CUT_ALL: usize = 4;

impl Run<'_> {
    /// Pushes all matches. The order is that of stripes by their newest record, then that of the archive: always the same.
    pub(super) fn aggregate(&mut self, pipeline: &mut Pipeline) -> Result<(), EngineError> {
        let needs = pipeline.needs();
        let taking = Taking {
            reading: self.search.reading(),
            taker: pipeline.taker(),
            alike: pipeline.alike(),
            fields: pipeline.fields(),
            raw: pipeline.needs_raw(),
        };
        let candidates = self.by_stripe(self.plan.candidates.clone());
        let take = |group: &mut GroupMatches| {
            let taken = taking.take(group);
            // What is not looked at any more makes room.
            group.decoded.drop_lines();
            taken
        };
        self.evaluate_all(&candidates, &|_, stats| taking.needs(needs, stats), &take, |run, evaluated| {
            let Some((_, _, taken)) = run.take_stock(evaluated) else { return Ok(()) };
            Ok(taken.into_iter().try_for_each(|(taken, times)| pipeline.push_taken(taken, times))?)
        })
    }
}

/// What is taken from the matches of a group.
struct Taking<'a> {
    reading: Reading<'a>,
    taker: Taker,
    alike: Option<Alike>,
    fields: Vec<Of>,
    raw: bool,
}

impl Taking<'_> {
    /// A time of the group, where all its records have one and are of the same span of time: none of them needs to be read.
    fn one_time(&self, stats: &GroupStats) -> Option<Timestamp> {
        let (first, last) = (Timestamp(stats.first_time?), Timestamp(stats.last_time?));
        let is_one = stats.untimed == 0 && self.alike.as_ref()?.is_one_span(first, last);
        is_one.then_some(first)
    }

    fn needs(&self, needs: Needs, stats: &GroupStats) -> Needs {
        if self.one_time(stats).is_some() { needs.without(Needs::TIMES) } else { needs }
    }

    /// A record's values, with the time of the group where those of its records were not read.
    fn taken(&self, group: &GroupMatches, row: u32, fields: &FieldSet) -> Taken {
        let decoded = &group.decoded;
        let taken = self.taker.take(&decoded.view(self.reading.snapshot, row as usize, fields));
        let is_read = decoded.columns().loaded().contains(Needs::TIMES);
        match self.one_time(decoded.stats()).filter(|_| !is_read) {
            Some(time) => taken.at(time),
            None => taken,
        }
    }

    fn take(&self, group: &mut GroupMatches) -> Result<Vec<(Taken, u64)>, ArchiveError> {
        if group.rows.is_empty() {
            return Ok(Vec::new());
        }
        let snapshot = self.reading.snapshot;
        if self.raw {
            group.decoded.unpack(snapshot)?;
        }
        let Some(values) = self.values(group)? else {
            group.decoded.unpack(snapshot)?;
            return Ok(self.cut(group));
        };
        let mut fields = FieldSet::default();
        let mut take = |row: u32| {
            fields.clear();
            for (of, values) in self.fields.iter().zip(&values) {
                values.values(values.id(row as usize)).for_each(|value| fields.push_named_derived(of.name(), value));
            }
            self.taken(group, row, &fields)
        };
        Ok(match &self.alike {
            Some(alike) => {
                let kinds = alike.tally(group.decoded.columns(), &values, &group.rows);
                kinds.into_iter().map(|(row, times)| (take(row), times)).collect()
            }
            None => group.rows.iter().map(|row| (take(*row), 1)).collect(),
        })
    }

    /// The values of all fields as columns, where that pays and is possible.
    fn values(&self, group: &mut GroupMatches) -> Result<Option<Vec<Arc<ValueColumn>>>, ArchiveError> {
        if self.fields.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let pays = group.rows.len() * CUT_ALL >= group.decoded.columns().rows();
        let values = match pays {
            true => group.decoded.values(self.reading, &self.fields)?,
            false => group.decoded.placed(self.reading, &self.fields)?,
        };
        let known =
            |values: &ValueColumn| values.is_whole() || group.rows.iter().all(|row| values.is_known(*row as usize));
        Ok(values.into_iter().map(|values| values.filter(|values| known(values))).collect())
    }

    /// Cuts each match.
    fn cut(&self, group: &GroupMatches) -> Vec<(Taken, u64)> {
        let mut fields = FieldSet::default();
        let mut take = |row: &u32| {
            group.decoded.cut(*row as usize, Some(self.reading.interpret as &dyn Interpret), &mut fields);
            (self.taken(group, *row, &fields), 1)
        };
        group.rows.iter().map(&mut take).collect()
    }
}
