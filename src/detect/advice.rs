//! What a reason means and what is to be done about it, in words, and how grave it is.

use super::rules::Rule;

/// How grave an incident is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Gravity {
    /// Unusual, nothing known to be bad.
    Low,
    /// Odd by more than one measure, or a rule fired.
    Medium,
    /// Counted evidence of an attack, or very odd.
    High,
    /// A pattern of attack.
    Critical,
}

impl Gravity {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Gravity::Low => "low",
            Gravity::Medium => "medium",
            Gravity::High => "high",
            Gravity::Critical => "critical",
        }
    }

    /// Of a highest score (0 to 1) and the ids of the rules that fired.
    pub fn of<'a>(score: f32, rules: impl Iterator<Item = &'a str>) -> Gravity {
        let by_score = match score {
            score if score >= 0.8 => Gravity::High,
            score if score >= 0.5 => Gravity::Medium,
            _ => Gravity::Low,
        };
        let by_rule = rules.filter_map(rule_of).map(|rule| match rule {
            rule if rule.is_windowed() => Gravity::High,
            rule if rule.decades() >= 4.0 => Gravity::Critical,
            _ => Gravity::Medium,
        });
        by_rule.fold(by_score, Gravity::max)
    }
}

fn rule_of(id: &str) -> Option<Rule> {
    Rule::ALL.into_iter().find(|rule| rule.id() == id)
}

/// Whether an id is that of a rule, so that a query can name it as `rule:ID`.
pub fn is_rule(id: &str) -> bool {
    rule_of(id).is_some()
}

/// What a reason means, by its id; a clause that follows the reason's own text.
pub fn meaning(id: &str) -> &'static str {
    match id {
        "template" => "this kind of line is rare here or was never seen before",
        "words" => "it contains words that are rare in this source",
        "value" => "a value stands where others usually stand",
        "number" => "a number is far from what it usually is at this place",
        "spelling" => "it is spelled unlike the lines before it",
        "shape" => "its length or its share of marks, digits and capitals is unusual",
        "order" => "it does not usually follow the line before it",
        "repeat" => "it comes more often in a row than it usually does",
        "entity" => "whom it is about is busier or fails more often than usual",
        "status" => "this answer is rare for this kind of request",
        "level" => "this level is rare in this source",
        "combination" => "its measures are ordinary one by one, but not together",
        "shift" => "the source as a whole writes other lines than before",
        "severity-critical" | "severity-error" | "severity-warning" => {
            "the program itself says that something is wrong"
        }
        "fault-word" => "it speaks of a failure",
        "silence" => "records are missing here, or there were none: nothing in the past of this source is like it",
        _ => "known beforehand as a mark of attack or misuse",
    }
}

/// What is to be done about a reason, by its id; one sentence.
pub fn recommendation(id: &str) -> &'static str {
    match id {
        "sqli" | "xss" | "path-traversal" | "code-injection" | "cmdi" => {
            "Look at the answers the client got (status, bytes); block the address and check the program that was asked for."
        }
        "destructive-command" => {
            "Find out who ran the command and whether it succeeded; check backups before anything else."
        }
        "download-execute" | "reverse-shell" => {
            "Isolate the machine, keep its memory and disk, and look for what was fetched and for outgoing connections."
        }
        "scanner" | "probe-path" | "sweep" => "Check which requests were answered with success; block the address.",
        "brute-force" | "password-spraying" | "auth-failure" | "privileged-account" => {
            "Look for a login that succeeded after the failures; lock the account or block the address."
        }
        "access-denied" => "Ask why this account wants what it may not; check what it was allowed before.",
        "blind-post" => "See which program sends these requests and whether it is meant to.",
        "severity-critical" | "severity-error" | "severity-warning" | "fault-word" | "level" | "status" => {
            "Look at the lines around it for the first fault; the others usually follow from it."
        }
        "silence" => {
            "Find out whether the program was stopped, could not write, or whether records were removed: compare with other sources of the time."
        }
        "shift" => "Find out what was changed at this time: a release, a configuration, a new client.",
        "repeat" | "entity" => "Find out what repeats: a loop, a retry, a probe; compare with the hour before.",
        "number" | "value" => "Compare the value with the usual ones of this kind of line.",
        _ => "Look at the lines around it and at other lines of this kind.",
    }
}
