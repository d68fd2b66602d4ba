//! What becomes of each feature that a registry has or lacks, and what is known of it without asking.

use super::finding::Finding;
use crate::registry::client::Client;
use crate::registry::error::Error;
use crate::registry::upload::{Capability, Feature, SaidBy};

impl Client {
    /// What was learned of `registry` in the last days about what is not in `findings`.
    pub fn recollect(&self, registry: &str, findings: &mut Vec<Finding>) -> Result<(), Error> {
        let facts = self.capabilities.of(&self.endpoint(registry)?.host_and_port());
        let is_new = |feature: &Feature| !findings.iter().any(|finding| finding.topic == topic(*feature));
        let recollected: Vec<_> = facts.iter().filter(|(feature, _)| is_new(feature)).map(recollection).collect();
        findings.extend(recollected);
        Ok(())
    }

    /// Forgets what was learned of `registry`.
    pub fn forget(&self, registry: &str) -> Result<(), Error> {
        let host = self.endpoint(registry)?.host_and_port();
        self.capabilities.forget(&host).map_err(|error| Error::Setting(format!("cannot forget `{host}`: {error}")))
    }

    /// Tells and remembers whether the registry at `host` has `feature`.
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
        (Feature::Resume, true) => "goes on with an upload where it broke off",
        (Feature::Resume, false) => "begins an upload that broke off again",
        (Feature::Cancel, _) => "leaves uploads that broke off open, to go on with them",
        (Feature::Mount, true) => "does not send what another repository of the registry has",
        (Feature::Mount, false) => "sends what another repository of the registry has once more",
        (Feature::ArtifactType, true) => "pushes ModelKits, which name their artifactType",
        (Feature::ArtifactType, false) => {
            "cannot push ModelKits that name their artifactType: without it they would have another digest"
        }
        (Feature::MediaTypes, true) => "pushes ModelKits, whose config and layers have media types of their own",
        (Feature::MediaTypes, false) => "cannot push ModelKits: with other media types they would have another digest",
        (Feature::Referrers, true) => "finds records and signatures of a ModelKit in the list",
        (Feature::Referrers, false) => {
            "finds records and signatures of a ModelKit by a tag, `sha256-…`, and enters them there"
        }
        (Feature::Delete, true) => "deletes with `kit remove --remote`",
        (Feature::Delete, false) => "cannot delete with `kit remove --remote`",
    }
}

/// A number of bytes as it is told: exactly.
pub(super) fn size(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    if bytes > 0 && bytes.is_multiple_of(MIB) { format!("{} MiB", bytes / MIB) } else { format!("{bytes} bytes") }
}
