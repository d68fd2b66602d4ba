//! Folders to pack, and helpers for layers and targets.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use kit_core::archive::{
    Destination, Error, IgnoreRules, LayerShape, LayerSource, LayerSummary, Links, Modes, Notebooks, Overwrite, Placed,
    extract_layer, write_layer,
};
use kit_core::compression::Compression;
use kit_core::digest::DigestWriter;
use kit_core::layer_format::Format;
use kit_core::progress::Silent;
use tempfile::TempDir;

/// A folder of files whose modes do not depend on the umask.
pub(crate) struct Context {
    pub(crate) folder: TempDir,
    pub(crate) ignore: String,
    pub(crate) links: Links,
    pub(crate) modes: Modes,
}

impl Context {
    pub(crate) fn new() -> Self {
        let (folder, ignore, modes) = (tempfile::tempdir().unwrap(), String::new(), Modes::default());
        Self { folder, ignore, links: Links::InsideContext, modes }
    }

    /// Creates a context of files that each contain their own path.
    pub(crate) fn with_files(paths: &[&str]) -> Self {
        let context = Self::new();
        for path in paths {
            context.file(path, path.as_bytes());
        }
        context
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, path: &str, content: &[u8]) {
        if let Some((folder, _)) = path.rsplit_once('/') {
            self.directory(folder);
        }
        fs_err::write(self.root().join(path), content).unwrap();
        self.set_mode(path, 0o644);
    }

    pub(crate) fn directory(&self, path: &str) {
        let mut place = self.root().to_owned();
        for name in path.split('/') {
            place.push(name);
            if !place.exists() {
                fs_err::create_dir(&place).unwrap();
                set_mode(&place, 0o755);
            }
        }
    }

    pub(crate) fn link(&self, path: &str, target: &str) {
        fs_err::os::unix::fs::symlink(target, self.root().join(path)).unwrap();
    }

    pub(crate) fn set_mode(&self, path: &str, mode: u32) {
        set_mode(&self.root().join(path), mode);
    }

    /// Packs the layer `path` where the other layers have the paths `excluded`.
    pub(crate) fn pack_with(
        &self,
        path: &str,
        excluded: &[&str],
        compression: Compression,
    ) -> Result<(LayerSummary, Vec<u8>), Error> {
        let ignore = IgnoreRules::parse(&self.ignore)?;
        let source = LayerSource {
            root: self.root(),
            path: path.parse().unwrap(),
            excluded: excluded.iter().map(|path| path.parse().unwrap()).collect(),
            ignore: &ignore,
            links: self.links,
            notebooks: Notebooks::AsTheyAre,
            modes: self.modes.clone(),
        };
        let mut layer = DigestWriter::new(Vec::new());
        let summary = write_layer(&source, Format::Tar, compression, None, &mut layer, &Silent)?;
        let (layer, ..) = layer.finish();
        let measured = source.measure(&mut |_, _| ())?;
        assert_eq!((measured.files, measured.bytes), (summary.files, summary.bytes));
        assert_eq!(measured.path_is_ignored, summary.path_is_ignored);
        Ok((summary, layer))
    }

    pub(crate) fn pack(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.pack_with(path, &[], Compression::None).map(|(_, layer)| layer)
    }

    /// Returns the names in the layer `path`, folders with a trailing slash, joined by blanks.
    pub(crate) fn names(&self, path: &str, excluded: &[&str]) -> String {
        let (_, layer) = self.pack_with(path, excluded, Compression::None).unwrap();
        names(&layer)
    }
}

pub(crate) fn set_mode(place: &Path, mode: u32) {
    fs_err::set_permissions(place, PermissionsExt::from_mode(mode)).unwrap();
}

/// Returns the member names of a tar, read by another implementation.
pub(crate) fn names(layer: &[u8]) -> String {
    let mut archive = tar::Archive::new(layer);
    let name = |entry: std::io::Result<tar::Entry<&[u8]>>| {
        let entry = entry.unwrap();
        let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        name + if entry.header().entry_type().is_dir() { "/" } else { "" }
    };
    archive.entries().unwrap().map(name).collect::<Vec<_>>().join(" ")
}

/// Returns everything below `place`, sorted, one line each: kind, mode, path and content, or the target of a link.
pub(crate) fn snapshot(place: &Path) -> String {
    let mut lines = Vec::new();
    let mut folders = vec![place.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs_err::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(place).unwrap().display().to_string();
            let mode = metadata.permissions().mode() & 0o7777;
            lines.push(if metadata.is_dir() {
                folders.push(path);
                format!("{name}/ {mode:o}")
            } else if metadata.is_symlink() {
                format!("{name} -> {}", fs_err::read_link(&path).unwrap().display())
            } else {
                let bytes = fs_err::read(&path).unwrap();
                let shown =
                    if bytes.len() < 40 { String::from_utf8_lossy(&bytes).into_owned() } else { digest(&bytes) };
                format!("{name} {mode:o} {shown}")
            });
        }
    }
    lines.sort();
    lines.join("\n")
}

fn digest(bytes: &[u8]) -> String {
    kit_core::digest::Digest::of(bytes).hex()
}

/// Returns the shape of a layer of the current kind.
pub(crate) fn shape(path: &str) -> LayerShape {
    LayerShape { path: path.parse().unwrap(), base: "".parse().unwrap() }
}

/// Extracts `layers`, pairs of a path and an uncompressed tar, into `place`.
pub(crate) fn unpack(place: &Path, overwrite: Overwrite, layers: &[(&str, &[u8])]) -> Result<Placed, Error> {
    let destination = Destination::open(place, overwrite)?;
    for (path, layer) in layers {
        extract_layer(*layer, Compression::None, &shape(path), &destination, &Silent)?;
    }
    destination.commit()
}

/// A member of a handmade tar.
pub(crate) struct Member<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) kind: u8,
    pub(crate) mode: u32,
    pub(crate) content: &'a [u8],
    /// The size in the header, if it is wrong.
    pub(crate) size: Option<u64>,
}

impl Member<'_> {
    pub(crate) fn file<'a>(name: &'a str, text: &'a str) -> Member<'a> {
        Member { name: name.as_bytes(), kind: b'0', mode: 0o644, content: text.as_bytes(), size: None }
    }

    pub(crate) fn of_kind(name: &str, kind: u8) -> Member<'_> {
        Member { kind, mode: 0o755, ..Member::file(name, "") }
    }

    pub(crate) fn record(kind: u8, text: &str) -> Member<'_> {
        Member { kind, ..Member::file("record", text) }
    }
}

/// Returns a tar of these members, with the two empty blocks at the end.
pub(crate) fn tar(members: &[Member]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for member in members {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..member.name.len()].copy_from_slice(member.name);
        header.set_entry_type(tar::EntryType::new(member.kind));
        header.set_mode(member.mode);
        header.set_size(member.size.unwrap_or(member.content.len() as u64));
        header.set_cksum();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(member.content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

/// Returns a PAX record.
pub(crate) fn pax(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let length = (1..100_000).find(|length| rest.len() + length.to_string().len() == *length).unwrap();
    format!("{length}{rest}")
}
