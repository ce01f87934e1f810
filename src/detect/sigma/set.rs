//! Many rules at once: one automaton per field finds the rules that can match a record at all, and only these are decided.

use aho_corasick::AhoCorasick;
use hashbrown::HashMap;

use super::condition::Condition;
use super::filter::{Clause, clause, literals};
use super::logsource::gate;
use super::names::{Take, others, stripped};
use super::rule::{Rule, Search, Severity};
use super::source::{Gate, TELLING, TEXT};

/// A rule as it is found on records.
#[derive(Debug)]
pub struct Named {
    /// The name in verdicts and queries.
    pub name: String,
    /// What it finds, in words.
    pub title: String,
    /// How bad that is.
    pub level: Severity,
}

/// A rule as it is looked for.
#[derive(Debug)]
pub(super) struct Compiled {
    pub named: Named,
    /// Number of its gate.
    pub gate: usize,
    pub searches: Vec<Search>,
    pub condition: Condition,
}

/// Where the value of a record's field goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Feed {
    pub slot: usize,
    pub take: Take,
}

/// The automaton of one slot, and which rules ask for each of its literals.
#[derive(Debug)]
pub(super) struct Finder {
    pub slot: usize,
    pub literals: AhoCorasick,
    pub rules: Vec<Vec<u32>>,
}

/// Rules, compiled. Finding is the same whoever asks and in whatever order.
#[derive(Debug, Default)]
pub struct RuleSet {
    pub(super) rules: Vec<Compiled>,
    pub(super) gates: Vec<Gate>,
    /// Number of fields that rules name.
    pub(super) slots: usize,
    feeds: HashMap<String, Vec<Feed>>,
    pub(super) finders: Vec<Finder>,
    /// Rules without a literal.
    pub(super) always: Vec<u32>,
    /// Whether some rule looks anywhere in the record.
    pub(super) reads_text: bool,
    digest: [u8; 32],
}

/// Numbers of the rules' fields while they are read.
#[derive(Debug)]
pub(super) struct Slots {
    names: Vec<String>,
    known: HashMap<String, usize>,
}

impl Slots {
    /// The telling fields alone.
    pub fn new() -> Slots {
        let mut slots = Slots { names: Vec::new(), known: HashMap::new() };
        for name in TELLING {
            slots.number(name);
        }
        slots
    }

    /// The number of a field, whatever its case.
    pub fn number(&mut self, name: &str) -> usize {
        let name = name.to_lowercase();
        let next = self.names.len();
        *self.known.entry(name).or_insert_with_key(|name| {
            self.names.push(name.clone());
            next
        })
    }
}

impl RuleSet {
    /// Compiles rules, each with its name; `Err` in one sentence where an automaton can't be built.
    pub(super) fn compile(rules: Vec<(String, Rule)>, slots: Slots, digest: [u8; 32]) -> Result<RuleSet, String> {
        let mut set = RuleSet { slots: slots.names.len(), digest, ..RuleSet::default() };
        for (slot, name) in slots.names.iter().enumerate().filter(|(slot, _)| *slot != TEXT) {
            let own = Feed { slot, take: Take::Whole };
            set.feeds.entry(name.clone()).or_default().push(own);
            for (other, take) in others(name) {
                set.feeds.entry((*other).to_owned()).or_default().push(Feed { slot, take: *take });
            }
        }
        let usage = literals(rules.iter().map(|(_, rule)| rule));
        let mut wanted: Vec<HashMap<Vec<u8>, Vec<u32>>> = vec![HashMap::new(); set.slots];
        for (name, rule) in rules {
            let number = set.rules.len() as u32;
            match clause(&rule, &usage) {
                Some(Clause { literals, .. }) => {
                    for (slot, literal) in literals {
                        if let Some(wanted) = wanted.get_mut(slot) {
                            let asking = wanted.entry(literal).or_default();
                            if asking.last() != Some(&number) {
                                asking.push(number);
                            }
                        }
                    }
                }
                None => set.always.push(number),
            }
            set.reads_text |= rule.searches.iter().any(reads_text);
            let gate = gate(&rule.source);
            set.reads_text |= matches!(gate, Gate::Device(_));
            let place = set.gates.iter().position(|other| *other == gate).unwrap_or_else(|| {
                set.gates.push(gate);
                set.gates.len() - 1
            });
            let named = Named { name, title: rule.title, level: rule.level };
            set.rules.push(Compiled { named, gate: place, searches: rule.searches, condition: rule.condition });
        }
        for (slot, wanted) in wanted.into_iter().enumerate().filter(|(_, wanted)| !wanted.is_empty()) {
            let mut wanted: Vec<(Vec<u8>, Vec<u32>)> = wanted.into_iter().collect();
            wanted.sort_unstable();
            let (texts, rules): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
            let literals = AhoCorasick::new(&texts).map_err(|cause| format!("rules can't be compiled: {cause}"))?;
            set.finders.push(Finder { slot, literals, rules });
        }
        Ok(set)
    }

    /// Number of rules.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// SHA-256 over names and contents of all files read.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// A rule by its number.
    pub fn rule(&self, number: u32) -> Option<&Named> {
        self.rules.get(number as usize).map(|rule| &rule.named)
    }

    /// Names of all rules, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.named.name.as_str())
    }
}

fn reads_text(search: &Search) -> bool {
    match search {
        Search::Test(test) => test.slot == TEXT,
        Search::And(parts) | Search::Or(parts) => parts.iter().any(reads_text),
    }
}

/// What a record's field feeds: by its name, by its shorter name, or else by the name of what it is a part of.
pub(super) fn feeds_of(set: &RuleSet, name: &str) -> Vec<Feed> {
    let mut feeds: Vec<Feed> = Vec::new();
    let mut add = |name: &str, own: bool| {
        for feed in set.feeds.get(name).into_iter().flatten() {
            if !feeds.contains(feed) && (!own || feed.take == Take::Whole) {
                feeds.push(*feed);
            }
        }
        !feeds.is_empty()
    };
    let short = stripped(name);
    // Defender names its fields in words: `Threat Name` is a rule's `ThreatName`.
    let joined = short.unwrap_or(name).replace(' ', "");
    let direct = add(name, false) | short.is_some_and(|short| add(short, false)) | add(&joined, false);
    if !direct {
        let mut whole = short.unwrap_or(name);
        while let Some((parent, _)) = whole.rsplit_once('.') {
            if add(parent, true) {
                break;
            }
            whole = parent;
        }
    }
    feeds
}
