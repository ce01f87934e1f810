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
mod letters;
mod measure;
mod metrics;
mod model;
mod numbers;
mod profile;
mod rate;
mod request;
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
pub use session::SessionVerdict;

use crate::model::{Cut, Fields, Level, Timestamp, Verdict};
use judge::Judge;
use measure::Measure;
use memchr::memmem::Finder;
use model::SourceModel;
use request::Request;
use rules::{Hits, Rule};
use session::Ended;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};
use xxhash_rust::xxh3::xxh3_64;

/// Ids of the rules that verdicts can name, in order.
pub fn rule_ids() -> Vec<&'static str> {
    let mut ids: Vec<&str> = Rule::ALL.into_iter().filter(|rule| rule.is_told()).map(Rule::id).collect();
    ids.sort_unstable();
    ids
}

/// One record as detection sees it; everything is borrowed.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// Which inputs share a past: records of one kind (a format, an application, a file and its rotated parts) have the
    /// same number.
    pub source: u32,
    /// The bytes of the record.
    pub raw: &'a [u8],
    /// Its message, without header.
    pub message: &'a [u8],
    /// Its fields.
    pub fields: Fields<'a>,
    /// Its time in UTC.
    pub time: Option<Timestamp>,
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
        let (config, names) = (&self.config, &self.names);
        let sources: Vec<SourceModel> = std::mem::take(&mut self.judges)
            .into_iter()
            .filter(|(_, judge)| judge.lines() >= FEWEST_LINES)
            .map(|(source, mut judge)| {
                judge.settle(config);
                let (stem, format) = names.get(&source).cloned().unwrap_or_default();
                SourceModel { stem, format, lines: judge.lines(), judge }
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
        let Detector { config, judges, names, model, number, ended, measure, decoded, query, agents, sigma } = self;
        let request = Request::read(&event.fields, query);
        let hits = known(event, &request, decoded, agents);
        let source = if judges.contains_key(&event.source) || judges.len() < config.max_sources.max(1) {
            event.source
        } else {
            // More sources than states: the rest share those there are.
            let nth = event.source as usize % judges.len();
            judges.keys().nth(nth).copied().unwrap_or(event.source)
        };
        let judge = judges.entry(source).or_insert_with(|| begin(config, model.as_deref(), names.get(&source)));
        let outside = sigma.as_mut().map_or(0.0, |sigma| sigma.weigh(config, source, fired));
        judge.score(config, *number, event, &request, (hits, outside), measure, verdict);
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

    /// Bytes held by everything learned, within a tenth.
    pub fn bytes(&self) -> usize {
        self.judges.values().map(Judge::bytes).sum::<usize>()
            + self.decoded.capacity()
            + self.query.capacity()
            + self.sigma.as_ref().map_or(0, sigma::Priors::bytes)
    }
}

/// The first state of a source: what a model knows of sources like it, or nothing.
fn begin(config: &DetectConfig, model: Option<&Model>, name: Option<&(String, String)>) -> Judge {
    let (stem, format) = name.map_or(("", ""), |(stem, format)| (stem.as_str(), format.as_str()));
    match model.and_then(|model| model.for_source(stem, format)) {
        Some(known) => {
            let mut judge = known.judge.clone();
            judge.go_on(config);
            judge
        }
        None => Judge::new(config),
    }
}

/// Two dots in a referer, the least a path traversal needs.
static DOTS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b".."));

/// What the rules said of the latest names of client programs: few names come again and again.
#[derive(Debug)]
struct Agents {
    known: Vec<(u64, Hits)>,
}

impl Default for Agents {
    fn default() -> Self {
        Agents { known: vec![(0, Hits::default()); 256] }
    }
}

impl Agents {
    fn get(&mut self, agent: &[u8], scan: impl FnOnce() -> Hits) -> Hits {
        let key = xxh3_64(agent);
        match self.known.get_mut(key as usize % 256) {
            Some((known, hits)) if *known == key => *hits,
            Some(slot) => {
                *slot = (key, scan());
                slot.1
            }
            None => scan(),
        }
    }
}

/// Keeps the verdict of a session where it is asked for.
fn keep(config: &DetectConfig, ended: &mut Ended, source: u32, verdict: SessionVerdict) {
    if verdict.flagged || config.all_sessions {
        ended.push(SessionVerdict { source, ..verdict });
    }
}

/// The rules that the text, level and status of a record show.
fn known(event: &Event<'_>, request: &Request<'_>, buffer: &mut Vec<u8>, agents: &mut Agents) -> Hits {
    let mut hits = if request.is_request() {
        let mut hits = rules::scan(request.target, buffer, true);
        if !request.agent.is_empty() {
            hits = hits.or(agents.get(request.agent, || {
                // Programs list their parts as shells list commands: `(U; id; rv 2)`.
                let mut from = rules::scan(request.agent, buffer, false);
                from.remove(Rule::CommandInjection);
                from
            }));
        }
        if request.referer.iter().any(|byte| matches!(byte, b'<' | b'%' | b'\\'))
            || DOTS.find(request.referer).is_some()
        {
            // Searches are quoted in referers: only what no search contains counts there.
            let from = rules::scan(request.referer, buffer, false);
            [Rule::Xss, Rule::PathTraversal].into_iter().filter(|rule| from.has(*rule)).for_each(|rule| hits.add(rule));
        }
        // Words of failure in a path are names of pages.
        hits.remove(Rule::FaultWord);
        hits.remove(Rule::AuthFailure);
        hits.remove(Rule::AccessDenied);
        // Parsers leave a dash out: a log that names agents names referers.
        let from_no_page = request.referer == b"-" || (request.referer.is_empty() && !request.agent.is_empty());
        if request.method == b"POST" && from_no_page {
            hits.add(Rule::BlindPost);
        }
        // 403 says that the client is known and may not: that is no failed login.
        if request.status == b"401" {
            hits.add(Rule::AuthFailure);
        }
        hits
    } else {
        rules::scan(event.message, buffer, false)
    };
    for name in ["event_type", "eventid", "outcome"] {
        if event.fields.first(name).is_some_and(|value| rules::scan(value, buffer, false).has(Rule::AuthFailure)) {
            hits.add(Rule::AuthFailure);
        }
    }
    if hits.has(Rule::AuthFailure) {
        if event.fields.first("user").is_some_and(|user| rules::scan(user, buffer, false).has(Rule::PrivilegedAccount))
        {
            hits.add(Rule::PrivilegedAccount);
        }
    } else {
        hits.remove(Rule::PrivilegedAccount);
    }
    match measure::severity(event) {
        Some(level) if level >= Level::Critical => hits.add(Rule::Critical),
        Some(Level::Error) => hits.add(Rule::Error),
        Some(Level::Warn) => hits.add(Rule::Warning),
        _ => {}
    }
    hits
}
