//! YAML as far as rules need it: documents of maps, lists and text, with bounds on depth and on what aliases repeat.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

/// Deepest nesting.
const MAX_DEPTH: usize = 32;
/// Most nodes of a file, those that aliases repeat counted again.
const MAX_NODES: usize = 100_000;

/// A value of a document. Numbers and truth values stay the text that they are written as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// `null`, `~` or nothing.
    Null,
    /// Any other scalar.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map in the order of the file; each key once.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The value of a key of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match self {
            Node::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match self {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a key's scalar.
    pub fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Node::text)
    }
}

/// A container that is not closed yet.
struct Open {
    node: Node,
    key: Option<String>,
    anchor: usize,
    nodes: usize,
}

/// The documents of a text, or one sentence on why there are none.
pub(super) fn documents(text: &str) -> Result<Vec<Node>, String> {
    let mut reader = Reader { open: Vec::new(), anchors: HashMap::new(), nodes: 0, done: Vec::new() };
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|cause| {
            let at = cause.marker();
            format!("line {}, column {}: {}", at.line(), at.col() + 1, cause.info())
        })?;
        reader.take(event)?;
    }
    Ok(reader.done)
}

struct Reader {
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    done: Vec<Node>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, _) => self.put(scalar(text, style), anchor, 1),
            Event::SequenceStart(anchor, _) => self.enter(Node::List(Vec::new()), anchor),
            Event::MappingStart(anchor, _) => self.enter(Node::Map(Vec::new()), anchor),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => self.put(open.node, open.anchor, open.nodes),
                None => Ok(()),
            },
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some((node, nodes)) => self.put(node, 0, nodes),
                None => Err("an alias names what is not there yet".to_owned()),
            },
            _ => Ok(()),
        }
    }

    fn enter(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("it is nested deeper than {MAX_DEPTH}"));
        }
        self.open.push(Open { node, key: None, anchor, nodes: 1 });
        Ok(())
    }

    /// Puts a finished node where it belongs; `nodes` is how many it consists of.
    fn put(&mut self, node: Node, anchor: usize, nodes: usize) -> Result<(), String> {
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), nodes));
        }
        let Some(open) = self.open.last_mut() else {
            self.done.push(node);
            return Ok(());
        };
        // A container's own parts were counted when they were put into it; what an alias repeats is counted here.
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES * MAX_DEPTH || open.nodes.saturating_add(nodes) > MAX_NODES {
            return Err(format!("it has more than {MAX_NODES} values"));
        }
        open.nodes += nodes;
        match (&mut open.node, open.key.take()) {
            (Node::List(list), _) => list.push(node),
            (Node::Map(map), Some(key)) => map.push((key, node)),
            (Node::Map(map), None) => {
                let key = match node {
                    Node::Text(text) => text,
                    Node::Null => "null".to_owned(),
                    _ => return Err("a key is a list or a map".to_owned()),
                };
                if map.iter().any(|(other, _)| *other == key) {
                    return Err(format!("the key '{key}' is there twice"));
                }
                open.key = Some(key);
            }
            _ => {}
        }
        Ok(())
    }
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Node {
    let plain = matches!(style, ScalarStyle::Plain);
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" if plain => Node::Null,
        _ => Node::Text(text.into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_maps_lists_and_text() {
        let all = documents("a: 1\nb: [x, 'null', null]\n---\nc:\n  d: |\n    two\n    lines\n").unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].text_of("a"), Some("1"));
        let list = vec![Node::Text("x".into()), Node::Text("null".into()), Node::Null];
        assert_eq!(all[0].get("b"), Some(&Node::List(list)));
    }

    #[test]
    fn bombs_are_refused_and_faults_are_named() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let before = format!("*a{}, ", level - 1).repeat(10);
            bomb.push_str(&format!("a{level}: &a{level} [{}]\n", before.trim_end_matches(", ")));
        }
        assert!(documents(&bomb).unwrap_err().contains("more than"));
        assert!(documents(&format!("{}x{}", "[".repeat(40), "]".repeat(40))).unwrap_err().contains("deeper"));
        assert!(documents(&"[".repeat(200_000)).is_err());
        assert!(documents(&"- ".repeat(200_000)).is_err());
        assert!(documents("a: 1\na: 2").unwrap_err().contains("twice"));
        assert!(documents("a: [1").unwrap_err().starts_with("line "));
        assert!(documents("a: *b").is_err());
    }
}
