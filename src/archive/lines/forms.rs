//! Forms of columns as the tree of a stripe has them, and what a part says of their values, nothing of it unpacked.

use std::sync::Arc;

use super::DecodeError;
use super::columns;
use super::integers::Integers;
use super::order::{self, Order};
use super::pack::Meta;
use super::template::{Template, read_templates};

/// Columns within columns go no deeper in any honest stripe.
const DEEPEST: u8 = 8;

/// The form of a column, as the tree has it.
#[derive(Debug)]
pub enum Form {
    Equal(Arc<[u8]>),
    Numbers { width: usize },
    Dictionary(usize),
    Hex { upper: bool, places: Arc<[Option<u8>]> },
    Nibbles { upper: bool },
    Patterns(TableForm),
    Lines,
    Bytes,
    Stamps { format: u8, relative: bool },
}

/// Templates and the forms of their columns.
#[derive(Debug)]
pub struct TableForm {
    templates: Arc<Vec<Template>>,
    columns: Vec<Form>,
    orders: Vec<Ordered>,
}

/// A column whose values stand in the order of another.
#[derive(Debug)]
struct Ordered {
    column: usize,
    /// The column that gives the keys; without one the template does.
    keys: Option<usize>,
    /// Of each template, whether it has the column, and whether it has the one that gives the keys.
    uses: Arc<Vec<(bool, bool)>>,
}

impl TableForm {
    /// The templates.
    pub fn templates(&self) -> &[Template] {
        &self.templates
    }

    /// The forms of the columns.
    pub fn columns(&self) -> &[Form] {
        &self.columns
    }

    /// Columns that stand in the order of others.
    #[cfg(test)]
    pub fn ordered(&self) -> usize {
        self.orders.len()
    }

    /// Reads it from the tree.
    pub fn read(tree: &mut Meta<'_>, depth: u8) -> Result<TableForm, DecodeError> {
        let (templates, count) = read_templates(tree)?;
        let (mut columns, mut orders) = (Vec::new(), Vec::new());
        let mut depths = vec![0u8; count];
        for column in 0..count {
            let keys = if depth == 0 && tree.next_is(columns::ORDERED) { Some(tree.number()?) } else { None };
            let form = Form::read(tree, depth + 1)?;
            if let Some(keys) = keys {
                let keys = keys.checked_sub(1).map(|keys| usize::try_from(keys).unwrap_or(usize::MAX));
                let deepest = keys.map_or(Some(0), |keys| depths.get(keys).copied());
                match (deepest.filter(|depth| *depth < order::DEEPEST), depths.get_mut(column)) {
                    (Some(deepest), Some(depth)) => *depth = deepest + 1,
                    _ => return Err(NO_ORDER),
                }
                orders.push(Ordered::read(&templates, column, keys, &form, &columns)?);
            }
            columns.push(form);
        }
        Ok(TableForm { templates: Arc::new(templates), columns, orders })
    }

    /// The constant text of all templates, each ended by a line feed.
    pub fn constants(&self) -> Vec<u8> {
        self.templates.iter().flat_map(|template| template.text.iter().chain(b"\n")).copied().collect()
    }

    /// Reads what a part says of its values.
    pub fn describe(&self, leaves: &mut Meta<'_>) -> Result<DescribedTable, DecodeError> {
        let ids = Integers::read(leaves)?;
        let mut columns = Vec::with_capacity(self.columns.len());
        for form in &self.columns {
            columns.push(form.describe(leaves)?);
        }
        Ok(DescribedTable { templates: Arc::clone(&self.templates), ids: Arc::new(ids), columns })
    }
}

const NO_ORDER: DecodeError = DecodeError("no such order of a column");

impl Ordered {
    /// Checks that each value has a key: both columns are integers, and whoever has the column once has the other once.
    fn read(
        templates: &[Template],
        column: usize,
        keys: Option<usize>,
        form: &Form,
        before: &[Form],
    ) -> Result<Ordered, DecodeError> {
        let of_keys = match keys {
            Some(keys) => Some(before.get(keys).ok_or(NO_ORDER)?),
            None => None,
        };
        if !form.is_integers() || of_keys.is_some_and(|form| !form.is_integers()) {
            return Err(NO_ORDER);
        }
        let times = |template: &Template, wanted: usize| {
            template.columns.iter().filter(|column| **column as usize == wanted).count()
        };
        let mut uses = Vec::with_capacity(templates.len());
        for template in templates {
            match (times(template, column), keys.map(|keys| times(template, keys))) {
                (0, Some(0) | None) => uses.push((false, false)),
                (0, Some(1)) => uses.push((false, true)),
                (1, Some(1)) => uses.push((true, true)),
                (1, None) => uses.push((true, false)),
                _ => return Err(NO_ORDER),
            }
        }
        Ok(Ordered { column, keys, uses: Arc::new(uses) })
    }
}

impl Form {
    /// Whether values are integers, or ids of words.
    fn is_integers(&self) -> bool {
        matches!(self, Form::Numbers { .. } | Form::Dictionary(_))
    }

    /// Reads it from the tree.
    pub fn read(tree: &mut Meta<'_>, depth: u8) -> Result<Form, DecodeError> {
        if depth > DEEPEST {
            return Err(DecodeError("columns lie too deep"));
        }
        Ok(match tree.byte()? {
            columns::EQUAL => {
                let len = tree.size()?;
                Form::Equal(tree.bytes(len)?.into())
            }
            columns::INTEGERS => Form::Numbers { width: 0 },
            columns::FIXED_DIGITS => Form::Numbers { width: usize::from(tree.byte()?).min(20) },
            columns::DICTIONARY => Form::Dictionary(usize::try_from(tree.number()?).unwrap_or(usize::MAX)),
            columns::HEX => {
                let upper = tree.byte()? != 0;
                let mut places = Vec::new();
                for _ in 0..tree.size()? {
                    places.push(if tree.byte()? == 0 { Some(tree.byte()?) } else { None });
                }
                Form::Hex { upper, places: places.into() }
            }
            columns::NIBBLES => Form::Nibbles { upper: tree.byte()? != 0 },
            columns::PATTERNS => Form::Patterns(TableForm::read(tree, depth + 1)?),
            columns::LINES => Form::Lines,
            columns::BYTES => Form::Bytes,
            columns::STAMPS => Form::Stamps { format: tree.byte()?, relative: tree.byte()? != 0 },
            _ => return Err(DecodeError("no such form of column")),
        })
    }

    /// Reads what a part says of its values.
    pub fn describe(&self, leaves: &mut Meta<'_>) -> Result<Described, DecodeError> {
        Ok(match self {
            Form::Equal(bytes) => Described::Equal(Arc::clone(bytes)),
            Form::Numbers { width } => Described::Numbers { width: *width, integers: Integers::read(leaves)? },
            Form::Dictionary(number) => Described::Dictionary { number: *number, ids: Integers::read(leaves)? },
            Form::Hex { upper, places } => {
                Described::Hex { upper: *upper, places: Arc::clone(places), blob: leaves.blob()? }
            }
            Form::Nibbles { upper } => {
                Described::Nibbles { upper: *upper, lengths: Integers::read(leaves)?, blob: leaves.blob()? }
            }
            Form::Patterns(table) => Described::Patterns(Box::new(table.describe(leaves)?)),
            Form::Lines => Described::Lines(leaves.blob()?),
            Form::Bytes => Described::Bytes { lengths: Integers::read(leaves)?, blob: leaves.blob()? },
            Form::Stamps { format, relative } => {
                Described::Stamps { format: *format, relative: *relative, integers: Integers::read(leaves)? }
            }
        })
    }
}

/// A column of a part, not yet unpacked.
#[derive(Debug)]
pub enum Described {
    Equal(Arc<[u8]>),
    Numbers { width: usize, integers: Integers },
    Dictionary { number: usize, ids: Integers },
    Hex { upper: bool, places: Arc<[Option<u8>]>, blob: u32 },
    Nibbles { upper: bool, lengths: Integers, blob: u32 },
    Patterns(Box<DescribedTable>),
    Lines(u32),
    Bytes { lengths: Integers, blob: u32 },
    Stamps { format: u8, relative: bool, integers: Integers },
}

/// Templates, the template of each row, and the columns of a part.
#[derive(Debug)]
pub struct DescribedTable {
    pub(super) templates: Arc<Vec<Template>>,
    pub(super) ids: Arc<Integers>,
    pub(super) columns: Vec<Described>,
}

impl Described {
    /// The integers of a column that has nothing else.
    fn integers(&mut self) -> Option<&mut Integers> {
        match self {
            Described::Numbers { integers, .. } => Some(integers),
            Described::Dictionary { ids, .. } => Some(ids),
            _ => None,
        }
    }
}

impl DescribedTable {
    /// Tells columns that stand in the order of others where to find these, in a chunk of so many rows.
    pub fn link(&mut self, form: &TableForm, rows: usize) {
        let mut known: Vec<Option<Arc<Integers>>> = vec![None; self.columns.len()];
        for Ordered { column, keys, uses } in &form.orders {
            let keys = keys.and_then(|keys| Some((known.get_mut(keys)?, self.columns.get_mut(keys)?.integers()?)));
            let keys = keys.map(|(known, keys)| Arc::clone(known.get_or_insert_with(|| Arc::new(keys.clone()))));
            let order = Order { ids: Arc::clone(&self.ids), rows, uses: Arc::clone(uses), keys };
            if let Some(integers) = self.columns.get_mut(*column).and_then(Described::integers) {
                integers.set_order(order);
            }
        }
    }

    /// The templates.
    pub fn templates(&self) -> &[Template] {
        &self.templates
    }

    /// The template of each row.
    pub fn ids(&self) -> &Integers {
        &self.ids
    }

    /// The columns.
    pub fn columns(&self) -> &[Described] {
        &self.columns
    }

    /// How often each column is met in rows of these templates.
    pub fn occurrences(&self, ids: &[u64]) -> Result<Vec<usize>, DecodeError> {
        occurrences(&self.templates, ids, self.columns.len())
    }
}

/// How often each column is met in rows of these templates.
pub(super) fn occurrences(templates: &[Template], ids: &[u64], columns: usize) -> Result<Vec<usize>, DecodeError> {
    let mut rows = vec![0usize; templates.len()];
    for id in ids {
        *rows.get_mut(*id as usize).ok_or(DecodeError("a template that is not there"))? += 1;
    }
    let mut counts = vec![0usize; columns];
    for (template, rows) in templates.iter().zip(rows) {
        for column in &template.columns {
            *counts.get_mut(*column as usize).ok_or(DecodeError("a column that is not there"))? += rows;
        }
    }
    Ok(counts)
}
