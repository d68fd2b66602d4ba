//! The nodes of a parsed template.

use std::collections::HashMap;

use serde_json::Value;

use super::functions::Function;
use kit_core::problem::Mark;

/// A template and the templates it defines.
#[derive(Debug, Clone, Default)]
pub(super) struct Program {
    pub(super) body: Vec<Node>,
    /// The bodies of `define` and `block`, by name.
    pub(super) definitions: HashMap<String, Vec<Node>>,
}

/// A text or an action.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Text(Mark, String),
    /// A pipeline whose value is printed, unless it declares or assigns a variable.
    Print(Pipeline),
    /// `if` or `with`: the first arm whose condition is true is rendered.
    Branch {
        arms: Vec<(Pipeline, Vec<Node>)>,
        otherwise: Vec<Node>,
        /// Set for `with`, whose arms see the value of the condition as dot.
        sets_dot: bool,
    },
    Range {
        over: Pipeline,
        body: Vec<Node>,
        /// Rendered if there is nothing to iterate over.
        otherwise: Vec<Node>,
    },
    /// `template` or `block`.
    Invoke {
        mark: Mark,
        name: String,
        dot: Option<Pipeline>,
    },
    Break,
    Continue,
}

/// Commands, each of which receives the value of the one before as its last argument.
#[derive(Debug, Clone)]
pub(super) struct Pipeline {
    pub(super) mark: Mark,
    /// The variables that the value is stored in; two only in `range`.
    pub(super) variables: Vec<String>,
    /// Set for `=`, not for `:=`.
    pub(super) is_assignment: bool,
    pub(super) commands: Vec<Expression>,
}

#[derive(Debug, Clone)]
pub(super) struct Expression {
    pub(super) mark: Mark,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Literal(Value),
    Nil,
    Dot,
    /// A variable, by its name with the `$`.
    Variable(String),
    /// The fields of a value, as `.a.b` and `$x.a.b` have them.
    Fields(Box<Expression>, Vec<(Mark, String)>),
    Call(Function, Vec<Expression>),
    Parenthesized(Box<Pipeline>),
}
