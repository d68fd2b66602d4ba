//! Go templates (`text/template`), as the `--format` flags of KitOps take them, filled from JSON.
//!
//! [`lexer`] cuts the text into tokens, [`parser`] turns them into the nodes of [`syntax`], and [`render`] walks the
//! nodes. [`functions`] holds what a template can call; [`data`], [`print`] and [`printf`] treat values as Go does.
//! Limits in [`parser`] and [`render`] keep any template from exhausting stack, memory or time.

mod compiled;
mod data;
mod error;
mod escape;
mod fields;
mod functions;
mod lexer;
mod literal;
mod parser;
mod print;
mod printf;
mod render;
mod syntax;
mod text;

pub(crate) use compiled::Template;
#[cfg(fuzzing)]
pub use compiled::fuzz_template;
pub(crate) use error::InvalidTemplate;
