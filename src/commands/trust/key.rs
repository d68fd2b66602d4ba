//! `kit key`

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use serde_json::json;

use super::keys::{new_password, public_key_of};
use crate::context::Context;
use crate::output::{Code, Failure, Format, tidy};
use kit_core::sys::write_new_file;
use kit_core::trust::{PrivateKey, PublicKey};

/// Create or show a key for signatures
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    New(NewArgs),
    Show(ShowArgs),
}

/// Create a key pair
///
/// Writes PREFIX.key, the private key, which a password encrypts, and PREFIX.pub, the public key. Existing files are
/// not replaced. The password is read from COSIGN_PASSWORD, or prompted for. cosign can use both files.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit key new release
  COSIGN_PASSWORD= kit key new ci --format json")]
struct NewArgs {
    /// Path of the files without `.key` and `.pub`
    #[arg(value_name = "PREFIX")]
    prefix: PathBuf,
    #[command(flatten)]
    format: FormatArgs,
}

/// Show the algorithm, the name and the public part of a key
///
/// A private key that is encrypted has to be opened: its password is read from COSIGN_PASSWORD, or prompted for.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit key show release.pub
  kit key show env://RELEASE_KEY --format '{{.PublicKey}}'")]
struct ShowArgs {
    /// File with a public or a private key, or `env://NAME` for a variable that contains it
    #[arg(value_name = "FILE")]
    file: String,
    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Debug, Args)]
struct FormatArgs {
    /// Output format: table (text), json, yaml, or a Go template
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

impl KeyArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        match &self.command {
            KeyCommand::New(args) => args.run(context),
            KeyCommand::Show(args) => args.run(context),
        }
    }
}

impl NewArgs {
    fn run(&self, context: &Context) -> Result<()> {
        self.format.check()?;
        let file = |extension: &str| {
            let mut path = self.prefix.as_os_str().to_owned();
            path.push(extension);
            PathBuf::from(path)
        };
        let (private, public) = (file(".key"), file(".pub"));
        for path in [&private, &public] {
            if context.environment.absolute(path).symlink_metadata().is_ok() {
                return Err(exists(path));
            }
        }
        let (key, pem) = PrivateKey::create(&new_password(context)?).context("cannot create a key")?;
        let write = |path: &Path, mode, content: &str| {
            let written = write_new_file(&context.environment.absolute(path), mode, content.as_bytes());
            written.with_context(|| format!("cannot write the key `{}`", tidy(path)))
        };
        write(&private, 0o600, &pem)?;
        write(&public, 0o644, &key.public_key().to_pem())?;
        context.output.say(&format!("Wrote `{}` and `{}`; keep the first one secret", tidy(&private), tidy(&public)));
        self.format.print(context, key.public_key())
    }
}

fn exists(path: &Path) -> anyhow::Error {
    Failure::error(Code::Refused, format!("`{}` exists; a key is never replaced", tidy(path)))
}

impl ShowArgs {
    fn run(&self, context: &Context) -> Result<()> {
        self.format.check()?;
        self.format.print(context, &public_key_of(context, &self.file)?)
    }
}

impl FormatArgs {
    fn check(&self) -> Result<()> {
        self.format.expect_fields(&["algorithm", "name", "digest", "publicKey"])
    }

    fn print(&self, context: &Context, key: &PublicKey) -> Result<()> {
        let (algorithm, name, pem) = (key.algorithm().to_string(), key.name().to_string(), key.to_pem());
        let data = json!({ "algorithm": algorithm, "name": name, "digest": key.digest(), "publicKey": pem });
        let text = || format!("algorithm  {algorithm}\nname       {name}\ndigest     {}\n{pem}", key.digest());
        Ok(context.output.result(self.format.render(&data, text)?.trim_end_matches('\n'))?)
    }
}
