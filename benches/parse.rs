//! Throughput of the parse stage on one core: framing of lines and reading of records, per format, on synthetic lines of usual
//! length. Leaves out reading from disk, templates and everything after. Throughput is in bytes of raw log.

use std::fmt::Write;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use logguard::model::Timestamp;
use logguard::parse::{Hints, Parsed, Parser, Registry};

const LINES: u32 = 10_000;

/// Lines of one format with numbers that vary.
fn lines(each: impl Fn(&mut String, u32)) -> Vec<u8> {
    let mut text = String::new();
    (0..LINES).for_each(|n| each(&mut text, n));
    text.into_bytes()
}

fn inputs() -> Vec<(&'static str, Vec<u8>)> {
    let clock = |n: u32| format!("{:02}:{:02}:{:02}", n / 3_600 % 24, n / 60 % 60, n % 60);
    vec![
        (
            "hdfs",
            lines(|out, n| {
                let time = clock(n).replace(':', "");
                let _ = writeln!(
                    out,
                    "261120 {time} {n} INFO dfs.DataNode$DataXceiver: Receiving block blk_43941{n} src: /10.250.18.114:43996 dest: /10.250.18.114:50010"
                );
            }),
        ),
        (
            "syslog",
            lines(|out, n| {
                let _ = writeln!(
                    out,
                    "Nov 20 {} web1 sshd[{n}]: Failed password for invalid user admin from 203.0.113.{} port {n} ssh2",
                    clock(n),
                    n % 256
                );
            }),
        ),
        (
            "access",
            lines(|out, n| {
                let _ = writeln!(
                    out,
                    "203.0.113.{} - - [20/Nov/2026:{} +0000] \"GET /static/{n}/a.png?x={n} HTTP/1.1\" 200 {n} \"https://example.com/\" \"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\"",
                    n % 256,
                    clock(n)
                );
            }),
        ),
        (
            "json",
            lines(|out, n| {
                let _ = writeln!(
                    out,
                    "{{\"timestamp\":\"2026-11-20T{}Z\",\"level\":\"info\",\"service\":\"billing\",\"msg\":\"payment {n} done\",\"duration_ms\":{n},\"user\":{{\"name\":\"alice\",\"id\":{n}}},\"tags\":[\"a\",\"b\"],\"src_ip\":\"10.0.0.{}\"}}",
                    clock(n),
                    n % 256
                );
            }),
        ),
        (
            "log4j",
            lines(|out, n| {
                let _ = writeln!(
                    out,
                    "2026-11-20 {},{:03} [pool-{}] DEBUG o.a.i.c.c.ConfigNode:{n} - set raft.server.rpc.timeout.min = {n} (default)",
                    clock(n),
                    n % 1_000,
                    n % 8
                );
            }),
        ),
        (
            "csv",
            lines(|out, n| {
                let _ = writeln!(
                    out,
                    "2026-11-20 {},INFO,LOGIN,192.168.1.{},User{n},SUCCESS,User{n} login from console",
                    clock(n),
                    n % 256
                );
            }),
        ),
    ]
}

fn parse(criterion: &mut Criterion) {
    let registry = Registry::builtin();
    let hints = Hints { modified: Timestamp::from_civil(2026, 11, 21, 0, 0, 0, 0), ..Hints::default() };
    let mut group = criterion.benchmark_group("parse");
    for (name, data) in inputs() {
        group.throughput(Throughput::Bytes(data.len() as u64));
        group.bench_function(name, |bench| {
            bench.iter(|| {
                let head = data.get(..data.len().min(256 << 10)).unwrap_or_default();
                let Ok(mut parser) = Parser::new(&registry, hints.clone(), head) else { return };
                let (mut cuts, mut parsed) = (Vec::new(), Parsed::default());
                for line in data.split_inclusive(|byte| *byte == b'\n') {
                    cuts.clear();
                    parser.line(line, &mut cuts);
                    parser.parse(black_box(line), &mut parsed);
                    black_box(parsed.fields.len());
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
