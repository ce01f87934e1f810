//! Rows under headers: CSV, Zeek, W3C.

use logguard::model::{Level, TimeQuality};

use super::read;

#[test]
fn own_csv_keeps_commas_in_the_message_and_stack_frames_in_the_record() {
    let text = "2026-11-20 10:00:00,INFO,LOGIN,192.168.1.10,UserA,SUCCESS,a, b and c\n\
                2026-11-20 10:40:00,ERROR,APP,192.168.1.14,svc,FAILURE,java.lang.Error: null\n\tat com.acme.Foo(Foo.java:12)\n\
                Caused by: x\n2026-11-20 10:41:00,WARNING,APP,::1,svc,OK,\"said \"\"no\"\", left\"\n";
    let records = read("events-csv", text);
    assert_eq!(records.len(), 3);
    records[0].has(&[
        "event_type=LOGIN",
        "source_ip=192.168.1.10",
        "target_resource=UserA",
        "status=SUCCESS",
        "level_raw=INFO",
        "message=a, b and c",
    ]);
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
    let records =
        read("csv", "time;name;ip;note\n1795168801;\"a;b\";10.0.0.7;\"two\nlines\"\n1795168802.5;c;10.0.0.8;-\n");
    assert_eq!(records.len(), 3, "{records:#?}");
    assert_eq!(records[1].time, "2026-11-20T10:00:01Z");
    records[1].has(&["name=a;b", "source_ip=10.0.0.7", "note=two\nlines"]);
    assert_eq!(records[2].time, "2026-11-20T10:00:02.500Z");
    let tabs = read("csv", "Date\tUser\tSize\n2026-11-20T10:00:00Z\tann\t12\n2026-11-20T10:00:01Z\tbob\t13\n");
    tabs[1].has(&["user=ann", "size=12", "bytes=12"]);
}

#[test]
fn zeek_and_w3c_read_their_columns_from_the_header() {
    let zeek = "#separator \\x09\n#fields\tts\tuid\tid.orig_h\tid.resp_h\tproto\tservice\n#types\ttime\tstring\taddr\taddr\tenum\tstring\n1795168801.250000\tCx1\t10.0.0.7\t10.0.0.8\ttcp\t-\n#close\t2026-11-20-11-00-00\n";
    let records = read("zeek", zeek);
    assert_eq!(
        records.iter().map(|record| record.format.as_str()).collect::<Vec<_>>(),
        ["header", "header", "header", "zeek", "header"]
    );
    assert_eq!(records[3].time, "2026-11-20T10:00:01.250Z");
    records[3].has(&["uid=Cx1", "source_ip=10.0.0.7", "id.orig_h=10.0.0.7", "proto=tcp", "service=!"]);
    let iis = "#Software: X\n#Fields: date time c-ip cs-username cs-method cs-uri-stem sc-status cs(User-Agent)\n2026-11-20 10:00:00 10.0.0.7 - GET /a 200 Moz/5\n";
    let records = read("w3c", iis);
    assert_eq!((records[2].time.as_str(), records[2].quality), ("2026-11-20T10:00:00Z", TimeQuality::Exact));
    records[2].has(&["source_ip=10.0.0.7", "method=GET", "path=/a", "status=200", "user_agent=Moz/5", "user=!"]);
}

#[test]
fn rows_and_records_with_an_impossible_date_stay_records_of_their_own() {
    let rows = "2026-11-20 10:00:00,INFO,A,10.0.0.1,r,OK,x\n2026-13-20 10:00:00,INFO,A,10.0.0.1,r,OK,y\n2026-11-20 10:00:02,INFO,A,10.0.0.1,r,OK,z\n";
    assert_eq!(
        read("events-csv", rows).iter().map(|record| record.time != "-").collect::<Vec<_>>(),
        [true, false, true]
    );
    read("events-csv", rows)[1].has(&["message=y", "source_ip=10.0.0.1", "level_raw=INFO"]);
    let headed = format!(
        "timestamp,level,event_type,source_ip,target_resource,status,message\n{rows}\tat a.B(C.java:1)\nCaused by: e\n{rows}"
    );
    let records = read("csv", &headed);
    assert_eq!(records.len(), 7, "{records:#?}");
    records[3].has(&["message=z\n\tat a.B(C.java:1)\nCaused by: e"]);
    records[2].has(&["message=y", "source_ip=10.0.0.1"]);
}
