//! The words of the prompt that are not questions: they begin with `:` and a letter.

use crate::model::Zone;

/// What `:help` prints.
pub const HELP: &str = "A question is text, fields, and what becomes of the records behind a bar:
  failed password                 both words, anywhere in the line, any case
  \"failed password\" -root         the phrase, but not root
  level>=error app:sshd           fields; levels by severity
  source_ip:10.0.0.0/8            addresses by network
  path:*passwd* OR status:[500 TO 599]
  since:end-2h anomaly:true       times relative to now, start or end; what was flagged
  level>=warn | top 5 source_ip   stats, top, rare, timechart, patterns, fields, sort, head, tail, where, extract, context, gaps
Commands:
  :fields           names of all fields         :more             the next records of the last answer
  :show N           a record, field by field    :why N            why it is odd
  :context N [M]    M records around it         :explain QUERY    how a question is read and answered
  :tz +02:00        zone of times               exit              leave (\"exit\" in quotes searches)";

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
    /// Answer a question and say how.
    Explain(String),
    /// Zone of times.
    Zone(Zone),
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
    pub const NAMES: [&'static str; 9] =
        [":context", ":exit", ":explain", ":fields", ":help", ":more", ":show", ":tz", ":why"];

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
        let number = |text: &str| text.trim_start_matches('#').parse::<u64>().ok();
        let with_number = |make: fn(u64) -> Command| match number(rest) {
            Some(id) => Words::Command(make(id)),
            None => Words::Wrong(format!("{name} needs the number of a record, such as {name} 42")),
        };
        match name {
            ":help" => Words::Command(Command::Help),
            ":fields" => Words::Command(Command::Fields),
            ":more" => Words::Command(Command::More),
            ":show" => with_number(Command::Show),
            ":why" => with_number(Command::Why),
            ":context" => {
                let (id, count) = rest.split_once(char::is_whitespace).unwrap_or((rest, "5"));
                match (number(id), number(count.trim())) {
                    (Some(id), Some(count)) => Words::Command(Command::Context(id, count.min(1_000))),
                    _ => Words::Wrong(":context needs the number of a record, such as :context 42 5".to_owned()),
                }
            }
            ":explain" if !rest.is_empty() => Words::Command(Command::Explain(rest.to_owned())),
            ":explain" => Words::Wrong(":explain needs a question behind it".to_owned()),
            ":tz" => match Zone::parse(rest) {
                Some(zone) => Words::Command(Command::Zone(zone)),
                None => Words::Wrong(":tz needs an offset, such as :tz +02:00 or :tz UTC".to_owned()),
            },
            _ => Words::Wrong(format!("there is no command {name}; :help lists them (to search the text, quote it)")),
        }
    }
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
        assert!(matches!(Command::parse(":nonsense"), Words::Wrong(_)));
    }
}
