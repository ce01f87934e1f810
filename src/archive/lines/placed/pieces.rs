//! What a value is made of: constant text and variables of a cut, or parts of these.

use super::{DecodeError, NOWHERE};
use crate::archive::fields::{Edge, nth};
use crate::archive::lines::template::Template;

/// The part of a variable that is (part of) a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Part {
    /// Behind the n-th of a byte; from the start where there is none.
    pub from: Option<(u8, i32)>,
    /// Before the n-th of a byte; to the end where there is none.
    pub to: Option<(u8, i32)>,
}

impl Part {
    /// `None` for a value that has no such part: of other records that share the column.
    pub fn of(self, bytes: &[u8]) -> Option<&[u8]> {
        let start = self.from.map_or(Some(0), |(byte, number)| Some(nth(bytes, byte, number)? + 1))?;
        let end = self.to.map_or(Some(bytes.len()), |(byte, number)| nth(bytes, byte, number))?;
        bytes.get(start..end)
    }
}

/// A piece of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece<'a> {
    /// Constant text.
    Constant(&'a [u8]),
    /// A column, how many of its values the record has before this one, and the part of it.
    Variable(u32, u32, Part),
}

impl Piece<'_> {
    /// The column of a variable.
    pub fn column(&self) -> Option<u32> {
        if let Piece::Variable(column, ..) = self { Some(*column) } else { None }
    }
}

/// The pieces between two edges, none of them an empty text.
pub fn pieces_of(template: &Template, start: Edge, end: Edge) -> Result<Vec<Piece<'_>>, DecodeError> {
    let end_of = |constant: u32| template.ends.get(constant as usize).copied().ok_or(NOWHERE);
    // The constant text number `variables` goes from the end of the one before to its own.
    let is_within = |variables: u32, constant: u32| -> Result<bool, DecodeError> {
        let before = variables.checked_sub(1).map_or(Ok(0), end_of)?;
        Ok((before..=end_of(variables)?).contains(&constant))
    };
    let variable = |number: u32, part: Part| -> Result<Piece<'_>, DecodeError> {
        let column = template.columns.get(number as usize).ok_or(NOWHERE)?;
        let before = template.columns.iter().take(number as usize).filter(|other| *other == column).count();
        Ok(Piece::Variable(*column, before as u32, part))
    };
    let (last, to) = match end {
        Edge::Between { variables, constant } if is_within(variables, constant)? => (variables, None),
        Edge::Within { variable, byte, nth } => (variable, Some((byte, nth))),
        Edge::Between { .. } => return Err(NOWHERE),
    };
    let mut pieces = Vec::new();
    let (mut number, mut constant) = match start {
        Edge::Between { variables, constant } if is_within(variables, constant)? => (variables, constant),
        Edge::Within { variable: number, byte, nth } => {
            let from = Some((byte, nth));
            if number == last && to.is_some() {
                return Ok(vec![variable(number, Part { from, to })?]);
            }
            pieces.push(variable(number, Part { from, to: None })?);
            (number.checked_add(1).ok_or(NOWHERE)?, end_of(number)?)
        }
        Edge::Between { .. } => return Err(NOWHERE),
    };
    if number > last {
        return Err(NOWHERE);
    }
    loop {
        let stop = match end {
            Edge::Between { constant, .. } if number == last => constant,
            _ => end_of(number)?,
        };
        let text = template.text.get(constant as usize..stop as usize).ok_or(NOWHERE)?;
        if !text.is_empty() {
            pieces.push(Piece::Constant(text));
        }
        constant = stop;
        if number == last {
            if to.is_some() {
                pieces.push(variable(number, Part { from: None, to })?);
            }
            return Ok(pieces);
        }
        pieces.push(variable(number, Part::default())?);
        number += 1;
    }
}
