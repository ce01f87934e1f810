//! Columns that mostly follow from the lines: times from the time stamps in them, templates from how they were cut.
//!
//! Only what does not follow is kept: of a time its distance from the stamp (a zone, a missing year: the same for thousands of
//! records), of a template where it is not the usual one of records that were cut alike. Each column begins with a byte that
//! says how it is kept.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::archive::column;
use crate::archive::lines::{MOST_STAMPS, Outline};

/// The values as they are.
const PLAIN: u8 = 0;
/// Times as distances from the first, second, third stamp of the record: this plus 0, 1, 2.
const FROM_STAMP: u8 = 1;
/// Template ids where they are not the usual ones: in the order of the rows (version 2), in that of how they were cut (version 3), and
/// so with a sign for those that no row before had.
const UNUSUAL: u8 = 1;
const UNUSUAL_IN_ORDER: u8 = 2;
const UNUSUAL_OR_NEW: u8 = 3;
/// The usual template; one that no row before had; added to all others.
const USUAL: i64 = 0;
const NEW: i64 = 1;
const KNOWN: i64 = 2;
/// Bit of the mode of a column whose values stand in the order of how the rows were cut.
const IN_ORDER: u8 = 1 << 4;

/// The forms in which a column of small numbers may be kept: as they are, and in the order of how records were cut, where those
/// that are alike come to lie together. The caller takes the one that compresses best.
pub fn by_cut(values: &[i64], outline: Option<&Outline>) -> Vec<Vec<u8>> {
    let mut forms = vec![column::encode(values)];
    if let Some(outline) = outline.filter(|outline| outline.templates.len() == values.len()) {
        let mut sorted = column::encode(&in_order(values, &keys(outline)));
        sorted.iter_mut().take(1).for_each(|mode| *mode |= IN_ORDER);
        forms.push(sorted);
    }
    forms
}

/// Whether the values of these bytes stand in the order of how records were cut.
pub fn is_by_cut(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|mode| mode & IN_ORDER != 0)
}

/// The values of exactly `rows` rows from one of the forms; `cuts` says how each was cut.
pub fn of_cut(bytes: &[u8], rows: usize, cuts: Option<&[u64]>) -> Option<Vec<i64>> {
    if !is_by_cut(bytes) {
        return column::decode(bytes, rows);
    }
    let mut column = bytes.to_vec();
    column.iter_mut().take(1).for_each(|mode| *mode &= !IN_ORDER);
    column::by_row(&column::decode(&column, rows)?, cuts?)
}

fn keys(outline: &Outline) -> Vec<u64> {
    outline.templates.iter().map(|cut| u64::from(*cut)).collect()
}

/// Values by key, rows of the same key in the order in which they stand; [`column::by_row`] is the opposite.
fn in_order(values: &[i64], keys: &[u64]) -> Vec<i64> {
    column::places(keys).into_iter().filter_map(|place| values.get(place as usize).copied()).collect()
}

/// The forms in which times may be kept; the caller takes the one that compresses best.
pub fn times(times: &[i64], outline: Option<&Outline>) -> Vec<Vec<u8>> {
    let mut forms = vec![with(PLAIN, &column::encode(times))];
    let Some(outline) = outline else { return forms };
    // The stamp whose distance changes least often is the one the times were read from.
    let best = (0..MOST_STAMPS)
        .filter_map(|nth| {
            let stamps = outline.stamps.get(nth).filter(|stamps| stamps.iter().any(Option::is_some))?;
            let distances = distances(times, stamps);
            let changes = distances.iter().zip(distances.iter().skip(1)).filter(|(one, next)| one != next).count();
            Some((changes, nth, distances))
        })
        .min_by_key(|(changes, nth, _)| (*changes, *nth));
    if let Some((_, nth, distances)) = best {
        forms.push(with(FROM_STAMP + nth as u8, &column::encode(&distances)));
    }
    forms
}

/// The times of exactly `rows` rows from one of the forms.
pub fn times_of(bytes: &[u8], rows: usize, outline: Option<&Outline>) -> Option<Vec<i64>> {
    let (form, column) = bytes.split_first()?;
    let mut values = column::decode(column, rows)?;
    if *form == PLAIN {
        return Some(values);
    }
    let outline = outline?;
    let stamps = outline.stamps.get(usize::from(form - FROM_STAMP)).filter(|stamps| stamps.len() == rows)?;
    let mut before = 0;
    for (value, stamp) in values.iter_mut().zip(stamps) {
        before = stamp.unwrap_or(before).wrapping_add(*value);
        *value = before;
    }
    Some(values)
}

/// Distance of each time from its stamp; of a record without one, from the time before.
fn distances(times: &[i64], stamps: &[Option<i64>]) -> Vec<i64> {
    let mut before = 0;
    let mut distance = |(time, stamp): (&i64, &Option<i64>)| {
        let distance = time.wrapping_sub(stamp.unwrap_or(before));
        before = *time;
        distance
    };
    times.iter().zip(stamps).map(&mut distance).collect()
}

/// The usual template of records that were cut alike, by the number of the cut, over all groups of a stripe.
pub fn usual_templates<'a>(groups: impl Iterator<Item = (&'a Outline, &'a [i64])>) -> Vec<i64> {
    let mut counts: HashMap<(u32, i64), u32> = HashMap::new();
    for (outline, ids) in groups {
        for (cut, id) in outline.templates.iter().zip(ids) {
            *counts.entry((*cut, *id)).or_default() += 1;
        }
    }
    // By number, so that of two as usual as each other the same one is taken always.
    let counts: BTreeMap<(u32, i64), u32> = counts.into_iter().collect();
    let mut usual: Vec<(i64, u32)> = Vec::new();
    for ((cut, id), count) in counts {
        let cut = cut as usize;
        if usual.len() <= cut {
            usual.resize(cut + 1, (0, 0));
        }
        match usual.get_mut(cut) {
            Some(known) if known.1 < count => *known = (id, count),
            _ => {}
        }
    }
    usual.into_iter().map(|(id, _)| id).collect()
}

/// Template ids as they are.
pub fn plain_template_ids(ids: &[i64]) -> Vec<u8> {
    with(PLAIN, &column::encode(ids))
}

/// Template ids where they are not the usual ones, in the order of how records were cut.
pub fn unusual_template_ids(ids: &[i64], outline: &Outline, usual: &[i64]) -> Vec<u8> {
    let unusual = |(cut, id): (&u32, &i64)| if usual.get(*cut as usize) == Some(id) { 0 } else { id + 1 };
    let rest: Vec<i64> = outline.templates.iter().zip(ids).map(unusual).collect();
    with(UNUSUAL_IN_ORDER, &column::encode(&in_order(&rest, &keys(outline))))
}

/// The same with a sign for those that no row before had, which is smaller where few rows that were cut alike have a new one. `next` is
/// one beyond the ids of all rows before, and made that for the rows that follow.
pub fn new_template_ids(ids: &[i64], outline: &Outline, usual: &[i64], next: &mut i64) -> Vec<u8> {
    let mut bytes = vec![UNUSUAL_OR_NEW];
    column::write_varint(&mut bytes, next.unsigned_abs());
    let mut told = |(cut, id): (&u32, &i64)| {
        let is_new = *id == *next;
        *next = (*next).max(id + 1);
        match usual.get(*cut as usize) {
            Some(usual) if usual == id => USUAL,
            _ if is_new => NEW,
            _ => id + KNOWN,
        }
    };
    let told: Vec<i64> = outline.templates.iter().zip(ids).map(&mut told).collect();
    bytes.extend_from_slice(&column::encode(&in_order(&told, &keys(outline))));
    bytes
}

/// Whether the template ids of these bytes follow from the usual ones.
pub fn needs_usual(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|form| *form != PLAIN)
}

/// The template ids of exactly `rows` rows from one of the forms.
pub fn template_ids_of(bytes: &[u8], rows: usize, outline: Option<&Outline>, usual: &[i64]) -> Option<Vec<i64>> {
    let (form, rest) = bytes.split_first()?;
    if *form == PLAIN {
        return column::decode(rest, rows);
    }
    let (next, rest) = if *form == UNUSUAL_OR_NEW { column::read_varint(rest)? } else { (0, rest) };
    let values = column::decode(rest, rows)?;
    let outline = outline?;
    if outline.templates.len() != rows {
        return None;
    }
    let mut values = match *form {
        UNUSUAL => values,
        UNUSUAL_IN_ORDER | UNUSUAL_OR_NEW => column::by_row(&values, &outline.templates)?,
        _ => return None,
    };
    let mut next = i64::try_from(next).ok()?;
    let known = if *form == UNUSUAL_OR_NEW { KNOWN } else { KNOWN - 1 };
    for (value, cut) in values.iter_mut().zip(&outline.templates) {
        *value = match *value {
            USUAL => *usual.get(*cut as usize)?,
            NEW if *form == UNUSUAL_OR_NEW => next,
            told => told.checked_sub(known)?,
        };
        next = next.max(value.checked_add(1)?);
    }
    Some(values)
}

/// Which of the stamps of a record the times of these bytes follow from, if from any.
pub fn stamp_of(bytes: &[u8]) -> Option<usize> {
    bytes.first()?.checked_sub(FROM_STAMP).map(usize::from)
}

fn with(form: u8, column: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(column.len() + 1);
    bytes.push(form);
    bytes.extend_from_slice(column);
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn outlines(rows: usize) -> impl Strategy<Value = Outline> {
        let stamps = || proptest::collection::vec(proptest::option::of(any::<i64>()), rows);
        (proptest::collection::vec(0u32..5, rows), stamps(), stamps(), stamps())
            .prop_map(|(templates, a, b, c)| Outline { templates, stamps: [a, b, c] })
    }

    proptest! {
        #[test]
        fn every_form_gives_back_the_values(
            values in proptest::collection::vec(any::<i64>(), 30),
            ids in proptest::collection::vec(0i64..7, 30),
            outline in outlines(30),
            mut next in 0i64..9,
        ) {
            for form in times(&values, Some(&outline)) {
                prop_assert_eq!(times_of(&form, 30, Some(&outline)), Some(values.clone()));
            }
            let usual = usual_templates(std::iter::once((&outline, &ids[..])));
            let new = new_template_ids(&ids, &outline, &usual, &mut next);
            for form in [plain_template_ids(&ids), unusual_template_ids(&ids, &outline, &usual), new] {
                prop_assert_eq!(template_ids_of(&form, 30, Some(&outline), &usual), Some(ids.clone()));
            }
        }

        #[test]
        fn any_bytes_are_a_column_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..60), outline in outlines(3)) {
            let _ = times_of(&bytes, 3, Some(&outline));
            let _ = template_ids_of(&bytes, 3, Some(&outline), &[1]);
        }
    }

    #[test]
    fn times_that_are_stamps_of_another_zone_take_a_few_bytes() {
        let stamps: Vec<i64> = (0..8_192).map(|row| (row * row % 977) * 1_000_000).collect();
        let zone = 7_200_000_000_000;
        let values: Vec<i64> = stamps.iter().map(|stamp| stamp + zone).collect();
        let stamps = stamps.into_iter().map(Some).collect();
        let outline = Outline { templates: vec![0; 8_192], stamps: [stamps, vec![None; 8_192], vec![None; 8_192]] };
        assert!(times(&values, Some(&outline)).iter().any(|form| form.len() < 20));
    }
}
