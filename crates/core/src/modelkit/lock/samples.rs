//! Arbitrary locks, for the round-trip tests.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::{Strategy, any};
use proptest::sample::select;

use super::document::{Lock, LockedFile, LockedFolder, LockedLayer, LockedParent, LockedRemote};
use crate::digest::Digest;
use crate::kitfile::Section;
use crate::oci::MediaType;
use crate::relative_path::RelativePath;

fn digest() -> impl Strategy<Value = Digest> {
    any::<u8>().prop_map(|byte| Digest::of(&[byte]))
}

fn path() -> impl Strategy<Value = RelativePath> {
    "[a-c %\n-]{1,3}(/[a-c]{1,2}){0,2}".prop_filter_map("a path", |text| text.parse().ok())
}

fn parent() -> impl Strategy<Value = (Digest, Vec<RelativePath>)> {
    (digest(), btree_set(path(), 0..3)).prop_map(|(manifest, paths)| (manifest, paths.into_iter().collect()))
}

fn layer() -> impl Strategy<Value = LockedLayer> {
    let section = select(vec![Section::Model, Section::ModelPart, Section::Code, Section::Dataset, Section::Prompt]);
    let files = btree_map(path(), (0..=0o7777_u32, any::<u64>(), digest()), 0..4);
    let folders = btree_map(path(), 0..=0o7777_u32, 0..3);
    (section, path(), any::<String>(), any::<String>(), (digest(), option::of(digest())), (folders, files)).prop_map(
        |(section, path, name, media_type, (digest, diff_id), (folders, files))| {
            let inside = |inner: RelativePath| -> RelativePath {
                format!("{path}/{inner}").parse().expect("two clean paths make one")
            };
            let folder = |(inner, mode): (RelativePath, u32)| LockedFolder { path: inside(inner), mode };
            let folders = folders.into_iter().map(folder).collect();
            let file = |(inner, (mode, size, digest)): (RelativePath, (u32, u64, Digest))| LockedFile {
                path: inside(inner),
                mode,
                size,
                digest,
            };
            let files = files.into_iter().map(file).collect();
            LockedLayer {
                section,
                path,
                name,
                media_type: MediaType::from(media_type),
                digest,
                diff_id,
                folders,
                files,
            }
        },
    )
}

fn remotes() -> impl Strategy<Value = Vec<LockedRemote>> {
    btree_map((path(), any::<String>()), (digest(), any::<Option<u64>>()), 0..3).prop_map(|remotes| {
        let remote = |((path, address), (digest, size))| LockedRemote { path, address, digest, size };
        remotes.into_iter().map(remote).collect()
    })
}

pub(super) fn lock() -> impl Strategy<Value = Lock> {
    (digest(), digest(), btree_map(any::<String>(), parent(), 0..3), remotes(), vec(layer(), 0..4)).prop_map(
        |(manifest, kitfile, parents, remotes, mut layers)| {
            let parents =
                parents.into_iter().map(|(reference, (manifest, paths))| LockedParent { reference, manifest, paths });
            layers.sort_by(|one, other| (&one.path, one.section).cmp(&(&other.path, other.section)));
            layers.dedup_by(|one, other| (&one.path, one.section) == (&other.path, other.section));
            Lock::new(manifest, kitfile, parents.collect(), remotes, layers)
        },
    )
}
