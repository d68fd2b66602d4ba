//! One owner: a team or user, a mail address, or a role.

use std::fmt;
use std::str::FromStr;

/// An owner. Its text consists of few kinds of characters, so that it can be shown anywhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// A team or a user of the forge: `@team`, `@company/team`. The text includes the `@`.
    Team(String),
    /// A mail address.
    Mail(String),
    /// A role, without the `role:` before it.
    Role(String),
}

/// The error for a text that is not an owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not an owner; write `@team`, a mail address, or `role:NAME`")]
pub struct InvalidOwner(String);

const ROLE: &str = "role:";

impl FromStr for Owner {
    type Err = InvalidOwner;

    fn from_str(text: &str) -> Result<Self, InvalidOwner> {
        let owner = if let Some(name) = text.strip_prefix('@') {
            name.split('/').all(is_name).then(|| Self::Team(text.to_owned()))
        } else if let Some(name) = text.strip_prefix(ROLE) {
            is_name(name).then(|| Self::Role(name.to_owned()))
        } else {
            text.split_once('@')
                .filter(|(user, host)| is_user(user) && is_name(host))
                .map(|_| Self::Mail(text.to_owned()))
        };
        owner.ok_or_else(|| InvalidOwner(crate::problem::quoted(text)))
    }
}

impl Owner {
    /// Returns true if the owner is this role, or a team or a mail address with its name.
    pub(super) fn has_role(&self, role: &str) -> bool {
        match self {
            Self::Team(text) => text.rsplit(['@', '/']).next() == Some(role),
            Self::Mail(text) => text.split('@').next() == Some(role),
            Self::Role(name) => name == role,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Team(text) | Self::Mail(text) => f.write_str(text),
            Self::Role(name) => write!(f, "{ROLE}{name}"),
        }
    }
}

/// Returns true for letters, digits, and `-`, `_`, `.` between them.
fn is_name(text: &str) -> bool {
    let is_inner = |sign: char| sign.is_ascii_alphanumeric() || "-_.".contains(sign);
    let is_outer = |sign: Option<char>| sign.is_some_and(|sign| sign.is_ascii_alphanumeric());
    text.chars().all(is_inner) && is_outer(text.chars().next()) && is_outer(text.chars().next_back())
}

/// Returns true for the part of a mail address before the `@`.
fn is_user(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|sign| sign.is_ascii_alphanumeric() || "-_.+".contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn teams_mail_addresses_and_roles_are_owners() {
        for text in ["@ml", "@company/ml-team", "ada.l+kit@example.com", "role:sre", "role:data.platform"] {
            assert_eq!(text.parse::<Owner>().unwrap().to_string(), text);
        }
        for text in ["", "@", "@a/", "ml", "@a b", "@<b>", "a@b@c", "@-a", "role:", "role:a/b", "a@", "<a>@b", "@ünal"]
        {
            assert!(text.parse::<Owner>().is_err(), "{text}");
        }
    }
}
