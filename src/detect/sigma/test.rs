//! One test of a rule: a field, modifiers and values.

use std::net::IpAddr;

use regex::bytes::{Regex, RegexBuilder};

use super::encode::{base64, bytes, dashes, offsets, wide};
use super::glob::{Glob, Token, fold, tokens};
use super::yaml::Node;

/// Largest compiled form of one regular expression, in bytes.
const REGEX_BYTES: usize = 8 << 20;
/// Most memory for the states that one regular expression visits, in bytes.
const REGEX_CACHE: usize = 1 << 20;

/// What one value asks of a field.
#[derive(Debug)]
pub(super) enum Value {
    /// Text with wildcards, whatever the case.
    Text(Glob),
    /// The same with its case.
    Cased(Glob),
    /// A regular expression found anywhere.
    Pattern(Box<Regex>),
    /// An address of a network: its first bits.
    Network(IpAddr, u8),
    /// A number on this side of another.
    Number(Side, f64),
    /// The field is absent.
    Null,
    /// The field is there, or is not.
    Exists(bool),
    /// The value of another field: its slot, and which part of this one it is.
    Same(usize, Part),
}

/// How numbers compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Above,
    AtLeast,
    Below,
    AtMost,
}

/// Which part of a value is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    Within,
    Start,
    End,
}

/// A field with what is asked of it.
#[derive(Debug)]
pub(super) struct Test {
    /// Slot of the field.
    pub slot: usize,
    /// Whether all values are asked for, not any.
    pub all: bool,
    /// Whether the test is turned round.
    pub negated: bool,
    /// The values; never none.
    pub values: Vec<Value>,
}

/// What modifiers ask for.
#[derive(Debug, Default)]
struct Modifiers {
    part: Option<Part>,
    all: bool,
    negated: bool,
    cased: bool,
    regex: bool,
    flags: (bool, bool, bool),
    cidr: bool,
    exists: bool,
    reference: bool,
    expand: bool,
    side: Option<Side>,
    /// Those that change the text, in order.
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Windash,
    Wide { big: bool, mark: bool },
    Base64,
    Offset,
}

/// Reads `field|modifier|…: value`; `slot_of` numbers fields. An empty field name asks anywhere in the record.
pub(super) fn test(key: &str, value: &Node, slot_of: &mut dyn FnMut(&str) -> usize) -> Result<Test, String> {
    let mut parts = key.split('|');
    let field = parts.next().unwrap_or_default().trim();
    let mut modifiers = Modifiers::default();
    for name in parts {
        modifiers.add(name.trim()).map_err(|fault| format!("{key}: {fault}"))?;
    }
    if field.is_empty() && modifiers.part.is_none() {
        modifiers.part = Some(Part::Within);
    }
    let nodes = match value {
        Node::List(list) if list.is_empty() => return Err(format!("{key}: the list of values is empty")),
        Node::List(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut values = Vec::with_capacity(nodes.len());
    for node in nodes {
        modifiers.values(node, slot_of, &mut values).map_err(|fault| format!("{key}: {fault}"))?;
    }
    Ok(Test { slot: slot_of(field), all: modifiers.all, negated: modifiers.negated, values })
}

impl Modifiers {
    fn add(&mut self, name: &str) -> Result<(), String> {
        match name {
            "contains" => self.part = Some(Part::Within),
            "startswith" => self.part = Some(Part::Start),
            "endswith" => self.part = Some(Part::End),
            "all" => self.all = true,
            "neq" => self.negated = true,
            "cased" => self.cased = true,
            "re" => self.regex = true,
            "i" if self.regex => self.flags.0 = true,
            "m" if self.regex => self.flags.1 = true,
            "s" if self.regex => self.flags.2 = true,
            "i" => self.cased = false,
            "cidr" => self.cidr = true,
            "exists" => self.exists = true,
            "fieldref" => self.reference = true,
            "expand" => self.expand = true,
            "gt" => self.side = Some(Side::Above),
            "gte" => self.side = Some(Side::AtLeast),
            "lt" => self.side = Some(Side::Below),
            "lte" => self.side = Some(Side::AtMost),
            "windash" => self.steps.push(Step::Windash),
            "wide" | "utf16le" => self.steps.push(Step::Wide { big: false, mark: false }),
            "utf16be" => self.steps.push(Step::Wide { big: true, mark: false }),
            "utf16" => self.steps.push(Step::Wide { big: false, mark: true }),
            "base64" => self.steps.push(Step::Base64),
            "base64offset" => self.steps.push(Step::Offset),
            other => return Err(format!("the modifier '{other}' is not supported")),
        }
        Ok(())
    }

    fn values(&self, node: &Node, slot_of: &mut dyn FnMut(&str) -> usize, out: &mut Vec<Value>) -> Result<(), String> {
        let text = match node {
            Node::Null => {
                out.push(Value::Null);
                return Ok(());
            }
            Node::Text(text) => text,
            _ => return Err("a list or a map is no value".to_owned()),
        };
        if self.expand && text.split('%').count() > 2 {
            return Err(format!("the placeholder in '{text}' is not known (expand)"));
        }
        if self.exists {
            let wanted = match text.to_ascii_lowercase().as_str() {
                "true" | "yes" => true,
                "false" | "no" => false,
                _ => return Err(format!("'{text}' is neither true nor false")),
            };
            out.push(Value::Exists(wanted));
        } else if self.regex {
            out.push(Value::Pattern(Box::new(self.regex(text)?)));
        } else if self.cidr {
            let (network, bits) = network(text).ok_or_else(|| format!("'{text}' is no network"))?;
            out.push(Value::Network(network, bits));
        } else if let Some(side) = self.side {
            let number = text.trim().parse().map_err(|_| format!("'{text}' is no number"))?;
            out.push(Value::Number(side, number));
        } else if self.reference {
            out.push(Value::Same(slot_of(text), self.part.unwrap_or(Part::Whole)));
        } else {
            self.texts(text, out)?;
        }
        Ok(())
    }

    /// Text with wildcards; encodings make one value three.
    fn texts(&self, text: &str, out: &mut Vec<Value>) -> Result<(), String> {
        let mut forms = vec![tokens(text)];
        for step in &self.steps {
            let mut next = Vec::with_capacity(forms.len());
            for form in &forms {
                match step {
                    Step::Windash => next.push(dashes(form)),
                    Step::Wide { big, mark } => next.push(wide(form, *big, *mark)?),
                    Step::Base64 => next.push(base64(&bytes(form)?)),
                    Step::Offset => next.extend(offsets(&bytes(form)?)),
                }
            }
            forms = next;
        }
        for mut form in forms {
            if matches!(self.part, Some(Part::Within | Part::End)) {
                form.insert(0, Token::Any);
            }
            if matches!(self.part, Some(Part::Within | Part::Start)) {
                form.push(Token::Any);
            }
            let glob = Glob::new(&form, self.cased);
            out.push(if self.cased { Value::Cased(glob) } else { Value::Text(glob) });
        }
        Ok(())
    }

    fn regex(&self, text: &str) -> Result<Regex, String> {
        let (i, m, s) = self.flags;
        let built = RegexBuilder::new(text)
            .case_insensitive(i)
            .multi_line(m)
            .dot_matches_new_line(s)
            .size_limit(REGEX_BYTES)
            .dfa_size_limit(REGEX_CACHE)
            .build();
        built.map_err(|cause| match cause {
            regex::Error::CompiledTooBig(_) => "the regular expression is too big".to_owned(),
            other => {
                let text = other.to_string();
                let last = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
                format!("the regular expression is not supported: {last}")
            }
        })
    }
}

fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = text.trim().split_once('/').unwrap_or((text.trim(), ""));
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = if bits.is_empty() { most } else { bits.parse().ok()? };
    (bits <= most).then_some((address, bits))
}

/// Whether an address lies in a network.
pub(super) fn within(network: IpAddr, bits: u8, text: &[u8]) -> bool {
    let Some(address) = std::str::from_utf8(text).ok().and_then(|text| text.trim().parse::<IpAddr>().ok()) else {
        return false;
    };
    let address = if let IpAddr::V6(six) = address { six.to_canonical() } else { address };
    let same = |a: u128, b: u128, width: u32| {
        let shift = width.saturating_sub(u32::from(bits));
        a.checked_shr(shift).unwrap_or(0) == b.checked_shr(shift).unwrap_or(0)
    };
    match (network, address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
        (IpAddr::V6(a), IpAddr::V4(b)) => same(a.to_bits(), b.to_ipv6_mapped().to_bits(), 128) && bits >= 96,
        (IpAddr::V4(_), IpAddr::V6(_)) => false,
    }
}

/// The number that a value is.
pub(super) fn number(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok().map(|number| number as f64),
        None => text.parse().ok(),
    }
}

impl Value {
    /// Text that is in every folded value that matches; `None` where there is no such text.
    pub fn literal(&self) -> Option<Vec<u8>> {
        match self {
            Value::Text(glob) => glob.literal().map(<[u8]>::to_vec),
            Value::Cased(glob) => glob.literal().filter(|text| text.is_ascii()).map(|text| {
                let mut out = Vec::new();
                fold(text, &mut out);
                out
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD_NO_PAD;

    use super::*;

    fn built(key: &str, value: &str) -> Result<Test, String> {
        test(key, &Node::Text(value.to_owned()), &mut |_| 0)
    }

    fn matches(key: &str, value: &str, text: &str) -> bool {
        let test = built(key, value).unwrap();
        let mut folded = Vec::new();
        fold(text.as_bytes(), &mut folded);
        test.values.iter().any(|value| match value {
            Value::Text(glob) => glob.matches(&folded),
            Value::Cased(glob) => glob.matches(text.as_bytes()),
            Value::Pattern(regex) => regex.is_match(text.as_bytes()),
            Value::Network(network, bits) => within(*network, *bits, text.as_bytes()),
            _ => false,
        })
    }

    #[test]
    fn modifiers_change_what_matches() {
        for (key, value, text, expected) in [
            ("a", "x", "X", true),
            ("a|contains", "b", "aBc", true),
            ("a|startswith", "b", "abc", false),
            ("a|endswith", "BC", "abc", true),
            ("a|cased", "Ab", "Ab", true),
            ("a|contains|cased", "Ab", "xab", false),
            ("a|re", "^a.c$", "abc", true),
            ("a|re", "^A", "abc", false),
            ("a|re|i", "^A", "abc", true),
            ("a|re|m", "^b", "a\nb", true),
            ("a|re|s", "a.b", "a\nb", true),
            ("a|cidr", "10.0.0.0/8", "10.9.8.7", true),
            ("a|cidr", "10.0.0.0/8", "11.9.8.7", false),
            ("a|cidr", "fe80::/10", "fe81::1", true),
            ("a|cidr", "0.0.0.0/0", "1.2.3.4", true),
            ("a|cidr", "::ffff:10.0.0.0/104", "10.1.1.1", true),
            ("a|contains|windash", " -f ", "x /f y", true),
            ("a|contains|windash", " -f ", "x \u{2013}f y", true),
            ("a|contains|windash", "a-f", "a/f", false),
            ("a|base64", "foo", "Zm9v", true),
            ("a|base64offset|contains", "foobar", "xxZm9vYmFyxx", true),
            ("a|base64offset|contains", "foobar", &STANDARD_NO_PAD.encode("1foobar2"), true),
            ("a|base64offset|contains", "foobar", &STANDARD_NO_PAD.encode("12foobar34"), true),
            ("a|wide|base64offset|contains", "ping", &STANDARD_NO_PAD.encode(b"x\0p\0i\0n\0g\0y\0"), true),
            ("a|utf16le|contains", "hi", "xh\0i\0", true),
            ("|contains", "b", "abc", true),
            ("", "b", "abc", true),
        ] {
            assert_eq!(matches(key, value, text), expected, "{key}: {value} {text}");
        }
    }

    #[test]
    fn faults_are_named() {
        for (key, value, fault) in [
            ("a|frob", "x", "'frob'"),
            ("a|re", "(?=x)", "look-around"),
            ("a|re", "(", "unclosed"),
            ("a|re", "(?:\\w{1000}){1000}", "too big"),
            ("a|cidr", "10.0.0/99", "network"),
            ("a|gt", "many", "number"),
            ("a|exists", "perhaps", "neither"),
            ("a|expand", "%servers%", "placeholder"),
            ("a|base64", "a*", "wildcards"),
        ] {
            let found = built(key, value).unwrap_err();
            assert!(found.contains(fault), "{key}: {found}");
        }
    }
}
