//! Parsing of pipelines, commands and operands.

use serde_json::Value;

use super::cursor::Parser;
use crate::output::template::error::Fault;
use crate::output::template::functions::Function;
use crate::output::template::lexer::Kind as TokenKind;
use crate::output::template::literal;
use crate::output::template::syntax::{Expression, Kind, Pipeline};
use kit_core::problem::{Mark, quoted};

impl<'a> Parser<'a> {
    /// Parses a pipeline up to `closing`, which it reads. It may declare as many variables as `max_variables` says.
    pub(super) fn pipeline(&mut self, closing: TokenKind<'_>, max_variables: usize) -> Result<Pipeline, Fault> {
        let start = self.start();
        let (variables, is_assignment) = self.variables(max_variables)?;
        let mut commands = vec![self.command(true)?];
        while self.accept(TokenKind::Pipe) {
            commands.push(self.command(false)?);
        }
        let mark = self.mark_from(start);
        self.expect(closing, "unexpected here")?;
        for name in variables.iter().copied().filter(|_| !is_assignment) {
            self.scope.variables.push(name);
        }
        let variables = variables.into_iter().map(str::to_owned).collect();
        Ok(Pipeline { mark, variables, is_assignment, commands })
    }

    /// The start of the next token.
    fn start(&self) -> usize {
        self.peek().map_or(self.end, |token| token.mark).start
    }

    /// The range from `start` to the end of the last token.
    fn mark_from(&self, start: usize) -> Mark {
        let end = self.at.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(start, |token| token.mark.end);
        Mark { start, end }
    }

    /// Parses `$x :=`, `$x =` or `$i, $x :=`, if the pipeline begins so.
    fn variables(&mut self, max: usize) -> Result<(Vec<&'a str>, bool), Fault> {
        let start = self.at;
        let mut names = Vec::new();
        while let Some(TokenKind::Variable(name)) = self.peek().map(|token| token.kind) {
            names.push(name);
            self.at += 1;
            if names.len() > max {
                return Err(self.unexpected_last("more variables than this action can set"));
            }
            if self.accept(TokenKind::Declare) {
                return Ok((names, false));
            }
            if self.accept(TokenKind::Assign) {
                return self.known(&names).map(|()| (names, true));
            }
            if !self.accept(TokenKind::Comma) {
                break;
            }
        }
        self.at = start;
        Ok((Vec::new(), false))
    }

    fn known(&self, names: &[&str]) -> Result<(), Fault> {
        match names.iter().find(|name| !self.scope.variables.contains(*name)) {
            None => Ok(()),
            Some(name) => Err(self.unexpected_last(&format!("the variable {} is not declared", quoted(name)))),
        }
    }

    /// An error at the token that was read last.
    fn unexpected_last(&self, message: &str) -> Fault {
        Fault::new(self.mark_from(self.at.checked_sub(1).map_or(0, |last| self.tokens[last].mark.start)), message)
    }

    /// Parses a function with its arguments, or one operand, which can only be the first command.
    fn command(&mut self, is_first: bool) -> Result<Expression, Fault> {
        let start = self.start();
        let mut first = self.expect_operand()?;
        let mut arguments = Vec::new();
        while let Some(argument) = self.argument()? {
            arguments.push(argument);
        }
        match first.kind {
            Kind::Call(function, _) => {
                Ok(Expression { kind: Kind::Call(function, arguments), mark: self.mark_from(start) })
            }
            Kind::Nil if arguments.is_empty() => Err(Fault::new(first.mark, "`nil` can only be an argument")),
            _ if is_first && arguments.is_empty() => Ok(first),
            _ => {
                first.mark.end = first.mark.end.max(start);
                Err(Fault::new(first.mark, "not a function, so it cannot take an argument"))
            }
        }
    }

    fn argument(&mut self) -> Result<Option<Expression>, Fault> {
        match self.peek() {
            Some(token) if token.is_spaced => self.operand(),
            _ => Ok(None),
        }
    }

    fn expect_operand(&mut self) -> Result<Expression, Fault> {
        match self.operand()? {
            Some(operand) => Ok(operand),
            None => Err(self.unexpected("expected a value")),
        }
    }

    /// Parses a term and the fields that follow it.
    fn operand(&mut self) -> Result<Option<Expression>, Fault> {
        let start = self.start();
        let Some(term) = self.term()? else { return Ok(None) };
        let has_fields =
            matches!(term.kind, Kind::Fields(..) | Kind::Variable(_) | Kind::Parenthesized(_) | Kind::Call(..));
        let mut names = Vec::new();
        while let Some(token) = self.peek().filter(|token| !token.is_spaced) {
            let TokenKind::Field(name) = token.kind else { break };
            if !has_fields {
                return Err(self.unexpected("a field can only follow a field, a variable or parentheses"));
            }
            names.push((token.mark, name.to_owned()));
            self.at += 1;
        }
        if names.is_empty() {
            return Ok(Some(term));
        }
        let kind = match term.kind {
            Kind::Fields(base, first) => Kind::Fields(base, first.into_iter().chain(names).collect()),
            _ => Kind::Fields(Box::new(term), names),
        };
        Ok(Some(Expression { kind, mark: self.mark_from(start) }))
    }

    fn term(&mut self) -> Result<Option<Expression>, Fault> {
        let Some(token) = self.peek() else { return Ok(None) };
        let mark = token.mark;
        let kind = match token.kind {
            TokenKind::Dot => Kind::Dot,
            TokenKind::Field(name) => {
                Kind::Fields(Box::new(Expression { mark, kind: Kind::Dot }), vec![(mark, name.to_owned())])
            }
            TokenKind::Variable(name) => {
                self.at += 1;
                self.known(&[name])?;
                self.at -= 1;
                Kind::Variable(name.to_owned())
            }
            TokenKind::Number(text) => {
                Kind::Literal(literal::number(text).ok_or_else(|| self.unexpected("not a number"))?)
            }
            TokenKind::Quoted(text) => {
                Kind::Literal(literal::quoted(text).ok_or_else(|| self.unexpected("not a valid string or character"))?)
            }
            TokenKind::Word("true") => Kind::Literal(Value::from(true)),
            TokenKind::Word("false") => Kind::Literal(Value::from(false)),
            TokenKind::Word("nil") => Kind::Nil,
            TokenKind::Word(name) => {
                let function = Function::find(name).map_err(|message| Fault::new(mark, message))?;
                Kind::Call(function, Vec::new())
            }
            TokenKind::LeftParen => {
                self.at += 1;
                let inner = self.nested(mark, |parser| parser.pipeline(TokenKind::RightParen, 1))?;
                return Ok(Some(Expression {
                    mark: self.mark_from(mark.start),
                    kind: Kind::Parenthesized(Box::new(inner)),
                }));
            }
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(Expression { mark, kind }))
    }
}
