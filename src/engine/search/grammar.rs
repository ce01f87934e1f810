//! What the words of a query mean in one store, apart from the store: for checking a query while it is typed.

use super::{Search, SearchOptions};
use crate::model::{Timestamp, Zone};
use crate::query::{Query, QueryContext, QueryError};

/// A copy of what a query is read with: the names of fields, the clock, the span of the records.
#[derive(Debug, Clone)]
pub struct Grammar {
    now: Timestamp,
    span: (Option<Timestamp>, Option<Timestamp>),
    zone: Zone,
    fields: Vec<String>,
    lenient: bool,
}

impl Grammar {
    /// Reads a query.
    pub fn parse(&self, text: &str) -> Result<Query, QueryError> {
        let context = QueryContext {
            now: self.now,
            start: self.span.0,
            end: self.span.1,
            zone: self.zone,
            known_fields: &self.fields,
            lenient: self.lenient,
        };
        Query::parse(text, &context)
    }

    /// Names of the fields that the store knows, built-in ones included, in order.
    pub fn fields(&self) -> Vec<String> {
        let built_in = crate::query::BUILT_IN_FIELDS.iter().chain(crate::model::COMMON_FIELDS);
        let mut names: Vec<String> =
            built_in.map(|name| (*name).to_owned()).chain(self.fields.iter().cloned()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl Search {
    /// What queries are read with at present.
    pub fn grammar(&self, options: &SearchOptions) -> Grammar {
        Grammar {
            now: self.store.clock(),
            span: self.span,
            zone: options.zone,
            fields: self.snapshot.fields().to_vec(),
            lenient: options.lenient,
        }
    }
}

impl Grammar {
    /// What queries are read with in a store that is empty but for fields of these names; the clock stands at 1970.
    pub fn of_fields(names: &[&str]) -> Grammar {
        let fields = names.iter().map(|name| (*name).to_owned()).collect();
        Grammar { now: Timestamp(0), span: (None, None), zone: Zone::UTC, fields, lenient: false }
    }
}
