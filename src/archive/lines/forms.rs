//! Forms of columns as the tree of a stripe has them, and what a part says of their values, nothing of it unpacked.
//!
//! A part may describe thousands of columns of which a question needs a few: what it says is passed over once, and read of a column
//! when that is asked for.

use std::cell::RefCell;
use std::sync::Arc;

use hashbrown::HashMap;

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
pub struct Ordered {
    column: usize,
    /// The column that gives the keys; without one the template does.
    keys: Option<usize>,
    /// Of each template, whether it has the column, and whether it has the one that gives the keys.
    uses: Arc<Vec<(bool, bool)>>,
}

impl TableForm {
    /// Of columns and orders, without templates.
    pub fn of(columns: Vec<Form>, orders: Vec<Ordered>) -> TableForm {
        TableForm { templates: Arc::default(), columns, orders }
    }

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
        let (mut columns, mut orders) = (Vec::with_capacity(count), Vec::new());
        let mut depths = vec![0u8; count];
        let mut users: Option<Users> = None;
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
                let users = users
                    .get_or_insert_with(|| Users::new(templates.iter().map(|template| &template.columns[..]), count));
                orders.push(Ordered::read(users, (column, keys), (column, keys), &form, &columns)?);
            }
            columns.push(form);
        }
        Ok(TableForm { templates: Arc::new(templates), columns, orders })
    }

    /// Passes over what a part says of the values of `rows` rows; the number matters only where columns stand in an order, which
    /// those within others do not.
    pub fn describe<'a>(&'a self, leaves: &mut Meta<'a>, rows: usize) -> Result<DescribedTable<'a>, DecodeError> {
        let ids = Arc::new(Integers::read(leaves)?);
        let mut at = Vec::with_capacity(self.columns.len());
        for form in &self.columns {
            at.push(leaves.clone());
            form.pass(leaves)?;
        }
        Ok(DescribedTable { form: self, rows, ids, at, keys: RefCell::default() })
    }

    fn pass(&self, leaves: &mut Meta<'_>) -> Result<(), DecodeError> {
        Integers::pass(leaves)?;
        self.columns.iter().try_for_each(|form| form.pass(leaves))
    }

    /// The order of a column that stands in that of another.
    fn order_of(&self, column: usize) -> Option<&Ordered> {
        let at = self.orders.binary_search_by_key(&column, |order| order.column).ok()?;
        self.orders.get(at)
    }
}

pub const NO_ORDER: DecodeError = DecodeError("no such order of a column");

impl Ordered {
    /// Checks that each value has a key: both columns are integers, and whoever has the column once has the other once. Both have
    /// their numbers in `users`, and in the table they are to be of, `before` being the columns before this one there.
    pub fn read(
        users: &Users,
        (column, keys): (usize, Option<usize>),
        (new, new_keys): (usize, Option<usize>),
        form: &Form,
        before: &[Form],
    ) -> Result<Ordered, DecodeError> {
        let of_keys = match new_keys {
            Some(keys) => Some(before.get(keys).ok_or(NO_ORDER)?),
            None => None,
        };
        if !form.is_integers() || of_keys.is_some_and(|form| !form.is_integers()) {
            return Err(NO_ORDER);
        }
        let mut uses = vec![(false, false); users.templates];
        for template in users.of(column) {
            match uses.get_mut(*template as usize) {
                Some((has, _)) if !*has => *has = true,
                // Twice in one template.
                _ => return Err(NO_ORDER),
            }
        }
        for template in keys.map_or(&[][..], |keys| users.of(keys)) {
            match uses.get_mut(*template as usize) {
                Some((_, has)) if !*has => *has = true,
                _ => return Err(NO_ORDER),
            }
        }
        match keys.is_some() && uses.iter().any(|(column, keys)| *column && !keys) {
            true => Err(NO_ORDER),
            false => Ok(Ordered { column: new, keys: new_keys, uses: Arc::new(uses) }),
        }
    }
}

/// Which templates have each column, as often as they have it.
pub struct Users {
    templates: usize,
    /// Where those of each column begin in `of`, and one past the last.
    starts: Vec<u32>,
    of: Vec<u32>,
}

impl Users {
    /// `templates` has the columns of each.
    pub fn new<'a>(templates: impl Iterator<Item = &'a [u32]> + Clone, columns: usize) -> Users {
        let mut starts = vec![0u32; columns + 2];
        for column in templates.clone().flatten() {
            if let Some(count) = starts.get_mut(*column as usize + 2) {
                *count += 1;
            }
        }
        let mut before = 0;
        for start in &mut starts {
            before += *start;
            *start = before;
        }
        let mut of = vec![0u32; before as usize];
        let mut count = 0;
        for (number, columns) in templates.enumerate() {
            count += 1;
            for column in columns {
                let Some(next) = starts.get_mut(*column as usize + 1) else { continue };
                if let Some(slot) = of.get_mut(*next as usize) {
                    *slot = number as u32;
                }
                *next += 1;
            }
        }
        Users { templates: count, starts, of }
    }

    fn of(&self, column: usize) -> &[u32] {
        let place = |at: usize| self.starts.get(at).map_or(0, |start| *start as usize);
        self.of.get(place(column)..place(column + 1)).unwrap_or_default()
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
    pub fn describe<'a>(&'a self, leaves: &mut Meta<'a>) -> Result<Described<'a>, DecodeError> {
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
            Form::Patterns(table) => Described::Patterns(Box::new(table.describe(leaves, 0)?)),
            Form::Lines => Described::Lines(leaves.blob()?),
            Form::Bytes => Described::Bytes { lengths: Integers::read(leaves)?, blob: leaves.blob()? },
            Form::Stamps { format, relative } => {
                Described::Stamps { format: *format, relative: *relative, integers: Integers::read(leaves)? }
            }
        })
    }

    /// Passes over what a part says of its values.
    pub fn pass(&self, leaves: &mut Meta<'_>) -> Result<(), DecodeError> {
        match self {
            Form::Equal(_) => Ok(()),
            Form::Numbers { .. } | Form::Dictionary(_) | Form::Stamps { .. } => Integers::pass(leaves),
            Form::Hex { .. } | Form::Lines => leaves.blob().map(|_| ()),
            Form::Nibbles { .. } | Form::Bytes => Integers::pass(leaves).and_then(|()| leaves.blob().map(|_| ())),
            Form::Patterns(table) => table.pass(leaves),
        }
    }
}

/// A column of a part, not yet unpacked.
#[derive(Debug)]
pub enum Described<'a> {
    Equal(Arc<[u8]>),
    Numbers { width: usize, integers: Integers },
    Dictionary { number: usize, ids: Integers },
    Hex { upper: bool, places: Arc<[Option<u8>]>, blob: u32 },
    Nibbles { upper: bool, lengths: Integers, blob: u32 },
    Patterns(Box<DescribedTable<'a>>),
    Lines(u32),
    Bytes { lengths: Integers, blob: u32 },
    Stamps { format: u8, relative: bool, integers: Integers },
}

/// Templates, the template of each row, and the columns of a part.
#[derive(Debug)]
pub struct DescribedTable<'a> {
    form: &'a TableForm,
    rows: usize,
    ids: Arc<Integers>,
    /// Where each column is described.
    at: Vec<Meta<'a>>,
    /// Columns that give others their order.
    keys: RefCell<HashMap<usize, Arc<Integers>>>,
}

impl Described<'_> {
    /// The integers of a column that has nothing else.
    fn integers(&mut self) -> Option<&mut Integers> {
        match self {
            Described::Numbers { integers, .. } => Some(integers),
            Described::Dictionary { ids, .. } => Some(ids),
            _ => None,
        }
    }
}

impl<'a> DescribedTable<'a> {
    /// Of columns that are described at some places.
    pub fn of(form: &'a TableForm, rows: usize, ids: Arc<Integers>, at: Vec<Meta<'a>>) -> DescribedTable<'a> {
        DescribedTable { form, rows, ids, at, keys: RefCell::default() }
    }

    /// The templates.
    pub fn templates(&self) -> &'a Arc<Vec<Template>> {
        &self.form.templates
    }

    /// The template of each row.
    pub fn ids(&self) -> &Arc<Integers> {
        &self.ids
    }

    /// Whether columns stand in the order of others.
    pub fn is_ordered(&self) -> bool {
        !self.form.orders.is_empty()
    }

    /// The forms of the columns.
    pub fn forms(&self) -> &'a [Form] {
        &self.form.columns
    }

    /// A column.
    pub fn column(&self, number: usize) -> Result<Described<'a>, DecodeError> {
        const MISSING: DecodeError = DecodeError("a column that is not there");
        let (form, at) = self.form.columns.get(number).zip(self.at.get(number)).ok_or(MISSING)?;
        let mut described = form.describe(&mut at.clone())?;
        if let Some(order) = self.form.order_of(number)
            && let Some(integers) = described.integers()
        {
            let keys = order.keys.map(|keys| self.keys(keys)).transpose()?;
            let (ids, uses) = (Arc::clone(&self.ids), Arc::clone(&order.uses));
            integers.set_order(Order { ids, rows: self.rows, uses, keys });
        }
        Ok(described)
    }

    /// The integers of a column that gives others their order.
    fn keys(&self, number: usize) -> Result<Arc<Integers>, DecodeError> {
        if let Some(known) = self.keys.borrow().get(&number) {
            return Ok(Arc::clone(known));
        }
        let mut column = self.column(number)?;
        let keys = Arc::new(column.integers().ok_or(NO_ORDER)?.clone());
        self.keys.borrow_mut().insert(number, Arc::clone(&keys));
        Ok(keys)
    }

    /// How often each column is met in rows of these templates.
    pub fn occurrences(&self, ids: &[u64]) -> Result<Vec<usize>, DecodeError> {
        occurrences(self.templates(), ids, self.form.columns.len())
    }
}

/// How often each column is met in rows of these templates.
pub(super) fn occurrences(templates: &[Template], ids: &[u64], columns: usize) -> Result<Vec<usize>, DecodeError> {
    occurrences_in(templates, &rows_of(templates, ids)?, columns)
}

/// How many rows are of each template.
pub(super) fn rows_of(templates: &[Template], ids: &[u64]) -> Result<Vec<usize>, DecodeError> {
    let mut rows = vec![0usize; templates.len()];
    for id in ids {
        *rows.get_mut(*id as usize).ok_or(DecodeError("a template that is not there"))? += 1;
    }
    Ok(rows)
}

/// How often each column is met in so many rows of each template.
pub(super) fn occurrences_in(
    templates: &[Template],
    rows: &[usize],
    columns: usize,
) -> Result<Vec<usize>, DecodeError> {
    let mut counts = vec![0usize; columns];
    // A part has few of the templates of its stripe.
    for (template, rows) in templates.iter().zip(rows).filter(|(_, rows)| **rows > 0) {
        for column in &template.columns {
            *counts.get_mut(*column as usize).ok_or(DecodeError("a column that is not there"))? += rows;
        }
    }
    Ok(counts)
}
