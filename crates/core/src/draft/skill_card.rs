//! The front matter of a SKILL.md, the instructions of a skill for agents (agentskills.io, "SKILL.md format").

use serde_json::Value;

use crate::yaml::{Reader, compose};

/// The information in the front matter that `kit` uses. Missing fields are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SkillCard {
    /// The name of the skill.
    pub name: String,
    /// The description.
    pub description: String,
    /// The licence.
    pub license: String,
}

impl SkillCard {
    /// Reads the front matter of `text`. If there is none, or if it is not valid, all fields are empty.
    ///
    /// As in KitOps, the first line and the line after the front matter are exactly `---`.
    pub fn read(text: &str) -> Self {
        Self::find(&text.replace("\r\n", "\n")).unwrap_or_default()
    }

    fn find(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("---\n")?;
        let mut end = 0;
        let mut lines = rest.split_inclusive('\n');
        lines.find(|line| {
            let is_end = line.strip_suffix('\n').unwrap_or(line) == "---";
            end += if is_end { 0 } else { line.len() };
            is_end
        })?;
        let mut reader = Reader::default();
        let fields = reader.value(&*compose(rest.get(..end)?).ok()??);
        let text = |key| fields.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        let card = Self { name: text("name"), description: text("description"), license: text("license") };
        reader.problems.is_empty().then_some(card)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_is_read_or_ignored() {
        let card = |name: &str, description: &str, license: &str| SkillCard {
            name: name.to_owned(),
            description: description.to_owned(),
            license: license.to_owned(),
        };
        for (text, expected) in [
            ("---\nname: a b\ndescription: 'c: d'\nlicense: MIT\nother: [1]\n---\n# A\n", card("a b", "c: d", "MIT")),
            ("---\r\nname: a\r\ndescription: >\r\n  two\r\n  lines\r\n---\r\n", card("a", "two lines", "")),
            ("---\nname: a\n---", card("a", "", "")),
            ("---\nname: [a]\ndescription: b\n---\n", card("", "b", "")),
            ("---\n---\n", card("", "", "")),
            ("---\nname: a\n--- \n", card("", "", "")),
            (" ---\nname: a\n---\n", card("", "", "")),
            ("---\nname: {\n---\n", card("", "", "")),
            ("---\n- a\n---\n", card("", "", "")),
            ("# No front matter\n", card("", "", "")),
            ("", card("", "", "")),
        ] {
            assert_eq!(SkillCard::read(text), expected, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_texts_never_panic(text in "(---\n)?(name: )?.{0,40}\n?(---)?.{0,10}") {
            drop(SkillCard::read(&text));
        }
    }
}
