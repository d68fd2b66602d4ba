//! Parsing of texts and actions, with the bodies that they enclose.

use std::mem;

use super::cursor::{Parser, Scope};
use crate::output::template::error::Fault;
use crate::output::template::lexer::{self, Kind, Token};
use crate::output::template::literal;
use crate::output::template::syntax::{Node, Program};
use kit_core::problem::Mark;

/// Parses a template.
pub(in crate::output::template) fn parse(text: &str) -> Result<Program, Fault> {
    let tokens = lexer::tokens(text)?;
    let mut parser = Parser::new(&tokens, text);
    let (body, stop) = parser.body()?;
    match stop.kind {
        StopKind::EndOfText => Ok(Program { body, ..parser.program }),
        StopKind::End => Err(Fault::new(stop.mark, "`end` closes nothing")),
        StopKind::Else => Err(Fault::new(stop.mark, "`else` outside `if`, `with` and `range`")),
    }
}

/// The action that ended a list of nodes.
struct Stop {
    mark: Mark,
    kind: StopKind,
}

#[derive(PartialEq, Eq)]
enum StopKind {
    EndOfText,
    End,
    /// `else`; what follows it within the action has not been read.
    Else,
}

impl<'a> Parser<'a> {
    /// Parses nodes up to `end`, `else` or the end of the text. Variables that they declare are known only to them.
    fn body(&mut self) -> Result<(Vec<Node>, Stop), Fault> {
        let variables = self.scope.variables.len();
        let mut nodes = Vec::new();
        let stop = loop {
            let Some(token) = self.next() else { break Stop { mark: self.end, kind: StopKind::EndOfText } };
            if let Kind::Text(text) = token.kind {
                nodes.push(Node::Text(token.mark, text.to_owned()));
                continue;
            }
            let mark = self.peek().map_or(token.mark, |token| token.mark);
            if self.accept(Kind::Word("end")) {
                self.expect(Kind::Close, "`end` takes nothing")?;
                break Stop { mark, kind: StopKind::End };
            }
            if self.accept(Kind::Word("else")) {
                break Stop { mark, kind: StopKind::Else };
            }
            nodes.extend(self.action(mark)?);
        };
        self.scope.variables.truncate(variables);
        Ok((nodes, stop))
    }

    /// Parses an action, whose first token is at `mark`. A `define` leaves no node.
    fn action(&mut self, mark: Mark) -> Result<Option<Node>, Fault> {
        let Some(Token { kind: Kind::Word(word), .. }) = self.peek() else { return self.print().map(Some) };
        self.at += 1;
        Ok(Some(match word {
            "if" | "with" => self.nested(mark, |parser| parser.branch(mark, word))?,
            "range" => self.nested(mark, |parser| parser.range(mark))?,
            "template" => self.invoke(mark)?,
            "block" => self.nested(mark, |parser| parser.block(mark))?,
            "define" => return self.nested(mark, |parser| parser.define(mark)).map(|()| None),
            "break" => self.jump(mark, Node::Break)?,
            "continue" => self.jump(mark, Node::Continue)?,
            _ => {
                self.at -= 1;
                self.print()?
            }
        }))
    }

    fn print(&mut self) -> Result<Node, Fault> {
        self.pipeline(Kind::Close, 1).map(Node::Print)
    }

    fn jump(&mut self, mark: Mark, node: Node) -> Result<Node, Fault> {
        if !self.scope.is_loop {
            return Err(Fault::new(mark, "outside the body of a `range`"));
        }
        self.expect(Kind::Close, "`break` and `continue` take nothing")?;
        Ok(node)
    }

    /// Parses what follows `if` or `with`, with all `else if` and `else with`.
    fn branch(&mut self, mark: Mark, word: &'a str) -> Result<Node, Fault> {
        let variables = self.scope.variables.len();
        let mut arms = Vec::new();
        let mut otherwise = Vec::new();
        loop {
            let condition = self.pipeline(Kind::Close, 1)?;
            let (body, stop) = self.body()?;
            arms.push((condition, body));
            if ends_in_else(mark, word, &stop)? {
                if self.accept(Kind::Word(word)) {
                    continue;
                }
                otherwise = self.last_body(mark, word)?;
            }
            break;
        }
        self.scope.variables.truncate(variables);
        Ok(Node::Branch { arms, otherwise, sets_dot: word == "with" })
    }

    fn range(&mut self, mark: Mark) -> Result<Node, Fault> {
        let variables = self.scope.variables.len();
        let over = self.pipeline(Kind::Close, 2)?;
        let outer = mem::replace(&mut self.scope.is_loop, true);
        let (body, stop) = self.body()?;
        self.scope.is_loop = outer;
        let otherwise = if ends_in_else(mark, "range", &stop)? { self.last_body(mark, "range")? } else { Vec::new() };
        self.scope.variables.truncate(variables);
        Ok(Node::Range { over, body, otherwise })
    }

    /// Parses the body after `else`, up to `end`.
    fn last_body(&mut self, mark: Mark, word: &str) -> Result<Vec<Node>, Fault> {
        self.expect(Kind::Close, &format!("expected `}}}}` or `{word}` after `else`"))?;
        self.closed_body(mark, word)
    }

    /// Parses a body that must be followed by `end`.
    fn closed_body(&mut self, mark: Mark, word: &str) -> Result<Vec<Node>, Fault> {
        let (body, stop) = self.body()?;
        if ends_in_else(mark, word, &stop)? {
            return Err(Fault::new(stop.mark, "expected `end`, not `else`"));
        }
        Ok(body)
    }

    fn invoke(&mut self, mark: Mark) -> Result<Node, Fault> {
        let name = self.name("template")?;
        let dot = if self.accept(Kind::Close) { None } else { Some(self.pipeline(Kind::Close, 1)?) };
        Ok(Node::Invoke { mark, name, dot })
    }

    fn block(&mut self, mark: Mark) -> Result<Node, Fault> {
        let name = self.name("block")?;
        let dot = self.pipeline(Kind::Close, 1)?;
        self.definition(mark, "block", &name)?;
        Ok(Node::Invoke { mark, name, dot: Some(dot) })
    }

    fn define(&mut self, mark: Mark) -> Result<(), Fault> {
        if self.nesting > 1 {
            return Err(Fault::new(mark, "`define` must not be within another action"));
        }
        let name = self.name("define")?;
        self.expect(Kind::Close, "expected `}}` after the name of the template")?;
        self.definition(mark, "define", &name)
    }

    /// Parses the body of the template `name`, which sees no variables of its surroundings.
    fn definition(&mut self, mark: Mark, word: &str, name: &str) -> Result<(), Fault> {
        let outer = mem::replace(&mut self.scope, Scope::new());
        let body = self.closed_body(mark, word)?;
        self.scope = outer;
        match self.program.definitions.insert(name.to_owned(), body) {
            None => Ok(()),
            Some(_) => Err(Fault::new(mark, format!("the template {name:?} is defined twice"))),
        }
    }

    /// Parses the name of a template, a string.
    fn name(&mut self, word: &str) -> Result<String, Fault> {
        let name = match self.peek() {
            Some(Token { kind: Kind::Quoted(text), .. }) => literal::quoted(text),
            _ => None,
        };
        let Some(serde_json::Value::String(name)) = name else {
            return Err(self.unexpected(format!("expected the name of a template, a string, after `{word}`")));
        };
        self.at += 1;
        Ok(name)
    }
}

/// Returns true if the body of the action at `mark` ended in `else`.
fn ends_in_else(mark: Mark, word: &str, stop: &Stop) -> Result<bool, Fault> {
    match stop.kind {
        StopKind::Else => Ok(true),
        StopKind::End => Ok(false),
        StopKind::EndOfText => Err(Fault::new(mark, format!("`{word}` is not closed; `{{{{end}}}}` is missing"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::template::parser::cursor::MAX_NESTING;

    #[test]
    fn nesting_is_limited() {
        let nested = |levels: usize| format!("{}{}", "{{if 1}}".repeat(levels), "{{end}}".repeat(levels));
        assert!(parse(&nested(MAX_NESTING)).is_ok());
        assert!(parse(&nested(MAX_NESTING + 1)).is_err());
        let parenthesized = |levels: usize| format!("{{{{{}1{}}}}}", "(".repeat(levels), ")".repeat(levels));
        assert!(parse(&parenthesized(MAX_NESTING)).is_ok());
        assert!(parse(&parenthesized(MAX_NESTING + 1)).is_err());
        assert!(parse(&"(".repeat(100_000)).is_ok());
        assert!(parse(&format!("{{{{{}", "(".repeat(100_000))).is_err());
        let chain = format!("{{{{if 0}}}}{}{{{{end}}}}", "{{else if 0}}".repeat(10_000));
        assert!(parse(&chain).is_ok());
    }
}
