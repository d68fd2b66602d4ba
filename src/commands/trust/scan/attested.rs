//! `kit attest --scan`

use anyhow::Result;
use serde_json::Value;

use crate::config::{Config, NetworkArgs};
use crate::context::Context;
use kit_core::modelkit::Selection;
use kit_core::ops::{self, Location, ScanOptions, Session, Signable};
use kit_core::scan::Rules;

/// The type of the predicate with the result of a scan.
const PREDICATE_TYPE: &str = "urn:kit:scan:v1";

/// Scans all files of the ModelKit at `location`, and returns the type of the predicate with the result, and the
/// predicate: the document of `kit scan`, and the time.
pub(crate) fn scan_to_attest(
    context: &Context,
    session: &Session<'_>,
    network: &NetworkArgs,
    signable: &Signable,
    location: &Location,
) -> Result<(String, Value)> {
    let config = Config::read(network, &context.environment)?;
    let root = session.store.root();
    let options = ScanOptions {
        rules: Rules { allowed_globals: config.allowed_globals().to_vec() },
        selection: Selection::default(),
        jobs: session.jobs_to_read(location).large,
        scratch: if root.is_dir() { root.to_owned() } else { std::env::temp_dir() },
    };
    let inspected = ops::inspect(&signable.found)?;
    let (source, name) = (&*signable.found.source, location.to_string());
    let mut predicate = ops::scan_modelkit(source, &inspected, &name, &options, &context.bars)?.to_json();
    predicate["time"] = context.environment.time.to_string().into();
    Ok((PREDICATE_TYPE.to_owned(), predicate))
}
