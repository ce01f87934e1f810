//! The acceptance table of queries through the whole program: raw lines in files, archived, parsed, indexed, asked.

use std::collections::BTreeMap;

use serde_json::Value;

use super::world::{Run, World, shared};

/// The corpus in a store, with the numbers that the table gives to its records.
struct Corpus {
    world: World,
    now: String,
    /// Record id of the store -> number in the table.
    numbers: Vec<u64>,
}

impl Corpus {
    fn new(table: &Value) -> Corpus {
        let mut files: BTreeMap<&str, (String, Vec<u64>)> = BTreeMap::new();
        for entry in table["corpus"].as_array().unwrap() {
            let (text, numbers) = files.entry(entry["source"].as_str().unwrap()).or_default();
            text.push_str(entry["raw"].as_str().unwrap());
            text.push('\n');
            numbers.push(entry["id"].as_u64().unwrap());
        }
        let world = World::new();
        // Names in order are files in order, so the ids of the store are known.
        let mut numbers = Vec::new();
        for (name, (text, of_file)) in &files {
            world.write(&format!("logs/{name}"), text);
            numbers.extend(of_file);
        }
        let now = table["now"].as_str().unwrap().to_owned();
        world.ok(&["process", "logs", "--now", &now, "--year", "2026"]);
        Corpus { world, now, numbers }
    }

    fn ask(&self, query: &str, more: &[&str]) -> Run {
        let mut arguments = vec!["search", "--json", "--now", &self.now];
        arguments.extend(more);
        arguments.extend(["--", query]);
        self.world.run(&arguments)
    }

    /// Numbers of the table for the records of an answer, in its order.
    fn ids(&self, run: &Run) -> Vec<u64> {
        objects(run).iter().map(|record| self.numbers[record["id"].as_u64().unwrap() as usize]).collect()
    }

    /// The rows of a table; cells that are ids as numbers of the table.
    fn rows(&self, run: &Run) -> Value {
        let row = |object: &Value| {
            let cell = |(name, value): (&String, &Value)| match (name.as_str(), value.as_u64()) {
                ("first" | "from" | "to", Some(id)) => Value::from(self.numbers[id as usize]),
                _ => value.clone(),
            };
            object.as_object().unwrap().iter().map(cell).collect::<Vec<Value>>()
        };
        objects(run).iter().map(row).collect()
    }

    /// What is wrong with the answer to a query of the table, if anything.
    fn check(&self, case: &Value, more: &[&str]) -> Option<String> {
        let query = case["query"].as_str().unwrap();
        let run = self.ask(query, more);
        let wrong = |what: String| Some(format!("{query} {more:?}\n  {what}\n  {}", run.stderr));
        if let Some(error) = case.get("error").and_then(Value::as_str) {
            let said = format!("logguard: {error}\n");
            let is_pointed_at = run.stderr.lines().any(|line| line.trim() == "^");
            let is_right = run.code == 2 && run.stdout.is_empty() && run.stderr.contains(&said) && is_pointed_at;
            return if is_right { None } else { wrong(format!("code {}, wanted {said}", run.code)) };
        }
        let hints: Vec<&str> = run.stderr.lines().filter_map(|line| line.strip_prefix("hint: ")).collect();
        let wanted: Vec<&str> =
            case.get("hints").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        if hints != wanted {
            return wrong(format!("hints {hints:?}, wanted {wanted:?}"));
        }
        let is_empty = run.stderr.starts_with("0 of") || run.stderr.contains("\n0 of");
        if run.code != i32::from(is_empty) {
            return wrong(format!("code {}", run.code));
        }
        if let Some(expected) = case.get("ids").and_then(Value::as_array) {
            let mut found = self.ids(&run);
            found.sort_unstable();
            let expected: Vec<u64> = expected.iter().map(|id| id.as_u64().unwrap()).collect();
            return if found == expected { None } else { wrong(format!("{found:?}, wanted {expected:?}")) };
        }
        let (found, expected) = match &case["result"] {
            Value::Object(context) => {
                let mut ids = self.ids(&run);
                ids.sort_unstable();
                let hits = objects(&run).into_iter().filter(|record| record["hit"] == true);
                let mut hits: Vec<u64> =
                    hits.map(|record| self.numbers[record["id"].as_u64().unwrap() as usize]).collect();
                hits.sort_unstable();
                if context.contains_key("hit_ids") && Value::from(hits.clone()) != context["hit_ids"] {
                    return wrong(format!("hits {hits:?}, wanted {}", context["hit_ids"]));
                }
                (Value::from(ids), context["context_ids"].clone())
            }
            Value::Array(rows) if rows.iter().all(Value::is_u64) => {
                (Value::from(self.ids(&run)), case["result"].clone())
            }
            rows => (self.rows(&run), rows.clone()),
        };
        if found == expected { None } else { wrong(format!("{found}, wanted {expected}")) }
    }
}

fn objects(run: &Run) -> Vec<Value> {
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_query_of_the_table_has_its_answer_with_and_without_the_index() {
    let Some(root) = shared("the acceptance table of queries") else { return };
    let text = std::fs::read_to_string(root.join("query_acceptance.json")).unwrap();
    let table: Value = serde_json::from_str(&text).unwrap();
    let corpus = Corpus::new(&table);
    let queries = table["queries"].as_array().unwrap();
    let checks = queries.iter().flat_map(|case| [corpus.check(case, &[]), corpus.check(case, &["--scan"])]);
    let wrong: Vec<String> = checks.flatten().collect();
    assert!(queries.len() >= 89, "{} queries were found in the table", queries.len());
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
