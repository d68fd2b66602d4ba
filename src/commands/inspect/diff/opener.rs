//! Opens what a command compares: ModelKits, folders and lock files.

use std::path::Path;

use anyhow::Result;

use crate::arguments::folder::{is_folder, is_path, packing};
use crate::arguments::{always_report_local_store, lock_file, report_local_store};
use crate::context::Context;
use crate::output::{tidy, usage};
use kit_core::ops::{self, Comparable, Location, Lookup, Session};

/// Opens the sides of a comparison.
pub(crate) struct Opener<'a> {
    pub(crate) context: &'a Context,
    pub(crate) session: &'a Session<'a>,
    /// True if names with a registry are looked up there first.
    pub(crate) is_remote: bool,
    /// True if the exit code of the command is an answer.
    pub(crate) is_answer: bool,
}

impl Opener<'_> {
    /// The number of layers or files of `names` to read at the same time.
    pub(crate) fn jobs(&self, names: [&str; 2]) -> usize {
        let names = names.map(|text| text.split_once("://").map_or(text, |(_, name)| name));
        let locations = names.into_iter().filter_map(|name| self.context.location(name).ok());
        locations.map(|location| self.session.jobs_to_read(&location).small).max().unwrap_or_else(ops::jobs)
    }

    /// Opens the ModelKit, folder or lock that `text` names.
    pub(crate) fn open(&self, text: &str) -> Result<Comparable> {
        let Self { context, session, .. } = self;
        let (place, text) = match (text.strip_prefix("local://"), text.strip_prefix("remote://")) {
            (Some(rest), _) => (Some(Lookup::Local), rest),
            (_, Some(rest)) => (Some(Lookup::Remote), rest),
            _ => (None, text),
        };
        let path = context.environment.absolute(text.as_ref());
        if place.is_none() && is_lock(text, &path) {
            return Ok(Comparable::Lock(lock_file::read(&path, text)?));
        }
        if place.is_none() && is_folder(session, text, &path) {
            return Ok(Comparable::Folder(Box::new(packing(path, text.as_ref())?)));
        }
        if (is_path(text) || text.ends_with("Kitfile.lock")) && !path.exists() {
            return Err(usage(format!("`{}` does not exist", tidy(Path::new(text)))));
        }
        let location = context.location(text)?;
        let found = session.find(&location, place.unwrap_or_else(|| self.place(&location)))?;
        ops::admit_to_read(session, &found)?;
        if place.is_none() {
            // A script that asks for an answer needs to know that it may be about an old version.
            let must_be_seen = self.is_answer && context.output.prints_digests_only();
            let report = if must_be_seen { always_report_local_store } else { report_local_store };
            report(context, &location, &found);
        }
        Ok(Comparable::ModelKit(found))
    }

    /// The places to look for a name without a prefix in. A name without a registry is in the local store.
    fn place(&self, location: &Location) -> Lookup {
        let has_registry = matches!(location, Location::Artifact(reference) if !reference.is_local());
        if self.is_remote && has_registry { Lookup::Remote } else { Lookup::Anywhere }
    }
}

fn is_lock(text: &str, path: &Path) -> bool {
    path.is_file() && (is_path(text) || path.extension().is_some_and(|extension| extension == "lock"))
}
