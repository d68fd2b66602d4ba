//! Opening a ModelKit to read parts of it: from the local store if it is there, otherwise from its registry.

use anyhow::Result;
use clap::Args;

use super::lookup::{LookupArgs, report_local_store};
use crate::config::NetworkArgs;
use crate::context::Context;
use kit_core::ops::{self, Inspected, Jobs, Located, Location};

/// The place to read a ModelKit from, and the settings for the registry.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    #[command(flatten)]
    lookup: LookupArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

impl OpenArgs {
    /// Opens the store or registry that holds `location`, reads the documents of the ModelKit, and returns
    /// the number of its layers to read at the same time.
    pub(crate) fn open(&self, context: &Context, location: &Location) -> Result<(Located, Inspected, Jobs)> {
        let session = context.session(&self.network)?;
        let found = session.find(location, self.lookup.place())?;
        report_local_store(context, location, &found);
        let inspected = ops::inspect(&found)?;
        Ok((found, inspected, session.jobs_to_read(location)))
    }
}
