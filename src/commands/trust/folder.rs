//! `kit sign FOLDER`

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;

use crate::context::Context;
use crate::output::{counted, tidy, tidy_in, usage};
use kit_core::ops::{self, FolderSigning};
use kit_core::progress::human;
use kit_core::relative_path::RelativePath;
use kit_core::sys::replace_file;
use kit_core::trust::{CertificateChain, PrivateKey, SIGNATURE_FILE, default_ignored};

/// The flags for signing a folder.
#[derive(Debug, Args)]
pub(crate) struct FolderArgs {
    /// File for the signature of a folder [default: model.sig in FOLDER]
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// File or folder below FOLDER that the signature does not cover (repeatable)
    #[arg(long, value_name = "PATH")]
    ignore: Vec<RelativePath>,
}

/// Returns the folder that `argument` names: an existing one, or `./NAME`. Otherwise it names a ModelKit.
pub(super) fn folder(context: &Context, argument: &str) -> Result<Option<PathBuf>> {
    let path = Path::new(argument);
    let is_path = path.starts_with(".") || path.starts_with("..") || path.is_absolute();
    if is_path || context.environment.absolute(path).is_dir() {
        return context.folder(path).with_context(|| format!("cannot sign `{argument}`")).map(Some);
    }
    Ok(None)
}

/// The path in `folder` of the file `signature`, if it is there.
pub(super) fn path_inside(folder: &Path, signature: &Path) -> Option<RelativePath> {
    let folder = fs_err::canonicalize(folder).ok()?;
    let parent = fs_err::canonicalize(signature.parent()?).ok()?;
    let inside = parent.join(signature.file_name()?).strip_prefix(folder).ok()?.to_owned();
    let names: Option<Vec<_>> = inside.iter().map(|name| name.to_str()).collect();
    names?.join("/").parse().ok()
}

impl FolderArgs {
    /// Fails if a flag is given, because a ModelKit is signed.
    pub(super) fn expect_none(&self) -> Result<()> {
        if self.signature.is_some() || !self.ignore.is_empty() {
            return Err(usage("--signature and --ignore apply to folders; write a folder as ./NAME"));
        }
        Ok(())
    }

    /// Signs `folder`, which the user calls `argument`, and writes the signature.
    pub(super) fn sign(
        &self,
        context: &Context,
        folder: &Path,
        argument: &str,
        (key, certificates): (&PrivateKey, Option<&CertificateChain>),
    ) -> Result<()> {
        if let Some(root) = self.ignore.iter().find(|path| path.is_root()) {
            return Err(usage(format!("`--ignore {root}` would ignore the whole folder")));
        }
        let file = self.signature.as_ref().map(|file| context.environment.absolute(file));
        let file = file.unwrap_or_else(|| folder.join(SIGNATURE_FILE));
        let mut ignored = default_ignored(path_inside(folder, &file).as_ref());
        ignored.extend(self.ignore.iter().cloned());
        let place = fs_err::canonicalize(folder)?;
        let name = place.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy()).into_owned();
        let options = FolderSigning { folder, name, key, certificates, ignored, jobs: ops::jobs() };
        let signed = ops::sign_folder(&options, &context.bars);
        let signed = signed.with_context(|| format!("cannot sign `{}`", tidy(Path::new(argument))))?;
        let shown = match &self.signature {
            Some(file) => tidy(file),
            None => tidy_in(Path::new(argument), SIGNATURE_FILE),
        };
        let written = replace_file(&file, &signed.bundle);
        written.with_context(|| format!("cannot write the signature `{shown}`"))?;
        let (files, bytes) = (counted(signed.files, "file"), human(signed.bytes));
        let key_name = key.public_key().name().to_string();
        let line = format!("Signed {argument} ({files}, {bytes}) with {key_name}");
        context.receipt.made(&context.output, ("signed", signed.root), &[argument.to_owned()], line)?;
        context.receipt.append("signatures", json!({ "file": shown, "files": signed.files, "bytes": signed.bytes }));
        context.receipt.fact("signer", key_name);
        context.output.say(&format!("wrote the signature to `{shown}`"));
        Ok(())
    }
}
