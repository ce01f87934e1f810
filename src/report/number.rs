//! Numbers as people read them.

/// A count with thin groups of three: `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun: `1 record`, `2,000 records`.
pub fn count(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(number), if number == 1 { "" } else { "s" })
}

/// Bytes in the unit that keeps three digits: `17.8 MB` (powers of 1,000).
pub fn bytes(number: u64) -> String {
    let mut value = number as f64;
    for unit in ["B", "kB", "MB", "GB", "TB"] {
        if value < 999.5 || unit == "TB" {
            return if unit == "B" || value >= 99.95 {
                format!("{value:.0} {unit}")
            } else {
                format!("{value:.1} {unit}")
            };
        }
        value /= 1_000.0;
    }
    String::new()
}

/// A ratio to one: `12.4:1`.
pub fn ratio(of: u64, to: u64) -> String {
    if to == 0 { "-".to_owned() } else { format!("{:.1}:1", of as f64 / to as f64) }
}

/// A duration: `350 ms`, `4.2 s`, `3 min 20 s`.
pub fn seconds(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1_000.0)
    } else if seconds < 120.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {:.0} s", (seconds / 60.0).floor(), seconds % 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_scaled() {
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(thousands(12), "12");
        assert_eq!(count(1, "record"), "1 record");
        assert_eq!(bytes(17_800_000), "17.8 MB");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(ratio(124, 10), "12.4:1");
        assert_eq!(seconds(200.0), "3 min 20 s");
    }
}
