//! The fields of one record, kept as views of its bytes wherever they are such, and reused from record to record.

use std::ops::Range;

/// Where a name or a value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A range of the record's own bytes.
    Raw(u32, u32),
    /// A range of the set's own text.
    Text(u32, u32),
    /// A name known at compile time.
    Known(&'static str),
}

/// Entries for which memory is kept from record to record, and a sixteenth of the bytes of text.
const MOST_KEPT: usize = 1_024;

/// The fields found in one record, in order of appearance; `clear` keeps the memory for the next record.
///
/// Values are bytes: a view into the record where the bytes stand there as they are, a derived text (an unescaped JSON
/// string, a number made of a code) otherwise. A name may appear more than once; readers take any of its values.
#[derive(Debug, Clone, Default)]
pub struct FieldSet {
    entries: Vec<(Place, Place)>,
    text: Vec<u8>,
}

impl FieldSet {
    /// Forgets the fields and keeps the memory, unless one huge record made it huge.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.entries.shrink_to(MOST_KEPT);
        self.text.clear();
        self.text.shrink_to(16 * MOST_KEPT);
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds a field whose value is `range` of the record's bytes. Ranges past 4 GiB can't occur: records are shorter.
    pub fn push_raw(&mut self, name: &'static str, range: Range<usize>) {
        self.entries.push((Place::Known(name), Place::Raw(range.start as u32, range.end as u32)));
    }

    /// Adds a field whose value is not a range of the record's bytes: what `\` escapes or doubled quotes in these stand for. A search
    /// relies on it: a record without a `\` holds the letters between two quotes of any value.
    pub fn push_derived(&mut self, name: &'static str, value: &[u8]) {
        let value = self.keep(value);
        self.entries.push((Place::Known(name), value));
    }

    /// Adds a field with a name that the record or its header states; the value is `range` of the record's bytes.
    pub fn push_named_raw(&mut self, name: &str, range: Range<usize>) {
        let name = self.keep(name.as_bytes());
        self.entries.push((name, Place::Raw(range.start as u32, range.end as u32)));
    }

    /// Adds a field with a name that the record or its header states and a value that is not a range of its bytes.
    pub fn push_named_derived(&mut self, name: &str, value: &[u8]) {
        let name = self.keep(name.as_bytes());
        let value = self.keep(value);
        self.entries.push((name, value));
    }

    /// Drops all fields from number `len` on.
    pub fn truncate(&mut self, len: usize) {
        self.entries.truncate(len);
    }

    /// The fields together with the bytes of the record they were cut from.
    pub fn of<'a>(&'a self, raw: &'a [u8]) -> Fields<'a> {
        Fields { set: self, raw }
    }

    /// The values whose words are not words of the record itself, for the index to take up: derived ones, and those that
    /// begin or end in the midst of a run of letters, digits and `_`.
    pub fn values_of_their_own<'a>(&'a self, raw: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let is_word = |at: usize| raw.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        self.entries.iter().filter_map(move |(_, value)| match *value {
            Place::Text(start, end) => self.text.get(start as usize..end as usize),
            Place::Raw(start, end) => {
                let (start, end) = (start as usize, end as usize);
                let cuts = |at: usize| at > 0 && is_word(at - 1) && is_word(at);
                if start < end && (cuts(start) || cuts(end)) { raw.get(start..end) } else { None }
            }
            Place::Known(_) => None,
        })
    }

    fn keep(&mut self, bytes: &[u8]) -> Place {
        let start = self.text.len() as u32;
        self.text.extend_from_slice(bytes);
        Place::Text(start, self.text.len() as u32)
    }
}

/// A [`FieldSet`] with the bytes it refers to.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    set: &'a FieldSet,
    raw: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Names and values in order of appearance.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'a> {
        let this = *self;
        this.set.entries.iter().map(move |(name, value)| (this.name(*name), this.bytes(*value)))
    }

    /// Names, values and where these stand in the record's bytes, if they do, in order of appearance.
    pub fn places(&self) -> impl Iterator<Item = (&'a str, Option<Range<usize>>, &'a [u8])> + use<'a> {
        let this = *self;
        this.set.entries.iter().map(move |(name, value)| {
            let range = match *value {
                Place::Raw(start, end) if start <= end => Some(start as usize..end as usize),
                _ => None,
            };
            (this.name(*name), range, this.bytes(*value))
        })
    }

    /// The values of a canonical name, in order of appearance.
    pub fn all<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        let this = *self;
        let is_named = move |(other, _): &&(Place, Place)| this.bytes(*other) == name.as_bytes();
        this.set.entries.iter().filter(is_named).map(move |(_, value)| this.bytes(*value))
    }

    /// The first value of a canonical name.
    pub fn first(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// The range of the record's bytes that the first value of `name` is, or `None` where it is derived or absent.
    pub fn raw_range(&self, name: &str) -> Option<Range<usize>> {
        self.set.entries.iter().find(|(other, _)| self.name(*other) == name).and_then(|(_, value)| match *value {
            Place::Raw(start, end) => Some(start as usize..end as usize),
            _ => None,
        })
    }

    fn name(&self, place: Place) -> &'a str {
        match place {
            Place::Known(name) => name,
            _ => std::str::from_utf8(self.bytes(place)).unwrap_or_default(),
        }
    }

    fn bytes(&self, place: Place) -> &'a [u8] {
        match place {
            Place::Raw(start, end) => self.raw.get(start as usize..end as usize).unwrap_or_default(),
            Place::Text(start, end) => self.set.text.get(start as usize..end as usize).unwrap_or_default(),
            Place::Known(name) => name.as_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_views_or_derived_and_a_name_may_repeat() {
        let raw = b"a=1 a=2";
        let mut set = FieldSet::default();
        set.push_named_raw("a", 2..3);
        set.push_named_raw("a", 6..7);
        set.push_derived("level", b"info");
        let fields = set.of(raw);
        assert_eq!(fields.all("a").collect::<Vec<_>>(), [b"1", b"2"]);
        assert_eq!(fields.first("level"), Some(&b"info"[..]));
        assert_eq!(fields.raw_range("a"), Some(2..3));
        assert_eq!(fields.raw_range("level"), None);
        assert_eq!(set.values_of_their_own(raw).collect::<Vec<_>>(), [b"info"]);
        let mut set = FieldSet::default();
        set.push_raw("inner", 0..2);
        set.push_raw("whole", 4..6);
        assert_eq!(set.values_of_their_own(b"abc de").collect::<Vec<_>>(), [b"ab"], "cut out of a word");
        set.clear();
        assert!(set.is_empty());
    }

    #[test]
    fn a_range_beyond_the_record_is_empty_not_a_panic() {
        let mut set = FieldSet::default();
        set.push_raw("message", 5..90);
        assert_eq!(set.of(b"short").first("message"), Some(&b""[..]));
    }
}
