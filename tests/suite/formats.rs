//! Every known format from outside: a few lines each, with the format found, the time, the level and the fields expected.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "tests fail by panicking")]

use logguard::model::{FieldSet, Interpret, Layout, Level, TimeQuality, Timestamp, Zone};
use logguard::parse::{Hints, ParseError, Parsed, Parser, Registry};

/// A record as the parser understood it.
#[derive(Debug)]
struct Record {
    raw: String,
    format: String,
    time: String,
    quality: TimeQuality,
    level: Option<Level>,
    fields: Vec<(String, String)>,
}

impl Record {
    fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    fn all(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect()
    }

    /// Checks fields written as `name=value`; a value `!` means that the field must be absent.
    #[track_caller]
    fn has(&self, expected: &[&str]) {
        for pair in expected {
            let (name, value) = pair.split_once('=').unwrap();
            let wanted = (value != "!").then_some(value);
            assert_eq!(self.get(name), wanted, "{name} of {self:#?}");
        }
    }
}

fn hints() -> Hints {
    Hints { modified: Timestamp::from_civil(2026, 11, 20, 12, 0, 0, 0), ..Hints::default() }
}

/// Frames and reads a whole input, cutting each record a second time from its layout.
fn read_with(registry: &Registry, hints: Hints, data: &[u8]) -> (Parser, Vec<Record>) {
    let mut parser = Parser::new(registry, hints, &data[..data.len().min(256 << 10)]).unwrap();
    let (mut cuts, mut starts, mut offset) = (Vec::new(), Vec::new(), 0);
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        cuts.clear();
        parser.line(line, &mut cuts);
        starts.extend(cuts.iter().map(|cut| offset + cut));
        offset += line.len();
    }
    starts.push(data.len());
    assert!(data.is_empty() || starts[0] == 0, "the first line begins a record");
    let (mut parsed, mut again, mut records) = (Parsed::default(), FieldSet::default(), Vec::new());
    for pair in starts.windows(2) {
        let raw = &data[pair[0]..pair[1]];
        parser.parse(raw, &mut parsed);
        let layout = &parser.layouts()[parsed.layout as usize];
        registry.interpret(layout, raw, &mut again);
        assert!(again.of(raw).iter().eq(parsed.fields.of(raw).iter()), "cut differently again: {}", String::from_utf8_lossy(raw));
        assert!(parsed.fields.of(raw).first("message").is_some(), "no message: {}", String::from_utf8_lossy(raw));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        records.push(Record {
            raw: text(raw),
            format: layout.format.clone(),
            time: parsed.time.map_or("-".to_owned(), |time| time.to_string()),
            quality: parsed.quality,
            level: parsed.level,
            fields: parsed.fields.of(raw).iter().map(|(name, value)| (name.to_owned(), text(value))).collect(),
        });
    }
    (parser, records)
}

#[track_caller]
fn read(format: &str, text: &str) -> Vec<Record> {
    let (parser, records) = read_with(&Registry::builtin(), hints(), text.as_bytes());
    assert_eq!(parser.detection().format, format, "{:?}", parser.detection());
    records
}

/// One line: format, time, level and fields.
#[track_caller]
fn one(format: &str, line: &str, time: &str, level: Option<Level>, fields: &[&str]) {
    let records = read(format, &format!("{line}\n"));
    assert_eq!(records.len(), 1, "{records:#?}");
    let record = &records[0];
    assert_eq!((record.time.as_str(), record.level), (time, level), "{record:#?}");
    record.has(fields);
}

#[test]
fn own_csv_keeps_commas_in_the_message_and_stack_frames_in_the_record() {
    let text = "2026-11-20 10:00:00,INFO,LOGIN,192.168.1.10,UserA,SUCCESS,a, b and c\n\
                2026-11-20 10:40:00,ERROR,APP,192.168.1.14,svc,FAILURE,java.lang.Error: null\n\tat com.acme.Foo(Foo.java:12)\n\
                Caused by: x\n2026-11-20 10:41:00,WARNING,APP,::1,svc,OK,\"said \"\"no\"\", left\"\n";
    let records = read("events-csv", text);
    assert_eq!(records.len(), 3);
    records[0].has(&["event_type=LOGIN", "source_ip=192.168.1.10", "target_resource=UserA", "status=SUCCESS", "level_raw=INFO", "message=a, b and c"]);
    records[1].has(&["message=java.lang.Error: null\n\tat com.acme.Foo(Foo.java:12)\nCaused by: x"]);
    records[2].has(&["message=said \"no\", left", "level_raw=WARNING", "source_ip=::1"]);
    assert_eq!(records[2].level, Some(Level::Warn));
}

#[test]
fn csv_with_a_header_takes_any_delimiter_and_epoch_times() {
    let own = "timestamp,level,event_type,source_ip,target_resource,status,message\n2026-11-20 10:00:00,INFO,LOGIN,10.0.0.1,UserA,SUCCESS,a, b\n";
    let records = read("csv", own);
    assert_eq!(records[0].format, "header");
    records[1].has(&["event_type=LOGIN", "message=a, b", "level_raw=INFO", "time=!"]);
    assert_eq!(records[1].level, Some(Level::Info));
    let records = read("csv", "time;name;ip;note\n1795168801;\"a;b\";10.0.0.7;\"two\nlines\"\n1795168802.5;c;10.0.0.8;-\n");
    assert_eq!(records.len(), 3, "{records:#?}");
    assert_eq!(records[1].time, "2026-11-20T10:00:01Z");
    records[1].has(&["name=a;b", "source_ip=10.0.0.7", "note=two\nlines"]);
    assert_eq!(records[2].time, "2026-11-20T10:00:02.500Z");
    let tabs = read("csv", "Date\tUser\tSize\n2026-11-20T10:00:00Z\tann\t12\n2026-11-20T10:00:01Z\tbob\t13\n");
    tabs[1].has(&["user=ann", "size=12", "bytes=12"]);
}

#[test]
fn access_logs_with_what_servers_put_around_them() {
    let line = r#"203.0.113.77 - ann [20/Nov/2026:10:15:00 +0100] "GET /a?b=c HTTP/1.1" 404 512 "http://r/" "curl/8.0" "198.51.100.1""#;
    let fields = ["source_ip=203.0.113.77", "user=ann", "method=GET", "path=/a?b=c", "status=404", "bytes=512", "referer=http://r/", "user_agent=curl/8.0", "forwarded_for=198.51.100.1"];
    one("access", line, "2026-11-20T09:15:00Z", None, &fields);
    one("access", &format!("\"{line}\""), "2026-11-20T09:15:00Z", None, &fields);
    one("access", r#"2001:db8::7 - - [20/Nov/2026:10:15:00 +0000] "GET / HTTP/1.1" 304 -"#, "2026-11-20T10:15:00Z", None, &["source_ip=2001:db8::7", "status=304", "bytes=!", "user=!"]);
    one("access", r#"www.example.com:443 192.0.2.9 - - [20/Nov/2026:10:15:00 +0000] "-" 400 0 "-" "-""#, "2026-11-20T10:15:00Z", None, &["host=www.example.com:443", "source_ip=192.0.2.9", "status=400", "method=!", "user_agent=!"]);
    one("access", r#"192.0.2.9 - - [20/Nov/2026:10:15:00 +0000] "\x16\x03\x01" 400 226 "-" "-""#, "2026-11-20T10:15:00Z", None, &[r"request=\x16\x03\x01", "status=400"]);
}

#[test]
fn error_logs_of_web_servers_and_proxies() {
    one("apache-error", "[Fri Nov 20 10:00:00 2026] [notice] caught SIGTERM", "2026-11-20T10:00:00Z", Some(Level::Notice), &["message=caught SIGTERM"]);
    one("apache-error", "[Fri Nov 20 10:00:00.250000 2026] [authz_core:error] [pid 41:tid 29] [client 192.0.2.12:46652] AH01630: denied", "2026-11-20T10:00:00.250Z", Some(Level::Error), &["component=authz_core", "pid=41", "tid=29", "source_ip=192.0.2.12", "port=46652", "level_raw=error", "message=AH01630: denied"]);
    one("nginx-error", r#"2026/11/20 10:00:00 [error] 12#34: *5 open() "/x" failed (2: No such file), client: 192.0.2.1, server: _, request: "GET /x HTTP/1.1", host: "h""#, "2026-11-20T10:00:00Z", Some(Level::Error), &["pid=12", "source_ip=192.0.2.1", "method=GET", "path=/x", "host=h"]);
    one("squid", "1795168801.250     42 192.0.2.4 TCP_DENIED/403 3722 GET http://x/ - HIER_NONE/- text/html", "2026-11-20T10:00:01.250Z", None, &["source_ip=192.0.2.4", "status=403", "bytes=3722", "method=GET", "path=http://x/", "event_type=TCP_DENIED"]);
}

#[test]
fn syslog_in_its_dialects() {
    let ssh = ["host=web1", "app=sshd", "pid=3911", "user=root", "source_ip=203.0.113.5", "port=51122"];
    one("syslog", "Nov 20 10:10:01 web1 sshd[3911]: Failed password for root from 203.0.113.5 port 51122 ssh2", "2026-11-20T10:10:01Z", None, &ssh);
    one("syslog", "<38>Nov  2 10:10:01 web1 sshd[3911]: Failed password for root from 203.0.113.5 port 51122 ssh2", "2026-11-02T10:10:01Z", Some(Level::Info), &ssh);
    one("syslog", "2026-11-20T10:10:01.5+01:00 web1 sshd[3911]: Failed password for root from 203.0.113.5 port 51122 ssh2", "2026-11-20T09:10:01.500Z", None, &ssh);
    one("syslog", "Nov 20 2026 10:10:01 web1 sshd[3911]: Failed password for root from 203.0.113.5 port 51122 ssh2", "2026-11-20T10:10:01Z", None, &ssh);
    one("syslog", "Nov 20 10:10:01 sshd[3911]: error: maximum attempts exceeded", "2026-11-20T10:10:01Z", Some(Level::Error), &["host=!", "app=sshd"]);
    one("syslog", "Nov 20 10:10:01 web1 su(pam_unix)[77]: session opened for user news by (uid=0)", "2026-11-20T10:10:01Z", None, &["app=su", "pid=77", "user=news"]);
    one("syslog", "Nov 20 10:10:01 web1 kernel: [ 12.5] eth0: link up", "2026-11-20T10:10:01Z", None, &["app=kernel", "message=[ 12.5] eth0: link up"]);
    one("syslog", "Nov 20 10:10:01 web1 sudo:   ann : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/id", "2026-11-20T10:10:01Z", None, &["user=ann", "target_user=root", "command=/bin/id"]);
    one("syslog", "Nov 20 10:10:01 db postgres[9]: [5-1] db=shop,user=ann,app=psql,client=10.0.0.9 ERROR:  no such table", "2026-11-20T10:10:01Z", Some(Level::Error), &["database=shop", "user=ann", "source_ip=10.0.0.9", "message=no such table"]);
    one("syslog-bare", "web1 sshd[3911]: Invalid user bob from 192.0.2.1 port 4", "-", None, &["host=web1", "app=sshd", "user=bob", "source_ip=192.0.2.1"]);
}

#[test]
fn syslog_rfc_5424_with_structured_data() {
    let line = r#"<165>1 2026-11-20T10:10:01.003Z web1 evntslog 8710 ID47 [ex@32473 iut="3" name="a \"b\""][two x="y"] An event"#;
    one("syslog-5424", line, "2026-11-20T10:10:01.003Z", Some(Level::Notice), &["host=web1", "app=evntslog", "pid=8710", "msgid=ID47", "ex@32473.iut=3", "two.x=y", "message=An event"]);
    one("syslog-5424", "<34>1 - - su - - - failed", "-", Some(Level::Critical), &["app=su", "host=!", "message=failed"]);
}

#[test]
fn json_lines_with_nesting_numbers_and_escapes() {
    one("json", r#"{"ts":"2026-11-20T10:20:00Z","level":"error","service":"billing","msg":"payment \"x\"\n","user":{"name":"alice"},"tags":["a","b"],"n":null}"#, "2026-11-20T10:20:00Z", Some(Level::Error), &["app=billing", "service=billing", "message=payment \"x\"", "user.name=alice", "user=!", "level_raw=error", "tags=a", "n=!", "ts=!"]);
    one("json", r#"{"level":30,"time":1795168801250,"pid":7,"hostname":"h","msg":"hi"}"#, "2026-11-20T10:00:01.250Z", Some(Level::Info), &["host=h", "pid=7", "level_raw=30"]);
    one("json", r#"{ "__REALTIME_TIMESTAMP" : "1795168801250000", "PRIORITY" : "3", "_HOSTNAME" : "h", "SYSLOG_IDENTIFIER" : "sshd", "MESSAGE" : "bad" }"#, "2026-11-20T10:00:01.250Z", Some(Level::Error), &["host=h", "app=sshd", "message=bad"]);
    one("json", r#"{"log":"a line\n","stream":"stderr","time":"2026-11-20T10:00:01.123456789Z"}"#, "2026-11-20T10:00:01.123456789Z", None, &["message=a line", "stream=stderr"]);
    one("json", r#"{"timestamp":"2026-11-20T10:00:01.5+0000","event_type":"http","src_ip":"10.0.0.7","src_port":1,"http":{"url":"\/x","status":200,"http_user_agent":"u"}}"#, "2026-11-20T10:00:01.500Z", None, &["event_type=http", "source_ip=10.0.0.7", "src_ip=10.0.0.7", "path=/x", "http.url=/x", "status=200", "user_agent=u"]);
    one("json", r#"{"eventTime":"2026-11-20T10:00:01Z","eventName":"GetObject","sourceIPAddress":"192.0.2.3","userIdentity":{"userName":"eve"},"userAgent":"aws"}"#, "2026-11-20T10:00:01Z", None, &["event_type=GetObject", "source_ip=192.0.2.3", "user=eve", "user_agent=aws"]);
    one("json", r#"{"ts":1795168801.25,"id.orig_h":"10.0.0.7","query":"x.org"}"#, "2026-11-20T10:00:01.250Z", None, &["source_ip=10.0.0.7", "id.orig_h=10.0.0.7"]);
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
    let lines = "[\n  {\n    \"ts\": \"2026-11-20T10:00:00Z\"\n  },\n  {\n    \"ts\": \"2026-11-20T10:00:01Z\"\n  }\n]\n";
    assert_eq!(read("json", lines).iter().map(|record| record.time.as_str()).collect::<Vec<_>>(), ["2026-11-20T10:00:00Z", "2026-11-20T10:00:01Z"]);
    let trail = r#"{"Records":[{"eventTime":"2026-11-20T10:00:00Z","eventName":"A"},{"eventTime":"2026-11-20T10:00:01Z","eventName":"B"}]}"#;
    assert_eq!(read("json", trail).iter().map(|record| record.get("eventname").unwrap()).collect::<Vec<_>>(), ["A", "B"]);
}

#[test]
fn a_broken_object_does_not_swallow_the_ones_after_it() {
    let good = "{\"ts\":\"2026-11-20T10:00:00Z\",\"n\":1}\n";
    let records = read("json", &format!("{good}{good}{{\"ts\":\"2026-11-20T10:00:00Z\",\"n\":\n{good}plain text\n{good}"));
    assert_eq!(records.len(), 6, "{records:#?}");
    assert_eq!(records.iter().filter(|record| record.time != "-").count(), 5);
}

#[test]
fn zeek_and_w3c_read_their_columns_from_the_header() {
    let zeek = "#separator \\x09\n#fields\tts\tuid\tid.orig_h\tid.resp_h\tproto\tservice\n#types\ttime\tstring\taddr\taddr\tenum\tstring\n1795168801.250000\tCx1\t10.0.0.7\t10.0.0.8\ttcp\t-\n#close\t2026-11-20-11-00-00\n";
    let records = read("zeek", zeek);
    assert_eq!(records.iter().map(|record| record.format.as_str()).collect::<Vec<_>>(), ["header", "header", "header", "zeek", "header"]);
    assert_eq!(records[3].time, "2026-11-20T10:00:01.250Z");
    records[3].has(&["uid=Cx1", "source_ip=10.0.0.7", "id.orig_h=10.0.0.7", "proto=tcp", "service=!"]);
    let iis = "#Software: X\n#Fields: date time c-ip cs-username cs-method cs-uri-stem sc-status cs(User-Agent)\n2026-11-20 10:00:00 10.0.0.7 - GET /a 200 Moz/5\n";
    let records = read("w3c", iis);
    assert_eq!((records[2].time.as_str(), records[2].quality), ("2026-11-20T10:00:00Z", TimeQuality::Exact));
    records[2].has(&["source_ip=10.0.0.7", "method=GET", "path=/a", "status=200", "user_agent=Moz/5", "user=!"]);
}

#[test]
fn pairs_of_logfmt_and_audit() {
    one("logfmt", r#"ts=2026-11-20T10:00:00.5Z level=warn caller=a.go:1 msg="two \"words\"" remote_addr=10.0.0.7 path=/x"#, "2026-11-20T10:00:00.500Z", Some(Level::Warn), &["message=two \"words\"", "caller=a.go:1", "source_ip=10.0.0.7", "path=/x"]);
    one("audit", r#"type=USER_LOGIN msg=audit(1795168801.250:4063): pid=11 uid=0 msg='op=login acct="root" exe="/usr/sbin/sshd" hostname=? addr=192.0.2.7 res=failed'"#, "2026-11-20T10:00:01.250Z", None, &["event_type=USER_LOGIN", "serial=4063", "pid=11", "user=root", "source_ip=192.0.2.7", "res=failed", "exe=/usr/sbin/sshd"]);
}

#[test]
fn application_logs_with_a_level() {
    one("log4j", "2026-11-20 10:00:00,120 INFO [main] org.acme.App: started", "2026-11-20T10:00:00.120Z", Some(Level::Info), &["thread=main", "component=org.acme.App", "message=started"]);
    one("log4j", "- 2026-11-20 10:00:00,120 [pool-1] DEBUG o.a.Conf:58 - set a = 1", "2026-11-20T10:00:00.120Z", Some(Level::Debug), &["thread=pool-1", "component=o.a.Conf", "message=set a = 1"]);
    one("log4j", "2026-11-20 10:00:00,120 - WARN  [Send:18@688] - Send worker leaving", "2026-11-20T10:00:00.120Z", Some(Level::Warn), &["thread=Send:18@688", "message=Send worker leaving"]);
    one("log4j", "2026-11-20 10:00:00,120 - app.db - ERROR - gone", "2026-11-20T10:00:00.120Z", Some(Level::Error), &["component=app.db", "message=gone"]);
    one("bracketed", "[2026-11-20 10:00:00,120] INFO [Log p=1] Rolled (kafka.log.Log)", "2026-11-20T10:00:00.120Z", Some(Level::Info), &["component=Log p=1"]);
    one("bracketed", "[2026-11-20 10:00:00] [ERROR] [api] user 'ann' from 192.0.2.1 denied", "2026-11-20T10:00:00Z", Some(Level::Error), &["component=api", "user=ann", "source_ip=192.0.2.1"]);
    one("spark", "26/11/20 10:00:00 INFO rdd.HadoopRDD: Input split", "2026-11-20T10:00:00Z", Some(Level::Info), &["component=rdd.HadoopRDD", "message=Input split"]);
    one("hdfs", "261120 100000 147 WARN dfs.DataNode$X: Got exception", "2026-11-20T10:00:00Z", Some(Level::Warn), &["pid=147", "component=dfs.DataNode$X"]);
    one("openstack", "nova-api.log.1 2026-11-20 10:00:00.008 25 INFO nova.wsgi [req-1 a b] 10.1.1.1 \"GET\"", "2026-11-20T10:00:00.008Z", Some(Level::Info), &["file=nova-api.log.1", "pid=25", "component=nova.wsgi", "request_id=req-1", "source_ip=10.1.1.1"]);
    one("python", "WARNING:app.db:slow query", "-", Some(Level::Warn), &["component=app.db", "message=slow query"]);
    one("glog", "E1120 10:00:00.123456    1234 server.go:12] \"failed\" err=x", "2026-11-20T10:00:00.123456Z", Some(Level::Error), &["tid=1234", "component=server.go:12"]);
    one("twisted", "2026-11-20T10:00:00.5+0000 [Transport,13,192.0.2.9] login attempt", "2026-11-20T10:00:00.500Z", None, &["component=Transport,13,192.0.2.9", "source_ip=192.0.2.9", "session=13", "message=login attempt"]);
    one("fail2ban", "2026-11-20 10:00:00,388 fail2ban.actions        [123]: NOTICE  [sshd] Ban 192.0.2.1", "2026-11-20T10:00:00.388Z", Some(Level::Notice), &["component=fail2ban.actions", "jail=sshd", "source_ip=192.0.2.1", "pid=123"]);
}

#[test]
fn databases_devices_and_clusters() {
    let text = "2026-11-20 10:00:00 UTC:10.0.0.4(5001):ann@shop:[77]:ERROR:  no table\n2026-11-20 10:00:00 UTC:10.0.0.4(5001):ann@shop:[77]:STATEMENT:  select 1\n\tfrom x\nwhere y\n";
    let records = read("postgres", text);
    assert_eq!(records.len(), 2, "{records:#?}");
    records[0].has(&["source_ip=10.0.0.4", "port=5001", "user=ann", "database=shop", "pid=77", "message=no table"]);
    records[1].has(&["message=select 1\n\tfrom x\nwhere y"]);
    one("postgres", "2026-11-20 10:00:00.123 UTC [45] LOG:  ready", "2026-11-20T10:00:00.123Z", Some(Level::Info), &["pid=45", "message=ready"]);
    one("cbs", "2026-11-20 10:00:00, Info                  CBS    Loaded stack", "2026-11-20T10:00:00Z", Some(Level::Info), &["component=CBS", "message=Loaded stack"]);
    one("logcat", "11-20 10:00:00.250  1702  2395 W ActivityManager: slow: x", "2026-11-20T10:00:00.250Z", Some(Level::Warn), &["pid=1702", "tid=2395", "app=ActivityManager", "message=slow: x"]);
    one("logcat", "D/Tag( 123): text", "-", Some(Level::Debug), &["app=Tag", "pid=123"]);
    one("healthapp", "20261120-10:0:5:97|Step|300|on 3579", "2026-11-20T10:00:05.097Z", None, &["component=Step", "pid=300", "message=on 3579"]);
    one("proxifier", "[11.20 10:00:00] a.exe *64 - x:80 open", "2026-11-20T10:00:00Z", None, &["app=a.exe *64", "message=x:80 open"]);
    one("bgl", "- 1795168801 2026.11.20 R1-N0 2026-11-20-10.00.01.250000 R1-N0 RAS KERNEL FATAL data error", "2026-11-20T10:00:01.250Z", Some(Level::Critical), &["host=R1-N0", "component=KERNEL", "message=data error"]);
    one("thunderbird", "- 1795168801 2026.11.20 dn1 Nov 20 02:00:01 dn1/dn1 crond(pam)[29]: session closed for user root", "2026-11-20T10:00:01Z", None, &["host=dn1", "app=crond(pam)", "pid=29", "user=root"]);
    one("hpc", "134681 node-246 unix.hw state.down 1795168801 1 Component down", "2026-11-20T10:00:01Z", None, &["host=node-246", "component=unix.hw", "message=Component down"]);
}

#[test]
fn security_events_in_cef_and_leef() {
    one("cef", r"CEF:0|V|P|1|100|a \| b|9|src=10.0.0.7 suser=ann msg=hello world rt=1795168801250", "2026-11-20T10:00:01.250Z", Some(Level::Critical), &["vendor=V", "event_type=100", "source_ip=10.0.0.7", "user=ann", "suser=ann"]);
    one("syslog", "Nov 20 10:00:00 fw CEF:0|V|P|1|7|x|3|src=10.0.0.7 spt=99", "2026-11-20T10:00:00Z", Some(Level::Info), &["host=fw", "source_ip=10.0.0.7", "spt=99"]);
    one("cef", "LEEF:1.0|V|P|1|login|src=10.0.0.7\tusrName=ann", "-", None, &["event_type=login", "source_ip=10.0.0.7", "user=ann"]);
}

#[test]
fn other_lines_keep_their_time_or_at_least_themselves() {
    one("generic", "<- 20-Nov-2026 10:00:00.5 queue ERROR from 192.0.2.1", "2026-11-20T10:00:00.500Z", Some(Level::Error), &["source_ip=192.0.2.1"]);
    one("generic", "11/20/2026 10:15:00 PM did a thing", "2026-11-20T22:15:00Z", None, &["message=did a thing"]);
    one("unknown", "# failJSON: { \"x\": 1 }", "-", None, &["message=# failJSON: { \"x\": 1 }"]);
    one("unknown", "2026-13-45 99:00:00 no such time", "-", None, &[]);
}

#[test]
fn a_mixed_input_gives_each_line_its_best_reading() {
    let text = "Nov 20 10:10:01 web1 sshd[1]: Invalid user a from 192.0.2.1\n# a comment\n{\"ts\":\"2026-11-20T10:20:00Z\",\"a\":1}\n\
                203.0.113.77 - - [20/Nov/2026:10:15:00 +0000] \"GET / HTTP/1.1\" 200 5\nNov 20 10:10:02 web1 sshd[1]: x\nNov 20 10:10:03 web1 sshd[1]: y\n";
    let formats: Vec<String> = read("syslog", text).into_iter().map(|record| record.format).collect();
    assert_eq!(formats, ["syslog", "unknown", "json", "access", "syslog", "syslog"]);
}

#[test]
fn the_zone_and_the_year_given_are_used() {
    let zone = Zone::parse("+02:00").unwrap();
    let hints = Hints { zone, year: Some(2019), ..Hints::default() };
    let text = b"Dec 31 23:00:00 h a: x\nJan  1 01:00:00 h a: y\n";
    let (_, records) = read_with(&Registry::builtin(), hints, text);
    assert_eq!(records.iter().map(|record| record.time.as_str()).collect::<Vec<_>>(), ["2019-12-31T21:00:00Z", "2019-12-31T23:00:00Z"]);
}

#[test]
fn an_input_is_resumed_with_its_header_and_its_year() {
    let registry = Registry::builtin();
    let head = b"#fields\tts\tuid\n1795168801.0\tA\n";
    let layout = Layout { format: "zeek".to_owned(), columns: vec!["ts".to_owned(), "uid".to_owned()], delimiter: Some(b'\t'), pattern: None };
    let last = Timestamp::from_civil(2019, 12, 31, 0, 0, 0, 0);
    let mut parser = Parser::resume(&registry, Hints::default(), Some(&layout), last, head).unwrap();
    let (mut parsed, mut cuts) = (Parsed::default(), Vec::new());
    parser.line(b"1795168802.0\tB\n", &mut cuts);
    assert_eq!(cuts, [0]);
    parser.parse(b"1795168802.0\tB\n", &mut parsed);
    assert_eq!(parsed.fields.of(b"1795168802.0\tB\n").first("uid"), Some(&b"B"[..]));
    let mut parser = Parser::resume(&registry, Hints::default(), None, last, b"Dec 30 10:00:00 h a: x\n").unwrap();
    cuts.clear();
    parser.line(b"\tcontinued\n", &mut cuts);
    assert!(cuts.is_empty());
    parser.parse(b"Jan  1 10:00:00 h a: x\n", &mut parsed);
    assert_eq!(parsed.time.unwrap().to_string(), "2020-01-01T10:00:00Z");
}

const TILL: &str = r#"
[[format]]
name = "till"
grok = "%{TIMESTAMP_ISO8601:time} till=%{INT:till} %{IPORHOST:source_ip} %{GREEDYDATA:message}"
level = "notice"
samples = [{ line = "2026-11-20 10:00:00 till=4 10.0.0.7 sold", fields = { till = "4", source_ip = "10.0.0.7", level = "notice" } }]

[[format]]
name = "dated"
pattern = '^(?P<time>\S+ \S+) (?P<severity>\w+)> (?P<msg>.*)$'
time_format = "%d.%m.%Y %H:%M"
"#;

#[test]
fn user_formats_are_read_before_the_built_in_ones() {
    let mut registry = Registry::builtin();
    assert_eq!(registry.add_toml(TILL, "mine.toml").unwrap(), 2);
    assert_eq!(registry.names()[..2], ["till", "dated"]);
    let (parser, records) = read_with(&registry, hints(), b"2026-11-20 10:00:00 till=4 10.0.0.7 sold 3\n20.11.2026 10:15 warn> low\n");
    assert_eq!(parser.detection().format, "till");
    records[0].has(&["till=4", "source_ip=10.0.0.7", "message=sold 3"]);
    assert_eq!(records[0].level, Some(Level::Notice));
    assert_eq!((records[1].time.as_str(), records[1].level), ("2026-11-20T10:15:00Z", Some(Level::Warn)));
    records[1].has(&["message=low"]);
    // A layout of a format that is gone is cut by what it stores.
    let raw = b"2026-11-20 10:00:00 till=4 10.0.0.7 sold 3\n";
    let mut fields = FieldSet::default();
    Registry::builtin().interpret(&parser.layouts()[0], raw, &mut fields);
    assert_eq!(fields.of(raw).first("till"), Some(&b"4"[..]));
}

#[test]
fn broken_user_formats_say_file_format_and_sample() {
    let wrong = TILL.replace("till = \"4\"", "till = \"5\"");
    let error = Registry::builtin().add_toml(&wrong, "mine.toml").unwrap_err();
    assert_eq!(error.to_string(), "mine.toml: format 'till', sample 1: field 'till' is '4', not '5'");
    let cases = [
        ("[[format]]\nname = \"x\"\npattern = \"(\"", "mine.toml: format 'x': "),
        ("[[format]]\nname = \"x\"\npattern = \"a\"", "mine.toml: format 'x': the pattern has no named group"),
        ("[[format]]\nname = \"x\"\ngrok = \"%{NOPE:a}\"", "mine.toml: format 'x': unknown grok pattern 'NOPE'"),
        ("[[format]]\nname = \"json\"\ngrok = \"%{WORD:a}\"", "mine.toml: format 'json': the name"),
        ("[[format]]\nnme = \"x\"", "mine.toml: "),
    ];
    for (text, start) in cases {
        let error = Registry::builtin().add_toml(text, "mine.toml").unwrap_err().to_string();
        assert!(error.starts_with(start), "{error}");
    }
}

#[test]
fn a_forced_format_is_used_and_an_unknown_one_is_refused_with_a_suggestion() {
    let forced = |name: &str| Parser::new(&Registry::builtin(), Hints { format: Some(name.to_owned()), ..hints() }, b"x\n");
    assert_eq!(forced("syslog").unwrap().detection().format, "syslog");
    let error = forced("sylog").unwrap_err();
    assert!(matches!(&error, ParseError::UnknownFormat { nearest: Some(nearest), .. } if nearest == "syslog"));
    assert!(error.to_string().starts_with("unknown format 'sylog', did you mean 'syslog'?; known formats: events-csv, json"), "{error}");
}

#[test]
fn rows_and_records_with_an_impossible_date_stay_records_of_their_own() {
    let rows = "2026-11-20 10:00:00,INFO,A,10.0.0.1,r,OK,x\n2026-13-20 10:00:00,INFO,A,10.0.0.1,r,OK,y\n2026-11-20 10:00:02,INFO,A,10.0.0.1,r,OK,z\n";
    assert_eq!(read("events-csv", rows).iter().map(|record| record.time != "-").collect::<Vec<_>>(), [true, false, true]);
    let headed = format!("timestamp,level,event_type,source_ip,target_resource,status,message\n{rows}\tat a.B(C.java:1)\nCaused by: e\n{rows}");
    let records = read("csv", &headed);
    assert_eq!(records.len(), 7, "{records:#?}");
    records[3].has(&["message=z\n\tat a.B(C.java:1)\nCaused by: e"]);
    records[2].has(&["message=y", "source_ip=10.0.0.1"]);
}

#[test]
fn containers_wrap_what_their_programs_print() {
    one("cri", "2026-11-20T10:00:00.123456789Z stderr F WARN cache is cold", "2026-11-20T10:00:00.123456789Z", Some(Level::Warn), &["stream=stderr", "message=WARN cache is cold"]);
    one("cri", r#"2026-11-20T10:00:00.5Z stdout F {"level":"error","msg":"no","src_ip":"10.0.0.7"}"#, "2026-11-20T10:00:00.500Z", Some(Level::Error), &["message=no", "source_ip=10.0.0.7"]);
    one("compose", r#"caddy-1  | {"level":"info","ts":1795168801.25,"msg":"up"}"#, "2026-11-20T10:00:01.250Z", Some(Level::Info), &["app=caddy-1", "message=up"]);
    one("unknown", "\u{1b}[32mNov 20 \u{1b}[0m10:10:01\u{1b}[31m ERROR\u{1b}[0m x", "2026-11-20T10:10:01Z", Some(Level::Error), &[]);
}
