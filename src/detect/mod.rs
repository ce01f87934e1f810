//! Stage 4: understood records go in; how unusual they are, and why, comes out.
