//! Reads the imports of pickles that are not known to be harmless. Nothing is unpickled.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use super::read::Wanted;
use crate::compression::Compression;
use crate::modelkit::Layer;
use crate::oci::RangedReader;
use crate::ops::error::Error;
use crate::ops::files::{Headers, skim};
use crate::ops::session::Located;
use crate::relative_path::RelativePath;
use crate::scan::{self, Rules};
use crate::verdict::Profile;

/// The extensions of files that are pickles, or archives with pickles.
const EXTENSIONS: &[&str] = &["bin", "ckpt", "joblib", "pickle", "pkl", "pt", "pth"];

/// The rules about imports of pickles.
const RULES: [&str; 2] = ["pickle-global", "pickle-computed-global"];

/// Returns true if the file may contain pickles.
pub(super) fn may_have_pickles(path: &RelativePath) -> bool {
    let ending = path.file_name().and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending.to_lowercase());
    ending.is_some_and(|ending| EXTENSIONS.contains(&&*ending))
}

/// Reads the imports of the wanted pickles in `layer`. Files larger than `limit` are not read.
pub(super) fn read(
    profile: &mut Profile,
    found: &Located,
    layer: &Layer,
    (wanted, limit): (&Wanted, u64),
) -> Result<(), Error> {
    let blob = found.source.blob(&layer.descriptor);
    skim(&*found.source, layer, Headers::Leave, &mut |member, _| {
        if member.is_directory || !wanted.pickles.contains(&member.path) {
            return Ok(ControlFlow::Continue(()));
        }
        let place = member.offset.zip(member.size).filter(|_| layer.compression == Compression::None);
        let Some((offset, size)) = place.filter(|(_, size)| *size <= limit) else {
            profile.unread.push(format!("imports of pickles in `{}`: it is compressed or too large", member.path));
            return Ok(ControlFlow::Continue(()));
        };
        let mut file = Window { reader: RangedReader::new(&*blob, layer.descriptor.size), offset, size, position: 0 };
        let report = scan::scan_file(&mut file, size, member.path.as_str(), &Rules::default());
        let findings = report.map_err(|error| member.failed(error))?.findings;
        let imports =
            findings.into_iter().filter(|finding| RULES.contains(&finding.rule)).map(|finding| finding.detail);
        profile.pickles.insert(member.path.clone(), imports.collect::<BTreeSet<_>>());
        Ok(ControlFlow::Continue(()))
    })
    .map(drop)
}

/// A file in a layer that is not compressed.
struct Window<'a> {
    reader: RangedReader<'a>,
    offset: u64,
    size: u64,
    position: u64,
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.seek(SeekFrom::Start(self.offset + self.position))?;
        let read = self.reader.by_ref().take(self.size.saturating_sub(self.position)).read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Window<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
            SeekFrom::End(distance) => self.size.checked_add_signed(distance),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
