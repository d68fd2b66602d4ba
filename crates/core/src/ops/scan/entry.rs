//! Scanning one file of a stream.

use std::io::{self, Read};
use std::path::Path;

use super::result::{ScanOptions, Scanned};
use super::spool::Spool;
use crate::scan::{self, Report, Rules};

/// Scans the file `name`, whose content is all of `reader`.
///
/// A large file is written to a temporary file in the folder `scratch` first, because the rules read some formats from
/// their ends. An error is one of `reader` or of the temporary file.
pub fn scan_entry(reader: &mut dyn Read, name: &str, rules: &Rules, scratch: &Path) -> io::Result<Report> {
    let mut content = Spool::of(reader, scratch)?;
    let size = content.size()?;
    scan::scan_file(&mut content, size, name, rules)
}

/// Scans the file `name` like [`scan_entry`], as the only file of a scan.
pub(crate) fn scan_one(reader: &mut dyn Read, name: &str, options: &ScanOptions) -> io::Result<Scanned> {
    let mut content = Spool::of(reader, &options.scratch)?;
    let size = content.size()?;
    let mut scanned = Scanned::new(name, options);
    scanned.add(name, size, scan::scan_file(&mut content, size, name, &options.rules)?);
    Ok(scanned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Level;

    #[test]
    fn small_and_large_files_of_a_stream_are_scanned() {
        let folder = tempfile::tempdir().unwrap();
        let token = format!("{{\"auto_map\": \"{}AKIA{}\"}}", " ".repeat(100), "Q7".repeat(8));
        let report = scan_entry(&mut token.as_bytes(), "config.json", &Rules::default(), folder.path()).unwrap();
        assert_eq!(report.level(), Some(Level::High));
        let spaces = io::repeat(b' ').take(9 << 20);
        let mut large = spaces.chain(&br#"{"auto_map": ["a.B"]}"#[..]);
        let report = scan_entry(&mut large, "config.json", &Rules::default(), folder.path()).unwrap();
        assert_eq!(report.level(), Some(Level::Medium), "{report:?}");
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 0);
    }
}
