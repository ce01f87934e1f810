//! Surprise of numbers against their own mean and spread.

/// Natural logarithm of a positive number, exact to six digits; plain arithmetic, so it is the same on every machine.
///
/// ln m = 2 artanh((m - 1) / (m + 1)) for m within a factor of the square root of two of 1.
#[inline]
pub(super) fn ln(value: f32) -> f32 {
    let bits = value.max(f32::MIN_POSITIVE).to_bits();
    // Mantissa in [0.7, 1.4) and the exponent that belongs to it.
    let shifted = bits.wrapping_sub(0x3f35_04f3);
    let exponent = (shifted as i32) >> 23;
    let mantissa = f32::from_bits((shifted & 0x007f_ffff).wrapping_add(0x3f35_04f3));
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let z = s * s;
    exponent as f32 * std::f32::consts::LN_2 + 2.0 * s * (1.0 + z * (1.0 / 3.0 + z * (0.2 + z / 7.0)))
}

/// A number of unlimited range on a scale where its order of magnitude counts.
pub(super) fn signed_log(value: f64) -> f32 {
    value.signum() as f32 * ln((1.0 + value.abs()) as f32)
}

/// Exponentially weighted mean and variance; remembers about 500 values.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Spread {
    seen: f32,
    mean: f32,
    variance: f32,
}

/// Share of a new value once enough were seen.
const SHARE: f32 = 1.0 / 512.0;
/// Spread below which numbers count as equal: a few percent on the logarithmic scale.
const LEAST_VARIANCE: f32 = 0.0025;
/// Values before anything is surprising.
const ENOUGH: f32 = 20.0;
/// Most surprise of one number, in nats.
const MOST: f32 = 190.0;

impl Spread {
    /// Surprise of `value` in nats (z^2/2 - 1/2 beyond two deviations); then keeps it.
    pub fn observe(&mut self, value: f32) -> f32 {
        let off = value - self.mean;
        let z2 = off * off / (self.variance + LEAST_VARIANCE);
        let surprise = if self.seen >= ENOUGH && z2 > 4.0 { (z2 * 0.5 - 0.5).min(MOST) } else { 0.0 };
        self.seen += 1.0;
        let share = (1.0 / self.seen).max(SHARE);
        self.mean += share * off;
        self.variance = (1.0 - share) * (self.variance + share * off * off);
        surprise
    }
}

/// Reads a decimal number with optional sign and fraction; `None` where the bytes are none.
pub(super) fn parse(bytes: &[u8]) -> Option<f64> {
    let (negative, digits) = match bytes.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, bytes),
    };
    let mut value = 0.0f64;
    let mut scale = 0.0f64;
    for &byte in digits {
        match byte {
            b'0'..=b'9' if scale > 0.0 => {
                value += f64::from(byte - b'0') * scale;
                scale *= 0.1;
            }
            b'0'..=b'9' => value = value * 10.0 + f64::from(byte - b'0'),
            b'.' if scale == 0.0 => scale = 0.1,
            _ => return None,
        }
    }
    let value = if negative { -value } else { value };
    (!digits.is_empty() && value.is_finite()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_another_magnitude_surprises_and_ordinary_ones_do_not() {
        let mut spread = Spread::default();
        for value in 0..200 {
            assert!(spread.observe(signed_log(f64::from(1_000 + value % 50))) < 2.0);
        }
        assert!(spread.observe(signed_log(9e9)) > 20.0);
    }

    #[test]
    fn the_fast_logarithm_is_the_logarithm() {
        for step in 1..200_000 {
            let value = step as f32 * 0.37;
            assert!((ln(value) - value.ln()).abs() < 2e-6 * value.ln().abs().max(1.0), "{value}");
        }
        assert!(ln(0.0) < -80.0 && (ln(1e-9) - 1e-9f32.ln()).abs() < 1e-4);
    }

    #[test]
    fn numbers_are_read_and_words_are_not() {
        assert_eq!(parse(b"-12.5"), Some(-12.5));
        assert_eq!(parse(b"1e5"), None);
        assert_eq!(parse(b""), None);
        assert_eq!(parse(&[b'9'; 400]), None);
    }
}
