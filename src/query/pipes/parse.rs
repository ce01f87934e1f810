//! Reads the pipes of a query and checks that each can follow the one before.

use crate::query::error::closest;
use crate::query::parser::Parser;
use crate::query::value::Value;
use crate::query::{QueryError, literal, regexes};

use super::{Aggregate, Comparison, Function, PIPE_NAMES, Pipe};

/// Most pipes of a query.
const MAX_PIPES: usize = 32;

/// Reads pipes up to the end of the text.
pub(in crate::query) fn parse(parser: &mut Parser) -> Result<Vec<Pipe>, QueryError> {
    let mut reader = Reader { pipes: Vec::new(), columns: None, extracted: Vec::new() };
    while parser.peek() == Some('|') {
        parser.advance(1);
        parser.skip_space();
        if reader.pipes.len() == MAX_PIPES {
            return Err(parser.error(format!("more than {MAX_PIPES} pipes")));
        }
        let start = parser.place();
        let name_ends = |c: char| c.is_whitespace() || c == '|';
        while parser.peek().is_some_and(|c| !name_ends(c)) {
            parser.advance(1);
        }
        let name = parser.since(start);
        let pipe = if name == "extract" {
            reader.extract(parser)
        } else {
            let text = rest(parser);
            reader.read(&name, &text, parser)
        };
        let pipe = pipe.and_then(|pipe| reader.follow(&name, &pipe).map(|()| pipe));
        let pipe = pipe.map_err(|mistake| mistake.placed(&parser.since(start), start + 1))?;
        reader.pipes.push(pipe);
        parser.skip_space();
    }
    match parser.peek() {
        None => Ok(reader.pipes),
        Some(other) => Err(parser.error(format!("unexpected {other:?}"))),
    }
}

/// The text up to the next bar outside quotes.
fn rest(parser: &mut Parser) -> String {
    let start = parser.place();
    let mut quote = None;
    while let Some(c) = parser.peek() {
        match (c, quote) {
            ('|', None) => break,
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            _ => {}
        }
        parser.advance(1);
    }
    parser.since(start).trim().to_owned()
}

/// The pipes read so far and what the next one works on.
struct Reader {
    pipes: Vec<Pipe>,
    /// Columns of the table; `None` while records flow.
    columns: Option<Vec<String>>,
    /// Names that `extract` made.
    extracted: Vec<String>,
}

impl Reader {
    fn read(&mut self, name: &str, text: &str, parser: &mut Parser) -> Result<Pipe, QueryError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        Ok(match (name, words.as_slice()) {
            ("stats", _) => self.stats(text, parser)?,
            ("top" | "rare", [field]) => self.top(name, 10, field, parser)?,
            ("top" | "rare", [n, field]) => self.top(name, count(name, n)?, field, parser)?,
            ("top" | "rare", _) => return Err(QueryError::pipe(format!("{name} needs: [n] field"))),
            ("timechart", [span]) => Pipe::Timechart { span: span_of(name, span)?, by: None },
            ("timechart", [span, "by", field]) => {
                Pipe::Timechart { span: span_of(name, span)?, by: Some(self.field(field, parser)?) }
            }
            ("timechart", _) => return Err(QueryError::pipe("timechart needs: span [by field]")),
            ("compare", words) => super::compare::parse(words, parser, |typed, parser| self.field(typed, parser))?,
            ("gaps", [span]) => Pipe::Gaps { span: span_of(name, span)?, by: None },
            ("gaps", [span, "by", field]) => {
                Pipe::Gaps { span: span_of(name, span)?, by: Some(self.field(field, parser)?) }
            }
            ("gaps", _) => return Err(QueryError::pipe("gaps needs: span [by field]")),
            ("patterns", []) => Pipe::Patterns { count: 10 },
            ("patterns", [n]) => Pipe::Patterns { count: count(name, n)? },
            ("patterns", _) => return Err(QueryError::pipe("patterns needs: [n]")),
            ("head", []) => Pipe::Head { count: 10 },
            ("head", [n]) => Pipe::Head { count: count(name, n)? },
            ("tail", []) => Pipe::Tail { count: 10 },
            ("tail", [n]) => Pipe::Tail { count: count(name, n)? },
            ("head" | "tail" | "context", _) if words.len() != 1 => {
                return Err(QueryError::pipe(format!("{name} needs: n")));
            }
            ("context", [n]) => Pipe::Context { count: count(name, n)? },
            ("sort", [field]) => {
                let descending = field.starts_with('-');
                let field = self.column_or_field(field.trim_start_matches('-'), parser)?;
                Pipe::Sort { field, descending }
            }
            ("sort", _) => return Err(QueryError::pipe("sort needs: [-]field")),
            ("fields", _) => self.fields(text, parser)?,
            ("where", _) => self.condition(text)?,
            _ => return Err(unknown_pipe(name)),
        })
    }

    fn field(&self, typed: &str, parser: &Parser) -> Result<String, QueryError> {
        parser.resolve(typed, &self.extracted).map_err(|suggestion| {
            let meant = suggestion.as_ref().map(|name| format!(", did you mean '{name}'?")).unwrap_or_default();
            QueryError::of_word(format!("unknown field '{typed}'{meant}"), typed, suggestion)
        })
    }

    fn column_or_field(&self, typed: &str, parser: &Parser) -> Result<String, QueryError> {
        match &self.columns {
            Some(columns) => known_column(typed, columns),
            None => self.field(typed, parser),
        }
    }

    fn top(&self, name: &str, count: usize, field: &str, parser: &Parser) -> Result<Pipe, QueryError> {
        Ok(Pipe::Top { count, field: self.field(field, parser)?, rare: name == "rare" })
    }

    fn stats(&self, text: &str, parser: &Parser) -> Result<Pipe, QueryError> {
        let mut words = text.split_whitespace();
        let list: Vec<&str> = words.by_ref().take_while(|word| *word != "by").collect();
        let by = names(&words.collect::<Vec<_>>().join(" "));
        let has_by = text.split_whitespace().any(|word| word == "by");
        let list = names(&list.join(" "));
        if list.is_empty() || (has_by && by.is_empty()) {
            return Err(stats_help());
        }
        let aggregates = list.iter().map(|text| self.aggregate(text, parser)).collect::<Result<_, _>>()?;
        let by = by.iter().map(|name| self.field(name, parser)).collect::<Result<_, _>>()?;
        Ok(Pipe::Stats { aggregates, by })
    }

    fn aggregate(&self, text: &str, parser: &Parser) -> Result<Aggregate, QueryError> {
        if text == "count" {
            return Ok(Aggregate { function: Function::Count, field: None });
        }
        let (name, field) = text.strip_suffix(')').and_then(|text| text.split_once('(')).ok_or_else(stats_help)?;
        let function = Function::from_name(name.trim()).ok_or_else(stats_help)?;
        Ok(Aggregate { function, field: Some(self.field(field.trim(), parser)?) })
    }

    fn fields(&self, text: &str, parser: &Parser) -> Result<Pipe, QueryError> {
        let (mut keep, mut drop) = (Vec::new(), Vec::new());
        for name in names(text) {
            match name.strip_prefix('-') {
                Some(name) => drop.push(self.column_or_field(name, parser)?),
                None => keep.push(self.column_or_field(&name, parser)?),
            }
        }
        if keep.is_empty() && drop.is_empty() {
            return Err(QueryError::pipe("fields needs: [-]field, ..."));
        }
        Ok(Pipe::Fields { keep, drop })
    }

    fn condition(&self, text: &str) -> Result<Pipe, QueryError> {
        let help = || QueryError::pipe("where needs: column op number");
        let at = text.find(['<', '>', '=', '!']).ok_or_else(help)?;
        let (column, rest) = text.split_at_checked(at).ok_or_else(help)?;
        let (comparison, length) = Comparison::from_text(rest).ok_or_else(help)?;
        let value = rest.get(length..).and_then(|text| literal::number(text.trim().as_bytes())).ok_or_else(help)?;
        let columns = self.columns.as_deref().unwrap_or_default();
        Ok(Pipe::Where { column: known_column(column.trim(), columns)?, comparison, value })
    }

    fn extract(&mut self, parser: &mut Parser) -> Result<Pipe, QueryError> {
        parser.skip_space();
        let (pattern, ignore_case) = match parser.value()? {
            Value::Quoted(pattern) => (pattern, false),
            Value::Regex { pattern, ignore_case } => (pattern, ignore_case),
            Value::Word(_) => {
                return Err(parser.error("extract needs a regex: extract /.../ without spaces, or extract \"...\""));
            }
        };
        let regex = regexes::build(&pattern, ignore_case)
            .map_err(|error| parser.error(format!("bad regex: {}", crate::query::error::regex_reason(&error))))?;
        let names: Vec<String> = regex.capture_names().flatten().map(str::to_lowercase).collect();
        if names.is_empty() {
            return Err(parser.error("extract needs a named group: (?<name>...)"));
        }
        self.extracted.extend(names);
        Ok(Pipe::Extract { pattern, ignore_case })
    }

    /// Checks the order of pipes and takes over the columns that a pipe makes.
    fn follow(&mut self, name: &str, pipe: &Pipe) -> Result<(), QueryError> {
        let of_tables = matches!(
            pipe,
            Pipe::Where { .. } | Pipe::Sort { .. } | Pipe::Head { .. } | Pipe::Tail { .. } | Pipe::Fields { .. }
        );
        if self.columns.is_some() && !of_tables {
            return Err(QueryError::pipe(format!(
                "'{name}' needs records; a table can only be followed by where, sort, head, tail, fields"
            )));
        }
        let after = |wanted: fn(&Pipe) -> bool| self.pipes.iter().any(wanted);
        if after(|pipe| matches!(pipe, Pipe::Context { .. })) {
            return Err(QueryError::pipe("context must be the last pipe"));
        }
        if matches!(pipe, Pipe::Gaps { .. }) && after(|pipe| matches!(pipe, Pipe::Sort { .. })) {
            return Err(QueryError::pipe("gaps needs records in order of time; leave out the sort before it"));
        }
        match pipe {
            Pipe::Fields { keep, drop } => {
                if let Some(columns) = &mut self.columns {
                    super::table::choose(columns, keep, drop);
                }
            }
            pipe => self.columns = pipe.columns().or(self.columns.take()),
        }
        Ok(())
    }
}

fn unknown_pipe(name: &str) -> QueryError {
    let suggestion = closest(name, PIPE_NAMES.iter().copied());
    let meant = suggestion.map(|meant| format!(", did you mean '{meant}'?")).unwrap_or_default();
    QueryError::of_word(format!("unknown pipe '{name}'{meant}"), name, suggestion.map(str::to_owned))
}

fn stats_help() -> QueryError {
    QueryError::pipe(
        "stats needs: count | dc(f) | sum(f) | avg(f) | min(f) | max(f) | p50(f) | p95(f) | p99(f) | first(f) | last(f) \
         [, ...] [by f, ...]",
    )
}

fn names(text: &str) -> Vec<String> {
    text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

fn count(name: &str, text: &str) -> Result<usize, QueryError> {
    text.parse().map_err(|_| QueryError::of_word(format!("{name}: '{text}' is not a count"), text, None))
}

fn span_of(name: &str, text: &str) -> Result<i64, QueryError> {
    let reason = || format!("{name}: '{text}' is not a span such as 5m or 1h");
    literal::duration(text).ok_or_else(|| QueryError::of_word(reason(), text, None))
}

fn known_column(typed: &str, columns: &[String]) -> Result<String, QueryError> {
    if columns.iter().any(|column| column == typed) {
        return Ok(typed.to_owned());
    }
    let have = columns.iter().map(|column| format!("'{column}'")).collect::<Vec<_>>().join(", ");
    let have = if columns.is_empty() { String::new() } else { format!(", have [{have}]") };
    let suggestion = closest(typed, columns.iter().map(String::as_str)).map(str::to_owned);
    Err(QueryError::of_word(format!("unknown column '{typed}'{have}"), typed, suggestion))
}
