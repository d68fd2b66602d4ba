//! In which form a registry takes a blob: what is known beforehand, by the host of the upload's location.

/// Smaller parts after a registry refused one as too large: what ghcr.io takes (rust-oci-client#35, #37).
pub(super) const SMALL_PART_BYTES: u64 = 4 * 1024 * 1024;

/// What to do when the whole blob in one PUT did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// Send parts of at most this size by PATCH.
    UpTo(u64),
    /// Start again: the registry takes no parts.
    Never,
}

/// Hosts that are known to be special, as ends of their names; the default is one PUT, then parts.
///
/// `KitOps` sends one PUT to all of these (spec 7.3.4). That Google's and Amazon's registries take nothing else is
/// from `KitOps` `pkg/lib/repo/remote`, and ghcr.io's limit from rust-oci-client#35.
const SPECIAL_HOSTS: &[(&str, Parts)] = &[
    ("ghcr.io", Parts::UpTo(SMALL_PART_BYTES)),
    (".pkg.dev", Parts::Never),
    ("gcr.io", Parts::Never),
    (".amazonaws.com", Parts::Never),
    (".amazonaws.com.cn", Parts::Never),
];

/// What is known about `host`, which takes parts of `part_bytes` otherwise.
pub(super) fn parts_for(host: &str, part_bytes: u64) -> Parts {
    let host = host.to_ascii_lowercase();
    match SPECIAL_HOSTS.iter().find(|(end, _)| host.ends_with(end)) {
        Some((_, Parts::UpTo(limit))) => Parts::UpTo(part_bytes.min(*limit)),
        Some((_, Parts::Never)) => Parts::Never,
        None => Parts::UpTo(part_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_hosts_are_known_and_others_take_parts() {
        for (host, expected) in [
            ("ghcr.io", Parts::UpTo(SMALL_PART_BYTES)),
            ("GHCR.io", Parts::UpTo(SMALL_PART_BYTES)),
            ("europe-docker.pkg.dev", Parts::Never),
            ("eu.gcr.io", Parts::Never),
            ("1.dkr.ecr.eu-west-1.amazonaws.com", Parts::Never),
            ("1.dkr.ecr.cn-north-1.amazonaws.com.cn", Parts::Never),
            ("kit.example", Parts::UpTo(1 << 24)),
        ] {
            assert_eq!(parts_for(host, 1 << 24), expected, "{host}");
        }
    }
}
