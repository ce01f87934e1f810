//! Notices that a source has changed for good, so that the change is told once and learned, not flagged for ever.

/// Lines of one block.
const BLOCK: u32 = 250;
/// Blocks in a row that must be odd.
const IN_A_ROW: u32 = 2;
/// Blocks before a shift can be noticed.
const ENOUGH: f32 = 6.0;

/// Mean rarity by blocks of lines, against its own usual mean and spread.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Shift {
    lines: u32,
    sum: f32,
    blocks: f32,
    mean: f32,
    variance: f32,
    odd: u32,
}

impl Shift {
    /// Takes the sum of rarities of a line; true at the line with which a shift became certain.
    pub fn observe(&mut self, rarity: f32) -> bool {
        self.sum += rarity;
        self.lines = self.lines.saturating_add(1);
        if self.lines < BLOCK {
            return false;
        }
        let mean = self.sum / BLOCK as f32;
        (self.lines, self.sum) = (0, 0.0);
        let bound = self.mean + 4.0 * self.variance.sqrt() + 0.5 * self.mean + 0.5;
        if self.blocks >= ENOUGH && mean > bound {
            self.odd = self.odd.saturating_add(1);
            if self.odd >= IN_A_ROW {
                *self = Shift::default();
                return true;
            }
            return false;
        }
        self.odd = 0;
        self.blocks += 1.0;
        let share = (1.0 / self.blocks).max(0.05);
        let off = mean - self.mean;
        self.mean += share * off;
        self.variance = (1.0 - share) * (self.variance + share * off * off);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lasting_change_is_told_once_and_noise_is_not() {
        let mut shift = Shift::default();
        let calm = (0..20_000).filter(|line| shift.observe((line % 7) as f32)).count();
        let changed = (0..20_000).filter(|line| shift.observe(12.0 + (line % 7) as f32)).count();
        assert_eq!((calm, changed), (0, 1));
    }
}
