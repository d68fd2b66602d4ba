//! The files of a layer that the checks read or report, noted while the layer is measured: another walk through a
//! folder with many files would take a third of the time of packing it.

use super::damage::is_checkable_data;
use super::folder::{has_no_pointers, is_weights};
use super::misplaced::is_misplaced;
use super::pointer::has_size_of_pointer;
use super::secrets::is_small_text;
use super::shards::is_shard_index;
use crate::archive::{self, LayerSource, Measured};
use crate::kitfile::Section;
use crate::relative_path::RelativePath;
use crate::scan::is_named_like_a_pickle;
use crate::scan::secrets::{is_secret_name, is_sure_name};

/// The number of files that may be pointers of Git LFS. With more of them, reading them takes as long as packing, and
/// they are rather small texts.
const MOST_POINTERS: usize = 10_000;

/// The number of data files that may be cut off. More of them were written by a program, and opening each takes as long
/// as packing.
const MOST_DATA: usize = 10_000;

/// The number of small texts of a dataset that are searched for secrets, and the number of their bytes. More of them
/// are the data itself, and searching them takes as long as packing.
const MOST_TEXTS: usize = 10_000;
const MOST_TEXT_BYTES: u64 = 64 * 1024 * 1024;

/// The files of a layer that need a closer look, each with its size.
#[derive(Debug, Default)]
pub(crate) struct Suspects {
    /// Files of weights.
    pub(super) weights: Vec<(RelativePath, u64)>,
    /// Files that may list the shards of a model.
    pub(super) indexes: Vec<(RelativePath, u64)>,
    /// Files of data that may be cut off; none if they are too many.
    pub(super) data: Vec<(RelativePath, u64)>,
    /// Files whose names say that they contain secrets, or may contain one.
    pub(super) secrets: Vec<(RelativePath, u64)>,
    /// Small texts of a dataset that may contain secrets; none if they are too many.
    pub(super) texts: Vec<(RelativePath, u64)>,
    /// Files that are loaded as pickles by their names; none if they are too many.
    pub(super) pickles: Vec<(RelativePath, u64)>,
    /// Files that have the size of a pointer of Git LFS; none if they are too many.
    pub(super) pointers: Vec<(RelativePath, u64)>,
    /// Files in a folder of code or documents that look like weights or data.
    pub(super) misplaced: Vec<(RelativePath, u64)>,
    /// True if there was a warning about secrets, which must be repeated when the layer is pushed.
    pub(crate) has_doubts: bool,
}

impl Suspects {
    /// Measures a layer and notes its suspects. No file is opened.
    pub(crate) fn measure(section: Section, source: &LayerSource<'_>) -> Result<(Measured, Self), archive::Error> {
        let (mut suspects, mut pointers, mut data, mut pickles) = (Self::default(), 0, 0, 0);
        let (mut texts, mut text_bytes) = (0, 0_u64);
        let measured = source.measure(&mut |path, size| {
            if is_weights(section, path, &source.path) {
                suspects.weights.push((path.clone(), size));
            } else if has_no_pointers(section) && size > 0 && path.file_name().is_some_and(is_checkable_data) {
                data += 1;
                if data <= MOST_DATA {
                    suspects.data.push((path.clone(), size));
                }
            }
            if section != Section::Dataset && path.file_name().is_some_and(is_shard_index) {
                suspects.indexes.push((path.clone(), size));
            }
            if path.file_name().is_some_and(|name| is_sure_name(name) || is_secret_name(name)) {
                suspects.secrets.push((path.clone(), size));
            } else if section == Section::Dataset && path.file_name().is_some_and(|name| is_small_text(name, size)) {
                texts += 1;
                text_bytes += size;
                if texts <= MOST_TEXTS {
                    suspects.texts.push((path.clone(), size));
                }
            }
            if path.file_name().is_some_and(is_named_like_a_pickle) {
                pickles += 1;
                if pickles <= MOST_DATA {
                    suspects.pickles.push((path.clone(), size));
                }
            }
            if is_misplaced(section, path, size, &source.path) {
                suspects.misplaced.push((path.clone(), size));
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
        if texts > MOST_TEXTS || text_bytes > MOST_TEXT_BYTES {
            suspects.texts = Vec::new();
        }
        if pickles > MOST_DATA {
            suspects.pickles = Vec::new();
        }
        if data > MOST_DATA {
            suspects.data = Vec::new();
        }
        Ok((measured, suspects))
    }
}
