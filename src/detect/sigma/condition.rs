//! The condition of a rule: names of searches joined by `and`, `or`, `not` and `N of`.

/// Deepest nesting of parentheses and `not`.
const MAX_DEPTH: usize = 64;
/// Longest condition, in words.
const MAX_WORDS: usize = 2_000;

/// A condition over searches, which are numbered as they stand in the rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// A search.
    Search(usize),
    /// All of these.
    And(Vec<Condition>),
    /// At least so many of these.
    AtLeast(usize, Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
}

/// Reads a condition over the searches of these names.
pub(super) fn parse(text: &str, names: &[&str]) -> Result<Condition, String> {
    let words = words(text)?;
    let mut reader = Reader { words: &words, at: 0, names };
    let condition = reader.any(0)?;
    match reader.peek() {
        None => Ok(condition),
        Some(word) => Err(format!("condition: '{word}' is not expected there")),
    }
}

fn words(text: &str) -> Result<Vec<String>, String> {
    if text.contains('|') {
        return Err("condition: aggregations (after '|') are not supported".to_owned());
    }
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<String> = spaced.split_whitespace().map(str::to_owned).collect();
    match words.len() {
        0 => Err("condition: it is empty".to_owned()),
        count if count > MAX_WORDS => Err(format!("condition: it has more than {MAX_WORDS} words")),
        _ => Ok(words),
    }
}

struct Reader<'a> {
    words: &'a [String],
    at: usize,
    names: &'a [&'a str],
}

impl Reader<'_> {
    fn peek(&self) -> Option<&str> {
        self.words.get(self.at).map(String::as_str)
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|next| next.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn any(&mut self, depth: usize) -> Result<Condition, String> {
        let mut parts = vec![self.all(depth)?];
        while self.eat("or") {
            parts.push(self.all(depth)?);
        }
        Ok(match parts.len() {
            1 => parts.swap_remove(0),
            _ => Condition::AtLeast(1, parts),
        })
    }

    fn all(&mut self, depth: usize) -> Result<Condition, String> {
        let mut parts = vec![self.one(depth)?];
        while self.eat("and") {
            parts.push(self.one(depth)?);
        }
        Ok(match parts.len() {
            1 => parts.swap_remove(0),
            _ => Condition::And(parts),
        })
    }

    fn one(&mut self, depth: usize) -> Result<Condition, String> {
        if depth > MAX_DEPTH {
            return Err(format!("condition: it is nested deeper than {MAX_DEPTH}"));
        }
        if self.eat("not") {
            return Ok(Condition::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.eat("(") {
            let inner = self.any(depth + 1)?;
            return if self.eat(")") { Ok(inner) } else { Err("condition: a ')' is missing".to_owned()) };
        }
        let Some(word) = self.peek().map(str::to_owned) else {
            return Err("condition: it ends where a search is expected".to_owned());
        };
        self.at += 1;
        if self.peek().is_some_and(|next| next.eq_ignore_ascii_case("of")) && quantity(&word).is_some() {
            self.at += 1;
            return self.of(&word);
        }
        match self.names.iter().position(|name| *name == word) {
            Some(search) => Ok(Condition::Search(search)),
            None => Err(format!("condition: there is no search '{word}'")),
        }
    }

    /// What follows `N of`.
    fn of(&mut self, quantity_word: &str) -> Result<Condition, String> {
        let Some(pattern) = self.peek().map(str::to_owned) else {
            return Err(format!("condition: '{quantity_word} of' names no searches"));
        };
        self.at += 1;
        let them = pattern.eq_ignore_ascii_case("them");
        let wanted =
            |name: &str| if them { !name.starts_with('_') } else { is_like(pattern.as_bytes(), name.as_bytes()) };
        let found: Vec<Condition> = (0..self.names.len())
            .filter(|at| self.names.get(*at).is_some_and(|n| wanted(n)))
            .map(Condition::Search)
            .collect();
        if found.is_empty() {
            return Err(format!("condition: no search is named like '{pattern}'"));
        }
        let least = quantity(quantity_word).flatten().unwrap_or(found.len());
        Ok(if least >= found.len().max(2) && quantity(quantity_word) == Some(None) {
            Condition::And(found)
        } else {
            Condition::AtLeast(least, found)
        })
    }
}

/// `1`, `any`, `3`: how many; `all`: `Some(None)`; `None` for any other word.
fn quantity(word: &str) -> Option<Option<usize>> {
    match word.to_ascii_lowercase().as_str() {
        "all" => Some(None),
        "any" => Some(Some(1)),
        number => number.parse().ok().filter(|number| *number > 0).map(Some),
    }
}

/// Whether a name matches a pattern with `*`.
fn is_like(pattern: &[u8], name: &[u8]) -> bool {
    let mut parts = pattern.split(|byte| *byte == b'*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut last: Option<&[u8]> = None;
    for part in parts {
        if let Some(found) = last.filter(|part| !part.is_empty()) {
            match memchr::memmem::find(rest, found) {
                Some(at) => rest = rest.get(at + found.len()..).unwrap_or_default(),
                None => return false,
            }
        }
        last = Some(part);
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Condition::{And, AtLeast, Not, Search};

    const NAMES: &[&str] = &["sel_a", "sel_b", "filter", "_hidden"];

    #[test]
    fn conditions_are_trees() {
        for (text, expected) in [
            ("sel_a", Search(0)),
            ("sel_a and not filter", And(vec![Search(0), Not(Box::new(Search(2)))])),
            ("sel_a or sel_b and filter", AtLeast(1, vec![Search(0), And(vec![Search(1), Search(2)])])),
            ("(sel_a OR sel_b) AND filter", And(vec![AtLeast(1, vec![Search(0), Search(1)]), Search(2)])),
            ("1 of sel_*", AtLeast(1, vec![Search(0), Search(1)])),
            ("all of sel*", And(vec![Search(0), Search(1)])),
            ("all of *l*_?*", And(vec![])),
            ("2 of them", AtLeast(2, vec![Search(0), Search(1), Search(2)])),
            ("any of them", AtLeast(1, vec![Search(0), Search(1), Search(2)])),
            ("1 of *ter", AtLeast(1, vec![Search(2)])),
            ("1 of s*_b", AtLeast(1, vec![Search(1)])),
        ] {
            match parse(text, NAMES) {
                Ok(condition) => assert_eq!(condition, expected, "{text}"),
                Err(_) => assert_eq!(expected, And(vec![]), "{text}"),
            }
        }
    }

    #[test]
    fn faults_are_named() {
        for (text, fault) in [
            ("", "empty"),
            ("sel_c", "no search 'sel_c'"),
            ("sel_a and", "ends"),
            ("(sel_a", "')'"),
            ("sel_a sel_b", "not expected"),
            ("1 of nothing*", "no search is named"),
            ("sel_a | count() > 5", "aggregations"),
        ] {
            let found = parse(text, NAMES).unwrap_err();
            assert!(found.contains(fault), "{text}: {found}");
        }
        assert!(parse(&"not ".repeat(500), NAMES).is_err());
    }
}
