//! Pipes whose outcome does not depend on order: groups are taken as they come, their values cut out on all cores.

use super::{EngineError, Pipeline, run::Run};
use crate::archive::ArchiveError;
use crate::model::{FieldSet, Interpret};
use crate::query::{GroupMatches, Taken};

impl Run<'_> {
    /// Pushes all matches. The order is that of groups by their newest record, then that of the archive: always the same.
    pub(super) fn aggregate(&mut self, pipeline: &mut Pipeline) -> Result<(), EngineError> {
        let (needs, lines) = (pipeline.needs(), pipeline.needs_lines());
        let (taker, alike) = (pipeline.taker(), pipeline.alike());
        let search = self.search;
        let interpret = pipeline.needs_fields().then_some(&search.registry as &dyn Interpret);
        let take = |group: &mut GroupMatches| -> Result<Vec<(Taken, u64)>, ArchiveError> {
            if lines && !group.rows.is_empty() {
                group.decoded.unpack(&search.snapshot)?;
            }
            let mut fields = FieldSet::default();
            let mut take = |row: u32| {
                group.decoded.cut(row as usize, interpret, &mut fields);
                taker.take(&group.decoded.view(&search.snapshot, row as usize, &fields))
            };
            Ok(match &alike {
                Some(alike) => {
                    let kinds = alike.tally(group.decoded.columns(), &group.rows);
                    kinds.into_iter().map(|(row, times)| (take(row), times)).collect()
                }
                None => group.rows.iter().map(|row| (take(*row), 1)).collect(),
            })
        };
        let candidates = self.ordered_candidates();
        for part in candidates.chunks(4 * rayon::current_num_threads()) {
            for (_, _, taken) in self.evaluate(part, &|_| needs, &take)? {
                taken.into_iter().try_for_each(|(taken, times)| pipeline.push_taken(taken, times))?;
            }
        }
        Ok(())
    }
}
