//! The query tree: what a query asks for, as plain data, after names, times, levels and addresses were understood.

use std::fmt;
use std::ops::Bound;

use super::{Level, TimeRange};

/// What a test looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// The whole record as it stands in the log, without the terminator of its last line.
    Line,
    /// A field by its canonical name.
    Named(String),
}

/// One piece of a text pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Literal text, any case.
    Text(String),
    /// `*`: any run of non-space characters.
    Many,
    /// `?`: one non-space character.
    One,
}

/// Literal text with wildcards; an end that is text carries a word edge, an end that is a wildcard does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub Vec<Piece>);

/// An inclusive range of addresses of one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// The lowest address, as a number.
    pub low: u128,
    /// The highest address, as a number.
    pub high: u128,
    /// Whether the addresses are IPv4.
    pub v4: bool,
}

/// A set of levels as bits: bit `Level::code()` for each level in it, [`LevelSet::MISSING`] for records without a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelSet(pub u16);

impl LevelSet {
    /// The bit of records that have no level.
    pub const MISSING: u16 = 1 << 9;
    /// Every level; not the records without one.
    pub const ANY: LevelSet = LevelSet(Self::MISSING - 1);

    /// Whether a record of this level is in the set.
    pub fn contains(self, level: Option<Level>) -> bool {
        let bit = level.map_or(Self::MISSING, |level| 1 << level.code());
        self.0 & bit != 0
    }
}

/// Bounds on a value that is compared by order.
#[derive(Debug, Clone, PartialEq)]
pub enum Interval {
    /// By number; a value that is not a number is outside.
    Number(Bound<f64>, Bound<f64>),
    /// By case-folded text; the bounds are folded already.
    Text(Bound<String>, Bound<String>),
}

/// A query without its pipes.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// Every record.
    All,
    /// Records that all parts accept.
    And(Vec<Expr>),
    /// Records that any part accepts.
    Or(Vec<Expr>),
    /// Records that the part does not accept.
    Not(Box<Expr>),
    /// The field is there.
    Exists(Field),
    /// The field contains the pattern between word edges.
    Term {
        /// Where to look.
        field: Field,
        /// What to look for.
        pattern: Pattern,
    },
    /// The field contains the words in this order.
    Near {
        /// Where to look.
        field: Field,
        /// Case-folded words, at least one.
        words: Vec<String>,
        /// Greatest number of other words between the first and the last one.
        gap: u32,
    },
    /// The whole value is this text, exact case.
    Equals {
        /// Where to look.
        field: Field,
        /// The text.
        value: String,
    },
    /// The field is there and no value of it is this text in any case.
    Differs {
        /// Where to look.
        field: Field,
        /// The text.
        value: String,
    },
    /// The regular expression matches somewhere in the field.
    Regex {
        /// Where to look.
        field: Field,
        /// The expression, checked by the parser.
        pattern: String,
        /// Whether case is ignored.
        ignore_case: bool,
    },
    /// An address in the field lies in the network.
    Address {
        /// Where to look.
        field: Field,
        /// The network.
        network: Network,
    },
    /// The level is in the set.
    Level(LevelSet),
    /// The record has a time and it lies in the range.
    Time(TimeRange),
    /// A value of the field lies between the bounds.
    Within {
        /// Where to look.
        field: Field,
        /// The bounds.
        interval: Interval,
    },
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Field::Line => f.write_str("line"),
            Field::Named(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => write!(f, "{text:?}")?,
                Piece::Many => f.write_str("*")?,
                Piece::One => f.write_str("?")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |f: &mut fmt::Formatter<'_>, address: u128| match (self.v4, u32::try_from(address)) {
            (true, Ok(address)) => write!(f, "{}", std::net::Ipv4Addr::from(address)),
            _ => write!(f, "{}", std::net::Ipv6Addr::from(address)),
        };
        show(f, self.low)?;
        if self.low != self.high {
            f.write_str(" .. ")?;
            show(f, self.high)?;
        }
        Ok(())
    }
}

impl fmt::Display for LevelSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&str> =
            Level::ALL.iter().filter(|level| self.contains(Some(**level))).map(|level| level.name()).collect();
        if self.contains(None) {
            names.push("none");
        }
        write!(f, "{}", names.join("|"))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Interval::Number(low, high) => bounds(f, low, high),
            Interval::Text(low, high) => bounds(f, low, high),
        }
    }
}

/// Prints bounds as a range of the query language does.
fn bounds<T: fmt::Display>(f: &mut fmt::Formatter<'_>, low: &Bound<T>, high: &Bound<T>) -> fmt::Result {
    match low {
        Bound::Included(value) => write!(f, "[{value}")?,
        Bound::Excluded(value) => write!(f, "{{{value}")?,
        Bound::Unbounded => write!(f, "[*")?,
    }
    match high {
        Bound::Included(value) => write!(f, " TO {value}]"),
        Bound::Excluded(value) => write!(f, " TO {value}}}"),
        Bound::Unbounded => write!(f, " TO *]"),
    }
}

/// Prints the tree with every parenthesis, so that precedence is visible: `("failed" OR ("denied" AND level is critical))`.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::All => f.write_str("every record"),
            Expr::And(parts) => joined(f, parts, " AND "),
            Expr::Or(parts) => joined(f, parts, " OR "),
            Expr::Not(part) => write!(f, "NOT {part}"),
            Expr::Exists(field) => write!(f, "{field} exists"),
            Expr::Term { field: Field::Line, pattern } => write!(f, "{pattern}"),
            Expr::Term { field, pattern } => write!(f, "{field} contains {pattern}"),
            Expr::Near { field, words, gap } => write!(f, "{field} has {:?} within {gap}", words.join(" ")),
            Expr::Equals { field, value } => write!(f, "{field} is {value:?}"),
            Expr::Differs { field, value } => write!(f, "{field} exists and is not {value:?}"),
            Expr::Regex { field, pattern, ignore_case } => {
                write!(f, "{field} matches /{pattern}/{}", if *ignore_case { "i" } else { "" })
            }
            Expr::Address { field, network } => write!(f, "{field} has address {network}"),
            Expr::Level(set) => write!(f, "level is {set}"),
            Expr::Time(range) => {
                match range.from {
                    Some(from) => write!(f, "time [{from} .. ")?,
                    None => f.write_str("time [* .. ")?,
                }
                match range.until {
                    Some(until) => write!(f, "{until})"),
                    None => f.write_str("*)"),
                }
            }
            Expr::Within { field, interval } => write!(f, "{field} in {interval}"),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Expr], word: &str) -> fmt::Result {
    f.write_str("(")?;
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            f.write_str(word)?;
        }
        write!(f, "{part}")?;
    }
    f.write_str(")")
}
