//! The repository or artifact that is imported, and its kind.

use std::fmt;

use anyhow::Result;
use clap::ValueEnum;

use super::artifact;
use crate::context::Context;
use kit_core::ops::Location;
use kit_core::registry::{Client, Credentials};
use kit_core::upstream::GitRemote;
use kit_core::upstream::hub::{Address, Hub, Kind};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Tool {
    Hf,
    Git,
    Mlflow,
    /// An artifact in a registry or an image layout
    Oci,
}

/// The repository to import.
pub(super) enum Origin {
    Hub(Address),
    Git(GitRemote),
    Artifact(Location),
}

/// The hub, unless HF_ENDPOINT names another one.
pub(super) const PUBLIC_HUB: &str = "https://huggingface.co";
/// Other addresses of the public hub.
pub(super) const PUBLIC_ALIASES: [&str; 3] = ["https://hf.co", "https://www.huggingface.co", "http://huggingface.co"];

pub(super) fn own_hub(context: &Context) -> &str {
    context.environment.hub.as_deref().unwrap_or(PUBLIC_HUB).trim_end_matches('/')
}

/// Opens the hub of the address, or the user's hub. A token from the environment is only sent to the latter.
pub(crate) fn hub(context: &Context, client: &Client, address: &Address, token: Option<&str>) -> Result<Hub> {
    let own = own_hub(context);
    let named = address.hub.as_deref().map(|hub| if PUBLIC_ALIASES.contains(&hub) { PUBLIC_HUB } else { hub });
    let url = named.unwrap_or(own);
    let given = token.map(|token| Credentials::Bearer(token.trim().to_owned()));
    let token = given.or_else(|| context.environment.hub_token.clone().filter(|_| url == own));
    Ok(Hub::new(client, url, token.as_ref())?)
}

/// Names without a host belong to the hub, as in KitOps, unless they are folders. A host serves git unless it is known
/// as a hub.
pub(super) fn tool(text: &str, own_hub: &str) -> Tool {
    if text.starts_with("oci:") {
        return Tool::Oci;
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        let is_git = text.starts_with(['.', '/']) || text.split('/').next().is_some_and(|host| host.contains(':'));
        return if is_git { Tool::Git } else { Tool::Hf };
    };
    let host = format!("{scheme}://{}", rest.split('/').next().unwrap_or_default());
    let is_hub = scheme == "hf" || host == own_hub || PUBLIC_ALIASES.contains(&&*host) || host.contains("huggingface");
    if is_hub { Tool::Hf } else { Tool::Git }
}

impl Origin {
    /// Owner and name, or the name alone if the repository has no owner. The tag of an artifact is kept.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Hub(address) => format!("{}:latest", address.name),
            Self::Git(remote) => {
                let (owner, name) = remote.names();
                format!("{}:latest", owner.into_iter().chain([name]).collect::<Vec<_>>().join("/"))
            }
            Self::Artifact(location) => artifact::name(location),
        }
    }
}

impl Origin {
    /// The address in an attestation, without secrets (KitOps, "import attestation").
    pub(super) fn uri(&self) -> String {
        match self {
            Self::Hub(Address { kind: Kind::Model, name, .. }) => format!("hf://{name}"),
            Self::Hub(Address { kind: Kind::Dataset, name, .. }) => format!("hf://datasets/{name}"),
            Self::Git(remote) => format!("git+{remote}"),
            Self::Artifact(location) => location.to_string(),
        }
    }
}

impl fmt::Display for Origin {
    /// Writes the name without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hub(address) => f.write_str(&address.name),
            Self::Git(remote) => remote.fmt(f),
            Self::Artifact(location) => location.fmt(f),
        }
    }
}
