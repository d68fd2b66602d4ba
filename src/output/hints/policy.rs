//! The hints for errors of policies.

use crate::output::one_line;
use kit_core::ops::PolicyError;

/// The hint for a policy that refuses, or that cannot be asked.
pub(super) fn hint_for_policy(error: &PolicyError) -> String {
    match error {
        PolicyError::NotAllowed { name, source } => {
            let mut failures = source.rules.iter().flat_map(|rule| &rule.failures);
            match failures.find_map(|row| row.instead.as_ref()) {
                Some(instead) => format!("use `{}` instead", one_line(instead)),
                None => format!("`kit policy check {name}` shows every requirement"),
            }
        }
        PolicyError::Unreadable { .. } | PolicyError::Invalid(_) => {
            "correct the file; until it is valid, kit refuses whatever has to ask it".to_owned()
        }
    }
}
