//! Judging a remote dataset, which is not a part of the ModelKit that refers to it.

use std::io::Read;

use super::content::scan_options;
use super::judged::{Applied, Judged, enforce, judgement};
use crate::ops::error::Error;
use crate::ops::scan::scan_one;
use crate::ops::session::{Located, Session};
use crate::ops::trust::facts::content_of;
use crate::trust::policy::{ContentFacts, DocumentFacts, Rule, evaluate_content};

/// Fails if a policy for the ModelKit that was found does not allow the content of the remote dataset at `path`, which
/// `open` fetches. Without `open` the content is not known in advance: the file that is fetched later may be another.
pub(crate) fn admit_remote_file<'r>(
    session: &Session<'_>,
    found: &Located,
    path: &str,
    open: Option<impl FnOnce() -> Result<Box<dyn Read + Send + 'r>, Error>>,
) -> Result<(), Error> {
    let applied = Applied::to(session.policies.load()?, &found.policy_names);
    let reading: Vec<_> = applied
        .iter()
        .filter_map(|applied| Some((applied, applied.rule().filter(|rule| rule.reads_content())?)))
        .collect();
    if reading.is_empty() {
        return Ok(());
    }
    let content = if let Some(open) = open {
        let scanned = scan_one(&mut open()?, path, &scan_options(session));
        content_of(scanned.map_err(|error| Error::reading(&format!("dataset {path}"), error.into()))?)
    } else {
        let reason = "the remote dataset has no digest, so that another file may be downloaded than the one checked";
        ContentFacts { unread: vec![(path.to_owned(), reason.to_owned())], ..ContentFacts::default() }
    };
    // Signed scans are about the ModelKit, not about what it refers to.
    let facts = DocumentFacts::at(session.policies.time());
    let judge = |(applied, rule): &(&Applied<'_>, &Rule)| Judged {
        verdict: evaluate_content(rule, &facts, &content),
        ..judgement(applied, None)
    };
    let judged: Vec<_> = reading.iter().map(judge).collect();
    enforce(session, &found.title, judged.iter())
}
