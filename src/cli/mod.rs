//! The command line: arguments -> engine call -> report printer.
