//! The parts that `kit approve` and `kit recall` share: the key, the place and the report.

use anyhow::Result;
use clap::Args;

use crate::commands::trust::{CertificateArgs, TrustNetworkArgs, private_key};
use crate::context::Context;
use kit_core::ops::{self, Location, Lookup, Session, Signable};
use kit_core::trust::{CertificateChain, PrivateKey};

/// The key that signs a notice, and the connection.
#[derive(Debug, Args)]
pub(super) struct NoticeKeyArgs {
    /// Private key: a file, or `env://NAME` for a variable that contains it; COSIGN_PASSWORD is its password
    #[arg(id = "signing_key", long = "key", value_name = "FILE")]
    key: String,
    #[command(flatten)]
    certificates: CertificateArgs,
    #[command(flatten)]
    pub(super) network: TrustNetworkArgs,
}

impl NoticeKeyArgs {
    /// Reads the key and its certificate.
    pub(super) fn read(&self, context: &Context) -> Result<(PrivateKey, Option<CertificateChain>)> {
        let key = private_key(context, &self.key)?;
        let certificates = self.certificates.chain(context, key.public_key())?;
        Ok((key, certificates))
    }
}

/// Opens the ModelKit at the place where others look for notices: a name with a registry in this registry, even if the
/// ModelKit is in the local store.
pub(super) fn open(session: &Session<'_>, location: &Location) -> Result<Signable, ops::Error> {
    let place = match location {
        Location::Artifact(reference) if !reference.is_local() => Lookup::Remote,
        _ => Lookup::Local,
    };
    ops::open_signable(session, location, place)
}
