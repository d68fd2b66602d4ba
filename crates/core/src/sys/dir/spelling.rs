//! Names of files in the spelling that they have on other systems.
//!
//! HFS+, and the SMB client of macOS, return names in the decomposed form of Unicode: `é` as two characters, however
//! the name was written. Files of one project must have one name everywhere, so such names are composed again, as git
//! does with `core.precomposeUnicode`. APFS returns names as they were written, and they stay like that. Either
//! spelling opens the file.

#[cfg(any(test, target_vendor = "apple"))]
use unicode_normalization::{UnicodeNormalization, is_nfd};

/// Returns the name of `entry`, composed if its file system decomposes names; `None` if it is not UTF-8.
#[cfg(target_vendor = "apple")]
pub fn name_of(entry: &fs_err::DirEntry) -> Option<String> {
    let name = entry.file_name().into_string().ok()?;
    let is_decomposed = !name.is_ascii()
        && entry.path().parent().is_some_and(|folder| rustix::fs::statfs(folder).is_ok_and(|found| decomposes(&found)));
    Some(if is_decomposed { composed(&name) } else { name })
}

/// Returns the name of `entry`; `None` if it is not UTF-8.
#[cfg(not(target_vendor = "apple"))]
pub fn name_of(entry: &fs_err::DirEntry) -> Option<String> {
    entry.file_name().into_string().ok()
}

/// Returns true if a file system decomposes names.
#[cfg(target_vendor = "apple")]
pub(super) fn decomposes(file_system: &rustix::fs::StatFs) -> bool {
    let name = file_system.f_fstypename.iter().map(|sign| sign.cast_unsigned()).take_while(|sign| *sign != 0);
    let name: Vec<u8> = name.collect();
    matches!(&*name, b"hfs" | b"smbfs")
}

/// Returns `name` in the composed form, unless it has characters that the file system has not decomposed: it would not
/// take their composed forms for the same (Technical Q&A 1173 of Apple, about HFS+).
#[cfg(any(test, target_vendor = "apple"))]
pub(super) fn composed(name: &str) -> String {
    if is_nfd(name) { name.nfc().collect() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decomposed_names_are_composed() {
        for (name, expected) in [
            ("plain", "plain"),
            ("cafe\u{301}", "caf\u{e9}"),
            ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
            ("caf\u{e9}", "caf\u{e9}"),
            // A compatibility ideograph, which HFS+ leaves as it is and NFC would replace.
            ("\u{f900}e\u{301}", "\u{f900}e\u{301}"),
        ] {
            assert_eq!(composed(name), expected, "{name}");
        }
    }

    #[cfg(not(target_vendor = "apple"))]
    #[test]
    fn names_stay_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["cafe\u{301}", "caf\u{e9}"];
        for name in names {
            fs_err::write(folder.path().join(name), "").unwrap();
        }
        let entries = fs_err::read_dir(folder.path()).unwrap();
        let mut found: Vec<_> = entries.map(|entry| name_of(&entry.unwrap()).unwrap()).collect();
        found.sort();
        assert_eq!(found, names);
    }
}
