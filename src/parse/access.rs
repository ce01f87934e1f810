//! Access logs of web servers: common and combined, with a virtual host in front and quoted fields behind.

use std::ops::Range;

use crate::model::Layout;

use super::address;
use super::cursor::Cursor;
use super::draft::Draft;
use super::timestamp;

/// Reads `[vhost] client ident user [stamp] … "request" status bytes "referer" "user agent" …`.
pub(super) fn cut(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    // Some exports wrap the whole line in one more pair of quotes.
    if cursor.peek() == b'"' && raw.get(cursor.end.wrapping_sub(1)) == Some(&b'"') {
        cursor.pos += 1;
        cursor.end -= 1;
    }
    let Some(opening) = memchr::memchr2(b'[', b'"', cursor.rest()).filter(|n| cursor.ahead(*n) == b'[' && *n < 512)
    else {
        return false;
    };
    let mut head = cursor.within(cursor.pos..cursor.pos + opening);
    cursor.pos += opening + 1;
    let Some(stamp) = timestamp::read(raw, cursor.pos) else { return false };
    cursor.pos += stamp.len;
    cursor.skip_spaces();
    cursor.take_while(|byte| byte.is_ascii_uppercase());
    if !cursor.eat(b']') || !client(raw, &mut head, draft) {
        draft.fields.clear();
        return false;
    }
    let Some(n) = memchr::memchr(b'"', cursor.rest()).filter(|n| *n < 256) else {
        draft.fields.clear();
        return false;
    };
    cursor.pos += n;
    draft.stamp = Some(stamp);
    draft.message(cursor.rest_range());
    let Some(request) = cursor.quoted() else {
        // A request that is cut off in the middle is a request all the same.
        request_line(raw, cursor.pos + 1..cursor.end, draft);
        return true;
    };
    request_line(raw, request, draft);
    cursor.skip_spaces();
    if let Some(status) = cursor.digits() {
        draft.fields.push_raw("status", status);
        cursor.skip_spaces();
        if let Some(bytes) = cursor.word() {
            let digits = cursor.within(bytes).digits();
            if let Some(bytes) = digits {
                draft.fields.push_raw("bytes", bytes);
            }
        }
    }
    trailing(raw, &mut cursor, draft);
    true
}

/// Client, ident and user, perhaps with a virtual host before them.
fn client(raw: &[u8], head: &mut Cursor, draft: &mut Draft) -> bool {
    let mut words: [Range<usize>; 4] = [0..0, 0..0, 0..0, 0..0];
    let mut count = 0;
    let rest = *head;
    while let Some(word) = head.word() {
        head.skip_spaces();
        if let Some(slot) = words.get_mut(count) {
            *slot = word;
        }
        count += 1;
        if count > 6 {
            return false;
        }
    }
    let [first, second, third, fourth] = words;
    if count < 3 {
        return false;
    }
    let second_is_client = address::is_address(rest.slice(&second));
    let (host, client, user) = match (address::is_address(rest.slice(&first)), second_is_client) {
        (false, true) if count >= 4 => (Some(first), second, fourth),
        _ => (None, first, third),
    };
    if let Some(host) = host {
        draft.fields.push_raw("host", host);
    }
    if address::is_address(rest.slice(&client)) {
        draft.fields.push_raw("source_ip", client);
    } else {
        if !rest.slice(&client).iter().all(|byte| byte.is_ascii_graphic()) {
            return false;
        }
        draft.fields.push_raw("source_host", client);
    }
    let user = rest.slice(&user).iter().position(|byte| *byte != b'"').map_or(0..0, |n| user.start + n..user.end);
    draft.push(raw, "user", user);
    true
}

/// `GET /path HTTP/1.1`; anything else is kept as `request`.
fn request_line(raw: &[u8], range: Range<usize>, draft: &mut Draft) {
    let mut cursor = Cursor::new(raw).within(range.clone());
    let method = cursor.take_while(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte == b'-');
    if method.is_empty() || !cursor.eat(b' ') || cursor.slice(&method) == b"-" {
        draft.push(raw, "request", range);
        return;
    }
    draft.fields.push_raw("method", method);
    let rest = cursor.rest_range();
    let protocol = memchr::memrchr(b' ', cursor.rest()).filter(|n| {
        cursor.rest().get(n + 1..).is_some_and(|word| word.starts_with(b"HTTP/") || word.starts_with(b"RTSP/"))
    });
    let path_end = protocol.map_or(rest.end, |n| rest.start + n);
    draft.fields.push_raw("path", rest.start..path_end);
    if protocol.is_some() {
        draft.fields.push_raw("protocol", path_end + 1..rest.end);
    }
}

/// Referer and user agent, then whatever else is quoted.
fn trailing(raw: &[u8], cursor: &mut Cursor, draft: &mut Draft) {
    for name in ["referer", "user_agent", "extra", "extra", "extra", "extra"] {
        let Some(n) = memchr::memchr(b'"', cursor.rest()) else { return };
        cursor.pos += n;
        let Some(value) = cursor.quoted() else { return };
        let forwarded = name == "extra" && address::is_address(cursor.slice(&value));
        draft.push(raw, if forwarded { "forwarded_for" } else { name }, value);
    }
}
