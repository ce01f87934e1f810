//! What is encoded comes back, in every form of column and for any bytes; damage is an error or nothing, never a panic.

use std::fmt::Write;

use proptest::prelude::*;

use super::forms::TableForm;
use super::*;

/// What [`encode`] was asked for, and what it gave, in one or more chunks.
struct Encoded {
    raw: Vec<u8>,
    lengths: Vec<u32>,
    cuts: Vec<usize>,
    stripe: EncodedLines,
}

/// Encodes without asking whether it pays, so that small fixtures reach every form of column.
fn stripe(records: &[Vec<u8>], quoted: bool, chunks: usize) -> Option<Encoded> {
    let raw = records.concat();
    let lengths: Vec<u32> = records.iter().map(|record| record.len() as u32).collect();
    let mut start = 0;
    let spans: Vec<Span> = lengths
        .iter()
        .map(|len| {
            start += len;
            Span { start: start - len, len: *len }
        })
        .collect();
    // Of different sizes, and some without a row.
    let cuts: Vec<usize> = (1..=chunks).map(|chunk| records.len() * chunk * chunk / chunks / chunks).collect();
    let mut compressors = Compressors::new(3).unwrap();
    let stripe = write::stripe(&raw, &spans, &cuts, quoted, &mut compressors).unwrap()?;
    Some(Encoded { raw, lengths, cuts, stripe })
}

/// Chunks with their rows and raw bytes.
fn chunks(encoded: &Encoded) -> Vec<(&[u8], std::ops::Range<usize>, u64)> {
    let mut from = 0;
    let mut chunk = |(chunk, to): (&'_ Vec<u8>, &usize)| {
        let rows = std::mem::replace(&mut from, *to)..*to;
        let size = encoded.lengths[rows.clone()].iter().map(|length| u64::from(*length)).sum();
        (rows, size, chunk.len())
    };
    let sizes: Vec<_> = encoded.stripe.chunks.iter().zip(&encoded.cuts).map(&mut chunk).collect();
    sizes.into_iter().zip(&encoded.stripe.chunks).map(|((rows, size, _), chunk)| (&chunk[..], rows, size)).collect()
}

#[track_caller]
fn comes_back(records: &[Vec<u8>]) {
    for (quoted, number) in [(false, 1), (true, 1), (false, 3)] {
        let Some(encoded) = stripe(records, quoted, number) else { continue };
        assert!(super::comes_back(&encoded.raw, &encoded.lengths, &encoded.cuts, &encoded.stripe, None));
        is_found_alike(records, &encoded, &texts_of(records, if records.len() > 1_000 { 8 } else { 40 }));
        let opened = Stripe::open(&encoded.stripe.shared, encoded.raw.len() as u64).unwrap();
        for (chunk, rows, size) in chunks(&encoded) {
            let count = rows.len() as u32;
            for row in rows.clone().step_by(records.len() / 20 + 1) {
                let at = (row - rows.start) as u32;
                let some = at..count.min(at + 3);
                // Of a stripe that has read nothing yet words of dictionaries are read one by one.
                let cold = Stripe::open(&encoded.stripe.shared, encoded.raw.len() as u64).unwrap();
                for stripe in [&opened, &cold] {
                    let read = stripe.decode_rows(chunk, count, size, some.clone()).unwrap();
                    assert_eq!(read.0, records[row..row + some.len()].concat());
                    assert_eq!(read.1, encoded.lengths[row..row + some.len()]);
                }
            }
            for step in [1, 2, 7, rows.len() + 1] {
                let wanted: Vec<u32> = (0..count).step_by(step).collect();
                let (bytes, lengths) = opened.decode_some(chunk, count, size, &wanted).unwrap();
                let is_wanted = |row: &usize| (row - rows.start).is_multiple_of(step);
                assert_eq!(
                    bytes,
                    rows.clone().filter(is_wanted).map(|row| &records[row][..]).collect::<Vec<_>>().concat()
                );
                let expected = rows.clone().map(|row| if is_wanted(&row) { encoded.lengths[row] } else { 0 });
                assert_eq!(lengths, expected.collect::<Vec<_>>());
            }
            assert!(opened.decode_rows(chunk, count, size, count..count + 1).is_err());
            assert!(opened.decode(chunk, count + 1, size).is_err());
            assert!(opened.decode(chunk, count, size + 1).is_err());
            assert_eq!(opened.outline(chunk, count, size, Outlined::ALL).unwrap().templates.len(), rows.len());
        }
    }
}

/// Records whose words take more than a piece of a frame, each of them in two records far from each other.
#[test]
fn words_of_long_dictionaries_are_read_one_by_one() {
    let mut state = 9u32;
    let words: Vec<String> = (0..6_000)
        .map(|word| {
            let mut letters = String::new();
            for _ in 0..24 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                letters.push(char::from(b'a' + (state >> 27) as u8 % 26));
            }
            format!("{letters}/{word}")
        })
        .collect();
    let record = |row: usize| format!("GET {} by {}\n", words[row % words.len()], words[row * 7 % words.len()]);
    let records: Vec<Vec<u8>> = (0..18_000).map(|row| record(row).into_bytes()).collect();
    let encoded = stripe(&records, false, 2).unwrap();
    for (chunk, rows, size) in chunks(&encoded) {
        let count = rows.len() as u32;
        for row in [0, 1, count / 2, count - 3] {
            let cold = Stripe::open(&encoded.stripe.shared, encoded.raw.len() as u64).unwrap();
            let first = rows.start + row as usize;
            for _ in ["some of it", "all of it"] {
                let read = cold.decode_rows(chunk, count, size, row..row + 3).unwrap();
                assert_eq!(read.0, records[first..first + 3].concat());
            }
        }
    }
}

/// Whether a record holds a text, and whether that hangs on a letter beyond ASCII next to it.
fn holds(record: &[u8], text: &[u8], edges: (bool, bool)) -> (bool, bool) {
    let line = record.strip_suffix(b"\n").unwrap_or(record);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (mut surely, mut perhaps) = (false, false);
    for (at, window) in line.windows(text.len()).enumerate() {
        if !window.eq_ignore_ascii_case(text) {
            continue;
        }
        let before = at.checked_sub(1).map(|before| line[before]).filter(|_| edges.0);
        let after = line.get(at + text.len()).copied().filter(|_| edges.1);
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let beside = || [before, after].into_iter().flatten();
        if !beside().any(is_word) {
            perhaps = true;
            surely |= beside().all(|byte| byte.is_ascii());
        }
    }
    (surely, perhaps)
}

/// Looks for texts in columns and in the records themselves; gives the number of records that were left open.
#[track_caller]
fn is_found_alike(records: &[Vec<u8>], encoded: &Encoded, texts: &[(Vec<u8>, (bool, bool))]) -> usize {
    let opened = Stripe::open(&encoded.stripe.shared, encoded.raw.len() as u64).unwrap();
    let mut left = 0;
    for (text, edges) in texts {
        let Some(needle) = Needle::new(text, *edges) else { continue };
        for (chunk, rows, size) in chunks(encoded) {
            let hits = opened.find(chunk, rows.len() as u32, size, std::slice::from_ref(&needle)).unwrap();
            for (at, row) in rows.enumerate() {
                let (surely, perhaps) = holds(&records[row], text, *edges);
                let found = hits[0].holds(at);
                left += usize::from(found.is_none());
                let place = || {
                    format!(
                        "{:?} {edges:?} in {:?}",
                        text.escape_ascii().to_string(),
                        records[row].escape_ascii().to_string()
                    )
                };
                assert!(!surely || found != Some(false), "missed {}", place());
                assert!(perhaps || found != Some(true), "imagined {}", place());
            }
        }
    }
    left
}

/// Texts cut out of records, in some other case, with and without edges.
fn texts_of(records: &[Vec<u8>], count: u64) -> Vec<(Vec<u8>, (bool, bool))> {
    let mut texts = Vec::new();
    for n in 0..count {
        let record = &records[scattered(n) as usize % records.len()];
        if record.is_empty() {
            continue;
        }
        let from = scattered(n + 1_000) as usize % record.len();
        let to = record.len().min(from + 1 + scattered(n + 2_000) as usize % [3, 9, 40, 300][n as usize % 4]);
        let mut text = record[from..to].to_vec();
        if n % 3 == 0 {
            text.make_ascii_uppercase();
        }
        texts.push((text, (n % 5 == 0, n % 7 == 0)));
    }
    texts
}

/// Decodes a stripe of one chunk in all ways; whatever it says is right, as long as it says it.
fn try_all(shared: &[u8], chunk: &[u8], rows: u32, size: u64) -> bool {
    let Ok(opened) = Stripe::open(shared, size) else { return false };
    let _ = opened.decode_rows(chunk, rows, size, rows / 2..rows);
    let _ = opened.outline(chunk, rows, size, Outlined::ALL);
    let _ = opened.decode_some(chunk, rows, size, &[0, 2]);
    let texts = [b"a".as_slice(), b"10", b"INFO opened", b"-0"];
    let needles: Vec<Needle> = texts.iter().filter_map(|text| Needle::new(text, (true, false))).collect();
    let _ = opened.find(chunk, rows, size, &needles);
    opened.decode(chunk, rows, size).is_ok()
}

/// Numbers without order, the same in every run.
fn scattered(n: u64) -> u64 {
    let mixed = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn lines(count: u64, mut each: impl FnMut(u64) -> String) -> Vec<Vec<u8>> {
    (0..count).map(|n| format!("{}\n", each(n)).into_bytes()).collect()
}

/// Records as a service writes them, of several templates.
fn service(count: u64) -> Vec<Vec<u8>> {
    lines(count, |n| {
        let clock = format!(
            "2026-11-20T{:02}:{:02}:{:02}.{:06}Z",
            n / 3600 % 24,
            n / 60 % 60,
            n % 60,
            scattered(n) % 1_000_000
        );
        let session = format!("{:016x}", scattered(n / 5));
        match scattered(n) % 4 {
            0 => format!("{clock} store[{}] INFO opened session {session} from 10.{}.3.{}", n % 7, n % 20, n % 250),
            1 => format!("{clock} store[{}] WARN slow read of \"/data/part-{:05}\" took {} ms", n % 7, n % 90, n * 3),
            2 => {
                format!("{clock} store[{}] INFO closed session {session} after {} bytes", n % 7, scattered(n) % 99_999)
            }
            _ => format!("{clock} cache[{}] INFO key=user:{} hit=true id={}", n % 3, n % 40, scattered(n)),
        }
    })
}

#[test]
fn lines_of_a_service_come_back_and_are_smaller_than_by_zstd() {
    let records = service(4_000);
    let raw = records.concat();
    let lengths: Vec<u32> = records.iter().map(|record| record.len() as u32).collect();
    let stripe = encode(&raw, &lengths, &[4_000], 3).unwrap().expect("columns pay on regular lines");
    assert!(stripe.len() * 3 < zstd::bulk::compress(&raw, 19).unwrap().len() * 2, "{} bytes", stripe.len());
    comes_back(&records);
}

#[test]
fn chunks_share_what_repeats() {
    let records = service(4_000);
    let (one, four) = (stripe(&records, false, 1).unwrap(), stripe(&records, false, 4).unwrap());
    let alone: usize = records.chunks(1_000).map(|part| stripe(part, false, 1).unwrap().stripe.len()).sum();
    assert!(four.stripe.len() < alone, "{} bytes together, {alone} each for itself", four.stripe.len());
    assert!(
        four.stripe.len() * 4 < one.stripe.len() * 5,
        "{} in chunks, {} whole",
        four.stripe.len(),
        one.stripe.len()
    );
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let records = service(2_000);
    let first = stripe(&records, false, 2).unwrap().stripe;
    for _ in 0..3 {
        assert_eq!(stripe(&records, false, 2).unwrap().stripe, first);
    }
}

#[test]
fn an_outline_tells_times_and_templates_without_lines() {
    let encoded = stripe(&service(600), false, 2).unwrap();
    let opened = Stripe::open(&encoded.stripe.shared, encoded.raw.len() as u64).unwrap();
    for (chunk, rows, size) in chunks(&encoded) {
        let outline = opened.outline(chunk, rows.len() as u32, size, Outlined::ALL).unwrap();
        let second = 1_000_000_000;
        let midnight = 1_795_132_800 * second;
        for (row, stamp) in rows.zip(&outline.stamps[0]) {
            assert_eq!(stamp.unwrap() / second * second, midnight + row as i64 * second, "row {row}");
        }
        assert!(outline.stamps[1].iter().all(Option::is_none));
        assert!(outline.templates.iter().max() < Some(&40));
    }
}

#[test]
fn texts_are_found_in_columns_wherever_they_begin_and_end() {
    let records = service(120);
    for (quoted, number) in [(false, 1), (true, 2)] {
        let encoded = stripe(&records, quoted, number).unwrap();
        for edges in [(false, false), (true, true)] {
            let mut texts = Vec::new();
            for record in records.iter().take(6) {
                let line = record.strip_suffix(b"\n").unwrap();
                for from in 0..line.len() {
                    texts.extend(
                        [1, 2, 5, 12, 31, 90].iter().map(|len| line[from..line.len().min(from + len)].to_vec()),
                    );
                }
            }
            texts.sort();
            texts.dedup();
            let texts: Vec<_> = texts.into_iter().map(|text| (text, edges)).collect();
            let left = is_found_alike(&records, &encoded, &texts);
            // Edges next to a time stamp are all that columns can't tell here.
            let most = if edges.0 { texts.len() * records.len() / 50 } else { 0 };
            assert!(left <= most, "{left} of {} records were left open", texts.len() * records.len());
        }
    }
}

/// Numbers of columns that are told by their range, and others.
#[test]
fn digits_are_found_in_numbers_of_any_range() {
    let record = |n: u64| {
        let m = scattered(n);
        let (small, wide, fixed, long) = (300 + m % 200, m % 1_000_000, m % 10_000, m >> 3);
        format!("took {small} ms for {wide} bytes of file {fixed:06} by {long} at 10:0{}\n", n % 10).into_bytes()
    };
    let records: Vec<Vec<u8>> = (0..2_000).map(record).collect();
    for number in [1, 3] {
        let encoded = stripe(&records, false, number).unwrap();
        let texts =
            ["404", "40", "4", "0", "00", "00404", "499", "500", "3 ms", "took 4", "9 bytes of file 00", "1234567"];
        for edges in [(false, false), (true, true), (true, false)] {
            let texts: Vec<_> = texts.iter().map(|text| (text.as_bytes().to_vec(), edges)).collect();
            assert_eq!(is_found_alike(&records, &encoded, &texts), 0, "all of it is told");
        }
    }
}

#[test]
fn every_form_of_column_comes_back() {
    let forms: &[(&str, &dyn Fn(u64) -> String)] = &[
        ("equal", &|_| "v7".to_owned()),
        ("integers", &|n| (n * n).to_string()),
        ("integers of 19 digits", &|n| (9_999_999_999_999_999_999u64 - scattered(n) % 1_000).to_string()),
        ("integers of more than 64 bits", &|n| format!("{}{}", scattered(n), scattered(n + 1))),
        ("zeros before", &|n| format!("{:06}", n * 7)),
        ("zeros before, any width", &|n| format!("{}{n}", "0".repeat(n as usize % 4))),
        ("words", &|n| ["red", "green7", "blue", ""][n as usize % 4].to_owned()),
        ("hex", &|n| format!("{:x}", scattered(n))),
        ("hex of one width", &|n| format!("{:016x}", scattered(n))),
        ("hex in capitals", &|n| format!("{:016X}", scattered(n))),
        ("addresses in memory", &|n| format!("0x7ffe{:08x}", scattered(n) as u32)),
        ("uuids", &|n| {
            let (a, b) = (scattered(n), scattered(n + 1));
            format!(
                "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
                a as u32,
                a >> 48,
                b & 0xfff,
                b >> 52,
                b >> 16 & 0xffff_ffff_ffff
            )
        }),
        ("mixed case", &|n| format!("{:x}{:X}", scattered(n), scattered(n + 7))),
        ("patterns", &|n| format!("blk_{}{}.part-{:05}", ["", "-"][n as usize % 2], scattered(n), n)),
        ("ip addresses", &|n| format!("10.{}.{}.{}", n % 3, scattered(n) % 256, n % 256)),
        ("text of any kind", &|n| {
            (0..n % 13 + 3).map(|at| (b'g' + (scattered(n * 31 + at) % 20) as u8) as char).chain(['1']).collect()
        }),
        ("text in quotes", &|n| format!("\"GET /a/{}?q={} x\"", n % 9, scattered(n))),
        ("not ascii", &|n| format!("ü{}é", scattered(n))),
    ];
    for (name, form) in forms {
        for count in [1, 9, 700] {
            println!("{name}, {count} rows");
            comes_back(&lines(count, |n| format!("value is <{}> here", form(n))));
        }
    }
}

#[test]
fn each_kind_of_values_gets_its_form() {
    let form = |each: &dyn Fn(u64) -> String| {
        let values: Vec<String> = (0..400).map(each).collect();
        let mut start = 0;
        let mut span = |value: &String| {
            start += value.len() as u32;
            Span { start: start - value.len() as u32, len: value.len() as u32 }
        };
        let spans: Vec<Span> = values.iter().map(&mut span).collect();
        let mut parts = parts::Parts::new(1);
        columns::write(&mut parts, values.concat().as_bytes(), &spans, &parts::Scope::Chunks(vec![spans.len()]), 0)
            .unwrap();
        parts.tree[0]
    };
    assert_eq!(form(&|_| "v7".to_owned()), columns::EQUAL);
    assert_eq!(form(&|n| (n * n).to_string()), columns::INTEGERS);
    assert_eq!(form(&|n| format!("{:06}", n * 7)), columns::FIXED_DIGITS);
    assert_eq!(form(&|n| ["red", "green7", "blue"][n as usize % 3].to_owned()), columns::DICTIONARY);
    assert_eq!(form(&|n| format!("0x{:016x}", scattered(n))), columns::HEX);
    assert_eq!(form(&|n| format!("{}{}", scattered(n), scattered(n + 1))), columns::NIBBLES);
    assert_eq!(form(&|n| format!("blk_-{}", scattered(n))), columns::PATTERNS);
    let letters = |n: u64| scattered(n).to_be_bytes().map(|byte| (b'g' + byte % 20) as char);
    assert_eq!(form(&|n| letters(n).iter().skip(n as usize % 2).collect()), columns::LINES);
    assert_eq!(form(&|n| letters(n).iter().collect()), columns::BYTES);
}

/// Clients with an agent and a place each, in an order that repeats nowhere; a few lines of another kind.
fn visits(count: u64) -> Vec<Vec<u8>> {
    lines(count, |n| {
        let client = scattered(n / 3) % 61;
        match scattered(n + 9) % 10 {
            0 => format!("client 10.0.0.{client} left after {} turns\n", scattered(client) % 900),
            _ => {
                let (agent, place) = (scattered(client) % 47, scattered(client + 7) % 2_000);
                format!(
                    "client 10.0.0.{client} asked for /page/{} as \"agent-{agent}\" from {place}\n",
                    scattered(n) % 500
                )
            }
        }
    })
}

#[test]
fn columns_that_follow_from_others_stand_in_their_order() {
    let records = visits(6_000);
    comes_back(&records);
    let encoded = stripe(&records, false, 2).unwrap();
    let (description, _) = description(&encoded.stripe.shared, encoded.raw.len()).unwrap();
    let mut head = Meta::new(&description);
    let (_, tree_len) = (head.size().unwrap(), head.size().unwrap());
    let table = TableForm::read(&mut Meta::new(head.bytes(tree_len).unwrap()), 0).unwrap();
    assert!(table.ordered() >= 2, "{} columns in order", table.ordered());
}

#[test]
fn orders_that_leave_a_value_without_a_key_are_refused() {
    // Two templates, the second with a column that the first has not; the forms of the three columns.
    let tree = |forms: &[u8]| [&[2, 0, b' ', 0, 2, 0, 2, 0, 0, 1][..], forms].concat();
    let read = |forms: &[u8]| TableForm::read(&mut Meta::new(&tree(forms)), 0).map(|table| table.ordered());
    let (plain, ordered) = (columns::INTEGERS, columns::ORDERED);
    assert_eq!(read(&[plain, plain]), Ok(0));
    assert_eq!(read(&[plain, ordered, 1, plain]), Ok(1), "by the first column");
    assert_eq!(read(&[ordered, 0, plain, plain]), Ok(1), "by the template");
    for forms in [
        &[ordered, 1, plain, plain][..],
        &[ordered, 2, plain, plain],
        &[plain, ordered, 9, plain],
        &[plain, ordered, 1, ordered, 1, plain],
        &[plain, ordered, 1, columns::LINES],
        &[columns::LINES, ordered, 1, plain],
    ] {
        assert!(read(forms).is_err(), "{forms:?}");
    }
}

#[test]
fn time_stamps_are_found_and_written_back() {
    for text in [
        "2024-02-29T23:59:59.123456Z",
        "2024-12-31 00:00:00,001 ",
        "1999/01/01 12:34:56",
        "Feb 29 01:02:03 ",
        "Jan  1 01:02:03 ",
        "Jan 01 01:02:03 ",
        "17/May/2015:10:05:03 +0000",
        "081109 203615 148",
        "1521911751.429515 ",
        "02-29 23:59:59.811  1702",
        "10.30 16:49:06] chrome",
        "1642552682,Wazuh: a",
        "2499-12-31T23:59:59.999999999",
    ] {
        let stamp = stamps::find(text.as_bytes(), true).unwrap_or_else(|| panic!("no time in {text}"));
        let mut writer = stamps::Writer::new(stamp.format).unwrap();
        assert_eq!(writer.write(stamp.value).unwrap(), &text.as_bytes()[..stamp.len], "{text}");
    }
    for text in [
        "2023-02-29T00:00:00",
        "2024-13-01T00:00:00",
        "1969-12-31T23:59:59",
        "2024-01-01T24:00:00",
        "Feb 30 00:00:00 ",
        "Jan  0 00:00:00 ",
        "999999 999999 ",
        "1521911751.4295151234 ",
        "02-30 00:00:00 here",
        "13.01 00:00:00 here",
        "16425526821,Wazuh: a",
    ] {
        assert_eq!(stamps::find(text.as_bytes(), true), None, "{text}");
    }
    assert_eq!(stamps::find(b"1642552682,Wazuh: a", false), None, "any number, in the midst of a record");
    let mut writer = stamps::Writer::new(29).unwrap();
    assert_eq!(writer.write(u64::MAX), None, "a value that no stamp has");
}

#[test]
fn every_notation_of_time_comes_back() {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    type Notation<'a> = &'a dyn Fn(u64, &str, u64, &str) -> String;
    let notations: &[Notation<'_>] = &[
        &|month, _, day, clock| format!("2024-{month:02}-{day:02}T{clock}Z"),
        &|month, _, day, clock| format!("2024-{month:02}-{day:02} {clock},{:03}", day * 31),
        &|month, _, day, clock| format!("2024/{month:02}/{day:02} {clock}.{:09}", day * 12_345_678),
        &|_, name, day, clock| format!("{name} {day:>2} {clock}"),
        &|_, name, day, clock| format!("{name} {day:02} {clock}"),
        &|_, name, day, clock| format!("{day:02}/{name}/2024:{clock} +0100"),
        &|month, _, day, clock| format!("24{month:02}{day:02} {}", clock.replace(':', "")),
        &|month, _, day, _| format!("17{month:02}{:06}.{:06}", day * 31_337, day),
        &|month, _, day, clock| format!("2024-{month:02}-{day:02}T{clock}.5 and 2024-{month:02}-{day:02}T00:00:00.1"),
        &|month, _, day, clock| format!("{month:02}-{day:02} {clock}.{day:03}"),
        &|month, _, day, clock| format!("[{month:02}.{day:02} {clock}]"),
        &|_, _, day, _| format!("16425{:05}", day * 997),
        &|month, _, day, clock| format!("1969-{month:02}-{day:02}T{clock}.1234567890"),
    ];
    for notation in notations {
        comes_back(&lines(800, |n| {
            let clock = format!("{:02}:{:02}:{:02}", n % 26, n % 60, n * 7 % 60);
            let stamp = notation(n % 12 + 1, months[n as usize % 12], n % 31 + 1, &clock);
            format!("{stamp} started")
        }));
    }
}

#[test]
fn hostile_records_come_back() {
    let mut odd: Vec<Vec<u8>> = service(60);
    odd.extend([
        b"".to_vec(),
        b"\n".to_vec(),
        b"\r\n".to_vec(),
        b"\0\x01\x02\xff\n".to_vec(),
        b"\"".to_vec(),
        b"\"unended 1\n".to_vec(),
        b"1 ".repeat(5_000),
        [b"a".repeat(100_000), b"\n".to_vec()].concat(),
        b"Exception 7\n\tat a.b(C.java:7)\n\tat d.e(F.java:9)\n".to_vec(),
        vec![0xff; 300],
        b"no end".to_vec(),
    ]);
    comes_back(&odd);
    comes_back(&vec![Vec::new(); 50]);
    comes_back(&lines(300, |n| format!("{:x}{:x} {}", scattered(n), scattered(n + 9), "x ".repeat(n as usize % 300))));
}

#[test]
fn what_does_not_pay_is_left_to_zstd() {
    let random: Vec<u8> = (0..60_000u64).flat_map(|n| scattered(n).to_le_bytes()).collect();
    let lengths: Vec<u32> = vec![480; 1_000];
    assert_eq!(encode(&random, &lengths, &[1_000], 3).unwrap(), None);
    let huge = vec![b'a'; 1 << 20];
    assert_eq!(encode(&huge, &[1 << 20], &[1], 3).unwrap(), None);
    assert_eq!(encode(b"", &[], &[0], 3).unwrap(), None);
    assert_eq!(encode(b"abc", &[1; 9], &[9], 3).unwrap(), None, "lengths of other bytes");
}

#[test]
fn damage_is_an_error_or_no_matter() {
    let encoded = stripe(&service(300), false, 1).unwrap();
    let (shared, chunk) = (&encoded.stripe.shared, &encoded.stripe.chunks[0]);
    let (rows, size) = (300, encoded.raw.len() as u64);
    assert!(try_all(shared, chunk, rows, size));
    for flip in [0x01, 0x80, 0xff] {
        for at in 0..shared.len() {
            let mut damaged = shared.clone();
            damaged[at] ^= flip;
            try_all(&damaged, chunk, rows, size);
        }
        for at in 0..chunk.len() {
            let mut damaged = chunk.clone();
            damaged[at] ^= flip;
            try_all(shared, &damaged, rows, size);
        }
    }
    assert!((0..shared.len()).all(|at| !try_all(&shared[..at], chunk, rows, size)));
    assert!((0..chunk.len()).all(|at| !try_all(shared, &chunk[..at], rows, size)));
}

#[test]
fn a_damaged_description_is_an_error_or_no_matter() {
    for records in [service(300), visits(300)] {
        let encoded = stripe(&records, false, 1).unwrap();
        let (shared, chunk) = (&encoded.stripe.shared, &encoded.stripe.chunks[0]);
        let size = encoded.raw.len() as u64;
        for damaged in damaged_descriptions(shared) {
            try_all(&damaged, chunk, 300, size);
        }
        for damaged in damaged_descriptions(chunk) {
            try_all(shared, &damaged, 300, size);
        }
    }
}

/// A part with each byte of its description changed in some ways, which no checksum would let through.
fn damaged_descriptions(part: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let (len, rest) = read_varint(part).unwrap();
    let (stored, rest) = read_varint(rest).unwrap();
    let (stored, packs) = rest.split_at(stored as usize);
    let description = zstd::bulk::decompress(stored, len as usize).unwrap();
    (0..description.len()).flat_map(|at| [(at, 0x01), (at, 0x07), (at, 0x80), (at, 0xff)]).map(move |(at, flip)| {
        let mut damaged = description.clone();
        damaged[at] ^= flip;
        let packed = zstd::bulk::compress(&damaged, 1).unwrap();
        let mut bytes = Vec::new();
        crate::archive::column::write_varint(&mut bytes, damaged.len() as u64);
        crate::archive::column::write_varint(&mut bytes, packed.len() as u64);
        bytes.extend_from_slice(&packed);
        bytes.extend_from_slice(packs);
        bytes
    })
}

#[test]
fn crafted_sizes_take_no_memory() {
    let encoded = stripe(&service(300), false, 1).unwrap();
    let (shared, chunk) = (&encoded.stripe.shared, &encoded.stripe.chunks[0]);
    assert!(!try_all(shared, chunk, u32::MAX, encoded.raw.len() as u64));
    assert!(!try_all(shared, chunk, 300, u64::MAX));
    assert!(!try_all(shared, chunk, MOST_ROWS as u32, MOST_RAW as u64));
    let mut bytes = Vec::new();
    crate::archive::column::write_varint(&mut bytes, u64::MAX);
    assert!(!try_all(&bytes, chunk, 1, 1));
    assert!(!try_all(shared, &bytes, 1, 1));
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        "[a-z]{1,6}",
        "[0-9]{1,25}",
        "[0-9a-f]{8}",
        "\"[a-z 0-9\\\\]{0,9}\"",
        "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,10})?",
        "[01][0-9][-.][0-3][0-9] [0-2][0-9]:[0-6][0-9]:[0-6][0-9]",
        "(Jan|Feb|Dec|Abc) [ 0-3][0-9] [0-2][0-9]:[0-6][0-9]:[0-6][0-9]",
        "[0-9]{2}/(Mar|Xyz)/[0-9]{4}:[0-2][0-9]:[0-6][0-9]:[0-6][0-9]",
        "[0-9]{6} [0-9]{6}",
        "[0-9]{10}\\.[0-9]{1,10}",
        "[a-z]{2}[0-9]{1,3}-[0-9]{2}",
        Just("INFO".to_owned()),
    ];
    (proptest::collection::vec(word, 0..8), prop_oneof![Just("\n"), Just("\r\n"), Just(""), Just("\0")]).prop_map(
        |(words, end)| {
            let mut line = String::new();
            for word in words {
                let _ = write!(line, "{word} ");
            }
            line.push_str(end);
            line.into_bytes()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_lines_come_back(records in proptest::collection::vec(line(), 1..120), times in 1usize..5) {
        let repeated: Vec<Vec<u8>> = records.iter().cycle().take(records.len() * times).cloned().collect();
        comes_back(&repeated);
    }

    #[test]
    fn any_bytes_come_back(records in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 1..60)) {
        comes_back(&records);
    }

    #[test]
    fn any_bytes_are_a_stripe_or_an_error(
        shared in proptest::collection::vec(any::<u8>(), 0..200),
        chunk in proptest::collection::vec(any::<u8>(), 0..200),
        rows in 0u32..100,
    ) {
        try_all(&shared, &chunk, rows, 1_000);
        let encoded = stripe(&service(100), false, 1).unwrap();
        try_all(&encoded.stripe.shared, &chunk, rows, 1_000);
    }
}
