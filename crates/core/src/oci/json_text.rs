//! JSON documents as servers and editors write them.

/// Returns the document without the UTF-8 byte order mark that some programs put in front of it (RFC 8259, 8.1, allows
/// parsers to ignore it).
pub fn without_bom(document: &[u8]) -> &[u8] {
    document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_mark_is_removed() {
        assert_eq!(without_bom(b"\xef\xbb\xbf{}\n"), b"{}\n");
        assert_eq!(without_bom(b"{}"), b"{}");
        assert_eq!(without_bom(b""), b"");
    }
}
