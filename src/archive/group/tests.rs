//! Tests of row groups: every column back, every flipped bit found.

use super::*;

fn layout(format: &str) -> Layout {
    Layout { format: format.to_owned(), ..Layout::default() }
}

fn built() -> (EncodedGroup, Vec<Vec<u8>>) {
    let mut builder = GroupBuilder::default();
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
        });
        offset = if row == 29 { 0 } else { offset + raw.len() as u64 };
        raws.push(raw);
    }
    (builder.encode(3).unwrap(), raws)
}

fn reader(bytes: &[u8]) -> impl FnMut(u64, usize) -> std::io::Result<Vec<u8>> + '_ {
    |at, len| Ok(bytes[at as usize..at as usize + len].to_vec())
}

#[test]
fn every_column_of_every_row_comes_back() {
    let (group, raws) = built();
    let columns = decode_columns(&group.stats, reader(&group.bytes)).unwrap();
    let lines = decode_lines(&group.stats, reader(&group.bytes)).unwrap();
    assert_eq!(columns.rows(), 50);
    for (row, raw) in raws.iter().enumerate() {
        assert_eq!(lines.raw(row), raw);
        assert_eq!(columns.time(row), (row % 10 != 3).then_some(Timestamp(1_000 * row as i64)));
        assert_eq!(columns.level(row), (row % 2 == 0).then_some(Level::Error));
        assert_eq!(columns.layout(row).unwrap().format, if row < 25 { "csv" } else { "json" });
        assert_eq!(columns.template(row), ["a", "b", "c", "d"][row % 4]);
        assert_eq!(columns.verdict(row).is_some(), row == 9);
        assert_eq!(columns.rules(row).is_empty(), row != 9);
        assert_eq!(columns.score(row), if row == 9 { 0.777 } else { 0.5 });
    }
    assert_eq!(lines.origin(0).unwrap().offset, 100);
    assert_eq!(lines.origin(30).unwrap(), Origin { input: InputId(1), offset: 0, length: 8 });
    assert_eq!(group.stats.flagged, 1);
    assert_eq!(group.stats.untimed, 5);
}

#[test]
fn regular_lines_are_kept_in_columns_and_come_back() {
    let mut builder = GroupBuilder::default();
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
            origin: Origin { input: InputId(0), offset, length: raw.len() as u32 },
            raw: raw.as_bytes(),
            time: None,
            time_quality: TimeQuality::Missing,
            level: None,
            layout: &layout,
            template_hash: 1,
            template: "t",
            score: 0.0,
            novelty: 0.0,
            verdict: None,
        };
        builder.push(&record);
        offset += raw.len() as u64;
        raws.push(raw);
    }
    let group = builder.encode(3).unwrap();
    assert_eq!(group.stats.section(LINES).map(|section| section.codec), Some(COLUMNAR));
    let lines = decode_lines(&group.stats, reader(&group.bytes)).unwrap();
    for (row, raw) in raws.iter().enumerate() {
        assert_eq!(lines.raw(row), raw.as_bytes());
    }
}

#[test]
fn a_flipped_bit_in_any_section_is_found() {
    let (group, _) = built();
    for at in 0..group.bytes.len() {
        let mut bytes = group.bytes.clone();
        bytes[at] ^= 0x10;
        let columns = decode_columns(&group.stats, reader(&bytes)).is_err();
        let lines = decode_lines(&group.stats, reader(&bytes)).is_err();
        assert!(columns || lines, "byte {at}");
    }
}
