//! Formats that users define, and formats asked for by name.

use logguard::model::{FieldSet, Interpret, Level};
use logguard::parse::{Hints, ParseError, Parser, Registry};

use super::{hints, read_with};

const TILL: &str = r#"
[[format]]
name = "till"
grok = "%{TIMESTAMP_ISO8601:time} till=%{INT:till} %{IPORHOST:source_ip} %{GREEDYDATA:message}"
level = "notice"
samples = [{ line = "2026-11-20 10:00:00 till=4 10.0.0.7 sold", fields = { till = "4", source_ip = "10.0.0.7", level = "notice" } }]

[[format]]
name = "dated"
pattern = '^(?P<time>\S+ \S+) (?P<severity>\w+)> (?P<msg>.*)$'
time_format = "%d.%m.%Y %H:%M"
"#;

#[test]
fn user_formats_are_read_before_the_built_in_ones() {
    let mut registry = Registry::builtin();
    assert_eq!(registry.add_toml(TILL, "mine.toml").unwrap(), 2);
    assert_eq!(registry.names()[..2], ["till", "dated"]);
    let (parser, records) =
        read_with(&registry, hints(), b"2026-11-20 10:00:00 till=4 10.0.0.7 sold 3\n20.11.2026 10:15 warn> low\n");
    assert_eq!(parser.detection().format, "till");
    records[0].has(&["till=4", "source_ip=10.0.0.7", "message=sold 3"]);
    assert_eq!(records[0].level, Some(Level::Notice));
    assert_eq!((records[1].time.as_str(), records[1].level), ("2026-11-20T10:15:00Z", Some(Level::Warn)));
    records[1].has(&["message=low"]);
    // A layout of a format that is gone is cut by what it stores.
    let raw = b"2026-11-20 10:00:00 till=4 10.0.0.7 sold 3\n";
    let mut fields = FieldSet::default();
    Registry::builtin().interpret(&parser.layouts()[0], raw, &mut fields);
    assert_eq!(fields.of(raw).first("till"), Some(&b"4"[..]));
}

#[test]
fn broken_user_formats_say_file_format_and_sample() {
    let wrong = TILL.replace("till = \"4\"", "till = \"5\"");
    let error = Registry::builtin().add_toml(&wrong, "mine.toml").unwrap_err();
    assert_eq!(error.to_string(), "mine.toml: format 'till', sample 1: field 'till' is '4', not '5'");
    let cases = [
        ("[[format]]\nname = \"x\"\npattern = \"(\"", "mine.toml: format 'x': "),
        ("[[format]]\nname = \"x\"\npattern = \"a\"", "mine.toml: format 'x': the pattern has no named group"),
        ("[[format]]\nname = \"x\"\ngrok = \"%{NOPE:a}\"", "mine.toml: format 'x': unknown grok pattern 'NOPE'"),
        ("[[format]]\nname = \"json\"\ngrok = \"%{WORD:a}\"", "mine.toml: format 'json': the name"),
        ("[[format]]\nnme = \"x\"", "mine.toml: "),
    ];
    for (text, start) in cases {
        let error = Registry::builtin().add_toml(text, "mine.toml").unwrap_err().to_string();
        assert!(error.starts_with(start), "{error}");
    }
}

#[test]
fn a_forced_format_is_used_and_an_unknown_one_is_refused_with_a_suggestion() {
    let forced =
        |name: &str| Parser::new(&Registry::builtin(), Hints { format: Some(name.to_owned()), ..hints() }, b"x\n");
    assert_eq!(forced("syslog").unwrap().detection().format, "syslog");
    let error = forced("sylog").unwrap_err();
    assert!(matches!(&error, ParseError::UnknownFormat { nearest: Some(nearest), .. } if nearest == "syslog"));
    assert!(
        error
            .to_string()
            .starts_with("unknown format 'sylog', did you mean 'syslog'?; known formats: events-csv, json"),
        "{error}"
    );
}
