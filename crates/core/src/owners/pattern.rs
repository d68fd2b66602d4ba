//! One pattern: a path, an entry or a section of the Kitfile, or a field of it.

use super::glob::{NameGlob, PathGlob};
use super::parts::{Field, Part};
use crate::kitfile::Section;
use crate::problem::{closest, quoted};
use crate::relative_path::RelativePath;

/// A pattern of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pattern {
    /// Files by their path.
    Path(PathGlob),
    /// The files and fields of a section, or of its entries with this name or path: `datasets:train`.
    Section(Section, Option<NameGlob>),
    /// Fields by the names of their path, and all fields below them.
    Field(Vec<NameGlob>),
}

/// The sections, and their fields besides lists.
const SECTIONS: [(&str, &[&str]); 7] = [
    ("package", &["name", "version", "description", "license", "authors"]),
    ("model", &["name", "path", "license", "framework", "format", "version", "description", "parts", "parameters"]),
    ("code", &["path", "description", "license"]),
    ("datasets", &["name", "path", "remotePath", "remoteHash", "description", "license", "parameters"]),
    ("docs", &["path", "description"]),
    ("prompts", &["name", "path", "description"]),
    ("mcpServers", &["name", "path", "description"]),
];

const PARTS: &str = "model.parts";

impl Pattern {
    /// Parses a pattern; the error is the description of the problem.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('!') {
            return Err("patterns cannot be negated; write a later line without owners".to_owned());
        }
        if let Some((section, name)) = text.split_once(':').filter(|(before, _)| is_word(before)) {
            let known = Section::from_key(section).ok_or_else(|| unknown_section(section))?;
            return if name.is_empty() {
                Err("a name is missing after `:`".to_owned())
            } else {
                Ok(Self::Section(known, Some(NameGlob::new(name))))
            };
        }
        if let Some(section) = Section::from_key(text) {
            return Ok(Self::Section(section, None));
        }
        if is_field(text) {
            return Ok(Self::Field(text.split('.').map(NameGlob::new).collect()));
        }
        if text.contains(['[', ']']) && !text.contains('\\') {
            return Err("ranges in brackets are not supported; write `\\[` for the character".to_owned());
        }
        PathGlob::new(text).map(Self::Path).ok_or_else(|| format!("{} contains no name", quoted(text)))
    }

    /// Returns true if the file `path` of the entry `part` is meant.
    pub(super) fn matches_file(&self, path: &RelativePath, part: Option<&Part>) -> bool {
        match self {
            Self::Path(glob) => glob.matches(path),
            Self::Section(section, name) => part
                .is_some_and(|part| covers(*section, part.section) && name.as_ref().is_none_or(|name| part.has(name))),
            Self::Field(_) => false,
        }
    }

    /// Returns true if the field is meant.
    pub(super) fn matches_field(&self, field: &Field<'_>) -> bool {
        match self {
            Self::Path(_) => false,
            Self::Section(section, name) => {
                let is_named = |name: &NameGlob| {
                    field.identity.is_some_and(|identity| name.matches(identity))
                        || field.part.is_some_and(|part| part.has(name))
                };
                field.section.is_some_and(|found| covers(*section, found)) && name.as_ref().is_none_or(is_named)
            }
            Self::Field(names) => {
                names.len() <= field.names.len()
                    && names.iter().zip(&field.names).all(|(glob, name)| glob.matches(name))
            }
        }
    }
}

impl Part {
    fn has(&self, name: &NameGlob) -> bool {
        name.matches(&self.name) && !self.name.is_empty() || name.matches(self.path.as_str())
    }
}

/// Returns true if `section` includes `other`: parts belong to the model.
fn covers(section: Section, other: Section) -> bool {
    section == other || section == Section::Model && other == Section::ModelPart
}

/// Returns true for letters, and dots between them: `model.parts`.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.split('.').all(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic()))
}

/// Returns true if `text` is a section without layers, or a section and a known field of it. `model.safetensors` and
/// `package.json` are files.
fn is_field(text: &str) -> bool {
    let (section, rest) = text.split_once('.').unwrap_or((text, ""));
    let Some((_, fields)) = SECTIONS.iter().find(|(known, _)| *known == section) else { return false };
    let field = rest.split('.').next().unwrap_or_default();
    text == section || field == "*" && !text.contains('/') || fields.contains(&field)
}

fn unknown_section(text: &str) -> String {
    let lists = SECTIONS.iter().map(|(section, _)| *section).filter(|section| *section != "package");
    let known: Vec<_> = lists.chain([PARTS]).collect();
    let advice = match closest(text, &known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("the sections with entries are {}; a path needs a `/` before it", known.join(", ")),
    };
    format!("{} is not a section; {advice}", quoted(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_fields_and_paths_are_told_apart_by_the_names_of_fields() {
        let kind = |text: &str| match Pattern::parse(text) {
            Ok(Pattern::Path(_)) => "path",
            Ok(Pattern::Section(_, None)) => "section",
            Ok(Pattern::Section(_, Some(_))) => "entry",
            Ok(Pattern::Field(_)) => "field",
            Err(_) => "error",
        };
        for (text, expected) in [
            ("model", "section"),
            ("model.parts", "section"),
            ("model.parts:tokenizer", "entry"),
            ("datasets:train data", "entry"),
            ("datasets:eval-*", "entry"),
            ("package", "field"),
            ("package.license", "field"),
            ("model.parameters.*", "field"),
            ("model.*", "field"),
            ("datasets.license", "field"),
            ("model.safetensors", "path"),
            ("package.json", "path"),
            ("model/", "path"),
            ("/model", "path"),
            ("deploy/**", "path"),
            ("*.py", "path"),
            ("/a:b", "path"),
            ("dataset:train", "error"),
            ("datasets:", "error"),
            ("!x", "error"),
            ("[a-z]", "error"),
            ("/", "error"),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
        let message = Pattern::parse("dataset:train").unwrap_err();
        assert_eq!(message, "`dataset` is not a section; did you mean `datasets`?");
    }
}
