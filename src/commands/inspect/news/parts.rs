//! The content of the news, independent of its format.

use kit_core::ops::{Assessed, FieldDiff, FileDiff};
use kit_core::owners::Owner;
use kit_core::verdict::{Level, Place, Reason, Role, Verdict};

/// The changes since a version.
pub(super) struct News<'a> {
    /// The earlier and the later version, as the user named them.
    pub(super) names: (&'a str, &'a str),
    pub(super) assessed: &'a Assessed,
    /// The verdicts for all roles.
    pub(super) verdicts: Vec<Verdict<'a>>,
    pub(super) parts: Vec<Part<'a>>,
}

/// The changes that concern one owner.
pub(super) struct Part<'a> {
    /// The owner; `None` for changes without an owner.
    pub(super) owner: Option<&'a Owner>,
    /// The highest level of the reasons.
    pub(super) level: Level,
    /// The reasons, the most important ones first.
    pub(super) reasons: Vec<(Level, &'a Reason)>,
    pub(super) fields: Vec<&'a FieldDiff>,
    pub(super) files: Vec<&'a FileDiff>,
}

/// The number of changes that are listed for an owner; JSON has all of them.
const CHANGES: usize = 10;

impl<'a> News<'a> {
    pub(super) fn new(names: (&'a str, &'a str), assessed: &'a Assessed) -> Self {
        let verdicts = Role::ALL.into_iter().map(|role| assessed.verdict(role)).collect();
        let difference = &assessed.difference;
        let parts = if difference.ownership.is_empty() {
            let (fields, files) = (difference.fields.iter().flatten().collect(), difference.files.iter().collect());
            let reasons = assessed.reasons.iter().map(|reason| (reason.highest(), reason)).collect();
            vec![Part::new(None, reasons, fields, files)]
        } else {
            let parts = difference.by_owner().into_iter();
            parts
                .map(|owned| Part::new(owned.owner, reasons(assessed, owned.owner), owned.fields, owned.files))
                .collect()
        };
        Self { names, assessed, verdicts, parts }
    }

    /// True if a version has owners.
    pub(super) fn has_owners(&self) -> bool {
        !self.assessed.difference.ownership.is_empty()
    }
}

/// The reasons that concern an owner: those of its files and fields, and those of its role.
fn reasons<'a>(assessed: &'a Assessed, owner: Option<&Owner>) -> Vec<(Level, &'a Reason)> {
    let role = match owner {
        Some(Owner::Role(name)) => name.parse::<Role>().ok(),
        _ => None,
    };
    let level = |reason: &'a Reason| {
        let owners = assessed.owners_of(reason);
        let is_owned = owner.map_or(owners.is_empty(), |owner| owners.contains(&owner));
        match role {
            Some(role) => reason.level_for(role),
            None if is_owned => reason.highest(),
            None => Level::Compatible,
        }
    };
    assessed.reasons.iter().map(|reason| (level(reason), reason)).collect()
}

impl<'a> Part<'a> {
    fn new(
        owner: Option<&'a Owner>,
        mut reasons: Vec<(Level, &'a Reason)>,
        fields: Vec<&'a FieldDiff>,
        files: Vec<&'a FileDiff>,
    ) -> Self {
        reasons.retain(|(level, _)| *level > Level::Compatible);
        reasons.sort_by_key(|(level, reason)| (std::cmp::Reverse(*level), reason.fact));
        let level = reasons.first().map_or(Level::Compatible, |(level, _)| *level);
        Self { owner, level, reasons, fields, files }
    }

    /// The name of the owner, or the words for none.
    pub(super) fn title(&self, news: &News<'_>) -> String {
        match self.owner {
            Some(owner) => owner.to_string(),
            None if news.has_owners() => "No owner".to_owned(),
            None => "Changes".to_owned(),
        }
    }

    /// The first changes, each as a word and a name, and the number of the others.
    pub(super) fn changes(&self) -> (Vec<(&'static str, &'a str)>, usize) {
        let fields = self.fields.iter().map(|field| (word(field), field.path.as_str()));
        let all = fields.chain(self.files.iter().map(|file| (file.change.word(), file.path.as_str())));
        let count = self.fields.len() + self.files.len();
        (all.take(CHANGES).collect(), count.saturating_sub(CHANGES))
    }
}

fn word(field: &FieldDiff) -> &'static str {
    match (&field.before, &field.after) {
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    }
}

/// The file or field of a reason.
pub(super) fn place(reason: &Reason) -> &str {
    let (Place::File(place) | Place::Field(place)) = &reason.place;
    place
}
