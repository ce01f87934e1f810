//! Stage 3: a message goes in; its constant part with typed slots comes out.
