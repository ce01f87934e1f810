//! The formats in force: the built-in ones and those a user defined. Cheap to clone; cuts archived bytes again.

use std::cell::RefCell;
use std::sync::Arc;

use crate::model::{FieldSet, Interpret, Layout};

use super::ParseError;
use super::draft::Draft;
use super::format::{self, Cut, FORMATS};
use super::user::UserFormat;

/// To be raised with every change by which a record is cut into other fields than before: archives say where fields stand, and that
/// is of no use to one who cuts them otherwise. A test holds it to what is cut from some records of each format.
pub const REVISION: u64 = 1;

/// Built-in and user-defined formats.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    user: Arc<Vec<Arc<UserFormat>>>,
}

thread_local! {
    /// What is filled while a record is cut: its memory is used again.
    static DRAFT: RefCell<Draft> = RefCell::default();
}

/// What reads the records of a layout.
#[derive(Debug, Clone)]
pub(super) enum Engine {
    /// A built-in format.
    Builtin(Cut),
    /// A user's pattern.
    User(Arc<UserFormat>),
}

impl Engine {
    /// Reads a record into a cleared draft.
    pub(super) fn cut(&self, layout: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
        draft.clear();
        match self {
            Engine::Builtin(cut) => cut(layout, raw, draft),
            Engine::User(format) => format.cut(raw, draft),
        }
    }
}

impl Registry {
    /// The built-in formats alone.
    pub fn builtin() -> Self {
        Registry::default()
    }

    /// Adds the formats of a TOML text; how many. `file` is named in errors. Nothing is added where one of them is broken:
    /// its pattern, or a sample that does not give the fields stated with it.
    pub fn add_toml(&mut self, text: &str, file: &str) -> Result<usize, ParseError> {
        let formats = super::user::load(text, file)?;
        let added = formats.len();
        let known = Arc::make_mut(&mut self.user);
        for format in formats {
            known.retain(|other| other.name != format.name);
            known.push(Arc::new(format));
        }
        Ok(added)
    }

    /// Names of all formats, the user's first.
    pub fn names(&self) -> Vec<String> {
        let user = self.user.iter().map(|format| format.name.clone());
        user.chain(FORMATS.iter().map(|format| format.name.to_owned())).collect()
    }

    /// The user's formats, in order of definition.
    pub(super) fn user(&self) -> &[Arc<UserFormat>] {
        &self.user
    }

    /// What reads records of a layout; a user's format by its pattern, if it is not (or no longer) known by name.
    pub(super) fn engine(&self, layout: &Layout) -> Engine {
        if let Some(pattern) = &layout.pattern {
            let known = self.user.iter().find(|format| format.name == layout.format && format.pattern() == pattern);
            if let Some(format) = known {
                return Engine::User(Arc::clone(format));
            }
            if let Some(format) = UserFormat::stored(&layout.format, pattern) {
                return Engine::User(format);
            }
        }
        let builtin = format::named(&layout.format).or_else(|| format::named(format::UNKNOWN));
        Engine::Builtin(builtin.map_or(super::generic::unknown as Cut, |format| format.cut))
    }
}

impl Interpret for Registry {
    fn interpret(&self, layout: &Layout, raw: &[u8], fields: &mut FieldSet) {
        DRAFT.with_borrow_mut(|draft| {
            draft.fields = std::mem::take(fields);
            if !self.engine(layout).cut(layout, raw, draft) {
                draft.clear();
                super::generic::unknown(layout, raw, draft);
            }
            *fields = std::mem::take(&mut draft.fields);
        });
    }

    fn revision(&self) -> u64 {
        REVISION
    }
}
