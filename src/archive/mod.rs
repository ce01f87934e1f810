//! Stage 5: the evidence. Records go in; immutable segment files and the log of commits are kept.
