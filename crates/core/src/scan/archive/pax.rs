//! Extended headers of tar archives (POSIX.1-2017, pax, "pax Extended Header"): lines with a length, a key and a value.

/// The statements of an extended header about a member.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pax {
    pub(super) name: Option<String>,
    pub(super) size: Option<u64>,
    /// True if the member has holes, which are not in the archive.
    pub(super) is_sparse: bool,
}

/// Reads an extended header, and returns none if it is damaged.
pub(super) fn pax(mut bytes: &[u8]) -> Option<Pax> {
    let mut found = Pax::default();
    while !bytes.is_empty() && bytes[0] != 0 {
        let space = memchr::memchr(b' ', bytes)?;
        let length: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
        let line = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
        bytes = &bytes[length..];
        let equals = memchr::memchr(b'=', line)?;
        let (key, value) = (&line[..equals], &line[equals + 1..]);
        match key {
            b"path" => found.name = Some(String::from_utf8_lossy(value).into_owned()),
            b"size" => found.size = Some(std::str::from_utf8(value).ok()?.parse().ok()?),
            _ => found.is_sparse |= key.starts_with(b"GNU.sparse."),
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_headers_are_read_or_damaged() {
        let path = Pax { name: Some("a=b".to_owned()), size: Some(12), is_sparse: false };
        assert_eq!(pax(b"12 path=a=b\n11 size=12\n"), Some(path));
        assert_eq!(pax(b"23 GNU.sparse.major=1 \n").map(|pax| pax.is_sparse), Some(true));
        for damaged in [&b"path=a"[..], b"99 path=a\n", b"8 path=a\n", b"10 path=a ", b"3 path", b"11 size=1x\n\0"] {
            assert_eq!(pax(damaged), None, "{}", damaged.escape_ascii());
        }
    }
}
