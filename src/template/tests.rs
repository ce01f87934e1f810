//! Tests of masking.

use super::*;

fn text(message: &str) -> String {
    Templater::new().cut(message.as_bytes()).text.to_owned()
}

#[test]
fn variable_parts_are_masked_and_words_stay() {
    for (message, template) in [
        (
            "Failed password for root from 203.0.113.5 port 51122 ssh2",
            "Failed password for root from <ip> port <n> ssh2",
        ),
        (
            "Received block blk_-6952295868487656571 of size 67108864 from /10.0.0.7",
            "Received block <id> of size <n> from /<ip>",
        ),
        ("src: /10.0.0.7:43996 dest: /10.0.0.8:50010", "src: /<ip>:<n> dest: /<ip>:<n>"),
        ("took 12ms, wrote 3.5 MB at -7", "took <n>ms, wrote <n> MB at <n>"),
        (
            "session 6ba7b810-9dad-11d1-80b4-00c04fd430c8 of bob@example.org closed.",
            "session <uuid> of <email> closed.",
        ),
        ("at 2026-11-20 10:00:05.123 and 12:05:36,", "at <time> and <time>,"),
        ("at 2026-11-20T10:00:05.123+02:00 ok", "at <time> ok"),
        ("open /var/lib/app/state.db: denied", "open <path>: denied"),
        ("see https://example.org/a?b=1 (now)", "see <url> (now)"),
        ("fault at 0x7fed806eb5d in de9231d0 by user42", "fault at <hex> in <hex> by <id>"),
        ("from 2001:db8::1: closed; std::vector at ::1", "from <ip>: closed; std::vector at <ip>"),
        ("GET /shop?id=1%27 HTTP/1.1", "GET <path> HTTP/1.1"),
        (
            "1.2.3.4 - - \"GET /a HTTP/1.0\" 200 17 \"-\" \"Mozilla/5.0 (X11; Linux x86_64) Gecko\"",
            "<ip> - - \"GET <path> HTTP/1.0\" <n> <n> \"-\" \"<str>\"",
        ),
        ("ids [1,2,3,4,5] of 7", "ids [<n>,<n>] of <n>"),
        ("  a\tb \r\n", "a b"),
        ("", ""),
    ] {
        assert_eq!(text(message), template, "{message}");
    }
}

#[test]
fn slots_are_ranges_of_the_message_and_words_too() {
    let message = b"port 51122 from 203.0.113.5";
    let mut templater = Templater::new();
    let cut = templater.cut(message);
    let slots: Vec<_> = cut.slots.iter().map(|slot| (slot.kind, slot.of(message))).collect();
    assert_eq!(slots, [(SlotKind::Number, &b"51122"[..]), (SlotKind::Ip, &b"203.0.113.5"[..])]);
    let words: Vec<_> = cut.words.iter().map(|&(start, end)| &message[start as usize..end as usize]).collect();
    assert_eq!(words, [&b"port"[..], b"from"]);
}

#[test]
fn the_template_of_a_template_has_the_same_hash_in_every_run() {
    let mut templater = Templater::new();
    let first = templater.cut(b"a 1").hash;
    templater.cut(b"something else entirely 77");
    assert_eq!(templater.cut(b"a 2").hash, first);
    assert_eq!(Templater::new().cut(b"a 3").hash, first);
    assert_eq!(first, xxh3_64(b"a <n>"));
}

#[test]
fn any_bytes_give_a_bounded_valid_text() {
    let mut state = 7u64;
    let mut templater = Templater::new();
    for length in [0usize, 1, 2, 3, 5, 17, 300, 5_000, 200_000] {
        for _ in 0..20 {
            let message: Vec<u8> = (0..length)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let byte = (state >> 33) as u8;
                    if state >> 60 < 8 { *b"0123456789:.-/\"ax".get(usize::from(byte) % 17).unwrap() } else { byte }
                })
                .collect();
            let cut = templater.cut(&message);
            assert!(cut.text.len() <= Cut::MAX_TEXT);
            for slot in cut.slots {
                assert!(slot.start <= slot.end && slot.end as usize <= message.len());
            }
        }
    }
}

#[test]
fn a_long_message_is_cut_short_with_an_ellipsis() {
    let cut = text(&"word ".repeat(400));
    assert!(cut.ends_with('…') && cut.len() <= Cut::MAX_TEXT, "{cut}");
    let umlauts = text(&"ü".repeat(600));
    assert!(umlauts.ends_with('…') && umlauts.len() <= Cut::MAX_TEXT);
}
