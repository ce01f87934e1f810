//! What becomes of one source's measures: decades of rarity, the forest, the sum, the flag.

use super::config::DetectConfig;
use super::counts::pair;
use super::explain::{Terms, explain};
use super::feature::{FEATURES, Feature};
use super::measure::Measure;
use super::model::{Joint, Learnt, ModelKind, Row};
use super::profile::{self, Profile};
use super::request::Request;
use super::rhythm::Silence;
use super::rules::{Hits, RULES, Rule};
use super::session::Sessions;
use super::shift::Shift;
use super::tail::{self, Tail};
use super::threshold::Threshold;
use super::{Event, SessionKey, entity};
use crate::model::Verdict;
use serde::{Deserialize, Serialize};

/// Weight of the sum of squared rarities: strong evidence in few features counts more than a little in all of them.
pub(super) const LEARNED: f32 = 0.07;
/// Weight of the forest.
pub(super) const JOINT: f32 = 0.5;
/// Most decades the forest says.
const MOST_JOINT: f32 = 4.0;
/// Share of lines, by their sum of rarities, that the forest does not look at.
const UNREMARKABLE: f64 = 0.8;
/// Rows kept to grow a forest from.
const ROWS: usize = 2_048;
/// Lines over which it is counted how often a rule fires: a rule that is common of late says less, in a flood of attacks
/// it goes on speaking.
const RULE_MEMORY: f32 = 4_000.0;
/// Score in decades that reads as one half.
const HALF: f32 = 3.0;

/// What is known of a line before it is compared with the past of its kind.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    /// The rules that its text, level and status show.
    pub hits: Hits,
    /// What rules from outside add, in decades.
    pub outside: f32,
    /// The silence before it, where that is beyond what is usual.
    pub silence: Option<Silence>,
}

/// Everything that judges the lines of one source.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Judge {
    lines: u64,
    profile: Profile,
    tails: Vec<Tail>,
    sums: Tail,
    joint: Tail,
    learnt: Option<Learnt>,
    grow_at: u64,
    rows: Vec<Row>,
    rows_seen: u64,
    hits: [f32; RULES],
    hit_lines: f32,
    threshold: Threshold,
    shift: Shift,
    /// The sessions of the source.
    pub sessions: Sessions,
}

impl Judge {
    /// A judge that has seen nothing.
    pub fn new(config: &DetectConfig) -> Self {
        Judge {
            lines: 0,
            profile: Profile::new(),
            tails: vec![Tail::new(tail::MOST); FEATURES],
            sums: Tail::new(tail::MOST),
            joint: Tail::new(tail::MOST),
            learnt: None,
            grow_at: config.min_train.max(8),
            rows: Vec::new(),
            rows_seen: 0,
            hits: [0.0; RULES],
            hit_lines: 0.0,
            threshold: Threshold::new(config.alert_budget, config.silent),
            shift: Shift::default(),
            sessions: Sessions::new(config),
        }
    }

    /// Scores one line, the `number`th of the run, and learns it.
    #[allow(clippy::too_many_arguments, reason = "the borrowed buffers of the detector, each used once")]
    pub fn score(
        &mut self,
        config: &DetectConfig,
        number: u64,
        event: &Event<'_>,
        request: &Request<'_>,
        known: Known,
        measure: &mut Measure,
        verdict: &mut Verdict,
    ) {
        let Known { hits, outside, silence } = known;
        self.profile.observe(event, request, hits, measure);
        let mut hits = hits.or(measure.windowed);
        if silence.is_some() {
            hits.add(Rule::Silence);
        }
        let base = Terms { outside, silence, ..Terms::default() };
        let mut terms = base.clone();
        let mut sum = 0.0;
        for ((decades, tail), value) in terms.rarity.iter_mut().zip(&mut self.tails).zip(&measure.values) {
            *decades = tail.observe(*value);
            sum += *decades * *decades;
        }
        terms.joint = self.joint(&terms.rarity, sum);
        self.keep_row(config.seed, &terms.rarity);
        if config.kind == ModelKind::Rules {
            (terms, sum) = (base, 0.0);
        }
        self.priors(hits, &mut terms);
        let learned = LEARNED * sum + JOINT * terms.joint;
        let score = learned + terms.priors.iter().sum::<f32>() + outside;

        let grave = terms.grave(measure);
        let shifted = self.shift.observe(sum);
        verdict.score = shown(score);
        verdict.novelty = shown(learned);
        let is_beyond = self.threshold.flags(score, grave);
        verdict.flagged = match config.threshold {
            Some(least) => verdict.score >= least,
            None => is_beyond || shifted,
        };
        verdict.reasons.clear();
        verdict.rules.clear();
        verdict.entity = None;
        if verdict.flagged || hits.iter().any(Rule::is_told) {
            explain(event, request, measure, &terms, hits, shifted, verdict);
            // A silence is the source's own, whoever ends it.
            let is_silence = silence.is_some() && verdict.rules.len() == 1;
            verdict.entity = if is_silence { None } else { entity_of(event) };
        }
        let name = match event.session {
            SessionKey::Named(name) => Some(name),
            SessionKey::Found if !request.is_request() => {
                entity::session(&event.fields, event.message, &event.template)
            }
            _ => None,
        };
        if let (Some(key), Some(name)) = (measure.session, name) {
            self.sessions.add(key, name, event.template.hash, number, score);
        }
        self.lines += 1;
        self.upkeep(config, shifted);
    }

    /// Decades of the row as a whole; 0 for lines that are unremarkable by themselves.
    fn joint(&mut self, row: &Row, sum: f32) -> f32 {
        let (beyond, seen) = self.sums.rank(sum);
        self.sums.observe(sum);
        let Some(learnt) = &self.learnt else { return 0.0 };
        let share = f64::from(beyond) / f64::from(seen.max(1));
        if sum <= 0.0 || share > 1.0 - UNREMARKABLE {
            return 0.0;
        }
        let value = learnt.value(row);
        let (beyond, seen) = self.joint.rank(value);
        self.joint.observe(value);
        if seen < 50 {
            return 0.0;
        }
        let share = (1.0 - UNREMARKABLE as f32) * (beyond as f32 + 1.0) / (seen as f32 + 1.0);
        (-share.log10()).clamp(0.0, MOST_JOINT)
    }

    /// Keeps a uniform sample of the rows since the last forest (reservoir sampling).
    fn keep_row(&mut self, seed: u64, row: &Row) {
        self.rows_seen += 1;
        if self.rows.len() < ROWS {
            self.rows.push(*row);
        } else if let Ok(place) = usize::try_from(pair(seed, self.rows_seen) % self.rows_seen)
            && let Some(kept) = self.rows.get_mut(place)
        {
            *kept = *row;
        }
    }

    /// Decades of what is known beforehand, discounted where a rule fires often; of a group only the strongest.
    fn priors(&mut self, hits: Hits, terms: &mut Terms) {
        self.hit_lines += 1.0;
        if self.hit_lines > RULE_MEMORY {
            self.hit_lines *= 0.5;
            self.hits.iter_mut().for_each(|count| *count *= 0.5);
        }
        if hits.is_empty() {
            return;
        }
        for rule in hits.iter() {
            let fired = self.hits.get_mut(rule as usize);
            let share = (fired.as_ref().map_or(0.0, |fired| **fired) + 0.5) / (self.hit_lines + 32.0);
            if let Some(fired) = fired {
                *fired += 1.0;
            }
            let discount = if rule.is_windowed() { 1.0 } else { (-share.log10() / 1.5).clamp(0.6, 1.0) };
            let decades = rule.decades() * discount;
            if let Some(term) = terms.priors.get_mut(rule as usize) {
                *term = decades;
            }
        }
        self.strongest_of_group(hits, terms);
    }

    /// Leaves of every group only its strongest term.
    fn strongest_of_group(&self, hits: Hits, terms: &mut Terms) {
        for rule in hits.iter() {
            let own = terms.priors.get(rule as usize).copied().unwrap_or(0.0);
            let beaten = hits.iter().any(|other| {
                let others = terms.priors.get(other as usize).copied().unwrap_or(0.0);
                other != rule && other.group() == rule.group() && (others, rule as u8) > (own, other as u8)
            });
            if beaten && let Some(term) = terms.priors.get_mut(rule as usize) {
                *term = 0.0;
            }
        }
    }

    /// What is due after a line: halving, growing the forest.
    fn upkeep(&mut self, config: &DetectConfig, shifted: bool) {
        if profile::is_due(config, self.lines) {
            self.profile.halve();
            self.tails.iter_mut().chain([&mut self.sums, &mut self.joint]).for_each(Tail::halve);
        }
        if shifted {
            // What was odd is the rule now: the past counts half, and the forest is grown anew of what comes.
            self.tails.iter_mut().chain([&mut self.sums, &mut self.joint]).for_each(Tail::halve);
            self.rows.clear();
            self.rows_seen = 0;
            self.grow_at = self.lines + config.min_train.max(8);
        }
        if self.lines == self.grow_at {
            let seed = config.seed ^ self.lines;
            self.learnt = Learnt::fit(config, &self.rows, seed).or(self.learnt.take());
            self.joint = Tail::new(tail::MOST);
            // Grown again of the first tenth of a source ten times as long.
            self.grow_at = self.lines.saturating_mul(10);
        }
    }

    /// Lines learnt.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Ends the learning: the model is made anew of a sample of all rows, and its own past with it.
    pub fn settle(&mut self, config: &DetectConfig) {
        let Some(learnt) = Learnt::fit(config, &self.rows, config.seed ^ self.lines) else { return };
        self.joint = Tail::new(tail::MOST);
        for row in &self.rows {
            let sum = row.iter().map(|decades| decades * decades).sum::<f32>();
            let (beyond, seen) = self.sums.rank(sum);
            if sum > 0.0 && f64::from(beyond) / f64::from(seen.max(1)) <= 1.0 - UNREMARKABLE {
                self.joint.observe(learnt.value(row));
            }
        }
        self.learnt = Some(learnt);
        self.grow_at = self.lines.saturating_mul(10);
    }

    /// Goes on from what was learnt with the budgets of another run.
    pub fn go_on(&mut self, config: &DetectConfig) {
        self.threshold.go_on(config.alert_budget);
        self.sessions.go_on(config);
        self.shift = Shift::default();
    }

    /// Whether it is one that can have been learnt.
    pub fn is_sound(&self, config: &DetectConfig) -> bool {
        let is_of_kind = match (&self.learnt, config.kind) {
            (None, _) => true,
            (Some(Learnt::Forest(_)), kind) => kind == ModelKind::IsolationForest,
            (Some(Learnt::Autoencoder(_)), kind) => kind == ModelKind::Autoencoder,
            (Some(Learnt::Pca(_)), kind) => kind == ModelKind::Pca,
        };
        is_of_kind
            && self.tails.len() == FEATURES
            && self.rows.len() <= ROWS
            && self.lines < u64::MAX / 2
            && self.rows_seen < u64::MAX / 2
            && self.learnt.as_ref().is_none_or(Learnt::is_sound)
            && self.profile.is_sound()
            && self.threshold.is_sound()
            && self.sessions.is_sound()
    }

    /// Bytes held, within a tenth.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.profile.bytes()
            + self.tails.capacity() * size_of::<Tail>()
            + self.rows.capacity() * size_of::<Row>()
            + self.learnt.as_ref().map_or(0, Learnt::bytes)
            + self.threshold.bytes()
            + self.sessions.bytes()
    }
}

/// Whom a record is about, where that is known.
pub(super) fn entity_of(event: &Event<'_>) -> Option<String> {
    entity::actor(&event.fields, event.message, &event.template)
        .map(|actor| String::from_utf8_lossy(actor.get(..128).unwrap_or(actor)).into_owned())
}

/// The sum of evidence as a number of 0 to 1: 3 decades are .5, 6 are .8, what is ordinary stays below .3.
pub(super) fn shown(score: f32) -> f32 {
    let square = score.max(0.0) * score.max(0.0);
    square / (square + HALF * HALF)
}

impl Terms {
    /// Whether something known beforehand of three decades fired, or a weaker one on a line of a kind never seen.
    fn grave(&self, measure: &Measure) -> bool {
        let known: f32 = self.priors.iter().sum::<f32>() + self.outside;
        let most = self.priors.iter().fold(self.outside, |a: f32, b| a.max(*b));
        let fresh = measure.values.get(Feature::New as usize).copied().unwrap_or(0.0) / std::f32::consts::LN_10;
        most >= 2.4 || (known >= 1.0 && measure.copies < 1.0 && known + fresh >= 3.0)
    }
}
