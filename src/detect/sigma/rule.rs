//! One rule as its document states it: title, level, log source, and the tree of tests that decides.

use serde::Serialize;

use super::condition::{self, Condition};
use super::test::{Test, test};
use super::yaml::Node;

/// How bad it is what a rule finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// For statistics; no alert.
    Informational,
    /// Rarely an attack.
    Low,
    /// Worth a look.
    Medium,
    /// Worth a look now.
    High,
    /// An attack.
    Critical,
}

impl Severity {
    /// The word of rules.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Informational => "informational",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    /// Decades of evidence before the discount.
    pub fn decades(self) -> f32 {
        f32::from(self as u8)
    }

    fn of(word: &str) -> Option<Severity> {
        use Severity::{Critical, High, Informational, Low, Medium};
        let all = [Informational, Low, Medium, High, Critical];
        all.into_iter().find(|level| level.name().eq_ignore_ascii_case(word.trim()))
    }
}

/// Which logs a rule is about; empty where it does not say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct LogSource {
    pub product: String,
    pub category: String,
    pub service: String,
}

/// The tests of a search.
#[derive(Debug)]
pub(super) enum Search {
    /// One test.
    Test(Test),
    /// All of these.
    And(Vec<Search>),
    /// Any of these.
    Or(Vec<Search>),
}

/// A rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub title: String,
    pub level: Severity,
    pub source: LogSource,
    pub searches: Vec<Search>,
    pub condition: Condition,
}

/// Why a document is no rule that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// It correlates other rules.
    Correlation,
    /// Anything else, in one sentence.
    Other(String),
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Fault::Other(reason)
    }
}

fn fault(reason: &str) -> Fault {
    Fault::Other(reason.to_owned())
}

/// Reads a document; `slot_of` numbers fields.
pub(super) fn rule(document: &Node, slot_of: &mut dyn FnMut(&str) -> usize) -> Result<Rule, Fault> {
    let Node::Map(_) = document else { return Err(fault("it is no map of keys and values")) };
    if document.get("correlation").is_some() {
        return Err(Fault::Correlation);
    }
    if document.text_of("action").is_some() {
        return Err(fault("collections ('action') are not supported"));
    }
    let title = document.text_of("title").ok_or_else(|| fault("it has no title"))?;
    let Some(Node::Map(detection)) = document.get("detection") else { return Err(fault("it has no detection")) };
    let Some(Node::Map(_)) = document.get("logsource") else { return Err(fault("it has no logsource")) };
    let level = match document.text_of("level") {
        Some(word) => Severity::of(word).ok_or_else(|| Fault::Other(format!("the level '{word}' is not known")))?,
        None => Severity::Medium,
    };
    let part = |key: &str| {
        let source = document.get("logsource");
        source.and_then(|source| source.text_of(key)).unwrap_or_default().trim().to_lowercase()
    };
    let source = LogSource { product: part("product"), category: part("category"), service: part("service") };
    let mut names = Vec::new();
    let mut searches = Vec::new();
    for (name, node) in detection.iter().filter(|(name, _)| !matches!(name.as_str(), "condition" | "timeframe")) {
        names.push(name.as_str());
        searches.push(search(node, slot_of).map_err(|reason| format!("{name}: {reason}"))?);
    }
    let condition = match document.get("detection").and_then(|detection| detection.get("condition")) {
        Some(Node::Text(text)) => condition::parse(text, &names)?,
        Some(Node::List(list)) if !list.is_empty() => {
            let read = |node: &Node| condition::parse(node.text().unwrap_or_default(), &names);
            Condition::AtLeast(1, list.iter().map(read).collect::<Result<_, _>>()?)
        }
        _ => return Err(fault("it has no condition")),
    };
    Ok(Rule { title: title.trim().to_owned(), level, source, searches, condition })
}

/// A map (all of its tests), a list of maps (any of them), or words to be found anywhere.
fn search(node: &Node, slot_of: &mut dyn FnMut(&str) -> usize) -> Result<Search, String> {
    match node {
        Node::Map(map) if map.is_empty() => Err("it is empty".to_owned()),
        Node::Map(map) => {
            let tests = map.iter().map(|(key, value)| test(key, value, slot_of).map(Search::Test));
            Ok(one_or(tests.collect::<Result<_, _>>()?, Search::And))
        }
        Node::List(list) if list.is_empty() => Err("it is empty".to_owned()),
        Node::List(list) if list.iter().any(|node| matches!(node, Node::Map(_) | Node::List(_))) => {
            let parts = list.iter().map(|node| search(node, slot_of)).collect::<Result<_, _>>()?;
            Ok(one_or(parts, Search::Or))
        }
        words => Ok(Search::Test(test("", words, slot_of)?)),
    }
}

fn one_or(mut parts: Vec<Search>, join: impl Fn(Vec<Search>) -> Search) -> Search {
    match parts.len() {
        1 => parts.swap_remove(0),
        _ => join(parts),
    }
}
