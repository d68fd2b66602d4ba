//! The parser's position in the tokens, and the names that can be used there.

use crate::output::template::error::Fault;
use crate::output::template::lexer::{Kind, Token};
use crate::output::template::syntax::Program;
use kit_core::problem::Mark;

/// The maximum nesting depth of actions and parentheses. Parser and renderer use the stack for them.
pub(super) const MAX_NESTING: usize = 100;

pub(super) struct Parser<'a> {
    pub(super) tokens: &'a [Token<'a>],
    pub(super) at: usize,
    /// The end of the text.
    pub(super) end: Mark,
    pub(super) nesting: usize,
    pub(super) scope: Scope<'a>,
    pub(super) program: Program,
}

/// The names that can be used at a place of the template.
pub(super) struct Scope<'a> {
    pub(super) variables: Vec<&'a str>,
    /// Set within the body of a `range`.
    pub(super) is_loop: bool,
}

impl Scope<'_> {
    pub(super) fn new() -> Self {
        Self { variables: vec!["$"], is_loop: false }
    }
}

impl<'a> Parser<'a> {
    pub(super) fn new(tokens: &'a [Token<'a>], text: &str) -> Self {
        let end = Mark { start: text.len(), end: text.len() };
        Self { tokens, at: 0, end, nesting: 0, scope: Scope::new(), program: Program::default() }
    }

    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        let token = self.peek()?;
        self.at += 1;
        Some(token)
    }

    /// Reads the next token if it is `kind`.
    pub(super) fn accept(&mut self, kind: Kind<'_>) -> bool {
        let is_next = self.peek().is_some_and(|token| token.kind == kind);
        self.at += usize::from(is_next);
        is_next
    }

    pub(super) fn expect(&mut self, kind: Kind<'_>, message: &str) -> Result<(), Fault> {
        if self.accept(kind) { Ok(()) } else { Err(self.unexpected(message)) }
    }

    /// An error at the next token.
    pub(super) fn unexpected(&self, message: impl Into<String>) -> Fault {
        Fault::new(self.peek().map_or(self.end, |token| token.mark), message)
    }

    pub(super) fn nested<T>(
        &mut self,
        mark: Mark,
        parse: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if self.nesting == MAX_NESTING {
            return Err(Fault::new(mark, format!("nested deeper than {MAX_NESTING} levels")));
        }
        self.nesting += 1;
        let parsed = parse(self);
        self.nesting -= 1;
        parsed
    }
}
