//! Notebooks: packed without outputs, and drafted for.

mod drafting;
mod stripping;
