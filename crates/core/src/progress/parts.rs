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

/// The recall of a ModelKit. Its texts are as its signer wrote them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecallNotice<'a> {
    /// The ModelKit as the user named it.
    pub modelkit: &'a str,
    /// The reason.
    pub reason: &'a str,
    /// The name of a version to use in its place.
    pub instead: Option<&'a str>,
    /// The date, as the signer states it.
    pub date: Option<String>,
    /// The key that signed it, if it may recall the ModelKit.
    pub signer: Option<&'a str>,
    /// True if keys that may recall are known, and it is signed by another one.
    pub is_of_other_key: bool,
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
