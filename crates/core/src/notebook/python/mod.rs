//! Python code of notebooks, as far as it can be understood without running or parsing it: logical lines, statements,
//! names, calls with paths.

mod calls;
mod imports;
mod lexer;
mod literal;
mod magic;
mod names;
mod statement;
mod structure;

pub(super) use calls::{Call, Constants, calls, path_of};
pub(super) use imports::imports;
pub(super) use literal::assigned_literal;
pub(super) use magic::plain;
pub(super) use names::{Names, identifiers, names_of};
pub(super) use statement::{Statement, StatementKind, statements};
