//! `kit log`

use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use super::diff::{FileData, metrics_of_version, metrics_to_json, show_file};
use super::signed::{self, Signers};
use crate::arguments::LookupArgs;
use crate::commands::trust::TrustNetworkArgs;
use crate::context::Context;
use crate::output::table::{self, Fit};
use crate::output::{Format, one_line};
use kit_core::limits;
use kit_core::oci::Reference;
use kit_core::ops::{self, DiffOptions, LayerCount, LogOptions, RecordedPromotion, Version};
use kit_core::owners::Owner;
use kit_core::provenance::Commit;

/// Show the versions of a ModelKit and their changes
///
/// Lists versions from newest to oldest, one per line, with tags, time, author, commit, and the number of layers of
/// each type that were changed (~), added (+) or removed (-) since the previous version. If a KITOWNERS is attached,
/// the owners of the changes follow: those of the layers, or with --files those of the files. Time, commit and previous
/// version are read from the provenance attestation that `kit pack` attaches, and are left empty for ModelKits without
/// one. Promotions of a version with `kit promote` are listed below it, the newest first, its signed approvals and
/// recalls, and the metrics in its evaluations, each with the difference to the version before on the same data. --key
/// verifies the signatures. Records without a verified signature are not proof: anyone with push access can write them.
///
/// With a tag, the list begins at that version; without a tag, it contains all versions of the repository.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit log sentiment
  kit log sentiment:v2 --files
  kit log --remote registry.example/team/sentiment
  kit log --remote registry.example/production/sentiment --key release.pub
  kit log sentiment --format json")]
pub(crate) struct LogArgs {
    /// Repository, or a version in it
    #[arg(value_name = "NAME[:TAG]")]
    reference: String,
    #[command(flatten)]
    lookup: LookupArgs,
    /// Show changed files as well; reads the layers that differ
    #[arg(long)]
    files: bool,
    /// Output format: table, json, yaml, or a Go template
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    /// Show whole cells on a terminal, even if lines wrap
    #[arg(long)]
    no_trunc: bool,
    /// Public key to verify signed promotions, approvals and recalls with: a file, or `env://NAME` (repeatable)
    #[arg(id = "verification_key", long = "key", value_name = "FILE")]
    keys: Vec<String>,
    #[command(flatten)]
    network: TrustNetworkArgs,
}

impl LogArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let files = if self.files { &FIELDS[..] } else { &FIELDS[1..] };
        self.format.expect_fields(files)?;
        let signers = Signers::read(context, &self.keys)?;
        let versions =
            self.versions(context).with_context(|| format!("cannot show the log of `{}`", self.reference))?;
        let data = |version: &Version| self.to_json(version, &signers);
        let text = || self.render(context, &versions, &signers);
        Ok(context.output.result(self.format.render_rows(&versions, data, text)?)?)
    }

    fn versions(&self, context: &Context) -> Result<Vec<Version>> {
        let location = context.location_as_given(&self.reference)?;
        let session = context.session(&self.network)?;
        let jobs = session.jobs(&[&location]);
        let files = DiffOptions {
            paths: Arc::default(),
            only: None,
            jobs: session.jobs_to_read(&location).small,
            remote_limit: limits::DIFF_REMOTE_BYTES,
            with_patches: false,
            with_statistics: false,
            with_contents: true,
        };
        let options = LogOptions { place: self.lookup.place(), files: self.files.then_some(files), jobs };
        Ok(ops::log(&session, &location, &options)?)
    }

    fn render(&self, context: &Context, versions: &[Version], signers: &Signers) -> String {
        let (colours, rows) = (context.output.colours(), versions.iter().map(row).collect::<Vec<_>>());
        let headings = ["TAGS", "DIGEST", "TIME (UTC)", "AUTHORS", "COMMIT", "CHANGES"];
        let table = match context.output.result_columns().filter(|_| !self.no_trunc) {
            Some(columns) => {
                let fit =
                    Fit { columns, optional: &["AUTHORS", "COMMIT"], cut: &["CHANGES"], last: &["TAGS", "CHANGES"] };
                table::fit(headings, &rows, fit)
            }
            None => table::render(headings, &rows),
        };
        let mut lines = table.split_inclusive('\n');
        let mut text = lines.next().unwrap_or_default().to_owned();
        for (line, version) in lines.zip(versions) {
            // The changes are the last cell.
            let (others, changes) = line.split_at(line.rfind("   ").unwrap_or_default());
            text.push_str(others);
            text.push_str(&colours.changed_words(changes));
            text.extend(version.promotions.iter().map(|promotion| self.promotion(promotion, signers)));
            text.extend(version.notices.iter().filter_map(|notice| signed::notice_line(notice, signers)));
            text.push_str(&metrics_of_version(&version.metrics));
            text.extend(version.owners.as_deref().filter(|owners| !owners.is_empty()).map(owners));
            let width = version.files.iter().map(|file| file.path.as_str().len()).max().unwrap_or_default().min(48);
            text.extend(version.files.iter().map(|file| colours.changed_lines(&show_file(file, width)).into_owned()));
        }
        text
    }

    /// A line about a promotion. The tag has no repository if it is in that of the log.
    fn promotion(&self, promotion: &RecordedPromotion, signers: &Signers) -> String {
        let repository = |text: &str| text.parse().ok().map(|reference: Reference| reference.full_repository());
        let is_own = repository(&self.reference) == repository(&promotion.target);
        let target = promotion.target.parse::<Reference>().ok().filter(|_| is_own);
        let tag = target.and_then(|target| target.tag).map(|tag| tag.to_string());
        let tag = tag.unwrap_or_else(|| promotion.target.clone());
        let mut line = format!("  {tag}: {}", if promotion.is_rollback { "rolled back" } else { "promoted" });
        line.extend(promotion.time.map(|time| time.strftime(" %Y-%m-%d %H:%M").to_string()));
        line.extend(promotion.source.iter().filter(|_| !promotion.is_rollback).map(|source| format!(" from {source}")));
        line.extend(promotion.promoter.run.iter().map(|run| format!(" by {run}")));
        line.extend(promotion.previous.map(|previous| format!(", before {}", &previous.hex()[..12])));
        line += &signed::promotion_words(promotion, signers);
        format!("{}\n", one_line(&line))
    }

    fn to_json(&self, version: &Version, signers: &Signers) -> Value {
        let record = version.record.as_ref();
        let mut data = json!({
            "tags": version.tags,
            "digest": version.descriptor.digest,
            "author": Some(author(version)).filter(|author| !author.is_empty()),
            "time": record.and_then(|record| record.time).map(|time| time.to_string()),
            "commit": record.and_then(|record| record.commit.as_ref()).map(|commit| json!({
                "id": commit.id,
                "branch": commit.branch,
                "remote": commit.remote.as_ref().map(ToString::to_string),
                "dirty": commit.is_dirty,
            })),
            "builder": record.and_then(|record| record.builder.id.as_ref()),
            "run": record.and_then(|record| record.builder.run.as_ref()),
            "previous": record.and_then(|record| record.previous),
            "promotions": version.promotions.iter().map(|it| signed::promotion_to_json(it, signers)).collect::<Value>(),
            "notices": version.notices.iter().filter_map(|it| signed::notice_to_json(it, signers)).collect::<Value>(),
            "metrics": metrics_to_json(&version.metrics),
            "comparedWith": version.before,
            "owners": version.owners.as_ref().map(|owners| owners.iter().map(ToString::to_string).collect::<Vec<_>>()),
            "kitfileChanged": version.kitfile_changed,
            "layers": version.layers.iter().map(|count| json!({
                "kind": count.kind, "added": count.added, "removed": count.removed, "changed": count.changed,
            })).collect::<Value>(),
        });
        if self.files {
            data["files"] = json!(version.files.iter().map(FileData::new).collect::<Vec<_>>());
        }
        data
    }
}

/// The names of the members of a version; the first one only with --files.
const FIELDS: [&str; 16] = [
    "files",
    "tags",
    "digest",
    "author",
    "time",
    "commit",
    "builder",
    "run",
    "previous",
    "promotions",
    "notices",
    "metrics",
    "comparedWith",
    "owners",
    "kitfileChanged",
    "layers",
];

/// A line with the owners whom the changes of a version concern.
fn owners(owners: &[Owner]) -> String {
    let owners: Vec<_> = owners.iter().map(ToString::to_string).collect();
    format!("  owners: {}\n", owners.join(", "))
}

fn row(version: &Version) -> [String; 6] {
    let record = version.record.as_ref();
    let time = record.and_then(|record| record.time);
    let or_none = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    [
        or_none(version.tags.join(", ")),
        version.descriptor.digest.hex()[..12].to_owned(),
        or_none(time.map(|time| time.strftime("%Y-%m-%d %H:%M").to_string()).unwrap_or_default()),
        or_none(author(version).to_owned()),
        or_none(record.and_then(|record| record.commit.as_ref()).map(commit).unwrap_or_default()),
        changes(version),
    ]
}

/// The first author that the Kitfile names.
fn author(version: &Version) -> &str {
    version.author.as_deref().unwrap_or_default()
}

/// Formats a commit; a star marks uncommitted changes.
fn commit(commit: &Commit) -> String {
    let short: String = commit.id.chars().take(10).collect();
    let star = if commit.is_dirty == Some(true) { "*" } else { "" };
    commit.branch.as_ref().map_or_else(|| format!("{short}{star}"), |branch| format!("{short}{star} {branch}"))
}

fn changes(version: &Version) -> String {
    if version.before.is_none() {
        let has_previous = version.record.as_ref().is_some_and(|record| record.previous.is_some());
        return if has_previous { "first found" } else { "first" }.to_owned();
    }
    let kitfile = version.kitfile_changed.then(|| "kitfile ~".to_owned());
    let words: Vec<_> = version.layers.iter().map(in_words).chain(kitfile).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

fn in_words(count: &LayerCount) -> String {
    let marks = [("~", count.changed), ("+", count.added), ("-", count.removed)];
    let marks = marks.iter().filter(|(_, number)| *number > 0).map(|(mark, number)| format!(" {mark}{number}"));
    format!("{}{}", count.kind, marks.collect::<String>())
}
