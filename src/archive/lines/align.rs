//! The ways in which a needle may lie in records of a template: in a constant text, in a variable, or across some of them.

use super::needle::{Ask, Beyond, MAYBE, NO, Needle, Side};
use super::template::Template;

/// A template in which a needle may lie in more ways is looked at record by record.
const MOST_WAYS: usize = 512;
/// As is one that takes more steps: variables next to each other can share a needle in very many ways.
const MOST_STEPS: u32 = 20_000;

/// A way in which the needle may lie: all of what is asked of variables must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Variables by their place in the template, ascending.
    pub asks: Vec<(u32, Ask)>,
    /// What the way is worth where all holds.
    pub worth: u8,
}

/// All ways for a template. `may` says whether a column can hold what is asked at all.
pub fn ways(template: &Template, needle: &Needle, ask: Ask, may: &dyn Fn(u32, Ask) -> bool) -> Vec<Way> {
    let mut walk = Walk { template, needle, ask, may, ways: Vec::new(), asks: Vec::new(), steps: 0, full: false };
    walk.begin();
    let mut columns = template.columns.clone();
    columns.sort_unstable();
    // No writer gives a column two places in a template, so which value is meant is not worked out.
    let is_double = columns.windows(2).any(|pair| matches!(pair, [one, other] if one == other));
    if walk.full || is_double {
        return vec![Way { asks: Vec::new(), worth: MAYBE.min(needle.best()) }];
    }
    walk.ways
}

struct Walk<'a> {
    template: &'a Template,
    needle: &'a Needle,
    ask: Ask,
    may: &'a dyn Fn(u32, Ask) -> bool,
    ways: Vec<Way>,
    asks: Vec<(u32, Ask)>,
    steps: u32,
    full: bool,
}

impl<'a> Walk<'a> {
    fn variables(&self) -> usize {
        self.template.columns.len()
    }

    /// The constant text before a variable, or after the last one.
    fn text(&self, index: usize) -> &'a [u8] {
        let template = self.template;
        let start = index.checked_sub(1).and_then(|before| template.ends.get(before)).map_or(0, |end| *end as usize);
        // The last text ends where all of it does, whether that is noted or not.
        let end = match template.ends.get(index) {
            Some(end) if index < self.variables() => *end as usize,
            _ => template.text.len(),
        };
        template.text.get(start..end).unwrap_or_default()
    }

    fn begin(&mut self) {
        let worth = self.needle.best();
        if self.ask.start == Side::Bound {
            self.go_on_in_text(0, self.ask.from, worth);
            return;
        }
        for index in 0..=self.variables() {
            self.begin_in_text(index, worth);
            if index < self.variables() {
                self.begin_in_variable(index, worth);
            }
        }
    }

    fn begin_in_text(&mut self, index: usize, worth: u8) {
        let (text, part) = (self.text(index), self.needle.of(self.ask));
        for at in 0..text.len() {
            let rest = text.get(at..).unwrap_or_default();
            let len = rest.len().min(part.len());
            if !same(rest.get(..len), part.get(..len)) {
                continue;
            }
            // What is before the text is a variable.
            let beyond = if index == 0 { self.ask.start.beyond() } else { Beyond::Unknown };
            let worth = worth.min(self.ask.start.beside(beyond).before(text, at));
            if worth == NO {
                continue;
            }
            if len == part.len() {
                self.end_in_text(index, at + len, worth);
            } else {
                self.go_on_in_variable(index, self.ask.from + len as u16, worth);
            }
        }
    }

    fn begin_in_variable(&mut self, index: usize, worth: u8) {
        let beyond = match self.text(index).last() {
            Some(byte) => Beyond::of(*byte),
            None if index == 0 => self.ask.start.beyond(),
            None => Beyond::Unknown,
        };
        let (start, from) = (self.ask.start.beside(beyond), self.ask.from);
        self.end_in_variable(index, from, start, worth);
        for to in from + 1..self.ask.to {
            if self.push(index, Ask { from, to, start, end: Side::Bound }) {
                self.go_on_in_text(index + 1, to, worth);
                self.asks.pop();
            }
        }
    }

    /// The needle's bytes from `from` on begin where a text begins.
    fn go_on_in_text(&mut self, index: usize, from: u16, worth: u8) {
        let (text, part) = (self.text(index), self.needle.of(Ask { from, ..self.ask }));
        let len = text.len().min(part.len());
        if !same(text.get(..len), part.get(..len)) {
            return;
        }
        if len == part.len() {
            self.end_in_text(index, len, worth);
        } else {
            self.go_on_in_variable(index, from + len as u16, worth);
        }
    }

    /// The needle's bytes from `from` on begin where a variable begins.
    fn go_on_in_variable(&mut self, index: usize, from: u16, worth: u8) {
        if index >= self.variables() {
            return;
        }
        self.end_in_variable(index, from, Side::Bound, worth);
        for to in from..self.ask.to {
            if self.full {
                return;
            }
            if self.push(index, Ask { from, to, start: Side::Bound, end: Side::Bound }) {
                self.go_on_in_text(index + 1, to, worth);
                self.asks.pop();
            }
        }
    }

    fn end_in_text(&mut self, index: usize, at: usize, worth: u8) {
        let text = self.text(index);
        let is_last = index == self.variables();
        if self.ask.end == Side::Bound {
            if at == text.len() {
                self.end_with_nothing(index, worth);
            }
            return;
        }
        let beyond = if is_last { self.ask.end.beyond() } else { Beyond::Unknown };
        self.found(worth.min(self.ask.end.beside(beyond).after(text, at)));
    }

    fn end_in_variable(&mut self, index: usize, from: u16, start: Side, worth: u8) {
        let beyond = match self.text(index + 1).first() {
            Some(byte) => Beyond::of(*byte),
            None if index + 1 == self.variables() => self.ask.end.beyond(),
            None => Beyond::Unknown,
        };
        let end = self.ask.end.beside(beyond);
        if !self.push(index, Ask { from, to: self.ask.to, start, end }) {
            return;
        }
        if end != Side::Bound {
            self.found(worth);
        } else if self.text(index + 1).is_empty() {
            self.end_with_nothing(index + 1, worth);
        }
        self.asks.pop();
    }

    /// All behind a text has to be empty.
    fn end_with_nothing(&mut self, index: usize, worth: u8) {
        let depth = self.asks.len();
        let nothing = Ask { from: self.ask.to, to: self.ask.to, start: Side::Bound, end: Side::Bound };
        let is_possible =
            (index..self.variables()).all(|index| self.push(index, nothing) && self.text(index + 1).is_empty());
        if is_possible {
            self.found(worth);
        }
        self.asks.truncate(depth);
    }

    fn push(&mut self, index: usize, ask: Ask) -> bool {
        self.steps += 1;
        self.full |= self.steps > MOST_STEPS;
        let column = self.template.columns.get(index);
        let may = !self.full && column.is_some_and(|column| (self.may)(*column, ask));
        if may {
            self.asks.push((index as u32, ask));
        }
        may
    }

    fn found(&mut self, worth: u8) {
        if worth == NO {
            return;
        }
        self.full |= self.ways.len() >= MOST_WAYS;
        if !self.full {
            self.ways.push(Way { asks: self.asks.clone(), worth });
        }
    }
}

fn same(one: Option<&[u8]>, other: Option<&[u8]>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        _ => false,
    }
}
