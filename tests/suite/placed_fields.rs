//! Values of fields that are read from the pieces of the lines are those that are cut from each record: of every format, for records
//! made at random, before and after segments are written anew, and of all real logs.

use std::path::Path;

use logguard::archive::Snapshot;
use logguard::archive::values::ValueColumn;
use logguard::engine::{Counters, Seal, Store};
use logguard::model::{FieldSet, Interpret, Layout};
use logguard::parse::REVISION;

use super::query_random::Dice;
use super::world::{World, shared};

/// How many values of fields were looked at, and how many of them were read from pieces.
#[derive(Debug, Default)]
struct Told {
    values: u64,
    read: u64,
    groups: u64,
    without: u64,
}

impl Told {
    fn share(&self) -> f64 {
        self.read as f64 / self.values.max(1) as f64
    }
}

/// Compares all fields of all records of a store.
fn compare(store: &Store) -> Told {
    let search = store.search().unwrap();
    let snapshot = search.snapshot();
    let mut told = Told::default();
    let names: Vec<&str> = snapshot.fields().iter().map(String::as_str).chain(["no_such_field"]).collect();
    for group in snapshot.groups() {
        told.groups += 1;
        let Some(columns) = snapshot.values(group, REVISION, &names).unwrap() else {
            told.without += 1;
            continue;
        };
        assert!(snapshot.values(group, REVISION + 1, &names).unwrap().is_none(), "read by one who cuts otherwise");
        of_group(store, snapshot, group, &names, &columns, &mut told);
    }
    told
}

fn of_group(
    store: &Store,
    snapshot: &Snapshot,
    group: &logguard::archive::GroupRef,
    names: &[&str],
    columns: &[Option<ValueColumn>],
    told: &mut Told,
) {
    let (of_group, lines) = (snapshot.columns(group).unwrap(), snapshot.lines(group).unwrap());
    let mut fields = FieldSet::default();
    let no_layout = Layout::default();
    for row in 0..group.stats.rows as usize {
        let raw = lines.raw(row);
        store.registry().interpret(of_group.layout(row).unwrap_or(&no_layout), raw, &mut fields);
        let fields = fields.of(raw);
        for (name, column) in names.iter().zip(columns) {
            let mut cut = fields.all(name).peekable();
            told.values += u64::from(cut.peek().is_some());
            let Some(column) = column.as_ref().filter(|column| column.is_known(row)) else { continue };
            told.read += u64::from(cut.peek().is_some());
            let read: Vec<&[u8]> = column.values(column.id(row)).collect();
            let cut: Vec<&[u8]> = cut.collect();
            assert_eq!(read, cut, "{name} of {:?}", String::from_utf8_lossy(raw));
        }
    }
}

fn store_of(folder: &Path, input: &Path) -> Store {
    let store = Store::open(folder.join("data"), folder.join("index"));
    let mut options = store.ingest_options(vec![input.display().to_string()]);
    options.detect = None;
    store.ingest(&options, &Counters::default()).unwrap();
    store
}

/// Lines of some formats with `@` where something is put in.
const FORMATS: &[(&str, &[&str])] = &[
    (
        "syslog",
        &[
            "Nov 20 10:10:01 web1 sshd[@n]: Failed password for @w from 203.0.113.@n port @n ssh2",
            "Nov 20 10:10:02 web1 sshd[@n]: Accepted publickey for @w from @w port @n ssh2",
            "Nov 20 10:10:03 @w su(pam_unix)[77]: session opened for user @w by (uid=@n)",
            "Nov 20 10:10:04 web1 app: user=@w status=@n path=\"@w @w\" size=@d",
            "Nov 20 10:10:05 web1 app: rhost=@w user=@d ruser=@d",
        ],
    ),
    (
        "access",
        &[
            "10.0.0.@n - @d [20/Nov/2026:10:10:10 +0000] \"GET /@w?q=@w HTTP/1.1\" @n @d \"@d\" \"@w/@n (@w; @w)\"",
            "10.0.0.@n - @d [20/Nov/2026:10:10:10 +0000] \"@w\" @n @d \"http://@w/\" \"@w\"",
            "10.0.0.@n - @d [20/Nov/2026:10:10:10 +0000] \"POST /@w/@w HTTP/2.0\" @n @n \"-\" \"@w\" \"10.1.@n.1, @w\"",
        ],
    ),
    (
        "json",
        &[
            "{\"time\":\"2026-11-20T10:10:10Z\",\"level\":\"info\",\"msg\":\"@w @w\",\"user\":\"@w\",\"status\":@n,\"ok\":true}",
            "{\"time\":\"2026-11-20T10:10:11Z\",\"level\":\"warn\",\"user\":{\"name\":\"@w\",\"id\":@n},\"tags\":[\"@w\",@n,null]}",
            "{\"time\":\"2026-11-20T10:10:11Z\",\"user\":\"@w\",\"user\":\"@w\",\"src\":\"@w\",\"src_ip\":\"10.0.0.@n\",\"e\":\"@d\"}",
        ],
    ),
    (
        "logfmt",
        &[
            "ts=2026-11-20T10:10:10Z level=info msg=\"@w @w\" user=@w code=@n e=@d",
            "ts=2026-11-20T10:10:11Z user=@d @w=@w",
        ],
    ),
    ("csv", &["2026-11-20 10:10:10,@w,\"@w, @w\",@n,@d", "2026-11-20 10:10:11,@w,@w,@d,\"a \"\"@w\"\"\""]),
    (
        "postgres",
        &[
            "2026-11-20 10:10:10 UTC:10.0.0.@n(@n):@w@@w:[@n]:LOG:  duration: @n.5 ms",
            "2026-11-20 10:10:10.123 UTC [@n] @w@@w ERROR:  relation \"@w\" does not exist at character @n",
        ],
    ),
    (
        "java",
        &[
            "2026-11-20 10:10:10,123 INFO  [main-@n] org.x.@w - @w @w=@n\n\tat a.@w(B.java:@n)",
            "2026-11-20 10:10:10,123 ERROR [@w] x.Y - @w",
        ],
    ),
    ("plain", &["@w @w = @w; @n", "10:10:10 @w: user '@w' [@n] @d"]),
];

/// Words as they may stand anywhere, with what formats use to mark something.
const WORDS: &[&str] = &[
    "ann",
    "root",
    "-",
    "",
    "x_y",
    "a b",
    "10.0.0.7",
    "2001:db8::7",
    "GET",
    "\\\"q\\\"",
    "\\\\",
    "\\u00e9",
    "é",
    "a=b",
    "a:b",
    "[x]",
    "(z)",
    "%41",
    "web1.example",
    "null",
    "true",
    "1e9",
    "\t",
    "/a/b",
    "a,b",
    "'",
    "--",
    "2026-11-20T10:10:10Z",
    "0",
    "007",
    ";",
    "@",
];

/// Lines made of the ones above: mostly plain words, so that many records are alike, now and then a strange one.
fn lines(formats: &[&str], count: usize, dice: &mut Dice) -> String {
    let mut text = String::new();
    for _ in 0..count {
        let form = formats[dice.below(formats.len())];
        let mut parts = form.split('@');
        text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let strange = dice.below(150) == 0;
            let word = match part.chars().next() {
                _ if strange => WORDS[dice.below(WORDS.len())].to_owned(),
                Some('n') => dice.below(300).to_string(),
                Some('d') => ["-", "-", "71", "bob"][dice.below(4)].to_owned(),
                Some('w') => format!("{}{}", ["ann", "svc_", "Kim"][dice.below(3)], ["", "", "4"][dice.below(3)]),
                _ => format!("@{}", part.get(..1).unwrap_or_default()),
            };
            text.push_str(&word);
            text.push_str(part.get(1..).unwrap_or_default());
        }
        text.push_str(if dice.below(90) == 0 { "\r\n" } else { "\n" });
    }
    text
}

#[test]
fn fields_of_random_records_of_each_format_are_those_cut_from_them() {
    let mut all = Told::default();
    for (seed, (name, formats)) in FORMATS.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let mut dice = Dice::new(seed as u64 + 5);
        let header = if *name == "csv" { "time,user,message,count,extra\n" } else { "" };
        let input = folder.path().join("in.log");
        std::fs::write(&input, format!("{header}{}", lines(formats, 12_000, &mut dice))).unwrap();
        let store = store_of(folder.path(), &input);
        let told = compare(&store);
        println!("{name:9} {told:?} {:.3}", told.share());
        assert_eq!(told.without, 0, "{name}: nothing is said of fields");
        assert!(told.share() > 0.4, "{name}: {told:?}");
        (all.values, all.read) = (all.values + told.values, all.read + told.read);
    }
    assert!(all.share() > 0.7, "{all:?}");
}

#[test]
fn segments_that_are_written_anew_still_say_where_fields_stand() {
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice::new(77);
    let input = folder.path().join("logs");
    std::fs::create_dir(&input).unwrap();
    for (name, formats) in FORMATS {
        std::fs::write(input.join(format!("{name}.log")), lines(formats, 1_000, &mut dice)).unwrap();
    }
    let store = store_of(folder.path(), &input);
    let before = compare(&store);
    store.compact(Seal::Balanced, &Counters::default()).unwrap();
    let after = compare(&store);
    assert_eq!((before.without, after.without), (0, 0));
    assert_eq!((before.values, before.read), (after.values, after.read));
    assert!(before.share() > 0.5, "{before:?}");
}

#[test]
fn a_damaged_place_of_a_field_is_found_by_verify_and_named_by_a_question() {
    let world = World::new();
    let mut dice = Dice::new(3);
    world.write("in.log", lines(FORMATS[0].1, 2_000, &mut dice));
    world.ok(&["process", "in.log"]);
    let segment = std::fs::read_dir(world.path("data/segments")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&segment).unwrap();
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let (at, len) = (number(bytes.len() - 32), number(bytes.len() - 24));
    let directory: serde_json::Value =
        serde_json::from_slice(&zstd::stream::decode_all(&bytes[at..at + len]).unwrap()).unwrap();
    let stripe = &directory["stripes"][0];
    let section = stripe["sections"].as_array().unwrap().iter().find(|section| section["kind"] == 17).unwrap();
    let at = stripe["at"].as_u64().unwrap() + section["at"].as_u64().unwrap();
    bytes[at as usize + 5] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let verify = world.run(&["verify"]);
    assert_eq!(verify.code, 2, "{}", verify.stdout);
    let cause = "the places of fields do not have the checksum they were written with";
    assert!(verify.stdout.contains(cause), "not only the file as a whole: {}", verify.stdout);
    let answer = world.run(&["search", "-q", "* | top user"]);
    assert_eq!(answer.code, 2, "{}", answer.stderr);
    assert!(answer.stderr.contains(cause), "{}", answer.stderr);
}

#[test]
fn fields_of_real_logs_are_those_cut_from_each_record() {
    let Some(root) = shared("where fields of real logs stand") else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = store_of(folder.path(), &root.join("logs"));
    let told = compare(&store);
    println!("{told:?} {:.4}", told.share());
    assert!(told.share() > 0.9, "{told:?}");
}
