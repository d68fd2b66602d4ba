//! The names that an artifact has in the local store. The rules for them also apply if it is asked for without them.

use std::path::Path;

use crate::digest::Digest;
use crate::oci::Reference;
use crate::ops::error::Error;
use crate::store::{Names, Store};
use crate::trust::policy::Name;

/// The names of the manifest `digest`, or of an index that contains it.
pub(super) fn of(store: &Store, digest: &Digest) -> Result<Vec<Name>, Error> {
    let mut names = Vec::new();
    for entry in store.index()?.entries() {
        let is_member = || entry.is_index() && store.members(&entry.descriptor).iter().any(|it| it.digest == *digest);
        if (entry.descriptor.digest == *digest || is_member())
            && let Some(name) = entry.reference().map(Name::of)
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    Ok(names)
}

/// The names of the artifact `name` of `layout`: the repository that the layout states, and the names in the local
/// store if it is the layout.
pub(super) fn in_layout(store: &Store, layout: &Store, name: &str) -> Result<Vec<Name>, Error> {
    let stated = name.parse::<Reference>().ok().filter(|reference| !reference.is_local());
    let mut names: Vec<_> = stated.iter().map(Name::of).collect();
    if is_same(store.root(), layout.root())
        && let Some(entry) = layout.find(&Names::Tags, name)?
    {
        let known = of(store, &entry.descriptor.digest)?;
        names.extend(known.into_iter().filter(|name| *name != Name::Local));
    }
    Ok(names)
}

fn is_same(one: &Path, other: &Path) -> bool {
    let resolved = |path: &Path| fs_err::canonicalize(path).ok();
    one == other || resolved(one).is_some_and(|one| Some(one) == resolved(other))
}
