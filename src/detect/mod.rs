//! Stage 4: understood records go in; how unusual they are, and why, comes out.
//!
//! Every line is measured by some twenty features against the past of its source (`profile`), each measure becomes decades
//! of rarity (`tail`), an isolation forest judges the odd ones as a whole (`forest`), and what is known beforehand adds its
//! own decades (`rules`). The score is the sum, so the reasons of a score are its own terms (`explain`). What is flagged is
//! decided by a streaming quantile of past scores (`threshold`).
//!
//! One detector serves one run and is fed in record order: the same records in the same order give the same verdicts. State
//! is bounded: at most 12 MiB a source and [`DetectConfig::max_sources`] sources.

mod advice;
mod config;
mod counts;
mod entity;
mod explain;
mod feature;
mod grouping;
mod incident;
mod judge;
mod known;
mod letters;
mod measure;
mod metrics;
mod model;
mod numbers;
mod profile;
mod rate;
mod request;
mod rhythm;
mod rules;
mod session;
mod shift;
pub mod sigma;
mod tail;
mod threshold;
mod wording;

pub use advice::{Gravity, is_rule, meaning, recommendation};
pub use config::DetectConfig;
pub use grouping::{MOST_GROUPED, alike};
pub use incident::{Alert, Incidents};
pub use metrics::{Labelled, MOST_MEASURED, Measures, measure};
pub use model::{FEWEST_LINES, LONGEST_MODEL, Model, ModelError, ModelKind};
pub use rhythm::{FEWEST_STEPS, Moment, Rhythm, Rhythms, Silence};
pub use session::SessionVerdict;

use crate::model::{Cut, Fields, Level, TimeQuality, Timestamp, Verdict};
use judge::{Judge, Known};
use known::Agents;
use measure::Measure;
use model::SourceModel;
use request::Request;
use rules::Rule;
use session::Ended;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Ids of the rules that verdicts can name, in order.
pub fn rule_ids() -> Vec<&'static str> {
    let mut ids: Vec<&str> = Rule::ALL.into_iter().filter(|rule| rule.is_told()).map(Rule::id).collect();
    ids.push(explain::SHIFT);
    ids.sort_unstable();
    ids
}

/// One record as detection sees it; everything is borrowed.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// Which inputs share a past: records of one kind (a format, an application, a file and its rotated parts) have the
    /// same number.
    pub source: u32,
    /// The input it comes from, whose records follow one another in time.
    pub input: u32,
    /// The bytes of the record.
    pub raw: &'a [u8],
    /// Its message, without header.
    pub message: &'a [u8],
    /// Its fields.
    pub fields: Fields<'a>,
    /// Its time in UTC.
    pub time: Option<Timestamp>,
    /// How the time was obtained.
    pub quality: TimeQuality,
    /// Its normalised level.
    pub level: Option<Level>,
    /// Its message cut into template and slots.
    pub template: Cut<'a>,
    /// Which session it belongs to.
    pub session: SessionKey<'a>,
}

/// How the session of a record is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SessionKey<'a> {
    /// The detector looks for an identifier in fields and message.
    #[default]
    Found,
    /// The caller names it.
    Named(&'a [u8]),
    /// The record belongs to none.
    None,
}

/// Scores records in the order they are given; holds all that is learned.
#[derive(Debug)]
pub struct Detector {
    config: DetectConfig,
    judges: BTreeMap<u32, Judge>,
    /// Names without numbers and formats of the sources.
    names: HashMap<u32, (String, String)>,
    /// What was learnt elsewhere.
    model: Option<Arc<Model>>,
    number: u64,
    ended: Ended,
    measure: Measure,
    decoded: Vec<u8>,
    query: Vec<u8>,
    agents: Agents,
    sigma: Option<sigma::Priors>,
    rhythms: Rhythms,
}

impl Detector {
    /// A detector that has learned nothing.
    pub fn new(config: DetectConfig) -> Self {
        let (decoded, query) = (Vec::new(), Vec::new());
        Detector {
            config,
            judges: BTreeMap::new(),
            names: HashMap::new(),
            model: None,
            number: 0,
            ended: Ended::default(),
            measure: Measure::default(),
            decoded,
            query,
            agents: Agents::default(),
            sigma: None,
            rhythms: Rhythms::default(),
        }
    }

    /// Begins every source with what a model knows of sources like it; the kind and its settings become the model's, what was
    /// learnt here is dropped.
    pub fn use_model(&mut self, model: Arc<Model>) {
        let (own, its) = (&self.config, model.config());
        let flags_by = if own.is_stated { own } else { its };
        self.config = DetectConfig {
            alert_budget: flags_by.alert_budget,
            session_budget: flags_by.session_budget,
            threshold: flags_by.threshold,
            session_threshold: flags_by.session_threshold,
            all_sessions: own.all_sessions,
            max_sources: own.max_sources,
            ..its.clone()
        };
        self.judges.clear();
        self.rhythms = Rhythms::default();
        self.model = Some(model);
    }

    /// What decides flags, in words.
    pub fn flagging(&self) -> String {
        self.config.flagging()
    }

    /// Tells the name of a source (without numbers) and its format, by which models know sources; before its first record.
    pub fn name_source(&mut self, source: u32, stem: &str, format: &str) {
        self.names.insert(source, (stem.to_owned(), format.to_owned()));
    }

    /// Makes a model of all that was learnt; sources of few lines are left out.
    pub fn into_model(mut self, name: &str) -> Result<Model, ModelError> {
        self.finish();
        let longest = self.judges.values().map(Judge::lines).max().unwrap_or(0);
        let (config, names, rhythms) = (&self.config, &self.names, &self.rhythms);
        let sources: Vec<SourceModel> = std::mem::take(&mut self.judges)
            .into_iter()
            .filter(|(_, judge)| judge.lines() >= FEWEST_LINES)
            .map(|(source, mut judge)| {
                judge.settle(config);
                let (stem, format) = names.get(&source).cloned().unwrap_or_default();
                let rhythm = rhythms.of(source).cloned().unwrap_or_default();
                SourceModel { stem, format, lines: judge.lines(), judge, rhythm }
            })
            .collect();
        if sources.is_empty() {
            return Err(ModelError::TooFew { lines: longest });
        }
        let config = DetectConfig { all_sessions: false, ..self.config };
        Ok(Model { name: name.to_owned(), config, sources })
    }

    /// Takes up rules from outside; [`Detector::score_with`] is told which of them fired.
    pub fn set_rules(&mut self, rules: Arc<sigma::RuleSet>) {
        self.sigma = Some(sigma::Priors::new(rules));
    }

    /// Scores a record against everything given before, learns it, and fills `verdict` anew.
    ///
    /// Reasons, rules and entity are filled where the record is flagged or a rule worth telling fired; an ordinary record
    /// allocates nothing.
    pub fn score(&mut self, event: &Event<'_>, verdict: &mut Verdict) {
        self.score_with(event, &[], verdict);
    }

    /// The same, with the numbers of the rules from outside that the record fired: they add to the score, and are told.
    pub fn score_with(&mut self, event: &Event<'_>, fired: &[u32], verdict: &mut Verdict) {
        let Detector { config, judges, names, model, number, ended, measure, decoded, query, agents, sigma, rhythms } =
            self;
        let request = Request::read(&event.fields, query);
        let hits = known::known(event, &request, decoded, agents);
        let named = |source: &u32| model.as_deref().and_then(|model| of_model(model, names.get(source)));
        let begun = || named(&event.source).map(|known| known.rhythm.clone()).unwrap_or_default();
        let moment =
            event.time.map(|time| Moment { source: event.source, input: event.input, time, quality: event.quality });
        let silence = moment.and_then(|moment| rhythms.observe(&moment, begun));
        let source = if judges.contains_key(&event.source) || judges.len() < config.max_sources.max(1) {
            event.source
        } else {
            // More sources than states: the rest share those there are.
            let nth = event.source as usize % judges.len();
            judges.keys().nth(nth).copied().unwrap_or(event.source)
        };
        let judge = judges.entry(source).or_insert_with(|| begin(config, named(&source)));
        let outside = sigma.as_mut().map_or(0.0, |sigma| sigma.weigh(config, source, fired));
        judge.score(config, *number, event, &request, Known { hits, outside, silence }, measure, verdict);
        if let Some(sigma) = sigma.as_ref().filter(|_| !fired.is_empty()) {
            sigma.tell(verdict);
            verdict.entity = verdict.entity.take().or_else(|| judge::entity_of(event));
        }
        judge.sessions.sweep(*number, &mut |verdict| keep(config, ended, source, verdict));
        *number += 1;
    }

    /// Takes the verdicts of sessions that ended since the last call (the flagged ones, or all by
    /// [`DetectConfig::all_sessions`]), in the order in which they ended; at most 65,536 wait, the oldest go first.
    pub fn take_sessions(&mut self) -> Vec<SessionVerdict> {
        self.ended.take()
    }

    /// Ends all sessions, as the input has; their verdicts wait in [`Detector::take_sessions`].
    pub fn finish(&mut self) {
        let Detector { config, judges, ended, .. } = self;
        for (source, judge) in judges {
            judge.sessions.finish(&mut |verdict| keep(config, ended, *source, verdict));
        }
    }

    /// The same records come once more, from the first: a silence is then judged by all others of its source.
    pub fn begin_again(&mut self) {
        self.finish();
        self.take_sessions();
        self.rhythms.begin_again();
    }

    /// How long a source is usually silent, where enough is known of it.
    pub fn rhythm(&self, source: u32) -> Option<&Rhythm> {
        self.rhythms.of(source)
    }

    /// Bytes held by everything learned, within a tenth.
    pub fn bytes(&self) -> usize {
        self.judges.values().map(Judge::bytes).sum::<usize>()
            + self.decoded.capacity()
            + self.query.capacity()
            + self.sigma.as_ref().map_or(0, sigma::Priors::bytes)
            + self.rhythms.bytes()
    }
}

/// What a model knows of sources like one of this name and format.
fn of_model<'m>(model: &'m Model, name: Option<&(String, String)>) -> Option<&'m SourceModel> {
    let (stem, format) = name.map_or(("", ""), |(stem, format)| (stem.as_str(), format.as_str()));
    model.for_source(stem, format)
}

/// The first state of a source: what a model knows of sources like it, or nothing.
fn begin(config: &DetectConfig, known: Option<&SourceModel>) -> Judge {
    match known {
        Some(known) => {
            let mut judge = known.judge.clone();
            judge.go_on(config);
            judge
        }
        None => Judge::new(config),
    }
}

/// Keeps the verdict of a session where it is asked for.
fn keep(config: &DetectConfig, ended: &mut Ended, source: u32, verdict: SessionVerdict) {
    if verdict.flagged || config.all_sessions {
        ended.push(SessionVerdict { source, ..verdict });
    }
}
