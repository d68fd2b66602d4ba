//! `kit login`

use std::io::{self, BufRead, Write};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::arguments::ReceiptArgs;
use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::{NotLoggedIn, usage};
use kit_core::registry::{CredentialCheck, Credentials};
use kit_core::sys;

/// Far longer than a signal takes to arrive.
const SIGNAL_PATIENCE: Duration = Duration::from_secs(1);

/// Log in to a registry
///
/// The credentials are checked against the registry before they are stored. Credentials that were stored by docker or
/// podman are used without a separate login.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit login registry.example -u ada
  echo $TOKEN | kit login registry.example -u ada --password-stdin")]
pub(crate) struct LoginArgs {
    /// Registry (HOST[:PORT])
    #[arg(value_name = "REGISTRY")]
    registry: String,
    /// User name
    #[arg(short, long, value_name = "NAME")]
    username: Option<String>,
    /// Password or token; visible in the process list, so prefer --password-stdin
    #[arg(short, long, value_name = "PASSWORD", conflicts_with = "password_stdin")]
    password: Option<String>,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    receipt: ReceiptArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

impl LoginArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        self.receipt.begin(context)?;
        let registry = host(&self.registry)?;
        let given = self.credentials(context)?;
        let client = self.network.client(&context.environment, context.bars.notifier())?;
        let refused = |source| NotLoggedIn { registry: registry.to_owned(), source };
        if client.check_credentials(registry, &given).map_err(refused)? == CredentialCheck::NotAsked {
            context.output.warn(&format!("not checked: `{registry}` does not ask for credentials"));
        }
        context
            .environment
            .credentials()
            .store(registry, &given)
            .with_context(|| format!("cannot store the credentials for `{registry}`"))?;
        context.receipt.fact("registry", registry);
        context.receipt.line(&context.output, "Log in successful")
    }

    fn credentials(&self, context: &Context) -> Result<Credentials> {
        if self.username.is_some() && self.password.is_some() {
            context.output.warn("using --password on the command line is insecure; use --password-stdin");
        }
        let password = match &self.password {
            Some(password) => Some(password.clone()),
            None if self.password_stdin => Some(read_line().context("cannot read the password from standard input")?),
            None => None,
        };
        match (&self.username, password) {
            (_, Some(password)) if password.is_empty() => bail!("the password is empty"),
            (username, Some(password)) => Ok(Credentials::new(username.as_deref().unwrap_or_default(), &password)),
            (username, None) => ask(context, username.as_deref()),
        }
    }
}

/// The host of a registry as the user types it, without a scheme or a trailing slash.
pub(super) fn host(text: &str) -> Result<&str> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
    let host = host.trim_end_matches('/');
    if host.is_empty() || host.contains(['/', '@', ' ']) {
        return Err(usage(format!(
            "`{text}` is not a registry; give its host, as in registry.example or localhost:5000"
        )));
    }
    Ok(host)
}

fn ask(context: &Context, username: Option<&str>) -> Result<Credentials> {
    if !context.environment.is_interactive {
        return Err(usage("cannot prompt for the password: standard input is not a terminal; use --password-stdin"));
    }
    let username = match username {
        Some(username) => username.to_owned(),
        None => prompt("Username: ")?,
    };
    let password = prompt_hidden("Password: ").context("cannot read the password")?;
    if password.is_empty() {
        bail!("the password is empty");
    }
    Ok(Credentials::new(&username, &password))
}

/// Prompts on standard error, so that standard output contains results only.
pub(crate) fn prompt(question: &str) -> Result<String> {
    // Not locked while the user types: an interruption has to be reported.
    write!(io::stderr(), "{question}")?;
    io::stderr().flush()?;
    read_line().context("cannot read the answer")
}

/// Prompts for text that the terminal does not show.
pub(crate) fn prompt_hidden(question: &str) -> io::Result<String> {
    let _hidden = sys::Leftover::new(sys::LeftoverKind::HiddenInput);
    let answer = rpassword::prompt_password(question);
    // After Ctrl-C, rpassword sends SIGINT, which ends the process at any moment now.
    if answer.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {
        std::thread::sleep(SIGNAL_PATIENCE);
    }
    answer
}

fn read_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
