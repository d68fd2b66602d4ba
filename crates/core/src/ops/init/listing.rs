//! The Kitfile that an import writes if none is given.

use std::collections::BTreeMap;

use super::layout::Layout;
use super::project::{BELOW, Files, RemoteProject};
use crate::draft::{self, Found, FoundKind};
use crate::kitfile::Kitfile;
use crate::ops::error::Error;
use crate::upstream::{Upstream, UpstreamFile};

/// Returns the Kitfile that `kit init` would write for these files of the repository, with the metadata of the
/// repository. Files get entries of their own down to `depth` levels of folders.
pub(crate) fn draft(upstream: &dyn Upstream, files: &[&UpstreamFile], depth: usize) -> Result<Kitfile, Error> {
    let about = upstream.about();
    let files: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.size)).collect();
    let listing = listing(&files, depth.saturating_add(BELOW));
    let project = RemoteProject(upstream);
    let layout = Layout::read(&Files::of(&project, &listing))?;
    let mut kitfile = draft::detect(&listing, layout.hints(about.license.as_deref(), depth)).kitfile;
    let package = &mut kitfile.package;
    package.name.clone_from(&about.name);
    package.authors.extend(about.owner.clone());
    package.description = format!("Imported from {} at {}", about.url, about.commit);
    Ok(kitfile)
}

/// Turns paths into a listing of files and folders, in which folders are listed `levels` deep.
pub(super) fn listing(files: &[(&str, u64)], levels: usize) -> Vec<Found> {
    let (mut listing, mut folders) = (Vec::new(), BTreeMap::<&str, Vec<(&str, u64)>>::new());
    for (path, size) in files {
        match path.split_once('/') {
            Some((folder, rest)) => folders.entry(folder).or_default().push((rest, *size)),
            None => listing.push(Found { name: (*path).to_owned(), kind: FoundKind::File { size: *size } }),
        }
    }
    listing.extend(folders.into_iter().map(|(name, inside)| {
        let inside = if levels == 0 { Vec::new() } else { self::listing(&inside, levels - 1) };
        Found { name: name.to_owned(), kind: FoundKind::Folder(inside) }
    }));
    listing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_folders_and_only_the_outermost_of_them_are_listed() {
        let file = |name: &str, size| Found { name: name.to_owned(), kind: FoundKind::File { size } };
        let folder = |name: &str, inside| Found { name: name.to_owned(), kind: FoundKind::Folder(inside) };
        assert_eq!(
            listing(&[("a", 1), ("b/c", 2), ("b/d/e", 3), ("b/d/f", 4)], 1),
            [file("a", 1), folder("b", vec![file("c", 2), folder("d", Vec::new())])]
        );
    }
}
