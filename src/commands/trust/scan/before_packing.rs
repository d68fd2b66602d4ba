//! `kit pack --scan`

use anyhow::Result;

use super::lines;
use crate::config::{Config, NetworkArgs};
use crate::context::Context;
use crate::output::{Code, Failure, counted};
use kit_core::modelkit::Selection;
use kit_core::ops::{self, FolderFiles, PackOptions, ScanOptions, ScannedFolder, Session};
use kit_core::scan::{Level, Rules};

/// Scans the files that `options` would pack. Findings are reported; fails if one has the level high.
pub(crate) fn scan_before_packing(
    context: &Context,
    session: &Session<'_>,
    network: &NetworkArgs,
    options: &PackOptions,
) -> Result<()> {
    let config = Config::read(network, &context.environment)?;
    let scanning = ScanOptions {
        rules: Rules { allowed_globals: config.allowed_globals().to_vec() },
        selection: Selection::default(),
        jobs: options.jobs,
        scratch: session.store.root().to_owned(),
    };
    let (path, kitfile) = (options.context.clone(), Some(options.kitfile.clone()));
    let folder = ScannedFolder { path, kitfile, links: options.links, files: FolderFiles::All };
    let scanned = ops::scan_folder(&folder, &options.context.display().to_string(), &scanning, &context.bars)?;
    for line in lines::render(&scanned).lines() {
        context.output.warn(line);
    }
    match scanned.count(Level::High) {
        0 => Ok(()),
        count => {
            let findings = counted(count, "finding");
            Err(Failure::error(Code::Refused, format!("the scan has {findings} of level high; nothing was packed")))
        }
    }
}
