//! How well scores and flags agree with labels; ranks, precision and recall by smartcore.

use smartcore::metrics::{precision, recall, roc_auc_score};

/// Most lines that can be measured; they take about 64 bytes each while it is done.
pub const MOST_MEASURED: usize = 1 << 22;

/// What labels say of scores.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Measures {
    /// Lines with a label.
    pub lines: u64,
    /// Those labelled as odd.
    pub odd: u64,
    /// Those flagged.
    pub flagged: u64,
    /// Chance that an odd line scores higher than an ordinary one, 0 to 1.
    pub roc_auc: f64,
    /// Mean precision over the ranks of all odd lines, 0 to 1; lines with equal scores share a rank.
    pub average_precision: f64,
    /// Share of the flagged lines that are odd.
    pub precision: f64,
    /// Share of the odd lines that are flagged.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// Share of the ordinary lines that are flagged.
    pub false_positive_rate: f64,
}

/// Lines with a label: whether it is odd, its score, whether it was flagged.
pub type Labelled = (bool, f32, bool);

/// Measures lines; `None` unless there are odd and ordinary ones, and at most [`MOST_MEASURED`].
pub fn measure(lines: &[Labelled]) -> Option<Measures> {
    let odd = lines.iter().filter(|(odd, ..)| *odd).count();
    if odd == 0 || odd == lines.len() || lines.len() > MOST_MEASURED {
        return None;
    }
    let number = |is: bool| if is { 1.0f64 } else { 0.0 };
    let truth: Vec<f64> = lines.iter().map(|(odd, ..)| number(*odd)).collect();
    let scores: Vec<f64> = lines.iter().map(|(_, score, _)| f64::from(*score)).collect();
    let flags: Vec<f64> = lines.iter().map(|(.., flag)| number(*flag)).collect();
    let (precision, recall) = (precision(&truth, &flags), recall(&truth, &flags));
    let flagged = lines.iter().filter(|(.., flag)| *flag).count();
    let false_alarms = lines.iter().filter(|(odd, _, flag)| *flag && !odd).count();
    Some(Measures {
        lines: lines.len() as u64,
        odd: odd as u64,
        flagged: flagged as u64,
        roc_auc: roc_auc_score(&truth, &scores),
        average_precision: average_precision(lines, odd),
        precision,
        recall,
        f1: if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 },
        false_positive_rate: false_alarms as f64 / (lines.len() - odd) as f64,
    })
}

fn average_precision(lines: &[Labelled], odd: usize) -> f64 {
    let mut order: Vec<(f32, bool)> = lines.iter().map(|(odd, score, _)| (*score, *odd)).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut seen, mut found, mut sum) = (0usize, 0usize, 0.0);
    for equal in order.chunk_by(|a, b| a.0 == b.0) {
        let here = equal.iter().filter(|(_, odd)| *odd).count();
        seen += equal.len();
        found += here;
        sum += here as f64 * found as f64 / seen as f64;
    }
    sum / odd as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_their_definitions() {
        let lines =
            [(true, 0.9, true), (false, 0.8, true), (true, 0.7, false), (false, 0.1, false), (false, 0.1, false)];
        let told = measure(&lines).unwrap();
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert_eq!((told.lines, told.odd, told.flagged), (5, 2, 2));
        assert!(near(told.roc_auc, 5.0 / 6.0) && near(told.average_precision, (1.0 + 2.0 / 3.0) / 2.0), "{told:?}");
        assert!(near(told.precision, 0.5) && near(told.recall, 0.5) && near(told.f1, 0.5), "{told:?}");
        assert!(near(told.false_positive_rate, 1.0 / 3.0), "{told:?}");
        assert!(measure(&[(true, 0.1, true)]).is_none() && measure(&[]).is_none());
    }
}
