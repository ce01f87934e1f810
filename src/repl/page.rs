//! The records of an answer as they come: shown at once as far as the screen goes, the rest when the answer is whole, so that a
//! reader who pauses holds up no search.

use std::ops::Range;

use super::facets::Facets;
use super::screen::Screen;
use crate::engine::{Marker, Question};
use crate::model::{FoundRecord, Zone};
use crate::report::{Answer, Form, Style, Theme};

/// A page being shown.
pub struct Page<'a> {
    screen: &'a mut Screen,
    style: Style,
    marker: Marker,
    marks: Vec<Range<usize>>,
    facets: Facets,
    held: Vec<String>,
    failure: Option<anyhow::Error>,
    shown: u64,
}

impl<'a> Page<'a> {
    /// A page of the answer to a question, with its matches marked.
    pub fn new(screen: &'a mut Screen, query: &Question, zone: Zone, theme: Theme) -> Page<'a> {
        let style = Style { form: Form::Text, zone, theme, columns: query.shown().to_vec() };
        let (marker, marks, facets) = (Marker::of(query), Vec::new(), Facets::default());
        Page { screen, style, marker, marks, facets, held: Vec::new(), failure: None, shown: 0 }
    }

    /// Takes the next record; `false` where none can be printed any more.
    pub fn add(&mut self, record: &FoundRecord) -> bool {
        self.failure = self.print(record).err();
        self.failure.is_none()
    }

    fn print(&mut self, record: &FoundRecord) -> anyhow::Result<()> {
        self.marker.marks(record.line(), &mut self.marks);
        self.facets.add(record);
        self.shown += 1;
        let mut answer = Answer::new(Vec::new(), self.style.clone());
        answer.record(record, &self.marks)?;
        let text = String::from_utf8_lossy(&answer.finish()?).trim_end_matches('\n').to_owned();
        if !self.held.is_empty() || !self.screen.fits(&text) {
            self.held.push(text);
            return Ok(());
        }
        self.screen.say(&text)
    }

    /// Prints what had no room; gives the number of records and their values.
    pub fn finish(self) -> anyhow::Result<(u64, Facets)> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        self.held.iter().try_for_each(|text| self.screen.say(text))?;
        Ok((self.shown, self.facets))
    }
}
