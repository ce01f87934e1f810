//! Verdicts of flagged records as they are stored: numbers to the digits that mean something.

use serde::{Deserialize, Serialize};

use crate::model::{Reason, Verdict};

/// Steps of a score or novelty.
const SCORE: f32 = 10_000.0;
/// Steps of a weight.
const WEIGHT: f32 = 100.0;

/// A verdict as it is stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Told {
    /// As it is written now.
    Short(Short),
    /// As version 2 wrote it.
    Whole(u32, Verdict),
}

/// Row in the stripe; score and score minus novelty in 1/10,000; id, text and weight in 1/100 of each reason; rules; entity.
#[derive(Debug, Serialize, Deserialize)]
pub struct Short(u32, i32, i32, Vec<(String, String, i32)>, Vec<String>, Option<String>);

impl Told {
    /// From the verdict of a flagged record.
    pub fn of(row: u32, verdict: &Verdict) -> Told {
        let steps = |value: f32, of: f32| (value * of).round() as i32;
        let reason = |reason: &Reason| (reason.id.clone(), reason.text.clone(), steps(reason.weight, WEIGHT));
        let score = steps(verdict.score, SCORE);
        Told::Short(Short(
            row,
            score,
            score.saturating_sub(steps(verdict.novelty, SCORE)),
            verdict.reasons.iter().map(reason).collect(),
            verdict.rules.clone(),
            verdict.entity.clone(),
        ))
    }

    /// Row in the stripe, and the verdict.
    pub fn into_verdict(self) -> (u32, Verdict) {
        let Short(row, score, known, reasons, rules, entity) = match self {
            Told::Short(short) => short,
            Told::Whole(row, verdict) => return (row, verdict),
        };
        let reason = |(id, text, weight)| Reason { id, text, weight: weight as f32 / WEIGHT };
        let verdict = Verdict {
            score: score as f32 / SCORE,
            novelty: score.saturating_sub(known) as f32 / SCORE,
            flagged: true,
            reasons: reasons.into_iter().map(reason).collect(),
            rules,
            entity,
        };
        (row, verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_of_version_2_are_read() {
        let whole = r#"[3,{"score":0.25,"novelty":0.125,"flagged":true,"reasons":[],"rules":["xss"],"entity":null}]"#;
        let (row, verdict) = serde_json::from_str::<Told>(whole).unwrap().into_verdict();
        assert_eq!((row, verdict.score, verdict.novelty, &verdict.rules[0][..]), (3, 0.25, 0.125, "xss"));
    }

    #[test]
    fn a_verdict_that_was_stored_once_is_stored_the_same_again() {
        let verdict = Verdict {
            score: 0.543_501_85,
            novelty: 0.3,
            flagged: true,
            reasons: vec![Reason { id: "order".to_owned(), text: "unusual order".to_owned(), weight: 1.040_119_4 }],
            rules: vec!["sqli".to_owned()],
            entity: Some("192.0.2.1".to_owned()),
        };
        let (row, once) = Told::of(7, &verdict).into_verdict();
        assert_eq!((row, once.score, once.novelty, once.reasons[0].weight), (7, 0.5435, 0.3, 1.04));
        assert_eq!((&once.rules, &once.entity), (&verdict.rules, &verdict.entity));
        assert_eq!(Told::of(7, &once).into_verdict(), (7, once));
    }
}
