//! Metadata from the front matter of skills: the names and descriptions of prompts, and perhaps of the package.

use super::project::Files;
use crate::draft::{Found, FoundKind, SkillCard, skill_file};
use crate::kitfile::{Kitfile, Package};
use crate::ops::error::Error;

/// Fills the prompts that are folders with a SKILL.md.
///
/// The package gets the name and the description of the only skill if there is nothing but prompts, and the licence of
/// the first skill if it has none (KitOps).
pub(super) fn fill(files: &Files<'_>, listing: &[Found], kitfile: &mut Kitfile) -> Result<(), Error> {
    let mut cards = Vec::new();
    for prompt in &mut kitfile.prompts {
        if let Some(path) = path_of_skill(listing, &prompt.path) {
            let card = SkillCard::read(&files.text(&path)?.unwrap_or_default());
            if prompt.path != ROOT {
                (prompt.name, prompt.description) = (card.name.clone(), card.description.clone());
            }
            cards.push(card);
        }
    }
    let has_only_prompts = Kitfile { prompts: Vec::new(), package: Package::default(), ..kitfile.clone() }
        == Kitfile { manifest_version: kitfile.manifest_version.clone(), ..Kitfile::default() };
    let package = &mut kitfile.package;
    if let ([card], true) = (&cards[..], has_only_prompts) {
        set(&mut package.name, &card.name);
        set(&mut package.description, &card.description);
    }
    if let Some(card) = cards.first() {
        set(&mut package.license, &card.license);
    }
    Ok(())
}

/// The path of a prompt that is the whole project.
const ROOT: &str = ".";

/// The path of the SKILL.md of the prompt at `path`, if that is a folder with one.
fn path_of_skill(listing: &[Found], path: &str) -> Option<String> {
    if path == ROOT {
        return skill_file(listing).map(str::to_owned);
    }
    let found = listing.iter().find(|found| found.name == path)?;
    let FoundKind::Folder(content) = &found.kind else { return None };
    skill_file(content).map(|name| format!("{path}/{name}"))
}

fn set(field: &mut String, value: &str) {
    if field.is_empty() {
        field.push_str(value);
    }
}
