//! The words of the prompt that are not questions: they begin with `:` and a letter.

use std::path::PathBuf;

use super::saved::is_name;
use crate::engine::closest;
use crate::model::Zone;

/// What `:help` prints.
pub const HELP: &str = "A question is text, fields, and what becomes of the records behind a bar:
  failed password                 both words, anywhere in the line, any case, whole words
  \"failed password\" -root         the phrase, but not root
  fail* *passwd* /un[io]+n/i      any ending, any place, a regular expression
  level>=error app:sshd           fields; levels by severity; AND OR NOT ( ) in upper case
  user=root user!=root user:*     exactly; another one; any
  source_ip:10.0.0.0/8            addresses by network
  path:*passwd* OR status:[500 TO 599] OR bytes>5k
  since:end-2h anomaly:true       times relative to now, start or end; what was flagged
  incident:1042 incident:*        records of an incident (the id is that of its first record), of any
Behind a bar:
  level>=warn | top 5 source_ip                   also rare, patterns 20, fields time, user
  * | stats count, p95(bytes), dc(user) by host   also sum avg min max p50 p99 first last; then | where count>1
  status:5* | timechart 1h by host                also gaps 20m by host
  level:error | compare 1h before 24h until end   what is new, gone, or has another rate; also by FIELD
  app:sshd | extract \"port (?<port>\\d+)\" | sort -port | head 5
  \"segfault\" | context 3                          records around each hit in its input
Commands:
  :show N           a record, field by field      :why N            why it is odd
  :context N [M]    M records around it           :more             the next records of the last answer
  :facets [FIELD]   values of the last answer     :fields           names of all fields
  :save NAME        keep the last question        :run NAME         ask it again
  :saved            what is kept                  :forget NAME      keep it no longer
  :export FILE      all of the last answer, by name: .jsonl .csv .log .txt; --force overwrites
  :explain [QUERY]  how a question is read        :tz +02:00        zone of times
  :verify           whether the archive is as it was recorded; all of it is read and hashed
  exit              leave (\"exit\" in quotes searches)";

/// A command of the prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Say what can be typed.
    Help,
    /// Name all fields.
    Fields,
    /// The next page.
    More,
    /// A record, field by field.
    Show(u64),
    /// Why a record is odd.
    Why(u64),
    /// Records around a record: its number, how many on each side.
    Context(u64, u64),
    /// Answer a question, or the last one, and say how.
    Explain(Option<String>),
    /// Zone of times.
    Zone(Zone),
    /// Values of the last answer, of one field or of all.
    Facets(Option<String>),
    /// Keep a question, or the last one, under a name.
    Save(String, Option<String>),
    /// Ask a question that was kept.
    Run(String),
    /// Names of what is kept.
    Saved,
    /// Keep it no longer.
    Forget(String),
    /// Write all of the last answer to a file; whether what is there is overwritten.
    Export(PathBuf, bool),
    /// Read and hash the whole archive, and say whether it is as it was recorded.
    Verify,
}

/// What a line of the prompt is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words {
    /// A question to the store.
    Question,
    /// A command.
    Command(Command),
    /// The wish to leave.
    Leave,
    /// A command that can't be; the sentence says what to type.
    Wrong(String),
}

impl Command {
    /// The names of all commands, for completion.
    pub const NAMES: [&'static str; 16] = [
        ":context", ":exit", ":explain", ":export", ":facets", ":fields", ":forget", ":help", ":more", ":run", ":save",
        ":saved", ":show", ":tz", ":verify", ":why",
    ];

    /// Tells a command from a question. `:443` and `::1` are questions.
    pub fn parse(line: &str) -> Words {
        if matches!(line, "exit" | "quit" | ":exit" | ":quit" | ":q") {
            return Words::Leave;
        }
        let is_command =
            line.strip_prefix(':').is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_alphabetic()));
        if !is_command {
            return Words::Question;
        }
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        let some = || (!rest.is_empty()).then(|| rest.to_owned());
        match name {
            ":help" => Words::Command(Command::Help),
            ":fields" => Words::Command(Command::Fields),
            ":more" => Words::Command(Command::More),
            ":saved" => Words::Command(Command::Saved),
            ":show" => with_number(name, rest, Command::Show),
            ":why" => with_number(name, rest, Command::Why),
            ":context" => context(rest),
            ":facets" => Words::Command(Command::Facets(some())),
            ":explain" => Words::Command(Command::Explain(some())),
            ":run" => with_name(name, rest, Command::Run),
            ":forget" => with_name(name, rest, Command::Forget),
            ":save" => {
                let (key, query) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                let query = Some(query.trim().to_owned()).filter(|query| !query.is_empty());
                with_name(name, key, |key| Command::Save(key, query))
            }
            ":export" => export(rest),
            ":verify" if rest.is_empty() => Words::Command(Command::Verify),
            ":verify" => Words::Wrong(
                ":verify takes nothing; 'logguard verify --head PIN' compares with a head that was kept elsewhere"
                    .to_owned(),
            ),
            ":tz" => match Zone::parse(rest) {
                Some(zone) => Words::Command(Command::Zone(zone)),
                None => Words::Wrong(":tz needs an offset, such as :tz +02:00 or :tz UTC".to_owned()),
            },
            _ => {
                let meant = closest(name, Command::NAMES.into_iter());
                let meant = meant.map(|meant| format!(", did you mean {meant}?")).unwrap_or_default();
                Words::Wrong(format!(
                    "there is no command {name}{meant}; :help lists them (to search the text, quote it)"
                ))
            }
        }
    }
}

fn number(text: &str) -> Option<u64> {
    text.trim().trim_start_matches('#').replace(',', "").parse().ok()
}

fn with_number(name: &str, text: &str, make: fn(u64) -> Command) -> Words {
    match number(text) {
        Some(id) => Words::Command(make(id)),
        None => Words::Wrong(format!("{name} needs the number of a record, such as {name} 42")),
    }
}

fn with_name(name: &str, text: &str, make: impl FnOnce(String) -> Command) -> Words {
    if is_name(text) {
        return Words::Command(make(text.to_owned()));
    }
    Words::Wrong(format!("{name} needs a name of letters, digits, - and _, such as {name} night-logins"))
}

fn context(text: &str) -> Words {
    let (id, count) = text.split_once(char::is_whitespace).unwrap_or((text, "5"));
    match (number(id), number(count)) {
        (Some(id), Some(count)) => Words::Command(Command::Context(id, count.min(1_000))),
        _ => Words::Wrong(":context needs the number of a record, such as :context 42 5".to_owned()),
    }
}

fn export(text: &str) -> Words {
    let unforced = text.strip_prefix("--force ").or_else(|| text.strip_suffix(" --force"));
    let file = unforced.unwrap_or(text).trim();
    if file.is_empty() || file == "--force" {
        return Words::Wrong(":export needs the name of a file, such as :export hits.jsonl".to_owned());
    }
    Words::Command(Command::Export(PathBuf::from(file), unforced.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_questions() {
        assert_eq!(Command::parse(":show 4"), Words::Command(Command::Show(4)));
        assert_eq!(Command::parse(":context 4 2"), Words::Command(Command::Context(4, 2)));
        assert_eq!(Command::parse(":443"), Words::Question);
        assert_eq!(Command::parse("::1"), Words::Question);
        assert_eq!(Command::parse("exit"), Words::Leave);
        assert_eq!(Command::parse("\"exit\""), Words::Question);
        assert!(matches!(Command::parse(":show"), Words::Wrong(_)));
        assert!(matches!(Command::parse(":shw 4"), Words::Wrong(sentence) if sentence.contains("did you mean :show?")));
    }

    #[test]
    fn names_and_files_are_taken_as_typed() {
        let save =
            |name: &str, query: Option<&str>| Words::Command(Command::Save(name.into(), query.map(str::to_owned)));
        assert_eq!(Command::parse(":save a-1"), save("a-1", None));
        assert_eq!(Command::parse(":save a level:error | top user"), save("a", Some("level:error | top user")));
        assert!(matches!(Command::parse(":save ../a"), Words::Wrong(_)));
        let export = |file: &str, force| Words::Command(Command::Export(file.into(), force));
        assert_eq!(Command::parse(":export my hits.csv"), export("my hits.csv", false));
        assert_eq!(Command::parse(":export a.csv --force"), export("a.csv", true));
        assert!(matches!(Command::parse(":export --force"), Words::Wrong(_)));
    }

    #[test]
    fn every_command_is_explained() {
        for name in Command::NAMES.into_iter().filter(|name| !matches!(*name, ":exit" | ":help")) {
            assert!(HELP.contains(name), "{name}");
        }
    }
}
