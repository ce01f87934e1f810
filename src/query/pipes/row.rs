//! The few values of a record that the pipes of a query look at.

use crate::model::{RecordId, RecordView, Timestamp};

/// A record on its way through the pipes: only the values asked for, in buffers that are used again.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: RecordId,
    pub(super) time: Option<Timestamp>,
    pub(super) slots: Vec<Slot>,
}

/// The first value of a field.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot {
    present: bool,
    value: Vec<u8>,
}

impl Slot {
    pub(super) fn get(&self) -> Option<&[u8]> {
        self.present.then_some(self.value.as_slice())
    }

    pub(super) fn set(&mut self, value: Option<&[u8]>) {
        self.present = value.is_some();
        self.value.clear();
        self.value.extend_from_slice(value.unwrap_or_default());
    }

    fn set_display(&mut self, value: impl std::fmt::Display) {
        use std::io::Write;
        self.present = true;
        self.value.clear();
        // Writing to memory can't fail.
        let _ = write!(self.value, "{value}");
    }
}

impl Row {
    pub(super) fn new(slots: usize) -> Row {
        Row { id: RecordId(0), time: None, slots: vec![Slot::default(); slots] }
    }

    pub(super) fn value(&self, slot: usize) -> Option<&[u8]> {
        self.slots.get(slot)?.get()
    }

    /// Bytes of memory a copy takes, roughly.
    pub(super) fn size(&self) -> usize {
        64 + self.slots.iter().map(|slot| 40 + slot.value.len()).sum::<usize>()
    }

    /// Takes the values of `names` from a record.
    pub(super) fn fill(&mut self, names: &[String], record: &RecordView) {
        self.id = record.id;
        self.time = record.time;
        for (name, slot) in names.iter().zip(&mut self.slots) {
            let verdict = record.verdict;
            match name.as_str() {
                "raw" => slot.set(Some(record.line())),
                "level" => slot.set(record.level.map(|level| level.name().as_bytes())),
                "source" => slot.set(Some(record.source.as_bytes())),
                "template" => slot.set(Some(record.template.as_bytes())),
                "time.quality" => slot.set(Some(record.time_quality.name().as_bytes())),
                "entity" => slot.set(verdict.and_then(|v| v.entity.as_ref()).map(String::as_bytes)),
                "incident" => match record.incident {
                    Some(incident) => slot.set_display(incident),
                    None => slot.set(None),
                },
                "rule" => slot.set(record.rules.first().map(String::as_bytes)),
                "reason" => slot.set(verdict.and_then(|v| v.reasons.first()).map(|reason| reason.text.as_bytes())),
                "anomaly" => slot.set(Some(if verdict.is_some_and(|v| v.flagged) { b"true" } else { b"false" })),
                "time" => match record.time {
                    Some(time) => slot.set_display(time),
                    None => slot.set(None),
                },
                "score" => slot.set_display(record.score),
                "novelty" => slot.set_display(record.novelty),
                "id" => slot.set_display(record.id.0),
                "offset" => slot.set_display(record.origin.offset),
                name => slot.set(record.fields.first(name)),
            }
        }
    }
}

/// Whether a name means a field that must be cut from the record.
pub(super) fn is_cut(name: &str) -> bool {
    !crate::query::BUILT_IN_FIELDS.contains(&name) && !matches!(name, "time" | "level" | "source" | "")
}

/// Takes from records the values that pipes look at.
#[derive(Debug, Clone)]
pub struct Taker {
    names: Vec<String>,
}

impl Taker {
    pub(super) fn new(names: &[String]) -> Taker {
        Taker { names: names.to_vec() }
    }

    /// Takes them from a record.
    pub fn take(&self, record: &RecordView) -> Taken {
        let mut row = Row::new(self.names.len());
        row.fill(&self.names, record);
        Taken(row)
    }
}

/// The values of a record that pipes look at.
#[derive(Debug, Clone)]
pub struct Taken(Row);

impl Taken {
    /// The same with a time of the record's span, whose own was not read.
    #[must_use]
    pub fn at(mut self, time: Timestamp) -> Taken {
        self.0.time = Some(time);
        self
    }

    pub(super) fn row(&self) -> &Row {
        &self.0
    }

    pub(super) fn row_mut(&mut self) -> &mut Row {
        &mut self.0
    }
}
