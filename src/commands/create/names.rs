//! The names that a ModelKit gets when it is packed.

use anyhow::Result;

use crate::arguments::check_new_name;
use crate::context::Context;
use crate::output::{Usage, usage};
use kit_core::oci::{Reference, Tag};

/// The names that `texts` list, all in one repository.
pub(super) fn references(context: &Context, texts: &[String]) -> Result<Vec<Reference>> {
    let mut all: Vec<Reference> = Vec::new();
    for text in texts {
        for reference in references_in(context, text)? {
            match all.first().filter(|first| first.without_selector() != reference.without_selector()) {
                Some(first) => return Err(usage(other_repository(first, &reference))),
                None if all.contains(&reference) => {}
                None => all.push(reference),
            }
        }
    }
    Ok(all)
}

fn other_repository(first: &Reference, other: &Reference) -> String {
    format!(
        "`{first}` and `{other}` are in different repositories; give one of them, and add the other one with \
         `kit tag {first} {other}`"
    )
}

/// The names that `text` lists, at least one.
fn references_in(context: &Context, text: &str) -> Result<Vec<Reference>> {
    let mut references = Reference::parse_list(text).map_err(|error| Usage(error.into()))?;
    if references.iter().any(|reference| reference.digest.is_some()) {
        return Err(usage(format!("`{text}` contains a digest; a ModelKit that is about to be packed needs a tag")));
    }
    references.iter().try_for_each(check_new_name)?;
    if references[0].tag.is_none() {
        references[0] = references[0].with_tag(Tag::latest());
        context.output.say(&format!("No tag given for {text}; using 'latest' ({})", references[0]));
    }
    Ok(references)
}
