//! Scores the lines of a file with the library: `score<TAB>novelty<TAB>flag` a line, to be held against labels.
//!
//! Every line is a record of its own, so that there is one score for each. `--why` adds rules and reasons,
//! `--incidents=0.001` a column of alerts raised at that budget, `--sessions=OUT` writes the ended sessions to a file,
//! `--passes=2` learns the whole file before it scores it, `--budget=0.01` sets the share of lines that may be flagged.

use logguard::detect::{Alert, DetectConfig, Detector, Event, Incidents};
use logguard::model::{Timestamp, Verdict};
use logguard::parse::{Hints, Parsed, Parser, Registry};
use logguard::template::Templater;
use std::io::{self, BufWriter, Write};
use std::time::UNIX_EPOCH;
use std::{env, fs};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().find_map(|argument| argument.strip_prefix(name));
    let why = arguments.iter().any(|argument| argument == "--why");
    let passes: u32 = value("--passes=").and_then(|passes| passes.parse().ok()).unwrap_or(1);
    let mut incidents = value("--incidents=").and_then(|budget| budget.parse().ok()).map(Incidents::new);
    let Some(path) = arguments.iter().find(|argument| !argument.starts_with("--")) else {
        return Err(io::Error::other("usage: score_lines [--why] [--NAME=VALUE] FILE"));
    };
    let mut config = DetectConfig::default();
    config.alert_budget = value("--budget=").and_then(|budget| budget.parse().ok()).unwrap_or(config.alert_budget);
    config.all_sessions = value("--sessions=").is_some();

    let bytes = fs::read(path)?;
    let modified = fs::metadata(path)?.modified()?.duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    let modified = Timestamp::from_seconds(modified.as_secs() as i64, 0);
    let hints = Hints { modified, ..Hints::default() };
    let sample = bytes.get(..256 * 1024).unwrap_or(&bytes);
    let (mut detector, mut templater) = (Detector::new(config), Templater::new());
    let (mut parsed, mut verdict) = (Parsed::default(), Verdict::default());
    let mut out = BufWriter::new(io::stdout().lock());
    for pass in 1..=passes {
        let mut parser = Parser::new(&Registry::builtin(), hints.clone(), sample).map_err(io::Error::other)?;
        for line in bytes.strip_suffix(b"\n").unwrap_or(&bytes).split(|byte| *byte == b'\n') {
            parser.parse(line, &mut parsed);
            let fields = parsed.fields.of(line);
            let message = fields.first("message").unwrap_or(line);
            let template = templater.cut(message);
            let (time, level) = (parsed.time, parsed.level);
            let event = Event { source: 0, raw: line, message, fields, time, level, template };
            detector.score(&event, &mut verdict);
            if pass < passes {
                continue;
            }
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
        if pass < passes {
            detector.take_sessions();
        }
    }
    if let Some(path) = value("--sessions=") {
        let mut out = BufWriter::new(fs::File::create(path)?);
        for session in detector.take_sessions() {
            writeln!(out, "{}\t{:.6}\t{}\t{}", session.name, session.score, u8::from(session.flagged), session.lines)?;
        }
    }
    writeln!(io::stderr(), "detector state: {:.1} MiB", detector.bytes() as f64 / f64::from(1 << 20))?;
    out.flush()
}
