//! Templates as edits of the first record that has them: what was kept of it, and what stands in for the rest.
//!
//! A template is mostly words of its record. Told from it, it costs a few bytes instead of its text, and templates that differ
//! in a word differ in a step. The price is that those records must be read first, so only the highest effort does so.

use std::collections::BTreeMap;

use crate::archive::column::{read_varint, write_varint};

/// The template is over; what is left of the record does not belong to it.
const END: u8 = 0;
/// The next token of the record is kept.
const COPY: u8 = 1;
/// The next token of the record is left out.
const DROP: u8 = 2;
/// The next byte of the record is left out; what follows in its token is one by itself.
const DROP_BYTE: u8 = 3;
/// Varint length and bytes that are not in the record.
const TEXT: u8 = 4;
/// This and above: a text of the list.
const KNOWN: u8 = 5;
/// Most texts of the list.
const MOST_KNOWN: usize = 250;

/// Steps of comparing that a stripe may take; one of more varied templates keeps their text.
const MOST_STEPS: usize = 1 << 28;
/// Steps of one template: a byte of memory each.
const MOST_STEPS_OF_ONE: usize = 1 << 23;

/// Bytes that templates may have beyond those of their records.
const ROOM: usize = 1 << 20;

/// What a step costs, in eighths of a bit or so: what is predicted well is cheap.
const COST: Costs = Costs { copy: 1, drop: 3, drop_byte: 12, insert: 16, byte: 8 };

struct Costs {
    copy: u32,
    drop: u32,
    drop_byte: u32,
    insert: u32,
    byte: u32,
}

/// Words and single other bytes, in order.
fn tokens(text: &[u8]) -> Vec<&[u8]> {
    let (mut tokens, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let (token, after) = rest.split_at(token_len(rest));
        tokens.push(token);
        rest = after;
    }
    tokens
}

/// Length of the token that a text begins with: a run of letters, digits, `_` and bytes beyond ASCII, or one other byte.
fn token_len(text: &[u8]) -> usize {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
    text.iter().position(|byte| !is_word(byte)).unwrap_or(text.len()).max(1).min(text.len())
}

/// Pieces of a template: as [`tokens`], and `<name>`, which stands in for something, in one.
fn pieces(text: &[u8]) -> Vec<&[u8]> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.first() {
        let name = rest.get(1..).unwrap_or_default().iter().position(|byte| !byte.is_ascii_lowercase()).unwrap_or(0);
        let stands_in = *first == b'<' && name > 0 && rest.get(name + 1) == Some(&b'>');
        let (piece, after) = rest.split_at(if stands_in { name + 2 } else { token_len(rest) });
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// A step from a record to its template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Copy,
    Drop,
    DropByte,
    Insert,
}

/// The cheapest way from the tokens of a record to the pieces of its template; `None` where it would take too long to find.
fn way(from: &[&[u8]], to: &[&[u8]]) -> Option<Vec<Step>> {
    let width = from.len() + 1;
    let cells = width.checked_mul(to.len() + 1).filter(|cells| *cells <= MOST_STEPS_OF_ONE)?;
    // The last step to each place; of costs only those of one piece are kept.
    let mut last = Vec::with_capacity(cells);
    let mut costs: Vec<u32> = (0..width as u32).map(|drops| drops.saturating_mul(COST.drop)).collect();
    last.resize(width, Step::Drop);
    for piece in to {
        let stands_in = piece.len() > 1 && piece.starts_with(b"<");
        let insert = COST.insert + if stands_in { 0 } else { COST.byte.saturating_mul(piece.len() as u32) };
        let mut diagonal = u32::MAX;
        let mut left = u32::MAX;
        for (place, cost) in costs.iter_mut().enumerate() {
            let token = place.checked_sub(1).and_then(|place| from.get(place)).copied().unwrap_or_default();
            let mut best = (left.saturating_add(COST.drop), Step::Drop);
            if token == *piece && diagonal.saturating_add(COST.copy) < best.0 {
                best = (diagonal.saturating_add(COST.copy), Step::Copy);
            } else if token.get(1..) == Some(*piece) && diagonal.saturating_add(COST.drop_byte) < best.0 {
                best = (diagonal.saturating_add(COST.drop_byte), Step::DropByte);
            }
            if cost.saturating_add(insert) < best.0 {
                best = (cost.saturating_add(insert), Step::Insert);
            }
            (diagonal, *cost, left) = (*cost, best.0, best.0);
            last.push(best.1);
        }
    }
    // Whatever the record has behind the last piece is left out by the end.
    let (mut place, _) = costs.iter().enumerate().min_by_key(|(_, cost)| **cost)?;
    let (mut piece, mut steps) = (to.len(), Vec::with_capacity(from.len() + to.len()));
    while piece > 0 || place > 0 {
        let step = *last.get(piece * width + place)?;
        steps.push(step);
        piece -= usize::from(step != Step::Drop);
        place -= usize::from(step != Step::Insert);
    }
    steps.reverse();
    Some(steps)
}

/// The way from a record to its template, and the texts that it inserts.
struct Way<'a> {
    steps: Vec<Step>,
    texts: Vec<&'a [u8]>,
}

impl<'a> Way<'a> {
    /// Texts that follow one another are one.
    fn of(record: &[u8], template: &'a [u8], budget: &mut usize) -> Option<Way<'a>> {
        let (from, to) = (tokens(record), pieces(template));
        *budget = budget.checked_sub((from.len() + 1).checked_mul(to.len() + 1)?)?;
        let (mut steps, mut texts) = (Vec::new(), Vec::new());
        let (mut at, mut inserts_from) = (0, None);
        let mut to = to.into_iter();
        for step in way(&from, to.as_slice())? {
            let start = at;
            if step != Step::Drop {
                at += to.next().map_or(0, <[u8]>::len);
            }
            match (step, inserts_from) {
                (Step::Insert, Some(_)) => {}
                (Step::Insert, None) => {
                    steps.push(step);
                    inserts_from = Some(start);
                }
                (_, known) => {
                    if let Some(from) = known {
                        texts.push(template.get(from..start)?);
                        inserts_from = None;
                    }
                    steps.push(step);
                }
            }
        }
        if let Some(from) = inserts_from {
            texts.push(template.get(from..)?);
        }
        Some(Way { steps, texts })
    }
}

/// Tells each template from its record; `None` where that would take too long or gives not exactly these templates.
pub fn encode(templates: &[String], records: &[&[u8]]) -> Option<Vec<u8>> {
    if templates.len() != records.len() {
        return None;
    }
    let mut budget = MOST_STEPS;
    let mut ways = Vec::with_capacity(templates.len());
    for (template, record) in templates.iter().zip(records) {
        ways.push(Way::of(record, template.as_bytes(), &mut budget)?);
    }
    let mut counts: BTreeMap<&[u8], usize> = BTreeMap::new();
    ways.iter().flat_map(|way| &way.texts).for_each(|text| *counts.entry(text).or_default() += 1);
    let mut known: Vec<(&[u8], usize)> = counts.into_iter().filter(|(_, count)| *count > 1).collect();
    known.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    known.truncate(MOST_KNOWN);
    let mut bytes = Vec::new();
    write_varint(&mut bytes, known.len() as u64);
    known.iter().for_each(|(text, _)| write_text(&mut bytes, text));
    let known: BTreeMap<&[u8], u8> = known.iter().zip(KNOWN..).map(|((text, _), number)| (*text, number)).collect();
    for Way { steps, texts } in &ways {
        let mut texts = texts.iter();
        for step in steps {
            match step {
                Step::Copy => bytes.push(COPY),
                Step::Drop => bytes.push(DROP),
                Step::DropByte => bytes.extend_from_slice(&[DROP_BYTE, COPY]),
                Step::Insert => {
                    let text = texts.next().copied().unwrap_or_default();
                    match known.get(text) {
                        Some(number) => bytes.push(*number),
                        None => {
                            bytes.push(TEXT);
                            write_text(&mut bytes, text);
                        }
                    }
                }
            }
        }
        bytes.push(END);
    }
    let told: Vec<Option<&[u8]>> = records.iter().map(|record| Some(*record)).collect();
    let back = decode(&bytes, &told)?;
    let same = |(template, back): (&String, &Option<String>)| back.as_ref() == Some(template);
    (back.len() == templates.len() && templates.iter().zip(&back).all(same)).then_some(bytes)
}

fn write_text(bytes: &mut Vec<u8>, text: &[u8]) {
    write_varint(bytes, text.len() as u64);
    bytes.extend_from_slice(text);
}

fn read_text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = read_varint(bytes)?;
    rest.split_at_checked(usize::try_from(len).ok()?)
}

/// The templates in order, each where its record could be read and is among `records`; `None` for bytes that are no edits of these.
/// What is given back takes at most as many bytes as the records, those of the edits, and a megabyte.
pub fn decode(bytes: &[u8], records: &[Option<&[u8]>]) -> Option<Vec<Option<String>>> {
    let (count, mut rest) = read_varint(bytes)?;
    let mut known = Vec::new();
    for _ in 0..usize::try_from(count).ok().filter(|count| *count <= MOST_KNOWN)? {
        let (text, after) = read_text(rest)?;
        known.push(text);
        rest = after;
    }
    let told = records.iter().map(|record| record.map_or(0, <[u8]>::len)).fold(0, usize::saturating_add);
    let mut room = told.saturating_add(bytes.len()).saturating_add(ROOM);
    let mut templates = Vec::with_capacity(records.len());
    while !rest.is_empty() {
        let record = records.get(templates.len()).copied().flatten();
        let (mut left, mut template) = (record.unwrap_or_default(), Vec::new());
        loop {
            let (step, after) = rest.split_first()?;
            rest = after;
            let text = match *step {
                END => break,
                COPY | DROP | DROP_BYTE if record.is_none() => continue,
                COPY | DROP => {
                    let (token, after) = left.split_at(token_len(left));
                    left = after;
                    if token.is_empty() {
                        return None;
                    }
                    if *step == COPY { token } else { &[] }
                }
                DROP_BYTE => {
                    left = left.get(1..)?;
                    &[]
                }
                TEXT => {
                    let (text, after) = read_text(rest)?;
                    rest = after;
                    text
                }
                number => known.get(usize::from(number - KNOWN)).copied()?,
            };
            room = room.checked_sub(text.len())?;
            template.extend_from_slice(text);
        }
        templates.push(match record {
            Some(_) => Some(String::from_utf8(template).ok()?),
            None => None,
        });
    }
    Some(templates)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RECORDS: [&str; 3] = [
        "2026-01-02 10:00:00 sshd[17]: session opened for user anna by (uid=0)",
        "2026-01-02 10:00:04 sshd[2218]: session closed for user anna",
        r#"{"message":"Image loaded:\n\tName: a.dll 'x'"}"#,
    ];
    const TEMPLATES: [&str; 3] =
        ["session opened for user <id> by (uid=<n>)", "session closed for user anna", "Image loaded: Name: a.dll 'x'"];

    fn edits() -> (Vec<u8>, Vec<Option<&'static [u8]>>) {
        let templates: Vec<String> = TEMPLATES.iter().map(|text| (*text).to_owned()).collect();
        let records: Vec<&[u8]> = RECORDS.iter().map(|text| text.as_bytes()).collect();
        (encode(&templates, &records).unwrap(), records.into_iter().map(Some).collect())
    }

    #[test]
    fn templates_come_back_from_their_records_in_few_bytes() {
        let (bytes, records) = edits();
        let back: Vec<String> = decode(&bytes, &records).unwrap().into_iter().map(Option::unwrap).collect();
        assert_eq!(back, TEMPLATES);
        assert!(bytes.len() < 120, "{} bytes", bytes.len());
        // What the record has is not told again, a word from its second letter on neither.
        for word in ["session", "anna", "Image", "Name"] {
            assert!(memchr::memmem::find(&bytes, word.as_bytes()).is_none(), "{word} is told again");
        }
    }

    #[test]
    fn a_record_that_cannot_be_read_costs_its_own_template_alone() {
        let (bytes, mut records) = edits();
        records[1] = None;
        let back = decode(&bytes, &records).unwrap();
        assert_eq!([&back[0], &back[2]], [&Some(TEMPLATES[0].to_owned()), &Some(TEMPLATES[2].to_owned())]);
        assert_eq!(back[1], None);
        assert_eq!(decode(&bytes, &records[..2]).unwrap(), [Some(TEMPLATES[0].to_owned()), None, None]);
    }

    proptest! {
        #[test]
        fn any_template_comes_back_from_any_record(
            pairs in proptest::collection::vec(
                prop_oneof![
                    (".{0,40}", proptest::collection::vec(any::<u8>(), 0..60)),
                    // Much of the template stands in the record, or all but the first letter of its words.
                    ("[ab<>n ]{0,30}", "[abcn<> ]{0,40}".prop_map(String::into_bytes)),
                    ("(kind|end|<n>| ){0,9}", "(tkind|kind|end|bend| ){0,12}".prop_map(String::into_bytes)),
                ],
                0..6,
            ),
        ) {
            let templates: Vec<String> = pairs.iter().map(|(template, _)| template.clone()).collect();
            let records: Vec<&[u8]> = pairs.iter().map(|(_, record)| &record[..]).collect();
            let bytes = encode(&templates, &records).unwrap();
            let records: Vec<Option<&[u8]>> = records.into_iter().map(Some).collect();
            let back: Vec<String> = decode(&bytes, &records).unwrap().into_iter().map(Option::unwrap).collect();
            prop_assert_eq!(back, templates);
        }

        #[test]
        fn any_bytes_are_edits_or_none(bytes in proptest::collection::vec(0u8..12, 0..80)) {
            // Shorter ones are at their end before the edits are.
            let records = [Some(b"a b".as_slice()), None, Some(RECORDS[0].as_bytes())];
            let _ = decode(&bytes, &records);
            let _ = decode(&bytes, &records[2..]);
        }
    }
}
