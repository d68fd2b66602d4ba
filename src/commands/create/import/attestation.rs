//! `kit import --attestation-output`: a provenance predicate of an import, to be signed by another tool.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::context::Context;
use kit_core::digest::Digest;
use kit_core::ops::{self, Location, Lookup, Session};
use kit_core::provenance::ImportRecord;
use kit_core::sys;

/// The place to which the attestation is written.
pub(super) enum Attestation {
    StandardOutput,
    /// A file, which gets its name only when it is complete.
    File(PathBuf),
}

impl Attestation {
    /// Checks that `path` can be written; `-` is standard output.
    pub(super) fn open(context: &Context, path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::StandardOutput);
        }
        let path = context.environment.absolute(path);
        // An import takes long, so what can be seen now is reported now.
        if path.is_dir() || !path.parent().is_some_and(Path::is_dir) {
            bail!("cannot write the attestation `{}`: it needs a file name in an existing folder", path.display());
        }
        Ok(Self::File(path))
    }

    /// Writes the attestation of the import of `uri` at `commit`, which made the ModelKit `manifest` at `place`.
    pub(super) fn write(
        self,
        context: &Context,
        session: &Session<'_>,
        (place, lookup, manifest): (&Location, Lookup, Digest),
        (uri, commit): (String, &str),
        start: Instant,
    ) -> Result<()> {
        let mut found = session.find(place, lookup)?;
        found.name = manifest.to_string();
        let config = ops::inspect(&found)?.modelkit.manifest.config.digest;
        let started = context.environment.time;
        let record = ImportRecord {
            uri,
            commit: commit.to_owned(),
            config,
            kit: kit_core::VERSION.to_owned(),
            compiler: env!("KIT_COMPILER").to_owned(),
            started,
            finished: started + start.elapsed(),
        };
        let predicate = record.to_predicate();
        match self {
            Self::StandardOutput => context.output.result(predicate)?,
            Self::File(path) => sys::replace_file(&path, predicate.as_bytes())
                .with_context(|| format!("cannot write the attestation `{}`", path.display()))?,
        }
        context.output.say(&format!("ModelKit manifest digest: {manifest}"));
        Ok(())
    }
}
