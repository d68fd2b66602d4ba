//! Native libraries: code for a processor, which is not analysed.

use std::io;

use super::finding::Level;
use super::member::Member;
use super::scanner::{Outcome, Scan};

/// The first bytes of ELF and Mach-O files, the latter for one and for several processors.
const SIGNATURES: [&[u8]; 4] = [b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe\0\0\0\x02"];

/// The place with the offset of the header of a Windows program, in its first bytes (PE format, "MS-DOS Stub").
const PE_OFFSET: usize = 0x3c;

/// Recognises libraries and programs by content, and libraries by name.
pub(super) fn library(member: &mut Member<'_>, scan: &mut Scan<'_>) -> io::Result<Outcome> {
    let head = member.head()?;
    let is_native = SIGNATURES.iter().any(|signature| head.starts_with(signature)) || is_windows_program(head);
    if is_native || has_name_of_library(member) {
        scan.findings.add(Level::Low, "native-library", member.file_name(), None);
    }
    Ok(Outcome::Open)
}

fn is_windows_program(head: &[u8]) -> bool {
    let offset = head.get(PE_OFFSET..PE_OFFSET + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
    let header = offset.and_then(|offset| head.get(usize::try_from(offset).ok()?..));
    head.starts_with(b"MZ") && header.is_some_and(|header| header.starts_with(b"PE\0\0"))
}

/// Returns true for `a.so`, `a.so.1`, `a.dll` and the like.
fn has_name_of_library(member: &Member<'_>) -> bool {
    let has_version = |name: &str| {
        name.rsplit_once(".so.").is_some_and(|(_, version)| version.starts_with(|c: char| c.is_ascii_digit()))
    };
    member.has_extension(&["so", "dll", "dylib", "pyd"]) || has_version(member.file_name())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use crate::scan::{Rules, scan_file};

    #[test]
    fn libraries_are_found_by_content_and_by_name() {
        let windows = [b"MZ".as_slice(), &[0; 58], &[0x40, 0, 0, 0], b"PE\0\0"].concat();
        for (name, content, expected) in [
            ("weights.bin", b"\x7fELF\x02\x01\x01\0".as_slice(), true),
            ("a", windows.as_slice(), true),
            ("a.dat", b"MZ\0\0", false),
            ("lib/a.so.1.2", b"", true),
            ("a.so.txt", b"", false),
            ("a.DLL", b"x", true),
            ("Main.class", b"\xca\xfe\xba\xbe\0\0\0\x34", false),
            ("a.safetensors", b"\x08\0\0\0\0\0\0\0{}      ", false),
        ] {
            let report = scan_file(&mut Cursor::new(content), content.len() as u64, name, &Rules::default()).unwrap();
            let is_found = report.findings.iter().any(|found| found.rule == "native-library");
            assert_eq!(is_found, expected, "{name}: {report:?}");
        }
    }
}
