//! The requirements of each registry for uploads, as far as they are known beforehand: a table by host, with a source
//! for every row.

use super::capabilities::{Capability, Feature, HostCapabilities};

/// The size of parts after a registry refused one as too large: the limit of ghcr.io (rust-oci-client#35, #37).
pub(super) const SMALL_PART_BYTES: u64 = 4 * 1024 * 1024;

/// The sizes of parts that are tried after larger ones were refused, for proxies with a limit of their own: that of
/// nginx is 1 MiB by default.
const SMALLER_PARTS: [u64; 3] = [SMALL_PART_BYTES, MIB, MIB / 4];

/// The size of parts after one with so many bytes was refused; `None` if there is no smaller one.
pub(super) fn smaller_part(refused_bytes: u64, smallest_accepted: u64) -> Option<u64> {
    let sizes = SMALLER_PARTS.into_iter().filter(|size| *size > smallest_accepted).chain([smallest_accepted]);
    sizes.filter(|size| *size > 0).find(|size| *size < refused_bytes)
}

const MIB: u64 = 1024 * 1024;

/// The form in which the user wants blobs to be sent to a registry, whatever else is known about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadForm {
    /// Each blob in one PUT.
    Whole,
    /// Large blobs in parts, of at most so many bytes.
    Parts(Option<u64>),
}

/// The form in which a large blob is sent first. Small blobs are sent in one PUT, unless that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    /// In one PUT.
    Whole,
    /// In parts, so that a later run can resume after the last one.
    Parts,
}

/// The alternative when sending the whole blob in one PUT failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// Send parts by PATCH, of at most so many bytes if there is a limit.
    UpTo(Option<u64>),
    /// Start again: the registry does not accept parts.
    Never,
}

/// The largest layer, and its size as the registry's own documentation writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ceiling {
    pub(crate) bytes: u64,
    pub(crate) text: &'static str,
}

/// The source of a statement about a registry, in descending order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaidBy {
    /// An answer of the registry in this run.
    Answer,
    /// The user's configuration.
    Configuration,
    /// An answer of the registry in the last days.
    Learned,
    /// The table of registries.
    Table,
    /// The default, which suits most registries.
    Default,
}

/// The requirements of one registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UploadRequirements {
    pub(crate) first: First,
    /// The size above which blobs were refused in one PUT.
    pub(crate) whole_at_most: Option<u64>,
    pub(super) parts: Parts,
    pub(crate) ceiling: Option<Ceiling>,
    /// The source of the form in which blobs are sent.
    pub(crate) said_by: SaidBy,
}

impl UploadRequirements {
    /// The size of parts, at most `wanted_bytes`; `None` if the registry does not accept parts.
    pub(crate) fn part_bytes(&self, wanted_bytes: u64) -> Option<u64> {
        match self.parts {
            Parts::UpTo(limit) => Some(limit.map_or(wanted_bytes, |limit| wanted_bytes.min(limit))),
            Parts::Never => None,
        }
    }
}

/// The requirements of registries by domain, which includes all subdomains.
const TABLE: &[(&str, UploadRequirements)] = &[
    // 416 for a PATCH over "the maximum permissible limit of 4.00MiB": rust-oci-client#35, ocx-sh/ocx#237; one PUT
    // has no such limit (KitOps pkg/lib/repo/remote/upload-format.go). "10 GB size limit for each layer":
    // docs.github.com, "Working with the Container registry", Troubleshooting; read as GiB, so that nothing is
    // refused that would fit.
    (
        "ghcr.io",
        UploadRequirements {
            parts: Parts::UpTo(Some(SMALL_PART_BYTES)),
            ceiling: Some(Ceiling { bytes: 10 * 1024 * MIB, text: "10 GB" }),
            ..WHOLE
        },
    ),
    // "Artifact Registry does not support Docker chunked uploads":
    // cloud.google.com/artifact-registry/docs/reference/docker-api, quoted in dotnet/sdk-container-builds#287;
    // KitOps#777, #780.
    ("pkg.dev", WHOLE),
    // The same service (KitOps upload-format.go).
    ("gcr.io", WHOLE),
    // 201 after the first part, and a `Range` that stays at it: KitOps#821, #822, aws/containers-roadmap#2831.
    // "Maximum layer size 52,000 (MiB)": docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html.
    ("amazonaws.com", ELASTIC),
    ("amazonaws.com.cn", ELASTIC),
    // BLOB_UPLOAD_INVALID at the end of parts: dotnet/sdk-container-builds#472. "Maximum layer size 10,000":
    // docs.aws.amazon.com/AmazonECR/latest/public/public-service-quotas.html, in MiB as in the other table.
    (
        "public.ecr.aws",
        UploadRequirements { ceiling: Some(Ceiling { bytes: 10_000 * MIB, text: "10,000 MiB" }), ..WHOLE },
    ),
];

const ELASTIC: UploadRequirements =
    UploadRequirements { ceiling: Some(Ceiling { bytes: 52_000 * MIB, text: "52,000 MiB" }), ..WHOLE };

/// In one PUT and never in parts.
const WHOLE: UploadRequirements = UploadRequirements {
    first: First::Whole,
    whole_at_most: None,
    parts: Parts::Never,
    ceiling: None,
    said_by: SaidBy::Table,
};

const DEFAULT: UploadRequirements =
    UploadRequirements { first: First::Parts, parts: Parts::UpTo(None), said_by: SaidBy::Default, ..WHOLE };

/// The requirements of `host`: the user's choice takes precedence over `capabilities`, and those over the table.
pub(crate) fn needs_of(host: &str, chosen: Option<UploadForm>, capabilities: &HostCapabilities) -> UploadRequirements {
    let needs = learned_of(tabled(host), capabilities);
    match chosen {
        Some(UploadForm::Whole) => {
            UploadRequirements { ceiling: needs.ceiling, said_by: SaidBy::Configuration, ..WHOLE }
        }
        Some(UploadForm::Parts(at_most)) => {
            let known = if let Parts::UpTo(known) = needs.parts { known } else { None };
            let parts = Parts::UpTo(at_most.or(known));
            UploadRequirements { first: First::Parts, parts, said_by: SaidBy::Configuration, ..needs }
        }
        None => needs,
    }
}

/// The row of `host`, which may have a port.
fn tabled(host: &str) -> UploadRequirements {
    let host = host.split_once(':').map_or(host, |(host, _)| host).to_ascii_lowercase();
    let is_meant = |name: &str| host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    TABLE.iter().find(|(name, _)| is_meant(name)).map_or(DEFAULT, |(_, needs)| *needs)
}

/// Returns `needs` with the changes that the registry's own answers imply.
fn learned_of(needs: UploadRequirements, capabilities: &HostCapabilities) -> UploadRequirements {
    let mut changed = needs;
    match capabilities.get(&Feature::Parts) {
        Some(Capability { is_supported: false, .. }) => (changed.first, changed.parts) = (First::Whole, Parts::Never),
        Some(Capability { at_most_bytes: Some(limit), .. }) => changed.parts = Parts::UpTo(Some(*limit)),
        // A few bytes in parts do not prove that large parts work, which the table knows.
        Some(_) | None => {}
    }
    if let Some(whole) = capabilities.get(&Feature::Whole).filter(|_| changed.parts != Parts::Never) {
        changed.whole_at_most = if whole.is_supported { whole.at_most_bytes } else { Some(0) };
    }
    if changed == needs { needs } else { UploadRequirements { said_by: SaidBy::Learned, ..changed } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_shrink_to_a_quarter_of_a_mebibyte() {
        for (refused, smallest, expected) in [
            (128 * MIB, 0, Some(4 * MIB)),
            (4 * MIB, 0, Some(MIB)),
            (MIB, 0, Some(MIB / 4)),
            (3 * MIB, 0, Some(MIB)),
            (MIB / 2, 0, Some(MIB / 4)),
            (MIB / 4, 0, None),
            (100, 0, None),
            (16 * MIB, 5 * MIB, Some(5 * MIB)),
            (5 * MIB, 5 * MIB, None),
        ] {
            assert_eq!(smaller_part(refused, smallest), expected, "{refused} {smallest}");
        }
    }

    #[test]
    fn known_hosts_have_their_form_and_others_accept_parts() {
        let gigabytes = |bytes: u64| Some(bytes / 1_000_000_000);
        let small = Some(SMALL_PART_BYTES);
        for (host, first, part_bytes, ceiling) in [
            ("ghcr.io", First::Whole, small, gigabytes(10_737_418_240)),
            ("GHCR.io:443", First::Whole, small, gigabytes(10_737_418_240)),
            ("europe-docker.pkg.dev", First::Whole, None, None),
            ("eu.gcr.io", First::Whole, None, None),
            ("gcr.io", First::Whole, None, None),
            ("1.dkr.ecr.eu-west-1.amazonaws.com", First::Whole, None, gigabytes(54_525_952_000)),
            ("1.dkr.ecr.cn-north-1.amazonaws.com.cn", First::Whole, None, gigabytes(54_525_952_000)),
            ("public.ecr.aws", First::Whole, None, gigabytes(10_485_760_000)),
            ("kit.example", First::Parts, Some(1 << 24), None),
            ("notghcr.io", First::Parts, Some(1 << 24), None),
            ("[::1]:5000", First::Parts, Some(1 << 24), None),
        ] {
            let needs = needs_of(host, None, &HostCapabilities::new());
            let found = needs.ceiling.map(|ceiling| ceiling.bytes / 1_000_000_000);
            assert_eq!((needs.first, needs.part_bytes(1 << 24), found), (first, part_bytes, ceiling), "{host}");
        }
    }

    #[test]
    fn precedence_is_user_then_findings_then_table() {
        let capabilities =
            |feature, is_supported, limit| HostCapabilities::from([(feature, Capability::new(is_supported, limit))]);
        let (nothing, no_parts) = (HostCapabilities::new(), capabilities(Feature::Parts, false, None));
        let small_parts = capabilities(Feature::Parts, true, Some(5));
        let small_whole = capabilities(Feature::Whole, true, Some(7));
        let (whole, parts) = (Some(UploadForm::Whole), Some(UploadForm::Parts(None)));
        for (host, chosen, capabilities, first, part_bytes, whole_at_most, said_by) in [
            ("kit.example", None, &nothing, First::Parts, Some(9), None, SaidBy::Default),
            ("kit.example", None, &no_parts, First::Whole, None, None, SaidBy::Learned),
            ("kit.example", None, &small_parts, First::Parts, Some(5), None, SaidBy::Learned),
            ("kit.example", None, &small_whole, First::Parts, Some(9), Some(7), SaidBy::Learned),
            ("kit.example", whole, &small_whole, First::Whole, None, None, SaidBy::Configuration),
            ("kit.example", parts, &no_parts, First::Parts, Some(9), None, SaidBy::Configuration),
            ("ghcr.io", Some(UploadForm::Parts(Some(8))), &nothing, First::Parts, Some(8), None, SaidBy::Configuration),
            ("gcr.io", None, &nothing, First::Whole, None, None, SaidBy::Table),
            ("gcr.io", None, &small_whole, First::Whole, None, None, SaidBy::Table),
            ("gcr.io", None, &small_parts, First::Whole, Some(5), None, SaidBy::Learned),
            ("gcr.io", parts, &nothing, First::Parts, Some(9), None, SaidBy::Configuration),
        ] {
            let needs = needs_of(host, chosen, capabilities);
            let found = (needs.first, needs.part_bytes(9), needs.whole_at_most, needs.said_by);
            assert_eq!(found, (first, part_bytes, whole_at_most, said_by), "{host} {chosen:?} {capabilities:?}");
        }
    }
}
