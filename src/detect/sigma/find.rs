//! Looks for the rules of a set on records, one after the other.

use std::sync::Arc;

use hashbrown::HashMap;

use super::condition::Condition;
use super::glob::fold;
use super::names::taken;
use super::rule::Search;
use super::set::{Compiled, Feed, RuleSet, feeds_of};
use super::source::{Facts, TEXT};
use super::test::{Part, Side, Test, Value, number, within};
use crate::model::Fields;

/// Bytes of a value that rules read.
const REACH: usize = 64 * 1024;
/// Names of records' fields whose meaning is remembered.
const REMEMBERED: usize = 8_192;

/// One value of a slot: where it lies as it is and in lower case.
#[derive(Debug, Clone, Copy)]
struct Held {
    plain: (usize, usize),
    folded: (usize, usize),
}

/// Finds rules on records, one after the other, and keeps its memory in between; one a thread.
#[derive(Debug)]
pub struct Matcher {
    set: Arc<RuleSet>,
    meaning: HashMap<String, Arc<[Feed]>>,
    plain: Vec<u8>,
    folded: Vec<u8>,
    values: Vec<Vec<Held>>,
    touched: Vec<usize>,
    marks: Vec<u64>,
    gates: Vec<Option<bool>>,
    format: String,
}

impl Matcher {
    /// A matcher that holds nothing yet.
    pub fn new(set: Arc<RuleSet>) -> Matcher {
        let (slots, rules, gates) = (set.slots, set.rules.len(), set.gates.len());
        Matcher {
            set,
            meaning: HashMap::new(),
            plain: Vec::new(),
            folded: Vec::new(),
            values: vec![Vec::new(); slots],
            touched: Vec::new(),
            marks: vec![0; rules.div_ceil(64)],
            gates: vec![None; gates],
            format: String::new(),
        }
    }

    /// Numbers of the rules that a record of this format fires, ascending. Of each value 64 KiB are read.
    pub fn find(&mut self, format: &str, raw: &[u8], fields: &Fields<'_>) -> Vec<u32> {
        self.clear(format);
        let set = Arc::clone(&self.set);
        if set.reads_text {
            self.hold(TEXT, raw);
        }
        let own = raw.as_ptr_range();
        for (name, value) in fields.iter() {
            for feed in self.meaning(name).iter() {
                taken(feed.take, value, |part| self.hold(feed.slot, part));
            }
            if set.reads_text && !own.contains(&value.as_ptr()) {
                // Words are also looked for in what escapes stand for.
                self.hold(TEXT, value);
            }
        }
        self.mark(&set);
        let mut found = Vec::new();
        for block in 0..self.marks.len() {
            let mut bits = self.marks.get(block).copied().unwrap_or(0);
            while bits != 0 {
                let number = block * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                if let Some(rule) = set.rules.get(number)
                    && self.passes(&set, rule.gate)
                    && self.holds(rule, &rule.condition)
                {
                    found.push(number as u32);
                }
            }
        }
        found
    }

    fn clear(&mut self, format: &str) {
        for slot in self.touched.drain(..) {
            if let Some(held) = self.values.get_mut(slot) {
                held.clear();
            }
        }
        self.plain.clear();
        self.plain.shrink_to(1 << 20);
        self.folded.clear();
        self.folded.shrink_to(1 << 20);
        self.marks.fill(0);
        self.gates.fill(None);
        self.format.clear();
        self.format.push_str(format);
    }

    /// Where the values of a record's field go.
    fn meaning(&mut self, name: &str) -> Arc<[Feed]> {
        if let Some(known) = self.meaning.get(name) {
            return Arc::clone(known);
        }
        let feeds: Arc<[Feed]> = feeds_of(&self.set, name).into();
        if self.meaning.len() >= REMEMBERED {
            self.meaning.clear();
        }
        self.meaning.insert(name.to_owned(), Arc::clone(&feeds));
        feeds
    }

    fn hold(&mut self, slot: usize, value: &[u8]) {
        let value = value.get(..REACH).unwrap_or(value);
        let (plain, folded) = (self.plain.len(), self.folded.len());
        self.plain.extend_from_slice(value);
        fold(value, &mut self.folded);
        let Some(held) = self.values.get_mut(slot) else { return };
        if held.is_empty() {
            self.touched.push(slot);
        }
        held.push(Held { plain: (plain, self.plain.len()), folded: (folded, self.folded.len()) });
    }

    /// Marks the rules that can match: one of their literals is there, or they have none.
    fn mark(&mut self, set: &RuleSet) {
        let Matcher { marks, values, folded, .. } = self;
        let mut mark = |rule: u32| {
            if let Some(block) = marks.get_mut(rule as usize / 64) {
                *block |= 1 << (rule % 64);
            }
        };
        set.always.iter().for_each(|rule| mark(*rule));
        for finder in &set.finders {
            for held in values.get(finder.slot).into_iter().flatten() {
                let text = folded.get(held.folded.0..held.folded.1).unwrap_or_default();
                for found in finder.literals.find_overlapping_iter(text) {
                    let rules = finder.rules.get(found.pattern().as_usize());
                    rules.into_iter().flatten().for_each(|rule| mark(*rule));
                }
            }
        }
    }

    fn passes(&mut self, set: &RuleSet, gate: usize) -> bool {
        if let Some(Some(known)) = self.gates.get(gate) {
            return *known;
        }
        let passes = set.gates.get(gate).is_some_and(|gate| gate.lets(&*self));
        if let Some(known) = self.gates.get_mut(gate) {
            *known = Some(passes);
        }
        passes
    }

    fn holds(&self, rule: &Compiled, condition: &Condition) -> bool {
        match condition {
            Condition::Search(search) => rule.searches.get(*search).is_some_and(|search| self.search(search)),
            Condition::And(parts) => parts.iter().all(|part| self.holds(rule, part)),
            Condition::AtLeast(least, parts) => {
                parts.iter().filter(|part| self.holds(rule, part)).take(*least).count() == *least
            }
            Condition::Not(part) => !self.holds(rule, part),
        }
    }

    fn search(&self, search: &Search) -> bool {
        match search {
            Search::Test(test) => self.test(test),
            Search::And(parts) => parts.iter().all(|part| self.search(part)),
            Search::Or(parts) => parts.iter().any(|part| self.search(part)),
        }
    }

    fn test(&self, test: &Test) -> bool {
        let held = self.values.get(test.slot).map_or(&[][..], Vec::as_slice);
        let mut values = test.values.iter();
        let found = if test.all {
            values.all(|value| self.value(held, value))
        } else {
            values.any(|value| self.value(held, value))
        };
        found != test.negated
    }

    fn value(&self, held: &[Held], value: &Value) -> bool {
        let plain = |held: &Held| self.plain.get(held.plain.0..held.plain.1).unwrap_or_default();
        let folded = |held: &Held| self.folded.get(held.folded.0..held.folded.1).unwrap_or_default();
        match value {
            Value::Text(glob) => held.iter().any(|held| glob.matches(folded(held))),
            Value::Cased(glob) => held.iter().any(|held| glob.matches(plain(held))),
            Value::Pattern(regex) => held.iter().any(|held| regex.is_match(plain(held))),
            Value::Network(network, bits) => held.iter().any(|held| within(*network, *bits, plain(held))),
            Value::Number(side, bound) => {
                held.iter().filter_map(|held| number(plain(held))).any(|number| compares(number, *side, *bound))
            }
            Value::Null => held.is_empty(),
            Value::Exists(wanted) => held.is_empty() != *wanted,
            Value::Same(other, part) => {
                let others = self.values.get(*other).map_or(&[][..], Vec::as_slice);
                held.iter().any(|held| others.iter().any(|other| is_part(folded(other), *part, folded(held))))
            }
        }
    }
}

impl Facts for Matcher {
    fn first(&self, telling: usize) -> Option<&[u8]> {
        let held = self.values.get(telling)?.first()?;
        self.folded.get(held.folded.0..held.folded.1)
    }

    fn has(&self, telling: usize, value: &[u8]) -> bool {
        let held = self.values.get(telling).into_iter().flatten();
        held.into_iter().any(|held| self.folded.get(held.folded.0..held.folded.1) == Some(value))
    }

    fn format(&self) -> &str {
        &self.format
    }
}

fn compares(number: f64, side: Side, bound: f64) -> bool {
    match side {
        Side::Above => number > bound,
        Side::AtLeast => number >= bound,
        Side::Below => number < bound,
        Side::AtMost => number <= bound,
    }
}

fn is_part(part: &[u8], which: Part, whole: &[u8]) -> bool {
    match which {
        Part::Whole => whole == part,
        Part::Within => memchr::memmem::find(whole, part).is_some(),
        Part::Start => whole.starts_with(part),
        Part::End => whole.ends_with(part),
    }
}
