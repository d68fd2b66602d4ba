//! The flags for problems of files that a user accepts.

use clap::Args;

use kit_core::ops::{self, Allowed, Located, Session};

/// The flag for secrets.
#[derive(Debug, Args)]
pub(crate) struct AllowSecretsArgs {
    /// Proceed although files look like secrets, for example `.env`, private keys and access tokens
    #[arg(long)]
    allow_secrets: bool,
}

/// The flags of commands that pack.
#[derive(Debug, Args)]
pub(crate) struct AllowedArgs {
    #[command(flatten)]
    secrets: AllowSecretsArgs,
    /// Pack although there is nothing to use: files that are empty, cut off or ignored, web pages, pointers of Git LFS,
    /// or models without some of their shards
    #[arg(long)]
    allow_empty: bool,
    /// Do not warn of pickles that run code when they are loaded
    #[arg(long)]
    no_scan: bool,
}

impl AllowSecretsArgs {
    /// Fails if the ModelKit contains secrets, unless they are allowed.
    pub(crate) fn check(&self, session: &Session<'_>, found: &Located) -> Result<(), ops::Error> {
        if self.allow_secrets { Ok(()) } else { ops::refuse_secrets(session, found) }
    }
}

impl AllowedArgs {
    pub(crate) fn choice(&self) -> Allowed {
        Allowed { secrets: self.secrets.allow_secrets, empty: self.allow_empty, pickles: self.no_scan }
    }
}
