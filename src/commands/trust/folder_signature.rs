//! `kit verify FOLDER --model-signature`

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use super::folder::path_inside;
use super::identity::Purpose;
use super::signatures::{SignatureArgs, signer_to_json};
use crate::context::Context;
use crate::output::{Code, Failure, Format, Moved, counted, table, tidy, tidy_in, usage};
use kit_core::limits;
use kit_core::ops::{self, FolderError, VerifiedFolder};
use kit_core::relative_path::RelativePath;
use kit_core::sys::read_regular;
use kit_core::trust::{FileDifference, SIGNATURE_FILE, UnsignedFiles};

/// The flags for verifying the signature of a folder.
#[derive(Debug, Args)]
pub(crate) struct FolderSignatureArgs {
    /// Verify the signature of FOLDER (OpenSSF Model Signing) in this file [default: model.sig in FOLDER]
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    #[allow(clippy::option_option, reason = "the flag may be given without a file")]
    model_signature: Option<Option<PathBuf>>,
    /// Ignore files that the signature of the folder does not cover
    #[arg(long)]
    ignore_unsigned_files: bool,
}

/// The members of the JSON document.
pub(crate) const FOLDER_MEMBERS: [&str; 7] =
    ["verified", "signer", "files", "size", "sizeBytes", "differences", "reason"];

impl FolderSignatureArgs {
    /// Returns true if the signature of a folder is to be verified.
    pub(crate) fn is_given(&self) -> bool {
        self.model_signature.is_some()
    }

    /// Fails if a flag is given that has no effect without --model-signature.
    pub(crate) fn expect_none(&self) -> Result<()> {
        if self.ignore_unsigned_files {
            return Err(usage("--ignore-unsigned-files requires --model-signature"));
        }
        Ok(())
    }

    /// Verifies the signature of `folder`, which the user calls `argument`.
    pub(crate) fn verify(
        &self,
        context: &Context,
        (folder, argument): (&Path, &Path),
        signatures: &SignatureArgs,
        format: &Format,
    ) -> Result<()> {
        let start = Instant::now();
        if !signatures.name_signers() {
            return Err(usage(
                "nothing says whose signature counts; add --key FILE, --ca FILE or --certificate-identity ID",
            ));
        }
        if signatures.are_of_modelkits() {
            return Err(usage("--type and --annotation apply to signatures of ModelKits, not to --model-signature"));
        }
        let (verifiers, _) = signatures.verifiers(context, Purpose::Folder)?;
        let given = self.model_signature.as_ref().and_then(Option::as_ref);
        let file = given.map_or_else(|| folder.join(SIGNATURE_FILE), |file| context.environment.absolute(file));
        let shown = given.map_or_else(|| tidy_in(argument, SIGNATURE_FILE), |file| tidy(file));
        if !file.exists() {
            return Err(Failure::error(Code::NotFound, format!("signature `{shown}` does not exist")));
        }
        let bundle = read_regular(&file, limits::BUNDLE_BYTES);
        let bundle = bundle.with_context(|| format!("cannot read the signature `{shown}`"))?;
        let own: Vec<_> = path_inside(folder, &file).into_iter().collect();
        let unsigned = if self.ignore_unsigned_files { UnsignedFiles::Ignored } else { UnsignedFiles::Refused };
        let verified = ops::verify_folder(folder, &bundle, &verifiers, (&own, unsigned), ops::jobs(), &context.bars);
        let name = tidy(argument);
        if let (Err(FolderError::Signature(error)), false) = (&verified, matches!(format, Format::Table)) {
            let document = json!({ "verified": false, "signer": null, "files": null, "size": null, "sizeBytes": null,
                "differences": [], "reason": error.to_string() });
            context.output.result(format.render(&document, String::new)?)?;
        }
        let verified = verified.with_context(|| format!("cannot verify `{name}` with the signature `{shown}`"))?;
        context.output.result(format.render(&to_json(&verified), || to_text(&name, &verified))?)?;
        match verified.compared.differences.len() {
            0 => {
                let (files, done) = (counted(verified.compared.files, "file"), (verified.compared.bytes, "read"));
                let moved = Moved { done, reused: Some(files), mounted: None, resumed: 0 };
                context.output.say(&format!("{name} matches `{shown}` · {}", moved.in_words(start)));
                Ok(())
            }
            count => {
                let differences = counted(count, "difference");
                Err(Failure::error(Code::Differs, format!("`{name}` differs from what was signed: {differences}")))
            }
        }
    }
}

fn to_text(name: &str, verified: &VerifiedFolder) -> String {
    let differences = &verified.compared.differences;
    if differences.is_empty() {
        return format!("{name}\n  signed    {}   {}", verified.signer, counted(verified.compared.files, "file"));
    }
    let row = |(path, difference): &(RelativePath, FileDifference)| [difference.word().to_owned(), path.to_string()];
    table::render(["CHANGE", "PATH"], &differences.iter().map(row).collect::<Vec<_>>())
}

fn to_json(verified: &VerifiedFolder) -> Value {
    let compared = &verified.compared;
    let differences = compared.differences.iter();
    let differences = differences.map(|(path, change)| json!({ "change": change.word(), "path": path.as_str() }));
    json!({
        "verified": compared.differences.is_empty(),
        "signer": signer_to_json(&verified.signer),
        "files": compared.files,
        "size": compared.bytes,
        "sizeBytes": compared.bytes,
        "differences": differences.collect::<Value>(),
        "reason": null,
    })
}
