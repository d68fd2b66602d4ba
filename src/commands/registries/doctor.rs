//! `kit doctor`

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::config::NetworkArgs;
use crate::context::{Context, parse};
use crate::output::{Format, table, usage};
use kit_core::ops::{self, DoctorTarget, Error, ProbeMode};
use kit_core::registry::{Finding, SaidBy};

/// Diagnose a registry and show its capabilities
///
/// With a registry, pings it and shows its known capabilities. With a repository, also reads its tags, a few bytes of
/// a blob and its referrers. Fails if the registry or the repository cannot be used.
///
/// With --write, also uploads two small blobs and two untagged manifests to the repository, mounts one of the blobs,
/// and cancels an upload. Everything is deleted at the end, if the registry allows it.
///
/// Results are cached for seven days, as are limitations that pushes encounter; --forget clears the cache of the
/// registry.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit doctor registry.example
  kit doctor registry.example/team/sentiment
  kit doctor registry.example/team/scratch --write --format json")]
pub(crate) struct DoctorArgs {
    /// Registry, or a repository in it
    #[arg(value_name = "REGISTRY[/REPOSITORY]")]
    target: String,
    /// Also test uploads, mounts, manifests and deletion, which writes to the repository
    #[arg(long)]
    write: bool,
    /// Clear the cached capabilities of the registry first
    #[arg(long)]
    forget: bool,
    /// Output format: table, json, yaml, or a Go template with `.Topic`, `.Supported`, `.Found`, `.Source`, `.Plan`
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
                return Err(usage("--write requires a repository: REGISTRY/REPOSITORY"));
            }
            DoctorTarget::Repository(reference) if reference.is_local() => {
                return Err(Error::NoRegistry(reference.clone()).into());
            }
            DoctorTarget::Registry(registry) => registry,
            DoctorTarget::Repository(reference) => &reference.registry,
        };
        let client = self.network.client(&context.environment, context.bars.notifier())?;
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
