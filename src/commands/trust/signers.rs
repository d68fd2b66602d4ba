//! The flags that name the signers whose signatures count.

use anyhow::Result;
use clap::Args;

use super::identity::{IdentityArgs, Purpose};
use super::keys::public_key;
use crate::context::Context;
use kit_core::trust::Verifier;

/// The signers whose signatures count.
#[derive(Debug, Args)]
pub(crate) struct SignerArgs {
    /// Public key whose signatures count: a file, or `env://NAME` for a variable that contains it; one of several is
    /// enough (repeatable)
    #[arg(id = "public_key", long = "key", value_name = "FILE")]
    key: Vec<String>,
    #[command(flatten)]
    identity: IdentityArgs,
}

impl SignerArgs {
    /// Returns true if the flags name a signer.
    pub(super) fn are_given(&self) -> bool {
        !self.key.is_empty() || self.identity.is_given()
    }

    /// The signers whose signatures of ModelKits count.
    pub(crate) fn of_modelkits(&self, context: &Context) -> Result<Vec<Verifier>> {
        self.verifiers(context, Purpose::ModelKit).map(|(verifiers, _)| verifiers)
    }

    /// The signers whose signatures count, and the words for them.
    pub(super) fn verifiers(&self, context: &Context, purpose: Purpose) -> Result<(Vec<Verifier>, String)> {
        let mut verifiers = Vec::new();
        let mut names = Vec::new();
        for file in &self.key {
            let key = public_key(context, file)?;
            names.push(format!("`{file}` ({})", key.name()));
            verifiers.push(Verifier::Key(key));
        }
        if let Some((verifier, name)) = self.identity.verifier(context, purpose)? {
            names.push(name);
            verifiers.push(verifier);
        }
        Ok((verifiers, names.join(" or ")))
    }
}
