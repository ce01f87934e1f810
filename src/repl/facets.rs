//! The values of the fields of an answer with their counts: what an investigator narrows a question down by.

use std::collections::HashMap;

use crate::model::{FoundRecord, Level};
use crate::report::{Theme, count, escape, escape_bytes, thousands};

/// Most fields counted.
const FIELDS: usize = 200;
/// Most different values of a field.
const VALUES: usize = 10_000;
/// Values are told apart by this many bytes.
const BYTES: usize = 200;
/// Most bytes for all values together, roughly.
const MEMORY: usize = 64 << 20;
/// Fields whose every value is another, or that repeat the line.
const LEFT_OUT: &[&str] = &["time", "raw", "id", "offset", "level", "source"];

/// Counts of the values of fields.
#[derive(Debug, Default)]
pub struct Facets {
    bytes: usize,
    /// Whether there are more fields than are counted.
    is_cut: bool,
    fields: HashMap<String, Field>,
}

#[derive(Debug, Default)]
struct Field {
    records: u64,
    /// `None` where there are too many different ones.
    values: Option<HashMap<Vec<u8>, u64>>,
}

impl Facets {
    /// Counts the values of a record.
    pub fn add(&mut self, record: &FoundRecord) {
        if let Some(level) = record.level {
            self.value("level", Level::name(level).as_bytes());
        }
        self.value("source", record.source.as_bytes());
        record.rules.iter().for_each(|rule| self.value("rule", rule.as_bytes()));
        if let Some(incident) = record.incident {
            self.value("incident", incident.to_string().as_bytes());
        }
        for (name, value) in &record.fields {
            if !LEFT_OUT.contains(&name.as_str()) {
                self.value(name, value);
            }
        }
    }

    fn value(&mut self, name: &str, value: &[u8]) {
        if !self.fields.contains_key(name) {
            if self.fields.len() >= FIELDS {
                self.is_cut = true;
                return;
            }
            self.fields.insert(name.to_owned(), Field { records: 0, values: Some(HashMap::new()) });
        }
        let Some(field) = self.fields.get_mut(name) else { return };
        field.records += 1;
        let Some(values) = &mut field.values else { return };
        let value = value.get(..BYTES).unwrap_or(value);
        if let Some(count) = values.get_mut(value) {
            *count += 1;
            return;
        }
        if values.len() >= VALUES || self.bytes + value.len() + 64 > MEMORY {
            self.bytes -= values.keys().map(|value| value.len() + 64).sum::<usize>();
            field.values = None;
            return;
        }
        self.bytes += value.len() + 64;
        values.insert(value.to_vec(), 1);
    }

    /// The most frequent values of a field, ties by value; none where there were too many to count.
    pub fn top(&self, name: &str, most: usize) -> Vec<(&[u8], u64)> {
        let values = self.fields.get(name).and_then(|field| field.values.as_ref());
        let mut values: Vec<(&[u8], u64)> =
            values.into_iter().flatten().map(|(value, count)| (value.as_slice(), *count)).collect();
        values.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        values.truncate(most);
        values
    }

    /// Names of the fields, the one that most records have first, ties by name.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<(&str, u64)> =
            self.fields.iter().map(|(name, field)| (name.as_str(), field.records)).collect();
        names.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        names.into_iter().map(|(name, _)| name).collect()
    }

    /// Lines for people: a field and its most frequent values each; of one field, a value each.
    pub fn lines(&self, only: Option<&str>, theme: Theme) -> Vec<String> {
        match only {
            Some(name) => self.of_one(name, theme),
            None => {
                let cut =
                    self.is_cut.then(|| theme.dim(&format!("and more than {FIELDS} fields, which are not counted")));
                self.names().into_iter().map(|name| self.line(name, theme)).chain(cut).collect()
            }
        }
    }

    fn line(&self, name: &str, theme: Theme) -> String {
        let title = theme.paint("36", &format!("{:<18}", escape(name)));
        let Some(values) = self.fields.get(name).and_then(|field| field.values.as_ref()) else {
            return format!("{title} {}", theme.dim(&format!("more than {} values", thousands(VALUES as u64))));
        };
        let known = self.fields.get(name).map_or(0, |field| field.records);
        if known > 5 && values.len() as u64 == known {
            return format!("{title} {}", theme.dim(&format!("{} values, each once", thousands(known))));
        }
        let shown: Vec<String> = self
            .top(name, 5)
            .into_iter()
            .map(|(value, count)| format!("{} {}", shortened(value, 40), theme.paint("1", &thousands(count))))
            .collect();
        let rest = values.len().saturating_sub(shown.len());
        let more = if rest > 0 { theme.dim(&format!("  + {}", count(rest as u64, "value"))) } else { String::new() };
        format!("{title} {}{more}", shown.join("  "))
    }

    fn of_one(&self, name: &str, theme: Theme) -> Vec<String> {
        let Some(field) = self.fields.get(name) else {
            return vec![format!("no record of the answer has the field {}", escape(name))];
        };
        let Some(values) = &field.values else { return vec![self.line(name, theme)] };
        let mut lines: Vec<String> = self
            .top(name, 50)
            .into_iter()
            .map(|(value, count)| format!("{:>10}  {}", thousands(count), shortened(value, BYTES)))
            .collect();
        if values.len() > lines.len() {
            let rest = values.len() - lines.len();
            lines.push(theme.dim(&format!(
                "and {}; '| top N {}' shows them",
                count(rest as u64, "other value"),
                escape(name)
            )));
        }
        lines
    }
}

fn shortened(value: &[u8], most: usize) -> String {
    let text = escape_bytes(value);
    if text.chars().count() <= most && value.len() < BYTES {
        return text.into_owned();
    }
    text.chars().take(most).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facets(values: impl Iterator<Item = String>) -> Facets {
        let mut facets = Facets::default();
        values.for_each(|value| facets.value("user", value.as_bytes()));
        facets
    }

    #[test]
    fn values_are_counted_and_ordered() {
        let facets = facets(["b", "a", "b", "c\x1b"].into_iter().map(str::to_owned));
        assert_eq!(facets.top("user", 2), [(&b"b"[..], 2), (b"a", 1)]);
        let line = facets.lines(None, Theme::new(false)).join("\n");
        assert!(line.starts_with("user") && line.ends_with("b 2  a 1  c\\x1b 1"), "{line}");
    }

    #[test]
    fn too_many_values_are_said_to_be_too_many() {
        let facets = facets((0..VALUES + 5).map(|number| number.to_string()));
        assert_eq!(facets.bytes, 0);
        assert!(facets.lines(None, Theme::new(false))[0].contains("more than 10,000 values"));
    }
}
