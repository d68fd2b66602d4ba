//! The errors about indexes of ModelKits.

use super::error::{Error, listed};
use crate::modelkit;
use crate::oci::{ContentError, Reference};
use crate::problem::printable;

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
    #[error("{} ModelKits in the index match {}:{}", variants.len(), all_of(labels), first(variants))]
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
    /// A ModelKit to be added does not exist in the local store.
    #[error("could not find ModelKit `{0}` in local storage")]
    MemberNotHere(Reference),
    /// A ModelKit of a registry to be added belongs to another repository than the index.
    #[error(
        "ModelKit `{modelkit}` is not in the same repository as index `{index}`; an index may only reference ModelKits \
         in its own repository"
    )]
    OtherRepository {
        /// The ModelKit.
        modelkit: String,
        /// The index.
        index: String,
    },
    /// An index does not exist in the local store.
    #[error("could not find index `{0}` in local storage")]
    NotHere(Reference),
    /// A name for a new index is in use.
    #[error("index `{0}` already exists")]
    NameTaken(Reference),
    /// A ModelKit of an index does not exist where the index is, or, in the local store, nowhere.
    #[error("the ModelKit {} of the index `{index}` was not found", printable(modelkit))]
    Incomplete {
        /// The name of the index.
        index: String,
        /// The digest and the tag of the ModelKit.
        modelkit: String,
    },
    /// The registry does not have a ModelKit of the index.
    #[error("remote rejected the index: `{repository}` does not contain every ModelKit the index references")]
    Rejected {
        /// The repository.
        repository: String,
        /// The answer of the registry.
        source: ContentError,
    },
}

impl IndexError {
    /// Returns true if the text of the error has several lines. Untrusted text in these lines is escaped.
    pub fn has_lines(&self) -> bool {
        matches!(
            self,
            Self::IsIndex { .. } | Self::NoVariant { .. } | Self::SeveralVariants { .. } | Self::NotInIndex { .. }
        )
    }
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
