//! To which incident each flagged record of a store belongs.

/// Flagged records with their incidents. An incident is named by the number of its first record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Incidents {
    /// Number of a record and of its incident, ascending by record.
    pairs: Vec<(u64, u64)>,
}

impl Incidents {
    /// Adds a record, which must come behind those added before.
    pub fn push(&mut self, record: u64, incident: u64) {
        self.pairs.push((record, incident));
    }

    /// Flagged records.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether no record belongs to an incident.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The incident that a record belongs to.
    pub fn of(&self, record: u64) -> Option<u64> {
        let at = self.pairs.binary_search_by_key(&record, |(record, _)| *record).ok()?;
        self.pairs.get(at).map(|(_, incident)| *incident)
    }

    /// How many records belong to an incident.
    pub fn count(&self, incident: u64) -> u64 {
        self.pairs.iter().filter(|(_, of)| *of == incident).count() as u64
    }
}
