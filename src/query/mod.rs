//! Stage 7: text goes in; a tree, a plan, exact hits and the rows of pipes come out.
