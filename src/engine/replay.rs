//! Archived records -> a detector, in record order: what an ingest does, from the archive instead of from files.

use std::sync::Arc;

use rayon::prelude::*;

use super::EngineError;
use super::ingest::Sources;
use crate::archive::{GroupColumns, GroupLines, Snapshot};
use crate::detect::sigma::{Matcher, RuleSet};
use crate::detect::{Detector, Event, SessionKey};
use crate::model::{FieldSet, Interpret, Layout, Verdict};
use crate::template::Templater;

/// Scores all readable records; `each` receives a record's number and verdict. Gives what could not be read, in words.
pub fn replay(
    snapshot: &Snapshot,
    interpret: &dyn Interpret,
    detector: &mut Detector,
    rules: Option<&Arc<RuleSet>>,
    mut each: impl FnMut(u64, &Verdict),
) -> Result<Vec<String>, EngineError> {
    let mut pass = Replay::new(snapshot, detector).looking_for(rules);
    let mut unreadable = snapshot.unreadable().to_vec();
    for group in snapshot.groups() {
        let read = snapshot.columns(group).and_then(|columns| Ok((columns, snapshot.lines(group)?)));
        match read {
            Ok((columns, lines)) => {
                pass.group(&columns, &lines, interpret, |row, verdict| each(group.first.0 + row as u64, verdict));
            }
            Err(cause) => unreadable.push(cause.to_string()),
        }
    }
    Ok(unreadable)
}

/// A detector going through the groups of an archive, in record order.
pub struct Replay<'d> {
    detector: &'d mut Detector,
    sources: Sources,
    templater: Templater,
    fields: FieldSet,
    verdict: Verdict,
    matchers: Vec<Matcher>,
}

impl<'d> Replay<'d> {
    /// Before the first group.
    pub fn new(snapshot: &Snapshot, detector: &'d mut Detector) -> Replay<'d> {
        let mut sources = Sources::default();
        for input in snapshot.inputs() {
            let acquisition = &input.acquisition;
            sources.add(acquisition.input, &acquisition.name, &acquisition.format, Some(detector));
        }
        let (templater, fields, verdict) = (Templater::new(), FieldSet::default(), Verdict::default());
        Replay { detector, sources, templater, fields, verdict, matchers: Vec::new() }
    }

    /// Looks for rules from outside too, which the detector knows.
    #[must_use]
    pub fn looking_for(mut self, rules: Option<&Arc<RuleSet>>) -> Replay<'d> {
        let one = |_| rules.map(|rules| Matcher::new(Arc::clone(rules)));
        self.matchers = (0..rayon::current_num_threads()).filter_map(one).collect();
        self
    }

    /// Numbers of the rules that each record of a group fires; nothing where there are no rules.
    fn fired(&mut self, columns: &GroupColumns, lines: &GroupLines, interpret: &dyn Interpret) -> Vec<Vec<u32>> {
        let rows: Vec<usize> = (0..columns.rows()).collect();
        let share = rows.len().div_ceil(self.matchers.len().max(1)).max(1);
        let no_layout = Layout::default();
        let shares = rows.par_chunks(share).zip(self.matchers.par_iter_mut());
        let found = shares.map(|(rows, matcher)| {
            let mut fields = FieldSet::default();
            let one = rows.iter().map(|row| {
                let (raw, layout) = (lines.raw(*row), columns.layout(*row).unwrap_or(&no_layout));
                interpret.interpret(layout, raw, &mut fields);
                matcher.find(&layout.format, raw, &fields.of(raw))
            });
            one.collect::<Vec<_>>()
        });
        found.flatten().collect()
    }

    /// Scores the records of the next group; `each` receives a row and its verdict.
    pub fn group(
        &mut self,
        columns: &GroupColumns,
        lines: &GroupLines,
        interpret: &dyn Interpret,
        mut each: impl FnMut(usize, &Verdict),
    ) {
        let no_layout = Layout::default();
        let fired = self.fired(columns, lines, interpret);
        for row in 0..columns.rows() {
            let raw = lines.raw(row);
            interpret.interpret(columns.layout(row).unwrap_or(&no_layout), raw, &mut self.fields);
            let of_record = self.fields.of(raw);
            let message = of_record.first("message").unwrap_or(raw);
            let event = Event {
                source: columns.input(row).map_or(u32::MAX, |input| self.sources.of(input)),
                input: columns.input(row).map_or(u32::MAX, |input| input.0),
                raw,
                message,
                fields: of_record,
                time: columns.time(row),
                quality: columns.time_quality(row),
                level: columns.level(row),
                template: self.templater.cut(message),
                session: SessionKey::Found,
            };
            self.detector.score_with(&event, fired.get(row).map_or(&[], Vec::as_slice), &mut self.verdict);
            each(row, &self.verdict);
        }
    }
}
