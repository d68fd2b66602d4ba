//! The question which ModelKits are recalled.

use super::mentions::Mention;
use crate::digest::Digest;
use crate::oci::{Descriptor, MediaType, Reference, Source};
use crate::ops::error::{Error, reason};
use crate::ops::session::Session;
use crate::ops::trust::{Recalled, Recaller, recalls, warn_of_recall};
use crate::ops::workers;
use crate::progress::Warning;
use crate::registry;
use crate::trust::policy::Name;

/// The ModelKits that are asked about, and the places to look in.
#[derive(Debug)]
pub struct RecallQuestion<'a> {
    /// The mentions.
    pub mentions: &'a [Mention],
    /// The repositories in which every digest is looked for as well.
    pub repositories: &'a [Reference],
    /// Keys whose recalls count, beside those of policies.
    pub recallers: &'a [Recaller],
    /// The number of questions that are asked at the same time.
    pub jobs: usize,
}

/// The answer for one mention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecallAnswer {
    /// The mention.
    pub mention: Mention,
    /// The digest, if it is known.
    pub digest: Option<Digest>,
    /// The recalls, each with the repository that has it.
    pub recalls: Vec<(String, Recalled)>,
    /// The reasons why it is not known in some repository if it is recalled.
    pub problems: Vec<String>,
}

/// The verdict about one mention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecallVerdict {
    /// A recall counts.
    Recalled,
    /// There is no recall that counts.
    NotRecalled,
    /// That could not be found out.
    Unknown,
}

impl RecallAnswer {
    /// The verdict.
    pub fn verdict(&self) -> RecallVerdict {
        if self.recalls.iter().any(|(_, recalled)| recalled.counts()) {
            return RecallVerdict::Recalled;
        }
        if self.problems.is_empty() { RecallVerdict::NotRecalled } else { RecallVerdict::Unknown }
    }
}

/// Asks the registries which of the mentioned ModelKits are recalled. A registry that fails is a part of the answer.
pub fn recalled(session: &Session<'_>, asked: &RecallQuestion<'_>) -> Result<Vec<RecallAnswer>, Error> {
    workers::run(asked.jobs, asked.mentions, |mention| answer(session, asked, mention))
}

/// Reads the recalls of versions in a repository of a registry, each with its digest and a title, and warns of them.
/// `None` if the referrers of a version cannot be listed, which is a warning as well.
pub fn recalls_of_versions(
    session: &Session<'_>,
    repository: &Reference,
    versions: &[(Digest, String)],
    jobs: usize,
) -> Result<Vec<Option<Vec<Recalled>>>, Error> {
    let (source, name) = (session.client.repository(repository), Name::of(repository));
    let read = workers::run(jobs, versions, |(digest, _)| {
        // A list of referrers needs the digest only.
        let subject = Descriptor::new(MediaType::IMAGE_MANIFEST, *digest, 0);
        match recalls(session, (&source as &dyn Source, &subject), std::slice::from_ref(&name), &[]) {
            Err(error @ Error::Policy(_)) => Err(error),
            read => Ok(read),
        }
    })?;
    let named = read.into_iter().zip(versions);
    let report = |(read, (digest, title)): (Result<Vec<Recalled>, Error>, &(Digest, String))| match read {
        Ok(recalls) => {
            for recalled in &recalls {
                warn_of_recall(session.progress, title, recalled);
            }
            Some(recalls)
        }
        Err(error) => {
            let (subject, reason) = (*digest, reason(&error));
            session.progress.warn(&Warning::ReferrersUnreadable { what: "recalls", subject, reason });
            None
        }
    };
    Ok(named.map(report).collect())
}

fn answer(session: &Session<'_>, asked: &RecallQuestion<'_>, mention: &Mention) -> Result<RecallAnswer, Error> {
    let digest = mention.digest();
    let mut answer = RecallAnswer { mention: mention.clone(), digest, recalls: Vec::new(), problems: Vec::new() };
    let own = mention.reference.as_ref();
    let mut is_found = false;
    if !mention.is_known() {
        answer.problems.push("it is neither a digest nor a name with a registry".to_owned());
        return Ok(answer);
    }
    if let Some(reference) = own {
        is_found |= answer.ask(session, asked, reference)?;
    }
    // The ModelKit may run from a copy of the repository that has the notice.
    for repository in asked.repositories {
        let is_own = own.is_some_and(|own| own.full_repository() == repository.full_repository());
        if let Some(digest) = answer.digest.filter(|_| !is_own) {
            is_found |= answer.ask(session, asked, &repository.without_selector().with_digest(digest))?;
        }
    }
    if !is_found && answer.problems.is_empty() {
        answer.problems.push(if own.is_none() && asked.repositories.is_empty() {
            "the digest has no repository; name those to look in".to_owned()
        } else {
            "no repository that was asked has it".to_owned()
        });
    }
    Ok(answer)
}

impl RecallAnswer {
    /// Asks one repository. Returns false if it does not have the manifest.
    fn ask(&mut self, session: &Session<'_>, asked: &RecallQuestion<'_>, reference: &Reference) -> Result<bool, Error> {
        let repository = session.client.repository(reference);
        let selector = reference.selector().unwrap_or_else(|| "latest".to_owned());
        // A mirror may not have the newest notices.
        let subject = match repository.resolve_at_registry(&selector) {
            Ok(subject) => subject,
            Err(registry::Error::NotFound { .. }) => return Ok(false),
            Err(error) => {
                self.problems.push(format!("{}: {}", reference.full_repository(), reason(&Error::from(error))));
                return Ok(true);
            }
        };
        self.digest = Some(subject.digest);
        let name = Name::of(reference);
        match recalls(session, (&repository as &dyn Source, &subject), std::slice::from_ref(&name), asked.recallers) {
            Ok(found) => {
                self.recalls.extend(found.into_iter().map(|recalled| (reference.full_repository(), recalled)));
            }
            Err(error @ Error::Policy(_)) => return Err(error),
            Err(error) => self.problems.push(format!("{}: {}", reference.full_repository(), reason(&error))),
        }
        Ok(true)
    }
}
