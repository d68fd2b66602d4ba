//! `kit doctor`

mod installation;
mod registry;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use self::installation::State;
use crate::config::NetworkArgs;
use crate::context::{Context, parse};
use crate::output::{Format, counted, usage};
use kit_core::ops::{self, DoctorTarget, Error, ProbeMode};

/// Diagnose the installation, or a registry and its capabilities
///
/// Without an argument, checks the installation without using the network: the program and its place on PATH, the local
/// store and its free space, the configuration, the policies, the stored credentials, the proxies, the clock and the
/// completion of the shell. Fails if `kit` cannot work.
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
  kit doctor
  kit doctor registry.example
  kit doctor registry.example/team/sentiment
  kit doctor registry.example/team/scratch --write --format json")]
pub(crate) struct DoctorArgs {
    /// Registry, or a repository in it
    #[arg(value_name = "REGISTRY[/REPOSITORY]")]
    target: Option<String>,
    /// Also test uploads, mounts, manifests and deletion, which writes to the repository
    #[arg(long, requires = "target")]
    write: bool,
    /// Clear the cached capabilities of the registry first
    #[arg(long, requires = "target")]
    forget: bool,
    /// Output format: table, json, yaml, or a Go template with `.Topic`, `.Supported`, `.Found`, `.Source`, `.Plan`;
    /// without a registry `.Topic`, `.State`, `.Found`, `.Advice`
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    network: NetworkArgs,
}

impl DoctorArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        match &self.target {
            None => self.check_installation(context),
            Some(target) => self.diagnose(context, target),
        }
    }

    fn check_installation(&self, context: &Context) -> Result<()> {
        let checks = installation::checks(context);
        context
            .output
            .result(self.format.render_rows(&checks, installation::to_json, || installation::render(&checks))?)?;
        match checks.iter().filter(|check| check.state == State::Problem).count() as u64 {
            0 => Ok(()),
            problems => bail!("{} found", counted(problems, "problem")),
        }
    }

    fn diagnose(&self, context: &Context, name: &str) -> Result<()> {
        let target: DoctorTarget = parse(name)?;
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
            context
                .output
                .result(self.format.render_rows(findings, registry::to_json, || registry::render(findings))?)?;
        }
        match diagnosis.problem {
            Some(problem) => Err(problem).with_context(|| format!("cannot use `{name}`")),
            None => Ok(()),
        }
    }
}
