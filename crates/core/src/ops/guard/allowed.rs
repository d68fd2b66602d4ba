//! The problems that a user accepts.

/// The problems of files that do not stop an operation, or that are not reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Files with secrets.
    pub secrets: bool,
    /// A ModelKit without layers, and weights without content.
    pub empty: bool,
    /// Pickles that run code, without a warning. They never stop an operation.
    pub pickles: bool,
}

impl Allowed {
    /// Allows everything: for a folder that is only looked at.
    pub(crate) const ALL: Self = Self { secrets: true, empty: true, pickles: true };
}
