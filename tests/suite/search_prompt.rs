//! Prompt
