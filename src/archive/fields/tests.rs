//! Whatever is said of where fields stand, what is read from there is what was noted; and no bytes are too strange to be read.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use proptest::prelude::*;

use super::{Edge, FieldMap, Noted, Pieces, Value, learn};
use crate::archive::lines::{EncodedLines, Stripe, encode_noting};
use crate::archive::values::ValueColumn;
use crate::model::FieldSet;

const NAMES: [&str; 4] = ["user", "code", "rest", "none"];

/// Records with the fields that were noted of them.
#[derive(Debug, Default)]
struct Records {
    raw: Vec<u8>,
    lengths: Vec<u32>,
    layouts: Vec<u32>,
    noted: Noted,
    /// The values of each name in each record.
    values: Vec<Vec<Vec<Vec<u8>>>>,
}

impl Records {
    /// Adds a record with named ranges, or texts of their own.
    fn push(&mut self, line: &str, layout: u32, fields: &[(&str, Result<std::ops::Range<usize>, &str>)]) {
        let mut set = FieldSet::default();
        for (name, value) in fields {
            match value {
                Ok(range) => set.push_named_raw(name, range.clone()),
                Err(text) => set.push_named_derived(name, text.as_bytes()),
            }
        }
        let raw = line.as_bytes();
        self.noted.push(raw, Some(set.of(raw)));
        let of = |name: &&str| set.of(raw).all(name).map(<[u8]>::to_vec).collect();
        self.values.push(NAMES.iter().map(of).collect());
        self.raw.extend_from_slice(raw);
        self.lengths.push(raw.len() as u32);
        self.layouts.push(layout);
    }

    /// Encodes them as two chunks and learns where the fields stand.
    fn learn(&self) -> Option<(EncodedLines, [usize; 2], FieldMap)> {
        let rows = self.lengths.len();
        let cuts = [rows / 2, rows];
        let mut pieces = Pieces::default();
        let stripe = encode_noting(&self.raw, &self.lengths, &cuts, 3, Some(&mut pieces)).unwrap()?;
        let map = learn(&self.noted, 7, &self.layouts, &self.raw, &self.lengths, &pieces, super::LEAST);
        Some((stripe, cuts, map))
    }

    /// Reads the fields of both chunks and compares; how many values of how many were read.
    fn compare(&self, stripe: &EncodedLines, cuts: [usize; 2], map: &FieldMap) -> (usize, usize) {
        let (mut read, mut all) = (0, 0);
        for (chunk, rows) in stripe.chunks.iter().zip([0..cuts[0], cuts[0]..cuts[1]]) {
            let columns = self.columns(stripe, chunk, rows.clone(), map).unwrap();
            for (at, row) in rows.enumerate() {
                for (name, column) in columns.iter().enumerate() {
                    all += 1;
                    let Some(column) = column.as_ref().filter(|column| column.is_known(at)) else { continue };
                    read += 1;
                    let values: Vec<&[u8]> = column.values(column.id(at)).collect();
                    assert_eq!(values, self.values[row][name], "{} of row {row}", NAMES[name]);
                }
            }
        }
        (read, all)
    }

    fn columns(
        &self,
        stripe: &EncodedLines,
        chunk: &[u8],
        rows: std::ops::Range<usize>,
        map: &FieldMap,
    ) -> Option<Vec<Option<ValueColumn>>> {
        let opened = Stripe::open(&stripe.shared, self.raw.len() as u64).unwrap();
        let raw: u64 = self.lengths[rows.clone()].iter().map(|length| u64::from(*length)).sum();
        opened.values(chunk, raw, &self.layouts[rows.clone()], rows.start as u32, map, &NAMES).ok()
    }
}

/// Records of two kinds; `odd` says of which rows something is otherwise.
fn service(rows: usize, odd: impl Fn(usize) -> bool) -> Records {
    let mut records = Records::default();
    for row in 0..rows {
        let user = if row % 251 == 5 { "-".to_owned() } else { format!("u{}", row * 7 % 40) };
        let line = format!("user {user} got {} from /a/b{}?q={} in \"{} x\"\n", row * 31 % 600, row % 9, row, row % 5);
        let at = |text: &str| line.find(text).unwrap();
        let code = at("got ") + 4..at(" from");
        let path = at("/b") + 1..at("?q");
        let mut fields = vec![("code", Ok(code)), ("rest", Ok(path)), ("rest", Err("always"))];
        if user != "-" {
            fields.push(("user", Ok(5..5 + user.len())));
        }
        if odd(row) {
            fields[0] = ("code", Ok(0..4));
        }
        records.push(&line, (row % 2) as u32, &fields);
    }
    records
}

#[test]
fn values_stand_in_variables_in_parts_of_them_or_nowhere_and_a_dash_is_none() {
    let records = service(2_000, |_| false);
    let (stripe, cuts, map) = records.learn().unwrap();
    let (read, all) = records.compare(&stripe, cuts, &map);
    assert_eq!(read, all, "all of it is told: {map:?}");
    let fields = || map.cuts.iter().flat_map(|cut| &cut.fields);
    assert!(fields().any(|field| field.dash), "{map:?}");
    let within = |value: &Value| matches!(value, Value::Span(Edge::Within { byte: b'/', .. }, _));
    assert!(fields().filter_map(|field| field.values.as_ref()).flatten().any(within), "{map:?}");
}

#[test]
fn few_records_that_are_otherwise_are_named_and_many_put_the_field_out() {
    let few = service(2_000, |row| row % 500 == 3);
    let (stripe, cuts, map) = few.learn().unwrap();
    assert_eq!(map.except, [3, 503, 1_003, 1_503]);
    let (read, all) = few.compare(&stripe, cuts, &map);
    // Of such a record nothing is read but that it has no field "none".
    assert_eq!(read, all - 3 * map.except.len());
    let many = service(2_000, |row| row % 20 == 3);
    let (stripe, cuts, map) = many.learn().unwrap();
    let (read, all) = many.compare(&stripe, cuts, &map);
    assert!(read < all && read > all / 2, "{read} of {all}");
    let codes = map.of("code").filter_map(|(.., field)| field);
    assert!(codes.into_iter().any(|field| field.values.is_none()), "{map:?}");
}

#[test]
fn a_map_comes_back_from_its_bytes() {
    let records = service(2_000, |row| row % 500 == 3);
    let (_, _, map) = records.learn().unwrap();
    let again = FieldMap::decode(&map.encode()).unwrap();
    assert_eq!(again.encode(), map.encode());
    assert_eq!((again.revision, &again.except, again.cuts.len()), (7, &map.except, map.cuts.len()));
    for name in NAMES {
        assert_eq!(again.may_be_elsewhere(name), map.may_be_elsewhere(name), "{name}");
        let values = |map: &FieldMap| -> Vec<_> {
            map.of(name).map(|(cut, layout, field)| (cut, layout, field.map(|f| (f.values.clone(), f.dash)))).collect()
        };
        assert_eq!(values(&again), values(&map), "{name}");
    }
}

#[test]
fn records_that_nobody_cut_are_unknown() {
    let mut records = service(1_000, |_| false);
    let line = "user ann got 5 from /a/b1?q=1 in \"1 x\"\n";
    for _ in 0..40 {
        records.push(line, 9, &[]);
    }
    let mut noted = Noted::default();
    for (row, length) in records.lengths.iter().enumerate() {
        let raw = vec![b'x'; *length as usize];
        noted.push(&raw, (row < 1_000).then(FieldSet::default).as_ref().map(|set| set.of(b"")));
    }
    records.noted = noted;
    records.values.iter_mut().for_each(|row| row.iter_mut().for_each(Vec::clear));
    let (stripe, cuts, map) = records.learn().unwrap();
    let (read, all) = records.compare(&stripe, cuts, &map);
    assert_eq!(all - read, 40 * NAMES.len());
}

proptest! {
    /// Lines of a few words, fields anywhere in them: mostly by one rule, now and then anywhere.
    #[test]
    fn what_is_read_is_what_was_noted(
        rows in proptest::collection::vec(
            (0usize..3, "[a-c]{0,2}|-|[0-9]{1,3}|[a-b]/[0-9]/x", "[0-9]{1,2}|-|a b|\"q\"", 0usize..3_000, 0usize..40, 0usize..40, 0u32..2),
            40..900,
        ),
        // Where few records are otherwise they are named, where many are nothing is said.
        (rules, kinds) in prop_oneof![Just((12usize, 3usize)), Just((3_000, 1))],
    ) {
        let mut records = Records::default();
        for (kind, one, two, rule, from, to, layout) in rows {
            // One cut has most of them where there is one kind: of two hundred records one may be otherwise.
            let (one, two) = if kinds == 1 { (format!("u{from}"), to.to_string()) } else { (one, two) };
            let line = match kind % kinds {
                0 => format!("{one} is in {two}\n"),
                1 => format!("[{two}] \"{one}\" {one}{two}\n"),
                _ => format!("2026-11-20 10:00:0{} {one}={two}\n", from % 10),
            };
            let place = |text: &str| line.rfind(text).map(|at| at..at + text.len()).unwrap_or(0..0);
            let mut fields = vec![("user", Ok(place(&one))), ("code", Ok(place(&two))), ("rest", Ok(2..line.len() - 1))];
            match rule % rules {
                0 => fields[0].1 = Ok(from.min(to).min(line.len())..from.max(to).min(line.len())),
                1 => fields.swap(0, 1),
                2 => fields.push(("user", Ok(0..1))),
                3 => fields[2].1 = Err("own"),
                4 | 5 if two == "-" => drop(fields.remove(1)),
                6 => drop(fields.pop()),
                7 => fields[1].1 = Ok(from..to),
                _ => {}
            }
            records.push(&line, layout % kinds as u32, &fields);
        }
        if let Some((stripe, cuts, map)) = records.learn() {
            records.compare(&stripe, cuts, &map);
            let again = FieldMap::decode(&map.encode()).unwrap();
            records.compare(&stripe, cuts, &again);
        }
    }

    #[test]
    fn damaged_maps_are_refused_or_read_without_a_panic(
        changes in proptest::collection::vec((0usize..4_000, any::<u8>()), 1..4),
        cut in 0usize..4_000,
    ) {
        let records = service(300, |row| row == 7);
        let (stripe, cuts, map) = records.learn().unwrap();
        let mut bytes = map.encode();
        for (at, byte) in changes {
            let len = bytes.len();
            bytes[at % len] ^= byte;
        }
        let _ = FieldMap::decode(&bytes[..cut % bytes.len()]);
        if let Some(map) = FieldMap::decode(&bytes) {
            let _ = records.columns(&stripe, &stripe.chunks[0], 0..cuts[0], &map);
        }
    }
}
