//! `kit attach`

use std::path::{Component, Path};

use anyhow::{Context as _, Result};
use clap::Args;

use super::annotations::Annotation;
use super::certificates::CertificateArgs;
use super::evaluation::EvaluationArgs;
use super::network::TrustNetworkArgs;
use crate::arguments::ReceiptArgs;
use crate::context::Context;
use crate::output::{counted, usage};
use kit_core::oci::{Annotations, MediaType};
use kit_core::ops::{self, AttachOptions, FileToAttach, Lookup};

/// Attach files to a ModelKit
///
/// The files become a referrer of the ModelKit, as `oras attach` makes it: in the local store if that has the ModelKit,
/// otherwise in the registry. The ModelKit and its digest do not change, and `kit push`, `kit pull` and `kit copy`
/// transfer the files with it. `kit referrers` lists and fetches them.
///
/// With --result, the results of an evaluation are attached instead: an in-toto test result, signed with --key, that
/// names the ModelKit and the data by their digests. The file is the output of lm-eval, a run of MLflow, or any JSON
/// with numbers. `kit diff` and `kit log` compare the metrics of versions that were evaluated on the same data.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit attach sentiment:v2 --type application/vnd.cyclonedx+json sentiment.cdx.json
  kit attach sentiment:v2 --type application/vnd.example.report.v1 report.html:text/html scores.csv:text/csv
  kit attach sentiment:v2 --result results.json --data datasets:eval --key ci.key
  kit attach sentiment:v2 --result metrics.json --data ./data/eval --minimum accuracy=0.9 --key ci.key
  kit attach registry.example/team/sentiment:v2 --remote --type application/vnd.example.review.v1 \\
    --annotation reviewer=ada")]
pub(crate) struct AttachArgs {
    /// ModelKit to attach to
    #[arg(value_name = "NAME:TAG")]
    reference: String,
    /// Files to attach, optionally with their media types [default: application/json for .json, otherwise
    /// application/octet-stream]
    #[arg(value_name = "FILE[:MEDIA_TYPE]")]
    files: Vec<String>,
    /// Type of the document, as in `artifactType`
    #[arg(long = "type", visible_alias = "artifact-type", value_name = "TYPE", conflicts_with = "result")]
    artifact_type: Option<String>,
    /// Annotation of the document (repeatable)
    #[arg(long = "annotation", value_name = "KEY=VALUE")]
    annotations: Vec<Annotation>,
    #[command(flatten)]
    evaluation: EvaluationArgs,
    #[command(flatten)]
    certificates: CertificateArgs,
    /// Attach in the registry, even if the ModelKit is in the local store
    #[arg(short, long)]
    remote: bool,
    #[command(flatten)]
    receipt: ReceiptArgs,
    #[command(flatten)]
    network: TrustNetworkArgs,
}

impl AttachArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        if self.evaluation.is_given() {
            return self.attach_evaluation(context);
        }
        self.receipt.begin_with(context, &["digest", "references", "artifacts", "seconds"])?;
        let Some(artifact_type) = self.artifact_type.clone() else {
            return Err(usage(
                "the type of the document is missing: use --type TYPE, or --result FILE for an evaluation",
            ));
        };
        if self.files.is_empty() && self.annotations.is_empty() {
            return Err(usage("there is nothing to attach: give a FILE, or an --annotation"));
        }
        if !is_media_type(&artifact_type) {
            return Err(usage(format!("`{artifact_type}` is not a type; write it as in application/json")));
        }
        let location = context.location(&self.reference)?;
        let session = context.session(&self.network)?;
        let place = if self.remote { Lookup::Remote } else { Lookup::Anywhere };
        let annotations = self.annotations.iter().map(|Annotation(key, value)| (key.clone(), value.clone()));
        let options = AttachOptions {
            artifact_type: MediaType::from(artifact_type),
            files: self.files.iter().map(|text| file(context, text)).collect(),
            annotations: annotations.collect::<Annotations>(),
            time: context.environment.time,
        };
        let failed = || format!("cannot attach to `{location}`");
        let signable = ops::open_signable(&session, &location, place).with_context(failed)?;
        let attached = ops::attach_files(&signable, &options).with_context(failed)?;
        let line = format!("Attached {} to {}", attached.digest, signable.subject.digest);
        context.receipt.made(&context.output, ("attached", attached.digest), &[location.to_string()], line)?;
        let files = counted(self.files.len(), "file");
        context.output.say(&match (signable.found.is_remote, location) {
            (true, location) => format!("{files} stored in the registry, beside {location}"),
            (false, location) => format!("{files} stored beside {location}; `kit push` transfers them with it"),
        });
        Ok(())
    }

    /// Attaches the results of an evaluation.
    fn attach_evaluation(&self, context: &Context) -> Result<()> {
        if !self.files.is_empty() || !self.annotations.is_empty() {
            return Err(usage("--result attaches one file with results; it needs no FILE and no --annotation"));
        }
        let fields = ["digest", "references", "artifacts", "seconds", "signer", "signatures"];
        self.receipt.begin_with(context, &fields)?;
        let location = context.location(&self.reference)?;
        let session = context.session(&self.network)?;
        let place = if self.remote { Lookup::Remote } else { Lookup::Anywhere };
        self.evaluation.attach(context, &session, (&location, place), &self.certificates)
    }
}

/// The file that `text` names. A media type after the last colon contains a slash; a path that exists is a path.
fn file(context: &Context, text: &str) -> FileToAttach {
    let split = text.rsplit_once(':').filter(|(path, media_type)| !path.is_empty() && is_media_type(media_type));
    let (path, media_type) = match split {
        Some((path, media_type)) if !context.environment.absolute(Path::new(text)).exists() => {
            (path, media_type.to_owned())
        }
        _ => (text, default_type(text).to_owned()),
    };
    let path = Path::new(path);
    FileToAttach { name: name(path), path: context.environment.absolute(path), media_type: media_type.into() }
}

fn default_type(path: &str) -> &'static str {
    let is_json = Path::new(path).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    if is_json { "application/json" } else { "application/octet-stream" }
}

/// The name of a file: its path if that is below the current folder, as in oras, otherwise its last component.
fn name(path: &Path) -> String {
    let normal: Option<Vec<_>> = path
        .components()
        .filter(|component| *component != Component::CurDir)
        .map(|component| match component {
            Component::Normal(name) => Some(name.to_string_lossy()),
            _ => None,
        })
        .collect();
    let last = || path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    normal.map_or_else(last, |names| names.join("/"))
}

/// Returns true for `type/subtype` (RFC 6838, 4.2), with parameters or without.
fn is_media_type(text: &str) -> bool {
    let is_name = |text: &str| {
        let is_valid = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c);
        text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(is_valid)
    };
    let essence = text.split_once(';').map_or(text, |(essence, _)| essence);
    essence.split_once('/').is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_distinguished_from_paths() {
        for text in ["text/csv", "application/vnd.example.v1+json", "text/plain;charset=utf-8"] {
            assert!(is_media_type(text), "{text}");
        }
        for text in ["csv", "/data/a.csv", "a/b/c", "text/", "a b/c", r"\data\x", ""] {
            assert!(!is_media_type(text), "{text}");
        }
    }

    #[test]
    fn a_path_below_the_current_folder_is_the_name() {
        for (path, expected) in
            [("a.json", "a.json"), ("./b/a.json", "b/a.json"), ("../a.json", "a.json"), ("/tmp/x/a.json", "a.json")]
        {
            assert_eq!(name(Path::new(path)), expected);
        }
    }
}
