//! `kit doctor`

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::config::NetworkArgs;
use crate::context::{Context, parse};
use crate::output::{Format, table, usage};
use kit_core::ops::{self, DoctorTarget, Error, ProbeMode};
use kit_core::registry::{Finding, SaidBy};

/// Find out what a registry does, and what kit will do with it
///
/// With a registry alone, it is greeted, and what is known of it is shown. With a repository, its tags, a few bytes of
/// a blob and its referrers are read. Exits with 1 if the registry or the repository cannot be used.
///
/// With --write, two blobs of some bytes and two manifests without a tag are written to the repository, one of the
/// blobs is mounted, and an upload is cancelled; all of it is deleted in the end, where the registry allows that.
///
/// What is found is remembered for seven days, as is what pushes run into; --forget forgets it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit doctor registry.example
  kit doctor registry.example/team/sentiment
  kit doctor registry.example/team/scratch --write --format json")]
pub(crate) struct DoctorArgs {
    /// The registry, or a repository in it
    #[arg(value_name = "REGISTRY[/REPOSITORY]")]
    target: String,
    /// Try uploads, mounts, manifests and deletion, too, which writes to the repository
    #[arg(long)]
    write: bool,
    /// Forget first what was learned of the registry
    #[arg(long)]
    forget: bool,
    /// table, json, yaml, or a Go template with `.Topic`, `.Supported`, `.Found`, `.Source`, `.Plan`
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    network: NetworkArgs,
}

impl DoctorArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let target: DoctorTarget = parse(&self.target)?;
        let registry = match &target {
            DoctorTarget::Registry(_) if self.write => {
                return Err(usage("--write needs a repository to write to: REGISTRY/REPOSITORY"));
            }
            DoctorTarget::Repository(reference) if reference.is_local() => {
                return Err(Error::NoRegistry(reference.clone()).into());
            }
            DoctorTarget::Registry(registry) => registry,
            DoctorTarget::Repository(reference) => &reference.registry,
        };
        let client = self.network.client(&context.environment)?;
        if self.forget {
            client.forget(registry)?;
        }
        let depth = if self.write { ProbeMode::Writing } else { ProbeMode::Reading };
        let diagnosis = ops::diagnose(&client, depth, &target);
        if !diagnosis.findings.is_empty() {
            let findings = &diagnosis.findings;
            context.output.result(self.format.render_rows(findings, to_json, || render(findings))?)?;
        }
        match diagnosis.problem {
            Some(problem) => Err(problem).with_context(|| format!("cannot use `{}`", self.target)),
            None => Ok(()),
        }
    }
}

fn render(findings: &[Finding]) -> String {
    let row = |finding: &Finding| {
        [finding.topic.to_owned(), finding.found.clone(), source(finding.said_by).to_owned(), finding.plan.clone()]
    };
    let rows: Vec<_> = findings.iter().map(row).collect();
    table::render(["TOPIC", "FOUND", "SOURCE", "WHAT KIT DOES"], &rows)
}

fn to_json(finding: &Finding) -> Value {
    json!({
        "topic": finding.topic,
        "supported": finding.is_supported,
        "found": finding.found,
        "source": source(finding.said_by),
        "plan": finding.plan,
    })
}

fn source(said_by: SaidBy) -> &'static str {
    match said_by {
        SaidBy::Answer => "answer",
        SaidBy::Configuration => "configuration",
        SaidBy::Learned => "learned",
        SaidBy::Table => "table",
        SaidBy::Default => "default",
    }
}
