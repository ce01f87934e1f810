//! Offsets in a record as edges in its cut, and back.

use super::noted;
use super::{Edge, Value, is_dash, nth};

/// The pieces of a record.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    /// Its bytes.
    pub raw: &'a [u8],
    /// Where the constant texts of its cut end.
    pub ends: &'a [u32],
    /// Bytes in the first n variables.
    pub sums: &'a [u32],
}

/// Which edge of a value.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Start,
    End,
}

impl Record<'_> {
    /// Where a variable lies, and its bytes.
    fn variable(&self, number: u32) -> Option<(u32, &[u8])> {
        let (sum, after) = (self.sums.get(number as usize)?, self.sums.get(number as usize + 1)?);
        let before = self.ends.get(number as usize)?;
        Some((sum + before, self.raw.get((sum + before) as usize..(after + before) as usize)?))
    }

    /// Where an edge lies in this record.
    #[inline]
    fn offset(&self, edge: Edge, side: Side) -> Option<u32> {
        match edge {
            Edge::Between { variables, constant } => Some(self.sums.get(variables as usize)? + constant),
            Edge::Within { variable, byte, nth: number } => {
                let (start, bytes) = self.variable(variable)?;
                Some(start + nth(bytes, byte, number)? as u32 + u32::from(side == Side::Start))
            }
        }
    }

    /// What may be said of an offset; around an empty variable a start is before it, an end behind it. Within a variable there
    /// are two ways, by number from its start and from its end.
    fn edges(&self, offset: u32, side: Side) -> (Option<Edge>, Option<Edge>) {
        let mut found = None;
        let mut before = 0;
        for (variables, (sum, end)) in self.sums.iter().zip(self.ends).enumerate() {
            if offset < sum + before {
                break;
            }
            if offset <= sum + end && (side == Side::End || found.is_none()) {
                found = Some(Edge::Between { variables: variables as u32, constant: offset - sum });
            }
            before = *end;
        }
        if found.is_some() {
            return (found, None);
        }
        let number = self.sums.iter().zip(self.ends).take_while(|(sum, end)| *sum + *end < offset).count();
        match number.checked_sub(1).and_then(|number| self.within(number as u32, offset, side)) {
            Some((one, other)) => (Some(one), Some(other)),
            None => (None, None),
        }
    }

    fn within(&self, variable: u32, offset: u32, side: Side) -> Option<(Edge, Edge)> {
        let (start, bytes) = self.variable(variable)?;
        let at = (offset.checked_sub(start)? as usize).checked_sub(usize::from(side == Side::Start))?;
        let byte = *bytes.get(at)?;
        let count = |bytes: &[u8]| memchr::memchr_iter(byte, bytes).count() as i32;
        let of = |nth| Edge::Within { variable, byte, nth };
        Some((of(count(bytes.get(..=at)?)), of(-count(bytes.get(at..)?))))
    }

    /// Whether a value is where it is said to be.
    #[inline]
    pub fn is(&self, value: &Value, noted: &noted::Value<'_>) -> bool {
        match (value, noted) {
            (Value::Span(start, end), noted::Value::At(range)) => {
                self.offset(*start, Side::Start) == Some(range.start) && self.offset(*end, Side::End) == Some(range.end)
            }
            (Value::Text(text), noted::Value::Of(noted)) => text == noted,
            _ => false,
        }
    }

    /// Whether what stands there is a dash.
    pub fn is_dash(&self, value: &Value) -> bool {
        let Value::Span(start, end) = value else { return false };
        let (start, end) = (self.offset(*start, Side::Start), self.offset(*end, Side::End));
        let bytes = start.zip(end).and_then(|(start, end)| self.raw.get(start as usize..end as usize));
        bytes.is_some_and(is_dash)
    }

    /// All ways in which it may be said where a value stands.
    pub fn ways(&self, noted: &noted::Value<'_>, out: &mut Vec<Value>) {
        let range = match noted {
            noted::Value::At(range) => range,
            noted::Value::Of(text) => return out.push(Value::Text(text.to_vec())),
        };
        let (starts, ends) = (self.edges(range.start, Side::Start), self.edges(range.end, Side::End));
        let pair = |start: Option<Edge>, end: Option<Edge>| Some(Value::Span(start?, end?));
        let all = [pair(starts.0, ends.0), pair(starts.0, ends.1), pair(starts.1, ends.0), pair(starts.1, ends.1)];
        out.extend(all.into_iter().flatten());
    }
}
