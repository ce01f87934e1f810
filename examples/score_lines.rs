//! Scores the lines of a file with the library: `score<TAB>novelty<TAB>flag` a line, `--why` adds rules and reasons.
//!
//! Reads the header of a line as far as detection needs it (level word, address, parts of an access log line): a small
//! stand-in for the parsers, so that detection can be measured by itself.

use logguard::detect::{Alert, DetectConfig, Detector, Event, Incidents};
use logguard::model::{FieldSet, Level, Timestamp, Verdict};
use logguard::template::Templater;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::{env, fs};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let why = arguments.iter().any(|argument| argument == "--why");
    let budget = arguments.iter().find_map(|argument| argument.strip_prefix("--budget=")?.parse().ok());
    let mut incidents =
        arguments.iter().find_map(|argument| argument.strip_prefix("--incidents=")?.parse().ok()).map(Incidents::new);
    let passes: u32 =
        arguments.iter().find_map(|argument| argument.strip_prefix("--passes=")?.parse().ok()).unwrap_or(1);
    let sessions = arguments.iter().find_map(|argument| argument.strip_prefix("--sessions="));
    let Some(path) = arguments.iter().find(|argument| !argument.starts_with("--")) else {
        return Err(io::Error::other(
            "usage: score_lines [--why] [--budget=0.01] [--sessions=OUT] [--passes=1] [--incidents=0.001] FILE",
        ));
    };
    let bytes = fs::read(path)?;
    let mut config = DetectConfig::default();
    config.alert_budget = budget.unwrap_or(config.alert_budget);
    config.all_sessions = sessions.is_some();
    let (mut detector, mut templater) = (Detector::new(config), Templater::new());
    let (mut fields, mut verdict) = (FieldSet::default(), Verdict::default());
    let mut out = BufWriter::new(io::stdout().lock());
    let lines = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    for _ in 1..passes {
        for line in lines.split(|byte| *byte == b'\n') {
            fields.clear();
            let header = read_header(line, &mut fields);
            let event = header.event(line, &fields, &mut templater);
            detector.score(&event, &mut verdict);
        }
        detector.finish();
        detector.take_sessions();
    }
    for line in lines.split(|byte| *byte == b'\n') {
        fields.clear();
        let header = read_header(line, &mut fields);
        let event = header.event(line, &fields, &mut templater);
        detector.score(&event, &mut verdict);
        write!(out, "{:.6}\t{:.6}\t{}", verdict.score, verdict.novelty, u8::from(verdict.flagged))?;
        if let Some(incidents) = &mut incidents {
            write!(out, "\t{}", u8::from(incidents.observe(&event, &verdict) == Alert::Raised))?;
        }
        if why {
            write!(out, "\t{}", verdict.rules.join(","))?;
            for reason in &verdict.reasons {
                write!(out, "\t{}:{:.2} {}", reason.id, reason.weight, reason.text)?;
            }
        }
        writeln!(out)?;
    }
    detector.finish();
    if let Some(path) = sessions {
        let mut out = BufWriter::new(fs::File::create(path)?);
        for session in detector.take_sessions() {
            writeln!(out, "{}\t{:.6}\t{}\t{}", session.name, session.score, u8::from(session.flagged), session.lines)?;
        }
    }
    writeln!(io::stderr(), "detector state: {:.1} MiB", detector.bytes() as f64 / f64::from(1 << 20))?;
    out.flush()
}

/// Names of months in syslog and access logs.
const MONTHS: [&[u8]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// What stands before a message.
struct Header {
    message: usize,
    level: Option<Level>,
    time: Option<Timestamp>,
}

impl Header {
    fn event<'a>(&self, line: &'a [u8], fields: &'a FieldSet, templater: &'a mut Templater) -> Event<'a> {
        let message = line.get(self.message..).unwrap_or_default();
        let template = templater.cut(message);
        Event { source: 0, raw: line, message, fields: fields.of(line), time: self.time, level: self.level, template }
    }
}

fn read_header(line: &[u8], fields: &mut FieldSet) -> Header {
    if let Some(time) = read_access(line, fields) {
        return Header { message: 0, level: None, time };
    }
    let words: Vec<Range<usize>> = words(line).take(16).collect();
    let text = |range: &Range<usize>| line.get(range.clone()).unwrap_or_default();
    let is_stamp = |word: &[u8]| {
        let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
        digits * 2 >= word.len() || word.ends_with(b":") && digits > 3
    };
    // Syslog: month, day, clock, host.
    if let [first, second, third, _, rest, ..] = words.as_slice()
        && let Some(month) = MONTHS.iter().position(|month| *month == text(first))
    {
        let day = number(text(second)).unwrap_or(1) as u8;
        return Header { message: rest.start, level: None, time: clock(2015, month as u8 + 1, day, text(third)) };
    }
    let mut level = None;
    let mut message = 0;
    for word in words.iter().take(10) {
        let bare: Vec<u8> = text(word).iter().copied().filter(u8::is_ascii_alphabetic).collect();
        if level.is_none()
            && bare.len() >= 4
            && bare.len() + 3 >= text(word).len()
            && bare.iter().all(|b| b.is_ascii_uppercase() || text(word).starts_with(b"["))
        {
            level = Level::from_word(&bare);
            if level.is_some() {
                message = word.end + 1;
                break;
            }
        }
    }
    if level.is_none() {
        message = words.iter().find(|word| !is_stamp(text(word))).map_or(0, |word| word.start);
    }
    let time = epoch(line).or_else(|| stamp(line));
    Header { message: message.min(line.len()), level, time }
}

/// The time of a line that starts with seconds since 1970.
fn epoch(line: &[u8]) -> Option<Timestamp> {
    let word = line.split(|byte| *byte == b' ').next()?;
    (word.len() == 10).then(|| number(word)).flatten().and_then(|seconds| Timestamp::from_seconds(seconds, 0))
}

/// The time of a line with `2015-10-18 18:01:47`, `081109 203530` or `17/06/09 20:10:40` in its first 80 bytes.
fn stamp(line: &[u8]) -> Option<Timestamp> {
    let digits: Vec<u8> = line
        .iter()
        .copied()
        .take(80)
        .take_while(|b| b.is_ascii_digit() || b" -/:,.T".contains(b))
        .filter(u8::is_ascii_digit)
        .collect();
    let two = |at: usize| digits.get(at..at + 2).and_then(number).map(|value| value as u8);
    let (year, at) = if digits.starts_with(b"20") && digits.len() >= 14 {
        (number(digits.get(..4)?)? as i32, 4)
    } else {
        (2000 + i32::from(two(0)?), 2)
    };
    Timestamp::from_civil(year, two(at)?, two(at + 2)?, two(at + 4)?, two(at + 6)?, two(at + 8)?, 0)
}

fn clock(year: i32, month: u8, day: u8, text: &[u8]) -> Option<Timestamp> {
    let mut parts = text.split(|byte| *byte == b':').map(|part| number(part).unwrap_or(0) as u8);
    Timestamp::from_civil(year, month, day, parts.next()?, parts.next()?, parts.next()?, 0)
}

fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn words(line: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        while line.get(at).is_some_and(|byte| *byte == b' ') {
            at += 1;
        }
        let start = at;
        while line.get(at).is_some_and(|byte| *byte != b' ') {
            at += 1;
        }
        (at > start).then_some(start..at)
    })
}

/// Reads a line of an access log (common or combined) into fields; `None` where it is none.
fn read_access(line: &[u8], fields: &mut FieldSet) -> Option<Option<Timestamp>> {
    let open = line.iter().position(|byte| *byte == b'[')?;
    let quote = line.iter().position(|byte| *byte == b'"')?;
    let address = line.iter().position(|byte| *byte == b' ')?;
    if open > quote || address > open || !line.get(..address)?.iter().any(u8::is_ascii_digit) || quote - open > 40 {
        return None;
    }
    let end = |from: usize| {
        let mut at = from;
        while line.get(at).is_some_and(|byte| *byte != b'"') {
            at += if line.get(at) == Some(&b'\\') { 2 } else { 1 };
        }
        at.min(line.len())
    };
    let request = quote + 1..end(quote + 1);
    let method = request.start + line.get(request.clone())?.iter().position(|byte| *byte == b' ')?;
    let target_end = line.get(..request.end)?.iter().rposition(|byte| *byte == b' ')?.max(method + 1);
    let status = request.end + 2..request.end + 5;
    if !line.get(status.clone())?.iter().all(u8::is_ascii_digit) {
        return None;
    }
    fields.push_raw("source_ip", 0..address);
    fields.push_raw("method", request.start..method);
    fields.push_raw("path", method + 1..target_end);
    fields.push_raw("status", status.clone());
    if let Some(first) = line.get(status.end..)?.iter().position(|byte| *byte == b'"') {
        let referer = status.end + first + 1..end(status.end + first + 1);
        let agent = referer.end + 3..end(referer.end + 3);
        fields.push_raw("referer", referer);
        fields.push_raw("user_agent", agent);
    }
    let stamp = line.get(open + 1..open + 21)?;
    let month = MONTHS.iter().position(|month| stamp.get(3..6) == Some(*month)).unwrap_or(0) as u8 + 1;
    let year = number(stamp.get(7..11)?)? as i32;
    Some(clock(year, month, number(stamp.get(..2)?)? as u8, stamp.get(12..)?))
}
