//! Finds who and from where in the free text of a message: `user`, `source_ip` (or `source_host`), `port`.
//!
//! The rules are about words, not about programs: sshd, PAM, sudo, dovecot, postfix, vsftpd and some ninety other services say
//! "from", "rhost=", "client" or put the peer's address in brackets. Where several addresses stand in a message, the words
//! before them decide; the first one wins among equals.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::address;
use super::cursor::Cursor;
use super::draft::Draft;

/// How far a message is searched; what stands beyond is payload.
const SEARCHED: usize = 4_096;

/// Bits of [`Draft::taken`] that this module answers for.
const SOURCE_IP: u32 = 1;
const USER: u32 = 2;

static FOR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(" for "));
static FROM: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(" from "));
static SER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("ser"));
static RHOST: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("rhost="));

/// Adds what the message at `range` says of user and peer, unless the record said so itself.
pub(super) fn enrich(raw: &[u8], range: Range<usize>, draft: &mut Draft) {
    let end = range.end.min(range.start + SEARCHED);
    let Some(text) = raw.get(range.start..end) else { return };
    let at = range.start;
    if draft.taken & USER == 0
        && let Some(user) = user(text)
    {
        draft.taken |= USER;
        draft.fields.push_raw("user", at + user.start..at + user.end);
    }
    if draft.taken & SOURCE_IP == 0 {
        peer(text, at, draft);
    }
}

/// An address as a candidate for the peer's.
struct Candidate<'a> {
    /// How likely it is, 0 (never) to 4.
    standing: u8,
    /// The word before it.
    word: &'a [u8],
    range: Range<usize>,
}

/// Adds the peer's address and port, or its name where there is only that.
fn peer(text: &[u8], at: usize, draft: &mut Draft) {
    let mut best: Option<Candidate> = None;
    address::each(text, |range| {
        let found = candidate(text, range);
        if best.as_ref().is_none_or(|held| beats(text, &found, held)) {
            best = Some(found);
        }
    });
    if let Some(Candidate { range, .. }) = best.filter(|best| best.standing > 0) {
        draft.taken |= SOURCE_IP;
        draft.fields.push_raw("source_ip", at + range.start..at + range.end);
        if let Some(port) = port(text, range.end) {
            draft.fields.push_raw("port", at + port.start..at + port.end);
        }
        return;
    }
    if let Some(name) = remote_name(text) {
        draft.fields.push_raw("source_host", at + name.start..at + name.end);
    }
}

/// The likelier one wins, then the first; but of several after the same telling word the last one of the clause, since names
/// that a peer chose stand before its address and may say "from 127.0.0.1" themselves.
fn beats(text: &[u8], found: &Candidate, held: &Candidate) -> bool {
    if found.standing != held.standing {
        return found.standing > held.standing;
    }
    let between = text.get(held.range.end..found.range.start).unwrap_or_default();
    found.standing >= 3 && found.word.eq_ignore_ascii_case(held.word) && memchr::memmem::find(between, b": ").is_none()
}

/// Judges the address at `range` by the word before it.
fn candidate(text: &[u8], range: Range<usize>) -> Candidate<'_> {
    let before = text.get(..range.start).unwrap_or_default();
    let filler =
        |byte: &u8| matches!(byte, b' ' | b'[' | b'(' | b'"' | b'\'' | b'<' | b'{' | b'=' | b':' | b'/' | b'@' | b'`');
    let end = before.iter().rposition(|byte| !filler(byte)).map_or(0, |n| n + 1);
    let head = before.get(..end).unwrap_or_default();
    let start = head.iter().rposition(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').map_or(0, |n| n + 1);
    let word = head.get(start..).unwrap_or_default();
    let mut standing = standing(word);
    if matches!(text.get(range.clone()), Some(b"0.0.0.0" | b"::")) {
        standing = 0;
    } else if let [.., b'@'] = before {
        // Part of an account or a SIP address.
        standing = standing.min(1);
    } else if before.ends_with(b"([") {
        // What the peer says of itself (HELO).
        standing = standing.min(1);
    } else if standing == 1
        && (before.ends_with(b"[") || text.get(range.end..).is_some_and(|rest| rest.starts_with(b" port ")))
    {
        standing = 2;
    } else if word.len() == 3 {
        // Asterisk: RemoteAddress="IPV4/UDP/192.0.2.1/5060".
        let key = before.get(before.len().saturating_sub(32)..).unwrap_or_default();
        if memchr::memmem::find(key, b"RemoteAddress=").is_some() {
            standing = 4;
        } else if memchr::memmem::find(key, b"LocalAddress=").is_some() {
            standing = 0;
        }
    }
    Candidate { standing, word, range }
}

/// What a word says of the address behind it: 0 it is not the peer's, 1 nothing, 2 perhaps, 3 and 4 it is.
fn standing(word: &[u8]) -> u8 {
    let mut lower = [0u8; 12];
    let Some(lower) = lower.get_mut(..word.len()) else { return 1 };
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    match &*lower {
        b"rhost" | b"client" | b"rip" | b"attacker" | b"raddr" | b"remote_ip" | b"remote_addr" | b"client_ip"
        | b"clientip" => 4,
        b"from" | b"src" | b"remote" | b"ip" | b"peer" | b"source" | b"addr" | b"relay" | b"hostname" | b"ipaddr"
        | b"remoteip" | b"oip" | b"caller" | b"remote_host" => 3,
        b"by" | b"for" | b"host" | b"address" => 2,
        b"to" | b"dst" | b"dest" | b"lip" | b"server" | b"laddr" | b"i" | b"target" | b"destination" | b"via"
        | b"upstream" | b"listening" | b"on" | b"dest_ip" | b"local" | b"interface" | b"nameserver" => 0,
        _ => 1,
    }
}

/// The port behind an address that ends at `at`: ` port 51122`, `:51122`, `]:51122`, `/51122` or `#51122`.
fn port(text: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = text.get(at..)?;
    let skip = if rest.starts_with(b" port ") {
        6
    } else if rest.starts_with(b"]:") {
        2
    } else if matches!(rest.first(), Some(b':' | b'#' | b'/')) {
        1
    } else {
        return None;
    };
    let digits = rest.get(skip..)?.iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
    (1..=5).contains(&digits).then_some(at + skip..at + skip + digits)
}

/// The name in `rhost=name` or `from name`; addresses were looked for before.
fn remote_name(text: &[u8]) -> Option<Range<usize>> {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b'[' | b'(' | b':' | b';');
    if let Some(at) = RHOST.find(text).map(|at| at + 6) {
        let rest = text.get(at..)?;
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        return (length > 1).then_some(at..at + length);
    }
    let at = FROM.find(text)? + 6;
    let rest = text.get(at..)?;
    let name = rest.get(..rest.iter().position(ends).unwrap_or(rest.len()))?;
    let proper = name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    let dotted = name.iter().position(|byte| *byte == b'.').is_some_and(|dot| dot > 0 && dot + 2 < name.len());
    let lettered = name.last().is_some_and(u8::is_ascii_alphabetic) && name.len() <= 253;
    (proper && dotted && lettered).then_some(at..at + name.len())
}

/// The account a message is about.
fn user(text: &[u8]) -> Option<Range<usize>> {
    let from = FROM.find(text);
    if let Some(at) = FOR.find(text) {
        let start = at + 5;
        let rest = text.get(start..)?;
        let skip =
            ["invalid user ", "illegal user ", "user "].into_iter().find(|words| rest.starts_with(words.as_bytes()));
        let start = start + skip.map_or(0, str::len);
        let length = match from.filter(|from| *from >= start) {
            Some(from) => from - start,
            None if skip.is_some() || rest.ends_with(b"[preauth]") => word_length(text.get(start..)?),
            None => 0,
        };
        if let Some(name) = name(text, start..start + length) {
            return Some(name);
        }
    }
    // `user=x`, `user 'x'`, `Invalid user x from`; one look at each "ser" of the text, up to a few.
    for at in SER.find_iter(text).take(4) {
        if let Some(name) = named(text, at, from) {
            return Some(name);
        }
    }
    None
}

/// The name after the word "user" whose second letter is at `at`.
fn named(text: &[u8], at: usize, from: Option<usize>) -> Option<Range<usize>> {
    if at == 0 || !text.get(at - 1)?.eq_ignore_ascii_case(&b'u') {
        return None;
    }
    if at >= 2 && text.get(at - 2).is_some_and(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let mut next = at + 3;
    if text.get(next..next + 4).is_some_and(|word| word.eq_ignore_ascii_case(b"name")) {
        next += 4;
    }
    let rest = text.get(next..)?;
    match rest {
        [b'=' | b':', b' ', ..] if rest.starts_with(b": ") => {
            let start = next + 2;
            name(text, start..start + word_length(text.get(start..)?))
        }
        [b'=', quote @ (b'"' | b'<' | b'\''), ..] | [b' ', quote @ (b'"' | b'<' | b'\'' | b'['), ..] => {
            enclosed(text, next + 2, *quote)
        }
        [b':', b' ', quote @ (b'"' | b'<' | b'\''), ..] | [b':', quote @ (b'"' | b'<'), ..] => {
            enclosed(text, next + 1 + usize::from(rest.get(1) == Some(&b' ')) + 1, *quote)
        }
        [b'=', ..] => name(text, next + 1..next + 1 + word_length(text.get(next + 1..)?)),
        [b' ', ..] => {
            let start = next + 1;
            let length = from.filter(|from| *from >= start)?.checked_sub(start)?;
            let plain = text.get(start..start + length)?;
            (!plain.is_empty() && !plain.contains(&b' ')).then_some(start..start + length)
        }
        _ => None,
    }
}

fn enclosed(text: &[u8], start: usize, quote: u8) -> Option<Range<usize>> {
    let close = match quote {
        b'<' => b'>',
        b'[' => b']',
        other => other,
    };
    let length = memchr::memchr(close, text.get(start..)?.get(..128.min(text.len() - start))?)?;
    name(text, start..start + length)
}

/// Bytes up to a blank or a separator.
fn word_length(text: &[u8]) -> usize {
    let ends = |byte: &u8| {
        byte.is_ascii_whitespace() || matches!(byte, b',' | b';' | b')' | b'>' | b'"' | b'\'' | b':' | b'(')
    };
    text.iter().take(128).position(ends).unwrap_or(text.len().min(128))
}

/// A range as a name, without the quotes around it; not empty, not longer than names are.
fn name(text: &[u8], range: Range<usize>) -> Option<Range<usize>> {
    let bytes = text.get(range.clone())?;
    let quoted = match bytes {
        [a @ (b'"' | b'\''), .., b] => a == b,
        [b'<', .., b'>'] => true,
        _ => false,
    };
    let range = if quoted { range.start + 1..range.end - 1 } else { range };
    (!range.is_empty() && range.len() <= 96 && text.get(range.clone())? != b"-").then_some(range)
}

/// sudo: `alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls`.
pub(super) fn sudo(raw: &[u8], range: Range<usize>, draft: &mut Draft) {
    let mut cursor = Cursor::new(raw).within(range);
    cursor.skip_spaces();
    let Some(user) = cursor.word() else { return };
    if !cursor.eat_str(b" : ") {
        return;
    }
    draft.taken |= USER;
    draft.fields.push_raw("user", user);
    for (key, name) in [(&b"USER="[..], "target_user"), (b"COMMAND=", "command")] {
        if let Some(at) = memchr::memmem::find(cursor.rest(), key) {
            let mut value = cursor;
            value.pos += at + key.len();
            let range = if name == "command" { value.rest_range() } else { value.take_while(|byte| byte != b' ') };
            draft.push(raw, name, range);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> String {
        let mut draft = Draft::default();
        enrich(text.as_bytes(), 0..text.len(), &mut draft);
        let fields = draft.fields.of(text.as_bytes());
        let parts = fields.iter().map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value)));
        parts.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn services_say_who_and_from_where_in_their_own_words() {
        let cases = [
            ("Failed password for root from 203.0.113.5 port 51122 ssh2", "user=root source_ip=203.0.113.5 port=51122"),
            (
                "Failed password for invalid user admin from 203.0.113.5 port 1 ssh2",
                "user=admin source_ip=203.0.113.5 port=1",
            ),
            ("Invalid user bob from 2001:db8::7", "user=bob source_ip=2001:db8::7"),
            (
                "pam_unix(sshd:auth): authentication failure; logname= uid=0 tty=ssh ruser= rhost=10.1.1.1  user=eve",
                "user=eve source_ip=10.1.1.1",
            ),
            ("authentication failure; ruser= rhost=host.example.com", "source_host=host.example.com"),
            ("session opened for user root by (uid=0)", "user=root"),
            (
                "imap-login: Aborted login: user=<a@b.de>, method=PLAIN, rip=198.51.100.7, lip=10.0.0.1",
                "user=a@b.de source_ip=198.51.100.7",
            ),
            ("reject: RCPT from mail.example.com[192.0.2.9]: 554 5.7.1", "source_ip=192.0.2.9"),
            ("reverse mapping checking getaddrinfo for ns.example.com [192.0.2.9] failed", "source_ip=192.0.2.9"),
            ("user 'admin' tried to log in from 192.0.2.1:4000", "user=admin source_ip=192.0.2.1 port=4000"),
            ("Server listening on 0.0.0.0 port 22.", ""),
            ("connect to 10.0.0.9:25 from 192.0.2.4", "source_ip=192.0.2.4"),
        ];
        for (text, expected) in cases {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn sudo_names_caller_target_and_command() {
        let text = b"alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/cat /etc/shadow";
        let mut draft = Draft::default();
        sudo(text, 0..text.len(), &mut draft);
        let fields = draft.fields.of(text);
        assert_eq!(fields.first("user"), Some(&b"alice"[..]));
        assert_eq!(fields.first("target_user"), Some(&b"root"[..]));
        assert_eq!(fields.first("command"), Some(&b"/bin/cat /etc/shadow"[..]));
    }
}
