//! The fields of the outermost object that a template uses, found without data.

use super::syntax::{Expression, Kind, Node, Pipeline, Program};
use kit_core::problem::Mark;

/// Returns the fields of the outermost object in `program`, in order. In the body of `range`, `with` and `define`, dot
/// is another object, so only those of `$` count there; in a definition, `$` is another object as well.
pub(super) fn root_fields(program: &Program) -> Vec<(Mark, &str)> {
    let mut found = Vec::new();
    nodes(&program.body, Dot::IsRoot, &mut found);
    found
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Dot {
    IsRoot,
    IsOther,
}

type Found<'a> = Vec<(Mark, &'a str)>;

fn nodes<'a>(list: &'a [Node], dot: Dot, found: &mut Found<'a>) {
    for node in list {
        match node {
            Node::Print(printed) => pipeline(printed, dot, found),
            Node::Branch { arms, otherwise, sets_dot } => {
                for (condition, body) in arms {
                    pipeline(condition, dot, found);
                    nodes(body, if *sets_dot { Dot::IsOther } else { dot }, found);
                }
                nodes(otherwise, dot, found);
            }
            Node::Range { over, body, otherwise } => {
                pipeline(over, dot, found);
                nodes(body, Dot::IsOther, found);
                nodes(otherwise, dot, found);
            }
            Node::Invoke { dot: Some(argument), .. } => pipeline(argument, dot, found),
            Node::Invoke { .. } | Node::Text(..) | Node::Break | Node::Continue => {}
        }
    }
}

fn pipeline<'a>(pipeline: &'a Pipeline, dot: Dot, found: &mut Found<'a>) {
    pipeline.commands.iter().for_each(|command| expression(command, dot, found));
}

fn expression<'a>(of: &'a Expression, dot: Dot, found: &mut Found<'a>) {
    match &of.kind {
        Kind::Fields(base, names) => {
            let is_root = match &base.kind {
                Kind::Dot => dot == Dot::IsRoot,
                Kind::Variable(name) => name == "$",
                _ => false,
            };
            found.extend(names.first().filter(|_| is_root).map(|(mark, name)| (*mark, name.as_str())));
            expression(base, dot, found);
        }
        Kind::Call(_, arguments) => arguments.iter().for_each(|argument| expression(argument, dot, found)),
        Kind::Parenthesized(inner) => pipeline(inner, dot, found),
        Kind::Literal(_) | Kind::Nil | Kind::Dot | Kind::Variable(_) => {}
    }
}
