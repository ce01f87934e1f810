//! Whom a line is about, and what is remembered of each of them.

use super::counts::pair;
use super::rate::Rate;
use crate::model::{Cut, Fields, SlotKind};
use hashbrown::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use xxhash_rust::xxh3::xxh3_64;

/// Hashes keys that are hashes already.
#[derive(Debug, Clone, Default)]
pub(super) struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = pair(self.0, xxh3_64(bytes));
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

/// Maps by hash are stored in order of their keys: equal maps are equal bytes.
pub(super) mod in_order {
    use super::ByHash;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer, V: Serialize>(map: &ByHash<V>, to: S) -> Result<S::Ok, S::Error> {
        let mut pairs: Vec<(u64, &V)> = map.iter().map(|(key, value)| (*key, value)).collect();
        pairs.sort_unstable_by_key(|(key, _)| *key);
        pairs.serialize(to)
    }

    pub fn deserialize<'a, D: Deserializer<'a>, V: Deserialize<'a>>(from: D) -> Result<ByHash<V>, D::Error> {
        Ok(Vec::<(u64, V)>::deserialize(from)?.into_iter().collect())
    }
}

/// A map whose keys are hashes.
pub(super) type ByHash<V> = HashMap<u64, V, BuildHasherDefault<Same>>;

/// Names of fields that say who acts, best first.
const ACTORS: &[&str] =
    &["source_ip", "src_ip", "client_ip", "remote_addr", "client", "rhost", "source_host", "user", "username"];
/// Names of fields that say to which session a line belongs.
const SESSIONS: &[&str] = &["session", "session_id", "trace_id", "request_id", "block_id"];

/// Who acts in a line: the value of a field, else the first address in the message, else what stands behind `rhost=`.
pub(super) fn actor<'a>(fields: &Fields<'a>, message: &'a [u8], cut: &Cut<'_>) -> Option<&'a [u8]> {
    let mut found: Option<(usize, &'a [u8])> = None;
    for (name, value) in fields.iter() {
        if let Some(rank) = ACTORS.iter().position(|actor| *actor == name)
            && found.is_none_or(|(best, _)| rank < best)
            && !value.is_empty()
            && value != b"-"
        {
            found = Some((rank, value));
        }
    }
    if let Some((_, value)) = found {
        return Some(value);
    }
    if let Some(slot) = cut.slots.iter().find(|slot| slot.kind == SlotKind::Ip) {
        return Some(slot.of(message));
    }
    let at = memchr::memmem::find(message, b"rhost=")? + 6;
    let rest = message.get(at..)?;
    let end = rest.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b',').unwrap_or(rest.len());
    rest.get(..end).filter(|value| !value.is_empty())
}

/// The session of a line: the value of a field, else the first identifier of six and more digits, else none.
pub(super) fn session<'a>(fields: &Fields<'a>, message: &'a [u8], cut: &Cut<'_>) -> Option<&'a [u8]> {
    if let Some((_, value)) = fields.iter().find(|(name, _)| SESSIONS.contains(name)) {
        return Some(value);
    }
    let is_identifier = |value: &[u8]| value.iter().filter(|byte| byte.is_ascii_digit()).count() >= 6;
    cut.slots
        .iter()
        .filter(|slot| matches!(slot.kind, SlotKind::Id | SlotKind::Uuid | SlotKind::Hex))
        .map(|slot| slot.of(message))
        .find(|value| is_identifier(value))
}

/// A bounded map that forgets the least lately used half when it is full: two generations of at most `limit` / 2.
#[derive(Debug, Clone)]
pub(super) struct Recent<V> {
    young: ByHash<V>,
    old: ByHash<V>,
    limit: usize,
}

impl<V: Default> Recent<V> {
    /// An empty map of at most `limit` values.
    pub fn new(limit: usize) -> Self {
        Recent { young: ByHash::default(), old: ByHash::default(), limit }
    }

    /// The value of `key`, new where there was none.
    pub fn touch(&mut self, key: u64) -> &mut V {
        if !self.young.contains_key(&key) {
            let value = self.old.remove(&key).unwrap_or_default();
            if self.young.len() >= self.limit / 2 {
                self.old = std::mem::take(&mut self.young);
            }
            self.young.insert(key, value);
        }
        self.young.entry(key).or_default()
    }

    /// Bytes held, apart from what values own themselves.
    pub fn bytes(&self) -> usize {
        (self.young.capacity() + self.old.capacity()) * (size_of::<V>() + size_of::<u64>() + 1)
    }
}

/// What is remembered of one entity.
#[derive(Debug, Clone, Default)]
pub(super) struct Entity {
    /// All its lines.
    pub lines: Rate,
    /// Its failures.
    pub failures: Rate,
    /// Failed logins, fading by half in two minutes.
    pub refusals: Fading,
    /// Failures, fading by half in two minutes.
    pub troubles: Fading,
    /// Distinct targets of its failures.
    pub targets: Distinct,
    /// Distinct accounts of its failed logins.
    pub accounts: Distinct,
}

/// A count that fades by half in two minutes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fading {
    count: f32,
    last: f64,
}

impl Fading {
    /// Counts one event at `now` (seconds) and gives the faded count with it.
    pub fn add(&mut self, now: f64) -> f32 {
        let passed = (now - self.last).clamp(0.0, 1e9) as f32;
        self.last = self.last.max(now);
        self.count = self.count * (-passed / 120.0 * std::f32::consts::LN_2).exp() + 1.0;
        self.count
    }
}

/// How many distinct values came in the last 10 to 20 minutes, by linear counting on 64 bits (K.-Y. Whang, 1990).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Distinct {
    now: u64,
    before: u64,
    since: f64,
}

impl Distinct {
    /// Adds a value at `at` (seconds) and gives the number of distinct ones, at most about 266.
    pub fn add(&mut self, key: u64, at: f64) -> f32 {
        if at - self.since >= 600.0 {
            self.before = if at - self.since < 1_200.0 { self.now } else { 0 };
            self.now = 0;
            self.since = at;
        }
        self.now |= 1 << (pair(key, 11) >> 58);
        let zeros = (self.now | self.before).count_zeros() as f32;
        -64.0 * (zeros.max(1.0) / 64.0).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lately_used_stay_and_the_number_is_bounded() {
        let mut recent: Recent<u32> = Recent::new(100);
        for key in 0..10_000u64 {
            *recent.touch(pair(key, 1)) += 1;
            *recent.touch(7) += 1;
        }
        assert_eq!(*recent.touch(7), 10_000);
        assert!(recent.young.len() + recent.old.len() <= 101);
    }

    #[test]
    fn distinct_values_are_about_counted_and_forgotten() {
        let mut targets = Distinct::default();
        let counted = (0..20).map(|key| targets.add(xxh3_64(&[key]), 5.0)).last().unwrap();
        assert!((14.0..27.0).contains(&counted), "{counted}");
        assert!(targets.add(1, 9_000.0) < 2.0);
    }
}
