//! Tests of stripes of row groups: every column back, every flipped bit found.

use super::*;

fn layout(format: &str) -> Layout {
    Layout { format: format.to_owned(), ..Layout::default() }
}

fn built() -> (EncodedStripe, Vec<Vec<u8>>) {
    let mut builder = StripeBuilder::default();
    let mut offset = 100;
    let mut raws = Vec::new();
    let (csv, json) = (layout("csv"), layout("json"));
    for row in 0..50u32 {
        let raw = if row == 7 { vec![0xff, 0, b'\r', b'\n'] } else { format!("line {row}\n").into_bytes() };
        let verdict = Verdict { flagged: row == 9, rules: vec!["sqli".to_owned()], score: 0.777, ..Verdict::default() };
        builder.push(&NewRecord {
            origin: Origin { input: InputId(row / 30), offset, length: raw.len() as u32 },
            raw: &raw,
            time: (row % 10 != 3).then_some(Timestamp(1_000 * i64::from(row))),
            time_quality: TimeQuality::YearInferred,
            level: (row % 2 == 0).then_some(Level::Error),
            layout: if row < 25 { &csv } else { &json },
            template_hash: u64::from(row % 4),
            template: ["a", "b", "c", "d"][row as usize % 4],
            score: 0.5,
            novelty: 1.0,
            verdict: (row == 9).then_some(&verdict),
            fields: None,
        });
        if row == 19 {
            builder.close_group();
        }
        offset = if row == 29 { 0 } else { offset + raw.len() as u64 };
        raws.push(raw);
    }
    (builder.encode(3).unwrap(), raws)
}

/// All columns and the lines of each group of a stripe.
fn read(stripe: &EncodedStripe, bytes: &[u8]) -> Result<Vec<(GroupColumns, GroupLines)>, SectionError> {
    let shared = OpenStripe::default();
    let read = |at: u64, len: usize| Ok(bytes[at as usize..at as usize + len].to_vec());
    let mut first_row = 0;
    let mut groups = Vec::new();
    for group in &stripe.stats.groups {
        let reader = GroupReader { stripe: &stripe.stats, group, first_row, shared: &shared, read: &read };
        groups.push((reader.columns(Needs::ALL, GroupColumns::default())?, reader.lines()?));
        first_row += group.rows;
        let (columns, lines) = groups.last().unwrap();
        assert_eq!((columns.rows(), lines.rows()), (group.rows as usize, group.rows as usize));
        for row in (0..group.rows).step_by(7) {
            let at = row as usize;
            let line = reader.line(row)?;
            assert_eq!((line.origin(at), line.raw(at)), (lines.origin(at), lines.raw(at)));
        }
        for rows in [&[0][..], &[group.rows - 1], &[3, 4, 11], &[1, 127, 128, 300, 301, 390], &[260]] {
            let rows: Vec<u32> = rows.iter().copied().filter(|row| *row < group.rows).collect();
            let few = reader.few_lines(&rows)?;
            for row in rows {
                let at = row as usize;
                assert!(few.holds(at));
                assert_eq!((few.origin(at), few.raw(at)), (lines.origin(at), lines.raw(at)), "row {row}");
            }
            assert!(group.rows < 1_000 || !few.holds(2), "row 2 is not among them");
        }
    }
    Ok(groups)
}

#[test]
fn every_column_of_every_row_comes_back() {
    let (stripe, raws) = built();
    let groups = read(&stripe, &stripe.bytes).unwrap();
    assert_eq!(groups.len(), 2);
    let rows = groups.iter().flat_map(|group| (0..group.0.rows()).map(move |at| (group, at)));
    for (row, (((columns, lines), at), raw)) in rows.zip(&raws).enumerate() {
        assert_eq!(lines.raw(at), raw);
        assert_eq!(columns.time(at), (row % 10 != 3).then_some(Timestamp(1_000 * row as i64)));
        assert_eq!(columns.level(at), (row % 2 == 0).then_some(Level::Error));
        assert_eq!(columns.layout(at).unwrap().format, if row < 25 { "csv" } else { "json" });
        assert_eq!(columns.template(at), ["a", "b", "c", "d"][row % 4]);
        assert_eq!(columns.verdict(at).is_some(), row == 9);
        assert_eq!(columns.is_flagged(at), row == 9);
        assert_eq!(columns.rules(at).is_empty(), row != 9);
        assert_eq!(columns.score(at), if row == 9 { 0.777 } else { 0.5 });
        assert_eq!(columns.novelty(at), if row == 9 { 0.0 } else { 1.0 });
        assert_eq!(columns.input(at), Some(InputId(row as u32 / 30)));
    }
    assert_eq!(groups[0].1.origin(0).unwrap().offset, 100);
    assert_eq!(groups[1].1.origin(10).unwrap(), Origin { input: InputId(1), offset: 0, length: 8 });
    assert_eq!(stripe.stats.groups.iter().map(|group| group.flagged).sum::<u32>(), 1);
    assert_eq!(stripe.stats.groups.iter().map(|group| group.untimed).sum::<u32>(), 5);
}

#[test]
fn columns_that_were_not_asked_for_are_not_read() {
    let (stripe, _) = built();
    let (shared, asked) = (OpenStripe::default(), std::cell::Cell::new(0u64));
    let read = |at: u64, len: usize| {
        asked.set(asked.get() + len as u64);
        Ok(stripe.bytes[at as usize..at as usize + len].to_vec())
    };
    let group = &stripe.stats.groups[0];
    let reader = GroupReader { stripe: &stripe.stats, group, first_row: 0, shared: &shared, read: &read };
    let columns = reader.columns(Needs::NOTHING, GroupColumns::default()).unwrap();
    assert_eq!(columns.level(0), Some(Level::Error));
    let marks = asked.get();
    assert!(marks <= 20, "{marks} bytes read");
    let columns = reader.columns(Needs::TIMES, columns).unwrap();
    assert_eq!(columns.time(1), Some(Timestamp(1_000)));
    assert!(columns.loaded().contains(Needs::TIMES) && !columns.loaded().contains(Needs::TEMPLATES));
}

#[test]
fn regular_lines_are_kept_in_columns_and_their_times_follow_from_them() {
    let mut builder = StripeBuilder::default();
    let (layout, mut raws, mut offset) = (layout("syslog"), Vec::new(), 0);
    for row in 0..2_000u64 {
        let raw = format!(
            "Nov 20 10:{:02}:{:02} web1 sshd[{}]: session {:x} opened\n",
            row / 60 % 60,
            row % 60,
            row / 9,
            row * row * 7_919
        );
        let record = NewRecord {
            // The second input begins between two known starts.
            origin: Origin { input: InputId((row >= 200).into()), offset, length: raw.len() as u32 },
            raw: raw.as_bytes(),
            time: Some(Timestamp(1_795_168_800_000_000_000 + row as i64 % 3_600 * 1_000_000_000)),
            time_quality: TimeQuality::YearInferred,
            level: None,
            layout: &layout,
            template_hash: 1,
            template: "t",
            score: 0.0,
            novelty: 0.0,
            verdict: None,
            fields: None,
        };
        builder.push(&record);
        if row == 1_500 {
            builder.close_group();
        }
        offset = if row == 199 { 7 } else { offset + raw.len() as u64 };
        let time = record.time;
        raws.push((raw, time));
    }
    let stripe = builder.encode(3).unwrap();
    let sections = |kind| stripe.stats.groups.iter().flat_map(|group| &group.sections).filter(move |s| s.kind == kind);
    assert!(sections(LINES).all(|section| section.codec == section::COLUMNAR));
    assert!(sections(TIMES).all(|section| section.len < 40), "times take bytes of their own");
    let groups = read(&stripe, &stripe.bytes).unwrap();
    let rows = groups.iter().flat_map(|group| (0..group.0.rows()).map(move |at| (group, at)));
    for (((columns, lines), at), (raw, time)) in rows.zip(&raws) {
        assert_eq!(lines.raw(at), raw.as_bytes());
        assert_eq!(columns.time(at), *time);
    }
}

#[test]
fn a_flipped_bit_in_any_section_is_found() {
    let (stripe, _) = built();
    for at in 0..stripe.bytes.len() {
        let mut bytes = stripe.bytes.clone();
        bytes[at] ^= 0x10;
        assert!(read(&stripe, &bytes).is_err(), "byte {at}");
    }
}

/// A stripe of three groups whose records have hundreds of templates; those of the last are all met in the first.
fn of_many_templates() -> (EncodedStripe, Vec<String>) {
    let mut builder = StripeBuilder::default();
    let (layout, mut templates, mut offset) = (layout("syslog"), Vec::new(), 0);
    let words = ["disk", "queue", "mirror", "ledger", "tunnel", "broker", "shelf", "parcel"];
    for row in 0..900u64 {
        let (group, number) = (row / 300, row * 7_919 % 1_009);
        let kind = if group == 2 { row % 100 } else { row % 100 + group * 100 };
        let (one, two, three) = (words[kind as usize % 8], words[kind as usize / 8 % 8], words[kind as usize / 64]);
        let template = format!("the {one} of the {two} behind the {three} has <n> items of kind{kind}");
        let raw = format!(
            "Nov 20 10:00:00 host: the {one} of the {two} behind the {three} has {number} items of kind{kind}\n"
        );
        builder.push(&NewRecord {
            origin: Origin { input: InputId(0), offset, length: raw.len() as u32 },
            raw: raw.as_bytes(),
            time: None,
            time_quality: TimeQuality::Missing,
            level: None,
            layout: &layout,
            template_hash: kind,
            template: &template,
            score: 0.0,
            novelty: 0.0,
            verdict: None,
            fields: None,
        });
        if row % 300 == 299 {
            builder.close_group();
        }
        offset += raw.len() as u64;
        templates.push(template);
    }
    (builder.encode(19).unwrap(), templates)
}

#[test]
fn at_the_highest_effort_templates_follow_from_records_and_damage_costs_only_those_that_it_hides() {
    let (stripe, wanted) = of_many_templates();
    assert!(stripe.stats.sections.iter().any(|section| section.kind == TEMPLATES && section.is_edits()));
    let templates_of = |bytes: &[u8], group: usize| -> Result<Vec<String>, SectionError> {
        let shared = OpenStripe::default();
        let read = |at: u64, len: usize| Ok(bytes[at as usize..at as usize + len].to_vec());
        let (group, first_row) = (&stripe.stats.groups[group], 300 * group as u32);
        let reader = GroupReader { stripe: &stripe.stats, group, first_row, shared: &shared, read: &read };
        let columns = reader.columns(Needs::TEMPLATES, GroupColumns::default())?;
        Ok((0..columns.rows()).map(|row| columns.template(row).to_owned()).collect())
    };
    for group in 0..3 {
        assert_eq!(templates_of(&stripe.bytes, group).unwrap(), wanted[300 * group..300 * (group + 1)]);
    }
    for kind in [LINES, TEMPLATE_IDS] {
        let section = section::find(&stripe.stats.groups[1].sections, kind, "section").unwrap();
        let mut damaged = stripe.bytes.clone();
        damaged[section.at as usize + 1] ^= 4;
        assert_eq!(templates_of(&damaged, 0).unwrap(), wanted[..300]);
        assert!(templates_of(&damaged, 1).is_err());
        assert_eq!(templates_of(&damaged, 2).unwrap(), wanted[600..]);
    }
}
