//! Stage 2: raw records go in; time, level and fields come out. Never refuses a line: unknown is a format.
