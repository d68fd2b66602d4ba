//! The plan of `kit` for each feature that a registry has or lacks, and the features that are known without asking.

use super::finding::Finding;
use crate::registry::client::Client;
use crate::registry::error::Error;
use crate::registry::upload::{Capability, Feature, SaidBy};

impl Client {
    /// Adds the remembered capabilities of `registry` that `findings` does not contain yet.
    pub fn recollect(&self, registry: &str, findings: &mut Vec<Finding>) -> Result<(), Error> {
        let facts = self.capabilities.of(&self.endpoint(registry)?.host_and_port());
        let is_new = |feature: &Feature| !findings.iter().any(|finding| finding.topic == topic(*feature));
        let recollected: Vec<_> = facts.iter().filter(|(feature, _)| is_new(feature)).map(recollection).collect();
        findings.extend(recollected);
        Ok(())
    }

    /// Forgets the remembered capabilities of `registry`.
    pub fn forget(&self, registry: &str) -> Result<(), Error> {
        let host = self.endpoint(registry)?.host_and_port();
        self.capabilities.forget(&host).map_err(|error| Error::Setting(format!("cannot forget `{host}`: {error}")))
    }

    /// Reports and remembers that the registry at `host` has `feature`, or lacks it.
    pub(super) fn find(&self, host: &str, feature: Feature, is_supported: bool, found: impl Into<String>) -> Finding {
        self.capabilities.note(host, [(feature, Capability::new(is_supported, None))]);
        Finding::answered(topic(feature), found, plan(feature, is_supported)).supported(is_supported)
    }
}

fn recollection((feature, fact): (&Feature, &Capability)) -> Finding {
    let found = match (fact.is_supported, fact.at_most_bytes) {
        (false, _) => "no".to_owned(),
        (true, None) => "yes".to_owned(),
        (true, Some(limit)) => format!("yes, up to {}", size(limit)),
    };
    let finding = Finding::answered(topic(*feature), found, plan(*feature, fact.is_supported));
    finding.supported(fact.is_supported).said_by(SaidBy::Learned)
}

fn topic(feature: Feature) -> &'static str {
    match feature {
        Feature::Whole => "whole blobs",
        Feature::Parts => "parts",
        Feature::Resume => "resume",
        Feature::Cancel => "cancel",
        Feature::Mount => "mount",
        Feature::ArtifactType => "artifactType",
        Feature::MediaTypes => "media types",
        Feature::Referrers => "referrers",
        Feature::Delete => "delete",
    }
}

fn plan(feature: Feature, is_supported: bool) -> &'static str {
    match (feature, is_supported) {
        (Feature::Whole, true) => "sends small blobs in one PUT",
        (Feature::Whole, false) => "sends every blob in parts",
        (Feature::Parts, true) => "can send a large blob in parts",
        (Feature::Parts, false) => "sends every blob in one PUT",
        (Feature::Resume, true) => "resumes an interrupted upload where it stopped",
        (Feature::Resume, false) => "restarts an interrupted upload from the beginning",
        (Feature::Cancel, _) => "leaves interrupted uploads open, to resume them",
        (Feature::Mount, true) => "mounts blobs that another repository of the registry has",
        (Feature::Mount, false) => "sends blobs again that another repository of the registry has",
        (Feature::ArtifactType, true) => "pushes ModelKits with an artifactType",
        (Feature::ArtifactType, false) => {
            "cannot push ModelKits with an artifactType: without it they would have another digest"
        }
        (Feature::MediaTypes, true) => "pushes ModelKits, whose config and layers have their own media types",
        (Feature::MediaTypes, false) => "cannot push ModelKits: with other media types they would have another digest",
        (Feature::Referrers, true) => "finds referrers of a ModelKit, such as signatures, by the API",
        (Feature::Referrers, false) => {
            "finds referrers of a ModelKit, such as signatures, by the tag `sha256-…`, and adds them to it"
        }
        (Feature::Delete, true) => {
            "deletes with `kit remove --remote`; the last tag of a ModelKit may go with the ModelKit"
        }
        (Feature::Delete, false) => "cannot delete with `kit remove --remote`",
    }
}

/// Formats a number of bytes exactly.
pub(super) fn size(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    if bytes > 0 && bytes.is_multiple_of(MIB) { format!("{} MiB", bytes / MIB) } else { format!("{bytes} bytes") }
}
