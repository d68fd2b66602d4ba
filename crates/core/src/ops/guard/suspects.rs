//! The files of a layer that the checks read or report, noted while the layer is measured: another walk through a
//! folder with many files would take a third of the time of packing it.

use super::folder::is_weights;
use super::pointer::has_size_of_pointer;
use super::secret_names::{is_secret_name, is_sure_name};
use crate::archive::{self, LayerSource, Measured};
use crate::kitfile::Section;
use crate::relative_path::RelativePath;

/// The number of files that may be pointers of Git LFS. With more of them, reading them takes as long as packing, and
/// they are rather small texts.
const MOST_POINTERS: usize = 10_000;

/// The files of a layer that need a closer look, each with its size.
#[derive(Debug, Default)]
pub(crate) struct Suspects {
    /// Files of weights.
    pub(super) weights: Vec<(RelativePath, u64)>,
    /// Files whose names say that they contain secrets, or may contain one.
    pub(super) secrets: Vec<(RelativePath, u64)>,
    /// Files that have the size of a pointer of Git LFS; none if they are too many.
    pub(super) pointers: Vec<(RelativePath, u64)>,
    /// True if there was a warning about secrets, which must be repeated when the layer is pushed.
    pub(crate) has_doubts: bool,
}

impl Suspects {
    /// Measures a layer and notes its suspects. No file is opened.
    pub(crate) fn measure(section: Section, source: &LayerSource<'_>) -> Result<(Measured, Self), archive::Error> {
        let (mut suspects, mut pointers) = (Self::default(), 0);
        let measured = source.measure(&mut |path, size| {
            if is_weights(section, path, &source.path) {
                suspects.weights.push((path.clone(), size));
            }
            if path.file_name().is_some_and(|name| is_sure_name(name) || is_secret_name(name)) {
                suspects.secrets.push((path.clone(), size));
            }
            if has_size_of_pointer(size) {
                pointers += 1;
                if pointers <= MOST_POINTERS {
                    suspects.pointers.push((path.clone(), size));
                }
            }
        })?;
        if pointers > MOST_POINTERS {
            suspects.pointers = Vec::new();
        }
        Ok((measured, suspects))
    }
}
