//! Records -> records with template and score, in record order on one thread: what is learned must not depend on scheduling.

use std::collections::HashMap;
use std::sync::Arc;

use crossbeam_channel::{Receiver, SendError, Sender};
use rayon::prelude::*;

use super::batch::{Block, Flow};
use crate::archive::CustodyKind;
use crate::detect::sigma::{Matcher, RuleSet};
use crate::detect::{DetectConfig, Detector, Event};
use crate::model::{InputId, Verdict};
use crate::template::Templater;

/// The third stage.
pub struct Judge {
    templater: Templater,
    detector: Option<Detector>,
    /// Which inputs learn together: those of the same name but for numbers, and the same format (rotated logs, nodes).
    groups: HashMap<(String, String), u32>,
    group_of: HashMap<InputId, u32>,
    verdict: Verdict,
    /// One a thread; none where there are no rules from outside.
    matchers: Vec<Matcher>,
}

impl Judge {
    /// A stage that scores, unless `config` is absent.
    pub fn new(config: Option<DetectConfig>) -> Judge {
        Judge {
            templater: Templater::new(),
            detector: config.map(Detector::new),
            groups: HashMap::new(),
            group_of: HashMap::new(),
            verdict: Verdict::default(),
            matchers: Vec::new(),
        }
    }

    /// Looks for rules from outside too, on so many threads; a stage that does not score takes none up.
    pub fn set_rules(&mut self, rules: &Arc<RuleSet>, threads: usize) {
        if let Some(detector) = self.detector.as_mut().filter(|_| !rules.is_empty()) {
            detector.set_rules(Arc::clone(rules));
            self.matchers = (0..threads.max(1)).map(|_| Matcher::new(Arc::clone(rules))).collect();
        }
    }

    /// Works until the stage before ends.
    pub fn run(mut self, from: &Receiver<Flow>, out: &Sender<Flow>) -> Result<(), SendError<Flow>> {
        for mut flow in from {
            match &mut flow {
                Flow::Block(block) => self.block(block),
                Flow::Note(kind) => {
                    if let CustodyKind::Acquire(acquisition) = &**kind {
                        self.group(acquisition.input, &acquisition.name, &acquisition.format);
                    }
                }
                _ => {}
            }
            out.send(flow)?;
        }
        Ok(())
    }

    /// Tells which group an input learns with; inputs of earlier runs are told before the first record.
    pub fn group(&mut self, input: InputId, name: &str, format: &str) {
        let stem: String = name.chars().filter(|letter| !letter.is_ascii_digit()).collect();
        let next = self.groups.len() as u32;
        let group = *self.groups.entry((stem, format.to_owned())).or_insert(next);
        self.group_of.insert(input, group);
    }

    /// Numbers of the rules that each record of the block fires; nothing where there are no rules.
    fn fired(&mut self, block: &Block) -> Vec<Vec<u32>> {
        let Block { bytes, rows, parsed, layouts, .. } = block;
        let share = rows.len().div_ceil(self.matchers.len().max(1)).max(1);
        let shares = rows.par_chunks(share).zip(parsed.par_chunks(share)).zip(self.matchers.par_iter_mut());
        let found = shares.map(|((rows, parsed), matcher)| {
            let one = rows.iter().zip(parsed).map(|(row, parsed)| {
                let raw = bytes.get(row.start..row.end).unwrap_or_default();
                let format = layouts.get(row.layout as usize).map_or("", |(_, _, layout)| layout.format.as_str());
                matcher.find(format, raw, &parsed.fields.of(raw))
            });
            one.collect::<Vec<_>>()
        });
        found.flatten().collect()
    }

    fn block(&mut self, block: &mut Block) {
        let fired = self.fired(block);
        let Block { bytes, rows, parsed, templates, verdicts, .. } = block;
        if let Some(detector) = &mut self.detector {
            // Sessions have no place in the archive yet; untaken they would pile up.
            detector.take_sessions();
        }
        let mut by_hash: hashbrown::HashMap<u64, u32> = hashbrown::HashMap::new();
        for (number, (row, parsed)) in rows.iter_mut().zip(parsed.iter()).enumerate() {
            let raw = bytes.get(row.start..row.end).unwrap_or_default();
            let fields = parsed.fields.of(raw);
            let message = fields.first("message").unwrap_or(raw);
            let cut = self.templater.cut(message);
            row.template = *by_hash.entry(cut.hash).or_insert_with(|| {
                templates.push((cut.hash, cut.text.to_owned()));
                templates.len() as u32 - 1
            });
            let Some(detector) = &mut self.detector else { continue };
            let source = self.group_of.get(&row.input).copied().unwrap_or(u32::MAX);
            let event = Event { source, raw, message, fields, time: parsed.time, level: parsed.level, template: cut };
            detector.score_with(&event, fired.get(number).map_or(&[], Vec::as_slice), &mut self.verdict);
            row.score = self.verdict.score;
            row.novelty = self.verdict.novelty;
            if self.verdict.flagged || !self.verdict.rules.is_empty() {
                verdicts.push((number as u32, self.verdict.clone()));
            }
        }
    }
}
