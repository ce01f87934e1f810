//! Logs of web servers and proxies beside the access log: Apache's and nginx's error logs, squid's native log.

use crate::model::{Layout, Level};

use super::address;
use super::cursor::Cursor;
use super::draft::Draft;
use super::{message, timestamp};

/// Apache: `[Sun Dec 04 04:47:44 2005] [module:level] [pid 1:tid 2] [client 192.0.2.1:4711] message`.
pub(super) fn apache(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    if !cursor.eat(b'[') || !cursor.peek().is_ascii_alphabetic() {
        return false;
    }
    let Some(stamp) = timestamp::read(raw, cursor.pos) else { return false };
    cursor.pos += stamp.len;
    if !cursor.eat(b']') {
        return false;
    }
    cursor.skip_spaces();
    let mut known = false;
    while let Some(inner) = Some(cursor).and_then(|mut ahead| ahead.enclosed(b'[', b']')) {
        let mut part = cursor.within(inner.clone());
        let text = part.rest();
        if text.starts_with(b"pid ") {
            part.pos += 4;
            let pid = part.digits().unwrap_or(0..0);
            draft.push(raw, "pid", pid);
            if part.eat_str(b":tid ") {
                draft.push(raw, "tid", part.rest_range());
            }
        } else if text.starts_with(b"client ") || text.starts_with(b"remote ") {
            part.pos += 7;
            client(raw, part, draft);
        } else if !known {
            let colon = memchr::memrchr(b':', text).map_or(0, |n| n + 1);
            let Some(level) = text.get(colon..).and_then(level) else { return false };
            known = true;
            draft.level = Some(level);
            draft.fields.push_raw("level_raw", inner.start + colon..inner.end);
            if colon > 1 {
                draft.fields.push_raw("component", inner.start..inner.start + colon - 1);
            }
        } else {
            break;
        }
        cursor.pos = inner.end + 1;
        cursor.skip_spaces();
    }
    if !known {
        return false;
    }
    draft.stamp = Some(stamp);
    let rest = cursor.rest_range();
    draft.message(rest.clone());
    message::enrich(raw, rest, draft);
    true
}

/// Apache 2.4 numbers its trace levels.
fn level(word: &[u8]) -> Option<Level> {
    if word.len() == 6 && word.starts_with(b"trace") { Some(Level::Trace) } else { Level::from_word(word) }
}

/// `192.0.2.1`, `192.0.2.1:4711`, `[2001:db8::1]:4711`, `2001:db8::1`, or a name.
fn client(raw: &[u8], part: Cursor, draft: &mut Draft) {
    let mut hit = None;
    address::each(part.rest(), |range| hit = hit.take().or(Some(range)));
    let Some(range) = hit else {
        draft.push(raw, "source_host", part.rest_range());
        return;
    };
    let mut range = part.pos + range.start..part.pos + range.end;
    let mut after = part;
    after.pos = range.end;
    // "2001:db8::1:4711" reads as one address; nothing tells the port from its last group but four or five decimal digits.
    if raw.get(range.clone()).is_some_and(|text| text.contains(&b':'))
        && let Some(cut) = raw.get(range.clone()).and_then(|text| memchr::memrchr(b':', text))
        && range.len() - cut == 6
        && raw.get(range.start..range.start + cut).is_some_and(address::is_address)
    {
        after.pos = range.start + cut;
        range.end = range.start + cut;
    }
    draft.taken |= 1;
    draft.fields.push_raw("source_ip", range);
    after.eat(b']');
    if after.eat(b':')
        && let Some(port) = after.digits()
    {
        draft.fields.push_raw("port", port);
    }
}

/// nginx: `2026/11/20 10:00:00 [error] 12#34: *5 message, client: 192.0.2.1, server: _, request: "GET / HTTP/1.1", host: "x"`.
pub(super) fn nginx(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    if cursor.ahead(4) != b'/' {
        return false;
    }
    let Some(stamp) = timestamp::read(raw, cursor.pos).filter(|stamp| stamp.len == 19) else { return false };
    cursor.pos += stamp.len;
    cursor.skip_spaces();
    let Some(level) = cursor.enclosed(b'[', b']') else { return false };
    if !draft.level_word(raw, level) {
        return false;
    }
    cursor.skip_spaces();
    let Some(pid) = cursor.digits().filter(|_| cursor.peek() == b'#') else { return false };
    cursor.pos += 1;
    cursor.digits();
    cursor.eat(b':');
    cursor.skip_spaces();
    draft.stamp = Some(stamp);
    draft.fields.push_raw("pid", pid);
    if cursor.peek() == b'*' {
        cursor.word();
        cursor.skip_spaces();
    }
    let rest = cursor.rest_range();
    for (key, name) in [
        (&b", client: "[..], "source_ip"),
        (b", server: ", "server"),
        (b", request: \"", "request"),
        (b", upstream: \"", "upstream"),
        (b", host: \"", "host"),
    ] {
        let Some(at) = memchr::memmem::rfind(cursor.rest(), key) else { continue };
        let mut value = cursor.within(cursor.pos + at + key.len()..cursor.end);
        let quoted = key.ends_with(b"\"");
        let range = value.take_while(|byte| byte != if quoted { b'"' } else { b',' } && byte != b'\n');
        match name {
            "source_ip" if !address::is_address(value.slice(&range)) => {}
            "source_ip" => {
                draft.taken |= 1;
                draft.push(raw, name, range);
            }
            "request" => request(raw, value.within(range), draft),
            _ => draft.push(raw, name, range),
        }
    }
    draft.message(rest.clone());
    message::enrich(raw, rest, draft);
    true
}

fn request(raw: &[u8], mut cursor: Cursor, draft: &mut Draft) {
    let Some(method) = cursor.word() else { return };
    cursor.skip_spaces();
    if let Some(path) = cursor.word() {
        draft.push(raw, "method", method);
        draft.push(raw, "path", path);
    }
}

/// squid: `epoch.millis elapsed client CODE/status bytes method url user hierarchy/peer type`.
pub(super) fn squid(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    if cursor.ahead(10) != b'.' {
        return false;
    }
    let Some(stamp) = timestamp::epoch(cursor.rest()).filter(|stamp| stamp.len == 14) else { return false };
    cursor.pos += stamp.len;
    cursor.skip_spaces();
    if cursor.digits().is_none() || cursor.skip_spaces() == 0 {
        return false;
    }
    let line = cursor.rest_range();
    let Some(client) = cursor.word().filter(|word| address::is_address(cursor.slice(word))) else { return false };
    cursor.skip_spaces();
    let code = cursor.take_while(|byte| byte.is_ascii_uppercase() || byte == b'_');
    if code.is_empty() || !cursor.eat(b'/') {
        return false;
    }
    let Some(status) = cursor.digits() else { return false };
    draft.stamp = Some(stamp);
    draft.fields.push_raw("source_ip", client);
    draft.push(raw, "event_type", code);
    draft.push(raw, "status", status);
    for name in ["bytes", "method", "path", "user", "hierarchy", "content_type"] {
        cursor.skip_spaces();
        let Some(word) = cursor.word() else { break };
        draft.push(raw, name, word);
    }
    draft.message(line);
    true
}
