//! Lines of row groups as columns, on one core: encoding, decoding, one record, and looking for a substring in decoded lines.
//!
//! Data: synthetic lines of usual length (no file is needed), one stripe of 16,384 records in two chunks. Throughput is in bytes of raw
//! log. Leaves out the other columns of a group, hashing and disks; `--bench archive` has real logs and the whole.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a benchmark that can't go on fails")]

use std::fmt::Write;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use logguard::archive::lines::{EncodedLines, Stripe, encode};

const ROWS: usize = 16_384;
const CHUNK: usize = 8_192;

/// Lines of one kind, and their lengths.
struct Input {
    name: &'static str,
    raw: Vec<u8>,
    lengths: Vec<u32>,
    /// Stands in few of the lines.
    needle: &'static [u8],
}

fn input(name: &'static str, needle: &'static [u8], each: impl Fn(&mut String, u64)) -> Input {
    let (mut text, mut lengths) = (String::new(), Vec::with_capacity(ROWS));
    // A fixed multiplier (Knuth): numbers that vary without a generator of their own.
    for row in 0..ROWS as u64 {
        let start = text.len();
        each(&mut text, row.wrapping_mul(6_364_136_223_846_793_005) >> 33);
        lengths.push((text.len() - start) as u32);
    }
    Input { name, raw: text.into_bytes(), lengths, needle }
}

fn inputs() -> [Input; 3] {
    let clock = |n: u64| format!("{:02}:{:02}:{:02}", n / 3_600 % 24, n / 60 % 60, n % 60);
    [
        input("syslog", b".113.77 port", |out, n| {
            let (host, port) = (n % 256, n % 60_000);
            let _ = writeln!(
                out,
                "Nov 20 {} web1 sshd[{}]: Failed password for invalid user u{} from 203.0.113.{host} port {port} ssh2",
                clock(n),
                n % 9_000,
                n % 70
            );
        }),
        input("access", b"/item/77", |out, n| {
            let (host, status) = (n % 251, [200, 200, 304, 404][n as usize % 4]);
            let _ = writeln!(
                out,
                "192.0.2.{host} - - [20/Nov/2026:{} +0000] \"GET /item/{} HTTP/1.1\" {status} {} \"-\" \"Mozilla/5.0 test/{}\"",
                clock(n),
                n % 5_000,
                n % 90_000,
                n % 9
            );
        }),
        input("json", b"\"user\":\"u13\"", |out, n| {
            let _ = writeln!(
                out,
                "{{\"time\":\"2026-11-20T{}.{:03}Z\",\"level\":\"info\",\"user\":\"u{}\",\"trace\":\"{:016x}\",\"ms\":{}}}",
                clock(n),
                n % 1_000,
                n % 400,
                n.wrapping_mul(0x9e37_79b9_7f4a_7c15),
                n % 3_000
            );
        }),
    ]
}

impl Input {
    fn encoded(&self, level: i32) -> EncodedLines {
        encode(&self.raw, &self.lengths, &[CHUNK, ROWS], level).unwrap().unwrap()
    }

    /// Raw bytes of each chunk.
    fn sizes(&self) -> Vec<u64> {
        self.lengths.chunks(CHUNK).map(|chunk| chunk.iter().map(|length| u64::from(*length)).sum()).collect()
    }
}

fn columns(criterion: &mut Criterion) {
    for input in inputs() {
        let mut group = criterion.benchmark_group(input.name);
        let raw_bytes = input.raw.len() as u64;
        group.sample_size(10).throughput(Throughput::Bytes(raw_bytes));
        for (name, level) in [("encode fast", 3), ("encode small", 19)] {
            group.bench_function(name, |bencher| bencher.iter(|| black_box(input.encoded(level))));
        }
        let (encoded, sizes) = (input.encoded(3), input.sizes());
        let decode = |stripe: &Stripe| -> Vec<Vec<u8>> {
            let chunks = encoded.chunks.iter().zip(&sizes);
            chunks.map(|(chunk, size)| stripe.decode(chunk, CHUNK as u32, *size).unwrap().0).collect()
        };
        let open = || Stripe::open(&encoded.shared, raw_bytes).unwrap();
        group.bench_function("decode", |bencher| bencher.iter(|| black_box(decode(&open()))));
        let decoded = decode(&open());
        let finder = memchr::memmem::Finder::new(input.needle);
        assert!(decoded.iter().any(|lines| finder.find(lines).is_some()), "the needle stands in some line");
        group.bench_function("substring in decoded lines", |bencher| {
            bencher.iter(|| decoded.iter().map(|lines| finder.find_iter(black_box(lines)).count()).sum::<usize>());
        });
        group.throughput(Throughput::Elements(1));
        let row = CHUNK as u32 / 2 + 7;
        let one =
            |stripe: Stripe| stripe.decode_rows(&encoded.chunks[1], CHUNK as u32, sizes[1], row..row + 1).unwrap();
        group.bench_function("one record, stripe open", |bencher| {
            let stripe = open();
            bencher.iter(|| {
                black_box(stripe.decode_rows(&encoded.chunks[1], CHUNK as u32, sizes[1], row..row + 1).unwrap())
            });
        });
        group.bench_function("one record, dictionaries cold", |bencher| {
            bencher.iter_batched(open, |stripe| black_box(one(stripe)), BatchSize::SmallInput);
        });
        group.finish();
    }
}

criterion_group!(benches, columns);
criterion_main!(benches);
