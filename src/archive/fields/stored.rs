//! The map of fields as bytes: names, lists of fields once each, then, cut by cut, which list it has and where its values stand.
//!
//! What cuts have alike stands together, so that it packs: first all heads, then all places, each as its distance from the one before.

use hashbrown::HashMap;

use super::{CutFields, Edge, FieldMap, Placed, Value};
use crate::archive::column::{read_varint, unzigzag, write_varint, zigzag};

/// What an edge or a value is.
const BETWEEN: u64 = 0;
const WITHIN: u64 = 1;
const TEXT: u64 = 2;
const KINDS: u64 = 3;

/// Fields of all cuts together, of an honest stripe and beyond.
const MOST_FIELDS: usize = 1 << 18;

/// Where the edge before was.
#[derive(Clone, Copy, Default)]
struct Last {
    variables: u32,
    constant: u32,
}

impl FieldMap {
    /// The bytes of a map.
    pub fn encode(&self) -> Vec<u8> {
        let mut numbers: HashMap<u32, u64> = HashMap::new();
        let (mut names, mut lists, mut heads, mut places) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut list_of: HashMap<Vec<u8>, u64> = HashMap::new();
        let mut before = 0;
        let mut left = MOST_FIELDS;
        let fits = |cut: &&CutFields| {
            left = left.saturating_sub(cut.fields.len());
            left > 0
        };
        let cuts: Vec<&CutFields> = self.cuts.iter().take_while(fits).collect();
        for CutFields { cut, layout, fields } in cuts.iter().copied() {
            let mut list = Vec::new();
            write_varint(&mut list, fields.len() as u64);
            let mut expected = 0i64;
            for field in fields {
                let next = numbers.len() as u64;
                let number = *numbers.entry(field.name).or_insert_with(|| {
                    self.write_name(field.name, &mut names);
                    next
                }) as i64;
                write_varint(&mut list, zigzag(number - expected));
                expected = number + 1;
                let count = field.values.as_ref().map_or(0, |values| values.len() as u64 * 2);
                write_varint(&mut list, count - u64::from(field.dash && count > 0));
            }
            let next = list_of.len() as u64;
            let number = *list_of.entry(list).or_insert_with_key(|list| {
                lists.extend_from_slice(list);
                next
            });
            write_varint(&mut heads, u64::from(cut.wrapping_sub(before)));
            write_varint(&mut heads, u64::from(*layout));
            write_varint(&mut heads, number);
            before = *cut;
            let mut last = Last::default();
            let values = fields.iter().filter_map(|field| field.values.as_ref()).flatten();
            values.for_each(|value| last.write(value, &mut places));
        }
        for (number, (_, elsewhere)) in self.names.iter().enumerate() {
            if *elsewhere && !numbers.contains_key(&(number as u32)) {
                numbers.insert(number as u32, numbers.len() as u64);
                self.write_name(number as u32, &mut names);
            }
        }
        let mut out = Vec::new();
        write_varint(&mut out, self.revision);
        out.push(u8::from(self.any || cuts.len() < self.cuts.len()));
        for (count, part) in [(numbers.len(), names), (list_of.len(), lists), (cuts.len(), heads)] {
            write_varint(&mut out, count as u64);
            out.extend_from_slice(&part);
        }
        write_varint(&mut out, self.except.len() as u64);
        let mut before = 0;
        for row in &self.except {
            write_varint(&mut out, u64::from(row.wrapping_sub(before)));
            before = *row;
        }
        out.extend_from_slice(&places);
        out
    }

    fn write_name(&self, number: u32, out: &mut Vec<u8>) {
        let (name, elsewhere) = self.names.get(number as usize).map_or(("", true), |(name, is)| (name.as_str(), *is));
        write_varint(out, name.len() as u64 * 2 + u64::from(elsewhere));
        out.extend_from_slice(name.as_bytes());
    }

    /// Reads what [`FieldMap::encode`] wrote; `None` for bytes that are no map.
    pub fn decode(bytes: &[u8]) -> Option<FieldMap> {
        let mut input = Input(bytes);
        let revision = input.number()?;
        let any = match input.bytes(1)? {
            [0] => false,
            [1] => true,
            _ => return None,
        };
        let mut names = Vec::new();
        for _ in 0..input.number()? {
            let head = input.number()?;
            names.push((std::str::from_utf8(input.bytes(head / 2)?).ok()?.to_owned(), head % 2 == 1));
        }
        let mut lists = Vec::new();
        for _ in 0..input.number()? {
            let mut list = Vec::new();
            let mut expected = 0i64;
            for _ in 0..input.number()? {
                let name = expected.checked_add(unzigzag(input.number()?))?;
                let name = u32::try_from(name).ok().filter(|name| (*name as usize) < names.len())?;
                expected = i64::from(name) + 1;
                list.push((name, input.number()?));
            }
            lists.push(list);
        }
        let mut heads = Vec::new();
        let mut cut = 0u32;
        for _ in 0..input.number()? {
            cut = cut.checked_add(u32::try_from(input.number()?).ok()?)?;
            heads.push((cut, u32::try_from(input.number()?).ok()?, usize::try_from(input.number()?).ok()?));
        }
        let mut except = Vec::new();
        let mut row = 0u32;
        for _ in 0..input.number()? {
            row = row.checked_add(u32::try_from(input.number()?).ok()?)?;
            except.push(row);
        }
        let mut cuts = Vec::new();
        let mut left = MOST_FIELDS;
        for (cut, layout, list) in heads {
            let list = lists.get(list)?;
            left = left.checked_sub(list.len())?;
            let mut last = Last::default();
            let mut fields = Vec::with_capacity(list.len());
            for (name, count) in list {
                let mut values = Vec::new();
                for _ in 0..count.div_ceil(2) {
                    values.push(last.read(&mut input)?);
                }
                let values = Some(values).filter(|values| !values.is_empty());
                fields.push(Placed { name: *name, values, dash: count % 2 == 1 });
            }
            cuts.push(CutFields { cut, layout, fields });
        }
        let is_ascending = |pair: &[CutFields]| match pair {
            [one, other] => (one.cut, one.layout) < (other.cut, other.layout),
            _ => true,
        };
        (input.0.is_empty() && cuts.windows(2).all(is_ascending)).then_some(FieldMap {
            revision,
            names,
            any,
            cuts,
            except,
        })
    }

    /// What is said of a field in the records of each cut and layout, as (cut, layout, field); a cut whose records do not have it says
    /// nothing of it.
    pub fn of<'a>(&'a self, name: &str) -> impl Iterator<Item = (u32, u32, Option<&'a Placed>)> + use<'a> {
        let number = self.number(name).map(|number| number as u32);
        let field = move |cut: &'a CutFields| cut.fields.iter().find(|field| Some(field.name) == number);
        self.cuts.iter().map(move |cut| (cut.cut, cut.layout, field(cut)))
    }

    /// Whether a record that must be cut may have a field.
    pub fn may_be_elsewhere(&self, name: &str) -> bool {
        self.any || self.number(name).and_then(|number| self.names.get(number)).is_some_and(|(_, elsewhere)| *elsewhere)
    }

    /// Whether no record has a field.
    pub fn is_nowhere(&self, name: &str) -> bool {
        !self.any && self.number(name).is_none()
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|(known, _)| known == name)
    }
}

impl Last {
    fn write(&mut self, value: &Value, out: &mut Vec<u8>) {
        match value {
            Value::Span(start, end) => {
                self.write_edge(*start, out);
                self.write_edge(*end, out);
            }
            Value::Text(text) => {
                write_varint(out, TEXT);
                write_varint(out, text.len() as u64);
                out.extend_from_slice(text);
            }
        }
    }

    fn write_edge(&mut self, edge: Edge, out: &mut Vec<u8>) {
        let apart = |one: u32, other: u32| zigzag(i64::from(one) - i64::from(other));
        match edge {
            Edge::Between { variables, constant } => {
                write_varint(out, apart(variables, self.variables) * KINDS + BETWEEN);
                write_varint(out, apart(constant, self.constant));
                *self = Last { variables, constant };
            }
            Edge::Within { variable, byte, nth } => {
                write_varint(out, apart(variable, self.variables) * KINDS + WITHIN);
                out.push(byte);
                write_varint(out, zigzag(i64::from(nth)));
                self.variables = variable;
            }
        }
    }

    fn read(&mut self, input: &mut Input<'_>) -> Option<Value> {
        let head = input.number()?;
        if head == TEXT {
            let len = input.number()?;
            return Some(Value::Text(input.bytes(len)?.to_vec()));
        }
        let start = self.read_edge(head, input)?;
        let head = input.number()?;
        Some(Value::Span(start, self.read_edge(head, input)?))
    }

    fn read_edge(&mut self, head: u64, input: &mut Input<'_>) -> Option<Edge> {
        let at = |last: u32, apart: u64| u32::try_from(i64::from(last).checked_add(unzigzag(apart))?).ok();
        let variables = at(self.variables, head / KINDS)?;
        match head % KINDS {
            BETWEEN => {
                let constant = at(self.constant, input.number()?)?;
                *self = Last { variables, constant };
                Some(Edge::Between { variables, constant })
            }
            WITHIN => {
                self.variables = variables;
                let byte = *input.bytes(1)?.first()?;
                let nth = i32::try_from(unzigzag(input.number()?)).ok().filter(|nth| *nth != 0)?;
                Some(Edge::Within { variable: variables, byte, nth })
            }
            _ => None,
        }
    }
}

/// Bytes that are left to be read. Whatever is counted takes a byte at least, so that memory is bounded by them.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn number(&mut self) -> Option<u64> {
        let (number, rest) = read_varint(self.0)?;
        self.0 = rest;
        Some(number)
    }

    fn bytes(&mut self, len: u64) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }
}
