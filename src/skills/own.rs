//! The skill about `kit` itself.

use kit_core::ops::{Skill, SkillFile};

/// The permission bits of its file.
const MODE: u32 = 0o644;

/// The skill `kitops`, as `kit skill` installs it.
pub(crate) fn own_skill() -> Skill {
    let path = "SKILL.md".parse().expect("the name of a file is a path");
    let file = SkillFile { mode: MODE, content: include_bytes!("SKILL.md").to_vec() };
    Skill { name: "kitops".to_owned(), files: [(path, file)].into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit_core::draft::SkillCard;

    #[test]
    fn its_front_matter_is_complete() {
        let skill = own_skill();
        let (_, file) = skill.files.first_key_value().unwrap();
        let card = SkillCard::read(std::str::from_utf8(&file.content).unwrap());
        assert_eq!((&*card.name, &*card.license), (&*skill.name, "Apache-2.0"));
        assert!(card.description.contains("ModelKit"));
    }
}
