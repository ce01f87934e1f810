//! A hundred thousand random queries: made by the grammar, made and then mutated, and put together from parts. Each gets an
//! answer or a clean error; those of the grammar get an answer; and in a real store neither index nor threads change any.

use logguard::model::{FieldSet, InputId, Level, Origin, RecordId, RecordView, TimeQuality, Timestamp, Verdict, Zone};
use logguard::query::{Limits, Matcher, Pipeline, Query, QueryContext};

use super::world::{NOW, World, of};

/// A generator of numbers that gives the same ones on every machine.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

const FIELDS: &[&str] = &["user", "status", "source_ip", "path", "app", "source", "level_raw", "message", "entity"];
const NUMERIC: &[&str] = &["status", "bytes", "score", "id", "novelty", "offset"];
const WORDS: &[&str] = &[
    "failed",
    "fail*",
    "*passwd*",
    "u?er",
    "ERROR",
    "root",
    "10.0.0.7",
    "/etc/passwd",
    "C:\\\\x.exe",
    "évil",
    "a\\*b",
    "x_y",
    "http://evil/x",
    "2001:db8::7",
    "00:1b:21:3c:9d:f8",
    "evil.example:443",
    "10:15:00",
    "-1",
    "'a b'",
    "\"timed out\"",
    "\"port 5\"*",
    "\"failed from\"~3",
    "/fa[il]+ed/i",
    "/\\d+/",
    "203.0.113.0/24",
    "::/0",
];
const LEVELS: &[&str] = &["trace", "DEBUG", "info", "notice", "warn", "WARNING", "error", "critical", "fatal", "emerg"];
const TIMES: &[&str] = &["2026-11-20", "2026-11-20T10", "2026-11-20T10:10+02:00", "now-1h", "end-2d", "start", "today"];

/// Makes queries of the grammar.
struct Maker<'a>(&'a mut Dice);

impl Maker<'_> {
    fn query(&mut self) -> String {
        let mut text = if self.0.below(8) == 0 { String::new() } else { self.or(3) };
        for pipe in self.pipes() {
            text.push_str(" | ");
            text.push_str(&pipe);
        }
        text
    }

    fn or(&mut self, depth: usize) -> String {
        let parts: Vec<String> = (0..1 + self.0.below(2)).map(|_| self.and(depth)).collect();
        parts.join(" OR ")
    }

    fn and(&mut self, depth: usize) -> String {
        let parts: Vec<String> = (0..1 + self.0.below(3)).map(|_| self.not(depth)).collect();
        parts.join(self.0.one(&[" ", " AND ", "  "]))
    }

    fn not(&mut self, depth: usize) -> String {
        let sign = self.0.one(&["", "", "", "NOT ", "-", "!", "+"]);
        format!("{sign}{}", self.primary(depth))
    }

    fn primary(&mut self, depth: usize) -> String {
        match self.0.below(14) {
            0 if depth > 0 => format!("({})", self.or(depth - 1)),
            1 => format!("{}:*", self.0.one(FIELDS)),
            2 => {
                let (a, b) = (self.0.below(600), self.0.below(600));
                format!("{}:[{} TO {}}}", self.0.one(NUMERIC), a.min(b), a.max(b))
            }
            3 => format!(
                "{}{}{}",
                self.0.one(NUMERIC),
                self.0.one(&[">", ">=", "<", "<=", ":>=", ":<"]),
                self.0.below(600)
            ),
            4 => format!("level{}{}", self.0.one(&[":", ">=", "<", "!=", "="]), self.0.one(LEVELS)),
            5 => format!("{}:{}", self.0.one(&["time", "since", "until"]), self.0.one(TIMES)),
            6 => format!(
                "{}:({} OR {})",
                self.0.one(FIELDS),
                self.0.one(&["a", "root", "x*"]),
                self.0.one(&["b", "404"])
            ),
            7 => format!("{}{}\"a.?b|\\\\d+\"", self.0.one(&["", "path", "user"]), self.0.one(&["=~", "!~"])),
            8 => {
                format!("{}{}{}", self.0.one(FIELDS), self.0.one(&["=", "!="]), self.0.one(&["root", "\"a b\"", "404"]))
            }
            9 => format!("source_ip:{}", self.0.one(&["10.0.0.0/8", "203.0.113.5", "2001:db8::/32", "192.168.*"])),
            10 => format!("around:{}~{}", self.0.one(TIMES), self.0.one(&["5s", "1h30m"])),
            _ => self.0.one(WORDS).to_owned(),
        }
    }

    fn pipes(&mut self) -> Vec<String> {
        let mut pipes = Vec::new();
        let field = self.0.one(FIELDS);
        match self.0.below(16) {
            0 => pipes.push(format!("stats count, dc({field}), p95(bytes) by {}, level", self.0.one(FIELDS))),
            1 => pipes.push(format!("top {} {field}", 1 + self.0.below(9))),
            2 => pipes.push(format!("rare {field}")),
            3 => pipes.push(format!("timechart {} by {field}", self.0.one(&["1m", "1h", "7d"]))),
            4 => pipes.push("patterns 3".to_owned()),
            5 => pipes.push(format!("gaps {}", self.0.one(&["1s", "20m"]))),
            6 => pipes.push(format!("compare {} before 2h until end by {field}", self.0.one(&["1m", "1h"]))),
            7 => pipes.push(format!("extract /(?<nr>\\d+)/ | stats max(nr), avg(nr) by {field}")),
            8 => pipes.push(format!("sort -{field} | head {}", self.0.below(5))),
            9 => pipes.push(format!("tail {} | fields time, {field}", self.0.below(5))),
            10 => pipes.push(format!("context {}", self.0.below(3))),
            11 => pipes.push("stats count by level | where count>=1 | sort -level | fields count".to_owned()),
            _ => {}
        }
        pipes
    }
}

fn context(names: &[String]) -> QueryContext<'_> {
    let moment = Timestamp::from_seconds(1_795_168_800, 0);
    QueryContext {
        now: moment.unwrap(),
        start: moment.map(|time| time.saturating_add(-86_400_000_000_000)),
        end: moment,
        zone: Zone::UTC,
        known_fields: names,
        lenient: false,
    }
}

/// Asks a query of a few records in memory; whether it was understood.
fn ask(text: &str, context: &QueryContext) -> bool {
    let raw = b"Failed password for root from 10.0.0.7 port 51122: /etc/passwd \xff 404\n";
    let mut fields = FieldSet::default();
    fields.push_named_derived("user", b"root");
    fields.push_named_derived("status", b"404");
    fields.push_named_derived("source_ip", b"10.0.0.7");
    let verdict = Verdict { score: 0.9, flagged: true, ..Verdict::default() };
    let query = match Query::parse(text, context) {
        Ok(query) => query,
        Err(error) => {
            let column = error.column.unwrap_or_else(|| panic!("{text:?}: {error} has no column"));
            assert!((1..=text.chars().count() + 1).contains(&column), "{text:?}: {error} at {column}");
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    let matcher = Matcher::compile(&query.tree).unwrap();
    let mut pipeline = Pipeline::new(&query.pipes, Limits::default()).unwrap();
    for id in (0..3u64).rev() {
        let view = RecordView {
            id: RecordId(id),
            origin: Origin { input: InputId(0), offset: id * 100, length: raw.len() as u32 },
            rules: &[],
            source: "var/log/auth.log",
            raw,
            time: context.end.map(|end| end.saturating_add(id as i64 * 1_000_000_000)).filter(|_| id > 0),
            time_quality: TimeQuality::Exact,
            level: Level::from_code(id as u8),
            fields: fields.of(raw),
            template: "Failed password for root from <ip>",
            score: 0.9,
            novelty: 0.5,
            verdict: (id == 1).then_some(&verdict),
            incident: None,
        };
        if matcher.matches(&view) {
            pipeline.push(&view).unwrap();
        }
    }
    pipeline.finish().unwrap();
    assert!(!query.tree.to_string().is_empty());
    true
}

fn names() -> Vec<String> {
    ["bytes", "path", "port"].iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn what_the_grammar_makes_is_understood() {
    let names = names();
    let context = context(&names);
    let mut dice = Dice::new(1);
    for _ in 0..20_000 {
        let text = Maker(&mut dice).query();
        assert!(ask(&text, &context), "{text}: {}", Query::parse(&text, &context).unwrap_err());
    }
}

/// One random change of a text: a character gone, doubled, swapped or put in, a piece cut off or repeated.
fn mutate(text: &str, dice: &mut Dice) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let strange = [
        '"', '\'', '(', ')', '|', ':', '[', ']', '{', '}', '\\', '/', '*', '~', '^', '=', '!', '<', ' ', '\0',
        '\u{1b}', 'é', '\u{202e}', '9',
    ];
    for _ in 0..1 + dice.below(4) {
        let at = dice.below(letters.len() + 1);
        match dice.below(6) {
            0 if at < letters.len() => {
                letters.remove(at);
            }
            1 if at < letters.len() => letters.insert(at, letters[at]),
            2 if at + 1 < letters.len() => letters.swap(at, at + 1),
            3 => letters.truncate(at),
            4 => letters.extend_from_within(at..),
            _ => letters.insert(at, strange[dice.below(strange.len())]),
        }
        letters.truncate(2_000);
    }
    letters.into_iter().collect()
}

fn mutated(seed: u64) {
    let names = names();
    let context = context(&names);
    let mut dice = Dice::new(seed);
    let mut understood = 0;
    for _ in 0..20_000 {
        let text = Maker(&mut dice).query();
        let text = mutate(&text, &mut dice);
        understood += usize::from(ask(&text, &context));
    }
    assert!((2_000..18_000).contains(&understood), "{understood} of 20,000 mutated queries were understood");
}

#[test]
fn mutated_queries_get_an_answer_or_an_error_1() {
    mutated(2);
}

#[test]
fn mutated_queries_get_an_answer_or_an_error_2() {
    mutated(3);
}

/// Every text that is put together from characters and words without any grammar.
fn scattered(seed: u64) {
    let names = names();
    let context = context(&names);
    let mut dice = Dice::new(seed);
    let parts: Vec<&str> = [
        WORDS,
        FIELDS,
        LEVELS,
        TIMES,
        NUMERIC,
        &[
            " ", " ", ":", "(", ")", "|", "| ", " AND ", " OR ", "NOT ", "-", "\"", "'", "[", " TO ", "]", "*", "~2",
            "^3", "=~", "\0", "\u{1b}",
        ],
        &[
            "stats count by ",
            "compare 1h ",
            "top ",
            "where count>",
            "extract ",
            "fields ",
            "sort -",
            "gaps ",
            "timechart ",
        ],
    ]
    .concat();
    for _ in 0..20_000 {
        let text: String = (0..1 + dice.below(9)).map(|_| dice.one(&parts)).collect();
        ask(&text, &context);
    }
}

#[test]
fn scattered_words_get_an_answer_or_an_error_1() {
    scattered(4);
}

#[test]
fn scattered_words_get_an_answer_or_an_error_2() {
    scattered(5);
}

#[test]
fn in_a_real_store_neither_index_nor_threads_change_an_answer() {
    let world = World::new();
    world.ok(&[
        "generate",
        "--lines",
        "800",
        "--format",
        "syslog",
        "-o",
        "logs/a.log",
        "--start",
        "2026-11-20T08:00:00Z",
    ]);
    world.ok(&[
        "generate",
        "--lines",
        "800",
        "--format",
        "combined",
        "-o",
        "logs/b.log",
        "--start",
        "2026-11-20T09:00:00Z",
    ]);
    world.ok(&["process", "logs", "--now", NOW, "--year", "2026"]);
    let mut dice = Dice::new(6);
    let queries: Vec<String> =
        (0..150).map(|_| Maker(&mut dice).query()).filter(|query| !query.starts_with('#')).collect();
    world.write("queries.txt", queries.join("\n"));
    let ask = |more: &str, threads: &str| {
        let arguments = ["search", "--queries", "queries.txt", "--lenient", "--json", "-n", "5", "--now", NOW, more];
        let run = of(world.command(&arguments).env("RAYON_NUM_THREADS", threads).output().unwrap());
        assert!(run.code < 2, "{}", run.stderr);
        // Row groups ruled out and seconds are all that may differ.
        let lines = run.stdout.lines().map(|line| line.split("\"pruned\"").next().unwrap().to_owned());
        lines.collect::<Vec<_>>()
    };
    let (with, without) = (ask("-q", "3"), ask("--scan", "1"));
    assert!(with.len() > 2 * queries.len());
    for (a, b) in with.iter().zip(&without) {
        assert_eq!(a, b);
    }
    assert_eq!(with.len(), without.len());
}
