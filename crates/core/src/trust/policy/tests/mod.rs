//! Tests of parsing, matching and evaluating policies.

mod evaluating;
mod handoffs;
mod matching;
mod parsing;
