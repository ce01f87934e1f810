//! Lines to the terminal, with a pause where an answer is longer than the screen.

use std::io::Write;

use console::{Key, Term, measure_text_width};

use crate::report::Theme;

/// Where answers are printed.
pub struct Screen {
    theme: Theme,
    /// The terminal, where there are people at both ends of it.
    term: Option<Term>,
    used: usize,
    is_over: bool,
}

impl Screen {
    /// Prints without a pause unless `is_paged`.
    pub fn new(is_paged: bool, theme: Theme) -> Screen {
        Screen { theme, term: is_paged.then(Term::stdout), used: 0, is_over: false }
    }

    /// Begins an answer: the whole screen is free for it.
    pub fn begin(&mut self) {
        (self.used, self.is_over) = (0, false);
    }

    /// Whether the reader has seen enough of this answer; what is said then is not printed.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Prints a text and a line end.
    pub fn say(&mut self, text: &str) -> anyhow::Result<()> {
        if self.is_over {
            return Ok(());
        }
        for line in text.split('\n') {
            if !self.has_room(line) {
                self.is_over = true;
                return Ok(());
            }
            let mut stdout = std::io::stdout().lock();
            writeln!(stdout, "{line}")?;
            stdout.flush()?;
        }
        Ok(())
    }

    /// Whether a text can be said without a pause.
    pub fn fits(&self, text: &str) -> bool {
        let Some((height, _)) = self.size() else { return true };
        let rows = text.split('\n').map(|line| self.rows(line)).sum::<usize>();
        self.used + rows <= height || self.is_over
    }

    /// Rows before a pause and columns of the terminal, where there are pauses.
    fn size(&self) -> Option<(usize, usize)> {
        let (height, width) = self.term.as_ref()?.size();
        (height >= 3).then(|| (usize::from(height) - 1, usize::from(width.max(1))))
    }

    /// Rows that a line takes.
    fn rows(&self, line: &str) -> usize {
        self.size().map_or(1, |(_, width)| measure_text_width(line).div_ceil(width).max(1))
    }

    /// Waits at the end of a screen for a key; `false` where the reader wants no more.
    fn has_room(&mut self, line: &str) -> bool {
        let (Some(term), Some((height, _))) = (&self.term, self.size()) else { return true };
        let rows = self.rows(line);
        if self.used > 0 && self.used + rows > height {
            // A terminal that can't be asked shows everything.
            let _ = term.write_str(&self.theme.dim("-- more: space or Enter goes on, q stops --"));
            let key = term.read_key();
            let _ = term.clear_line();
            self.used = 0;
            if matches!(key, Ok(Key::Char('q' | 'Q') | Key::Escape | Key::CtrlC)) {
                return false;
            }
            // After Enter one line more, as pagers do.
            if matches!(key, Ok(Key::Enter | Key::ArrowDown)) {
                self.used = height.saturating_sub(rows);
            }
        }
        self.used += rows;
        true
    }
}
