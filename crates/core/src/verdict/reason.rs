//! A reason, and the verdict for a role.

use super::fact::{Fact, Level, Role};

/// A change of one fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The fact.
    pub fact: Fact,
    /// The level of the change itself; a role may be less concerned.
    pub level: Level,
    /// The file or the field of the Kitfile.
    pub place: Place,
    /// The change, as a sentence without a full stop.
    pub text: String,
}

/// The place of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The path of a file.
    File(String),
    /// The path of a field of the Kitfile.
    Field(String),
}

impl Reason {
    pub(super) fn of_file(fact: Fact, level: Level, path: &str, text: impl Into<String>) -> Self {
        Self { fact, level, place: Place::File(path.to_owned()), text: text.into() }
    }

    pub(super) fn of_field(fact: Fact, level: Level, field: &str, text: impl Into<String>) -> Self {
        Self { fact, level, place: Place::Field(field.to_owned()), text: text.into() }
    }

    /// The level of the change for `role`.
    pub fn level_for(&self, role: Role) -> Level {
        let row = self.fact.roles().iter().find(|(concerned, ..)| *concerned == role);
        row.map_or(Level::Compatible, |(_, highest, _)| self.level.min(*highest))
    }

    /// The highest level for any role.
    pub fn highest(&self) -> Level {
        Role::ALL.into_iter().map(|role| self.level_for(role)).max().unwrap_or(Level::Compatible)
    }
}

/// The result for a role, with its reasons.
#[derive(Debug, Clone)]
pub struct Verdict<'a> {
    /// The role.
    pub role: Role,
    /// The highest level of the reasons.
    pub level: Level,
    /// The reasons that concern the role, the most important ones first.
    pub reasons: Vec<(Level, &'a Reason)>,
}

/// Returns the verdict for `role`.
pub fn verdict(role: Role, reasons: &[Reason]) -> Verdict<'_> {
    let of_role = reasons.iter().map(|reason| (reason.level_for(role), reason));
    let mut reasons: Vec<_> = of_role.filter(|(level, _)| *level > Level::Compatible).collect();
    reasons.sort_by_key(|(level, reason)| (std::cmp::Reverse(*level), reason.fact));
    let level = reasons.first().map_or(Level::Compatible, |(level, _)| *level);
    Verdict { role, level, reasons }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_concerned_as_far_as_the_table_says() {
        let reasons = [
            Reason::of_field(Fact::Licence, Level::Breaking, "package.license", "MIT → Apache-2.0"),
            Reason::of_file(Fact::Memory, Level::Changed, "m", "2 GiB → 3 GiB"),
            Reason::of_file(Fact::Format, Level::Breaking, "m", "safetensors → GGUF"),
        ];
        let level = |role| verdict(role, &reasons).level;
        assert_eq!(Role::ALL.map(level), [Level::Changed, Level::Breaking, Level::Changed, Level::Breaking]);
        let facts: Vec<_> = verdict(Role::Sre, &reasons).reasons.iter().map(|(_, reason)| reason.fact).collect();
        assert_eq!(facts, [Fact::Format, Fact::Memory]);
    }
}
