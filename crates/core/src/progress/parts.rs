//! Parts that several warnings have, or of which a warning has several.

use serde::Serialize;

/// Paths that a warning is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Paths<'a> {
    /// The first ones.
    pub paths: Vec<&'a str>,
    /// The number of others.
    pub more: usize,
}

/// The place of a layer in a Kitfile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerPlace<'a> {
    /// The kind of layer.
    pub kind: &'a str,
    /// The path in the Kitfile.
    pub path: &'a str,
}

/// A line of a `.kitignore`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IgnoreLine<'a> {
    /// The number of the line, from 1.
    pub line: usize,
    /// Its pattern.
    pub pattern: &'a str,
    /// The pattern that may be meant.
    pub meant: Option<&'a str>,
}

/// The consequence of a policy that is not satisfied, if the operation continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum PolicyConsequence {
    /// None: the rule only warns.
    Warned,
    /// The ModelKit that is being packed would be refused where it is used.
    RefusedLater,
    /// It is not known whether the ModelKit that is being packed would be refused.
    NotEvaluated,
}
