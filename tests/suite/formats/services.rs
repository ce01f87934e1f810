//! Logs of services, applications, databases, devices.

use logguard::model::Level;

use super::{one, read};

#[test]
fn syslog_in_its_dialects() {
    let ssh = ["host=web1", "app=sshd", "pid=3911", "user=root", "source_ip=203.0.113.5", "port=51122"];
    one(
        "syslog",
        "Nov 20 10:10:01 web1 sshd[3911]: Failed password for root from 203.0.113.5 port 51122 ssh2",
        "2026-11-20T10:10:01Z",
        None,
        &ssh,
    );
    one(
        "syslog",
        "<38>Nov  2 10:10:01 web1 sshd[3911]: Failed password for root from 203.0.113.5 port 51122 ssh2",
        "2026-11-02T10:10:01Z",
        Some(Level::Info),
        &ssh,
    );
    one(
        "syslog",
        "2026-11-20T10:10:01.5+01:00 web1 sshd[3911]: Failed password for root from 203.0.113.5 port 51122 ssh2",
        "2026-11-20T09:10:01.500Z",
        None,
        &ssh,
    );
    one(
        "syslog",
        "Nov 20 2026 10:10:01 web1 sshd[3911]: Failed password for root from 203.0.113.5 port 51122 ssh2",
        "2026-11-20T10:10:01Z",
        None,
        &ssh,
    );
    one(
        "syslog",
        "Nov 20 10:10:01 sshd[3911]: error: maximum attempts exceeded",
        "2026-11-20T10:10:01Z",
        Some(Level::Error),
        &["host=!", "app=sshd"],
    );
    one(
        "syslog",
        "Nov 20 10:10:01 web1 su(pam_unix)[77]: session opened for user news by (uid=0)",
        "2026-11-20T10:10:01Z",
        None,
        &["app=su", "pid=77", "user=news"],
    );
    one(
        "syslog",
        "Nov 20 10:10:01 web1 kernel: [ 12.5] eth0: link up",
        "2026-11-20T10:10:01Z",
        None,
        &["app=kernel", "message=[ 12.5] eth0: link up"],
    );
    one(
        "syslog",
        "Nov 20 10:10:01 web1 sudo:   ann : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/id",
        "2026-11-20T10:10:01Z",
        None,
        &["user=ann", "target_user=root", "command=/bin/id"],
    );
    one(
        "syslog",
        "Nov 20 10:10:01 db postgres[9]: [5-1] db=shop,user=ann,app=psql,client=10.0.0.9 ERROR:  no such table",
        "2026-11-20T10:10:01Z",
        Some(Level::Error),
        &["database=shop", "user=ann", "source_ip=10.0.0.9", "message=no such table"],
    );
    one(
        "syslog-bare",
        "web1 sshd[3911]: Invalid user bob from 192.0.2.1 port 4",
        "-",
        None,
        &["host=web1", "app=sshd", "user=bob", "source_ip=192.0.2.1"],
    );
}

#[test]
fn syslog_rfc_5424_with_structured_data() {
    let line = r#"<165>1 2026-11-20T10:10:01.003Z web1 evntslog 8710 ID47 [ex@32473 iut="3" name="a \"b\""][two x="y"] An event"#;
    one(
        "syslog-5424",
        line,
        "2026-11-20T10:10:01.003Z",
        Some(Level::Notice),
        &["host=web1", "app=evntslog", "pid=8710", "msgid=ID47", "ex@32473.iut=3", "two.x=y", "message=An event"],
    );
    one(
        "syslog-5424",
        "<34>1 - - su - - - failed",
        "-",
        Some(Level::Critical),
        &["app=su", "host=!", "message=failed"],
    );
}

#[test]
fn pairs_of_logfmt_and_audit() {
    one(
        "logfmt",
        r#"ts=2026-11-20T10:00:00.5Z level=warn caller=a.go:1 msg="two \"words\"" remote_addr=10.0.0.7 path=/x"#,
        "2026-11-20T10:00:00.500Z",
        Some(Level::Warn),
        &["message=two \"words\"", "caller=a.go:1", "source_ip=10.0.0.7", "path=/x"],
    );
    one(
        "audit",
        r#"type=USER_LOGIN msg=audit(1795168801.250:4063): pid=11 uid=0 msg='op=login acct="root" exe="/usr/sbin/sshd" hostname=? addr=192.0.2.7 res=failed'"#,
        "2026-11-20T10:00:01.250Z",
        None,
        &[
            "event_type=USER_LOGIN",
            "serial=4063",
            "pid=11",
            "user=root",
            "source_ip=192.0.2.7",
            "res=failed",
            "exe=/usr/sbin/sshd",
        ],
    );
}

#[test]
fn application_logs_with_a_level() {
    one(
        "log4j",
        "2026-11-20 10:00:00,120 INFO [main] org.acme.App: started",
        "2026-11-20T10:00:00.120Z",
        Some(Level::Info),
        &["thread=main", "component=org.acme.App", "message=started"],
    );
    one(
        "log4j",
        "- 2026-11-20 10:00:00,120 [pool-1] DEBUG o.a.Conf:58 - set a = 1",
        "2026-11-20T10:00:00.120Z",
        Some(Level::Debug),
        &["thread=pool-1", "component=o.a.Conf", "message=set a = 1"],
    );
    one(
        "log4j",
        "2026-11-20 10:00:00,120 - WARN  [Send:18@688] - Send worker leaving",
        "2026-11-20T10:00:00.120Z",
        Some(Level::Warn),
        &["thread=Send:18@688", "message=Send worker leaving"],
    );
    one(
        "log4j",
        "2026-11-20 10:00:00,120 - app.db - ERROR - gone",
        "2026-11-20T10:00:00.120Z",
        Some(Level::Error),
        &["component=app.db", "message=gone"],
    );
    one(
        "bracketed",
        "[2026-11-20 10:00:00,120] INFO [Log p=1] Rolled (kafka.log.Log)",
        "2026-11-20T10:00:00.120Z",
        Some(Level::Info),
        &["component=Log p=1"],
    );
    one(
        "bracketed",
        "[2026-11-20 10:00:00] [ERROR] [api] user 'ann' from 192.0.2.1 denied",
        "2026-11-20T10:00:00Z",
        Some(Level::Error),
        &["component=api", "user=ann", "source_ip=192.0.2.1"],
    );
    one(
        "spark",
        "26/11/20 10:00:00 INFO rdd.HadoopRDD: Input split",
        "2026-11-20T10:00:00Z",
        Some(Level::Info),
        &["component=rdd.HadoopRDD", "message=Input split"],
    );
    one(
        "hdfs",
        "261120 100000 147 WARN dfs.DataNode$X: Got exception",
        "2026-11-20T10:00:00Z",
        Some(Level::Warn),
        &["pid=147", "component=dfs.DataNode$X"],
    );
    one(
        "openstack",
        "nova-api.log.1 2026-11-20 10:00:00.008 25 INFO nova.wsgi [req-1 a b] 10.1.1.1 \"GET\"",
        "2026-11-20T10:00:00.008Z",
        Some(Level::Info),
        &["file=nova-api.log.1", "pid=25", "component=nova.wsgi", "request_id=req-1", "source_ip=10.1.1.1"],
    );
    one("python", "WARNING:app.db:slow query", "-", Some(Level::Warn), &["component=app.db", "message=slow query"]);
    one(
        "glog",
        "E1120 10:00:00.123456    1234 server.go:12] \"failed\" err=x",
        "2026-11-20T10:00:00.123456Z",
        Some(Level::Error),
        &["tid=1234", "component=server.go:12"],
    );
    one(
        "twisted",
        "2026-11-20T10:00:00.5+0000 [Transport,13,192.0.2.9] login attempt",
        "2026-11-20T10:00:00.500Z",
        None,
        &["component=Transport,13,192.0.2.9", "source_ip=192.0.2.9", "session=13", "message=login attempt"],
    );
    one(
        "fail2ban",
        "2026-11-20 10:00:00,388 fail2ban.actions        [123]: NOTICE  [sshd] Ban 192.0.2.1",
        "2026-11-20T10:00:00.388Z",
        Some(Level::Notice),
        &["component=fail2ban.actions", "jail=sshd", "source_ip=192.0.2.1", "pid=123"],
    );
}

#[test]
fn databases_devices_and_clusters() {
    let text = "2026-11-20 10:00:00 UTC:10.0.0.4(5001):ann@shop:[77]:ERROR:  no table\n2026-11-20 10:00:00 UTC:10.0.0.4(5001):ann@shop:[77]:STATEMENT:  select 1\n\tfrom x\nwhere y\n";
    let records = read("postgres", text);
    assert_eq!(records.len(), 2, "{records:#?}");
    records[0].has(&["source_ip=10.0.0.4", "port=5001", "user=ann", "database=shop", "pid=77", "message=no table"]);
    records[1].has(&["message=select 1\n\tfrom x\nwhere y"]);
    one(
        "postgres",
        "2026-11-20 10:00:00.123 UTC [45] LOG:  ready",
        "2026-11-20T10:00:00.123Z",
        Some(Level::Info),
        &["pid=45", "message=ready"],
    );
    one(
        "cbs",
        "2026-11-20 10:00:00, Info                  CBS    Loaded stack",
        "2026-11-20T10:00:00Z",
        Some(Level::Info),
        &["component=CBS", "message=Loaded stack"],
    );
    one(
        "logcat",
        "11-20 10:00:00.250  1702  2395 W ActivityManager: slow: x",
        "2026-11-20T10:00:00.250Z",
        Some(Level::Warn),
        &["pid=1702", "tid=2395", "app=ActivityManager", "message=slow: x"],
    );
    one("logcat", "D/Tag( 123): text", "-", Some(Level::Debug), &["app=Tag", "pid=123"]);
    one(
        "healthapp",
        "20261120-10:0:5:97|Step|300|on 3579",
        "2026-11-20T10:00:05.097Z",
        None,
        &["component=Step", "pid=300", "message=on 3579"],
    );
    one(
        "proxifier",
        "[11.20 10:00:00] a.exe *64 - x:80 open",
        "2026-11-20T10:00:00Z",
        None,
        &["app=a.exe *64", "message=x:80 open"],
    );
    one(
        "bgl",
        "- 1795168801 2026.11.20 R1-N0 2026-11-20-10.00.01.250000 R1-N0 RAS KERNEL FATAL data error",
        "2026-11-20T10:00:01.250Z",
        Some(Level::Critical),
        &["host=R1-N0", "component=KERNEL", "message=data error"],
    );
    one(
        "thunderbird",
        "- 1795168801 2026.11.20 dn1 Nov 20 02:00:01 dn1/dn1 crond(pam)[29]: session closed for user root",
        "2026-11-20T10:00:01Z",
        None,
        &["host=dn1", "app=crond(pam)", "pid=29", "user=root"],
    );
    one(
        "hpc",
        "134681 node-246 unix.hw state.down 1795168801 1 Component down",
        "2026-11-20T10:00:01Z",
        None,
        &["host=node-246", "component=unix.hw", "message=Component down"],
    );
}

#[test]
fn security_events_in_cef_and_leef() {
    one(
        "cef",
        r"CEF:0|V|P|1|100|a \| b|9|src=10.0.0.7 suser=ann msg=hello world rt=1795168801250",
        "2026-11-20T10:00:01.250Z",
        Some(Level::Critical),
        &["vendor=V", "event_type=100", "source_ip=10.0.0.7", "user=ann", "suser=ann"],
    );
    one(
        "syslog",
        "Nov 20 10:00:00 fw CEF:0|V|P|1|7|x|3|src=10.0.0.7 spt=99",
        "2026-11-20T10:00:00Z",
        Some(Level::Info),
        &["host=fw", "source_ip=10.0.0.7", "spt=99"],
    );
    one(
        "cef",
        "LEEF:1.0|V|P|1|login|src=10.0.0.7\tusrName=ann",
        "-",
        None,
        &["event_type=login", "source_ip=10.0.0.7", "user=ann"],
    );
}

#[test]
fn containers_wrap_what_their_programs_print() {
    one(
        "cri",
        "2026-11-20T10:00:00.123456789Z stderr F WARN cache is cold",
        "2026-11-20T10:00:00.123456789Z",
        Some(Level::Warn),
        &["stream=stderr", "message=WARN cache is cold"],
    );
    one(
        "cri",
        r#"2026-11-20T10:00:00.5Z stdout F {"level":"error","msg":"no","src_ip":"10.0.0.7"}"#,
        "2026-11-20T10:00:00.500Z",
        Some(Level::Error),
        &["message=no", "source_ip=10.0.0.7"],
    );
    one(
        "compose",
        r#"caddy-1  | {"level":"info","ts":1795168801.25,"msg":"up"}"#,
        "2026-11-20T10:00:01.250Z",
        Some(Level::Info),
        &["app=caddy-1", "message=up"],
    );
    one(
        "unknown",
        "\u{1b}[32mNov 20 \u{1b}[0m10:10:01\u{1b}[31m ERROR\u{1b}[0m x",
        "2026-11-20T10:10:01Z",
        Some(Level::Error),
        &[],
    );
}

#[test]
fn syslog_dialects_of_devices_and_relays() {
    let fields = ["host=fw", "app=%ASA-6-302013", "message=Built outbound TCP connection"];
    one(
        "syslog",
        "Nov 20 2026 10:10:01 fw %ASA-6-302013: Built outbound TCP connection",
        "2026-11-20T10:10:01Z",
        Some(Level::Info),
        &fields,
    );
    let fields = ["host=web1", "app=sshd", "pid=7", "user=bob"];
    one(
        "syslog",
        "2026-11-20 10:10:01 web1 sshd[7]: Invalid user bob from 192.0.2.1",
        "2026-11-20T10:10:01Z",
        None,
        &fields,
    );
}

#[test]
fn a_level_among_the_pairs_of_a_message_counts() {
    one(
        "syslog",
        "Nov 20 10:10:01 h dockerd[7]: time=\"2026-11-20T10:10:01Z\" level=warning msg=\"slow\"",
        "2026-11-20T10:10:01Z",
        Some(Level::Warn),
        &["app=dockerd", "level_raw=warning"],
    );
}

#[test]
fn a_statement_that_syslog_cut_to_pieces_is_one_record() {
    let head = "Nov 20 10:10:01 db postgres[9]:";
    let text = format!(
        "{head} [5-1] user=a,db=b LOG:  statement: select\n{head} [5-2] #011 x\n{head} [5-3] #011 y\n{head} [6-1] user=a,db=b LOG:  z\nNov 20 10:10:01 db postgres[10]: [6-2] #011 other\n"
    );
    let records = read("syslog", &text);
    assert_eq!(records.len(), 3, "{records:#?}");
    assert!(records[0].get("message").unwrap().ends_with("#011 y"));
}
