//! `kit news`

use std::str::FromStr;

use anyhow::{Context as _, Result};
use clap::Args;

use super::parts::News;
use super::{html, json, markdown, slack};
use crate::arguments::Size;
use crate::commands::inspect::diff::Opener;
use crate::config::NetworkArgs;
use crate::context::Context;
use kit_core::limits;
use kit_core::ops::{self, AssessOptions, Location};
use kit_core::verdict::Minimum;

/// Describe the changes since a version, for a pull request, a mail or a channel
///
/// Begins with a verdict for each role (app, sre, data, security): compatible, changed or breaking. One part for each
/// owner in the attached KITOWNERS follows, with the reasons that concern it and its other changes; changes without an
/// owner come last. Without a KITOWNERS there is one part. Names and values from the ModelKits are escaped.
///
/// The formats are markdown, html (a whole document without external resources), slack (blocks for a message) and
/// json. Reads only headers, and small files that differ.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit news sentiment:v2 --since sentiment:v1
  kit news registry.example/team/sentiment:v2 --since registry.example/team/sentiment:v1 --format html
  kit news sentiment:v2 --since sha256:0c4d2f6b3a3f3f3c2e2e5c1b6f0d8a9b7e6d5c4b3a2918f7e6d5c4b3a2918f7e --format slack
  kit news . --since sentiment:v2 --minimum accuracy=0.9")]
pub(crate) struct NewsArgs {
    /// ModelKit, or folder with a Kitfile
    #[arg(value_name = "NAME:TAG")]
    reference: String,
    /// Earlier version: ModelKit, Kitfile.lock, or a digest in the same repository
    #[arg(long, value_name = "NAME:TAG|DIGEST")]
    since: String,
    /// Output format: markdown, html, slack or json
    #[arg(long, value_name = "FORMAT", default_value = "markdown")]
    format: NewsFormat,
    /// Lowest accepted value of a metric in the parameters of the model, such as accuracy=0.9 (repeatable)
    #[arg(long = "minimum", value_name = "METRIC=NUMBER")]
    minimums: Vec<Minimum>,
    /// Maximum size of files to read from a registry, such as 200MiB
    #[arg(long, value_name = "SIZE", default_value_t = Size(limits::DIFF_REMOTE_BYTES))]
    read_limit: Size,
    /// Read from the registry, even if the ModelKit is in the local store; applies to names with a registry
    #[arg(short, long)]
    remote: bool,
    #[command(flatten)]
    network: NetworkArgs,
}

/// The value of --format.
#[derive(Debug, Clone, Copy)]
enum NewsFormat {
    Markdown,
    Html,
    Slack,
    Json,
}

/// A value of --format that is not a format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not one of markdown, html, slack, json")]
pub(crate) struct UnknownFormat(String);

impl FromStr for NewsFormat {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Ok(match text {
            "markdown" => Self::Markdown,
            "html" => Self::Html,
            "slack" => Self::Slack,
            "json" => Self::Json,
            other => return Err(UnknownFormat(other.to_owned())),
        })
    }
}

impl NewsArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let failure = || format!("cannot describe the changes of `{}` since `{}`", self.reference, self.since);
        let text = self.render(context).with_context(failure)?;
        Ok(context.output.result(text)?)
    }

    fn render(&self, context: &Context) -> Result<String> {
        let session = context.session(&self.network)?;
        let opener = Opener { context, session: &session, is_remote: self.remote, is_answer: false };
        let since = self.since(context)?;
        let sides = (opener.open(&since)?, opener.open(&self.reference)?);
        let (jobs, minimums) = (opener.jobs([&since, &self.reference]), self.minimums.clone());
        let assessed =
            ops::assess(&session, sides, &AssessOptions { jobs, remote_limit: self.read_limit.0, minimums })?;
        let news = News::new((&self.since, &self.reference), &assessed);
        Ok(match self.format {
            NewsFormat::Markdown => markdown::render(&news),
            NewsFormat::Html => html::render(&news),
            NewsFormat::Slack => slack::render(&news)?,
            NewsFormat::Json => json::render(&news)?,
        })
    }

    /// The name of the earlier version. A digest is one in the repository of the other.
    fn since(&self, context: &Context) -> Result<String> {
        let is_digest = self.since.parse::<kit_core::digest::Digest>().is_ok();
        if !is_digest {
            return Ok(self.since.clone());
        }
        Ok(match context.location_as_given(&self.reference)? {
            Location::Artifact(reference) => format!("{}@{}", reference.without_selector(), self.since),
            Location::Layout { path, .. } => format!("oci:{}@{}", path.display(), self.since),
        })
    }
}
