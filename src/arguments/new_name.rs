//! The check of a name that a ModelKit is about to get.

use anyhow::Result;

use crate::output::usage;
use kit_core::oci::{Companion, Reference, Tag};

/// Fails if the tag of `name` is reserved for referrers or companions: no command would list the ModelKit.
pub(crate) fn check_new_name(name: &Reference) -> Result<()> {
    match name.tag.as_ref().map(Tag::as_str) {
        Some(tag) if Companion::is_reserved(tag) => Err(usage(format!(
            "`{tag}` is not a tag for a ModelKit: such tags are made from digests, for what is attached to a ModelKit"
        ))),
        _ => Ok(()),
    }
}
