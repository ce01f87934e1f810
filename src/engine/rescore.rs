//! The second pass: scores every record of an archive anew, knowing all of it, and puts the scores in place of the old ones.
//!
//! The first pass only learns what is usual in the whole archive, the second judges. All segments are written anew with the new
//! scores (lines, times and record tree stay what they are) and take their place by one entry of the log, which says so: answers
//! tell records of the second pass from those that came later and were scored once.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::EngineError;
use super::compact::groups_of;
use super::ingest::Counters;
use super::replay::{Replay, replay};
use super::rewrite::Restripe;
use crate::archive::{CustodyKind, Rewriter, SegmentEntry, Sha, Snapshot};
use crate::detect::sigma::RuleSet;
use crate::detect::{DetectConfig, Detector, rule_ids};
use crate::model::{Interpret, Verdict};

/// What was scored anew.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub struct RescoreReport {
    /// Records scored.
    pub records: u64,
    /// Flagged before.
    pub flagged_before: u64,
    /// Flagged now.
    pub flagged_after: u64,
    /// Records that keep what rules from outside found on them before, as none were given to look for.
    pub kept_outside: u64,
}

/// Scores all records of an archive in two passes and replaces what was said of them. Without `rules` what rules from outside found
/// before stays; with them it is replaced by what these find.
#[allow(clippy::too_many_arguments, reason = "what the archive is, how it is judged, and who is told")]
pub fn rescore(
    snapshot: &Snapshot,
    rewriter: &mut Rewriter,
    interpret: &dyn Interpret,
    config: DetectConfig,
    rules: Option<&Arc<RuleSet>>,
    now: &str,
    counters: &Counters,
) -> Result<RescoreReport, EngineError> {
    let entries: Vec<SegmentEntry> = snapshot.segments().cloned().collect();
    let mut report = RescoreReport { records: snapshot.records(), ..RescoreReport::default() };
    if entries.is_empty() {
        return Ok(report);
    }
    // Before anything is learnt: an archive with a gap can't be scored as a whole.
    let groups = groups_of(snapshot, &entries)?;
    report.flagged_before = groups.iter().map(|group| u64::from(group.stats.flagged)).sum();
    counters.set_total(2 * snapshot.raw_bytes());
    let sought = rules.map_or_else(String::new, |rules| format!(" rules={}", Sha(rules.digest())));
    let settings = Some(Sha::of(format!("{}{sought}", config.text()).as_bytes()));
    let mut detector = Detector::new(config);
    if let Some(rules) = rules {
        detector.set_rules(Arc::clone(rules));
    }
    replay(snapshot, interpret, &mut detector, rules, |_, _| ())?;
    detector.begin_again();
    counters.add_read(snapshot.raw_bytes());
    let mut rewrite = rewriter.rewrite(entries.clone(), snapshot.fields_of(&entries)?)?;
    let mut restripe = Restripe::new(&mut rewrite, interpret);
    let mut pass = Replay::new(snapshot, &mut detector).looking_for(rules);
    let mut segments = entries.iter().peekable();
    let mut verdicts: Vec<Verdict> = Vec::new();
    let own: BTreeSet<&str> = rule_ids().into_iter().collect();
    for group in groups {
        if counters.is_stopped() {
            return Err(EngineError::Interrupted);
        }
        while segments.next_if(|entry| entry.first.saturating_add(entry.records) <= group.first.0).is_some() {}
        let seal = segments.peek().map_or_else(Default::default, |entry| entry.seal);
        let (columns, lines) = (snapshot.columns(group)?, snapshot.lines(group)?);
        verdicts.clear();
        pass.group(&columns, &lines, interpret, |row, verdict| {
            let mut verdict = verdict.clone();
            if rules.is_none() && keep_outside(&mut verdict, columns.rules(row), columns.verdict(row), &own) {
                report.kept_outside += 1;
            }
            verdicts.push(verdict);
        });
        report.flagged_after += verdicts.iter().filter(|verdict| verdict.flagged).count() as u64;
        restripe.group(group, &columns, &lines, seal, |row| verdicts.get(row).cloned())?;
        counters.add_read(group.stats.raw_bytes);
    }
    restripe.finish()?;
    let told = CustodyKind::Rescore { records: snapshot.records(), pass: 2, settings };
    rewrite.finish(vec![told], now)?;
    Ok(report)
}

/// Keeps what rules from outside found on a record before, and a flag with it; whether they had found something.
fn keep_outside(verdict: &mut Verdict, rules: &[String], before: Option<&Verdict>, own: &BTreeSet<&str>) -> bool {
    let mut outside = rules.iter().filter(|rule| !own.contains(rule.as_str())).peekable();
    if outside.peek().is_none() {
        return false;
    }
    verdict.rules.extend(outside.cloned());
    verdict.rules.sort_unstable();
    verdict.rules.dedup();
    let Some(before) = before else { return true };
    let told = before.reasons.iter().filter(|reason| rules.contains(&reason.id) && !own.contains(reason.id.as_str()));
    verdict.reasons.extend(told.cloned());
    verdict.reasons.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    verdict.flagged = true;
    verdict.score = verdict.score.max(before.score);
    verdict.entity = verdict.entity.take().or_else(|| before.entity.clone());
    true
}
