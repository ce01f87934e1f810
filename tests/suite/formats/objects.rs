//! JSON in lines, over lines, in arrays.

use logguard::model::Level;

use super::{one, read};

#[test]
fn json_lines_with_nesting_numbers_and_escapes() {
    one(
        "json",
        r#"{"ts":"2026-11-20T10:20:00Z","level":"error","service":"billing","msg":"payment \"x\"\n","user":{"name":"alice"},"tags":["a","b"],"n":null}"#,
        "2026-11-20T10:20:00Z",
        Some(Level::Error),
        &[
            "app=billing",
            "service=billing",
            "message=payment \"x\"",
            "user.name=alice",
            "user=!",
            "level_raw=error",
            "tags=a",
            "n=!",
            "ts=!",
        ],
    );
    one(
        "json",
        r#"{"level":30,"time":1795168801250,"pid":7,"hostname":"h","msg":"hi"}"#,
        "2026-11-20T10:00:01.250Z",
        Some(Level::Info),
        &["host=h", "pid=7", "level_raw=30"],
    );
    one(
        "json",
        r#"{ "__REALTIME_TIMESTAMP" : "1795168801250000", "PRIORITY" : "3", "_HOSTNAME" : "h", "SYSLOG_IDENTIFIER" : "sshd", "MESSAGE" : "bad" }"#,
        "2026-11-20T10:00:01.250Z",
        Some(Level::Error),
        &["host=h", "app=sshd", "message=bad"],
    );
    one(
        "json",
        r#"{"log":"a line\n","stream":"stderr","time":"2026-11-20T10:00:01.123456789Z"}"#,
        "2026-11-20T10:00:01.123456789Z",
        None,
        &["message=a line", "stream=stderr"],
    );
    one(
        "json",
        r#"{"timestamp":"2026-11-20T10:00:01.5+0000","event_type":"http","src_ip":"10.0.0.7","src_port":1,"http":{"url":"\/x","status":200,"http_user_agent":"u"}}"#,
        "2026-11-20T10:00:01.500Z",
        None,
        &[
            "event_type=http",
            "source_ip=10.0.0.7",
            "src_ip=10.0.0.7",
            "path=/x",
            "http.url=/x",
            "status=200",
            "user_agent=u",
        ],
    );
    one(
        "json",
        r#"{"eventTime":"2026-11-20T10:00:01Z","eventName":"GetObject","sourceIPAddress":"192.0.2.3","userIdentity":{"userName":"eve"},"userAgent":"aws"}"#,
        "2026-11-20T10:00:01Z",
        None,
        &["event_type=GetObject", "source_ip=192.0.2.3", "user=eve", "user_agent=aws"],
    );
    one(
        "json",
        r#"{"ts":1795168801.25,"id.orig_h":"10.0.0.7","query":"x.org"}"#,
        "2026-11-20T10:00:01.250Z",
        None,
        &["source_ip=10.0.0.7", "id.orig_h=10.0.0.7"],
    );
    let records = read("json", "{\"ts\":\"2026-11-20T10:20:00Z\",\"a\":[{\"x\":1},{\"x\":2}]}\n");
    assert_eq!(records[0].all("a.x"), ["1", "2"]);
}

#[test]
fn json_objects_over_several_lines_and_arrays_are_one_record_per_object() {
    let pretty = "{\n  \"ts\": \"2026-11-20T10:00:00Z\",\n  \"msg\": \"a } b\",\n  \"in\": { \"k\": [1, 2] }\n}\n{\n  \"ts\": \"2026-11-20T10:00:01Z\",\n  \"msg\": \"two\"\n}\n";
    let records = read("json", pretty);
    assert_eq!(records.len(), 2, "{records:#?}");
    records[0].has(&["message=a } b", "in.k=1"]);
    assert_eq!(records[1].time, "2026-11-20T10:00:01Z");
    let array = r#"[{"ts":"2026-11-20T10:00:00Z","n":"a"}, {"ts":"2026-11-20T10:00:01Z","n":"b"},{"ts":"2026-11-20T10:00:02Z","n":"c"}]"#;
    let records = read("json", array);
    assert_eq!(records.iter().map(|record| record.get("n").unwrap()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(records.iter().map(|record| record.raw.as_str()).collect::<String>(), array, "no byte is lost");
    let lines =
        "[\n  {\n    \"ts\": \"2026-11-20T10:00:00Z\"\n  },\n  {\n    \"ts\": \"2026-11-20T10:00:01Z\"\n  }\n]\n";
    assert_eq!(
        read("json", lines).iter().map(|record| record.time.as_str()).collect::<Vec<_>>(),
        ["2026-11-20T10:00:00Z", "2026-11-20T10:00:01Z"]
    );
    let trail = r#"{"Records":[{"eventTime":"2026-11-20T10:00:00Z","eventName":"A"},{"eventTime":"2026-11-20T10:00:01Z","eventName":"B"}]}"#;
    assert_eq!(
        read("json", trail).iter().map(|record| record.get("eventname").unwrap()).collect::<Vec<_>>(),
        ["A", "B"]
    );
}

#[test]
fn a_broken_object_does_not_swallow_the_ones_after_it() {
    let good = "{\"ts\":\"2026-11-20T10:00:00Z\",\"n\":1}\n";
    let records =
        read("json", &format!("{good}{good}{{\"ts\":\"2026-11-20T10:00:00Z\",\"n\":\n{good}plain text\n{good}"));
    assert_eq!(records.len(), 6, "{records:#?}");
    assert_eq!(records.iter().filter(|record| record.time != "-").count(), 5);
}
