//! Which fields of a record a rule's field means: the same name in lower case, without what exporters put around it, and others.

/// How a field gives its value to a rule's field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    /// As it is.
    Whole,
    /// The target of a request: as it is, and what follows its question mark.
    Query,
    /// The target of a request without its query.
    Stem,
    /// What follows the last dot of the target's path.
    Extension,
}

/// What exporters of Windows events, and clouds, put before the names of fields.
const PREFIXES: &[&str] = &[
    "event.eventdata.",
    "event.system.",
    "winlog.event_data.",
    "winlog.user_data.",
    "winlog.",
    "data.win.eventdata.",
    "data.win.system.",
    "eventdata.",
    "event_data.",
    "system.",
    "properties.",
    "data.",
];

/// The same, followed by a name that differs from event to event.
const WITH_NAME: &[&str] = &["event.userdata.", "userdata."];

/// The shorter name of a record's field, where there is one.
pub(super) fn stripped(name: &str) -> Option<&str> {
    let plain = name.strip_suffix(".#text").unwrap_or(name);
    let prefix = PREFIXES.iter().find_map(|prefix| plain.strip_prefix(prefix));
    let named = || {
        let rest = WITH_NAME.iter().find_map(|prefix| plain.strip_prefix(prefix))?;
        rest.split_once('.').map(|(_, rest)| rest)
    };
    prefix.or_else(named).or((plain.len() < name.len()).then_some(plain)).filter(|short| !short.is_empty())
}

/// Names of records' fields, other than its own, that feed a rule's field.
pub(super) fn others(field: &str) -> &'static [(&'static str, Take)] {
    use Take::{Extension, Query, Stem, Whole};
    match field {
        "eventid" => &[("event_id", Whole), ("event.code", Whole), ("eventcode", Whole)],
        "provider_name" => &[
            ("provider.#attributes.name", Whole),
            ("event.system.provider.#attributes.name", Whole),
            ("provider.name", Whole),
            ("providername", Whole),
            ("sourcename", Whole),
            ("source_name", Whole),
        ],
        "channel" => &[("log_name", Whole), ("logname", Whole)],
        "level" => &[("level_raw", Whole)],
        "type" | "record_type" => &[("event_type", Whole)],
        "image" => &[("newprocessname", Whole), ("exe", Whole), ("process.executable", Whole), ("application", Whole)],
        "parentimage" => {
            &[("parentprocessname", Whole), ("creatorprocessname", Whole), ("process.parent.executable", Whole)]
        }
        "commandline" => &[("processcommandline", Whole), ("process.command_line", Whole), ("proctitle", Whole)],
        "parentcommandline" => &[("process.parent.command_line", Whole)],
        "originalfilename" => &[("process.pe.original_file_name", Whole)],
        "targetfilename" => &[("file.path", Whole)],
        "user" => &[("subjectusername", Whole), ("username", Whole)],
        "destinationip" => &[("destaddress", Whole), ("destination.ip", Whole)],
        "destinationport" => &[("destport", Whole), ("destination.port", Whole)],
        "sourceip" => &[("sourceaddress", Whole), ("source_ip", Whole)],
        "destinationhostname" => &[("destination.domain", Whole)],
        "cs-uri-query" | "c-uri-query" => &[("path", Query), ("query_string", Whole), ("query", Whole)],
        "c-uri" | "cs-uri" | "uri" | "url" => &[("path", Whole)],
        "cs-uri-stem" | "c-uri-stem" => &[("path", Stem)],
        "c-uri-extension" => &[("path", Extension)],
        "cs-method" | "c-method" => &[("method", Whole)],
        "sc-status" | "status_code" => &[("status", Whole)],
        "c-useragent" | "cs-user-agent" | "cs(user-agent)" => &[("user_agent", Whole), ("cs(user-agent)", Whole)],
        "cs-referer" | "cs-referrer" | "c-referer" => {
            &[("referer", Whole), ("referrer", Whole), ("http_referer", Whole), ("cs(referer)", Whole)]
        }
        "cs-cookie" => &[("cs(cookie)", Whole), ("cookie", Whole), ("http_cookie", Whole)],
        "cs-host" | "c-host" | "r-dns" => &[("host", Whole), ("cs(host)", Whole), ("http_host", Whole)],
        "cs-username" => &[("user", Whole)],
        "cs-content-type" => &[("content_type", Whole), ("cs(content-type)", Whole)],
        "c-ip" | "src_ip" | "id.orig_h" => &[("source_ip", Whole)],
        "dst_ip" | "id.resp_h" => &[("dest_ip", Whole), ("target_ip", Whole), ("destination.ip", Whole)],
        "dst_port" | "id.resp_p" => &[("dest_port", Whole), ("destination.port", Whole)],
        "gcp.audit.method_name" => &[("protopayload.methodname", Whole)],
        _ => &[],
    }
}

/// Hands on what `take` makes of a value.
pub(super) fn taken<'a>(take: Take, value: &'a [u8], mut each: impl FnMut(&'a [u8])) {
    let mark = memchr::memchr(b'?', value);
    let stem = mark.and_then(|mark| value.get(..mark)).unwrap_or(value);
    match take {
        Take::Whole => each(value),
        Take::Query => {
            each(value);
            if let Some(query) = mark.and_then(|mark| value.get(mark + 1..)) {
                each(query);
            }
        }
        Take::Stem => each(stem),
        Take::Extension => {
            let name = stem.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            if let Some(dot) = memchr::memrchr(b'.', name) {
                each(name.get(dot + 1..).unwrap_or_default());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exporters_add_is_taken_away() {
        assert_eq!(stripped("event.eventdata.image"), Some("image"));
        assert_eq!(stripped("event.userdata.eventxml.param1"), Some("param1"));
        assert_eq!(stripped("event.system.eventid.#text"), Some("eventid"));
        assert_eq!(stripped("image"), None);
    }

    #[test]
    fn targets_are_taken_in_parts() {
        let parts = |take| {
            let mut out = Vec::new();
            taken(take, b"/a/b.asp?x=1", |part| out.push(String::from_utf8_lossy(part).into_owned()));
            out
        };
        assert_eq!(parts(Take::Query), ["/a/b.asp?x=1", "x=1"]);
        assert_eq!(parts(Take::Stem), ["/a/b.asp"]);
        assert_eq!(parts(Take::Extension), ["asp"]);
    }
}
