//! The pointer that git stores instead of a large file.

use crate::digest::Digest;

/// A small text that represents a file (git-lfs, docs/spec.md, "The Pointer").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pointer {
    /// The digest of the file.
    pub digest: Digest,
    /// The size of the file in bytes.
    pub size: u64,
}

/// The versions of the format that `git lfs` reads (git-lfs, `lfs/pointer.go`); the second has the name of the
/// predecessor of Git LFS.
const VERSIONS: [&str; 2] = ["https://git-lfs.github.com/spec/v1", "https://hawser.github.com/spec/v1"];

impl Pointer {
    /// Reads a pointer; `None` if the text is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        lines.next()?.strip_prefix("version ").filter(|version| VERSIONS.contains(version))?;
        let pairs: Vec<_> = lines.map(|line| line.split_once(' ')).collect::<Option<_>>()?;
        let value = |key| pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        Some(Self { digest: value("oid")?.parse().ok()?, size: value("size")?.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_names_a_digest_and_a_size() {
        let digest = Digest::of(b"weights");
        let good = format!("version https://git-lfs.github.com/spec/v1\noid {digest}\nsize 7\n");
        assert_eq!(Pointer::parse(&good), Some(Pointer { digest, size: 7 }));
        for other in [good.replace('\n', "\r\n"), good.replace("git-lfs", "hawser")] {
            assert_eq!(Pointer::parse(&other), Some(Pointer { digest, size: 7 }), "{other}");
        }
        for text in [
            "",
            "version https://git-lfs.github.com/spec/v1\n",
            "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 7\n",
            &good.replace("size 7", "size -7"),
            &good.replace("size 7", "prose"),
            &good.replace("spec/v1", "spec/v9"),
            &format!("# {good}"),
        ] {
            assert_eq!(Pointer::parse(text), None, "{text}");
        }
    }
}
