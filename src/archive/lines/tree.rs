//! The tree of a stripe, passed over once: where each template and form of a column stands in it. One who reads a record needs a few
//! of what may be thousands of templates and tens of thousands of columns.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use super::columns;
use super::forms::{DescribedTable, Form, NO_ORDER, Ordered, TableForm, Users};
use super::integers::Integers;
use super::order;
use super::pack::Meta;
use super::read::{Loader, Table};
use super::some::{NeededColumn, Templates, needed};
use super::template::{END, ESCAPE, MOST_READ_VARIABLES, MOST_TEMPLATES, Template, VARIABLE};
use super::{DecodeError, OVERLONG};

/// Columns within columns go no deeper in any honest stripe.
const DEEPEST: u8 = 8;

/// What a part says of the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaves {
    Nothing,
    Integers,
    Blob,
    IntegersAndBlob,
    /// Of the columns of a table: told by the tree.
    Table,
}

/// The table in a tree: read as a whole when it is first needed, or what some rows need of it.
#[derive(Debug)]
pub struct Tree {
    bytes: Vec<u8>,
    index: TreeIndex,
    whole: OnceLock<TableForm>,
    /// Whether somebody asked for some of it: who asks again gets all, read once.
    asked: AtomicBool,
}

impl Tree {
    /// Passes over the table at the beginning of a tree; gives it and the tree behind it.
    pub fn read(bytes: &[u8]) -> Result<(Tree, Meta<'_>), DecodeError> {
        let (index, rest) = TreeIndex::read(bytes)?;
        let (len, _) = rest.place(bytes);
        let bytes = bytes.get(..len).unwrap_or_default().to_vec();
        Ok((Tree { bytes, index, whole: OnceLock::new(), asked: AtomicBool::default() }, rest))
    }

    /// The table as a whole.
    pub fn table(&self) -> Result<&TableForm, DecodeError> {
        match self.whole.get() {
            Some(table) => Ok(table),
            None => {
                let table = TableForm::read(&mut Meta::new(&self.bytes), 0)?;
                Ok(self.whole.get_or_init(|| table))
            }
        }
    }

    /// What there is of it, where it is not read as a whole and nobody asked before.
    pub fn index(&self) -> Option<&TreeIndex> {
        (self.whole.get().is_none() && !self.asked.swap(true, Relaxed)).then_some(&self.index)
    }

    /// Its bytes, of which an index tells.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The constant text of all templates, each ended by a line feed.
    pub fn constants(&self) -> Result<Vec<u8>, DecodeError> {
        self.index.constants(&self.bytes)
    }
}

/// Where the parts of the table in a tree stand.
#[derive(Debug, Default)]
pub struct TreeIndex {
    /// Where the text of each template begins.
    texts: Vec<u32>,
    /// Where the columns of each template begin in `columns`, and one past the last.
    firsts: Vec<u32>,
    columns: Vec<u32>,
    /// Where the form of each column begins.
    forms: Vec<(u32, Leaves)>,
    /// Columns that stand in the order of others, ascending: those that give the keys, or none.
    orders: Vec<(usize, Option<usize>)>,
}

impl TreeIndex {
    /// Passes over the table at the beginning of a tree.
    fn read(bytes: &[u8]) -> Result<(TreeIndex, Meta<'_>), DecodeError> {
        let mut tree = Meta::new(bytes);
        let place = |tree: &Meta<'_>| tree.place(bytes).0 as u32;
        let mut index = TreeIndex::default();
        let count = templates_of(&mut tree)?;
        let mut variables = 0u32;
        index.firsts.push(0);
        for _ in 0..count {
            index.texts.push(place(&tree));
            variables += pass_text(&mut tree)?;
            index.firsts.push(variables);
        }
        let columns = pass_columns(&mut tree, variables, |column| index.columns.push(column))?;
        for column in 0..columns as usize {
            if tree.next_is(columns::ORDERED) {
                let keys = tree.number()?.checked_sub(1).map(|keys| usize::try_from(keys).unwrap_or(usize::MAX));
                index.orders.push((column, keys));
            }
            let at = place(&tree);
            index.forms.push((at, pass_form(&mut tree, None, 1)?));
        }
        Ok((index, tree))
    }

    /// The constant text of all templates, each ended by a line feed.
    fn constants(&self, bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
        let mut constants = Vec::new();
        for at in &self.texts {
            read_text(bytes, *at, &mut constants, &mut Vec::new())?;
            constants.push(b'\n');
        }
        Ok(constants)
    }

    /// Loads some ascending rows of a part of `rows` rows with what they need of the tree and of what the part says, which is passed
    /// to its end.
    pub fn rows(
        &self,
        bytes: &[u8],
        leaves: &mut Meta<'_>,
        loader: &mut Loader<'_, '_>,
        rows: usize,
        wanted: &[usize],
    ) -> Result<Table, DecodeError> {
        let ids = Arc::new(Integers::read(leaves)?);
        let values = match self.orders.is_empty() {
            true => Arc::new(loader.integers(&ids, rows)?),
            false => loader.kept(&ids, rows)?,
        };
        let mut needed = needed(&InTree { index: self, bytes }, self.forms.len(), &values, wanted)?;
        // Those by which they are ordered are needed as well.
        let mut numbers: Vec<usize> = needed.columns.iter().map(|column| column.number).collect();
        let mut next = 0;
        while let Some(number) = numbers.get(next).copied() {
            let keys = self.order_of(number).and_then(|(_, keys)| *keys);
            numbers.extend(keys);
            next += 1;
        }
        numbers.sort_unstable();
        numbers.dedup();
        let mut at = Vec::with_capacity(numbers.len());
        let mut sought = numbers.iter().copied().peekable();
        for (number, (form, of)) in self.forms.iter().enumerate() {
            if sought.next_if_eq(&number).is_some() {
                at.push(leaves.clone());
            }
            pass_leaves(bytes, *form, *of, leaves)?;
        }
        if !leaves.is_empty() {
            return Err(OVERLONG);
        }
        let table = self.table_of(bytes, &numbers)?;
        for NeededColumn { number, .. } in &mut needed.columns {
            *number = numbers.binary_search(number).map_err(|_| NO_ORDER)?;
        }
        loader.table_of(&DescribedTable::of(&table, rows, ids, at), needed)
    }

    /// A table of some ascending columns, without templates.
    fn table_of(&self, bytes: &[u8], numbers: &[usize]) -> Result<TableForm, DecodeError> {
        let (mut forms, mut orders) = (Vec::with_capacity(numbers.len()), Vec::new());
        let mut users: Option<Users> = None;
        let mut depths = vec![0u8; numbers.len()];
        for (new, number) in numbers.iter().enumerate() {
            let (at, _) = self.forms.get(*number).ok_or(NO_ORDER)?;
            let form = Form::read(&mut Meta::at(bytes, (*at as usize, 0)), 1)?;
            if let Some((_, keys)) = self.order_of(*number) {
                let new_keys = keys.map(|keys| numbers.binary_search(&keys).map_err(|_| NO_ORDER)).transpose()?;
                let deepest = new_keys.map_or(Some(0), |keys| depths.get(keys).copied());
                match (deepest.filter(|depth| *depth < order::DEEPEST), depths.get_mut(new)) {
                    (Some(deepest), Some(depth)) => *depth = deepest + 1,
                    _ => return Err(NO_ORDER),
                }
                let users = users.get_or_insert_with(|| Users::new(self.templates(), self.forms.len()));
                let order = Ordered::read(users, (*number, *keys), (new, new_keys), &form, &forms)?;
                orders.push(order);
            }
            forms.push(form);
        }
        Ok(TableForm::of(forms, orders))
    }

    fn order_of(&self, column: usize) -> Option<&(usize, Option<usize>)> {
        let at = self.orders.binary_search_by_key(&column, |(column, _)| *column).ok()?;
        self.orders.get(at)
    }

    /// The columns of each template.
    fn templates(&self) -> impl Iterator<Item = &[u32]> + Clone {
        self.firsts.windows(2).map(|ends| match ends {
            [from, to] => self.columns.get(*from as usize..*to as usize).unwrap_or_default(),
            _ => &[],
        })
    }
}

/// The templates of a tree.
struct InTree<'a> {
    index: &'a TreeIndex,
    bytes: &'a [u8],
}

impl Templates for InTree<'_> {
    fn count(&self) -> usize {
        self.index.texts.len()
    }

    fn columns(&self, template: usize) -> Option<&[u32]> {
        let range: Range<usize> =
            *self.index.firsts.get(template)? as usize..*self.index.firsts.get(template + 1)? as usize;
        self.index.columns.get(range)
    }

    fn read(&self, template: usize) -> Result<Template, DecodeError> {
        let mut read = Template::default();
        read_text(
            self.bytes,
            self.index.texts.get(template).copied().unwrap_or(u32::MAX),
            &mut read.text,
            &mut read.ends,
        )?;
        read.ends.push(read.text.len() as u32);
        Ok(read)
    }
}

/// Adds the text of a template, and where its variables stand in all of it.
fn read_text(bytes: &[u8], at: u32, text: &mut Vec<u8>, ends: &mut Vec<u32>) -> Result<(), DecodeError> {
    let mut tree = Meta::at(bytes, (at as usize, 0));
    loop {
        text.extend_from_slice(tree.above(END));
        match tree.byte()? {
            VARIABLE => ends.push(text.len() as u32),
            ESCAPE => text.push(tree.byte()?),
            _ => return Ok(()),
        }
    }
}

fn templates_of(tree: &mut Meta<'_>) -> Result<usize, DecodeError> {
    let count = tree.size()?;
    if count <= 2 * MOST_TEMPLATES { Ok(count) } else { Err(DecodeError("too many templates")) }
}

/// Passes over the text of a template; how many variables it has.
fn pass_text(tree: &mut Meta<'_>) -> Result<u32, DecodeError> {
    let mut variables = 0;
    loop {
        tree.above(END);
        match tree.byte()? {
            VARIABLE => variables += 1,
            ESCAPE => tree.byte().map(|_| ())?,
            _ if variables as usize > MOST_READ_VARIABLES => {
                return Err(DecodeError("too many variables in a template"));
            }
            _ => return Ok(variables),
        }
    }
}

/// Hands over the column of each variable; how many there are.
fn pass_columns(tree: &mut Meta<'_>, variables: u32, mut take: impl FnMut(u32)) -> Result<u32, DecodeError> {
    let mut next = 0;
    for _ in 0..variables {
        take(match tree.number()? {
            0 => {
                next += 1;
                next - 1
            }
            known if known <= u64::from(next) => known as u32 - 1,
            _ => return Err(DecodeError("a template names a column that is not there")),
        });
    }
    Ok(next)
}

/// Passes over the form of a column and, where there are some, over what a part says of its values.
fn pass_form(tree: &mut Meta<'_>, leaves: Option<&mut Meta<'_>>, depth: u8) -> Result<Leaves, DecodeError> {
    if depth > DEEPEST {
        return Err(DecodeError("columns lie too deep"));
    }
    let of = match tree.byte()? {
        columns::EQUAL => {
            let len = tree.size()?;
            tree.bytes(len)?;
            Leaves::Nothing
        }
        columns::INTEGERS => Leaves::Integers,
        columns::FIXED_DIGITS => tree.byte().map(|_| Leaves::Integers)?,
        columns::DICTIONARY => tree.number().map(|_| Leaves::Integers)?,
        columns::HEX => {
            tree.byte()?;
            for _ in 0..tree.size()? {
                if tree.byte()? == 0 {
                    tree.byte()?;
                }
            }
            Leaves::Blob
        }
        columns::NIBBLES => tree.byte().map(|_| Leaves::IntegersAndBlob)?,
        columns::PATTERNS => {
            pass_table(tree, leaves, depth + 1)?;
            return Ok(Leaves::Table);
        }
        columns::LINES => Leaves::Blob,
        columns::BYTES => Leaves::IntegersAndBlob,
        columns::STAMPS => {
            tree.bytes(2)?;
            Leaves::Integers
        }
        _ => return Err(DecodeError("no such form of column")),
    };
    if let Some(leaves) = leaves {
        of.pass(leaves)?;
    }
    Ok(of)
}

/// The same for a table within another.
fn pass_table(tree: &mut Meta<'_>, mut leaves: Option<&mut Meta<'_>>, depth: u8) -> Result<(), DecodeError> {
    let mut variables = 0u32;
    for _ in 0..templates_of(tree)? {
        variables += pass_text(tree)?;
    }
    if let Some(leaves) = leaves.as_deref_mut() {
        Integers::pass(leaves)?;
    }
    for _ in 0..pass_columns(tree, variables, |_| ())? {
        pass_form(tree, leaves.as_deref_mut(), depth + 1)?;
    }
    Ok(())
}

/// Passes over what a part says of a column, whose form stands at a place of the tree.
fn pass_leaves(bytes: &[u8], form: u32, of: Leaves, leaves: &mut Meta<'_>) -> Result<(), DecodeError> {
    match of {
        Leaves::Table => pass_form(&mut Meta::at(bytes, (form as usize, 0)), Some(leaves), 1).map(|_| ()),
        of => of.pass(leaves),
    }
}

impl Leaves {
    fn pass(self, leaves: &mut Meta<'_>) -> Result<(), DecodeError> {
        match self {
            Leaves::Nothing | Leaves::Table => Ok(()),
            Leaves::Integers => Integers::pass(leaves),
            Leaves::Blob => leaves.blob().map(|_| ()),
            Leaves::IntegersAndBlob => Integers::pass(leaves).and_then(|()| leaves.blob().map(|_| ())),
        }
    }
}
