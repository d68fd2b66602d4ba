//! What a raw layer says of its file besides the bytes, in an annotation; a tar says it in the member's header.

use serde::{Deserialize, Serialize};

use crate::oci::Descriptor;
use crate::relative_path::RelativePath;

/// ModelPack, "Layer annotations"; the Go tool writes it, too.
const FILE_METADATA: &str = "org.cncf.model.file.metadata+json";

/// A file that is a layer of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlainFile {
    /// Permission bits.
    pub mode: u32,
    /// In bytes.
    pub size: u64,
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
    /// Of what kind the file is; 0 is an ordinary one.
    typeflag: u8,
}

/// The one thing that counts when the layer is unpacked.
#[derive(Deserialize)]
struct FileMode {
    mode: u32,
}

impl PlainFile {
    /// Describes the file `path` in the annotations of its layer. Neither its time nor its owner: equal files give an equal
    /// ModelKit.
    pub(super) fn annotate(self, path: &RelativePath, descriptor: &mut Descriptor) {
        let name = path.file_name().unwrap_or_default();
        let Self { mode, size } = self;
        let metadata = FileMetadata { name, mode, uid: 0, gid: 0, size, mtime: "1970-01-01T00:00:00Z", typeflag: 0 };
        let text = serde_json::to_string(&metadata).expect("texts and numbers have a form in JSON");
        descriptor.annotations.insert(FILE_METADATA.to_owned(), text);
    }
}

/// The permission bits that the annotations of a raw layer give its file. None if they give none, or none that can be meant:
/// a packer could not have read a file without any.
pub(super) fn annotated_mode(descriptor: &Descriptor) -> Option<u32> {
    let FileMode { mode } = serde_json::from_str(descriptor.annotations.get(FILE_METADATA)?).ok()?;
    Some(mode & 0o777).filter(|mode| *mode != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::MediaType;

    fn check(annotation: &str, expected: Option<u32>) {
        let mut descriptor = Descriptor::of(MediaType::of("t"), b"");
        descriptor.annotations.insert(FILE_METADATA.to_owned(), annotation.to_owned());
        assert_eq!(annotated_mode(&descriptor), expected, "{annotation}");
    }

    #[test]
    fn a_mode_is_read_as_far_as_it_can_be_meant() {
        check(r#"{"name":"f","mode":493,"uid":0}"#, Some(0o755));
        // The kind of the file and setuid, as some packers write them.
        check(r#"{"mode":35309}"#, Some(0o755));
        for nonsense in
            ["", "{", "[]", "{}", r#"{"mode":0}"#, r#"{"mode":-1}"#, r#"{"mode":"0644"}"#, r#"{"mode":1e30}"#]
        {
            check(nonsense, None);
        }
        assert_eq!(annotated_mode(&Descriptor::of(MediaType::of("t"), b"")), None);
    }

    #[test]
    fn what_is_written_is_what_the_go_tool_writes_without_times() {
        let mut descriptor = Descriptor::of(MediaType::of("t"), b"");
        PlainFile { mode: 0o640, size: 5 }.annotate(&"d/f.bin".parse().unwrap(), &mut descriptor);
        expect_test::expect![[
            r#"{"name":"f.bin","mode":416,"uid":0,"gid":0,"size":5,"mtime":"1970-01-01T00:00:00Z","typeflag":0}"#
        ]]
        .assert_eq(&descriptor.annotations[FILE_METADATA]);
        assert_eq!(annotated_mode(&descriptor), Some(0o640));
    }
}
