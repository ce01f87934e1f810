//! Names of fields: the common ones and the aliases that mean them.

/// The common names; a parser uses these wherever a value means the same thing, and its own names elsewhere.
pub const COMMON_FIELDS: &[&str] = &[
    "time",
    "level",
    "level_raw",
    "source",
    "source_ip",
    "user",
    "host",
    "app",
    "pid",
    "event_type",
    "status",
    "method",
    "path",
    "bytes",
    "user_agent",
    "message",
];

/// The name a field goes by in the archive and in queries: lower case, aliases resolved.
pub fn canonical_name(name: &str) -> String {
    let lower = name.to_lowercase();
    match lower.as_str() {
        "message_raw" | "msg" => "message".to_owned(),
        "timestamp" | "_time" | "@timestamp" => "time".to_owned(),
        "severity" => "level".to_owned(),
        "ip" => "source_ip".to_owned(),
        _ => lower,
    }
}
