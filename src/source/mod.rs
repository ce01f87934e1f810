//! Stage 1: where bytes come from. Paths, streams and containers go in; raw lines with their origin come out.
