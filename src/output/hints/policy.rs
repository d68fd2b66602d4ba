//! The hints for errors of policies.

use kit_core::ops::PolicyError;

/// The hint for a policy that refuses, or that cannot be asked.
pub(super) fn hint_for_policy(error: &PolicyError) -> String {
    match error {
        PolicyError::NotAllowed { name, .. } => format!("`kit policy check {name}` shows every requirement"),
        PolicyError::Unreadable { .. } | PolicyError::Invalid(_) => {
            "without a valid policy nothing is allowed; `kit policy test FILE` checks one".to_owned()
        }
    }
}
