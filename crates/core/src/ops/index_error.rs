//! The errors about indexes of ModelKits.

use super::error::{Error, listed};
use crate::modelkit;
use crate::oci::Reference;

/// The reason why a name and an index of ModelKits do not fit together.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// A name refers to an index of ModelKits where a single ModelKit is needed.
    #[error("`{index}` is an index of ModelKits, not a single ModelKit{}", contains(variants))]
    IsIndex {
        /// The name of the index.
        index: String,
        /// The ModelKits in the index.
        variants: Vec<modelkit::Variant>,
    },
    /// A name does not refer to an index of ModelKits where one is needed.
    #[error("`{0}` is not an index of ModelKits")]
    NotAnIndex(String),
    /// No ModelKit of an index has the labels.
    #[error("no ModelKit in the index `{index}` has {}{}", all_of(labels), contains(variants))]
    NoVariant {
        /// The name of the index.
        index: String,
        /// The requested labels.
        labels: Vec<modelkit::Label>,
        /// The ModelKits in the index.
        variants: Vec<modelkit::Variant>,
    },
    /// Several ModelKits of an index have the labels.
    #[error("{} ModelKits in the index `{index}` have {}:{}", variants.len(), all_of(labels), first(variants))]
    SeveralVariants {
        /// The name of the index.
        index: String,
        /// The requested labels.
        labels: Vec<modelkit::Label>,
        /// The ModelKits that have all of these labels.
        variants: Vec<modelkit::Variant>,
    },
    /// A ModelKit that should be removed from an index is not in it.
    #[error("`{modelkit}` is not in the index `{index}`{}", contains(variants))]
    NotInIndex {
        /// The index.
        index: String,
        /// The ModelKit.
        modelkit: String,
        /// The ModelKits in the index.
        variants: Vec<modelkit::Variant>,
    },
    /// A ModelKit could not be added to an index.
    #[error("cannot add `{modelkit}`")]
    Member {
        /// The ModelKit.
        modelkit: Reference,
        /// The cause.
        source: Box<Error>,
    },
    /// A name for a new index is in use.
    #[error("`{0}` already exists")]
    NameTaken(Reference),
    /// A pull would overwrite an index in the local store.
    #[error("the pull would overwrite the local index `{0}`")]
    NameOfIndex(Reference),
}

fn contains(variants: &[modelkit::Variant]) -> String {
    if variants.is_empty() { "; the index is empty".to_owned() } else { format!("; it contains:{}", first(variants)) }
}

/// Each variant on a line of its own, up to a number that a user can read.
fn first(variants: &[modelkit::Variant]) -> String {
    const SHOWN: usize = 50;
    let shown = listed(&variants[..variants.len().min(SHOWN)]);
    if variants.len() > SHOWN { format!("{shown}\n  and {} more", variants.len() - SHOWN) } else { shown }
}

fn all_of(labels: &[modelkit::Label]) -> String {
    labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(" and ")
}
