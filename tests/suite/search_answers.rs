//! Answers from outside: files, limits, many questions at once, comparisons, and the wording of mistakes.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use super::world::{NOW, Run, World, of};

/// Two hours of an application's log: what was said changes at eleven.
fn shop() -> World {
    let world = World::new();
    let mut text = String::new();
    for minute in 0..60 {
        text.push_str(&format!(
            "2026-11-20 10:{minute:02}:00,INFO,ORDER,10.0.0.{},cart,SUCCESS,order {minute} placed\n",
            minute % 4
        ));
    }
    for minute in 0..30 {
        text.push_str(&format!(
            "2026-11-20 11:{minute:02}:00,INFO,ORDER,10.0.0.1,cart,SUCCESS,order {minute} placed\n"
        ));
    }
    text.push_str("2026-11-20 10:59:30,WARN,CACHE,10.0.0.2,cache,TIMEOUT,cache is cold\n");
    text.push_str("2026-11-20 11:30:00,ERROR,PAYMENT,=1+1,bank,FAILURE,payment declined\n");
    world.write("logs/shop.log", text);
    world.ok(&["process", "logs", "--now", NOW]);
    world
}

fn rows(run: &Run) -> Vec<Value> {
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn two_windows_are_compared_by_template_and_by_field() {
    let world = shop();
    let of = |query: &str| rows(&world.ok(&["search", "--json", "--now", NOW, "--", query]));
    assert_eq!(
        of("| compare 1h"),
        [
            json!({"pattern": "payment declined", "change": "new", "before": 0, "last": 1, "rate": null, "first": 91}),
            json!({"pattern": "cache is cold", "change": "gone", "before": 1, "last": 0, "rate": 0.0, "first": 90}),
            json!({"pattern": "order <n> placed", "change": "less", "before": 60, "last": 30, "rate": 0.5, "first": 60}),
        ]
    );
    let by_address = of("event_type:ORDER | compare 30m before 1h until 2026-11-20T11:30 by source_ip");
    // Thirty in half an hour against fifteen (and the thirty minutes before none) in an hour is four times the rate.
    assert_eq!(
        by_address
            .iter()
            .map(|row| (row["source_ip"].as_str().unwrap(), row["change"].as_str().unwrap()))
            .collect::<Vec<_>>(),
        [("10.0.0.0", "gone"), ("10.0.0.2", "gone"), ("10.0.0.3", "gone"), ("10.0.0.1", "more")]
    );
    let run = world.run(&["search", "--now", "2027-01-01T00:00:00Z", "| compare 1h"]);
    assert!(run.stderr.contains("both are later than the newest record"), "{}", run.stderr);
    let from_end = rows(&world.ok(&["search", "--json", "payment | compare 45m until end"]));
    assert_eq!(from_end[0]["change"], "new", "the newest record is in the window that ends with it");
}

#[test]
fn a_file_appears_whole_and_is_not_overwritten_by_mistake() {
    let world = shop();
    let run = world.ok(&["search", "payment OR cache", "-o", "hits.jsonl"]);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("2 of 92 records match") && run.stderr.contains("hits.jsonl"), "{}", run.stderr);
    let written = || std::fs::read_to_string(world.path("hits.jsonl")).unwrap();
    assert_eq!(written().lines().count(), 2);
    let again = world.run(&["search", "order", "-o", "hits.jsonl"]);
    assert_eq!((again.code, written().lines().count()), (2, 2));
    assert!(again.stderr.contains("--force overwrites it"), "{}", again.stderr);
    world.ok(&["search", "order", "-o", "hits.jsonl", "--force"]);
    assert_eq!(written().lines().count(), 90, "nothing is cut off in a file");
    world.ok(&["search", "order", "-o", "all.raw"]);
    let raw = std::fs::read(world.path("all.raw")).unwrap();
    assert_eq!(raw, world.ok(&["search", "order", "--raw"]).bytes);
    let failed = world.run(&["search", "levl:x", "-o", "other.csv"]);
    let unnamed = world.run(&["search", "order", "-o", "other"]);
    assert_eq!((failed.code, unnamed.code), (2, 2));
    assert!(unnamed.stderr.contains("--json, --csv or --raw"), "{}", unnamed.stderr);
    let mut names: Vec<_> = std::fs::read_dir(world.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["all.raw", "data", "hits.jsonl", "index", "logs"], "nothing is left behind");
}

#[test]
fn fields_choose_the_columns_and_no_cell_is_a_formula() {
    let world = shop();
    let csv = world.ok(&["search", "--csv", "payment OR cache | fields time, source_ip, level"]);
    assert_eq!(
        csv.stdout,
        "time,source_ip,level\n2026-11-20T11:30:00Z,\"'=1+1\",error\n2026-11-20T10:59:30Z,10.0.0.2,warn\n"
    );
    let none = world.run(&["search", "--csv", "nowhere | fields time, level"]);
    assert_eq!((none.code, none.stdout.as_str()), (1, "time,level\n"));
    let text = world.ok(&["search", "payment | fields source_ip, user"]);
    assert_eq!(text.stdout.trim(), "91  source_ip==1+1  user=-");
    let head = world.ok(&["search", "--csv", "* | head 2"]);
    assert_eq!(head.stdout.lines().next().unwrap().split(',').next(), Some("id"));
}

#[test]
fn an_answer_that_takes_too_long_says_what_it_covers() {
    let world = shop();
    let run = world.run(&["search", "order", "--limit-time", "0s"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("incomplete: time limit of 0ns reached; 0 of 92 records covered"), "{}", run.stderr);
    assert!(run.stderr.contains("covered 0/92"), "{}", run.stderr);
    let quiet = world.run(&["search", "-q", "* | stats count", "--json", "--limit-time", "0s"]);
    assert_eq!((quiet.code, rows(&quiet)), (2, vec![json!({"count": 0})]));
    assert!(quiet.stderr.contains("0 of 92 records covered"), "what is incomplete is said even so: {}", quiet.stderr);
    let file = world.run(&["search", "order", "--limit-time", "0s", "-o", "hits.csv"]);
    assert_eq!(file.code, 2);
    assert!(world.path("hits.csv.partial").exists() && !world.path("hits.csv").exists());
    assert_eq!(world.ok(&["search", "--count", "order", "--limit-time", "60s"]).stdout, "90\n");
}

#[test]
fn counts_are_exact_behind_head_and_beyond_the_page() {
    let world = shop();
    for arguments in
        [&["search", "order | head 3"][..], &["search", "order", "-n", "3"], &["search", "order", "-n", "20000"]]
    {
        let run = world.ok(arguments);
        assert!(run.stderr.contains("90 of 92 records match"), "{arguments:?}: {}", run.stderr);
    }
    assert_eq!(world.ok(&["search", "--count", "order | head 3"]).stdout, "3\n");
    assert_eq!(world.ok(&["search", "--count", "* | top 9 level"]).stdout, "3\n");
}

#[test]
fn quiet_leaves_the_answer_and_nothing_else() {
    let world = shop();
    let run = world.run(&["search", "-q", "--count", "order or placed"]);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (1, "0\n", ""));
}

/// Asks the questions of a text through standard input.
fn piped(world: &World, arguments: &[&str], text: &str) -> Run {
    let mut command = world.command(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    of(child.wait_with_output().unwrap())
}

#[test]
fn many_questions_are_answered_over_one_store_and_set_apart() {
    let world = shop();
    let text = "# cases\n\npayment\n  level:WARN | stats count\nlevl:x\nnowhere\n";
    let run = piped(&world, &["search", "--queries", "-", "--json"], text);
    assert_eq!(run.code, 2, "one could not be answered");
    let objects = rows(&run);
    let kinds: Vec<&str> =
        objects.iter().map(|object| object.as_object().unwrap().keys().next().unwrap().as_str()).collect();
    assert_eq!(kinds, ["query", "id", "summary", "query", "count", "summary", "query", "error", "query", "summary"]);
    assert_eq!(objects[0], json!({"query": {"number": 1, "line": 3, "text": "payment"}}));
    assert_eq!(objects[2]["summary"]["matched"], 1);
    assert_eq!(objects[2]["summary"]["complete"], true);
    assert_eq!(objects[7]["error"]["column"], 1);
    assert_eq!(objects[7]["error"]["suggestion"], "level");
    let counts = piped(&world, &["search", "--queries", "-", "--count", "-q"], "order\nnowhere\n");
    assert_eq!((counts.code, counts.stdout.as_str()), (0, "90\n0\n"));
    world.write("none.txt", "nowhere\nnothing\n");
    assert_eq!(world.run(&["search", "--queries", "none.txt"]).code, 1);
    world.write("some.txt", "payment\ncache\n");
    world.ok(&["search", "--queries", "some.txt", "-o", "out.txt"]);
    let text = std::fs::read_to_string(world.path("out.txt")).unwrap();
    assert!(text.starts_with("# payment\n") && text.contains("\n\n# cache\n"), "{text}");
    assert_eq!(world.run(&["search", "--queries", "some.txt", "--raw"]).code, 2, "bytes can't be set apart");
}

#[test]
fn mistakes_are_pointed_at_and_cured() {
    let world = shop();
    for (query, column, said) in [
        ("levl:ERROR", 1, "did you mean 'level'?"),
        ("level:eror", 11, "unknown level 'eror', did you mean 'error'?"),
        ("* | stat count", 5, "unknown pipe 'stat', did you mean 'stats'?"),
        ("* | top 3 sorce_ip", 11, "did you mean 'source_ip'?"),
        ("* | stats count by level | where cuont>1", 34, "unknown column 'cuont', have ['level', 'count']"),
        ("status:[9 TO 1]", 16, "empty range: 9 > 1"),
        ("a /x(/", 7, "bad regex"),
        ("a \"open", 3, "missing closing quote"),
        ("* | head many", 10, "'many' is not a count"),
        ("* | compare soon", 13, "compare needs: span"),
        ("\u{1b}[2J levl:x", 6, "did you mean 'level'?"),
    ] {
        let run = world.run(&["search", "--", query]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{query}");
        assert!(run.stderr.contains(said) && !run.stderr.contains('\x1b'), "{query}: {}", run.stderr);
        let lines: Vec<&str> = run.stderr.lines().collect();
        let place = lines[1].chars().position(|letter| letter == '^').unwrap() - 2;
        // An escape takes four characters where it took one.
        let escaped = if query.starts_with('\u{1b}') { 3 } else { 0 };
        assert_eq!(place + 1, column + escaped, "{query}: {}", run.stderr);
    }
}

#[test]
fn context_joins_neighbours_in_the_same_input() {
    let world = shop();
    world.write("more/a.log", "2026-11-20 10:59:31,INFO,ORDER,10.0.0.9,cart,SUCCESS,another input\n");
    world.ok(&["process", "more", "--now", NOW]);
    let ids = |query: &str| {
        rows(&world.ok(&["search", "--json", query])).iter().map(|row| row["id"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ids("payment | context 2"), [89, 90, 91]);
    assert_eq!(ids("payment OR cache | context 1"), [89, 90, 91]);
    assert_eq!(ids("\"another input\" | context 5"), [92]);
    assert_eq!(ids("\"order 0 placed\" | context 1"), [0, 1, 59, 60, 61]);
}
