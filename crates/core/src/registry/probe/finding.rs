//! One thing found out about a registry, and what `kit` does accordingly.

use crate::registry::upload::SaidBy;

/// A line of a diagnosis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub topic: &'static str,
    /// Whether the registry does it, where that is a question.
    pub is_supported: Option<bool>,
    /// What is so, in words.
    pub found: String,
    /// Who says so.
    pub said_by: SaidBy,
    /// What `kit` does with the registry therefore.
    pub plan: String,
}

impl Finding {
    /// What the registry just answered.
    pub(super) fn answered(topic: &'static str, found: impl Into<String>, plan: impl Into<String>) -> Self {
        Self { topic, is_supported: None, found: found.into(), said_by: SaidBy::Answer, plan: plan.into() }
    }

    pub(super) fn said_by(self, said_by: SaidBy) -> Self {
        Self { said_by, ..self }
    }

    pub(super) fn supported(self, is_supported: bool) -> Self {
        Self { is_supported: Some(is_supported), ..self }
    }
}
