//! One version of a repository in its log.

use std::collections::BTreeMap;

use super::changes::{Contents, LayerCount};
use super::order::Moment;
use super::owned::OwnedVersion;
use crate::digest::Digest;
use crate::oci::Descriptor;
use crate::ops::artifact::{RecordedPromotion, SignedRecord};
use crate::ops::diff::FileDiff;
use crate::ops::evaluation::MetricsDiff;
use crate::owners::Owner;
use crate::provenance::{Evaluation, Record};

/// One version.
#[derive(Debug, Clone)]
pub struct Version {
    /// The descriptor of its manifest.
    pub descriptor: Descriptor,
    /// The size of its layers in bytes.
    pub size: u64,
    /// The metrics that its Kitfile states, by name.
    pub declared_metrics: BTreeMap<String, f64>,
    /// The first author that the Kitfile names.
    pub author: Option<String>,
    /// Its tags, sorted; may be empty.
    pub tags: Vec<String>,
    /// The provenance attestation of its latest packing, preferably from a commit without changes.
    pub record: Option<Record>,
    /// The promotions to it, the newest first.
    pub promotions: Vec<RecordedPromotion>,
    /// The signed approvals and recalls of it, the newest first. They are not verified.
    pub notices: Vec<SignedRecord>,
    /// The version that it is compared with: the one that it replaced, or else the next one in the list.
    pub before: Option<Digest>,
    /// True if the content of the Kitfile differs from the previous version.
    pub kitfile_changed: bool,
    /// The changes of the layers; empty for the oldest version.
    pub layers: Vec<LayerCount>,
    /// The changes of the files, if they were requested.
    pub files: Vec<FileDiff>,
    /// The evaluations, the newest first. Their signatures are not verified.
    pub evaluations: Vec<Evaluation>,
    /// The metrics, compared with those of the version before.
    pub metrics: MetricsDiff,
    /// The owners whom the changes concern; `None` if neither this version nor the one before has owners.
    pub owners: Option<Vec<Owner>>,
    /// The owners of the version, and its Kitfile.
    pub(super) owned: OwnedVersion,
    /// The versions that a promotion in this repository moved a tag to from this one.
    pub(super) replaced_by: Vec<Digest>,
    /// The digest of the content of the Kitfile.
    pub(super) kitfile: Digest,
    /// True if a later packing of the same files recorded the version that was replaced.
    pub(super) is_late: bool,
    /// The digests of the layers by kind and path.
    pub(super) contents: Contents,
}

impl Version {
    /// The facts that decide about its place in the log.
    pub(super) fn moment(&self) -> Moment {
        let record = self.record.as_ref();
        Moment {
            digest: self.descriptor.digest,
            previous: record.and_then(|record| record.previous),
            time: record.and_then(|record| record.time),
        }
    }
}
