//! Logs of web servers: access and error.

use logguard::model::Level;

use super::one;

#[test]
fn access_logs_with_what_servers_put_around_them() {
    let line = r#"203.0.113.77 - ann [20/Nov/2026:10:15:00 +0100] "GET /a?b=c HTTP/1.1" 404 512 "http://r/" "curl/8.0" "198.51.100.1""#;
    let fields = [
        "source_ip=203.0.113.77",
        "user=ann",
        "method=GET",
        "path=/a?b=c",
        "status=404",
        "bytes=512",
        "referer=http://r/",
        "user_agent=curl/8.0",
        "forwarded_for=198.51.100.1",
    ];
    one("access", line, "2026-11-20T09:15:00Z", None, &fields);
    one("access", &format!("\"{line}\""), "2026-11-20T09:15:00Z", None, &fields);
    one(
        "access",
        r#"2001:db8::7 - - [20/Nov/2026:10:15:00 +0000] "GET / HTTP/1.1" 304 -"#,
        "2026-11-20T10:15:00Z",
        None,
        &["source_ip=2001:db8::7", "status=304", "bytes=!", "user=!"],
    );
    one(
        "access",
        r#"www.example.com:443 192.0.2.9 - - [20/Nov/2026:10:15:00 +0000] "-" 400 0 "-" "-""#,
        "2026-11-20T10:15:00Z",
        None,
        &["host=www.example.com:443", "source_ip=192.0.2.9", "status=400", "method=!", "user_agent=!"],
    );
    one(
        "access",
        r#"192.0.2.9 - - [20/Nov/2026:10:15:00 +0000] "\x16\x03\x01" 400 226 "-" "-""#,
        "2026-11-20T10:15:00Z",
        None,
        &[r"request=\x16\x03\x01", "status=400"],
    );
}

#[test]
fn error_logs_of_web_servers_and_proxies() {
    one(
        "apache-error",
        "[Fri Nov 20 10:00:00 2026] [notice] caught SIGTERM",
        "2026-11-20T10:00:00Z",
        Some(Level::Notice),
        &["message=caught SIGTERM"],
    );
    one(
        "apache-error",
        "[Fri Nov 20 10:00:00.250000 2026] [authz_core:error] [pid 41:tid 29] [client 192.0.2.12:46652] AH01630: denied",
        "2026-11-20T10:00:00.250Z",
        Some(Level::Error),
        &[
            "component=authz_core",
            "pid=41",
            "tid=29",
            "source_ip=192.0.2.12",
            "port=46652",
            "level_raw=error",
            "message=AH01630: denied",
        ],
    );
    one(
        "nginx-error",
        r#"2026/11/20 10:00:00 [error] 12#34: *5 open() "/x" failed (2: No such file), client: 192.0.2.1, server: _, request: "GET /x HTTP/1.1", host: "h""#,
        "2026-11-20T10:00:00Z",
        Some(Level::Error),
        &["pid=12", "source_ip=192.0.2.1", "method=GET", "path=/x", "host=h"],
    );
    one(
        "squid",
        "1795168801.250     42 192.0.2.4 TCP_DENIED/403 3722 GET http://x/ - HIER_NONE/- text/html",
        "2026-11-20T10:00:01.250Z",
        None,
        &["source_ip=192.0.2.4", "status=403", "bytes=3722", "method=GET", "path=http://x/", "event_type=TCP_DENIED"],
    );
}
