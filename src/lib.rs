//! The program `kit`: arguments, environment, output, exit code. The operations are those of [`kit_core::ops`].

mod args;
mod arguments;
mod commands;
mod completion;
mod config;
mod context;
mod output;
mod replace;

pub use args::run;
