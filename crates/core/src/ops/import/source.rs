//! The large files of a repository as blobs: the LFS id of a file is the digest that it has as a raw layer.

use std::collections::HashMap;

use crate::digest::Digest;
use crate::modelkit::Documents;
use crate::oci::{Companion, Content, ContentError, Descriptor, Source};
use crate::relative_path::RelativePath;
use crate::upstream::Upstream;

/// A repository as a source of its files, and of the ModelKit that was made from them.
pub(super) struct FromUpstream<'a> {
    upstream: &'a dyn Upstream,
    files: HashMap<Digest, RelativePath>,
    documents: Option<&'a Documents>,
}

impl<'a> FromUpstream<'a> {
    pub(super) fn new(upstream: &'a dyn Upstream) -> Self {
        let files = upstream.files().iter().filter_map(|file| Some((file.digest?, file.path.clone())));
        Self { upstream, files: files.collect(), documents: None }
    }

    /// Adds a ModelKit, whose `layers` are the files at the given paths.
    pub(super) fn with(self, documents: &'a Documents, layers: impl Iterator<Item = (Digest, RelativePath)>) -> Self {
        let files = self.files.into_iter().chain(layers).collect();
        Self { files, documents: Some(documents), ..self }
    }
}

impl Source for FromUpstream<'_> {
    fn resolve(&self, name: &str) -> Result<Descriptor, ContentError> {
        let missing = || ContentError::NotFound(name.to_owned());
        self.documents.map(|documents| documents.manifest.clone()).ok_or_else(missing)
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ContentError> {
        let missing = || ContentError::NotFound(descriptor.digest.to_string());
        self.documents.map(|documents| documents.manifest_bytes.clone()).ok_or_else(missing)
    }

    fn blob<'a>(&'a self, descriptor: &Descriptor) -> Box<dyn Content + 'a> {
        match self.files.get(&descriptor.digest) {
            Some(path) => self.upstream.content(path, descriptor),
            // The only other blob is the config, if there is a ModelKit.
            None => Box::new(self.documents.map_or(&[][..], |documents| &documents.config_bytes)),
        }
    }

    /// Neither a hub nor a git repository has referrers.
    fn referrers(&self, _subject: &Descriptor) -> Result<Vec<Descriptor>, ContentError> {
        Ok(Vec::new())
    }

    /// Neither a hub nor a git repository has companions.
    fn companions(&self, _subject: &Digest, _kind: Companion) -> Result<Vec<(Descriptor, Vec<u8>)>, ContentError> {
        Ok(Vec::new())
    }
}
