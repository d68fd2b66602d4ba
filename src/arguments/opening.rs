//! Opening a ModelKit to read parts of it: from the local store if it is there, otherwise from its registry.

use anyhow::Result;
use clap::Args;

use super::lookup::{LookupArgs, report_local_store};
use crate::config::NetworkArgs;
use crate::context::Context;
use kit_core::ops::{self, Inspected, Jobs, Located, Location, Lookup, Session};

/// The place to read a ModelKit from, and the settings for the registry.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    #[command(flatten)]
    lookup: LookupArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

impl OpenArgs {
    /// The places to look for a ModelKit in.
    pub(crate) fn place(&self) -> Lookup {
        self.lookup.place()
    }

    /// Opens the store, with the settings for registries.
    pub(crate) fn session<'c>(&self, context: &'c Context) -> Result<Session<'c>> {
        context.session(&self.network)
    }

    /// Opens the store or registry that holds `location`, reads the documents of the ModelKit, and returns
    /// the number of its layers to read at the same time. Fails if a policy does not allow the ModelKit.
    pub(crate) fn open(&self, context: &Context, location: &Location) -> Result<(Located, Inspected, Jobs)> {
        self.open_admitted(context, location, ops::admit_to_read)
    }

    /// Opens a ModelKit like [`open`](Self::open) to write its files, so that a policy also judges their content.
    pub(crate) fn open_to_write(&self, context: &Context, location: &Location) -> Result<(Located, Inspected, Jobs)> {
        self.open_admitted(context, location, ops::admit)
    }

    fn open_admitted(
        &self,
        context: &Context,
        location: &Location,
        admit: impl FnOnce(&Session<'_>, &Located) -> Result<(), ops::Error>,
    ) -> Result<(Located, Inspected, Jobs)> {
        let session = context.session(&self.network)?;
        let found = session.find(location, self.lookup.place())?;
        report_local_store(context, location, &found);
        admit(&session, &found)?;
        let inspected = ops::inspect(&found)?;
        Ok((found, inspected, session.jobs_to_read(location)))
    }
}
