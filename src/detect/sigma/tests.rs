//! The filter in front of the rules never changes what they find: random rules on random records, with and without it.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::find::Matcher;
use super::rule::rule;
use super::set::{RuleSet, Slots};
use super::yaml::documents;
use crate::model::FieldSet;

const LETTERS: [&str; 8] = ["a", "B", "ab", "*", "?", "\\*", "É", "-"];
const MODIFIERS: [&str; 10] = [
    "",
    "|contains",
    "|startswith",
    "|endswith",
    "|contains|all",
    "|re",
    "|cased",
    "|neq",
    "|contains|windash",
    "|exists",
];
const CONDITIONS: [&str; 8] =
    ["x", "x and y", "x or y", "x and not y", "not x or y", "1 of *", "2 of them", "all of them or z"];

fn pick<'a>(random: &mut StdRng, from: &[&'a str]) -> &'a str {
    from[random.random_range(0..from.len())]
}

fn text(random: &mut StdRng) -> String {
    (0..random.random_range(0..4)).map(|_| pick(random, &LETTERS)).collect()
}

fn search(random: &mut StdRng) -> String {
    let test = |random: &mut StdRng| {
        let (field, modifier) = (pick(random, &["f", "g", ""]), pick(random, &MODIFIERS));
        let values: Vec<String> = match modifier {
            "|exists" => vec!["true".to_owned()],
            "|re" => vec![format!("'{}'", pick(random, &["a+b", "^B", "[ab]$", "(?i)É"]))],
            _ => (0..random.random_range(1..3)).map(|_| format!("'{}'", text(random))).collect(),
        };
        format!("'{field}{modifier}': [{}]", values.join(", "))
    };
    match random.random_range(0..4) {
        0 => format!("['{}', '{}']", text(random), text(random)),
        1 => format!("[{{{}}}, {{{}}}]", test(random), test(random)),
        _ => format!("{{{}, h: [x, '{}']}}", test(random), text(random)),
    }
}

fn sets(random: &mut StdRng, count: usize) -> (RuleSet, RuleSet) {
    let sources: Vec<String> = (0..count)
        .map(|_| {
            let parts = [search(random), search(random), search(random)];
            let condition = pick(random, &CONDITIONS);
            let [x, y, z] = parts;
            format!("title: t\nlogsource: {{product: own}}\ndetection:\n  x: {x}\n  y: {y}\n  z: {z}\n  condition: {condition}\n")
        })
        .collect();
    let compile = || {
        let mut slots = Slots::new();
        let rules = sources.iter().enumerate().map(|(number, source)| {
            let document = documents(source).unwrap_or_else(|fault| panic!("{fault}: {source}")).remove(0);
            (
                number.to_string(),
                rule(&document, &mut |name| slots.number(name)).unwrap_or_else(|fault| panic!("{fault:?}: {source}")),
            )
        });
        let rules = rules.collect();
        RuleSet::compile(rules, slots, [0; 32]).unwrap()
    };
    let mut plain = compile();
    plain.finders.clear();
    plain.always = (0..count as u32).collect();
    (compile(), plain)
}

#[test]
fn the_filter_changes_nothing() {
    let mut random = StdRng::seed_from_u64(11);
    let (mut fired, mut filtered) = (0, 0);
    for _ in 0..20 {
        let (with, without) = sets(&mut random, 100);
        filtered += 100 - with.always.len();
        let (mut with, mut without) = (Matcher::new(Arc::new(with)), Matcher::new(Arc::new(without)));
        for _ in 0..50 {
            let mut fields = FieldSet::default();
            for _ in 0..random.random_range(0..5) {
                let name = pick(&mut random, &["f", "g", "h", "other"]);
                fields.push_named_derived(name, text(&mut random).as_bytes());
            }
            let raw = text(&mut random);
            let fields = fields.of(raw.as_bytes());
            let found = with.find("", raw.as_bytes(), &fields);
            assert_eq!(
                found,
                without.find("", raw.as_bytes(), &fields),
                "{raw} {:?}",
                fields.iter().collect::<Vec<_>>()
            );
            fired += found.len();
        }
    }
    assert!(fired > 1_000 && filtered > 500, "{fired} fired, {filtered} filtered: the test sees too little");
}

#[test]
fn any_bytes_are_read_without_a_panic() {
    let mut random = StdRng::seed_from_u64(12);
    let (set, _) = sets(&mut random, 200);
    let mut matcher = Matcher::new(Arc::new(set));
    for length in [0, 1, 7, 300, 200_000] {
        let raw: Vec<u8> = (0..length).map(|_| random.random()).collect();
        let mut fields = FieldSet::default();
        fields.push_raw("f", 0..length);
        fields.push_named_raw("G", 0..length / 2);
        matcher.find("json", &raw, &fields.of(&raw));
    }
}
