//! Events -> lines of one form or another.

use std::io::Write;

use super::Format;
use super::event::{Event, Request};
use crate::model::{Level, Timestamp};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Appends one line with its end.
pub fn line(event: &Event, format: Format, time: Timestamp, out: &mut Vec<u8>) {
    // Writing to a vector can't fail.
    let _ = match format {
        Format::Csv => csv(event, time, out),
        Format::Combined => combined(event, time, out),
        Format::Syslog => syslog(event, time, out),
        Format::Json => json(event, time, out),
    };
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Trace => "TRACE",
        Level::Debug => "DEBUG",
        Level::Info => "INFO",
        Level::Notice => "NOTICE",
        Level::Warn => "WARN",
        Level::Error => "ERROR",
        Level::Critical => "CRITICAL",
        Level::Alert => "ALERT",
        Level::Emergency => "EMERG",
    }
}

fn csv(event: &Event, time: Timestamp, out: &mut Vec<u8>) -> std::io::Result<()> {
    let (year, month, day, hour, minute, second) = time.civil();
    write!(
        out,
        "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02},{},{},",
        level_name(event.level),
        event.kind
    )?;
    address(event.source_ip, out)?;
    writeln!(out, ",{},{},{}", event.target, event.status, event.message)
}

fn combined(event: &Event, time: Timestamp, out: &mut Vec<u8>) -> std::io::Result<()> {
    let (year, month, day, hour, minute, second) = time.civil();
    let month = MONTHS.get(usize::from(month) - 1).copied().unwrap_or("Jan");
    address(event.source_ip, out)?;
    // An event without a request of its own is seen by the web server as one of its pages.
    let made_up = || Request {
        method: "POST",
        path: format!("/internal/{}/{}", event.service, event.kind.to_lowercase()),
        status: match event.status {
            "SUCCESS" => 200,
            "DENIED" => 403,
            _ if event.service == "auth" => 401,
            _ => 500,
        },
        bytes: 64 + event.message.len() as u64,
        agent: "internal/1.0",
    };
    let request = event.request.clone().unwrap_or_else(made_up);
    let user = if event.user == "system" { "-" } else { event.user };
    writeln!(
        out,
        " - {user} [{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000] \"{} {} HTTP/1.1\" {} {} \"-\" \"{}\"",
        request.method, request.path, request.status, request.bytes, request.agent
    )
}

fn syslog(event: &Event, time: Timestamp, out: &mut Vec<u8>) -> std::io::Result<()> {
    let (_, month, day, hour, minute, second) = time.civil();
    let month = MONTHS.get(usize::from(month) - 1).copied().unwrap_or("Jan");
    write!(
        out,
        "{month} {day:>2} {hour:02}:{minute:02}:{second:02} {} {}[{}]: ",
        event.host, event.service, event.pid
    )?;
    write!(out, "{}: {} from ", level_name(event.level), event.message)?;
    address(event.source_ip, out)?;
    writeln!(out, " status {}", event.status)
}

fn json(event: &Event, time: Timestamp, out: &mut Vec<u8>) -> std::io::Result<()> {
    let (year, month, day, hour, minute, second) = time.civil();
    let millis = time.subsec_nanos() / 1_000_000;
    write!(
        out,
        "{{\"ts\":\"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z\",\"level\":\""
    )?;
    write!(
        out,
        "{}\",\"service\":\"{}\",\"host\":\"{}\",\"event_type\":\"{}\",\"source_ip\":\"",
        level_name(event.level).to_lowercase(),
        event.service,
        event.host,
        event.kind
    )?;
    address(event.source_ip, out)?;
    write!(out, "\",\"user\":{{\"name\":\"{}\"}},\"status\":\"{}\"", event.user, event.status)?;
    if let Some(request) = &event.request {
        write!(
            out,
            ",\"http\":{{\"method\":\"{}\",\"path\":\"{}\",\"status\":{},\"bytes\":{}}}",
            request.method, request.path, request.status, request.bytes
        )?;
    }
    writeln!(out, ",\"target\":\"{}\",\"msg\":\"{}\"}}", event.target, event.message)
}

fn address([a, b, c, d]: [u8; 4], out: &mut Vec<u8>) -> std::io::Result<()> {
    write!(out, "{a}.{b}.{c}.{d}")
}
