//! Package URLs of the type `oci`, and percent-encoding.

use crate::digest::Digest;
use crate::oci::Reference;

/// Encodes all bytes but unreserved ones (RFC 3986, 2.3) and slashes.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let digit = |nibble: u8| char::from(b"0123456789ABCDEF"[usize::from(nibble)]);
            encoded.extend(['%', digit(byte >> 4), digit(byte & 0xf)]);
        }
    }
    encoded
}

/// The package URL of a ModelKit (purl-spec, type `oci`); none without a name.
pub(super) fn purl(name: &Reference, digest: &Digest) -> Option<String> {
    if name.is_unnamed() {
        return None;
    }
    let last = name.repository.rsplit('/').next().unwrap_or_default().to_lowercase();
    let repository = (!name.is_local()).then(|| format!("repository_url={}", encode(&name.full_repository())));
    let tag = name.tag.as_ref().map(|tag| format!("tag={}", encode(tag.as_str())));
    let qualifiers: Vec<_> = repository.into_iter().chain(tag).collect();
    let mark = if qualifiers.is_empty() { "" } else { "?" };
    Some(format!("pkg:oci/{}@{}{mark}{}", encode(&last), encode(&digest.to_string()), qualifiers.join("&")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_host_has_no_repository() {
        let digest = Digest::of(b"");
        for (name, expected) in [
            ("a.io:5000/x/y:v1", "pkg:oci/y@sha256%3AHEX?repository_url=a.io%3A5000/x/y&tag=v1"),
            ("y:v1", "pkg:oci/y@sha256%3AHEX?tag=v1"),
            ("a.io/y", "pkg:oci/y@sha256%3AHEX?repository_url=a.io/y"),
        ] {
            let expected = expected.replace("HEX", &digest.hex());
            assert_eq!(purl(&name.parse().unwrap(), &digest), Some(expected));
        }
        assert_eq!(purl(&digest.to_string().parse().unwrap(), &digest), None);
    }

    #[test]
    fn odd_names_are_encoded() {
        assert_eq!(encode("a b/#%é~.txt"), "a%20b/%23%25%C3%A9~.txt");
    }
}
