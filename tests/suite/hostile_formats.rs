//! Hostile input to the parsers: mutated lines of every format, deep nesting, huge lines. Nothing panics, no byte is lost, and
//! a record is cut again from its layout exactly as it was cut first.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use logguard::model::{FieldSet, Interpret, Timestamp};
use logguard::parse::{Hints, Parsed, Parser, Registry};

const SEEDS: &[&str] = &[
    "2026-11-20 10:00:00,INFO,LOGIN,192.168.1.10,UserA,SUCCESS,a, b\n",
    "{\"ts\":\"2026-11-20T10:20:00Z\",\"level\":\"error\",\"a\":{\"b\":[1,{\"c\":\"x\\u00e9\\\"\"}]},\"msg\":\"m\"}\n",
    "[{\"ts\":1795168801.5},{\"id.orig_h\":\"10.0.0.7\"}]\n",
    "{\"Records\":[{\"eventTime\":\"2026-11-20T10:00:00Z\"},{}]}\n",
    "203.0.113.77 - - [20/Nov/2026:10:15:00 +0100] \"GET /a HTTP/1.1\" 404 512 \"-\" \"curl\"\n",
    "[Fri Nov 20 10:00:00 2026] [core:error] [pid 41:tid 29] [client 192.0.2.12:46652] AH1: x\n",
    "2026/11/20 10:00:00 [error] 12#34: *5 x, client: 192.0.2.1, request: \"GET /x HTTP/1.1\", host: \"h\"\n",
    "1795168801.250     42 192.0.2.4 TCP_DENIED/403 3722 GET http://x/ - HIER_NONE/- text/html\n",
    "<38>Nov 20 10:10:01 web1 sshd(pam)[3911]: Failed password for invalid user a b from ::ffff:203.0.113.5 port 5 ssh2\n",
    "<165>1 2026-11-20T10:10:01.003Z web1 app 8710 ID47 [ex@1 iut=\"3\" n=\"a\\\"\"] An event\n",
    "Nov 20 10:10:01 web1 sudo:   ann : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/id\n",
    "Nov 20 10:10:01 db postgres[9]: [5-1] db=shop,user=ann,client=10.0.0.9(5) ERROR:  no\n",
    "type=LOGIN msg=audit(1795168801.250:4): pid=11 msg='op=login acct=\"root\" addr=192.0.2.7'\n",
    "ts=2026-11-20T10:00:00Z level=warn msg=\"two \\\"words\\\"\" a= b=c\n",
    "E1120 10:00:00.123456    1234 server.go:12] x\n",
    "11-20 10:00:00.250  1702  2395 W Tag: slow: x\nD/Tag( 123): text\n",
    "20261120-10:0:5:97|Step|300|on\n[11.20 10:00:00] a.exe *64 - x:80 open\n",
    "2026-11-20 10:00:00, Info                  CBS    Loaded\n261120 100000 147 WARN dfs.X: y\n",
    "- 1795168801 2026.11.20 R1 2026-11-20-10.00.01.250000 R1 RAS KERNEL FATAL x\n",
    "nova.log 2026-11-20 10:00:00.008 25 INFO nova.wsgi [req-1 a] 10.1.1.1 x\n",
    "2026-11-20 10:00:00,120 [pool-1] DEBUG o.a.Conf:58 - set\n\tat a.B(C.java:1)\nCaused by: y\n",
    "[2026-11-20 10:00:00,120] INFO [Log p=1] Rolled (kafka.log.Log)\n",
    "CEF:0|V|P|1|100|a \\| b|9|src=10.0.0.7 msg=hello world rt=1795168801250\n",
    "#fields\tts\tuid\tx\n1795168801.0\tA\t-\n",
    "#Fields: date time c-ip cs(User-Agent)\n2026-11-20 10:00:00 10.0.0.7 x\n",
    "time;name;message\n1795168801;\"a;\"\"b\";\"two\nlines\"\n",
    "@400000004c91b044077a9e94 x from [2001:db8::1]:22\n\x1b[31mNov 20\x1b[0m 10:10:01 x\n",
];

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

/// Reads an input as a whole and checks what must hold of any bytes.
fn check(registry: &Registry, data: &[u8]) {
    let hints = Hints { modified: Timestamp::from_civil(2026, 11, 20, 12, 0, 0, 0), ..Hints::default() };
    let mut parser = Parser::new(registry, hints, data).unwrap();
    let (mut cuts, mut starts, mut offset) = (Vec::new(), Vec::new(), 0);
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        cuts.clear();
        parser.line(line, &mut cuts);
        assert!(cuts.windows(2).all(|pair| pair[0] < pair[1]) && cuts.iter().all(|cut| *cut < line.len()), "{cuts:?}");
        assert!(offset > 0 || cuts.first() == Some(&0));
        starts.extend(cuts.iter().map(|cut| offset + cut));
        offset += line.len();
    }
    starts.push(data.len());
    let (mut parsed, mut again) = (Parsed::default(), FieldSet::default());
    for pair in starts.windows(2) {
        let raw = &data[pair[0]..pair[1]];
        parser.parse(raw, &mut parsed);
        registry.interpret(&parser.layouts()[parsed.layout as usize], raw, &mut again);
        assert!(
            again.of(raw).iter().eq(parsed.fields.of(raw).iter()),
            "cut differently again: {:?}",
            String::from_utf8_lossy(raw)
        );
        assert!(parsed.fields.of(raw).first("message").is_some());
    }
}

#[test]
fn mutated_lines_of_every_format_are_read_without_harm() {
    let registry = Registry::builtin();
    let mut random = Random(20_261_120);
    for round in 0..3_000 {
        let mut data = Vec::new();
        for _ in 0..1 + random.below(4) {
            data.extend_from_slice(SEEDS[random.below(SEEDS.len())].as_bytes());
        }
        for _ in 0..random.below(12) {
            let at = random.below(data.len());
            match random.below(6) {
                0 => data[at] = random.below(256) as u8,
                1 => data.truncate(at + 1),
                2 => drop(data.remove(at)),
                3 => data.insert(at, b"\"[]{}\\\n\0:=,| \xff"[random.below(14)]),
                4 => {
                    let piece = data[at..(at + 9).min(data.len())].to_vec();
                    let to = random.below(data.len());
                    data.splice(to..to, piece);
                }
                _ => data[at] ^= 1 << random.below(8),
            }
            if data.is_empty() {
                data.push(b'x');
            }
        }
        if round % 3 == 0 {
            data.insert(0, b"{[\"<\xEF"[random.below(5)]);
        }
        check(&registry, &data);
    }
}

#[test]
fn deep_nesting_and_huge_lines_cost_no_stack_and_little_time() {
    let registry = Registry::builtin();
    let deep = [b"{\"ts\":\"2026-11-20T10:20:00Z\",\"a\":".to_vec(), b"[".repeat(400_000), b"{\"x\":".repeat(100_000)]
        .concat();
    check(&registry, &deep);
    check(
        &registry,
        &[b"{\"a\":{".to_vec(), b"\"a\":{".repeat(100_000), b"}".repeat(100_002), b"\n".to_vec()].concat(),
    );
    let wide: String = (0..200_000).map(|n| format!("\"k{n}\":{n},")).collect();
    check(&registry, format!("{{{wide}\"z\":1}}\n").as_bytes());
    for byte in [b'a', b'[', b'"', b'1', b'.', b':', b'=', b'\\', 0, b' ', b'#', b'<', b'('] {
        check(&registry, &vec![byte; 2 << 20]);
        let mut line = b"Nov 20 10:10:01 web1 sshd[1]: ".to_vec();
        line.resize(2 << 20, byte);
        check(&registry, &line);
    }
    check(&registry, &b"1.2.3.4 ".repeat(1 << 18));
    check(&registry, &b"k=\"".repeat(1 << 19));
    check(&registry, &b"a=b ".repeat(1 << 19));
    check(&registry, &b"\n".repeat(100_000));
}
