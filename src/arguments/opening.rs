//! Opening a ModelKit to read parts of it: from the local store if it is there, otherwise from its registry.

use anyhow::Result;
use clap::Args;

use crate::config::NetworkArgs;
use crate::context::Context;
use kit_core::ops::{self, Inspected, Located, Location, Lookup};

/// The place to read a ModelKit from.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// Read from the registry, even if the ModelKit is in the local store
    #[arg(short, long)]
    remote: bool,
    #[command(flatten)]
    network: NetworkArgs,
}

impl OpenArgs {
    /// Opens the store or registry that holds `location`, and reads the documents of the ModelKit.
    pub(crate) fn open(&self, context: &Context, location: &Location) -> Result<(Located, Inspected)> {
        let session = context.session(&self.network)?;
        let found = session.find(location, if self.remote { Lookup::Remote } else { Lookup::Anywhere })?;
        let inspected = ops::inspect(&found)?;
        Ok((found, inspected))
    }
}
