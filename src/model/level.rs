//! Severity levels, normalised over the words that logs use.

/// A normalised severity; the order is the order of severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// Finest detail.
    Trace = 0,
    /// For developers.
    Debug = 1,
    /// Ordinary events.
    Info = 2,
    /// Ordinary but significant.
    Notice = 3,
    /// Something may go wrong.
    Warn = 4,
    /// Something went wrong.
    Error = 5,
    /// Critical; `fatal` is the same.
    Critical = 6,
    /// Act at once.
    Alert = 7,
    /// The system is unusable.
    Emergency = 8,
}

impl Level {
    /// All levels, least severe first; the position is the value stored in columns.
    pub const ALL: [Level; 9] = [
        Level::Trace,
        Level::Debug,
        Level::Info,
        Level::Notice,
        Level::Warn,
        Level::Error,
        Level::Critical,
        Level::Alert,
        Level::Emergency,
    ];

    /// The normalised name, lower case.
    pub fn name(self) -> &'static str {
        match self {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Notice => "notice",
            Level::Warn => "warn",
            Level::Error => "error",
            Level::Critical => "critical",
            Level::Alert => "alert",
            Level::Emergency => "emerg",
        }
    }

    /// The level a word stands for in any case, or `None` where the word is not a level.
    ///
    /// Accepts the names of syslog, log4j, Python, PostgreSQL, Android and glog, and their usual abbreviations.
    pub fn from_word(word: &[u8]) -> Option<Level> {
        let mut lower = [0u8; 13];
        let lower = lower.get_mut(..word.len())?;
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        Some(match &*lower {
            b"trace" | b"verbose" | b"finest" | b"finer" | b"all" | b"silly" => Level::Trace,
            b"debug" | b"dbg" | b"fine" | b"debug1" | b"debug2" | b"debug3" | b"debug4" | b"debug5" => Level::Debug,
            b"info" | b"information" | b"informational" | b"inf" | b"log" | b"statement" | b"config" => Level::Info,
            b"notice" | b"note" => Level::Notice,
            b"warn" | b"warning" | b"wrn" => Level::Warn,
            b"error" | b"err" | b"eror" | b"failure" | b"severe" => Level::Error,
            b"critical" | b"crit" | b"fatal" | b"ftl" => Level::Critical,
            b"alert" => Level::Alert,
            b"emerg" | b"emergency" | b"panic" => Level::Emergency,
            _ => return None,
        })
    }

    /// The level of a value kept in a column, or `None` for any other number.
    pub fn from_code(code: u8) -> Option<Level> {
        Level::ALL.get(usize::from(code)).copied()
    }

    /// The value kept in columns.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The level of a syslog severity 0 (emergency) to 7 (debug).
    pub fn from_syslog(severity: u8) -> Option<Level> {
        Some(match severity {
            0 => Level::Emergency,
            1 => Level::Alert,
            2 => Level::Critical,
            3 => Level::Error,
            4 => Level::Warn,
            5 => Level::Notice,
            6 => Level::Info,
            7 => Level::Debug,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_any_case_are_levels_and_long_ones_are_not() {
        assert_eq!(Level::from_word(b"WARNING"), Some(Level::Warn));
        assert_eq!(Level::from_word(b"Fatal"), Some(Level::Critical));
        assert_eq!(Level::from_word(b"averyveryverylongword"), None);
        assert_eq!(Level::from_word(b""), None);
    }

    #[test]
    fn every_level_survives_its_code_and_its_name() {
        for level in Level::ALL {
            assert_eq!(Level::from_code(level.code()), Some(level));
            assert_eq!(Level::from_word(level.name().as_bytes()), Some(level));
        }
        assert_eq!(Level::from_code(9), None);
    }
}
