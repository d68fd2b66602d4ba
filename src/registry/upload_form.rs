//! What each registry needs of an upload, as far as it is known beforehand: a table by host, with a source for every row.

/// Smaller parts after a registry refused one as too large: what ghcr.io takes (rust-oci-client#35, #37).
pub(super) const SMALL_PART_BYTES: u64 = 4 * 1024 * 1024;

const MIB: u64 = 1024 * 1024;

/// How the user wants large blobs to be sent to a registry, whatever the table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadForm {
    /// Each in one PUT.
    Whole,
    /// In parts of so many bytes, or of as many as without this wish.
    Parts(Option<u64>),
}

/// How a large blob is sent first. Small ones always go in one PUT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    /// In one PUT.
    Whole,
    /// In parts, so that a later run can go on after the last one.
    Parts,
}

/// What to do when the whole blob in one PUT did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// Send parts of at most this size by PATCH.
    UpTo(u64),
    /// Start again: the registry takes no parts.
    Never,
}

/// The largest layer, and how the registry's own documentation writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ceiling {
    pub(super) bytes: u64,
    pub(super) text: &'static str,
}

/// What one registry needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Needs {
    pub(super) first: First,
    pub(super) parts: Parts,
    pub(super) ceiling: Option<Ceiling>,
}

/// A domain, which stands for all below it, and what its registries need.
const TABLE: &[(&str, Needs)] = &[
    // 416 for a PATCH over "the maximum permissible limit of 4.00MiB": rust-oci-client#35, ocx-sh/ocx#237; one PUT has no such
    // limit (KitOps pkg/lib/repo/remote/upload-format.go). "10 GB size limit for each layer": docs.github.com, "Working with the
    // Container registry", Troubleshooting; read as GiB, so that nothing is refused that would fit.
    (
        "ghcr.io",
        Needs {
            first: First::Whole,
            parts: Parts::UpTo(SMALL_PART_BYTES),
            ceiling: Some(Ceiling { bytes: 10 * 1024 * MIB, text: "10 GB" }),
        },
    ),
    // "Artifact Registry does not support Docker chunked uploads": cloud.google.com/artifact-registry/docs/reference/docker-api,
    // quoted in dotnet/sdk-container-builds#287; KitOps#777, #780.
    ("pkg.dev", Needs { first: First::Whole, parts: Parts::Never, ceiling: None }),
    // The same service (KitOps upload-format.go).
    ("gcr.io", Needs { first: First::Whole, parts: Parts::Never, ceiling: None }),
    // 201 after the first part, and a `Range` that stays at it: KitOps#821, #822, aws/containers-roadmap#2831. "Maximum layer size
    // 52,000 (MiB)": docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html.
    ("amazonaws.com", ELASTIC),
    ("amazonaws.com.cn", ELASTIC),
    // BLOB_UPLOAD_INVALID at the end of parts: dotnet/sdk-container-builds#472. "Maximum layer size 10,000":
    // docs.aws.amazon.com/AmazonECR/latest/public/public-service-quotas.html, in MiB as in the other table.
    (
        "public.ecr.aws",
        Needs {
            first: First::Whole,
            parts: Parts::Never,
            ceiling: Some(Ceiling { bytes: 10_000 * MIB, text: "10,000 MiB" }),
        },
    ),
];

const ELASTIC: Needs = Needs {
    first: First::Whole,
    parts: Parts::Never,
    ceiling: Some(Ceiling { bytes: 52_000 * MIB, text: "52,000 MiB" }),
};

/// What is known about `host`, which takes parts of `part_bytes` otherwise. What the user `wishes` wins, except over a ceiling.
pub(super) fn needs_of(host: &str, part_bytes: u64, wishes: Option<UploadForm>) -> Needs {
    let known = known_needs_of(host, part_bytes);
    match wishes {
        None => known,
        Some(UploadForm::Whole) => Needs { first: First::Whole, parts: Parts::Never, ..known },
        Some(UploadForm::Parts(own)) => {
            Needs { first: First::Parts, parts: Parts::UpTo(own.unwrap_or(part_bytes)), ..known }
        }
    }
}

fn known_needs_of(host: &str, part_bytes: u64) -> Needs {
    let host = host.to_ascii_lowercase();
    let is_meant = |name: &str| host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    match TABLE.iter().find(|(name, _)| is_meant(name)) {
        Some((_, needs @ Needs { parts: Parts::UpTo(limit), .. })) => {
            Needs { parts: Parts::UpTo(part_bytes.min(*limit)), ..*needs }
        }
        Some((_, needs)) => *needs,
        None => Needs { first: First::Parts, parts: Parts::UpTo(part_bytes), ceiling: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_hosts_are_known_and_others_take_parts() {
        let gigabytes = |bytes: u64| Some(bytes / 1_000_000_000);
        for (host, first, parts, ceiling) in [
            ("ghcr.io", First::Whole, Parts::UpTo(SMALL_PART_BYTES), gigabytes(10_737_418_240)),
            ("GHCR.io", First::Whole, Parts::UpTo(SMALL_PART_BYTES), gigabytes(10_737_418_240)),
            ("europe-docker.pkg.dev", First::Whole, Parts::Never, None),
            ("eu.gcr.io", First::Whole, Parts::Never, None),
            ("gcr.io", First::Whole, Parts::Never, None),
            ("1.dkr.ecr.eu-west-1.amazonaws.com", First::Whole, Parts::Never, gigabytes(54_525_952_000)),
            ("1.dkr.ecr.cn-north-1.amazonaws.com.cn", First::Whole, Parts::Never, gigabytes(54_525_952_000)),
            ("public.ecr.aws", First::Whole, Parts::Never, gigabytes(10_485_760_000)),
            ("kit.example", First::Parts, Parts::UpTo(1 << 24), None),
            ("notghcr.io", First::Parts, Parts::UpTo(1 << 24), None),
        ] {
            let needs = needs_of(host, 1 << 24, None);
            let found = needs.ceiling.map(|ceiling| ceiling.bytes / 1_000_000_000);
            assert_eq!((needs.first, needs.parts, found), (first, parts, ceiling), "{host}");
        }
    }

    #[test]
    fn a_wish_wins_over_the_table_but_not_over_a_ceiling() {
        for (wish, first, parts) in [
            (UploadForm::Whole, First::Whole, Parts::Never),
            (UploadForm::Parts(None), First::Parts, Parts::UpTo(1 << 24)),
            (UploadForm::Parts(Some(5)), First::Parts, Parts::UpTo(5)),
        ] {
            for host in ["ghcr.io", "public.ecr.aws", "kit.example"] {
                let (known, needs) = (needs_of(host, 1 << 24, None), needs_of(host, 1 << 24, Some(wish)));
                assert_eq!((needs.first, needs.parts, needs.ceiling), (first, parts, known.ceiling), "{host}");
            }
        }
    }
}
