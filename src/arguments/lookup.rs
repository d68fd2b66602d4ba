//! The choice between the local store and the registry, for commands that read a ModelKit.

use clap::Args;

use crate::context::Context;
use kit_core::ops::{Located, Location, Lookup};
use kit_core::progress::{Event, Progress};

/// The place to read a ModelKit from.
#[derive(Debug, Args)]
pub(crate) struct LookupArgs {
    /// Read from the registry, even if the ModelKit is in the local store
    #[arg(short, long)]
    remote: bool,
}

impl LookupArgs {
    /// The places to look in.
    pub(crate) fn place(&self) -> Lookup {
        if self.remote { Lookup::Remote } else { Lookup::Anywhere }
    }
}

/// Reports that `found` was read from the local store, if a registry could have another version of `location` by now.
pub(crate) fn report_local_store(context: &Context, location: &Location, found: &Located) {
    if may_be_outdated(location, found) {
        context.bars.report(&Event::FromLocalStore { name: &found.title });
    }
}

/// Like [`report_local_store`], but despite --quiet too, for a result that serves as evidence.
pub(crate) fn always_report_local_store(context: &Context, location: &Location, found: &Located) {
    if may_be_outdated(location, found) {
        context.output.report_always(&Event::FromLocalStore { name: &found.title });
    }
}

fn may_be_outdated(location: &Location, found: &Located) -> bool {
    let Location::Artifact(reference) = location else { return false };
    !found.is_remote && !reference.is_local() && reference.digest.is_none()
}
