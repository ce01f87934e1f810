//! Grok patterns as users of other tools write them: `%{IPORHOST:source_ip} …` becomes a regular expression with named groups.

/// The known patterns. They nest; none is recursive.
const PATTERNS: &[(&str, &str)] = &[
    ("WORD", r"\b\w+\b"),
    ("NOTSPACE", r"\S+"),
    ("SPACE", r"\s*"),
    ("DATA", r".*?"),
    ("GREEDYDATA", r"(?s:.*)"),
    ("INT", r"[+-]?\d+"),
    ("POSINT", r"\b[1-9]\d*\b"),
    ("NONNEGINT", r"\b\d+\b"),
    ("NUMBER", r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)"),
    ("BASE10NUM", r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)"),
    ("BASE16NUM", r"(?:0[xX])?[0-9a-fA-F]+"),
    ("BOOLEAN", r"(?i:true|false)"),
    ("USERNAME", r"[a-zA-Z0-9._-]+"),
    ("USER", r"[a-zA-Z0-9._-]+"),
    ("EMAILADDRESS", r"[a-zA-Z0-9._%+=:-]+@[a-zA-Z0-9.-]+"),
    ("QUOTEDSTRING", r#""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"#),
    ("QS", r#""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"#),
    ("UUID", r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    ("MAC", r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}"),
    ("IPV4", r"(?:\d{1,3}\.){3}\d{1,3}"),
    ("IPV6", r"[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*"),
    ("IP", r"(?:%{IPV6}|%{IPV4})"),
    ("HOSTNAME", r"[0-9A-Za-z](?:[0-9A-Za-z._-]*[0-9A-Za-z])?"),
    ("HOST", r"[0-9A-Za-z](?:[0-9A-Za-z._-]*[0-9A-Za-z])?"),
    ("IPORHOST", r"(?:%{IP}|%{HOSTNAME})"),
    ("HOSTPORT", r"%{IPORHOST}:%{POSINT}"),
    ("PATH", r"(?:%{UNIXPATH}|%{WINPATH})"),
    ("UNIXPATH", r"(?:/[^\s]*)+"),
    ("WINPATH", r"[A-Za-z]:(?:\\[^\\?*\s]*)+"),
    ("URIPROTO", r"[A-Za-z][A-Za-z0-9+.-]*"),
    ("URIPATH", r"/[^\s?#]*"),
    ("URIPARAM", r"\?[^\s#]*"),
    ("URIPATHPARAM", r"%{URIPATH}(?:%{URIPARAM})?"),
    ("URI", r"%{URIPROTO}://\S+"),
    ("MONTH", r"(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"),
    ("MONTHNUM", r"(?:0?[1-9]|1[0-2])"),
    ("MONTHDAY", r"(?:0?[1-9]|[12]\d|3[01])"),
    ("DAY", r"(?i:mon|tue|wed|thu|fri|sat|sun)[a-z]*"),
    ("YEAR", r"\d{4}"),
    ("HOUR", r"(?:[01]?\d|2[0-3])"),
    ("MINUTE", r"[0-5]\d"),
    ("SECOND", r"(?:[0-5]?\d|60)(?:[:.,]\d+)?"),
    ("TIME", r"%{HOUR}:%{MINUTE}(?::%{SECOND})?"),
    ("ISO8601_TIMEZONE", r"(?:Z|[+-]\d{2}:?\d{2})"),
    ("TIMESTAMP_ISO8601", r"%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{TIME}%{ISO8601_TIMEZONE}?"),
    ("SYSLOGTIMESTAMP", r"%{MONTH} +%{MONTHDAY} %{TIME}"),
    ("HTTPDATE", r"%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} [+-]\d{4}"),
    (
        "LOGLEVEL",
        r"(?i:trace|debug|info(?:rmation)?|notice|warn(?:ing)?|err(?:or)?|crit(?:ical)?|fatal|severe|alert|emerg(?:ency)?)",
    ),
    ("PROG", r"[\x21-\x5a\x5c\x5e-\x7e]+"),
    ("SYSLOGPROG", r"%{PROG:app}(?:\[%{POSINT:pid}\])?"),
    (
        "COMMONAPACHELOG",
        r#"%{IPORHOST:source_ip} %{NOTSPACE} %{NOTSPACE:user} \[%{HTTPDATE:time}\] "%{WORD:method} %{NOTSPACE:path}(?: HTTP/%{NUMBER})?" %{INT:status} (?:%{INT:bytes}|-)"#,
    ),
    ("COMBINEDAPACHELOG", r"%{COMMONAPACHELOG} %{QS:referer} %{QS:user_agent}"),
];

/// Deepest nesting of patterns, and longest expansion.
const MAX_DEPTH: usize = 8;
const MAX_LENGTH: usize = 64 << 10;

/// The regular expression of a grok text; an error names the unknown pattern.
pub(super) fn expand(grok: &str) -> Result<String, String> {
    let mut text = grok.to_owned();
    for _ in 0..MAX_DEPTH {
        let (next, changed) = once(&text)?;
        if !changed {
            return Ok(next);
        }
        if next.len() > MAX_LENGTH {
            return Err("the grok pattern is too long when expanded".to_owned());
        }
        text = next;
    }
    Err("the grok patterns nest too deeply".to_owned())
}

/// Replaces each `%{NAME}`, `%{NAME:field}` or `%{NAME:field:type}` once.
fn once(text: &str) -> Result<(String, bool), String> {
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    let mut changed = false;
    while let Some((before, inside)) = rest.split_once("%{") {
        let Some((reference, after)) = inside.split_once('}') else {
            return Err("a '%{' is not closed".to_owned());
        };
        let mut parts = reference.split(':');
        let name = parts.next().unwrap_or_default();
        let Some((_, pattern)) = PATTERNS.iter().find(|(known, _)| *known == name) else {
            return Err(format!("unknown grok pattern '{name}'"));
        };
        out.push_str(before);
        match parts.next().filter(|field| !field.is_empty()) {
            Some(field) => out.push_str(&format!("(?P<{}>{pattern})", group(field))),
            None => out.push_str(&format!("(?:{pattern})")),
        }
        rest = after;
        changed = true;
    }
    out.push_str(rest);
    Ok((out, changed))
}

/// A field's name as the name of a group: `[http][status]` is `http.status`.
fn group(field: &str) -> String {
    field
        .trim_matches(['[', ']'])
        .replace("][", ".")
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_expands_to_a_valid_expression() {
        for (name, _) in PATTERNS {
            let pattern = expand(&format!("%{{{name}:field}}")).unwrap();
            assert!(regex::bytes::Regex::new(&pattern).is_ok(), "{name}: {pattern}");
        }
    }

    #[test]
    fn unknown_and_open_references_are_errors() {
        assert!(expand("%{NOPE:x}").unwrap_err().contains("NOPE"));
        assert!(expand("%{WORD").unwrap_err().contains("not closed"));
    }
}
