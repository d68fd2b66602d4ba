//! Tests of help, completion, examples, golden digests and other tools.

mod completion;
mod examples;
mod golden;
mod help;
mod peers;
mod progress;
mod words;
