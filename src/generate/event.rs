//! One event before it is written, and the four forms in which it is written.

use std::io::Write;

use crate::model::Timestamp;

use super::Format;

/// An event; its buffers are used again.
#[derive(Debug, Clone, Default)]
pub(super) struct Event {
    pub(super) level: &'static str,
    pub(super) kind: &'static str,
    pub(super) status: &'static str,
    pub(super) ip: [u8; 4],
    pub(super) app: &'static str,
    pub(super) agent: &'static str,
    pub(super) bytes: u32,
    /// Never holds a comma or a quote, so that a line of CSV needs no quoting.
    pub(super) target: Vec<u8>,
    /// As `target`.
    pub(super) message: Vec<u8>,
}

impl Event {
    /// Forgets the event before.
    pub(super) fn begin(&mut self, ip: [u8; 4], app: &'static str) {
        self.ip = ip;
        self.app = app;
        self.agent = "Mozilla/5.0";
        self.bytes = 512;
        self.target.clear();
        self.message.clear();
    }

    pub(super) fn set(&mut self, level: &'static str, kind: &'static str, status: &'static str) {
        self.level = level;
        self.kind = kind;
        self.status = status;
    }

    /// Appends the event as one line with `\n`.
    pub(super) fn write(&self, format: Format, clock: &mut Clock, time: Timestamp, out: &mut Vec<u8>) {
        clock.set(time);
        match format {
            Format::Csv => {
                out.extend_from_slice(&clock.iso);
                for part in [self.level, self.kind] {
                    out.push(b',');
                    out.extend_from_slice(part.as_bytes());
                }
                out.push(b',');
                address(self.ip, out);
                for part in [self.target.as_slice(), self.status.as_bytes(), &self.message] {
                    out.push(b',');
                    out.extend_from_slice(part);
                }
            }
            Format::Combined => self.combined(clock, out),
            Format::Syslog => {
                out.extend_from_slice(clock.month());
                let (_, _, day, ..) = clock.civil;
                // Writing to memory can't fail.
                let _ = write!(out, " {day:>2} ");
                out.extend_from_slice(clock.iso.get(11..).unwrap_or_default());
                let _ = write!(out, " host{:02} {}[{}]: ", self.ip[3] % 8, self.app, 1_000 + u32::from(self.ip[3]) * 7);
                out.extend_from_slice(&self.message);
                out.extend_from_slice(b" from ");
                address(self.ip, out);
            }
            Format::Json => self.json(clock, out),
        }
        out.push(b'\n');
    }

    fn combined(&self, clock: &Clock, out: &mut Vec<u8>) {
        let code = match self.status {
            "SUCCESS" => 200,
            "DENIED" => 403,
            "TIMEOUT" => 504,
            _ if self.kind.starts_with("LOGIN") => 401,
            _ => 500,
        };
        let (year, _, day, ..) = clock.civil;
        address(self.ip, out);
        let _ = write!(out, " - - [{day:02}/");
        out.extend_from_slice(clock.month());
        let _ = write!(out, "/{year}:");
        out.extend_from_slice(clock.iso.get(11..).unwrap_or_default());
        out.extend_from_slice(if self.kind.starts_with("LOGIN") { b" +0000] \"POST " } else { b" +0000] \"GET " });
        if self.target.first() != Some(&b'/') {
            out.push(b'/');
            out.extend(self.kind.bytes().map(|b| b.to_ascii_lowercase()));
            out.push(b'/');
        }
        out.extend_from_slice(&self.target);
        let _ = write!(out, " HTTP/1.1\" {code} {} \"-\" \"{}\"", self.bytes, self.agent);
    }

    fn json(&self, clock: &Clock, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"ts\":\"");
        out.extend_from_slice(clock.iso.get(..10).unwrap_or_default());
        out.push(b'T');
        out.extend_from_slice(clock.iso.get(11..).unwrap_or_default());
        let _ = write!(out, "Z\",\"level\":\"{}\",\"event_type\":\"{}\",\"source_ip\":\"", self.level, self.kind);
        address(self.ip, out);
        out.extend_from_slice(b"\",\"target_resource\":\"");
        escaped(&self.target, out);
        let _ = write!(out, "\",\"status\":\"{}\",\"bytes\":{},\"message\":\"", self.status, self.bytes);
        escaped(&self.message, out);
        out.extend_from_slice(b"\"}");
    }
}

fn address(ip: [u8; 4], out: &mut Vec<u8>) {
    for (position, part) in ip.into_iter().enumerate() {
        if position > 0 {
            out.push(b'.');
        }
        if part >= 100 {
            out.push(b'0' + part / 100);
        }
        if part >= 10 {
            out.push(b'0' + part / 10 % 10);
        }
        out.push(b'0' + part % 10);
    }
}

fn escaped(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
}

/// The last second that was written, in digits: most lines share it with the line before.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    second: i64,
    /// `2026-11-20 10:00:00`
    iso: Vec<u8>,
    civil: (i32, u8, u8, u8, u8, u8),
}

impl Clock {
    pub(super) fn new() -> Clock {
        Clock { second: i64::MIN, iso: Vec::with_capacity(20), civil: (1970, 1, 1, 0, 0, 0) }
    }

    fn set(&mut self, time: Timestamp) {
        if time.seconds() == self.second {
            return;
        }
        self.second = time.seconds();
        self.civil = time.civil();
        let (year, month, day, hour, minute, second) = self.civil;
        self.iso.clear();
        let _ = write!(self.iso, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
    }

    fn month(&self) -> &'static [u8] {
        const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
        MONTHS.chunks(3).nth(usize::from(self.civil.1.saturating_sub(1))).unwrap_or_default()
    }
}
