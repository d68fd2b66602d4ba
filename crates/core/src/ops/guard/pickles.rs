//! Pickles that run code when they are loaded, found by name and first bytes while a folder is checked anyway.

use std::io::{self, Read, Seek, SeekFrom};

use super::folder::CheckedLayer;
use super::suspects::Suspects;
use crate::archive::LayerSource;
use crate::ops::error::Error;
use crate::ops::workers;
use crate::progress::{Paths, Progress, Warning};
use crate::relative_path::RelativePath;
use crate::scan::{Finding, Level, Rules, scan_file};
use crate::sys;

/// The number of bytes of a pickle that are examined: more of it would take a noticeable part of the time of packing.
/// Of archives, only the pickles in them are read.
const EXAMINED_BYTES: u64 = 4 * 1024 * 1024;

/// The number of files that the warning names.
const NAMED: usize = 3;

/// Warns of pickles that run code. Returns for each layer whether it has one. A layer whose files were checked before
/// without a finding is not read again.
pub(super) fn warn_of_pickles(
    layers: &[CheckedLayer<'_>],
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Vec<bool>, Error> {
    let found = workers::run(jobs, layers, |layer| {
        let is_new = !layer.is_free_of_secrets;
        Ok::<_, Error>(if is_new { dangerous_pickles(layer.source, layer.suspects) } else { Vec::new() })
    })?;
    let files: Vec<_> = found.iter().flatten().map(|(path, import)| format!("{path} ({import})")).collect();
    if !files.is_empty() {
        let named = files.iter().take(NAMED).map(String::as_str).collect();
        progress.warn(&Warning::DangerousPickles(Paths { paths: named, more: files.len().saturating_sub(NAMED) }));
    }
    Ok(found.iter().map(|found| !found.is_empty()).collect())
}

/// Returns the pickles of a layer that run code, each with its first dangerous finding. An unreadable file is not a
/// finding; packing it reports the error.
pub(crate) fn dangerous_pickles(source: &LayerSource<'_>, suspects: &Suspects) -> Vec<(RelativePath, String)> {
    let danger = |(path, size): &(RelativePath, u64)| {
        let file = sys::open_regular(&path.join_to(source.root)).ok()?;
        let finding = danger_in(file, *size, path.as_str()).ok()??;
        Some((path.clone(), finding.detail))
    };
    suspects.pickles.iter().filter_map(danger).collect()
}

/// Returns the first finding of level `high` in a file that begins like a pickle or an archive.
fn danger_in(mut file: impl Read + Seek, size: u64, name: &str) -> io::Result<Option<Finding>> {
    let mut head = Vec::new();
    file.by_ref().take(2).read_to_end(&mut head)?;
    let is_archive = head == b"PK";
    let is_pickle = match *head {
        [0x80, version] => version <= 5,
        // Compressed with gzip or zlib, and the first opcodes of protocols 0 and 1.
        [0x1f, 0x8b] | [0x78 | b'(' | b']' | b'}' | b'c', _] => size <= EXAMINED_BYTES,
        _ => false,
    };
    if !is_archive && !is_pickle {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(0))?;
    let report = if is_archive || size <= EXAMINED_BYTES {
        scan_file(&mut file, size, name, &Rules::default())?
    } else {
        let mut beginning = Vec::new();
        file.take(EXAMINED_BYTES).read_to_end(&mut beginning)?;
        let size = beginning.len() as u64;
        scan_file(&mut io::Cursor::new(beginning), size, name, &Rules::default())?
    };
    let is_of_pickle = |finding: &Finding| finding.level == Level::High && finding.rule.starts_with("pickle-");
    Ok(report.findings.into_iter().find(is_of_pickle))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn pickles_that_run_code_are_found_by_their_first_bytes() {
        let padded = |pickle: &[u8], size: usize| [pickle, &vec![b' '; size]].concat();
        for (content, expected) in [
            (b"cos\nsystem\n(S'id'\ntR.".to_vec(), Some("os.system")),
            (b"\x80\x02cos\nsystem\n.".to_vec(), Some("os.system")),
            (padded(b"\x80\x02cos\nsystem\n.", 5 << 20), Some("os.system")),
            (b"\x80\x02ccollections\nOrderedDict\n.".to_vec(), None),
            (b"x = 'cos\nsystem\n.'".to_vec(), None),
            (b"".to_vec(), None),
        ] {
            let size = content.len() as u64;
            let found = danger_in(Cursor::new(&content), size, "a.pkl").unwrap();
            assert_eq!(found.map(|found| found.detail).as_deref(), expected, "{size}");
        }
    }
}
