//! The table of known formats, in the order in which a line of unknown format is tried against them.

use crate::model::Layout;

use super::draft::Draft;
use super::{
    access, cluster, daemon, device, event_format, generic, json, leveled, pairs, postgres, syslog, table, web_error,
};

/// Reads one record; false (and whatever it left in the draft is dropped) where the record is of another format.
pub(super) type Cut = fn(&Layout, &[u8], &mut Draft) -> bool;

/// How lines become records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    /// Every line is a record, but for stack frames and the like.
    Line,
    /// A record begins with a stamp; other lines belong to the record before them.
    Block,
    /// Every line is a record, whatever it looks like.
    Row,
    /// Objects are records, wherever the lines end.
    Json,
}

/// A built-in format.
pub(super) struct Format {
    /// As users and layouts name it.
    pub name: &'static str,
    /// How it reads a record.
    pub cut: Cut,
    /// How its lines become records.
    pub frame: Frame,
}

const fn format(name: &'static str, cut: Cut, frame: Frame) -> Format {
    Format { name, cut, frame }
}

/// The formats, strict ones first; the last two take what is left.
pub(super) static FORMATS: &[Format] = &[
    format("events-csv", table::events, Frame::Block),
    format("json", json::cut, Frame::Json),
    format("zeek", table::zeek, Frame::Row),
    format("w3c", table::w3c, Frame::Row),
    format("csv", table::csv, Frame::Row),
    format("access", access::cut, Frame::Line),
    format("apache-error", web_error::apache, Frame::Line),
    format("nginx-error", web_error::nginx, Frame::Line),
    format("squid", web_error::squid, Frame::Line),
    format("syslog-5424", syslog::modern, Frame::Line),
    format("cef", event_format::cut, Frame::Line),
    format("audit", pairs::audit, Frame::Line),
    format("logfmt", pairs::logfmt, Frame::Line),
    format("glog", daemon::glog, Frame::Line),
    format("cri", daemon::cri, Frame::Line),
    format("logcat", device::logcat, Frame::Line),
    format("healthapp", device::healthapp, Frame::Line),
    format("proxifier", device::proxifier, Frame::Line),
    format("cbs", device::cbs, Frame::Block),
    format("bgl", cluster::bgl, Frame::Line),
    format("thunderbird", cluster::thunderbird, Frame::Line),
    format("hpc", cluster::hpc, Frame::Line),
    format("hdfs", leveled::hdfs, Frame::Block),
    format("spark", leveled::spark, Frame::Block),
    format("openstack", cluster::openstack, Frame::Line),
    format("fail2ban", daemon::fail2ban, Frame::Block),
    format("postgres", postgres::cut, Frame::Block),
    format("log4j", leveled::log4j, Frame::Block),
    format("bracketed", leveled::bracketed, Frame::Block),
    format("twisted", daemon::twisted, Frame::Block),
    format("compose", daemon::compose, Frame::Line),
    format("python", daemon::python, Frame::Line),
    format("syslog", syslog::classic, Frame::Line),
    format("syslog-bare", syslog::bare, Frame::Line),
    format(GENERIC, generic::stamped, Frame::Line),
    format(UNKNOWN, generic::unknown, Frame::Line),
    format(HEADER, generic::unknown, Frame::Row),
];

/// Name of the format of lines that have a stamp and no other known shape.
pub(super) const GENERIC: &str = "generic";

/// Name of the format of all other lines.
pub(super) const UNKNOWN: &str = "unknown";

/// Name of the format of header and comment lines of tables.
pub(super) const HEADER: &str = "header";

/// The format of a name.
pub(super) fn named(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// Whether a format takes whatever others leave, so that others go first.
pub(super) fn is_lax(name: &str) -> bool {
    matches!(name, GENERIC | UNKNOWN)
}

/// Whether a record must be of a table whose columns are known before it can be read.
pub(super) fn is_table(name: &str) -> bool {
    matches!(name, "zeek" | "w3c" | "csv")
}
