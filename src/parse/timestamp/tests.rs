//! Spellings of time, each with the moment it must give.

use super::*;

fn shown(text: &str) -> String {
    match read(text.as_bytes(), 0) {
        None => "none".to_owned(),
        Some(Stamp { when, len }) => {
            let what = match when {
                When::Exact(time) => format!("exact {time}"),
                When::Local(time) => format!("local {}", time.to_string().trim_end_matches('Z')),
                When::Yearless { month, day, of_day, zone } => {
                    format!(
                        "yearless {month}-{day} {}{}",
                        of_day / 1_000_000,
                        zone.map_or(String::new(), |z| format!(" {}", z.east))
                    )
                }
                When::Clock { of_day } => format!("clock {}", of_day / 1_000_000),
            };
            format!("{what} +{}", text.len() - len)
        }
    }
}

#[test]
fn every_spelling_gives_its_moment() {
    let cases = [
        ("2026-11-20 10:00:05", "local 2026-11-20T10:00:05 +0"),
        ("2026-11-20T10:00:05.123456Z x", "exact 2026-11-20T10:00:05.123456Z +2"),
        ("2026-11-20T10:00:05+02:00", "exact 2026-11-20T08:00:05Z +0"),
        ("2026-11-20T10:00:05.5+0000 x", "exact 2026-11-20T10:00:05.500Z +2"),
        ("2026-11-20 10:00:05,120 INFO", "local 2026-11-20T10:00:05.120 +5"),
        ("2026/11/20 10:00:05 [error]", "local 2026-11-20T10:00:05 +8"),
        ("2026.11.20 10:00:05 LOG", "local 2026-11-20T10:00:05 +4"),
        ("2026:11:20-10:00:05: x", "local 2026-11-20T10:00:05 +3"),
        ("2026-11-20-10.00.05.120000 x", "local 2026-11-20T10:00:05.120 +2"),
        ("2026-11-20 10:00:05 CET::", "exact 2026-11-20T09:00:05Z +2"),
        ("2026-11-20 1:00:05 PM x", "local 2026-11-20T13:00:05 +2"),
        ("20261120-1:5:9:97|", "local 2026-11-20T01:05:09.097 +1"),
        ("20261120T100005Z", "exact 2026-11-20T10:00:05Z +0"),
        ("20261120.100005,672:", "local 2026-11-20T10:00:05.672 +1"),
        ("20261120100005", "local 2026-11-20T10:00:05 +0"),
        ("261120 100005 147", "local 2026-11-20T10:00:05 +4"),
        ("261120  9:00:05 x", "local 2026-11-20T09:00:05 +2"),
        ("26/11/20 10:00:05 INFO", "local 2026-11-20T10:00:05 +5"),
        ("20/Nov/2026:10:15:00 +0330]", "exact 2026-11-20T06:45:00Z +1"),
        ("20-Nov-2026 10:15:00.5 x", "local 2026-11-20T10:15:00.500 +2"),
        ("20 Nov 2026 10:15:00 x", "local 2026-11-20T10:15:00 +2"),
        ("11/20/2026 10:15:00 PM", "local 2026-11-20T22:15:00 +0"),
        ("20/11/2026 10:15:00", "local 2026-11-20T10:15:00 +0"),
        ("02-11-2026 10:15:00", "local 2026-11-02T10:15:00 +0"),
        ("20.11.2026 10:15:00", "local 2026-11-20T10:15:00 +0"),
        ("11-20 10:15:00.250  1 2 D", "yearless 11-20 36900250 +7"),
        ("11.20 10:15:00] x", "yearless 11-20 36900000 +3"),
        ("Nov 20 10:10:01 web1", "yearless 11-20 36601000 +5"),
        ("Nov  2 10:10:01.5 web1", "yearless 11-2 36601500 +5"),
        ("Nov 2 10:10:01 UTC x", "yearless 11-2 36601000 0 +2"),
        ("Nov 20 2026 10:10:01 web1", "local 2026-11-20T10:10:01 +5"),
        ("Nov 20, 2026 1:10:01 PM org", "local 2026-11-20T13:10:01 +4"),
        ("nov 20, 2026 12:10:01 am", "local 2026-11-20T00:10:01 +0"),
        ("November 20, 2026 10:10:01", "local 2026-11-20T10:10:01 +0"),
        ("Nov-20-26 10:10:01 x", "local 2026-11-20T10:10:01 +2"),
        ("Fri Nov 20 10:10:01 2026] x", "local 2026-11-20T10:10:01 +3"),
        ("Fri Nov 20 10:10:01.569531 2026", "local 2026-11-20T10:10:01.569531 +0"),
        ("Fri Nov 20 10:10:01 EST 2026 x", "exact 2026-11-20T15:10:01Z +2"),
        ("Fri, 20 Nov 2026 10:10:01 +0000", "exact 2026-11-20T10:10:01Z +0"),
        ("Fri Nov 20 10:10:01 x", "yearless 11-20 36601000 +2"),
        ("Fri Nov 20 2026 10:10:01 GMT+0200 (CEST)", "exact 2026-11-20T08:10:01Z +7"),
        ("1795168801.250 x", "exact 2026-11-20T10:00:01.250Z +2"),
        ("1795168801250 x", "exact 2026-11-20T10:00:01.250Z +2"),
        ("@400000004c91b044077a9e94 x", "exact 2010-09-16T05:50:50.125476500Z +2"),
        ("10:10:01.5 foo", "clock 36601500 +4"),
        ("2026-11-20T23:59:60Z", "exact 2026-11-21T00:00:00Z +0"),
        ("2026 Nov 20 10:10:01 x", "local 2026-11-20T10:10:01 +2"),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn impossible_or_foreign_text_is_no_time() {
    for text in [
        "2026-13-20 10:00:00",
        "2026-02-30 10:00:00",
        "2026-11-20 25:00:00",
        "2026-11-20 10:61:00",
        "Feb 30 10:00:00",
        "10:10",
        "10.0.0.1",
        "192.168.1.1 - -",
        "marble 10 11:11:11",
        "Sunday",
        "1.2.3",
        "12345",
        "9999999999 x",
        "",
        "2026",
        "1234-5678",
        "00:11:22:33:44:55",
        "Nov",
        "@40",
        "20/Nov",
        "3 apples",
    ] {
        assert_eq!(read(text.as_bytes(), 0), None, "{text}");
    }
    assert_eq!(read(b"x", 5), None);
}

#[test]
fn a_value_must_be_a_time_as_a_whole() {
    assert!(value(b"2026-11-20").is_some());
    assert!(value(b" 1795168801 ").is_some());
    assert!(value(b"1795168801123456").is_some());
    assert!(value(b"1795168801123456789").is_some());
    assert!(value(b"2026-11-20 10:00:00.5 +0000 UTC").is_some());
    assert!(value(b"Fri Nov 20 2026 10:00:00 GMT+0200 (CEST)").is_some());
    assert!(value(b"2026-11-20 10:00:00 and more").is_none());
    assert!(value(b"42").is_none());
    assert!(value(b"1.7e9").is_none());
}

#[test]
fn no_bytes_make_it_panic() {
    let mut state = 7u64;
    let alphabet = b"0123456789:-/. ,TZ+NovAMPFri@\xff\0";
    for _ in 0..20_000 {
        let mut text = Vec::new();
        for _ in 0..24 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push(alphabet[(state >> 33) as usize % alphabet.len()]);
        }
        let _ = (read(&text, 0), value(&text));
    }
}
