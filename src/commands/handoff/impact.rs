//! `kit impact`

use std::path::Path;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::config::NetworkArgs;
use crate::context::{Context, parse};
use crate::output::{Code, ExitWithDifferences, ExitWithTrouble, Failure, Format, counted, one_line, table, usage};
use kit_core::digest::Digest;
use kit_core::ops::{
    self, Affected, FileLocation, Filter, Impact, ImpactOptions, Lookup, Reason, ReasonKind, Selection, Session,
    Sought, Unknown, UnknownReason,
};
use kit_core::progress::human;

/// Find the versions that hold a file, dataset, tensor or base model
///
/// Searches every version of the repositories, and of indexes in them, for the content of WHAT: a file or a folder on
/// this machine, a digest, a ModelKit, or a file in one (NAME:TAG//PATH). Versions whose Kitfile or attestation names
/// an affected version as base model or dataset are listed as well. Of a whole ModelKit, the model and the datasets are
/// searched for; --filter selects other parts.
///
/// Only manifests, Kitfiles, tables of contents and provenance attestations are read, and no layers: at most 3 requests
/// for each version, besides those for lists of tags, or 60 if there are only a few versions. Versions whose documents
/// do not answer the question, because layers have no table of contents or more requests would be necessary, are listed
/// on standard error. Tables of contents are trusted as they were packed; `kit unpack` compares them with the files.
///
/// A name with a registry is searched in the registry, unless --local-only is given; without a repository, the whole
/// local store is searched.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit impact ./data/train.csv registry.example/team/sentiment registry.example/team/support
  kit impact sentiment:v2 --filter datasets:train registry.example/team/sentiment
  kit impact base:v1
  kit impact base:v1 registry.example/team/chat --tensor model.embed_tokens.weight
  kit impact sha256:4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865 oci:/srv/kits --exit-code")]
pub(crate) struct ImpactArgs {
    /// File, folder, digest or ModelKit to search for
    #[arg(value_name = "WHAT")]
    what: String,
    /// Repositories to search, or single versions (NAME:TAG) or image layouts (oci:FOLDER) [default: the local store]
    #[arg(value_name = "REPOSITORY")]
    repositories: Vec<String>,
    /// Search only for matching parts of the ModelKit: TYPES[:NAMES], both comma-separated; types are model,
    /// model.parts, datasets, code, docs, prompts and mcpServers (repeatable)
    #[arg(short, long, value_name = "FILTER")]
    filter: Vec<String>,
    /// Search only for the tensor with this name in the weights
    #[arg(long, value_name = "NAME")]
    tensor: Option<String>,
    /// Search repositories of registries in the local store
    #[arg(long)]
    local_only: bool,
    /// Read all documents, even if this takes more than 3 requests for each version
    #[arg(long)]
    full: bool,
    /// Exit with 1 if a version holds the content, with 2 if this cannot be ruled out, otherwise with 0
    #[arg(long)]
    exit_code: bool,
    /// Output format: table, json, yaml, or a Go template
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    network: NetworkArgs,
}

impl ImpactArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let impact = self.show(context).map_err(|error| self.trouble(error))?;
        if !self.exit_code {
            return Ok(());
        }
        match (impact.affected.len(), impact.unknown.len()) {
            (0, 0) => Ok(()),
            (0, unknown) => {
                let (versions, verb) = (counted(unknown, "version"), if unknown == 1 { "holds" } else { "hold" });
                Err(Failure::error(Code::Usage, format!("cannot rule out that {versions} {verb} `{}`", self.what)))
            }
            _ => Err(ExitWithDifferences.into()),
        }
    }

    /// Gives a failure another code than 1, which is an answer.
    fn trouble(&self, error: anyhow::Error) -> anyhow::Error {
        let attempt = format!("cannot search for `{}`", self.what);
        if self.exit_code { error.context(ExitWithTrouble(attempt)) } else { error.context(attempt) }
    }

    fn show(&self, context: &Context) -> Result<Impact> {
        self.format.expect_fields(&["versions", "requests", "bytes", "affected", "unknown", "unreadRecords"])?;
        let session = context.session(&self.network)?;
        let locations =
            self.repositories.iter().map(|name| context.location_as_given(name)).collect::<Result<Vec<_>>>()?;
        let sought = self.sought(context, &session)?;
        let places: Vec<_> = locations.iter().collect();
        // Without repositories, the local store is searched.
        let jobs = if places.is_empty() { ops::jobs() } else { session.jobs(&places) };
        let options = ImpactOptions { is_local: self.local_only, is_exhaustive: self.full, jobs };
        let impact = ops::impact(&session, &sought, &locations, &options)?;
        context.output.result(self.format.render(&to_json(&impact), || render(&impact))?)?;
        report(context, &impact);
        Ok(impact)
    }

    /// Reads the content to search for.
    fn sought(&self, context: &Context, session: &Session<'_>) -> Result<Sought> {
        let what = &self.what;
        if let Ok(digest) = what.parse::<Digest>() {
            self.expect_no_part("a digest")?;
            return Ok(Sought::of_digest(digest));
        }
        let path = context.environment.absolute(Path::new(what));
        let sought = if path.exists() || what.starts_with(['.', '/']) || Path::new(what).is_absolute() {
            if !self.filter.is_empty() {
                return Err(usage("--filter selects parts of a ModelKit, not of a file"));
            }
            Sought::of_path(&path, self.tensor.as_deref())?
        } else {
            self.sought_modelkit(context, session)?
        };
        if sought.is_empty() {
            let missing = match &self.tensor {
                Some(tensor) => format!("no table of contents or file of weights has a tensor `{tensor}`"),
                None => "it has no content to search for".to_owned(),
            };
            return Err(Failure::error(Code::NotFound, missing));
        }
        Ok(sought)
    }

    fn sought_modelkit(&self, context: &Context, session: &Session<'_>) -> Result<Sought> {
        let FileLocation { location, path } = context.file_location(&self.what)?;
        let filters = self.filter.iter().map(|filter| parse::<Filter>(filter)).collect::<Result<Vec<_>>>()?;
        let found = session.find(&location, if self.local_only { Lookup::Local } else { Lookup::Anywhere })?;
        ops::admit_to_read(session, &found)?;
        let inspected = ops::inspect(&found)?;
        let selection = Selection::new(filters);
        let modelkit = (&location, &found, &inspected);
        let sought = Sought::of_modelkit(session, modelkit, (&path, &selection), self.tensor.as_deref())?;
        if sought.unlisted_layers > 0 {
            let layers = counted(sought.unlisted_layers, "layer");
            context.output.warn(&format!(
                "the files in {layers} of {location} have no table of contents: only whole layers are compared"
            ));
        }
        Ok(sought)
    }

    fn expect_no_part(&self, what: &str) -> Result<()> {
        if self.tensor.is_some() || !self.filter.is_empty() {
            return Err(usage(format!("{what} has no parts to select with --filter or --tensor")));
        }
        Ok(())
    }
}

const HEADINGS: [&str; 3] = ["VERSION", "DIGEST", "HOLDS"];

/// Renders a line for each place in each version.
fn render(impact: &Impact) -> String {
    let line = |affected: &Affected, reason: &Reason| {
        let digest = affected.digest.hex()[..12].to_owned();
        [version(affected), digest, in_words(reason)]
    };
    let lines = |affected: &Affected| affected.reasons.iter().map(|reason| line(affected, reason)).collect::<Vec<_>>();
    let rows: Vec<_> = impact.affected.iter().flat_map(lines).collect();
    if rows.is_empty() { String::new() } else { table::render(HEADINGS, &rows) }
}

fn version(affected: &Affected) -> String {
    match &affected.tags[..] {
        [] => affected.repository.clone(),
        tags => format!("{}:{}", affected.repository, tags.join(",")),
    }
}

fn in_words(Reason { kind, place, files, bytes }: &Reason) -> String {
    match kind {
        ReasonKind::Same => "the ModelKit itself".to_owned(),
        ReasonKind::Layer => format!("{place}, the whole layer"),
        ReasonKind::File if *files == 1 => place.clone(),
        ReasonKind::File => format!("{place}, {files} files with {}", human(*bytes)),
        ReasonKind::Chunks => format!("{place}, {} of it", human(*bytes)),
        ReasonKind::Tensor => format!("{place}, the tensor"),
        ReasonKind::BaseModel => format!("base model {place}"),
        ReasonKind::Dataset => format!("dataset {place}"),
        ReasonKind::Material => format!("material {place}"),
        ReasonKind::Through => format!("is built from {place}, which is affected"),
    }
}

fn word(kind: ReasonKind) -> &'static str {
    match kind {
        ReasonKind::Same => "same",
        ReasonKind::Layer => "layer",
        ReasonKind::File => "file",
        ReasonKind::Chunks => "chunks",
        ReasonKind::Tensor => "tensor",
        ReasonKind::BaseModel => "baseModel",
        ReasonKind::Dataset => "dataset",
        ReasonKind::Material => "material",
        ReasonKind::Through => "through",
    }
}

/// Reports what the search cannot know, and its cost.
fn report(context: &Context, impact: &Impact) {
    for Unknown { name, reason } in &impact.unknown {
        let reason = match reason {
            UnknownReason::NoTable { layers, of } => {
                format!("{layers} of {} have no table of contents", counted(*of, "layer"))
            }
            UnknownReason::NotRead => "not all of its documents were read; --full reads them".to_owned(),
            UnknownReason::Unreadable(why) => format!("its documents cannot be read: {why}"),
        };
        context.output.warn(&format!("{} may be affected: {}", one_line(name), one_line(&reason)));
    }
    if impact.unread_records > 0 {
        let versions = counted(impact.unread_records, "version");
        context.output.say(&format!("The attestations of {versions} were not read; --full reads them"));
    }
    let (count, of) = (impact.affected.len(), counted(impact.versions, "version"));
    let verb = if count == 1 || impact.versions == 1 { "is" } else { "are" };
    let cost = format!("{}, {} of documents", counted(impact.requests, "request"), human(impact.bytes));
    context.output.say(&format!("{count} of {of} {verb} affected · {cost}"));
}

fn to_json(impact: &Impact) -> Value {
    let reason = |reason: &Reason| {
        let (kind, place) = (word(reason.kind), &reason.place);
        json!({ "kind": kind, "place": place, "files": reason.files, "bytes": reason.bytes })
    };
    let affected = |affected: &Affected| {
        json!({
            "repository": affected.repository,
            "tags": affected.tags,
            "digest": affected.digest,
            "reasons": affected.reasons.iter().map(reason).collect::<Value>(),
        })
    };
    let unknown = |Unknown { name, reason }: &Unknown| match reason {
        UnknownReason::NoTable { layers, of } => {
            json!({ "version": name, "reason": "noTable", "layers": layers, "of": of })
        }
        UnknownReason::NotRead => json!({ "version": name, "reason": "notRead" }),
        UnknownReason::Unreadable(why) => json!({ "version": name, "reason": "unreadable", "error": why }),
    };
    json!({
        "versions": impact.versions,
        "requests": impact.requests,
        "bytes": impact.bytes,
        "affected": impact.affected.iter().map(affected).collect::<Value>(),
        "unknown": impact.unknown.iter().map(unknown).collect::<Value>(),
        "unreadRecords": impact.unread_records,
    })
}
