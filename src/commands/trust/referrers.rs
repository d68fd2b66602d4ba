//! `kit referrers`

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use super::predicate_types;
use crate::arguments::{LookupArgs, OverwriteArgs, UnsafePathArgs, report_local_store};
use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::{Format, counted, one_line, table, tidy, usage};
use kit_core::oci::{Descriptor, Source};
use kit_core::ops::{self, AttachedDocument, AttachmentError};
use kit_core::progress::human;

/// List what is attached to a ModelKit, or fetch the files of it
///
/// Referrers are documents such as signatures, attestations and bills of materials. They are listed as the place has
/// them, and nothing is verified but their digests. With DIGEST, the manifest of one of them is shown; --output writes
/// its files.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit referrers sentiment:v2
  kit referrers registry.example/team/sentiment:v2 --remote --type application/vnd.cyclonedx+json
  kit referrers sentiment:v2 sha256:5d0e6dd1f7b2 --output ./report")]
pub(crate) struct ReferrersArgs {
    /// ModelKit
    #[arg(value_name = "NAME:TAG")]
    reference: String,
    /// Digest of a referrer, or its beginning
    #[arg(value_name = "DIGEST")]
    digest: Option<String>,
    /// Type of the documents to list [default: all]
    #[arg(long = "type", visible_alias = "artifact-type", value_name = "TYPE", conflicts_with = "digest")]
    artifact_type: Option<String>,
    /// Output folder for the files of the referrer
    #[arg(long, value_name = "FOLDER", requires = "digest")]
    output: Option<PathBuf>,
    #[command(flatten)]
    overwrite: OverwriteArgs,
    #[command(flatten)]
    unsafe_paths: UnsafePathArgs,
    /// Output format: table, json, yaml, or a Go template
    #[arg(long, value_name = "FORMAT", default_value = "table", conflicts_with = "output")]
    format: Format,
    #[command(flatten)]
    lookup: LookupArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

const FIELDS: [&str; 8] =
    ["digest", "artifactType", "predicateType", "mediaType", "size", "created", "annotations", "files"];

impl ReferrersArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        if self.digest.is_none() {
            self.format.expect_fields(&FIELDS)?;
        }
        let location = context.location(&self.reference)?;
        let session = context.session(&self.network)?;
        let failed = || format!("cannot read the referrers of `{location}`");
        let found = ops::find_signed(&session, &location, self.lookup.place()).with_context(failed)?;
        report_local_store(context, &location, &found);
        let subject = found.source.resolve(&found.name).with_context(failed)?;
        let place = (&*found.source, &subject);
        let Some(digest) = &self.digest else {
            let jobs = session.jobs(&[&location]);
            let documents = ops::attached_documents(place, self.artifact_type.as_deref(), jobs, &context.bars);
            return self.list(context, documents.with_context(failed)?).with_context(failed);
        };
        if !is_digest(digest) {
            return Err(usage(format!("`{digest}` is neither a digest nor the beginning of one")));
        }
        let document = ops::attached_document(place, digest, &context.bars).with_context(failed)?;
        match &self.output {
            Some(folder) => self.fetch(context, (&*found.source, &document), folder).with_context(failed),
            None => self.show(context, &document),
        }
    }

    /// Lists the documents. One that cannot be read is a failure, after the others are listed.
    fn list(&self, context: &Context, documents: Vec<Result<AttachedDocument, AttachmentError>>) -> Result<()> {
        let (mut read, mut failure) = (Vec::new(), None);
        for document in documents {
            match document {
                Ok(document) => read.push(document),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        let rows: Vec<_> = read.iter().map(row).collect();
        let table = || if rows.is_empty() { String::new() } else { table::render(HEADINGS, &rows) };
        context.output.result(self.format.render_rows(&read, to_json, table)?)?;
        failure.map_or(Ok(()), |error| Err(error.into()))
    }

    fn show(&self, context: &Context, document: &AttachedDocument) -> Result<()> {
        let manifest: Value = serde_json::from_slice(&document.manifest)?;
        let pretty = || Format::Json.render(&manifest, String::new);
        let text = match self.format {
            Format::Table => pretty()?,
            _ => self.format.render(&manifest, String::new)?,
        };
        Ok(context.output.result(text)?)
    }

    fn fetch(
        &self,
        context: &Context,
        (source, document): (&dyn Source, &AttachedDocument),
        folder: &Path,
    ) -> Result<()> {
        let unsafe_paths = self.unsafe_paths.choice(&context.environment);
        let target = (&*context.environment.absolute(folder), self.overwrite.choice(), &unsafe_paths);
        ops::fetch_files(source, document, target, &context.bars)?;
        for file in &document.files {
            context.output.result(one_line(&AttachedDocument::name_of(file)))?;
        }
        context.output.say(&format!("{} written to {}", counted(document.files.len(), "file"), tidy(folder)));
        Ok(())
    }
}

fn is_digest(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    (4..=64).contains(&digits.len()) && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

const HEADINGS: [&str; 5] = ["DIGEST", "TYPE", "CREATED", "SIZE", "FILES"];

fn row(document: &AttachedDocument) -> [String; 5] {
    let names: Vec<_> = document.files.iter().map(AttachedDocument::name_of).collect();
    [
        document.descriptor.digest.to_string().chars().take("sha256:".len() + 12).collect(),
        kind(document),
        document.created().unwrap_or("-").to_owned(),
        human(document.files.iter().map(|file| file.size).sum()),
        names.join(", "),
    ]
}

/// The type of a document; for a bundle, the word for the type of its statement, as far as the manifest names it.
fn kind(document: &AttachedDocument) -> String {
    document.predicate_type().map_or_else(|| document.artifact_type().to_owned(), predicate_types::word)
}

fn to_json(document: &AttachedDocument) -> Value {
    let Descriptor { media_type, digest, annotations, .. } = &document.descriptor;
    let file = |file: &Descriptor| {
        json!({
            "name": AttachedDocument::name_of(file), "mediaType": file.media_type.as_str(), "digest": file.digest,
            "size": file.size,
        })
    };
    json!({
        "digest": digest,
        "artifactType": document.artifact_type(),
        "predicateType": document.predicate_type(),
        "mediaType": media_type.as_str(),
        "size": document.files.iter().map(|file| file.size).sum::<u64>(),
        "created": document.created(),
        "annotations": annotations,
        "files": document.files.iter().map(file).collect::<Vec<_>>(),
    })
}
