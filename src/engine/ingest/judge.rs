//! Records -> records with template and score, in record order on one thread: what is learned must not depend on scheduling.

use std::collections::HashMap;
use std::sync::Arc;

use crossbeam_channel::{Receiver, SendError, Sender};
use rayon::prelude::*;
use regex::bytes::Regex;

use super::batch::{Block, Flow};
use super::live::Live;
use crate::archive::CustodyKind;
use crate::detect::sigma::{Matcher, RuleSet};
use crate::detect::{Alert, DetectConfig, Detector, Event, Incidents, Model, SessionKey};
use crate::engine::models::ModelInUse;
use crate::model::{InputId, Verdict};
use crate::template::Templater;

/// How records are judged.
#[derive(Default)]
pub struct Judging {
    /// How they are scored; absent: not at all.
    pub detect: Option<DetectConfig>,
    /// Finds the key of a record's session (its first group, or all of the match); absent: the detector finds sessions.
    pub session_key: Option<Regex>,
    /// Whether the verdicts of sessions are handed on.
    pub tell_sessions: bool,
    /// What it begins with; looked at again while it works, where that is asked for.
    pub model: Option<Arc<Model>>,
    /// The file of the model, to be loaded anew when it is replaced.
    pub in_use: Option<ModelInUse>,
    /// Share of the lines that may raise an incident; absent: none is raised.
    pub incidents: Option<f64>,
}

/// The third stage.
pub struct Judge<'c> {
    /// Tells sources that stop while logs are followed.
    pub live: Option<Live<'c>>,
    templater: Templater,
    detector: Option<Detector>,
    sources: Sources,
    session_key: Option<Regex>,
    tell_sessions: bool,
    in_use: Option<ModelInUse>,
    /// What there is to say of replaced models.
    notes: Vec<String>,
    incidents: Option<Incidents>,
    verdict: Verdict,
    /// One a thread; none where there are no rules from outside.
    matchers: Vec<Matcher>,
}

/// What is left when all records were judged.
pub struct Judged {
    /// The detector with all that it has learnt.
    pub detector: Option<Detector>,
    /// What there is to say.
    pub notes: Vec<String>,
}

/// The name of a source by the name of one of its inputs: without digits, and without the marks that are then left at its end
/// (`auth.log.1` and `auth.log-20261120` are parts of `auth.log`).
pub fn stem(name: &str) -> String {
    let stem: String = name.chars().filter(|letter| !letter.is_ascii_digit()).collect();
    stem.trim_end_matches(['.', '-', '_']).to_owned()
}

/// Which inputs learn together: those of the same name but for numbers, and the same format (rotated logs, nodes).
#[derive(Debug, Default)]
pub struct Sources {
    groups: HashMap<(String, String), u32>,
    of_input: HashMap<InputId, u32>,
}

impl Sources {
    /// Takes up an input.
    pub fn add(&mut self, input: InputId, name: &str, format: &str, detector: Option<&mut Detector>) {
        let stem = stem(name);
        let next = self.groups.len() as u32;
        if let Some(detector) = detector {
            detector.name_source(*self.groups.get(&(stem.clone(), format.to_owned())).unwrap_or(&next), &stem, format);
        }
        let group = *self.groups.entry((stem, format.to_owned())).or_insert(next);
        self.of_input.insert(input, group);
    }

    /// With which source an input learns.
    pub fn of(&self, input: InputId) -> u32 {
        self.of_input.get(&input).copied().unwrap_or(u32::MAX)
    }
}

impl<'c> Judge<'c> {
    /// A stage that has learnt nothing.
    pub fn new(judging: Judging) -> Judge<'c> {
        let mut detector = judging.detect.map(Detector::new);
        if let (Some(detector), Some(model)) = (&mut detector, judging.model) {
            detector.use_model(model);
        }
        Judge {
            live: None,
            templater: Templater::new(),
            detector,
            in_use: judging.in_use,
            notes: Vec::new(),
            sources: Sources::default(),
            session_key: judging.session_key,
            tell_sessions: judging.tell_sessions,
            incidents: judging.incidents.map(Incidents::new),
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

    /// What decides flags, in words; `None` where nothing is scored.
    pub fn flagging(&self) -> Option<String> {
        self.detector.as_ref().map(Detector::flagging)
    }

    /// Works until the stage before ends, and gives the detector back with all that it has learnt.
    pub fn run(mut self, from: &Receiver<Flow>, out: Sender<Flow>) -> Result<Judged, SendError<Flow>> {
        for mut flow in from {
            match &mut flow {
                Flow::Block(block) => {
                    self.look_at_model();
                    self.block(block);
                    self.sessions(&out)?;
                    if let (Some(live), Some(detector)) = (&mut self.live, &self.detector) {
                        live.block(block, &self.sources, detector);
                    }
                }
                // The backfill is done.
                Flow::Flush => self.live.iter_mut().for_each(Live::begin),
                Flow::Note(kind) => {
                    if let CustodyKind::Acquire(acquisition) = &**kind {
                        self.group(acquisition.input, &acquisition.name, &acquisition.format);
                    }
                }
                _ => {}
            }
            out.send(flow)?;
        }
        if let Some(detector) = &mut self.detector {
            detector.finish();
        }
        self.sessions(&out)?;
        Ok(Judged { detector: self.detector, notes: self.notes })
    }

    /// Takes up a model that was replaced; one that can't be read changes nothing.
    fn look_at_model(&mut self) {
        let (Some(detector), Some(in_use)) = (&mut self.detector, &mut self.in_use) else { return };
        match in_use.replaced() {
            Some(Ok(model)) => {
                self.notes.push(format!("the model '{}' was replaced and is in use since", model.name()));
                detector.use_model(model);
            }
            Some(Err(cause)) => self.notes.push(format!("{cause}; the one before stays in use")),
            None => {}
        }
    }

    /// Goes once more through what a detector has learnt already.
    pub fn go_on_with(&mut self, mut detector: Detector) {
        detector.begin_again();
        self.detector = Some(detector);
    }

    /// Tells which group an input learns with; inputs of earlier runs are told before the first record.
    pub fn group(&mut self, input: InputId, name: &str, format: &str) {
        self.sources.add(input, name, format, self.detector.as_mut());
        self.live.iter_mut().for_each(|live| live.name(input, name));
    }

    /// Hands on the sessions that have ended; untaken they would pile up.
    fn sessions(&mut self, out: &Sender<Flow>) -> Result<(), SendError<Flow>> {
        let Some(detector) = &mut self.detector else { return Ok(()) };
        let ended = detector.take_sessions();
        if self.tell_sessions && !ended.is_empty() { out.send(Flow::Sessions(ended)) } else { Ok(()) }
    }

    /// Numbers of the rules that each record of the block fires; nothing where there are no rules.
    fn fired(&mut self, block: &Block) -> Vec<Vec<u32>> {
        if self.matchers.is_empty() {
            return Vec::new();
        }
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
            let source = self.sources.of(row.input);
            let session = self.session_key.as_ref().map_or(SessionKey::Found, |key| session_in(key, raw));
            let (input, time, quality, level) = (row.input.0, parsed.time, parsed.quality, parsed.level);
            let event = Event { source, input, raw, message, fields, time, quality, level, template: cut, session };
            detector.score_with(&event, fired.get(number).map_or(&[], Vec::as_slice), &mut self.verdict);
            row.score = self.verdict.score;
            row.novelty = self.verdict.novelty;
            if let Some(incidents) = &mut self.incidents {
                row.raised = incidents.observe(&event, &self.verdict) == Alert::Raised;
            }
            if self.verdict.flagged || !self.verdict.rules.is_empty() {
                verdicts.push((number as u32, self.verdict.clone()));
            }
        }
    }
}

/// The session that a regex finds in a record.
fn session_in<'a>(key: &Regex, raw: &'a [u8]) -> SessionKey<'a> {
    let Some(found) = key.captures(raw) else { return SessionKey::None };
    found.get(1).or_else(|| found.get(0)).map_or(SessionKey::None, |found| SessionKey::Named(found.as_bytes()))
}
