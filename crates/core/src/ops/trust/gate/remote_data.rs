//! Judging a remote dataset, which is not a part of the ModelKit that refers to it.

use std::path::Path;

use super::content::scan_options;
use super::judged::{Applied, Judged, enforce, judgement};
use crate::ops::error::Error;
use crate::ops::remote_data::RemoteFile;
use crate::ops::scan::scan_one;
use crate::ops::session::{Located, Session};
use crate::ops::trust::facts::content_of;
use crate::trust::policy::{ContentFacts, DocumentFacts, Rule, evaluate_content};

/// Fails if a policy for the ModelKit that was found does not allow the content of `file`, which is fetched and
/// scanned, unless it is already in `folder`. Without a digest, the file that is fetched later may be another one.
pub(crate) fn admit_remote_file(
    session: &Session<'_>,
    found: &Located,
    file: &RemoteFile,
    folder: &Path,
) -> Result<(), Error> {
    let Some(name) = &found.policy_name else { return Ok(()) };
    let policies = session.policies.load()?;
    let applied: Vec<_> = policies.iter().filter_map(|policy| Applied::of(policy, name)).collect();
    let reading: Vec<_> = applied
        .iter()
        .filter_map(|applied| Some((applied, applied.rule().filter(|rule| rule.reads_content())?)))
        .collect();
    if reading.is_empty() {
        return Ok(());
    }
    let content = if file.digest.is_some() {
        let mut reader = file.reader(folder, session.progress)?;
        let scanned = scan_one(&mut reader, file.path.as_str(), &scan_options(session));
        content_of(scanned.map_err(|error| file.failed(error.into()))?)
    } else {
        let reason = "the remote dataset has no digest, so that another file may be downloaded than the one checked";
        ContentFacts { unread: vec![(file.path.to_string(), reason.to_owned())], ..ContentFacts::default() }
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
