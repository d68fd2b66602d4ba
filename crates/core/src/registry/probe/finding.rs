//! One finding about a registry, and the behaviour of `kit` that follows from it.

use crate::registry::upload::SaidBy;

/// A line of a diagnosis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The subject of the finding.
    pub topic: &'static str,
    /// Set to true or false if the finding is about a feature that a registry has or lacks.
    pub is_supported: Option<bool>,
    /// A description of the finding.
    pub found: String,
    /// The source of the finding.
    pub said_by: SaidBy,
    /// The consequence for `kit`.
    pub plan: String,
}

impl Finding {
    /// A finding from an answer that the registry just gave.
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
