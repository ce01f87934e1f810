//! Reads tests of time: spans, ages, comparisons and ranges.

use std::ops::Bound;

use crate::model::query::Expr;
use crate::model::{TimeRange, Timestamp};

use super::parser::Parser;
use super::term::text_of;
use super::{QueryError, literal};

impl Parser<'_> {
    fn span(&self, text: &str) -> Result<(Timestamp, Timestamp), QueryError> {
        literal::span(text, self.context).ok_or_else(|| self.error(format!("bad time '{text}'")))
    }

    /// `time:` `since:` `until:` `around:` with one value.
    pub(super) fn time(&self, name: &str, text: &str) -> Result<Expr, QueryError> {
        let now = self.context.now;
        let ago = literal::duration(text).map(|length| now.saturating_add(-length));
        let range = match (name, ago) {
            ("time", Some(ago)) => TimeRange { from: Some(after(ago)), until: Some(after(now)) },
            ("time", None) => {
                let (from, until) = self.span(text)?;
                TimeRange { from: Some(from), until: Some(if from == until { after(from) } else { until }) }
            }
            ("since", ago) => {
                TimeRange { from: Some(ago.map_or_else(|| self.span(text).map(|s| s.0), Ok)?), until: None }
            }
            ("until", ago) => {
                TimeRange { from: None, until: Some(ago.map_or_else(|| self.span(text).map(|s| s.0), Ok)?) }
            }
            _ => {
                let (moment, width) = text.split_once('~').unwrap_or((text, "5m"));
                let width = literal::duration(width).ok_or_else(|| self.error(format!("bad duration '{width}'")))?;
                let centre = self.span(moment)?.0;
                let until = after(centre.saturating_add(width));
                TimeRange { from: Some(centre.saturating_add(-width)), until: Some(until) }
            }
        };
        Ok(Expr::Time(range))
    }

    pub(super) fn time_comparison(&self, operator: &str, text: &str) -> Result<Expr, QueryError> {
        let (from, until) = self.span(text)?;
        let until = if from == until { after(from) } else { until };
        let range = match operator {
            ">" => TimeRange { from: Some(until), until: None },
            ">=" => TimeRange { from: Some(from), until: None },
            "<" => TimeRange { from: None, until: Some(from) },
            "<=" => TimeRange { from: None, until: Some(until) },
            _ => TimeRange { from: Some(from), until: Some(until) },
        };
        if operator == "!=" {
            let has_time = Expr::Time(TimeRange::default());
            return Ok(Expr::And(vec![has_time, Expr::Not(Box::new(Expr::Time(range)))]));
        }
        Ok(Expr::Time(range))
    }

    pub(super) fn time_range(&self, low: &Bound<String>, high: &Bound<String>) -> Result<Expr, QueryError> {
        let span = |bound: &Bound<String>| text_of(bound).map(|text| self.span(text)).transpose();
        let (from, to) = (span(low)?, span(high)?);
        if let (Some(a), Some(b), Some((from, _)), Some((to, _))) = (text_of(low), text_of(high), from, to)
            && from > to
        {
            return Err(self.error(format!("empty range: {a} is after {b}")));
        }
        let whole = |(from, until): (Timestamp, Timestamp)| if from == until { after(from) } else { until };
        let from = from.map(|span| if matches!(low, Bound::Excluded(_)) { whole(span) } else { span.0 });
        let until = to.map(|span| if matches!(high, Bound::Excluded(_)) { span.0 } else { whole(span) });
        Ok(Expr::Time(TimeRange { from, until }))
    }
}

fn after(time: Timestamp) -> Timestamp {
    time.saturating_add(1)
}
