//! Stage 6: words of blocks of records go in; the blocks that may hold a word come out. A filter, never the truth.
