//! Adds a format of one's own and shows how its lines are read.
//!
//! `cargo run --example add_format`

use logguard::parse::{Hints, ParseError, Parsed, Parser, Registry};

/// A pattern with named groups; the samples are checked when the definition is loaded.
const FORMAT: &str = r#"
[[format]]
name = "door"
pattern = '^(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) door=(?P<door>\w+) badge=(?P<user>\w+) (?P<status>open|denied)$'
samples = [
    { line = "2026-11-20 08:00:01 door=north badge=alice open", fields = { door = "north", user = "alice", status = "open" } },
]
"#;

#[allow(clippy::print_stdout, reason = "an example prints its answer")]
fn main() -> Result<(), ParseError> {
    let mut registry = Registry::builtin();
    registry.add_toml(FORMAT, "door.toml")?;

    let lines =
        b"2026-11-20 08:00:01 door=north badge=alice open\n2026-11-20 08:03:44 door=vault badge=mallory denied\n";
    let hints =
        Hints { name: "doors.log".to_owned(), modified: None, zone: Default::default(), year: None, format: None };
    let mut parser = Parser::new(&registry, hints, lines)?;
    println!("read as {}", parser.detection().format);
    let mut parsed = Parsed::default();
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        parser.parse(line, &mut parsed);
        let time = parsed.time.map_or("no time".to_owned(), |time| time.to_string());
        println!("{time}");
        for (name, value) in parsed.fields.of(line).iter() {
            println!("    {name} = {}", String::from_utf8_lossy(value).escape_debug());
        }
    }
    Ok(())
}
