//! The owners whom the changes of each version concern.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};

use super::changes::{Contents, changed_paths};
use super::version::Version;
use crate::kitfile::Kitfile;
use crate::limits;
use crate::oci::{Descriptor, Source};
use crate::ops::artifact::Inspected;
use crate::ops::diff::{FileChange, compare_fields};
use crate::ops::owners::{Ownership, read_listed};
use crate::owners::{Owner, Owners};
use crate::progress::Progress;

/// The owners of a version, and the Kitfile that their patterns refer to.
#[derive(Debug, Clone, Default)]
pub(super) struct OwnedVersion {
    owners: Option<Owners>,
    /// `None` if the Kitfiles of all versions are too large to keep.
    kitfile: Option<Box<Kitfile>>,
}

impl OwnedVersion {
    /// Reads the owners among the referrers `listed` of a version. `bytes` counts the Kitfiles that are kept.
    pub(super) fn read(
        source: &dyn Source,
        inspected: &Inspected,
        listed: &[Descriptor],
        bytes: &AtomicU64,
        progress: &dyn Progress,
    ) -> Self {
        let size = inspected.config_bytes.len() as u64;
        let is_kept = bytes.fetch_add(size, Ordering::Relaxed) + size <= limits::LOG_KITFILES_BYTES;
        let kitfile = is_kept.then(|| Box::new(inspected.modelkit.config.kitfile.clone()));
        Self { owners: read_listed(source, &inspected.descriptor, listed, progress), kitfile }
    }
}

/// Names the owners of the changes of each version, which was compared with the one before.
pub(super) fn name(versions: &mut [Version]) {
    let positions: HashMap<_, _> =
        versions.iter().enumerate().map(|(index, version)| (version.descriptor.digest, index)).collect();
    for index in 0..versions.len() {
        let before = versions[index].before.and_then(|before| positions.get(&before));
        versions[index].owners = before.and_then(|before| owners(&versions[*before], &versions[index]));
    }
}

fn owners(before: &Version, version: &Version) -> Option<Vec<Owner>> {
    let mut ownership = Ownership::default();
    let empty = Kitfile::default();
    for OwnedVersion { owners, kitfile } in [&before.owned, &version.owned] {
        ownership.add(owners.clone(), kitfile.as_deref().unwrap_or(&empty));
    }
    if ownership.is_empty() {
        return None;
    }
    let mut found = BTreeSet::new();
    if let (Some(one), Some(other)) = (&before.owned.kitfile, &version.owned.kitfile) {
        for field in compare_fields(one, other) {
            found.extend(ownership.of_field(&field.path).into_iter().cloned());
        }
    }
    for file in &version.files {
        found.extend(ownership.of_file(&file.path).into_iter().cloned());
        if let FileChange::Moved(from) = &file.change {
            found.extend(ownership.of_file(from).into_iter().cloned());
        }
    }
    // Without the files, the paths of the layers are all that is known.
    let layers: (&Contents, &Contents) = (&before.contents, &version.contents);
    for path in changed_paths(layers.0, layers.1).into_iter().filter(|_| version.files.is_empty()) {
        found.extend(ownership.of_file(path).into_iter().cloned());
    }
    Some(found.into_iter().collect())
}
