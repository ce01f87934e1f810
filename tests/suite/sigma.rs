//! Sigma rules from a folder: what they match, on which records, what is reported, and the same at any thread count.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::world::World;

/// A rule of our own around a detection; the log source is none that is known, so that it is looked for everywhere.
fn rule(detection: &str) -> String {
    sourced("product: ourown", detection)
}

fn sourced(source: &str, detection: &str) -> String {
    let indented = detection.replace('\n', "\n    ");
    format!("title: Ours\nlevel: high\nlogsource:\n    {source}\ndetection:\n    {indented}\n")
}

/// The rules that each record fired, by its field `case` or else its text.
fn fired(world: &World, records: &[&str]) -> Vec<BTreeSet<String>> {
    world.ok(&["process", "--sigma", "rules", "logs", "--now", super::world::NOW]);
    let run = world.run(&["search", "rule:sigma", "--json", "--limit", "100000"]);
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in run.stdout.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let rules = record["rules"].as_array().unwrap().iter().map(|rule| rule.as_str().unwrap().to_owned());
        found.entry(record["raw"].as_str().unwrap_or_default().trim_end().to_owned()).or_default().extend(rules);
    }
    records.iter().map(|record| found.get(*record).cloned().unwrap_or_default()).collect()
}

#[test]
fn every_modifier_and_condition_decides_as_sigma_says() {
    // Name, detection, a record that fires it, and one that does not.
    let cases: &[(&str, &str, Value, Value)] = &[
        ("exact", "s:\n    f: Value\ncondition: s", json!({"f": "vALUE"}), json!({"f": "values"})),
        ("number", "s:\n    f: 4104\ncondition: s", json!({"f": 4104}), json!({"f": 41040})),
        ("wildcard", "s:\n    f: 'a*c?e'\ncondition: s", json!({"f": "abbcde"}), json!({"f": "abbce"})),
        ("escaped", "s:\n    f: 'a\\*c'\ncondition: s", json!({"f": "a*c"}), json!({"f": "abc"})),
        ("contains", "s:\n    f|contains: mid\ncondition: s", json!({"f": "aMIDb"}), json!({"f": "mi d"})),
        ("starts", "s:\n    f|startswith: mid\ncondition: s", json!({"f": "midb"}), json!({"f": "amidb"})),
        ("ends", "s:\n    f|endswith: '\\x.exe'\ncondition: s", json!({"f": "c:\\X.exe"}), json!({"f": "c:\\x.exe1"})),
        ("any", "s:\n    f: [one, two]\ncondition: s", json!({"f": "two"}), json!({"f": "three"})),
        ("all", "s:\n    f|contains|all: [one, two]\ncondition: s", json!({"f": "two one"}), json!({"f": "two"})),
        ("regex", "s:\n    f|re: '^a\\d+$'\ncondition: s", json!({"f": "a12"}), json!({"f": "A12"})),
        ("regex_i", "s:\n    f|re|i: '^a\\d+$'\ncondition: s", json!({"f": "A12"}), json!({"f": "b12"})),
        ("regex_m", "s:\n    f|re|m: '^b'\ncondition: s", json!({"f": "a\nb"}), json!({"f": "ab"})),
        ("regex_s", "s:\n    f|re|s: 'a.b'\ncondition: s", json!({"f": "a\nb"}), json!({"f": "ab"})),
        (
            "cidr",
            "s:\n    f|cidr: [10.0.0.0/8, 'fe80::/10']\ncondition: s",
            json!({"f": "10.1.2.3"}),
            json!({"f": "11.1.2.3"}),
        ),
        ("windash", "s:\n    f|contains|windash: ' -x '\ncondition: s", json!({"f": "a /x b"}), json!({"f": "a x b"})),
        ("exists", "s:\n    fe|exists: true\ncondition: s", json!({"fe": ""}), json!({"f": "1"})),
        (
            "absent",
            "s:\n    f: lone\n    fa|exists: false\ncondition: s",
            json!({"f": "lone"}),
            json!({"f": "lone", "fa": 1}),
        ),
        ("null", "s:\n    f: nul\n    fn: null\ncondition: s", json!({"f": "nul"}), json!({"f": "nul", "fn": "x"})),
        ("empty", "s:\n    fy: ''\ncondition: s", json!({"fy": ""}), json!({"fy": " "})),
        ("above", "s:\n    n|gt: 5\ncondition: s", json!({"n": 5.5}), json!({"n": 5})),
        ("at_least", "s:\n    n2|gte: 5\ncondition: s", json!({"n2": 5}), json!({"n2": 4})),
        ("below", "s:\n    n3|lt: -1\ncondition: s", json!({"n3": -2}), json!({"n3": -1})),
        ("at_most", "s:\n    n4|lte: 5\ncondition: s", json!({"n4": "5"}), json!({"n4": "six"})),
        ("cased", "s:\n    f|contains|cased: MiX\ncondition: s", json!({"f": "a MiX"}), json!({"f": "a mix"})),
        ("base64", "s:\n    f|base64: food\ncondition: s", json!({"f": "Zm9vZA=="}), json!({"f": "foo"})),
        (
            "offset",
            "s:\n    f|base64offset|contains: foobar\ncondition: s",
            json!({"f": "MWZvb2JhcjI="}),
            json!({"f": "foobar"}),
        ),
        (
            "wide",
            "s:\n    f|wide|base64offset|contains: ping\ncondition: s",
            json!({"f": "cABpAG4AZwA="}),
            json!({"f": "ping"}),
        ),
        (
            "reference",
            "s:\n    a|fieldref: b\ncondition: s",
            json!({"a": "X1", "b": "x1"}),
            json!({"a": "x", "b": "y"}),
        ),
        (
            "differs",
            "s:\n    f|contains: diff\n    f|neq: diff1\ncondition: s",
            json!({"f": "diff2"}),
            json!({"f": "diff1"}),
        ),
        (
            "keywords",
            "k:\n    - 'lost\\word'\n    - 'found word'\ncondition: k",
            json!({"z": "a lost\\word b"}),
            json!({"z": "lost"}),
        ),
        (
            "keywords_all",
            "k:\n    '|all': [alpha7, beta7]\ncondition: k",
            json!({"z": "beta7 alpha7"}),
            json!({"z": "alpha7"}),
        ),
        ("maps", "s:\n    - f: m1\n      g: m1\n    - f: m2\ncondition: s", json!({"f": "m2"}), json!({"f": "m1"})),
        (
            "one_of",
            "sel_a:\n    f: o1\nsel_b:\n    f: o2\ncondition: 1 of sel_*",
            json!({"f": "o2"}),
            json!({"f": "o3"}),
        ),
        (
            "all_of",
            "sel_a:\n    f: q1\nsel_b:\n    g: q2\ncondition: all of sel_*",
            json!({"f": "q1", "g": "q2"}),
            json!({"f": "q1"}),
        ),
        (
            "two_of",
            "a:\n    f: t1\nb:\n    g: t2\nc:\n    h: t3\ncondition: 2 of them",
            json!({"f": "t1", "h": "t3"}),
            json!({"h": "t3"}),
        ),
        (
            "all_them",
            "a:\n    f: u1\nb:\n    g: u2\ncondition: all of them",
            json!({"f": "u1", "g": "u2"}),
            json!({"f": "u1"}),
        ),
        (
            "not",
            "s:\n    f: n1\nfilter:\n    g: ok\ncondition: s and not 1 of filter*",
            json!({"f": "n1"}),
            json!({"f": "n1", "g": "ok"}),
        ),
        (
            "brackets",
            "a:\n    f: p1\nb:\n    g: p2\nc:\n    h: p3\ncondition: (a or b) and not c",
            json!({"g": "p2"}),
            json!({"g": "p2", "h": "p3"}),
        ),
        (
            "several",
            "a:\n    f: v1\nb:\n    f: v2\ncondition:\n    - a\n    - b",
            json!({"f": "v2"}),
            json!({"f": "v3"}),
        ),
        ("dotted", "s:\n    Top.Inner: d1\ncondition: s", json!({"top": {"inner": "d1"}}), json!({"inner": "d1"})),
        (
            "whole",
            "s:\n    Outer|contains: w1\ncondition: s",
            json!({"outer": {"in": ["a", "xw1"]}}),
            json!({"in": "w1"}),
        ),
        ("list", "s:\n    li: two9\ncondition: s", json!({"li": ["one9", "two9"]}), json!({"li": ["one9"]})),
        ("letters", "s:\n    f|contains: ÜBER\ncondition: s", json!({"f": "all über"}), json!({"f": "uber"})),
    ];
    let world = World::new();
    let mut logs = Vec::new();
    for (name, detection, yes, no) in cases {
        world.write(&format!("rules/{name}.yml"), rule(detection));
        for (which, event) in [("yes", yes), ("no", no)] {
            let mut event = event.clone();
            event["case"] = json!(format!("{name}-{which}"));
            logs.push(event.to_string());
        }
    }
    world.write("logs/events.json", logs.join("\n") + "\n");
    let records: Vec<&str> = logs.iter().map(String::as_str).collect();
    let found = fired(&world, &records);
    for ((name, ..), pair) in cases.iter().zip(found.chunks(2)) {
        assert!(pair[0].contains(*name), "{name} did not fire: {:?}", pair[0]);
        assert!(!pair[1].contains(*name), "{name} fired on the other record");
    }
}

#[test]
fn a_rule_is_looked_for_on_the_records_of_its_log_source() {
    let world = World::new();
    let process = "s:\n    Image|endswith: '\\evil.exe'\n    CommandLine|contains: go\ncondition: s";
    for (name, source, detection) in [
        ("windows_process", "product: windows\n    category: process_creation", process),
        ("windows_security", "product: windows\n    service: security", "s:\n    EventID: 1102\ncondition: s"),
        (
            "provider",
            "product: windows\n    service: system",
            "s:\n    Provider_Name: Our Provider\n    Level: 2\ncondition: s",
        ),
        (
            "web",
            "category: webserver",
            "s:\n    cs-method: GET\n    cs-uri-query|contains: 'x=evil'\n    cs-uri-stem|endswith: .asp\n    sc-status: 200\n    c-useragent|contains: Bad\ncondition: s",
        ),
        ("proxied", "category: proxy", "s:\n    c-uri|contains: evil.example\ncondition: s"),
        (
            "audited",
            "product: linux\n    service: auditd",
            "s:\n    type: EXECVE\n    a0: nc\n    a1|startswith: '-e'\ncondition: s",
        ),
        ("ssh", "product: linux\n    service: sshd", "k: ['corrupted MAC']\ncondition: k"),
        (
            "trail",
            "product: aws\n    service: cloudtrail",
            "s:\n    eventName: StopIt\n    requestParameters.name: x\ncondition: s",
        ),
        ("cisco", "product: cisco\n    service: aaa", "k: ['show secrets']\ncondition: k"),
    ] {
        world.write(&format!("rules/{name}.yml"), sourced(source, detection));
    }
    let cases = [
        (
            "a.json",
            r#"{"Event":{"System":{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1},"EventData":{"Image":"C:\\evil.exe","CommandLine":"evil go"}}}"#,
            "windows_process",
        ),
        (
            "a.json",
            r#"{"Event":{"System":{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":5},"EventData":{"Image":"C:\\evil.exe","CommandLine":"evil go"}}}"#,
            "",
        ),
        (
            "a.json",
            r#"{"winlog":{"channel":"Security","event_id":4688,"event_data":{"NewProcessName":"C:\\evil.exe","CommandLine":"evil go"}}}"#,
            "windows_process",
        ),
        ("a.json", r#"{"Image":"C:\\evil.exe","CommandLine":"evil go"}"#, "windows_process"),
        ("a.json", r#"{"Channel":"Security","EventID":1102,"SourceName":"x"}"#, "windows_security"),
        ("a.json", r#"{"Channel":"Other","EventID":1102,"SourceName":"x"}"#, ""),
        (
            "a.json",
            r##"{"Event":{"System":{"Provider":{"#attributes":{"Name":"Our Provider"}},"Channel":"System","EventID":{"#text":7},"Level":2}}}"##,
            "provider",
        ),
        (
            "b.log",
            r#"10.0.0.1 - - [20/Nov/2026:10:00:00 +0000] "GET /a.asp?x=evil HTTP/1.1" 200 12 "-" "Bad/1.0""#,
            "web",
        ),
        ("b.log", r#"10.0.0.1 - - [20/Nov/2026:10:00:00 +0000] "GET /a.asp?x=evil HTTP/1.1" 404 12 "-" "Bad/1.0""#, ""),
        (
            "b.log",
            r#"10.0.0.1 - - [20/Nov/2026:10:00:00 +0000] "GET http://evil.example/ HTTP/1.1" 200 12 "-" "Good""#,
            "proxied",
        ),
        ("b.log", r#"10.0.0.1 - - [20/Nov/2026:10:00:00 +0000] "GET /evil.example HTTP/1.1" 200 12 "-" "Good""#, ""),
        ("c.log", r#"type=EXECVE msg=audit(1763632800.123:42): argc=2 a0="nc" a1="-e/bin/sh""#, "audited"),
        ("c.log", r#"type=PATH msg=audit(1763632800.123:42): a0="nc" a1="-e/bin/sh""#, ""),
        ("d.log", "Nov 20 10:00:00 host sshd[12]: error: Corrupted MAC on input", "ssh"),
        ("d.log", "Nov 20 10:00:00 host other[12]: error: corrupted MAC on input", ""),
        ("d.log", "Nov 20 10:00:00 switch 77: %PARSER-5-CFGLOG: show secrets", "cisco"),
        ("d.log", "Nov 20 10:00:00 host other[12]: show secrets", ""),
        (
            "e.json",
            r#"{"eventSource":"our.amazonaws.com","eventName":"StopIt","requestParameters":{"name":"x"}}"#,
            "trail",
        ),
    ];
    for file in ["a.json", "b.log", "c.log", "d.log", "e.json"] {
        let lines: String = cases.iter().filter(|case| case.0 == file).map(|case| format!("{}\n", case.1)).collect();
        world.write(&format!("logs/{file}"), lines);
    }
    let records: Vec<&str> = cases.iter().map(|case| case.1).collect();
    for ((_, record, expected), found) in cases.iter().zip(fired(&world, &records)) {
        let ours: Vec<&String> =
            found.iter().filter(|rule| world.path(&format!("rules/{rule}.yml")).exists()).collect();
        let expected: Vec<&str> = Some(*expected).filter(|name| !name.is_empty()).into_iter().collect();
        assert_eq!(ours, expected, "{record}");
    }
}

#[test]
fn a_fired_rule_is_flagged_told_and_found_by_name() {
    let world = World::new();
    world.write("rules/Our Rule.yml", rule("s:\n    f: marked\ncondition: s").replace("Ours", "Marked things"));
    world.write("logs/a.json", "{\"f\":\"plain\"}\n{\"f\":\"marked\"}\n");
    world.ok(&["process", "--sigma", "rules", "logs"]);
    assert_eq!(world.ids("rule:our_rule anomaly:true", &[]), world.ids("marked", &[]));
    let run = world.ok(&["search", "rule:our_rule", "--json"]);
    assert!(run.stdout.contains("Sigma rule: Marked things (level high)"), "{}", run.stdout);
}

#[test]
fn what_can_not_be_used_is_named_and_the_rest_is_loaded() {
    let world = World::new();
    let good = rule("s:\n    f: x\ncondition: s");
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{before}]\n"));
    }
    for name in ["good.yml", "sub/good.yaml"] {
        world.write(&format!("rules/{name}"), &good);
    }
    world.write("rules/README.md", "not a rule");
    let bad: Vec<(&str, Vec<u8>, &str)> = vec![
        ("big.yml", vec![b'#'; (1 << 20) + 1], "larger than"),
        ("bomb.yml", bomb.into_bytes(), "more than"),
        ("broken.yml", b"title: [".to_vec(), "YAML"),
        ("bytes.yml", b"title: \xff".to_vec(), "UTF-8"),
        ("correlation.yml", b"title: c\ncorrelation:\n    type: event_count\n".to_vec(), "correlation"),
        ("empty.yml", Vec::new(), "empty"),
        ("expand.yml", rule("s:\n    f|expand: '%ours%'\ncondition: s").into_bytes(), "placeholder"),
        ("level.yml", good.replace("high", "huge").into_bytes(), "'huge'"),
        ("look.yml", rule("s:\n    f|re: '(?!x)'\ncondition: s").into_bytes(), "look-around"),
        ("modifier.yml", rule("s:\n    f|frob: x\ncondition: s").into_bytes(), "'frob'"),
        ("search.yml", rule("s:\n    f: x\ncondition: s and t").into_bytes(), "no search 't'"),
        ("size.yml", rule("s:\n    f|re: '(?:\\w{900}){900}'\ncondition: s").into_bytes(), "too big"),
        ("title.yml", b"detection: {}".to_vec(), "no title"),
    ];
    for (name, bytes, _) in &bad {
        world.write(&format!("rules/{name}"), bytes);
    }
    let run = world.run(&["rules", "rules", "--json"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&report["loaded"], &report["files"], &report["correlations"]), (&json!(2), &json!(15), &json!(1)));
    for ((name, _, reason), not) in bad.iter().zip(report["not_loaded"].as_array().unwrap()) {
        let (file, said) = (not["file"].as_str().unwrap(), not["reason"].as_str().unwrap());
        assert!(file.ends_with(name) && said.contains(reason) && !said.contains('\n'), "{file}: {said}");
    }
    world.write("a.json", "{\"f\":\"x\"}\n");
    let run = world.ok(&["process", "--sigma", "rules", "a.json", "--json"]);
    assert!(run.stderr.contains("2 rules loaded") && run.stderr.contains("13 not loaded"), "{}", run.stderr);
    assert_eq!(serde_json::from_str::<Value>(&run.stdout).unwrap()["sigma"]["loaded"], 2);
    assert_eq!(world.ids("rule:good rule:good-2", &[]).len(), 1, "the second of a name is numbered");
    assert_eq!(world.run(&["rules", "rules/good.yml"]).code, 0);
}

#[test]
fn a_folder_without_rules_is_said_before_anything_is_made() {
    let world = World::new();
    world.write("none/readme.txt", "");
    world.write("a.log", "x\n");
    for path in ["none", "absent"] {
        let run = world.run(&["process", "--sigma", path, "a.log"]);
        assert_eq!(run.code, 2);
        assert!(run.stderr.contains(path) && run.stderr.lines().count() == 1, "{}", run.stderr);
        assert!(!world.path("data").exists());
    }
}

#[test]
fn rules_that_are_all_broken_are_told_and_ingest_goes_on() {
    let world = World::new();
    world.write("rules/broken.yml", "title: [");
    world.write("a.log", "x\n");
    let run = world.run(&["process", "--sigma", "rules", "a.log"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    let told = run.stderr.lines().find(|line| line.contains("none of 1 Sigma rule can be used")).expect("it is told");
    assert!(told.contains("broken.yml") && told.contains("YAML") && told.contains("without them"), "{told}");
    assert_eq!(world.json(&["info", "--json"])["records"], 1);
}

#[test]
fn any_number_of_threads_finds_the_same() {
    let segments = |threads: &str| {
        let world = World::new();
        world.write("rules/even.yml", rule("s:\n    n|re: '[02468]$'\ncondition: s"));
        world.write("rules/seven.yml", rule("k: ['seven']\ncondition: k"));
        let line =
            |n: u32| format!("{{\"n\":{n},\"t\":\"{}\"}}\n", if n.is_multiple_of(7) { "seven" } else { "other" });
        world.write("a.json", (0..5_000).map(line).collect::<String>());
        world.ok(&["process", "--sigma", "rules", "a.json", "--threads", threads, "--now", super::world::NOW]);
        assert_eq!(world.ids("rule:even", &["--limit", "10000"]).len(), 2_500);
        assert_eq!(world.ids("rule:seven", &["--limit", "10000"]).len(), 715);
        let names = std::fs::read_dir(world.path("data/segments")).unwrap();
        names.map(|entry| entry.unwrap().file_name()).collect::<BTreeSet<_>>()
    };
    assert_eq!(segments("1"), segments("5"));
}
