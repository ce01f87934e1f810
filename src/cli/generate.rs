//! `logguard generate`: synthetic lines to a file, all at once or in real time.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

use super::Outcome;
use super::args::{Generate, GenerateFormat};
use super::outcome::note;
use crate::generate::{Format, GenerateConfig, Generator, Truth};
use crate::report::{bytes, count};

/// Runs the command.
pub fn run(command: &Generate) -> anyhow::Result<Outcome> {
    let defaults = GenerateConfig::default();
    let config = GenerateConfig {
        format: match command.format {
            GenerateFormat::Csv => Format::Csv,
            GenerateFormat::Combined => Format::Combined,
            GenerateFormat::Syslog => Format::Syslog,
            GenerateFormat::Json => Format::Json,
        },
        lines: command.lines,
        // Test mode is for short files: more happens in them.
        anomaly_rate: if command.test_mode { command.anomaly_rate.max(0.3) } else { command.anomaly_rate },
        test_mode: command.test_mode,
        seed: command.seed,
        start: command.start.unwrap_or(defaults.start),
        rate: command.rate.unwrap_or(defaults.rate),
    };
    let mut out = create(&command.output)?;
    let mut truth = command.truth.as_deref().map(create).transpose()?;
    let mut generator = Generator::new(config);
    if command.forever {
        return forever(command, &mut generator, &mut out, &mut truth);
    }
    let started = std::time::Instant::now();
    let (mut buffer, mut written, mut anomalous) = (Vec::with_capacity(1 << 16), 0u64, 0u64);
    for number in 1..=command.lines {
        let told = generator.next_line(&mut buffer);
        anomalous += u64::from(told.label != "normal");
        tell(&mut truth, number, told)?;
        if buffer.len() > 60_000 || number == command.lines {
            written += buffer.len() as u64;
            out.write_all(&buffer).with_context(|| format!("writing {}", command.output.display()))?;
            buffer.clear();
        }
    }
    out.flush().with_context(|| format!("writing {}", command.output.display()))?;
    if let Some(truth) = &mut truth {
        truth.flush().context("writing the file of truth")?;
    }
    note(&format!(
        "{} ({}, {} of injected scenarios) to {} in {:.2} s",
        count(command.lines, "line"),
        bytes(written),
        anomalous,
        command.output.display(),
        started.elapsed().as_secs_f64()
    ));
    Ok(Outcome::Done)
}

type Output = Box<dyn Write>;

fn create(path: &Path) -> anyhow::Result<Output> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(BufWriter::new(std::io::stdout())));
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).with_context(|| format!("making the folder {}", parent.display()))?;
    }
    let file = File::create(path).with_context(|| format!("writing {}", path.display()))?;
    Ok(Box::new(BufWriter::with_capacity(1 << 16, file)))
}

fn tell(truth: &mut Option<Output>, number: u64, told: Truth) -> anyhow::Result<()> {
    if let Some(truth) = truth {
        let mut line = Vec::new();
        told.write(number, &mut line);
        truth.write_all(&line).context("writing the file of truth")?;
    }
    Ok(())
}

fn forever(
    command: &Generate,
    generator: &mut Generator,
    out: &mut Output,
    truth: &mut Option<Output>,
) -> anyhow::Result<Outcome> {
    let stopped = Arc::new(AtomicBool::new(false));
    let wish = Arc::clone(&stopped);
    ctrlc::set_handler(move || wish.store(true, Ordering::Relaxed)).context("watching for Ctrl-C")?;
    note(&format!("a line every {:?} to {} (Ctrl-C ends)", command.interval, command.output.display()));
    let mut number = 0u64;
    let mut line = Vec::new();
    while !stopped.load(Ordering::Relaxed) {
        number += 1;
        line.clear();
        let told = generator.next_line_at(crate::engine::machine_clock(), &mut line);
        out.write_all(&line)
            .and_then(|()| out.flush())
            .with_context(|| format!("writing {}", command.output.display()))?;
        tell(truth, number, told)?;
        if let Some(truth) = truth {
            truth.flush().context("writing the file of truth")?;
        }
        std::thread::sleep(command.interval);
    }
    note(&format!("{} written", count(number, "line")));
    Ok(Outcome::Done)
}
