//! What is known beforehand: patterns of attack, words of failure and of refused access.
//!
//! One Aho-Corasick automaton reads every line once; regexes run only where one of their literals was found, and all of
//! it again on the text decoded twice where anything is encoded. Nothing backtracks: time is linear in the text.

pub(super) mod decode;
mod patterns;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use patterns::{Action, LITERALS, REGEXES};
use regex::bytes::{Regex, RegexBuilder};
use std::sync::LazyLock;

/// Bytes of a text that the rules read.
const REACH: usize = 64 * 1024;

/// Something known beforehand that a line can show; the order is the order of strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(super) enum Rule {
    Sqli,
    Xss,
    PathTraversal,
    CommandInjection,
    CodeInjection,
    Destructive,
    DownloadExecute,
    ReverseShell,
    Scanner,
    BruteForce,
    Spraying,
    Sweep,
    Silence,
    Critical,
    Error,
    Warning,
    AuthFailure,
    AccessDenied,
    PrivilegedAccount,
    ProbePath,
    BlindPost,
    FaultWord,
}

/// Number of rules.
pub(super) const RULES: usize = 22;

impl Rule {
    /// All rules, strongest first.
    pub const ALL: [Rule; RULES] = [
        Rule::Sqli,
        Rule::Xss,
        Rule::PathTraversal,
        Rule::CommandInjection,
        Rule::CodeInjection,
        Rule::Destructive,
        Rule::DownloadExecute,
        Rule::ReverseShell,
        Rule::Scanner,
        Rule::BruteForce,
        Rule::Spraying,
        Rule::Sweep,
        Rule::Silence,
        Rule::Critical,
        Rule::Error,
        Rule::Warning,
        Rule::AuthFailure,
        Rule::AccessDenied,
        Rule::PrivilegedAccount,
        Rule::ProbePath,
        Rule::BlindPost,
        Rule::FaultWord,
    ];

    /// The id in verdicts and queries (`rule:sqli`).
    pub fn id(self) -> &'static str {
        match self {
            Rule::Sqli => "sqli",
            Rule::Xss => "xss",
            Rule::PathTraversal => "path-traversal",
            Rule::CommandInjection => "cmdi",
            Rule::CodeInjection => "code-injection",
            Rule::Destructive => "destructive-command",
            Rule::DownloadExecute => "download-execute",
            Rule::ReverseShell => "reverse-shell",
            Rule::Scanner => "scanner",
            Rule::BruteForce => "brute-force",
            Rule::Spraying => "password-spraying",
            Rule::Sweep => "sweep",
            Rule::Silence => "silence",
            Rule::Critical => "severity-critical",
            Rule::Error => "severity-error",
            Rule::Warning => "severity-warning",
            Rule::AuthFailure => "auth-failure",
            Rule::AccessDenied => "access-denied",
            Rule::PrivilegedAccount => "privileged-account",
            Rule::ProbePath => "probe-path",
            Rule::BlindPost => "blind-post",
            Rule::FaultWord => "fault-word",
        }
    }

    /// What the rule found, in words.
    pub fn text(self) -> &'static str {
        match self {
            Rule::Sqli => "pattern of SQL injection",
            Rule::Xss => "pattern of cross-site scripting",
            Rule::PathTraversal => "pattern of path traversal (../)",
            Rule::CommandInjection => "pattern of command injection",
            Rule::CodeInjection => "pattern of code injection",
            Rule::Destructive => "destructive command",
            Rule::DownloadExecute => "download and execute",
            Rule::ReverseShell => "reverse shell",
            Rule::Scanner => "name of a scanner",
            Rule::BruteForce => "brute force: many failed logins of one entity",
            Rule::Spraying => "password spraying: failed logins to many accounts",
            Rule::Sweep => "sweep: failures at many targets",
            Rule::Silence => "the source was silent far longer than ever before",
            Rule::Critical => "severity critical or worse",
            Rule::Error => "severity error",
            Rule::Warning => "severity warning",
            Rule::AuthFailure => "failed login",
            Rule::AccessDenied => "access denied to someone who is logged in",
            Rule::PrivilegedAccount => "privileged account in a failed login",
            Rule::ProbePath => "path that probes ask for",
            Rule::BlindPost => "POST that comes from no page, as programs send it",
            Rule::FaultWord => "word of failure",
        }
    }

    /// Decades of evidence before the discount.
    pub fn decades(self) -> f32 {
        match self {
            Rule::Sqli
            | Rule::Xss
            | Rule::PathTraversal
            | Rule::CommandInjection
            | Rule::CodeInjection
            | Rule::Destructive
            | Rule::DownloadExecute
            | Rule::ReverseShell
            | Rule::Scanner
            | Rule::Silence => 4.0,
            Rule::BruteForce | Rule::Spraying | Rule::Sweep => 3.0,
            Rule::Critical => 2.0,
            Rule::Error
            | Rule::AuthFailure
            | Rule::AccessDenied
            | Rule::PrivilegedAccount
            | Rule::ProbePath
            | Rule::BlindPost
            | Rule::FaultWord => 1.0,
            Rule::Warning => 0.5,
        }
    }

    /// Whether the evidence is counted over many lines, so that a rule's own frequency does not discount it.
    pub fn is_windowed(self) -> bool {
        matches!(self, Rule::BruteForce | Rule::Spraying | Rule::Sweep | Rule::Silence)
    }

    /// Of the rules of one group only the strongest that fired counts.
    pub fn group(self) -> u8 {
        match self {
            Rule::Scanner => 1,
            Rule::BruteForce | Rule::Spraying | Rule::Sweep => 2,
            Rule::Critical | Rule::Error | Rule::Warning => 3,
            Rule::AuthFailure | Rule::AccessDenied => 4,
            Rule::PrivilegedAccount => 5,
            Rule::ProbePath => 6,
            Rule::FaultWord => 7,
            Rule::BlindPost => 8,
            Rule::Silence => 9,
            _ => 0,
        }
    }

    /// Whether the rule is worth a verdict of its own on a line that is not flagged.
    pub fn is_told(self) -> bool {
        !matches!(
            self,
            Rule::Critical | Rule::Error | Rule::Warning | Rule::FaultWord | Rule::PrivilegedAccount | Rule::BlindPost
        )
    }
}

/// A set of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Hits(u32);

impl Hits {
    /// Adds a rule.
    pub fn add(&mut self, rule: Rule) {
        self.0 |= 1 << rule as u8;
    }

    /// Takes a rule out.
    pub fn remove(&mut self, rule: Rule) {
        self.0 &= !(1 << rule as u8);
    }

    /// Whether the rule is in the set.
    pub fn has(self, rule: Rule) -> bool {
        self.0 & (1 << rule as u8) != 0
    }

    /// Whether no rule is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The rules in the set, strongest first.
    pub fn iter(self) -> impl Iterator<Item = Rule> {
        Rule::ALL.into_iter().filter(move |rule| self.has(*rule))
    }

    /// The rules of both sets.
    pub fn or(self, other: Hits) -> Hits {
        Hits(self.0 | other.0)
    }
}

/// The automaton with what each literal means, and the regexes by rule.
struct Compiled {
    literals: AhoCorasick,
    actions: Vec<Action>,
    regexes: [Option<Regex>; RULES],
}

static COMPILED: LazyLock<Option<Compiled>> = LazyLock::new(compile);

/// Compiles the fixed patterns; a test holds that this never fails.
fn compile() -> Option<Compiled> {
    let words = LITERALS.iter().flat_map(|(_, words)| words.iter());
    let actions = LITERALS.iter().flat_map(|(action, words)| words.iter().map(|_| *action)).collect();
    let literals =
        AhoCorasick::builder().ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA)).build(words).ok()?;
    let mut regexes = [const { None }; RULES];
    for (rule, alternatives) in REGEXES {
        let joined = alternatives.iter().map(|one| format!("(?:{one})")).collect::<Vec<_>>().join("|");
        let regex = RegexBuilder::new(&joined)
            .unicode(false)
            .case_insensitive(true)
            .dot_matches_new_line(true)
            .size_limit(64 << 20)
            .dfa_size_limit(8 << 20)
            .build()
            .ok()?;
        *regexes.get_mut(*rule as usize)? = Some(regex);
    }
    Some(Compiled { literals, actions, regexes })
}

/// The rules that `text` shows, as it stands and decoded; `buffer` is memory to decode into.
pub(super) fn scan(text: &[u8], buffer: &mut Vec<u8>, is_request: bool) -> Hits {
    let text = text.get(..REACH).unwrap_or(text);
    let Some(compiled) = COMPILED.as_ref() else { return Hits::default() };
    let mut hits = compiled.scan(text);
    if decode::decode_twice(text, buffer, is_request) {
        hits = hits.or(compiled.scan(buffer));
    }
    hits
}

impl Compiled {
    fn scan(&self, text: &[u8]) -> Hits {
        let (mut hits, mut asked) = (Hits::default(), Hits::default());
        for found in self.literals.find_overlapping_iter(text) {
            let before = found.start().checked_sub(1).and_then(|at| text.get(at));
            let after = text.get(found.end());
            match self.actions.get(found.pattern().as_usize()) {
                Some(Action::Anywhere(rule)) => hits.add(*rule),
                Some(Action::Starts(rule)) if !before.is_some_and(u8::is_ascii_alphabetic) => hits.add(*rule),
                Some(Action::Word(rule)) if ![before, after].into_iter().flatten().any(u8::is_ascii_alphanumeric) => {
                    hits.add(*rule);
                }
                Some(Action::Check(rule)) => asked.add(*rule),
                _ => {}
            }
        }
        for rule in asked.iter() {
            let regex = self.regexes.get(rule as usize).and_then(Option::as_ref);
            if regex.is_some_and(|regex| regex.is_match(text)) {
                hits.add(rule);
            }
        }
        hits
    }
}

#[cfg(test)]
mod tests;
