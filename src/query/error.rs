//! What is wrong with a query, where, and what to type instead.

use std::fmt;

use crate::model::FailureKind;

/// A query that can't be run. Prints as `col 5: unknown field 'levl', did you mean 'level'? (...)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    /// Where the mistake was seen: characters from 1.
    pub column: Option<usize>,
    /// What is wrong, with the likely cure in words.
    pub reason: String,
    /// The name that was probably meant, where there is one.
    pub suggestion: Option<String>,
    /// Whether it is in a pipe: the sentence then names the pipe or the word, and not the column.
    pub in_pipe: bool,
    /// The word of a pipe that is wrong, until its column is known.
    word: Option<String>,
}

impl QueryError {
    /// A mistake at a column (characters from 1).
    pub(crate) fn at(column: usize, reason: impl Into<String>) -> QueryError {
        QueryError { column: Some(column), in_pipe: false, ..QueryError::pipe(reason) }
    }

    /// A mistake that concerns a pipe as a whole.
    pub(crate) fn pipe(reason: impl Into<String>) -> QueryError {
        QueryError { column: None, reason: reason.into(), suggestion: None, in_pipe: true, word: None }
    }

    /// A mistake in one word of a pipe, with what was probably meant.
    pub(crate) fn of_word(reason: impl Into<String>, word: &str, suggestion: Option<String>) -> QueryError {
        QueryError { suggestion, word: Some(word.to_owned()), ..QueryError::pipe(reason) }
    }

    /// The same mistake with what was probably meant.
    pub(crate) fn meaning(self, suggestion: Option<String>) -> QueryError {
        QueryError { suggestion, ..self }
    }

    /// The same mistake with its column: that of its word in the `text` of the pipe, which begins at column `from`.
    pub(crate) fn placed(mut self, text: &str, from: usize) -> QueryError {
        if self.column.is_none() {
            let word = self.word.take();
            let at = word.and_then(|word| text.find(&word)).and_then(|at| text.get(..at));
            self.column = Some(from + at.map_or(0, |before| before.chars().count()));
        }
        self
    }

    /// Always [`FailureKind::Usage`].
    pub fn kind(&self) -> FailureKind {
        FailureKind::Usage
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column.filter(|_| !self.in_pipe) {
            Some(column) => write!(f, "col {column}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl std::error::Error for QueryError {}

/// Why a regular expression is refused, in one line with the position where the engine states one.
pub(crate) fn regex_reason(error: &regex::Error) -> String {
    let text = match error {
        regex::Error::CompiledTooBig(limit) => return format!("too large when compiled (limit {limit} bytes)"),
        error => error.to_string(),
    };
    // The engine prints the pattern on one line, indented by four, carets under the place, then "error: reason".
    let caret = text.lines().find(|line| line.contains('^') && line.trim_matches(['^', ' ']).is_empty());
    let position = caret.and_then(|line| line.chars().position(|c| c == '^')).map(|at| at.saturating_sub(4));
    let reason = text.lines().rev().find_map(|line| line.strip_prefix("error: ")).unwrap_or("not understood");
    let reason = if reason == "unclosed group" { "missing ), unterminated subpattern" } else { reason };
    match position {
        Some(position) => format!("{reason} at position {position}"),
        None => reason.to_owned(),
    }
}

/// The candidate most like `word`, if any is close: at most a third of its letters differ (Damerau-Levenshtein, adjacent
/// transpositions). The first in order of distance, then name.
pub fn closest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(64).collect();
    let allowed = (word.len() / 3).max(1);
    candidates
        .filter_map(|candidate| {
            let other: Vec<char> = candidate.chars().take(64).collect();
            let distance = distance(&word, &other);
            (distance <= allowed && distance < word.len()).then_some((distance, candidate))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance.
#[allow(clippy::indexing_slicing, reason = "a table of (n + 1) x (m + 1) built here and indexed up to n and m")]
fn distance(a: &[char], b: &[char]) -> usize {
    let mut table = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in table.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in table[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let differ = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (table[i - 1][j] + 1).min(table[i][j - 1] + 1).min(table[i - 1][j - 1] + differ);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(table[i - 2][j - 2] + 1);
            }
            table[i][j] = best;
        }
    }
    table[a.len()][b.len()]
}
