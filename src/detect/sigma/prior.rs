//! What fired rules weigh: decades by level, less where a rule fires often on its source.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::set::RuleSet;
use crate::detect::DetectConfig;
use crate::model::{Reason, Verdict};

/// The name that every record with a fired rule bears beside the rule's own.
const ANY: &str = "sigma";
/// Reasons told of one record.
const TOLD: usize = 3;

/// How often rules fired on one source.
#[derive(Debug, Default)]
struct Past {
    lines: f32,
    fired: HashMap<u32, f32>,
}

/// The rules in force and how often each fired, by source.
#[derive(Debug)]
pub(in crate::detect) struct Priors {
    set: Arc<RuleSet>,
    past: BTreeMap<u32, Past>,
    weights: Vec<(u32, f32)>,
}

impl Priors {
    /// Rules that have not fired yet.
    pub fn new(set: Arc<RuleSet>) -> Priors {
        Priors { set, past: BTreeMap::new(), weights: Vec::new() }
    }

    /// Takes up the rules that a record fired; the decades of the strongest, which alone counts: rules overlap.
    pub fn weigh(&mut self, config: &DetectConfig, source: u32, fired: &[u32]) -> f32 {
        let past = self.past.entry(source).or_default();
        past.lines += 1.0;
        self.weights.clear();
        for number in fired {
            let Some(rule) = self.set.rule(*number) else { continue };
            let count = past.fired.entry(*number).or_default();
            let share = (*count + 0.5) / (past.lines + 32.0);
            *count += 1.0;
            let discount = (-share.log10() / 1.5).clamp(0.6, 1.0);
            self.weights.push((*number, rule.level.decades() * discount));
        }
        self.weights.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        if past.lines >= 2.0 * config.halve_every.max(1) as f32 {
            past.lines *= 0.5;
            past.fired.values_mut().for_each(|count| *count *= 0.5);
        }
        self.weights.first().map_or(0.0, |(_, decades)| *decades)
    }

    /// Enters what [`Priors::weigh`] took up last into a verdict.
    pub fn tell(&self, verdict: &mut Verdict) {
        for (place, (number, decades)) in self.weights.iter().enumerate() {
            let Some(rule) = self.set.rule(*number) else { continue };
            verdict.rules.push(rule.name.clone());
            if place < TOLD {
                let title: String =
                    rule.title.chars().map(|c| if c.is_control() { ' ' } else { c }).take(160).collect();
                let text = format!("Sigma rule: {title} (level {})", rule.level.name());
                let weight = if place == 0 { *decades } else { 0.0 };
                verdict.reasons.push(Reason { id: rule.name.clone(), text, weight });
            }
        }
        verdict.rules.push(ANY.to_owned());
        verdict.rules.sort_unstable();
        verdict.rules.dedup();
        verdict.reasons.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    }

    /// Bytes held, within a tenth.
    pub fn bytes(&self) -> usize {
        self.past.values().map(|past| past.fired.capacity() * size_of::<(u32, f32)>() + size_of::<Past>()).sum()
    }
}
