//! The documents of an artifact, each read once, and the referrers that belong to it.

pub(super) mod attach;
mod filters;
mod foreign;
pub(super) mod inspect;
pub(super) mod parents;
mod readable;
mod records;
mod signed;
mod subsets;
mod tagged;
pub(super) mod variants;

pub(crate) use attach::{Attachment, EMPTY, FINGERPRINT, Prepared, attach};
pub(crate) use filters::{check_filters, check_paths, entries, entries_of_parents, locked_entries};
pub(crate) use inspect::{Artifact, parse_manifest, read};
pub use inspect::{Inspected, inspect};
pub use parents::parents;
pub(crate) use parents::{Parent, model_reference, resolve};
pub(crate) use readable::refuse_unreadable;
pub use records::RecordedPromotion;
pub(crate) use records::{
    History, Promotions, attestations, history, listed_referrers, oci_uri, promotions, provenance_statements, records,
    sources, superseded,
};
pub use signed::SignedRecord;
pub(crate) use signed::signed_records;
pub use subsets::{Belonging, SubsetProof, prove_subset};
pub(crate) use subsets::{Original, original};
pub(crate) use tagged::{Failures, Tagged, enter, resolve_tags};
pub use variants::{InspectedIndex, inspect_index};
pub(crate) use variants::{inspect_index_here, modelkits};
