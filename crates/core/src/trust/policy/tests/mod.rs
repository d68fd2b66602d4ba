//! Tests of parsing, matching and evaluating policies.

mod evaluating;
mod matching;
mod parsing;
