//! How the commands that look into a ModelKit open it: here if it is here, else in its registry.

use anyhow::Result;
use clap::Args;

use crate::config::NetworkArgs;
use crate::context::Context;
use kit_core::ops::{self, Inspected, Located, Location, Lookup, Session};

/// Where to look for a ModelKit.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// Ask the registry, whether the ModelKit is here or not
    #[arg(short, long)]
    remote: bool,
    #[command(flatten)]
    network: NetworkArgs,
}

impl OpenArgs {
    /// Opens the place that holds `location`, and reads what the ModelKit says of itself.
    pub(crate) fn open(&self, context: &Context, location: &Location) -> Result<(Located, Inspected)> {
        let store = context.store()?;
        let client = self.network.client(&context.environment)?;
        let session = Session { store: &store, client: &client };
        let found = session.find(location, if self.remote { Lookup::Remote } else { Lookup::Anywhere })?;
        let inspected = ops::inspect(&found)?;
        Ok((found, inspected))
    }
}
