//! Texts that whatever a regular expression matches has to hold, so that only records that hold them are tried.
//!
//! Read from the parsed expression: what must be there in one piece is a text; where there are alternatives, one text of each. Letters
//! in either ASCII case count as the same, as they do for those who look for the texts. A class that has other members
//! (`k` in any case takes the sign for kelvin too) ends a text.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Shorter texts stand in too many records.
const SHORTEST: usize = 2;
/// Texts that stand for each other, and bytes of one, at most.
const MOST_CHOICES: usize = 8;
const LONGEST: usize = 64;
/// So many conditions are enough.
const MOST_CONDITIONS: usize = 3;

/// Conditions, all of which a match satisfies: to hold one of some texts, in any ASCII case. None for an expression that is wrong.
pub(super) fn texts_of(pattern: &str, ignore_case: bool) -> Vec<Vec<Vec<u8>>> {
    let parsed = ParserBuilder::new().utf8(false).case_insensitive(ignore_case).nest_limit(100).build().parse(pattern);
    let Ok(hir) = parsed else { return Vec::new() };
    let mut walk = Walk::default();
    walk.take(&hir);
    walk.end();
    let mut conditions = walk.conditions;
    // The longest are the rarest.
    conditions.sort_by_key(|choices| std::cmp::Reverse(shortest(choices)));
    conditions.dedup();
    conditions.truncate(MOST_CONDITIONS);
    conditions
}

fn shortest(choices: &[Vec<u8>]) -> usize {
    choices.iter().map(Vec::len).min().unwrap_or(0)
}

#[derive(Default)]
struct Walk {
    /// What a match has in one piece up to here.
    run: Vec<u8>,
    conditions: Vec<Vec<Vec<u8>>>,
}

impl Walk {
    fn end(&mut self) {
        let run = std::mem::take(&mut self.run);
        if run.len() >= SHORTEST {
            self.conditions.push(vec![run]);
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.run.len() >= LONGEST {
                self.end();
            }
            self.run.push(byte.to_ascii_lowercase());
        }
    }

    fn take(&mut self, hir: &Hir) {
        match hir.kind() {
            // What takes no bytes does not end a piece.
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => self.add(&literal.0),
            HirKind::Class(class) => match letter(class) {
                Some(letter) => self.add(&[letter]),
                None => self.end(),
            },
            HirKind::Capture(capture) => self.take(&capture.sub),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.take(part)),
            HirKind::Repetition(repetition) => {
                if repetition.min > 0 {
                    self.take(&repetition.sub);
                }
                if (repetition.min, repetition.max) != (1, Some(1)) {
                    self.end();
                }
            }
            HirKind::Alternation(branches) => {
                self.end();
                self.conditions.extend(choices(branches));
            }
        }
    }
}

/// One text of each branch, where each has one.
fn choices(branches: &[Hir]) -> Option<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    for branch in branches {
        let mut walk = Walk::default();
        walk.take(branch);
        walk.end();
        all.extend(
            walk.conditions.into_iter().max_by_key(|choices| (shortest(choices), std::cmp::Reverse(choices.len())))?,
        );
    }
    (all.len() <= MOST_CHOICES).then_some(all)
}

/// The only byte that a class takes, ASCII case aside.
fn letter(class: &Class) -> Option<u8> {
    let mut bytes = Vec::new();
    let mut add = |start: u32, end: u32| {
        if end >= 0x80 || end - start > 1 || bytes.len() > 2 {
            return false;
        }
        bytes.extend((start..=end).map(|byte| byte as u8));
        true
    };
    let is_ascii = match class {
        Class::Unicode(class) => class.iter().all(|range| add(u32::from(range.start()), u32::from(range.end()))),
        Class::Bytes(class) => class.iter().all(|range| add(u32::from(range.start()), u32::from(range.end()))),
    };
    let first = bytes.first()?.to_ascii_lowercase();
    (is_ascii && bytes.iter().all(|byte| byte.to_ascii_lowercase() == first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(pattern: &str, ignore_case: bool) -> Vec<Vec<String>> {
        let text = |text: Vec<u8>| String::from_utf8(text).unwrap();
        texts_of(pattern, ignore_case).into_iter().map(|choices| choices.into_iter().map(text).collect()).collect()
    }

    #[test]
    fn what_must_be_there_is_found() {
        assert_eq!(of("pack[a-z]+responder", false), [["responder"], ["pack"]]);
        assert_eq!(
            of(r"\bFailed (password|publickey) for", false),
            [vec!["password", "publickey"], vec!["failed "], vec![" for"]]
        );
        assert_eq!(of("(?i)abcd", false), [["abcd"]]);
        assert_eq!(of("(abc)+d", false), [["abc"]]);
        assert_eq!(of("a(bc)?d", false), Vec::<Vec<String>>::new());
        assert_eq!(of("xy|.", false), Vec::<Vec<String>>::new());
        assert_eq!(of("(", false), Vec::<Vec<String>>::new());
    }

    #[test]
    fn letters_with_more_than_two_cases_end_a_text() {
        assert_eq!(of("blocked", true), [["bloc"], ["ed"]], "k is also the sign for kelvin");
        assert_eq!(of("(?i-u)blocked", false), [["blocked"]]);
    }

    fn expressions() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec![
            "a", "K", "ks", "é", "É", "[ab]", "[^a]", ".", r"\b", r"\d", "(?i:ks)", "(?i:é)", "(?-u:K)", r"\x41", "aa",
            "ſ",
        ]);
        leaf.prop_map(str::to_owned).prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
                prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join("|"))),
                (inner, prop::sample::select(vec!["*", "+", "?", "{2}", "{0,2}", "{1,3}"]))
                    .prop_map(|(part, times)| format!("({part}){times}")),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn whatever_matches_holds_the_texts(
            pattern in expressions(),
            ignore_case: bool,
            text in "[aAbkKsSéÉſ1\u{212A} ]{0,12}",
        ) {
            let regex = crate::query::regexes::build(&pattern, ignore_case).unwrap();
            let Some(found) = regex.find(text.as_bytes()) else { return Ok(()) };
            let held = found.as_bytes().to_ascii_lowercase();
            for choices in texts_of(&pattern, ignore_case) {
                let holds = |text: &Vec<u8>| held.windows(text.len()).any(|window| window == text.as_slice());
                prop_assert!(choices.iter().any(holds), "{pattern} {:?} {choices:?}", found);
            }
        }
    }
}
