//! The annotations of layers: the path of their files, and the metadata of a raw file that the header of a tar archive
//! would contain.

use serde::{Deserialize, Serialize};

use super::family::Family;
use crate::oci::Descriptor;
use crate::relative_path::RelativePath;

/// The annotation with the path of the files of a layer (ModelPack, "Layer annotations"), after the prefix of the
/// family.
const FILEPATH: &str = "filepath";
/// The annotation with the metadata of the file in a raw layer, which KitOps writes as well.
const FILE_METADATA: &str = "file.metadata+json";
/// The annotation that marks a guessed media type of a ModelPack. Media types by `kit` are certain, so the annotation
/// is dropped.
const UNTESTED: &str = "file.mediatype.untested";
/// The annotation with the path for CRI-O and podman, which read only this one (image-spec 1.1, "Pre-Defined Annotation
/// Keys").
const TITLE: &str = "org.opencontainers.image.title";

/// A file that is stored as a layer of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlainFile {
    /// The permission bits.
    pub mode: u32,
    /// The size in bytes.
    pub size: u64,
}

/// Sets the annotations of `layer` for the path of its files, and for a raw layer the metadata of `file`. They contain
/// neither time nor owner, so that equal files give an equal artifact. Other annotations are kept.
pub(crate) fn annotate(layer: &mut Descriptor, family: Family, path: &RelativePath, file: Option<PlainFile>) {
    let ours = |key: &str| [FILEPATH, FILE_METADATA, UNTESTED].contains(&key);
    layer.annotations.retain(|key, _| !prefixes().any(|prefix| key.strip_prefix(prefix).is_some_and(ours)));
    let key = |name: &str| format!("{}{name}", family.annotation_prefix());
    for key in [key(FILEPATH), TITLE.to_owned()] {
        layer.annotations.insert(key, path.to_string());
    }
    if let Some(file) = file {
        layer.annotations.insert(key(FILE_METADATA), file.to_json(path));
    }
}

/// The path of the files of `layer` by its annotations, of any family.
pub(crate) fn annotated_path(layer: &Descriptor) -> Option<&str> {
    let path = find(layer, FILEPATH).or_else(|| layer.annotations.get(TITLE));
    path.map(String::as_str).filter(|path| !path.is_empty())
}

/// The permission bits of the file in the annotations of a raw layer. `None` if they are missing or cannot be right: a
/// file without any permission could not have been read for packing.
pub(crate) fn annotated_mode(layer: &Descriptor) -> Option<u32> {
    let FileMode { mode } = serde_json::from_str(find(layer, FILE_METADATA)?).ok()?;
    Some(mode & 0o777).filter(|mode| *mode != 0)
}

fn find<'a>(layer: &'a Descriptor, name: &str) -> Option<&'a String> {
    prefixes().find_map(|prefix| layer.annotations.get(&format!("{prefix}{name}")))
}

fn prefixes() -> impl Iterator<Item = &'static str> {
    [Family::ModelPack, Family::LegacyModelPack].into_iter().map(Family::annotation_prefix)
}

/// The value of the annotation.
#[derive(Serialize)]
struct FileMetadata<'a> {
    name: &'a str,
    mode: u32,
    uid: u32,
    gid: u32,
    size: u64,
    mtime: &'a str,
    /// The type of the file; 0 is a regular file.
    typeflag: u8,
}

/// The only field that is used when the layer is unpacked.
#[derive(Deserialize)]
struct FileMode {
    mode: u32,
}

impl PlainFile {
    fn to_json(self, path: &RelativePath) -> String {
        let name = path.file_name().unwrap_or_default();
        let Self { mode, size } = self;
        let metadata = FileMetadata { name, mode, uid: 0, gid: 0, size, mtime: "1970-01-01T00:00:00Z", typeflag: 0 };
        serde_json::to_string(&metadata).expect("strings and numbers can be represented in JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::MediaType;

    fn check(annotation: &str, expected: Option<u32>) {
        for key in ["org.cncf.model.file.metadata+json", "org.cnai.model.file.metadata+json"] {
            let mut descriptor = Descriptor::of(MediaType::of("t"), b"");
            descriptor.annotations.insert(key.to_owned(), annotation.to_owned());
            assert_eq!(annotated_mode(&descriptor), expected, "{annotation}");
        }
    }

    #[test]
    fn a_mode_is_limited_to_its_permission_bits() {
        check(r#"{"name":"f","mode":493,"uid":0}"#, Some(0o755));
        // The file type and setuid in the mode, as written by some tools.
        check(r#"{"mode":35309}"#, Some(0o755));
        for nonsense in
            ["", "{", "[]", "{}", r#"{"mode":0}"#, r#"{"mode":-1}"#, r#"{"mode":"0644"}"#, r#"{"mode":1e30}"#]
        {
            check(nonsense, None);
        }
        assert_eq!(annotated_mode(&Descriptor::of(MediaType::of("t"), b"")), None);
    }

    #[test]
    fn written_bytes_equal_those_of_kitops_without_times() {
        let mut descriptor = Descriptor::of(MediaType::of("t"), b"");
        let file = Some(PlainFile { mode: 0o640, size: 5 });
        annotate(&mut descriptor, Family::ModelKit, &"d/f.bin".parse().unwrap(), file);
        expect_test::expect![[
            r#"{"name":"f.bin","mode":416,"uid":0,"gid":0,"size":5,"mtime":"1970-01-01T00:00:00Z","typeflag":0}"#
        ]]
        .assert_eq(&descriptor.annotations["org.cncf.model.file.metadata+json"]);
        assert_eq!(annotated_mode(&descriptor), Some(0o640));
        assert_eq!(annotated_path(&descriptor), Some("d/f.bin"));
    }

    #[test]
    fn conversion_drops_names_of_the_other_family_and_keeps_foreign_ones() {
        let mut descriptor = Descriptor::of(MediaType::of("t"), b"");
        descriptor.annotations.insert("org.cncf.model.file.mediatype.untested".to_owned(), "true".to_owned());
        descriptor.annotations.insert("org.example.contents".to_owned(), "kept".to_owned());
        let (path, file) = ("f".parse().unwrap(), Some(PlainFile { mode: 0o644, size: 1 }));
        annotate(&mut descriptor, Family::ModelPack, &path, file);
        annotate(&mut descriptor, Family::LegacyModelPack, &path, file);
        let keys: Vec<_> = descriptor.annotations.keys().map(String::as_str).collect();
        let expected = [
            "org.cnai.model.file.metadata+json",
            "org.cnai.model.filepath",
            "org.example.contents",
            "org.opencontainers.image.title",
        ];
        assert_eq!(keys, expected);
    }
}
