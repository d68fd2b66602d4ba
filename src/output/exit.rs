//! The exit codes, and the code of each error. This is the only place that decides it.
//!
//! Most errors of `kit_core` forward the source of the error inside them (`#[error(transparent)]`), so the chain of
//! causes does not contain the inner error itself. The functions here therefore look into these variants.

use std::fmt;
use std::io;

use super::report::{ExitWithTrouble, Usage};
use super::template::InvalidTemplate;
use kit_core::archive;
use kit_core::digest::Mismatch;
use kit_core::git;
use kit_core::oci::ContentError;
use kit_core::ops::{self, AttachmentError, BundleError, EvaluationError, ImportError, IndexError, RemoteDataError};
use kit_core::registry;
use kit_core::store;
use kit_core::upstream::{self, hub, lfs, mlflow};

/// The exit code of a command that failed. docs/reference/exit-codes.md describes each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    /// Any failure without a code of its own.
    Failed = 1,
    /// Wrong usage.
    Usage = 2,
    /// Compared objects differ, or content could not be verified.
    Differs = 3,
    /// A ModelKit, tag, repository, file or folder does not exist.
    NotFound = 4,
    /// Credentials are missing, were refused, or do not permit the request.
    Credentials = 5,
    /// The network or the registry failed in a way that can pass, or another process used the store for too long.
    Network = 6,
    /// A precondition does not hold, such as the digest that a tag is expected to have.
    Precondition = 7,
    /// A guard refused: a flag or a change of policy permits it.
    Refused = 8,
}

/// A failure of a command itself, with its exit code.
#[derive(Debug)]
pub(crate) struct Failure(Code, String);

impl Failure {
    /// Creates an error with the exit code `code`.
    pub(crate) fn error(code: Code, message: impl Into<String>) -> anyhow::Error {
        Self(code, message.into()).into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1)
    }
}

impl std::error::Error for Failure {}

/// Returns the exit code for `error`: the code of its outermost cause that has one.
///
/// If code 1 of the command is an answer, as with `kit diff --exit-code`, another failure has code 2, as in diff(1).
pub(super) fn code(error: &anyhow::Error) -> Code {
    if error.is::<Usage>() {
        return Code::Usage;
    }
    match error.chain().find_map(of_cause) {
        None | Some(Code::Failed) if error.is::<ExitWithTrouble>() => Code::Usage,
        code => code.unwrap_or(Code::Failed),
    }
}

fn of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<Code> {
    if let Some(Failure(code, _)) = cause.downcast_ref() {
        return Some(*code);
    }
    if cause.is::<Usage>() || cause.is::<InvalidTemplate>() {
        return Some(Code::Usage);
    }
    if cause.is::<Mismatch>() {
        return Some(Code::Differs);
    }
    // A source in a box is the box itself.
    if let Some(boxed) = cause.downcast_ref::<Box<ops::Error>>() {
        return of_operation(boxed);
    }
    if let Some(boxed) = cause.downcast_ref::<Box<registry::Error>>() {
        return of_registry(boxed);
    }
    if let Some(boxed) = cause.downcast_ref::<Box<ContentError>>() {
        return of_content(boxed);
    }
    cause
        .downcast_ref()
        .and_then(of_operation)
        .or_else(|| cause.downcast_ref().and_then(of_bundle))
        .or_else(|| cause.downcast_ref().and_then(of_import))
        .or_else(|| cause.downcast_ref().and_then(of_attachment))
        .or_else(|| cause.downcast_ref().and_then(of_evaluation))
        .or_else(|| cause.downcast_ref().and_then(of_index))
        .or_else(|| cause.downcast_ref().and_then(of_remote_data))
        .or_else(|| cause.downcast_ref().and_then(of_archive))
        .or_else(|| cause.downcast_ref().and_then(of_store))
        .or_else(|| cause.downcast_ref().and_then(of_content))
        .or_else(|| cause.downcast_ref().and_then(of_registry))
        .or_else(|| cause.downcast_ref().and_then(of_hub))
        .or_else(|| cause.downcast_ref().and_then(of_lfs))
        .or_else(|| cause.downcast_ref().and_then(of_mlflow))
        .or_else(|| cause.downcast_ref().and_then(of_upstream))
        .or_else(|| cause.is::<git::Error>().then_some(Code::Failed))
        .or_else(|| cause.downcast_ref().and_then(of_io))
}

fn of_attachment(error: &AttachmentError) -> Option<Code> {
    match error {
        AttachmentError::NoSuchReferrer { .. } => Some(Code::NotFound),
        AttachmentError::Read(error) => of_io(error),
        AttachmentError::Ambiguous(_) => Some(Code::Usage),
        AttachmentError::Operation(error) => of_operation(error),
        AttachmentError::Write(error) => of_archive(error),
        _ => None,
    }
}

fn of_evaluation(error: &EvaluationError) -> Option<Code> {
    match error {
        EvaluationError::NotOneDataset { count: 0, .. } => Some(Code::NotFound),
        EvaluationError::Operation(error) => of_operation(error),
        _ => None,
    }
}

fn of_operation(error: &ops::Error) -> Option<Code> {
    match error {
        ops::Error::NotHere { .. }
        | ops::Error::NoSuchFile(_)
        | ops::Error::NotADirectory(_)
        | ops::Error::NoFolder(_)
        | ops::Error::NoSuchReference(_)
        | ops::Error::NothingMatches { .. }
        | ops::Error::NoPathMatches { .. }
        | ops::Error::NoPathMatchesEither { .. }
        | ops::Error::NotPromoted { .. }
        | ops::Error::FirstPromotion { .. } => Some(Code::NotFound),
        ops::Error::NoRegistry(_) => Some(Code::Usage),
        ops::Error::Drift(_) => Some(Code::Differs),
        // Not the code of a missing file or of a registry: the policy could not be asked, or refuses.
        ops::Error::Policy(_) => Some(Code::Failed),
        ops::Error::TagMoved { .. } | ops::Error::MovedUnrecorded { .. } | ops::Error::OtherDigest { .. } => {
            Some(Code::Precondition)
        }
        ops::Error::Secrets(_)
        | ops::Error::Empty(_)
        | ops::Error::SkillExists
        | ops::Error::OtherTags { .. }
        | ops::Error::OnlyWholeRemoval { .. } => Some(Code::Refused),
        ops::Error::Archive(error) => of_archive(error),
        ops::Error::Index(error) => of_index(error),
        ops::Error::RemoteData(error) => of_remote_data(error),
        ops::Error::Upstream(error) => of_upstream(error),
        ops::Error::Store(error) => of_store(error),
        ops::Error::Registry(error) => of_registry(error),
        ops::Error::Io(error) => of_io(error),
        _ => None,
    }
}

fn of_bundle(error: &BundleError) -> Option<Code> {
    match error {
        BundleError::Exists(_) | BundleError::OtherFile(_) => Some(Code::Refused),
        BundleError::Operation(error) => of_operation(error),
        BundleError::Store(error) => of_store(error),
        BundleError::Io(error) => of_io(error),
        _ => None,
    }
}

fn of_import(error: &ImportError) -> Option<Code> {
    match error {
        ImportError::NotInRepository(_) => Some(Code::NotFound),
        ImportError::Git(_) => Some(Code::Failed),
        ImportError::Lfs(error) => of_lfs(error),
        ImportError::Mlflow(error) => of_mlflow(error),
        ImportError::Archive(error) => of_archive(error),
        ImportError::Upstream(error) => of_upstream(error),
        ImportError::Operation(error) => of_operation(error),
        ImportError::Store(error) => of_store(error),
        ImportError::Io(error) => of_io(error),
        _ => None,
    }
}

fn of_index(error: &IndexError) -> Option<Code> {
    match error {
        IndexError::NoVariant { .. }
        | IndexError::NotInIndex { .. }
        | IndexError::MemberNotHere(_)
        | IndexError::NotHere(_)
        | IndexError::Incomplete { .. }
        | IndexError::Rejected { .. } => Some(Code::NotFound),
        IndexError::NameTaken(_) => Some(Code::Refused),
        _ => None,
    }
}

fn of_remote_data(error: &RemoteDataError) -> Option<Code> {
    match error {
        RemoteDataError::ReadRemote { .. } => None,
        _ => Some(Code::Differs),
    }
}

fn of_archive(error: &archive::Error) -> Option<Code> {
    match error {
        archive::Error::MissingPath { .. } => Some(Code::NotFound),
        archive::Error::LinkLeavesContext { .. }
        | archive::Error::Refused { .. }
        | archive::Error::UnsafePath { .. }
        | archive::Error::LinkInTarget { .. }
        | archive::Error::Conflicts(_) => Some(Code::Refused),
        _ => None,
    }
}

fn of_store(error: &store::Error) -> Option<Code> {
    match error {
        // A missing file of the store is damage, and not a wrong name.
        store::Error::Io { .. } => Some(Code::Failed),
        store::Error::Locked { .. } | store::Error::InUse(_) => Some(Code::Network),
        _ => None,
    }
}

fn of_content(error: &ContentError) -> Option<Code> {
    match error {
        ContentError::NotFound(_) => Some(Code::NotFound),
        ContentError::Unauthorized(inner) | ContentError::Denied(inner) => {
            of_cause(&**inner).or(Some(Code::Credentials))
        }
        ContentError::Mismatch(_) => Some(Code::Differs),
        ContentError::Io(error) => of_io(error),
        ContentError::Other(inner) => of_cause(&**inner),
    }
}

fn of_registry(error: &registry::Error) -> Option<Code> {
    match error {
        registry::Error::NoCredentials { .. }
        | registry::Error::NoChallenge { .. }
        | registry::Error::Unauthorized { .. }
        | registry::Error::Denied { .. }
        | registry::Error::UnsafeRealm { .. }
        | registry::Error::Unencrypted { .. }
        | registry::Error::CredentialFile { .. }
        | registry::Error::HelperMissing { .. }
        | registry::Error::Helper { .. }
        | registry::Error::ProxyCredentials { .. }
        | registry::Error::ProxyRefused { status: 403, .. }
        | registry::Error::Profile(_) => Some(Code::Credentials),
        registry::Error::NotFound { .. } => Some(Code::NotFound),
        registry::Error::Mismatch(_) => Some(Code::Differs),
        registry::Error::Content(error) => of_content(error),
        registry::Error::Proxy { .. } => Some(Code::Usage),
        registry::Error::Unfinished { .. } => Some(Code::Network),
        error if error.is_temporary() => Some(Code::Network),
        _ => Some(Code::Failed),
    }
}

fn of_upstream(error: &upstream::Error) -> Option<Code> {
    match error {
        upstream::Error::Hub(error) => of_hub(error),
        upstream::Error::Io(error) => of_io(error),
    }
}

fn of_hub(error: &hub::Error) -> Option<Code> {
    match error {
        hub::Error::Gated { .. } | hub::Error::TokenRefused { .. } => Some(Code::Credentials),
        hub::Error::NoRepository { .. } | hub::Error::NoRevision { .. } => Some(Code::NotFound),
        hub::Error::WrongAnswer { .. } => Some(Code::Failed),
        hub::Error::HttpService(error) => of_registry(error),
    }
}

fn of_lfs(error: &lfs::Error) -> Option<Code> {
    match error {
        lfs::Error::Locked { .. } => Some(Code::Credentials),
        lfs::Error::Missing { .. } => Some(Code::NotFound),
        lfs::Error::OtherHost { .. } => Some(Code::Refused),
        lfs::Error::WrongAnswer { .. } | lfs::Error::BadAddress { .. } => Some(Code::Failed),
        lfs::Error::HttpService(error) => of_registry(error),
    }
}

fn of_mlflow(error: &mlflow::Error) -> Option<Code> {
    match error {
        mlflow::Error::Refused { .. } => Some(Code::Credentials),
        mlflow::Error::NoFiles(_) => Some(Code::NotFound),
        _ => None,
    }
}

/// The code of an I/O error, or of the error inside it.
fn of_io(error: &io::Error) -> Option<Code> {
    let inner: Option<&(dyn std::error::Error + 'static)> = error.get_ref().map(|inner| inner as _);
    let is_missing = error.kind() == io::ErrorKind::NotFound;
    inner.and_then(of_cause).or_else(|| is_missing.then_some(Code::NotFound))
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::super::report::usage;
    use super::*;

    const ALL: [Code; 8] = [
        Code::Failed,
        Code::Usage,
        Code::Differs,
        Code::NotFound,
        Code::Credentials,
        Code::Network,
        Code::Precondition,
        Code::Refused,
    ];

    fn status(status: u16) -> registry::Error {
        let (host, attempt) = ("kit.example".to_owned(), "push".to_owned());
        registry::Error::Status { host, attempt, status, retry_after: None, source: None }
    }

    fn unauthorized() -> registry::Error {
        registry::Error::Unauthorized { registry: "kit.example".to_owned(), source: None }
    }

    fn written(source: impl Into<ContentError>) -> ops::Error {
        ops::Error::Write { what: "a layer".to_owned(), source: source.into() }
    }

    fn parent(source: ContentError) -> ops::Error {
        ops::Error::Parent { reference: "base:v1".to_owned(), source: Box::new(written(source)) }
    }

    fn gave_up(source: registry::Error) -> registry::Error {
        registry::Error::GaveUp { attempts: 6, seconds: 10, source: Box::new(source) }
    }

    #[test]
    fn the_cause_of_a_failure_decides_its_exit_code() {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let in_io = |error: ContentError| ops::Error::Io(io::Error::from(error));
        let cases: [(anyhow::Error, Code); 23] = [
            (anyhow::anyhow!("any"), Code::Failed),
            (usage("a flag"), Code::Usage),
            (Failure::error(Code::Differs, "they differ"), Code::Differs),
            (ops::Error::Drift(Vec::new()).into(), Code::Differs),
            (missing().into(), Code::NotFound),
            (ContentError::NotFound("kit.example/a:v1".to_owned()).into(), Code::NotFound),
            (in_io(ContentError::NotFound("kit.example/a:v1".to_owned())).into(), Code::NotFound),
            (unauthorized().into(), Code::Credentials),
            (written(unauthorized()).into(), Code::Credentials),
            (in_io(unauthorized().into()).into(), Code::Credentials),
            (hub::Error::HttpService(unauthorized()).into(), Code::Credentials),
            (written(status(503)).into(), Code::Network),
            (written(status(413)).into(), Code::Failed),
            (ImportError::from(ops::Error::from(status(429))).into(), Code::Network),
            (parent(ContentError::NotFound("base:v1".to_owned())).into(), Code::NotFound),
            (gave_up(status(503)).into(), Code::Network),
            (BundleError::Exists("a.tar".into()).into(), Code::Refused),
            (BundleError::OtherFile("a.tar".into()).into(), Code::Refused),
            (ops::Error::from(archive::Error::Conflicts(Vec::new())).into(), Code::Refused),
            (store::Error::from(missing()).into(), Code::Failed),
            (git::Error::NotThere(missing()).into(), Code::Failed),
            (anyhow::Error::from(status(502)).context(ExitWithTrouble("cannot compare".to_owned())), Code::Network),
            (anyhow::anyhow!("any").context(ExitWithTrouble("cannot compare".to_owned())), Code::Usage),
        ];
        for (error, expected) in cases {
            assert_eq!(code(&error), expected, "{error:?}");
            let with_context = Err::<(), _>(error).context("an attempt").unwrap_err();
            assert_eq!(code(&with_context), expected, "{with_context:?}");
        }
    }

    #[test]
    fn the_reference_describes_every_code() {
        let reference = include_str!("../../docs/reference/exit-codes.md");
        for code in ALL {
            assert!(reference.contains(&format!("\n| {} | ", code as u8)), "{code:?}");
        }
    }
}
