//! Which records a rule is about: log sources as rules name them, and how a record shows that it is of one.

use super::logsource::CATEGORIES;

/// Fields that tell the kind of a record; they are always kept, in this order, behind the record's text (slot 0).
pub(super) const TELLING: &[&str] = &[
    "",
    "channel",
    "eventid",
    "provider_name",
    "app",
    "method",
    "path",
    "type",
    "image",
    "commandline",
    "targetfilename",
    "a0",
    "uid",
    "eventsource",
    "status",
    "cs-uri-query",
    "c-uri",
    "security_protocol",
    "_path",
];
pub(super) const TEXT: usize = 0;
const CHANNEL: usize = 1;
const EVENT_ID: usize = 2;
const PROVIDER: usize = 3;
const APP: usize = 4;
const METHOD: usize = 5;
const PATH: usize = 6;
const TYPE: usize = 7;
const IMAGE: usize = 8;
const COMMAND: usize = 9;
const FILE: usize = 10;
const ARGUMENT: usize = 11;
const UID: usize = 12;
const EVENT_SOURCE: usize = 13;
const STATUS: usize = 14;
const QUERY: usize = 15;
const RDP: usize = 17;
const ZEEK_LOG: usize = 18;

/// A log of Windows that categories are written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Log {
    Sysmon,
    Security,
    PowerShell,
    Classic,
}

/// A system that writes the events of a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum System {
    Windows,
    Linux,
    Mac,
    Any,
}

/// Tells whether a record is of a log source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Gate {
    /// Every record: the log source is none that is known here.
    Any,
    /// Events of Windows.
    Windows,
    /// A channel of Windows: letters and digits of its name, and whether it is all of it.
    Channel(String, bool),
    /// Events of a category, or of programs that write such without number.
    Category(usize, System),
    /// The Linux audit system.
    Audit,
    /// Requests to a web server.
    Web,
    /// Requests through a proxy.
    Proxy,
    /// Programs on Unix that write to syslog, by name; empty: all.
    Syslog(&'static [&'static str]),
    /// Text that is neither of Windows nor of the audit system nor a request.
    Text,
    /// Named fields, neither of Windows nor of the audit system nor a request.
    Named,
    /// Text of network devices that name themselves in one of these ways.
    Device(&'static [&'static str]),
    /// AWS CloudTrail.
    CloudTrail,
    /// Zeek, its log of this name.
    Zeek(String),
}

/// Letters and digits in lower case.
pub(super) fn letters(text: &[u8]) -> String {
    text.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(|byte| char::from(byte.to_ascii_lowercase())).collect()
}

/// What a record shows of itself: the values of the [`TELLING`] fields, in lower case, and its format.
pub(super) trait Facts {
    /// The first value of a telling field.
    fn first(&self, telling: usize) -> Option<&[u8]>;
    /// Whether a telling field has this value.
    fn has(&self, telling: usize, value: &[u8]) -> bool;
    /// Name of the format.
    fn format(&self) -> &str;
}

impl Gate {
    /// Whether a record is of the log source.
    pub fn lets(&self, facts: &impl Facts) -> bool {
        match self {
            Gate::Any => true,
            Gate::Windows => is_windows(facts),
            Gate::Channel(name, whole) => is_channel(facts, name, *whole),
            Gate::Category(category, system) => is_event(facts, *category, *system),
            Gate::Audit => is_audit(facts),
            Gate::Web => is_request(facts),
            Gate::Proxy => is_proxied(facts),
            Gate::Syslog(apps) => is_text(facts) && is_app(facts, apps) || apps.contains(&facts.format()),
            Gate::Text => is_text(facts),
            Gate::Named => is_text(facts) && !is_plain(facts.format()),
            Gate::CloudTrail => facts.first(EVENT_SOURCE).is_some(),
            Gate::Device(names) => is_text(facts) && is_device(facts, names),
            Gate::Zeek(log) => is_zeek(facts, log),
        }
    }
}

fn is_windows(facts: &impl Facts) -> bool {
    facts.first(CHANNEL).is_some()
        || facts.first(EVENT_ID).is_some_and(|id| id.iter().all(u8::is_ascii_digit))
        || facts.first(PROVIDER).is_some()
        || is_bare(facts, System::Windows)
}

fn is_channel(facts: &impl Facts, name: &str, whole: bool) -> bool {
    let fits = |text: &[u8]| {
        let found = letters(text);
        if whole { found == name } else { found.contains(name) }
    };
    match facts.first(CHANNEL) {
        Some(channel) => fits(channel),
        // Without a channel the provider tells, where it can.
        None => match facts.first(PROVIDER) {
            Some(provider) if name == "security" => letters(provider).contains("securityauditing"),
            Some(provider) => matches!(name, "system" | "application") || fits(provider),
            None => is_windows(facts) && facts.first(EVENT_ID).is_some(),
        },
    }
}

/// Whether the record is an event of a category on a system.
fn is_event(facts: &impl Facts, category: usize, system: System) -> bool {
    let linux =
        [CHANNEL, PROVIDER].iter().filter_map(|field| facts.first(*field)).any(|name| letters(name).contains("linux"));
    let fits = match system {
        System::Windows => !linux,
        System::Linux => linux,
        System::Mac => false,
        System::Any => true,
    };
    let audited = || matches!(system, System::Linux | System::Any) && is_audited(facts);
    fits && is_of(facts, category) || is_bare(facts, system) || audited()
}

/// Whether the record is an event of a category by its number.
fn is_of(facts: &impl Facts, category: usize) -> bool {
    let events = CATEGORIES.get(category).map_or(&[][..], |(_, events)| *events);
    events.iter().any(|(log, ids)| ids.iter().any(|id| facts.has(EVENT_ID, id.as_bytes())) && is_log(facts, *log))
}

fn is_log(facts: &impl Facts, log: Log) -> bool {
    let fits = |text: &[u8]| {
        let name = letters(text);
        match log {
            Log::Sysmon => name.contains("sysmon"),
            Log::Security => name == "security" || name.contains("securityauditing"),
            Log::PowerShell => name.contains("powershell") && name != "windowspowershell",
            Log::Classic => name == "windowspowershell" || name == "powershell",
        }
    };
    match (facts.first(CHANNEL), facts.first(PROVIDER)) {
        (None, None) => true,
        (channel, provider) => [channel, provider].into_iter().flatten().any(fits),
    }
}

/// Events of programs that write the fields of Sysmon without its numbers.
fn is_bare(facts: &impl Facts, system: System) -> bool {
    [CHANNEL, EVENT_ID, PROVIDER, TYPE].iter().all(|field| facts.first(*field).is_none())
        && [IMAGE, COMMAND, FILE].iter().any(|field| facts.first(*field).is_some())
        && !is_request(facts)
        && is_path_of(facts, system)
}

/// Whether paths are written as on that system; other text may be of any.
fn is_path_of(facts: &impl Facts, system: System) -> bool {
    let mut paths = [IMAGE, FILE, COMMAND].iter().filter_map(|field| facts.first(*field));
    match system {
        System::Windows => !paths.any(|path| path.starts_with(b"/")),
        System::Linux | System::Mac => !paths.any(|path| memchr::memchr(b'\\', path).is_some()),
        System::Any => true,
    }
}

fn is_audit(facts: &impl Facts) -> bool {
    facts.format() == "audit" || facts.first(ARGUMENT).is_some() || facts.first(TYPE).is_some_and(is_audit_type)
}

fn is_audit_type(kind: &[u8]) -> bool {
    [&b"execve"[..], b"syscall", b"path", b"cwd", b"proctitle", b"user_", b"service_", b"cred_", b"anom_", b"config_"]
        .iter()
        .any(|known| kind.starts_with(known))
}

fn is_audited(facts: &impl Facts) -> bool {
    is_audit(facts) && (facts.first(IMAGE).is_some() || facts.first(COMMAND).is_some())
}

fn is_request(facts: &impl Facts) -> bool {
    let method = facts.first(METHOD).is_some() || facts.format() == "w3c";
    let target = facts.first(PATH).is_some() || facts.first(QUERY).is_some();
    target && (method || facts.first(STATUS).is_some())
}

/// Proxies log whole addresses; servers log paths.
fn is_proxied(facts: &impl Facts) -> bool {
    let whole = |target: &[u8]| memchr::memmem::find(target, b"://").is_some_and(|at| at < 8);
    facts.format() == "squid"
        || facts.has(METHOD, b"connect")
        || is_request(facts) && facts.first(PATH).is_some_and(whole)
        || facts.format() == "zeek" && is_request(facts)
}

/// A device's vendor by name, or the mark of Cisco's messages: `%FACILITY-3-MNEMONIC`.
fn is_device(facts: &impl Facts, names: &[&str]) -> bool {
    let Some(text) = facts.first(TEXT) else { return false };
    let marked = || {
        memchr::memchr_iter(b'%', text).any(|at| {
            let mut parts = text.get(at + 1..).unwrap_or_default().splitn(3, |byte| *byte == b'-');
            let (facility, level) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let named = facility.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
            facility.len() >= 2 && named && matches!(level, [b'0'..=b'7']) && parts.next().is_some()
        })
    };
    names.iter().any(|name| memchr::memmem::find(text, name.as_bytes()).is_some())
        || names.contains(&"cisco") && marked()
}

/// Zeek's logs, by their format or the ids of connections; `path` names the log where it is there.
fn is_zeek(facts: &impl Facts, log: &str) -> bool {
    let named = facts.first(ZEEK_LOG);
    let zeek = facts.format() == "zeek" || named.is_some() || facts.first(UID).is_some_and(|uid| uid.len() >= 14);
    let fits = named.is_none_or(|named| log.is_empty() || named == log.as_bytes());
    zeek && fits && (log != "rdp" || facts.first(RDP).is_some())
}

fn is_text(facts: &impl Facts) -> bool {
    !is_windows(facts) && !is_audit(facts) && !is_request(facts)
}

fn is_plain(format: &str) -> bool {
    matches!(format, "generic" | "unknown" | "header" | "log4j" | "bracketed")
}

/// Whether a program is one of these; `su` and `su[12]` are, `sum` is not, and any is where there are none to choose from.
fn is_app(facts: &impl Facts, apps: &[&str]) -> bool {
    let Some(app) = facts.first(APP) else { return apps.is_empty() };
    let name = app.rsplit(|byte| *byte == b'/').next().unwrap_or(app);
    apps.is_empty()
        || apps.iter().any(|known| name == known.as_bytes() || known.len() > 3 && name.starts_with(known.as_bytes()))
}
