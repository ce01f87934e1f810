//! What becomes of a profile over time: halving, its bounds, its size.

use super::place::{KindStat, Place};
use super::{KINDS, MESSAGES, ORDER_TOTALS, ORDERS, PLACES, Profile, STATUSES, TEXTS, VALUES};
use crate::detect::config::DetectConfig;

impl Profile {
    /// Halves everything counted.
    pub fn halve(&mut self) {
        self.lines *= 0.5;
        self.kinds.values_mut().for_each(|stat| {
            stat.count *= 0.5;
            stat.places.iter_mut().for_each(|place| {
                place.seen *= 0.5;
                place.distinct *= 0.5;
            });
        });
        for counts in [
            &mut self.texts,
            &mut self.values,
            &mut self.messages,
            &mut self.orders,
            &mut self.order_totals,
            &mut self.statuses,
        ] {
            counts.halve();
        }
        self.levels.iter_mut().for_each(|count| *count *= 0.5);
        self.wording.halve();
    }

    /// Whether it is one that can have been learnt.
    pub fn is_sound(&self) -> bool {
        let tables = [
            (&self.texts, TEXTS),
            (&self.values, VALUES),
            (&self.messages, MESSAGES),
            (&self.orders, ORDERS),
            (&self.order_totals, ORDER_TOTALS),
            (&self.statuses, STATUSES),
        ];
        tables.into_iter().all(|(counts, limit)| counts.is_sound(limit))
            && self.kinds.len() <= KINDS
            && self.kinds.values().all(|stat| stat.places.len() <= PLACES)
            && self.total < u64::MAX / 2
            && self.frames.is_sound()
            && self.wording.is_sound()
    }

    /// Bytes held, within a tenth.
    pub fn bytes(&self) -> usize {
        let counts = [&self.texts, &self.values, &self.messages, &self.orders, &self.order_totals, &self.statuses];
        let places: usize = self.kinds.values().map(|stat| stat.places.capacity() * size_of::<Place>()).sum();
        size_of::<Self>()
            + counts.iter().map(|counts| counts.bytes()).sum::<usize>()
            + self.kinds.capacity() * (size_of::<KindStat>() + 9)
            + places
            + self.frames.bytes()
            + self.wording.bytes()
            + self.entities.bytes()
            + self.sessions.bytes()
    }
}

/// Whether the configuration asks to halve a profile of so many lines now.
pub(in crate::detect) fn is_due(config: &DetectConfig, total: u64) -> bool {
    total > 0 && total.is_multiple_of(config.halve_every.max(1))
}
