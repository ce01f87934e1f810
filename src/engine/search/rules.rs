//! Names of the rules that fired in a store, for completion.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::Search;
use crate::archive::{GroupColumns, Needs};

/// Row groups that are looked at, the newest.
const GROUPS: usize = 512;
/// Names that are kept.
const NAMES: usize = 4_096;
/// What stands before the title of a rule in its reason, and behind it.
const TITLE: (&str, &str) = ("Sigma rule: ", " (level ");

impl Search {
    /// Names of the rules that fired on records of the newest row groups, those of the program among them, each with its title
    /// where that is told (of Sigma rules). At most 4,096; what can't be read is left out.
    pub fn rules_fired(&self) -> BTreeMap<String, Option<String>> {
        let newest: Vec<_> = self.snapshot.groups().iter().rev().take(GROUPS).collect();
        let read: Vec<GroupColumns> = newest
            .par_iter()
            .filter_map(|group| {
                let needs = if group.stats.flagged > 0 { Needs::RULES | Needs::VERDICTS } else { Needs::RULES };
                self.snapshot.columns_of(group, needs, GroupColumns::default()).ok()
            })
            .collect();
        let mut names: BTreeMap<String, Option<String>> = BTreeMap::new();
        for columns in read {
            for name in columns.rule_sets().iter().flatten() {
                if names.len() < NAMES && !names.contains_key(name) {
                    names.insert(name.clone(), None);
                }
            }
            let verdicts = (0..columns.rows()).filter_map(|row| columns.verdict(row));
            for reason in verdicts.flat_map(|verdict| &verdict.reasons) {
                let title = reason.text.strip_prefix(TITLE.0).and_then(|text| text.rsplit_once(TITLE.1));
                if let (Some(known), Some((title, _))) = (names.get_mut(&reason.id), title) {
                    known.get_or_insert_with(|| title.to_owned());
                }
            }
        }
        names
    }
}
