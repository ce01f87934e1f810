//! What a record must hold for a rule to match it: the cheapest set of literals of which at least one must be there.

use hashbrown::HashMap;

use super::condition::Condition;
use super::rule::{Rule, Search};
use super::test::Test;

/// Literals, each with the slot that it must be in.
#[derive(Debug, Clone)]
pub(super) struct Clause {
    pub literals: Vec<(usize, Vec<u8>)>,
    /// How often it is expected to say yes; smaller is better.
    cost: f32,
}

/// How many rules use each literal: what many ask for is common in logs too.
pub(super) type Usage = HashMap<(usize, Vec<u8>), u32>;

/// Counts the literals of rules.
pub(super) fn literals<'a>(rules: impl Iterator<Item = &'a Rule>) -> Usage {
    fn count(search: &Search, usage: &mut Usage) {
        match search {
            Search::Test(test) => {
                for literal in test.values.iter().filter_map(|value| value.literal()) {
                    *usage.entry((test.slot, literal)).or_default() += 1;
                }
            }
            Search::And(parts) | Search::Or(parts) => parts.iter().for_each(|part| count(part, usage)),
        }
    }
    let mut usage = Usage::new();
    rules.flat_map(|rule| &rule.searches).for_each(|search| count(search, &mut usage));
    usage
}

/// The clause of a rule; `None` where it can match records that hold none of its literals.
pub(super) fn clause(rule: &Rule, usage: &Usage) -> Option<Clause> {
    // Each search once, however often the condition names it.
    let searches: Vec<Option<Clause>> = rule.searches.iter().map(|search| of_search(search, usage)).collect();
    of_condition(&rule.condition, &searches)
}

fn of_condition(condition: &Condition, searches: &[Option<Clause>]) -> Option<Clause> {
    match condition {
        Condition::Search(search) => searches.get(*search).cloned().flatten(),
        Condition::And(parts) => best(parts.iter().filter_map(|part| of_condition(part, searches))),
        Condition::AtLeast(_, parts) => union(parts.iter().map(|part| of_condition(part, searches))),
        Condition::Not(_) => None,
    }
}

fn of_search(search: &Search, usage: &Usage) -> Option<Clause> {
    match search {
        Search::Test(test) => of_test(test, usage),
        Search::And(parts) => best(parts.iter().filter_map(|part| of_search(part, usage))),
        Search::Or(parts) => union(parts.iter().map(|part| of_search(part, usage))),
    }
}

fn of_test(test: &Test, usage: &Usage) -> Option<Clause> {
    if test.negated {
        return None;
    }
    let each = test.values.iter().map(|value| {
        let literal = value.literal().filter(|literal| !literal.is_empty())?;
        let rarity = match literal.len() {
            0..=2 => 50.0,
            3 | 4 => 8.0,
            _ => 1.0,
        };
        let key = (test.slot, literal);
        let cost = rarity * usage.get(&key).copied().unwrap_or(1) as f32;
        Some(Clause { literals: vec![key], cost })
    });
    if test.all { best(each.flatten()) } else { union(each) }
}

fn best(clauses: impl Iterator<Item = Clause>) -> Option<Clause> {
    clauses.min_by(|a, b| a.cost.total_cmp(&b.cost))
}

fn union(clauses: impl Iterator<Item = Option<Clause>>) -> Option<Clause> {
    let mut all = Clause { literals: Vec::new(), cost: 0.0 };
    for clause in clauses {
        let clause = clause?;
        all.cost += clause.cost;
        all.literals.extend(clause.literals);
    }
    (!all.literals.is_empty()).then_some(all)
}
