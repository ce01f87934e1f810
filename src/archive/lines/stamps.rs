//! Time stamps as a format and an integer, in notations that can be written back byte for byte.
//!
//! A format is one byte: `kind * 20 + comma * 10 + digits of the fraction`. The integer counts units of the last digit since
//! 1970-01-01 00:00:00 as written (no time zone is applied; a notation without a year counts as 2000).

/// A time stamp found at the start of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Bytes it takes.
    pub len: usize,
    /// Its format; never 0.
    pub format: u8,
    /// Its value.
    pub value: u64,
}

/// `2024-03-01T12:00:00`
const ISO: u8 = 1;
/// `2024-03-01 12:00:00`
const DASHES: u8 = 2;
/// `2024/03/01 12:00:00`
const SLASHES: u8 = 3;
/// `Mar  1 12:00:00`
const SYSLOG: u8 = 4;
/// `Mar 01 12:00:00`, days below ten only
const SYSLOG_ZERO: u8 = 5;
/// `01/Mar/2024:12:00:00`
const ACCESS: u8 = 6;
/// `240301 120000`
const COMPACT: u8 = 7;
/// `1709294400.123456`
const EPOCH: u8 = 8;
/// `03-01 12:00:00`
const SHORT_DASH: u8 = 9;
/// `03.01 12:00:00`
const SHORT_DOT: u8 = 10;
/// `1709294400`, at the start of a record only: elsewhere it may be any number
const EPOCH_WHOLE: u8 = 11;

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
const POWERS: [u64; 10] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];
/// The last year for which nanoseconds fit 64 bits.
const LAST_YEAR: u64 = 2499;

/// The time stamp at the start of `bytes`, if there is one that [`Writer::write`] gives back exactly; `starts` says that they are
/// the start of a record.
#[inline]
pub fn find(bytes: &[u8], starts: bool) -> Option<Stamp> {
    let head = bytes.get(..15)?;
    let (kind, len, seconds) = match head {
        [_, _, _, _, b'-', _, _, b'-', _, _, sep @ (b'T' | b' '), ..] => {
            let seconds = date_time(bytes, number(bytes, 0, 4)?, number(bytes, 5, 2)?, number(bytes, 8, 2)?, 11)?;
            (if *sep == b'T' { ISO } else { DASHES }, 19, seconds)
        }
        [_, _, _, _, b'/', _, _, b'/', _, _, b' ', ..] => {
            let seconds = date_time(bytes, number(bytes, 0, 4)?, number(bytes, 5, 2)?, number(bytes, 8, 2)?, 11)?;
            (SLASHES, 19, seconds)
        }
        [_, _, b'/', a, b, c, b'/', _, _, _, _, b':', ..] => {
            let seconds = date_time(bytes, number(bytes, 7, 4)?, month(&[*a, *b, *c])?, number(bytes, 0, 2)?, 12)?;
            (ACCESS, 20, seconds)
        }
        [a, b, c, b' ', tens, ones, b' ', _, _, b':', ..] => {
            let month = month(&[*a, *b, *c])?;
            let (kind, day) = match (tens, ones) {
                (b' ', b'1'..=b'9') => (SYSLOG, u64::from(ones - b'0')),
                (b'0', b'1'..=b'9') => (SYSLOG_ZERO, u64::from(ones - b'0')),
                (b'1'..=b'3', b'0'..=b'9') => (SYSLOG, u64::from(tens - b'0') * 10 + u64::from(ones - b'0')),
                _ => return None,
            };
            (kind, 15, date_time(bytes, 2000, month, day, 7)?)
        }
        [_, _, sep @ (b'-' | b'.'), _, _, b' ', _, _, b':', ..] => {
            let kind = if *sep == b'-' { SHORT_DASH } else { SHORT_DOT };
            (kind, 14, date_time(bytes, 2000, number(bytes, 0, 2)?, number(bytes, 3, 2)?, 6)?)
        }
        [b'1', _, _, _, _, _, _, _, _, _, end, ..] if starts && super::tokens::class(*end) == 0 => {
            return Some(Stamp { len: 10, format: EPOCH_WHOLE * 20, value: number(bytes, 0, 10)? });
        }
        _ => return numeric(bytes),
    };
    Some(with_fraction(bytes, kind, len, seconds))
}

/// Notations of digits only.
fn numeric(bytes: &[u8]) -> Option<Stamp> {
    match bytes.get(..13)? {
        [_, _, _, _, _, _, b' ', ..] => {
            if bytes.get(13).is_some_and(|byte| super::tokens::class(*byte) != 0) {
                return None;
            }
            let day = days(2000 + number(bytes, 0, 2)?, number(bytes, 2, 2)?, number(bytes, 4, 2)?)?;
            let clock = clock(number(bytes, 7, 2)?, number(bytes, 9, 2)?, number(bytes, 11, 2)?)?;
            Some(Stamp { len: 13, format: COMPACT * 20, value: day * 86_400 + clock })
        }
        [b'1'..=b'9', _, _, _, _, _, _, _, _, _, b'.', b'0'..=b'9', ..] => {
            let stamp = with_fraction(bytes, EPOCH, 10, number(bytes, 0, 10)?);
            let ends = bytes.get(stamp.len).is_none_or(|byte| super::tokens::class(*byte) == 0);
            (ends && stamp.len > 10).then_some(stamp)
        }
        _ => None,
    }
}

/// Takes up to nine digits after `.` or `,`; with more than nine, none.
fn with_fraction(bytes: &[u8], kind: u8, len: usize, seconds: u64) -> Stamp {
    let plain = Stamp { len, format: kind * 20, value: seconds };
    let comma = match bytes.get(len) {
        Some(b'.') => 0,
        Some(b',') => 10,
        _ => return plain,
    };
    let (mut digits, mut fraction) = (0u8, 0u64);
    for byte in bytes.get(len + 1..).unwrap_or_default() {
        if !byte.is_ascii_digit() {
            break;
        }
        digits += 1;
        if digits > 9 {
            return plain;
        }
        fraction = fraction * 10 + u64::from(byte - b'0');
    }
    match POWERS.get(usize::from(digits)) {
        Some(power) if digits > 0 => Stamp {
            len: len + 1 + usize::from(digits),
            format: kind * 20 + comma + digits,
            value: seconds * power + fraction,
        },
        _ => plain,
    }
}

fn number(bytes: &[u8], at: usize, len: usize) -> Option<u64> {
    let mut value = 0u64;
    for byte in bytes.get(at..at + len)? {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + u64::from(byte - b'0');
    }
    Some(value)
}

fn month(name: &[u8; 3]) -> Option<u64> {
    MONTHS.iter().position(|month| *month == name).map(|at| at as u64 + 1)
}

fn date_time(bytes: &[u8], year: u64, month: u64, day: u64, at: usize) -> Option<u64> {
    if bytes.get(at + 2) != Some(&b':') || bytes.get(at + 5) != Some(&b':') {
        return None;
    }
    let clock = clock(number(bytes, at, 2)?, number(bytes, at + 3, 2)?, number(bytes, at + 6, 2)?)?;
    Some(days(year, month, day)? * 86_400 + clock)
}

fn clock(hour: u64, minute: u64, second: u64) -> Option<u64> {
    (hour < 24 && minute < 60 && second < 60).then_some(hour * 3600 + minute * 60 + second)
}

/// Days since 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms", days_from_civil).
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        2 => 28 + u64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1970..=LAST_YEAR).contains(&year) || day == 0 || day > length {
        return None;
    }
    let shifted = year - u64::from(month <= 2);
    let (era, of_era) = (shifted / 400, shifted % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// Year, month, day of a number of days since 1970-01-01 (civil_from_days of the same source).
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// The value of a stamp of a format in ns since 1970-01-01 00:00:00 as written; `None` beyond what 64 bits hold.
pub fn nanoseconds(format: u8, value: u64) -> Option<i64> {
    let unit = *POWERS.get(9usize.checked_sub(usize::from(format % 10))?)?;
    i64::try_from(value.checked_mul(unit)?).ok()
}

/// Where the hour of a stamp with a date stands, and bytes from there to the minute and on to the second.
fn clock_at(kind: u8) -> (usize, usize) {
    match kind {
        ISO | DASHES | SLASHES => (11, 3),
        ACCESS => (12, 3),
        SYSLOG | SYSLOG_ZERO => (7, 3),
        SHORT_DASH | SHORT_DOT => (6, 3),
        _ => (7, 2),
    }
}

/// What the bytes of stamps of a format follow from.
#[derive(Debug, Clone, Copy)]
pub struct Parts {
    /// So many bytes are the same in each stamp of a minute.
    pub minute: usize,
    /// So many are the seconds since 1970 in decimal.
    pub seconds: usize,
    /// From here on to the fraction stand hour, minute and second in two digits each; `len` where that is otherwise.
    pub clock: usize,
    /// Bytes before the fraction.
    pub len: usize,
    /// Digits of the fraction.
    pub digits: usize,
    /// Units of a value in a second.
    pub power: u64,
}

/// Writes time stamps of one format; keeps the day written last, as most follow one another within a day.
#[derive(Debug, Clone)]
pub struct Writer {
    kind: u8,
    digits: usize,
    comma: bool,
    day: u64,
    /// The minute written last.
    minute: u64,
    text: [u8; 32],
}

impl Writer {
    /// For a format; `None` where there is no such format.
    pub fn new(format: u8) -> Option<Writer> {
        let (kind, digits) = (format / 20, usize::from(format % 10));
        let known = (ISO..=EPOCH_WHOLE).contains(&kind) && !(matches!(kind, COMPACT | EPOCH_WHOLE) && digits > 0);
        known.then_some(Writer {
            kind,
            digits,
            comma: format % 20 >= 10,
            day: u64::MAX,
            minute: u64::MAX,
            text: [b'0'; 32],
        })
    }

    /// The bytes of a value; `None` where no stamp has that value.
    pub fn write(&mut self, value: u64) -> Option<&[u8]> {
        let power = *POWERS.get(self.digits)?;
        let seconds = if self.digits == 0 { value } else { value / power };
        let mut len = 10;
        if matches!(self.kind, EPOCH | EPOCH_WHOLE) {
            if seconds > 9_999_999_999 {
                return None;
            }
            self.put(0, 10, seconds)?;
        } else {
            let (date_len, step) = clock_at(self.kind);
            let colons = step == 3;
            let minute = seconds / 60;
            if minute != self.minute {
                // What is not written to its end is not taken for written.
                self.minute = u64::MAX;
                let (day, of_day) = (minute / 1_440, minute % 1_440);
                if day != self.day {
                    self.day = u64::MAX;
                    self.date(day)?;
                    self.day = day;
                }
                self.put(date_len, 2, of_day / 60)?;
                self.put(date_len + step, 2, of_day % 60)?;
                if colons {
                    *self.text.get_mut(date_len + 2)? = b':';
                    *self.text.get_mut(date_len + 5)? = b':';
                }
                self.minute = minute;
            }
            self.put(date_len + 2 * step, 2, seconds - minute * 60)?;
            len = date_len + 2 * step + 2;
        }
        if self.digits > 0 {
            *self.text.get_mut(len)? = if self.comma { b',' } else { b'.' };
            self.put(len + 1, self.digits, value - seconds * power)?;
            len += 1 + self.digits;
        }
        self.text.get(..len)
    }

    /// What the bytes of its stamps follow from.
    pub fn parts(&self) -> Parts {
        let (minute, len) = match self.kind {
            EPOCH | EPOCH_WHOLE => (0, 10),
            kind => {
                let (at, step) = clock_at(kind);
                (at + 2 * step, at + 2 * step + 2)
            }
        };
        let power = POWERS.get(self.digits).copied().unwrap_or(1);
        let clock = if self.kind == COMPACT { clock_at(COMPACT).0 } else { len };
        Parts { clock, minute, seconds: if minute == 0 { len } else { 0 }, len, digits: self.digits, power }
    }

    fn date(&mut self, day: u64) -> Option<()> {
        if day > 200_000 {
            return None;
        }
        let (year, month, day) = civil(day);
        let name = **MONTHS.get((month - 1) as usize)?;
        match self.kind {
            ISO | DASHES | SLASHES => {
                let (between, after) = match self.kind {
                    ISO => (b'-', b'T'),
                    DASHES => (b'-', b' '),
                    _ => (b'/', b' '),
                };
                self.put(0, 4, year)?;
                self.put(5, 2, month)?;
                self.put(8, 2, day)?;
                *self.text.get_mut(4)? = between;
                *self.text.get_mut(7)? = between;
                *self.text.get_mut(10)? = after;
            }
            ACCESS => {
                self.put(0, 2, day)?;
                self.text.get_mut(3..6)?.copy_from_slice(&name);
                self.put(7, 4, year)?;
                *self.text.get_mut(2)? = b'/';
                *self.text.get_mut(6)? = b'/';
                *self.text.get_mut(11)? = b':';
            }
            SYSLOG | SYSLOG_ZERO => {
                self.text.get_mut(0..3)?.copy_from_slice(&name);
                self.put(4, 2, day)?;
                *self.text.get_mut(3)? = b' ';
                *self.text.get_mut(6)? = b' ';
                if self.kind == SYSLOG && day < 10 {
                    *self.text.get_mut(4)? = b' ';
                }
            }
            SHORT_DASH | SHORT_DOT => {
                self.put(0, 2, month)?;
                self.put(3, 2, day)?;
                *self.text.get_mut(2)? = if self.kind == SHORT_DASH { b'-' } else { b'.' };
                *self.text.get_mut(5)? = b' ';
            }
            _ => {
                self.put(0, 2, year % 100)?;
                self.put(2, 2, month)?;
                self.put(4, 2, day)?;
                *self.text.get_mut(6)? = b' ';
            }
        }
        Some(())
    }

    #[inline]
    fn put(&mut self, at: usize, len: usize, mut value: u64) -> Option<()> {
        for place in self.text.get_mut(at..at + len)?.iter_mut().rev() {
            *place = b'0' + (value % 10) as u8;
            value /= 10;
        }
        Some(())
    }
}
